// Forged histories, settlements and whole queues: what a broken queue would produce. The checker
// rejects every one, by the rule that is named.

#include "process/history/forged_test.hpp"

namespace ringpost::history {
namespace {

TEST(ForgedHistory, AcknowledgedMessageComesBack) {
  Received forge;
  forge.acknowledge(2, forge.first);
  forge.pass(kTimeout).receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kDeliveredAfterAcknowledge);
}

TEST(ForgedHistory, AcknowledgeAndNextDeliveryAtOnce) {
  // Whichever of the two came first, the other had to fail.
  Received forge;
  const Call acknowledge = forge.begin_settle(2, Action::kAcknowledge, forge.first);
  const Call receive = forge.pass(kTimeout).begin_receive(3);
  forge.end(acknowledge, Errc::kOk, 0);
  forge.end_receive(receive, {forge.second});
  EXPECT_REJECTED(forge, Rule::kDeliveredAfterAcknowledge);
}

TEST(ForgedHistory, TwoAcknowledgesOfOneDelivery) {
  Received forge;
  forge.acknowledge(2, forge.first);
  forge.acknowledge(3, forge.first);
  EXPECT_REJECTED(forge, Rule::kAcknowledgedTwice);
}

TEST(ForgedHistory, ReleaseAfterAcknowledge) {
  Received forge;
  forge.acknowledge(2, forge.first);
  forge.settle(2, Action::kRelease, forge.first);
  EXPECT_REJECTED(forge, Rule::kSettledAfterAcknowledge);
}

TEST(ForgedHistory, StaleReceiptAcknowledges) {
  Received forge;
  forge.pass(kTimeout).receive(3, {forge.second});
  forge.acknowledge(2, forge.first);
  EXPECT_REJECTED(forge, Rule::kStaleReceiptActed);
}

TEST(ForgedHistory, StaleReceiptReleasesTheNewDelivery) {
  Received forge;
  forge.pass(kTimeout).receive(3, {forge.second});
  forge.settle(2, Action::kRelease, forge.first);
  EXPECT_REJECTED(forge, Rule::kStaleReceiptActed);
}

TEST(ForgedHistory, GoodReceiptRefused) {
  Received forge;
  forge.acknowledge(2, forge.first, Errc::kStaleReceipt);
  forge.pass(kTimeout).receive(3, {forge.second});
  forge.acknowledge(3, forge.second);
  EXPECT_REJECTED(forge, Rule::kStaleWithoutReason);
}

TEST(ForgedHistory, ExtensionRefusedDuringTheLease) {
  Received forge;
  forge.settle(2, Action::kExtend, forge.first, {Errc::kStaleReceipt, kTimeout});
  forge.acknowledge(2, forge.first);
  EXPECT_REJECTED(forge, Rule::kStaleWithoutReason);
}

TEST(ForgedHistory, ReceiptThatNoDeliveryGave) {
  Forge forge;
  const auto a = forge.send(1);
  forge.acknowledge(2, {a, 1});
  EXPECT_REJECTED(forge, Rule::kSettledUndelivered);
}

TEST(ForgedHistory, MessageMovesToAnotherSlot) {
  Received forge;
  forge.pass(kTimeout).receive(3, {forge.second});
  ++forge.records(3)[1].receipt_slot;
  EXPECT_REJECTED(forge, Rule::kReceiptChanged);
}

TEST(ForgedHistory, TwoMessagesInOneSlotAndLap) {
  Received forge;
  const auto b = forge.send(1);
  forge.receive(2, {{b}});
  forge.records(2)[4].receipt_slot = forge.records(2)[1].receipt_slot;
  EXPECT_REJECTED(forge, Rule::kSlotShared);
}

TEST(ForgedHistory, MessageWithAnotherIdThanItsSendGave) {
  Received forge;
  ++forge.records(2)[1].id_position;
  EXPECT_REJECTED(forge, Rule::kIdChanged);
}

TEST(ForgedHistory, DeliveredBeforeItsDelayIsOver) {
  Forge forge;
  const auto a = forge.send(1, {.delay_ns = kTimeout});
  forge.pass(kTimeout / 2).receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kDeliveredEarly);
}

