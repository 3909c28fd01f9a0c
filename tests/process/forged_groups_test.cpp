// Forged histories, message groups: what a broken FIFO queue would produce, and what a right one
// may.

#include "process/history/forged_test.hpp"

namespace ringpost::history {
namespace {

constexpr SendTerms kInGroup{.group = 1};

#define EXPECT_ACCEPTED(forge)                      \
  do {                                              \
    const Report report = (forge).judged();         \
    EXPECT_TRUE(report.ok()) << report.to_string(); \
  } while (false)

/// Messages a, b of producer 1, in this order in one group.
struct InOneGroup : Forge {
  MessageKey a = send(1, kInGroup);
  MessageKey b = send(1, kInGroup);
};

TEST(TrueGroups, OneAfterTheOther) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.receive_nothing(3);
  forge.acknowledge(2, {forge.a});
  forge.receive(3, {{forge.b}});
  forge.acknowledge(3, {forge.b});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, OneBatchAcknowledgedInAnyOrder) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}, {forge.b}});
  forge.acknowledge(2, {forge.b});
  forge.receive_nothing(3);
  forge.acknowledge(2, {forge.a});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, GroupsDoNotWaitForEachOther) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  const auto b = forge.send(1, {.group = 2});
  forge.receive(2, {{b}});
  forge.receive(3, {{a}});
  forge.acknowledge(2, {b});
  forge.acknowledge(3, {a});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, ReleasedMessageHoldsBackTheLaterOneUntilItIsTaken) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}, {forge.b}});
  forge.settle(2, Action::kRelease, {forge.b});
  forge.receive_nothing(3);
  forge.settle(2, Action::kRelease, {forge.a});
  forge.receive(3, {{forge.a, 2}, {forge.b, 2}});
  forge.acknowledge(3, {forge.a, 2});
  forge.acknowledge(3, {forge.b, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, NextOneWhileAnAcknowledgeIsUnderWay) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  const Call acknowledge = forge.begin_settle(2, Action::kAcknowledge, {forge.a});
  forge.receive(3, {{forge.b}});
  forge.end(acknowledge, Errc::kOk, 0);
  forge.acknowledge(3, {forge.b});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, NextOneAfterAnAcknowledgeByTheKilled) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.begin_settle(2, Action::kAcknowledge, {forge.a});
  forge.kill(2);
  forge.receive_nothing(3);
  forge.receive(3, {{forge.b}});
  forge.acknowledge(3, {forge.b});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, AcknowledgeRefusedBecauseTheLeaseIsOver) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  forge.receive(2, {{a}});
  forge.pass(kTimeout).acknowledge(2, {a}, Errc::kStaleReceipt);
  forge.receive(2, {{a, 2}});
  forge.acknowledge(2, {a, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, SendsAtOnceInAnyOrder) {
  Forge forge;
  const Call first = forge.begin_send(1, kInGroup);
  const Call second = forge.begin_send(2, kInGroup);
  forge.end(second);
  forge.end(first);
  forge.receive(3, {{Forge::key_of(first)}, {Forge::key_of(second)}});
  forge.acknowledge(3, {Forge::key_of(first)});
  forge.acknowledge(3, {Forge::key_of(second)});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueGroups, MessageOfAKilledSenderThatIsPurgedMayHaveHeldBackALaterOne) {
  Forge forge;
  forge.begin_send(4, kInGroup);
  const auto b = forge.send(1, kInGroup);
  forge.kill(4);
  forge.receive_nothing(2);
  forge.purge(3, 1);
  forge.receive(2, {{b}});
  EXPECT_TRUE(forge.judged().has(Rule::kSurvivedPurge));
  EXPECT_FALSE(forge.judged().has(Rule::kFalseEmpty));
}

TEST(ForgedGroups, LaterMessageWhileTheEarlierOneWaits) {
  InOneGroup forge;
  forge.receive(2, {{forge.b}});
  forge.acknowledge(2, {forge.b});
  forge.receive(2, {{forge.a}});
  forge.acknowledge(2, {forge.a});
  EXPECT_REJECTED(forge, Rule::kGroupOvertaken);
}

TEST(ForgedGroups, LaterMessageOfAnotherProducer) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  const auto b = forge.send(4, kInGroup);
  forge.receive(2, {{b}});
  forge.receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kGroupOvertaken);
}

TEST(ForgedGroups, BatchInTheWrongOrder) {
  InOneGroup forge;
  forge.receive(2, {{forge.b}, {forge.a}});
  EXPECT_REJECTED(forge, Rule::kGroupOvertaken);
  EXPECT_TRUE(forge.judged({.one_order = false}).has(Rule::kGroupOvertaken));
}

TEST(ForgedGroups, LaterMessageWhileTheEarlierOneIsInFlight) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.receive(3, {{forge.b}});
  forge.acknowledge(3, {forge.b});
  forge.acknowledge(2, {forge.a});
  EXPECT_REJECTED(forge, Rule::kGroupNotLocked);
}

