// Deleting and recreating queues while others use them.
#include <gtest/gtest.h>

#include "client/member.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(DeleteQueue, RemovesItWithItsMessagesAndFiles) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
  ASSERT_TRUE(test.bus().delete_queue("q"));
  EXPECT_EQ(code_of(test.bus().open_queue("q")), Errc::kNotFound);
  EXPECT_TRUE(test.bus().queue_names().value().empty());
  EXPECT_TRUE(files_in(test.path("queues")).empty());
  EXPECT_TRUE(files_in(test.path("rings")).empty());
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
  EXPECT_EQ(test.findings(), "");
}

TEST(DeleteQueue, OfANameThatDoesNotExistSaysSo) {
  TestBus test;
  EXPECT_EQ(code_of(test.bus().delete_queue("q")), Errc::kNotFound);
  static_cast<void>(test.queue("q"));
  EXPECT_EQ(code_of(test.bus().delete_queue("q")), Errc::kOk);
  EXPECT_EQ(code_of(test.bus().delete_queue("q")), Errc::kNotFound);
}

TEST(DeleteQueue, LeavesOpenHandlesThatSayDeleted) {
  TestBus test;
  Queue queue = test.queue();
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  ASSERT_TRUE(other.send("x"));
  const Receipt receipt = receive_one(other);
  ASSERT_TRUE(test.bus().delete_queue("q"));
  for (Queue* each : {&queue, &other}) {
    EXPECT_EQ(code_of(each->send("x")), Errc::kDeleted);
    EXPECT_EQ(code_of(each->send_batch({})), Errc::kDeleted);
    EXPECT_EQ(code_of(each->loan(10)), Errc::kDeleted);
    EXPECT_EQ(code_of(each->receive()), Errc::kDeleted);
    EXPECT_EQ(each->acknowledge(receipt), Errc::kDeleted);
    EXPECT_EQ(each->release(receipt), Errc::kDeleted);
    EXPECT_EQ(each->extend(receipt, 1s), Errc::kDeleted);
    EXPECT_EQ(code_of(each->set({.delay = 1s})), Errc::kDeleted);
    EXPECT_EQ(code_of(each->purge()), Errc::kDeleted);
    EXPECT_EQ(each->name(), "q");
    EXPECT_TRUE(each->peek(10).empty());
  }
}

TEST(DeleteQueue, LeavesTheBytesOfALeaseInHand) {
  TestBus test;
  Queue queue = test.queue();
  const std::string body(5'000, 'x');
  ASSERT_TRUE(queue.send(body));
  ASSERT_TRUE(queue.send("short"));
  auto held = queue.receive({.max_messages = 2}).value();
  ASSERT_TRUE(test.bus().delete_queue("q"));
  Queue again = test.queue("q");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(again.send(std::string(5'000, 'y')));
  EXPECT_EQ(held[0].text(), body);
  EXPECT_EQ(held[1].text(), "short");
  EXPECT_EQ(held[0].acknowledge(), Errc::kDeleted);
  held.clear();
  static_cast<void>(drain(again));
  EXPECT_EQ(test.findings_after_sweep(), "");
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
}

TEST(DeleteQueue, LetsALoanInHandBeAbandoned) {
  TestBus test;
  Queue queue = test.queue();
  {
    Loan loan = queue.loan(500).value();
    ASSERT_TRUE(test.bus().delete_queue("q"));
    EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kDeleted);
  }
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
}

TEST(DeleteQueue, FreesTheNameAtOnceForAQueueThatKnowsNothingOfTheOldOne) {
  TestBus test;
  Queue old = test.queue("q", {.visibility_timeout = 5s});
  ASSERT_TRUE(old.send("old"));
  ASSERT_TRUE(test.bus().delete_queue("q"));
  Queue again = test.queue("q", {.visibility_timeout = 6s});
  EXPECT_EQ(code_of(again.receive()), Errc::kEmpty);
  ASSERT_TRUE(again.send("new"));
  EXPECT_EQ(code_of(old.receive()), Errc::kDeleted);
  EXPECT_EQ(drain(again), std::vector<std::string>{"new"});
  EXPECT_EQ(again.stats().sent, 1u);
}

TEST(DeleteQueue, ByOneOfManyAtOnceSucceedsOnce) {
  TestBus test;
  Queue queue = test.queue();
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(std::make_unique<Child>([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test.options()).value();
      line.tell("ready");
      static_cast<void>(line.hear());
      line.tell(name(code_of(bus.delete_queue("q"))));
    }));
  }
  for (auto& each : children) EXPECT_EQ(each->hear(), "ready");
  for (auto& each : children) each->tell("go");
  int deleted = 0;
  for (auto& each : children) {
    const std::string result = each->hear();
    deleted += result == "Ok" ? 1 : 0;
    EXPECT_TRUE(result == "Ok" || result == "NotFound") << result;
  }
  EXPECT_EQ(deleted, 1);
  EXPECT_TRUE(files_in(test.path("queues")).empty());
}

TEST(DeleteQueue, ThatWasBegunByTheDeadIsFinishedByWhoeverComesNext) {
  const auto begin_deletion = [](TestBus& test) {
    Queue queue = test.queue();
    ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
    // As far as a deleter gets that dies after its first step.
    auto mapping = client::Member::of(test.bus()).context().queues.open("q").value();
    mapping->header().state.store(static_cast<std::uint32_t>(queue::QueueState::kDeleted));
  };
  {
    TestBus test;
    begin_deletion(test);
    EXPECT_NE(test.findings().find("only by half"), std::string::npos);
    EXPECT_EQ(code_of(test.bus().open_queue("q")), Errc::kNotFound);
    EXPECT_TRUE(files_in(test.path("queues")).empty());
    EXPECT_TRUE(files_in(test.path("rings")).empty());
  }
  {
    TestBus test;
    begin_deletion(test);
    EXPECT_TRUE(test.bus().queue("q"));  // a new one
    EXPECT_EQ(test.findings(), "");
  }
  {
    TestBus test;
    begin_deletion(test);
    EXPECT_EQ(test.findings_after_sweep(), "");
    EXPECT_TRUE(files_in(test.path("queues")).empty());
    EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
  }
}

TEST(CreateQueue, ByManyProcessesAtOnceMakesOneQueue) {
  TestBus test;
  std::vector<std::unique_ptr<Child>> children;
  constexpr int kProcesses = 8;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<Child>([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test.options()).value();
      line.tell("ready");
      for (int round = 0; round < 20; ++round) {
        static_cast<void>(line.hear());
        Queue queue = bus.queue("q" + std::to_string(round), {.slots = 64}).value();
        require(bool{queue.send("x")}, "send");
        line.tell("sent");
      }
    }));
  }
  for (auto& each : children) EXPECT_EQ(each->hear(), "ready");
  for (int round = 0; round < 20; ++round) {
    for (auto& each : children) each->tell("go");
    for (auto& each : children) EXPECT_EQ(each->hear(), "sent");
    Queue queue = test.bus().open_queue("q" + std::to_string(round)).value();
    EXPECT_EQ(drain(queue).size(), static_cast<std::size_t>(kProcesses));
  }
  for (auto& each : children) EXPECT_EQ(each->finish(), 0);
  EXPECT_EQ(files_in(test.path("rings")).size(), 20u);
  EXPECT_TRUE(files_in(test.path("tmp")).empty());
  EXPECT_EQ(test.findings(), "");
}

}  // namespace
}  // namespace ringpost::test
