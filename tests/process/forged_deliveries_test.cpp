// Forged histories, deliveries: what a broken queue would produce. The checker rejects
// every one, by the rule that is named.

#include "process/history/forged_test.hpp"

namespace ringpost::history {
namespace {

TEST(ForgedHistory, MessageWithAnUnknownNumber) {
  Forge forge;
  forge.send(1);
  forge.receive(2, {{{1, 99}}});
  EXPECT_REJECTED(forge, Rule::kInvented);
}

TEST(ForgedHistory, MessageOfAnUnknownProducer) {
  Forge forge;
  forge.receive(2, {{{9, 1}}});
  EXPECT_REJECTED(forge, Rule::kInvented);
}

TEST(ForgedHistory, MessageWithDamagedBytes) {
  Received forge;
  forge.records(2)[1].flags |= kBodyDamaged;
  EXPECT_REJECTED(forge, Rule::kInvented);
}

TEST(ForgedHistory, DeliveredBeforeItsSendBegan) {
  Forge forge;
  forge.receive(2, {{{1, 1}}});
  forge.send(1);
  EXPECT_REJECTED(forge, Rule::kDeliveredBeforeSent);
}

TEST(ForgedHistory, RefusedSendIsDelivered) {
  Forge forge;
  const auto a = forge.send(1, {.result = Errc::kFull});
  forge.receive(2, {{a}});
  EXPECT_REJECTED(forge, Rule::kRefusedSendDelivered);
}

TEST(ForgedHistory, RefusedEndOfABatchIsDelivered) {
  Forge forge;
  const Call send = forge.begin_send(1, {.count = 3});
  forge.end(send, Errc::kOk, 2);
  forge.receive(2, {{{1, 3}}});
  EXPECT_REJECTED(forge, Rule::kRefusedSendDelivered);
}

TEST(ForgedHistory, SentAndNeverSeenAgain) {
  Forge forge;
  forge.send(1);
  forge.receive_nothing(2);
  EXPECT_REJECTED(forge, Rule::kLost);
}

TEST(ForgedHistory, LostWhenItsHolderWasKilled) {
  Received forge;
  forge.kill(2);
  forge.receive_nothing(3);
  EXPECT_REJECTED(forge, Rule::kLost);
}

TEST(ForgedHistory, LostByARefusedAcknowledge) {
  Received forge;
  forge.acknowledge(2, forge.first, Errc::kStaleReceipt);
  EXPECT_REJECTED(forge, Rule::kLost);
}

TEST(ForgedHistory, LostByAPurgeThatWasOverBeforeItsSend) {
  Forge forge;
  forge.purge(3);
  forge.send(1);
  EXPECT_REJECTED(forge, Rule::kLost);
}

TEST(ForgedHistory, OneMessageOfABatchIsLost) {
  Forge forge;
  const auto first = forge.send(1, {.count = 2});
  forge.receive(2, {{first}});
  forge.acknowledge(2, {first});
  EXPECT_REJECTED(forge, Rule::kLost);
}

TEST(ForgedHistory, DeliveredAgainDuringTheLease) {
  Received forge;
  forge.pass(kTimeout / 2).receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, DeliveredAgainDuringAnExtendedLease) {
  Received forge;
  forge.settle(2, Action::kExtend, forge.first, {.duration_ns = 3 * kTimeout});
  forge.pass(2 * kTimeout).receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, DeliveredAgainBeforeTheDelayOfARelease) {
  Received forge;
  forge.settle(2, Action::kRelease, forge.first, {.duration_ns = 3 * kTimeout});
  forge.pass(2 * kTimeout).receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, DeathOfTheOwnerEndsTheDelayOfARelease) {
  Received forge;
  forge.settle(2, Action::kRelease, forge.first, {.duration_ns = 3 * kTimeout});
  forge.kill(2);
  forge.receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, DeathOfTheReceiverEndsALeaseThatAnotherExtended) {
  Received forge;
  forge.settle(3, Action::kExtend, forge.first, {.duration_ns = 3 * kTimeout});
  forge.kill(2);
  forge.receive(4, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, DeliveredAgainBecauseSomebodyElseWasKilled) {
  Received forge;
  forge.kill(4);
  forge.receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, DeliveredAgainBecauseItsHolderDetached) {
  Received forge;
  forge.end_process(2);
  forge.receive(3, {forge.second});
  EXPECT_REJECTED(forge, Rule::kTwoLiveLeases);
}

TEST(ForgedHistory, OneDeliveryGivenTwice) {
  Received forge;
  forge.pass(kTimeout).receive(3, {forge.first});
  EXPECT_REJECTED(forge, Rule::kCountRepeated);
}

TEST(ForgedHistory, ReceiveCountGoesBack) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a, 2}});
  forge.pass(kTimeout).receive(3, {{a, 1}});
  EXPECT_REJECTED(forge, Rule::kCountOrder);
}

TEST(ForgedHistory, ReceiveCountLeapsWithoutABrokenOffReceive) {
  Received forge;
  forge.pass(kTimeout).receive(3, {{forge.a, 3}});
  EXPECT_REJECTED(forge, Rule::kCountSkipped);
}

TEST(ForgedHistory, ReceiveCountBeginsAtTwo) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a, 2}});
  EXPECT_REJECTED(forge, Rule::kCountSkipped);
}

TEST(ForgedHistory, BrokenOffReceiveTookAMessageTwiceInOneLease) {
  Forge forge;
  const auto a = forge.send(1);
  forge.begin_receive(2, {.timeout_ns = kTimeout, .max_messages = 5});
  forge.kill(2);
  forge.receive(3, {{a, 4}});
  forge.acknowledge(3, {a, 4});
  EXPECT_REJECTED(forge, Rule::kCountSkipped);
}

TEST(ForgedHistory, BrokenOffReceiveTookMoreThanItAskedFor) {
  Forge forge;
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  forge.begin_receive(2, {.max_messages = 1});
  forge.kill(2);
  forge.receive(3, {{a, 2}, {b, 2}});
  forge.acknowledge(3, {a, 2});
  forge.acknowledge(3, {b, 2});
  EXPECT_REJECTED(forge, Rule::kCountSkipped);
}

}  // namespace
}  // namespace ringpost::history