TEST(ForgedGroups, LaterMessageToTheReceiverThatHasTheEarlierOne) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.receive(2, {{forge.b}});
  EXPECT_REJECTED(forge, Rule::kGroupNotLocked);
}

TEST(ForgedGroups, UnlockedByTheAcknowledgeOfALaterOne) {
  InOneGroup forge;
  const auto c = forge.send(1, kInGroup);
  forge.receive(2, {{forge.a}, {forge.b}});
  forge.acknowledge(2, {forge.b});
  forge.receive(3, {{c}});
  EXPECT_REJECTED(forge, Rule::kGroupNotLocked);
}

TEST(ForgedGroups, UnlockedByTheEndOfALeaseWithoutItsMessage) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.pass(kTimeout).receive(3, {{forge.b}});
  EXPECT_REJECTED(forge, Rule::kGroupOvertaken);
}

TEST(ForgedGroups, UnlockedByTheDeathOfItsHolderWithoutItsMessage) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.kill(2);
  forge.receive(3, {{forge.b}});
  EXPECT_REJECTED(forge, Rule::kGroupOvertaken);
}

TEST(ForgedGroups, RedeliveredLaterOneBeforeTheEarlierOne) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}, {forge.b}});
  forge.settle(2, Action::kRelease, {forge.a});
  forge.settle(2, Action::kRelease, {forge.b});
  forge.receive(3, {{forge.b, 2}});
  EXPECT_REJECTED(forge, Rule::kGroupOvertaken);
}

TEST(ForgedGroups, SequenceFallsWithTheSends) {
  InOneGroup forge;
  std::swap(forge.records(1)[1].id_position, forge.records(1)[3].id_position);
  EXPECT_REJECTED(forge, Rule::kSequenceOrder);
  EXPECT_TRUE(forge.judged({.one_order = false}).has(Rule::kSequenceOrder));
}

TEST(ForgedGroups, SequenceFallsFromOneProducerToTheNext) {
  Forge forge;
  forge.send(1, kInGroup);
  forge.send(2, kInGroup);
  std::swap(forge.last(1).id_position, forge.last(2).id_position);
  EXPECT_REJECTED(forge, Rule::kSequenceOrder);
}

TEST(ForgedGroups, TwoMessagesWithOneSequence) {
  InOneGroup forge;
  forge.records(1)[3].id_position = forge.records(1)[1].id_position;
  EXPECT_REJECTED(forge, Rule::kSequenceOrder);
}

TEST(ForgedGroups, LeaseNamesAnotherGroup) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.records(2)[1].group = 2;
  EXPECT_REJECTED(forge, Rule::kWrongGroup);
}

TEST(ForgedGroups, AcknowledgedAfterTheEndOfItsLease) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  forge.receive(2, {{a}});
  forge.pass(kTimeout + 100'000).acknowledge(2, {a});
  EXPECT_REJECTED(forge, Rule::kSettledAfterLease);
}

TEST(ForgedGroups, AcknowledgedAfterItsRelease) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  forge.receive(2, {{a}});
  forge.settle(2, Action::kRelease, {a});
  forge.pass(100'000).acknowledge(2, {a});
  EXPECT_REJECTED(forge, Rule::kSettledAfterLease);
}

TEST(ForgedGroups, AcknowledgedAfterAnExtensionMadeTheLeaseShorter) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  forge.receive(2, {{a}}, {.timeout_ns = 10 * kTimeout});
  forge.settle(2, Action::kExtend, {a}, {.duration_ns = kTimeout});
  forge.pass(2 * kTimeout).acknowledge(2, {a});
  EXPECT_REJECTED(forge, Rule::kSettledAfterLease);
}

TEST(ForgedGroups, AcknowledgeRefusedDuringTheLease) {
  Forge forge;
  const auto a = forge.send(1, kInGroup);
  forge.receive(2, {{a}});
  forge.acknowledge(2, {a}, Errc::kStaleReceipt);
  forge.pass(kTimeout).receive(2, {{a, 2}});
  forge.acknowledge(2, {a, 2});
  EXPECT_REJECTED(forge, Rule::kStaleWithoutReason);
}

TEST(ForgedGroups, EmptyAlthoughTheGroupIsUnlocked) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.acknowledge(2, {forge.a});
  forge.receive_nothing(3);
  forge.receive(3, {{forge.b}});
  forge.acknowledge(3, {forge.b});
  EXPECT_REJECTED(forge, Rule::kFalseEmpty);
}

TEST(ForgedGroups, EmptyAlthoughAnotherGroupIsUnlocked) {
  InOneGroup forge;
  const auto c = forge.send(1, {.group = 2});
  forge.receive(2, {{forge.a}});
  forge.receive_nothing(3);
  forge.receive(3, {{c}});
  EXPECT_REJECTED(forge, Rule::kFalseEmpty);
}

TEST(ForgedGroups, MessageLeftBehindInItsGroup) {
  InOneGroup forge;
  forge.receive(2, {{forge.a}});
  forge.acknowledge(2, {forge.a});
  EXPECT_REJECTED(forge, Rule::kLost);
}

}  // namespace
}  // namespace ringpost::history
