// Growth by chained rings, shrinking back, and queues that do not grow.
#include <gtest/gtest.h>

#include <fstream>

#include "support/corruption.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> texts;
  for (int i = from; i < to; ++i) texts.push_back(std::to_string(i));
  return texts;
}

void send_numbers(Queue& queue, int from, int to) {
  for (int i = from; i < to; ++i) ASSERT_TRUE(queue.send(std::to_string(i))) << i;
}

TEST(Growth, KeepsTheOrderAcrossRings) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  send_numbers(queue, 0, 5'000);
  EXPECT_GT(queue.stats().rings, 3u);
  EXPECT_EQ(queue.stats().visible, 5'000u);
  EXPECT_EQ(drain(queue), numbers(0, 5'000));
}

TEST(Growth, GoesOnWhileMessagesAreReceived) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  int sent = 0;
  int received = 0;
  for (int round = 1; round <= 60; ++round) {
    send_numbers(queue, sent, sent + round * 5);
    sent += round * 5;
    Leases leases;
    for (int i = 0; i < round * 4; ++i) {
      ASSERT_EQ(queue.receive(leases), Errc::kOk);
      EXPECT_EQ(leases.front().text(), std::to_string(received++));
      ASSERT_EQ(leases.front().acknowledge(), Errc::kOk);
    }
  }
  EXPECT_EQ(drain(queue), numbers(received, sent));
  EXPECT_EQ(test.findings(), "");
}

TEST(Growth, ShrinksBackToOneRingWhenTheQueueIsEmpty) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  send_numbers(queue, 0, 3'000);
  const std::size_t files = files_in(test.path("rings")).size();
  EXPECT_GT(files, 3u);
  static_cast<void>(drain(queue));
  EXPECT_EQ(queue.stats().rings, 1u);
  EXPECT_EQ(files_in(test.path("rings")).size(), 1u);
  send_numbers(queue, 0, 3'000);
  EXPECT_EQ(drain(queue), numbers(0, 3'000));
  EXPECT_EQ(test.findings(), "");
}

TEST(Growth, FindsAMessageInALaterRingAtOnceWhenAnOlderOneGoes) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  send_numbers(queue, 0, 65);  // one of them in the second ring
  Leases leases;
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(queue.receive(leases), Errc::kOk);
    ASSERT_EQ(leases.front().acknowledge(), Errc::kOk);
  }
  leases.clear();
  EXPECT_EQ(bodies(other), numbers(64, 65));
}

TEST(Growth, FindsAMessageInALaterRingWhenTwoOlderOnesGoAtOnce) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  send_numbers(queue, 0, 64 + 128 + 1);  // one of them in the third ring
  for (int i = 0; i < 64; ++i) ASSERT_EQ(other.acknowledge(receive_one(other)), Errc::kOk);
  {
    Leases held;  // of the second ring; the other participant closes the first one here
    ASSERT_EQ(other.receive(held), Errc::kOk);
    // Gone, but still being read: a ring with such a slot cannot be closed at the first look.
    ASSERT_EQ(other.acknowledge(held.front().receipt()), Errc::kOk);
    for (int i = 1; i < 128; ++i) ASSERT_EQ(other.acknowledge(receive_one(other)), Errc::kOk);
  }
  EXPECT_EQ(bodies(queue), numbers(192, 193));
}

TEST(Growth, UnmapsRingsThatAnotherProcessHasRetired) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .bytes_max = 1u << 20});
  Bus bus = Bus::open(TestBus::kName, test.options()).value();  // mappings of its own
  Queue producer = bus.open_queue("q").value();
  for (int round = 0; round < 20; ++round) {
    static_cast<void>(fill(producer));
    static_cast<void>(drain(queue));
  }
  std::ifstream maps("/proc/self/maps");
  int deleted = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(test.path("rings")) != std::string::npos && line.ends_with("(deleted)"))
      ++deleted;
  }
  EXPECT_LE(deleted, 8);
}