TEST(ForgedHistory, LaterMessageReceivedFirst) {
  Forge forge;
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  forge.receive(2, {{b}});
  forge.receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kOutOfOrder);
}

TEST(ForgedHistory, BatchInTheWrongOrder) {
  Forge forge;
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  forge.receive(2, {{b}, {a}});
  EXPECT_REJECTED(forge, Rule::kOutOfOrder);
}

TEST(ForgedHistory, LaterMessageReceivedFirstAlthoughOnlyOlderOnesWereLookedAtDuringTheSend) {
  Forge forge;
  const auto old = forge.send(1);
  const Call receive = forge.begin_receive(2, {.max_messages = 1});
  const auto a = forge.send(1);
  forge.end_receive(receive, {{old}});
  const auto b = forge.send(1);
  forge.receive(2, {{b}});
  forge.receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kOutOfOrder);
}

TEST(ForgedHistory, DeliveredAfterAPurge) {
  Forge forge;
  const auto a = forge.send(1);
  forge.purge(3);
  forge.receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kSurvivedPurge);
}

TEST(ForgedHistory, AcknowledgedAfterAPurge) {
  Received forge;
  forge.purge(3);
  forge.acknowledge(2, forge.first);
  EXPECT_REJECTED(forge, Rule::kSurvivedPurge);
}

TEST(ForgedHistory, EmptyAlthoughAMessageWasThere) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive_nothing(3);
  forge.receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kFalseEmpty);
}

TEST(ForgedHistory, EmptyAlthoughAMessageWasReleased) {
  Received forge;
  forge.settle(2, Action::kRelease, forge.first);
  forge.receive_nothing(3);
  forge.receive(2, {forge.second});
  EXPECT_REJECTED(forge, Rule::kFalseEmpty);
}

TEST(ForgedHistory, BatchLargerThanAskedFor) {
  Forge forge;
  const auto first = forge.send(1, {.count = 2});
  forge.receive(2, {{first}, {{1, 2}}}, {.max_messages = 1});
  EXPECT_REJECTED(forge, Rule::kTooManyInBatch);
}

TEST(ForgedHistory, BytesChangedInHand) {
  Received forge;
  forge.view_changed(2, forge.a);
  EXPECT_REJECTED(forge, Rule::kViewChanged);
}

TEST(ForgedHistory, PurgeRemovedMoreThanThereWas) {
  Forge forge;
  forge.send(1);
  forge.purge(3, 2);
  EXPECT_REJECTED(forge, Rule::kRemovedMoreThanSent);
}

TEST(ForgedHistory, CorruptIsNoResult) {
  Forge forge;
  forge.receive_nothing(2, Errc::kCorrupt);
  EXPECT_REJECTED(forge, Rule::kUnexpectedResult);
}

TEST(ForgedHistory, ReturnWithoutACall) {
  Forge forge;
  forge.send(1);
  forge.records(1).erase(forge.records(1).begin());
  EXPECT_REJECTED(forge, Rule::kMalformedLog);
}

TEST(ForgedHistory, TwoCallsOfOneProcessAtOnce) {
  Forge forge;
  forge.begin_send(1);
  forge.begin_send(1);
  EXPECT_REJECTED(forge, Rule::kMalformedLog);
}

TEST(ForgedHistory, NumberUsedTwice) {
  Forge forge;
  forge.send(1);
  const auto records = forge.records(1);
  for (Record record : records) {
    ++record.operation;
    forge.records(1).push_back(record);
  }
  EXPECT_REJECTED(forge, Rule::kMalformedLog);
}

TEST(ForgedHistory, EveryRuleHasAName) {
  for (int rule = 0; rule < kRules; ++rule) {
    EXPECT_STRNE(name(static_cast<Rule>(rule)), "unknown");
  }
}

}  // namespace
}  // namespace ringpost::history
