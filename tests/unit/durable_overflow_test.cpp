// A durable queue whose backlog outgrows its memory.
#include <gtest/gtest.h>

#include "support/durable_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class DurableOverflow : public DurableQueue {
 protected:
  [[nodiscard]] Queue make_small() {
    return make("q", {.message_bytes_max = 16u << 10,
                      .slots = 64,
                      .bytes_max = 64u << 10,
                      .log_segment_bytes = 64u << 10});
  }
  static Texts send(Queue& queue, int from, int to) {
    Texts sent;
    for (int i = from; i < to; ++i) {
      sent.push_back(std::to_string(i));
      EXPECT_TRUE(queue.send(sent.back())) << i;
    }
    return sent;
  }
};

constexpr int kMany = 800;

TEST_F(DurableOverflow, TakesMoreThanItsMemoryHolds) {
  Queue queue = make_small();
  const Texts sent = send(queue, 0, kMany);
  EXPECT_GT(queue.stats().beyond_memory, std::uint64_t{kMany / 2});
  EXPECT_EQ(drain(queue), sent);
  EXPECT_EQ(queue.stats().beyond_memory, 0u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST_F(DurableOverflow, SendsToTheRingAgainOnceTheBacklogIsEmpty) {
  Queue queue = make_small();
  static_cast<void>(send(queue, 0, kMany));
  EXPECT_EQ(drain(queue).size(), std::size_t{kMany});
  for (int round = 0; round < 3; ++round) {
    const Texts few = send(queue, 0, 50);
    EXPECT_EQ(queue.stats().beyond_memory, 0u);
    EXPECT_EQ(drain(queue), few);
    const Texts many = send(queue, 0, kMany);
    EXPECT_EQ(drain(queue), many);
  }
}

TEST_F(DurableOverflow, KeepsIdsTimesAttributesAndDelays) {
  Queue queue = make_small();
  const Texts sent = send(queue, 0, kMany);
  const Attribute colour[] = {{"colour", "red"}};
  const std::string large(10'000, 'L');
  const MessageId id = queue.send("beyond", {.attributes = colour}).value();
  ASSERT_TRUE(queue.send(large));
  ASSERT_TRUE(queue.send("late", {.delay = 10min}));
  auto loan = queue.loan(4).value();
  std::copy_n("loan", 4, reinterpret_cast<char*>(loan.bytes().data()));
  ASSERT_TRUE(queue.send(std::move(loan)));
  for (std::size_t i = 0; i < sent.size(); ++i) {
    auto got = queue.receive({.max_messages = 1}).value();
    ASSERT_EQ(got[0].text(), sent[i]);
    ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
  }
  auto got = queue.receive({.max_messages = 10}).value();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].text(), "beyond");
  EXPECT_EQ(got[0].id(), id);
  EXPECT_EQ(got[0].attributes().find("colour")->value, "red");
  EXPECT_EQ(got[0].receive_count(), 1u);
  EXPECT_EQ(got[0].dead_letter_source(), "");
  EXPECT_EQ(got[1].text(), large);
  EXPECT_EQ(got[2].text(), "loan");
  got.clear();
  EXPECT_EQ(queue.stats().delayed, 1u);
}

TEST_F(DurableOverflow, IsThereAfterAReboot) {
  Texts sent;
  {
    Queue queue = make_small();
    sent = send(queue, 0, kMany);
    for (int i = 0; i < 300; ++i) {
      ASSERT_EQ(queue.receive({.max_messages = 1}).value()[0].acknowledge(), Errc::kOk);
    }
    sent.erase(sent.begin(), sent.begin() + 300);
  }
  for (int i = 0; i < 3; ++i) {
    reboot();
    Queue queue = open();
    EXPECT_GT(queue.stats().beyond_memory, std::uint64_t{kMany / 2});
    const Texts more = send(queue, kMany + i, kMany + i + 1);
    sent.insert(sent.end(), more.begin(), more.end());
  }
  Queue queue = open();
  EXPECT_EQ(drain(queue), sent);
  EXPECT_EQ(queue.stats().beyond_memory, 0u);
}

TEST_F(DurableOverflow, KeepsTheLogOfWhatWaitsAndLetsTheRestGo) {
  {
    Queue queue = make_small();
    const Texts sent = send(queue, 0, kMany);
    EXPECT_EQ(drain(queue), sent);
    for (int round = 0; round < 40; ++round) {
      static_cast<void>(send(queue, 0, 100));
      EXPECT_EQ(drain(queue).size(), 100u);
      bus_->sweep();
    }
    EXPECT_LE(segments(), 10u);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{});
}

TEST_F(DurableOverflow, IsEmptyOncePurged) {
  {
    Queue queue = make_small();
    static_cast<void>(send(queue, 0, kMany));
    EXPECT_EQ(queue.purge().value(), std::uint64_t{kMany});
    EXPECT_EQ(drain(queue), Texts{});
    EXPECT_EQ(queue.stats().beyond_memory, 0u);
    ASSERT_TRUE(queue.send("after"));
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"after"});
}

TEST_F(DurableOverflow, IsDroppedPastItsRetention) {
  Queue queue = make_small();
  ASSERT_TRUE(queue.set({.retention = 1min}));
  static_cast<void>(send(queue, 0, kMany));
  clock_.advance(2min);
  ASSERT_TRUE(queue.send("young"));
  EXPECT_EQ(drain(queue), Texts{"young"});
  EXPECT_EQ(queue.stats().dropped_by_retention, std::uint64_t{kMany});
}

TEST_F(DurableOverflow, DoesNotHappenToAQueueThatNeverGrows) {
  Queue queue = make("q", {.slots = 64, .fixed = true});
  EXPECT_EQ(fill(queue), 64u);
}

TEST_F(DurableOverflow, IsSharedByAllParticipants) {
  Queue queue = make_small();
  Bus other = Bus::open("test", options()).value();
  Queue theirs = other.open_queue("q").value();
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE((i % 2 == 0 ? queue : theirs).send("x"));
  std::size_t got = 0;
  for (;;) {
    auto mine = queue.receive({.max_messages = 7});
    auto others = theirs.receive({.max_messages = 3});
    if (!mine && !others) break;
    for (auto* leases : {&mine, &others}) {
      if (!*leases) continue;
      got += (*leases)->size();
      for (Lease& lease : **leases) ASSERT_EQ(lease.acknowledge(), Errc::kOk);
    }
  }
  EXPECT_EQ(got, std::size_t{kMany});
}

}  // namespace
}  // namespace ringpost::test
