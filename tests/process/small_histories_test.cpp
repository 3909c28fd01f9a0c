// A receipt in other hands, a releaser that dies, rings that others closed: small histories that
// random runs have shown to matter, each alone.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "process/history/body.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::rig {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSlots = 64;

class SmallHistory : public testing::TestWithParam<std::size_t> {
 protected:
  SmallHistory() { options_.shm_dir = scratch_.path("shm"); }

  /// A participant of its own with the queue.
  struct Member {
    Bus bus;
    Queue queue;
  };
  Member join(bool fixed = true) {
    QueueSettings settings;
    settings.slots = kSlots;
    settings.fixed = fixed;
    Bus bus = Bus::open("test", options_).value();
    Queue queue = bus.queue("work", settings).value();
    return {std::move(bus), std::move(queue)};
  }

  static std::vector<std::byte> body(std::uint64_t number, std::size_t bytes) {
    std::vector<std::byte> body(bytes);
    history::write_body(body, {1, number}, false);
    return body;
  }

  /// Every slot and many blocks are used again.
  static void use_everything_again(Queue& queue, std::size_t bytes) {
    for (std::uint64_t i = 0; i < 4 * kSlots; ++i) {
      ASSERT_TRUE(queue.send(body(1'000 + i, bytes)));
      auto received = queue.receive();
      ASSERT_TRUE(received);
      ASSERT_EQ(received->front().acknowledge(), Errc::kOk);
    }
  }

  static void take_and_acknowledge(Queue& queue, std::uint32_t receive_count) {
    auto received = queue.receive();
    ASSERT_TRUE(received);
    ASSERT_EQ(received->front().receive_count(), receive_count);
    ASSERT_EQ(received->front().acknowledge(), Errc::kOk);
  }

  /// In a process that is killed when it has done `work`, as a member that it is then.
  void in_a_process_that_is_killed(const std::function<bool(Queue&)>& work) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      Member member = join();
      if (!work(member.queue)) _exit(1);
      raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
  }

  static void expect_unchanged(Lease& lease) {
    const auto content = history::read_body(lease.body());
    ASSERT_TRUE(content) << "the bytes changed in hand";
    EXPECT_EQ(content->key.number, 1u);
  }

  const Scratch scratch_;
  BusOptions options_;
};

INSTANTIATE_TEST_SUITE_P(InlineAndBlock, SmallHistory, testing::Values(64, 3'000));

TEST_P(SmallHistory, AcknowledgeLeavesTheBytesToTheirReader) {
  Member reader = join();
  Member other = join();
  ASSERT_TRUE(other.queue.send(body(1, GetParam())));
  auto received = reader.queue.receive();
  ASSERT_TRUE(received);
  ASSERT_EQ(other.queue.acknowledge(received->front().receipt()), Errc::kOk);
  use_everything_again(other.queue, GetParam());
  expect_unchanged(received->front());
}

TEST_P(SmallHistory, AcknowledgeByTheReaderItselfLeavesItTheBytesToo) {
  Member reader = join();
  ASSERT_TRUE(reader.queue.send(body(1, GetParam())));
  auto received = reader.queue.receive();
  ASSERT_TRUE(received);
  ASSERT_EQ(reader.queue.acknowledge(received->front().receipt()), Errc::kOk);
  use_everything_again(reader.queue, GetParam());
  expect_unchanged(received->front());
}

TEST_P(SmallHistory, ReleaseAndRedeliveryLeaveTheBytesToTheirReader) {
  Member reader = join();
  Member other = join();
  ASSERT_TRUE(other.queue.send(body(1, GetParam())));
  auto received = reader.queue.receive();
  ASSERT_TRUE(received);
  ASSERT_EQ(other.queue.release(received->front().receipt()), Errc::kOk);
  take_and_acknowledge(other.queue, 2);
  use_everything_again(other.queue, GetParam());
  expect_unchanged(received->front());
}

TEST_P(SmallHistory, DeathOfWhoeverExtendedLeavesTheBytesToTheirReader) {
  Member reader = join();
  ASSERT_TRUE(reader.queue.send(body(1, GetParam())));
  auto received = reader.queue.receive();
  ASSERT_TRUE(received);
  const Receipt receipt = received->front().receipt();
  in_a_process_that_is_killed([&](Queue& queue) { return queue.extend(receipt, 1h) == Errc::kOk; });
  Member other = join();
  other.bus.sweep();
  // If the lease ended with whoever extended it, the message may be received again.
  if (auto again = other.queue.receive()) {
    ASSERT_EQ(again->front().acknowledge(), Errc::kOk);
  }
  use_everything_again(other.queue, GetParam());
  expect_unchanged(received->front());
}

TEST_P(SmallHistory, DelayOfAReleaseOutlivesTheReleaser) {
  Member other = join();
  ASSERT_TRUE(other.queue.send(body(1, GetParam())));
  in_a_process_that_is_killed([](Queue& queue) {
    auto received = queue.receive();
    return received && received->front().release(10min) == Errc::kOk;
  });
  EXPECT_EQ(other.bus.sweep().dead_participants, 1u);
  const auto received = other.queue.receive();
  ASSERT_FALSE(received) << "visible before the delay is over";
  EXPECT_EQ(received.error(), Errc::kEmpty);
}

TEST_P(SmallHistory, NewcomerFindsRoomOnARingThatIsManyLapsOld) {
  Member old = join();
  for (int round = 0; round < 100; ++round) use_everything_again(old.queue, GetParam());
  Member newcomer = join();
  ASSERT_TRUE(newcomer.queue.send(body(1, GetParam())));
  Member receiver = join();
  take_and_acknowledge(receiver.queue, 1);
}

TEST_P(SmallHistory, RingsThatOthersClosedAreNotTheEndOfTheQueue) {
  Member first = join(false);
  Member second = join(false);
  // Rings of 64, 128 and 256 slots; both members know all three.
  const std::uint32_t older = kSlots + 2 * kSlots;
  const std::uint32_t all = older + 10;
  for (std::uint64_t i = 1; i <= all; ++i) ASSERT_TRUE(first.queue.send(body(i, GetParam())));
  take_and_acknowledge(second.queue, 1);
  // The first member empties the two older rings and closes them.
  for (std::uint32_t i = 1; i < older + 3; ++i) take_and_acknowledge(first.queue, 1);
  for (std::uint32_t i = older + 3; i < all; ++i) take_and_acknowledge(second.queue, 1);
  EXPECT_EQ(second.queue.receive().error(), Errc::kEmpty);
}

}  // namespace
}  // namespace ringpost::rig
