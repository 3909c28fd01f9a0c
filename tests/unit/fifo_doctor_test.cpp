// The doctor is silent about a FIFO queue in whatever state it is, and finds what is wrong with it.
#include <gtest/gtest.h>

#include "group/publish.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using ring::LeaseState;
using ring::LeaseWord;

class FifoDoctor : public ::testing::Test {
 protected:
  void send(std::string_view group, std::string_view body = "x") {
    ASSERT_TRUE(queue_.send(body, {.group = group}));
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.slots = 64, .fifo = true});
  RawRing raw_{test_.bus(), "q"};
};

TEST_F(FifoDoctor, FindsNothingWrongWithMessagesInEveryState) {
  const std::string large(5'000, 'x');
  for (int i = 0; i < 4; ++i) send("a", i % 2 == 0 ? "x" : large);
  for (const char* group : {"b", "c", "d"}) send(group, large);
  auto held = queue_.receive({.max_messages = 3}).value();  // all of one group
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(held[1].acknowledge(), Errc::kOk);  // behind one that is in flight
  EXPECT_EQ(test_.findings(), "");
  auto other = queue_.receive({.max_messages = 2}).value();
  EXPECT_EQ(other[0].release(), Errc::kOk);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(held[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(FifoDoctor, FindsNothingWrongWithAClaimThatConsumersHaveGonePast) {
  const std::uint64_t position = raw_.claim();
  send("a");
  EXPECT_EQ(drain(queue_).size(), 1u);
  const std::uint32_t slot = raw_.view().slot_of(position);
  ASSERT_EQ(raw_.view().lease_word(slot).state(), LeaseState::kAwait);
  EXPECT_EQ(test_.findings(), "");
  group::void_claim(raw_.ring(), position);  // by its producer, who has lost it
  EXPECT_EQ(test_.findings(), "");
  for (int i = 0; i < 200; ++i) {  // its slot is used again
    send("a");
    EXPECT_EQ(drain(queue_).size(), 1u);
  }
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(FifoDoctor, NamesWhatIsAcknowledgedByAParticipantThatDoesNotExist) {
  send("a");
  send("a");
  auto held = queue_.receive({.max_messages = 2}).value();
  EXPECT_EQ(held[1].acknowledge(), Errc::kOk);
  const LeaseWord word = raw_.view().lease_word(1);
  ASSERT_EQ(word.state(), LeaseState::kAcked);
  raw_.view().lease(1).initialise(
      LeaseWord::acked(word.lap(), 99, word.deadline(), word.count(), word.viewed()).bits);
  EXPECT_NE(test_.findings().find("acknowledged by participant 99"), std::string::npos);
}

TEST_F(FifoDoctor, FindsNothingWrongWithAPlaceThatAMoveHasReserved) {
  const std::uint64_t position = raw_.claim();
  const std::uint32_t slot = raw_.view().slot_of(position);
  raw_.view().slot(slot).publish = raw_.view().lap_of(position) | ring::kReserved;
  EXPECT_EQ(test_.findings(), "");
  send("a");
  EXPECT_EQ(drain(queue_).size(), 1u);
  EXPECT_EQ(test_.findings(), "");
  group::void_claim(raw_.ring(), position);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(FifoDoctor, FindsNothingWrongWithAMessageThatHasMovedBehindOthers) {
  send("a");
  send("a");
  auto held = queue_.receive({.max_messages = 2}).value();
  const LeaseWord word = raw_.view().lease_word(1);
  ASSERT_TRUE(raw_.view().move_lease(1, word, LeaseWord::moved(word.lap(), 0, 1, false, 7)));
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(held[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(raw_.view().lease_word(1).state(), LeaseState::kIdle) << "both are out of the group";
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(FifoDoctor, RepairsNothingInAHealthyQueue) {
  for (int group = 0; group < 20; ++group) send("group-" + std::to_string(group));
  auto held = queue_.receive({.max_messages = 10}).value();
  for (Lease& lease : held) EXPECT_EQ(lease.release(), Errc::kOk);
  held.clear();
  EXPECT_EQ(test_.bus().sweep().hints_repaired, 0u);
  EXPECT_EQ(drain(queue_).size(), 20u);
}

TEST_F(FifoDoctor, NamesWhatAParticipantMovesThatDoesNotExist) {
  send("a");
  auto held = queue_.receive().value();
  const LeaseWord word = raw_.view().lease_word(0);
  ASSERT_TRUE(raw_.view().move_lease(0, word, LeaseWord::moved(word.lap(), 99, 1, false, 7)));
  EXPECT_NE(test_.findings().find("moved by participant 99"), std::string::npos);
}

TEST_F(FifoDoctor, NamesAStateThatDoesNotExistInAStandardQueue) {
  Queue plain = test_.queue("plain", {.slots = 64});
  RawRing raw(test_.bus(), "plain");
  ASSERT_TRUE(plain.send("x"));
  raw.view().lease(0).initialise(LeaseWord::acked(1, 0, 0, 1, false).bits);
  EXPECT_NE(test_.findings().find("lease state 6 does not exist"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::test