TEST(Growth, KeepsARingWhileAMessageOfItIsLeasedAndDropsItAfterwards) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10min, .slots = 64});
  send_numbers(queue, 0, 1);
  const Receipt first = receive_one(queue);
  send_numbers(queue, 1, 500);
  EXPECT_EQ(drain(queue), numbers(1, 500));
  EXPECT_GT(queue.stats().rings, 1u);
  EXPECT_EQ(queue.stats().in_flight, 1u);
  EXPECT_EQ(queue.acknowledge(first), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(queue.stats().rings, 1u);
  EXPECT_EQ(queue.acknowledge(first), Errc::kStaleReceipt);
}

TEST(Growth, LeavesTheBytesOfALeaseInHandWhenItsRingIsRetired) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .slots = 64});
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  send_numbers(queue, 0, 1);
  auto held = queue.receive().value();
  test.clock().advance(11s);
  send_numbers(queue, 1, 500);
  EXPECT_EQ(drain(other), numbers(0, 500));
  EXPECT_EQ(held.front().text(), "0");
  EXPECT_EQ(held.front().acknowledge(), Errc::kStaleReceipt);
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(Growth, IsSeenByOtherParticipantsWhateverTheyHadOpen) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  send_numbers(queue, 0, 100);
  send_numbers(other, 100, 200);
  send_numbers(queue, 200, 300);
  EXPECT_EQ(drain(other), numbers(0, 300));
  EXPECT_EQ(queue.stats().visible, 0u);
}

TEST(Growth, EndsAtTheLimitOfBytesWithFull) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .bytes_max = 512 * 1024});
  const std::size_t sent = fill(queue);
  EXPECT_GT(sent, 500u);
  EXPECT_EQ(code_of(queue.send("one more")), Errc::kFull);
  EXPECT_LE(queue.stats().memory_bytes, 512u * 1024 + 64 * 1024);
  EXPECT_EQ(drain(queue).size(), sent);
  EXPECT_GE(fill(queue), sent / 2);
}

TEST(Growth, NeverHappensToAFixedQueue) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  EXPECT_EQ(fill(queue), 64u);
  EXPECT_EQ(code_of(queue.send("one more")), Errc::kFull);
  EXPECT_EQ(queue.stats().rings, 1u);
  EXPECT_EQ(queue.stats().refused_full, 2u);
}

TEST(Growth, GivesEachRingNewNumbersForEver) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .bytes_max = 128 * 1024});
  for (int round = 0; round < 80; ++round) {  // more rings than the table has entries
    send_numbers(queue, 0, 65);
    ASSERT_EQ(drain(queue), numbers(0, 65)) << round;
    send_numbers(queue, 0, static_cast<int>(queue.stats().slots) + 1);
    ASSERT_GT(drain(queue).size(), 64u);
  }
  EXPECT_EQ(queue.stats().rings, 1u);
  EXPECT_EQ(test.findings(), "");
}

TEST(FixedQueue, HasRoomAgainAsSoonAsOneIsAcknowledged) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  EXPECT_EQ(fill(queue), 64u);
  auto received = queue.receive().value();
  EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(code_of(queue.send("y")), Errc::kOk);
  EXPECT_EQ(code_of(queue.send("z")), Errc::kFull);
}

TEST(FixedQueue, HasRoomForASenderThatWasIdleWhileOthersSentALot) {
  TestBus test;
  for (std::size_t before = 0; before <= 64; before += 4) {
    const std::string name = "q" + std::to_string(before);
    Queue queue = test.queue(name, {.slots = 64, .fixed = true});
    for (std::size_t i = 0; i < before; ++i) ASSERT_TRUE(queue.send("x"));
    Bus other_bus = test.attach();
    Queue other = other_bus.open_queue(name).value();
    EXPECT_EQ(drain(other).size(), before);
    for (int i = 0; i < 10'000; ++i) {
      ASSERT_TRUE(other.send("y"));
      ASSERT_EQ(drain(other).size(), 1u);
    }
    EXPECT_EQ(code_of(queue.send("z")), Errc::kOk) << before;
  }
}

TEST(FixedQueue, OfLeasedMessagesIsFull) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  EXPECT_EQ(fill(queue), 64u);
  for (int i = 0; i < 64; ++i) static_cast<void>(receive_one(queue));
  EXPECT_EQ(code_of(queue.send("y")), Errc::kFull);
  EXPECT_EQ(queue.stats().in_flight, 64u);
}

}  // namespace
}  // namespace ringpost::test
