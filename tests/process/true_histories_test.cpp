// Histories that a correct queue may produce, among them those that look wrong at first: the
// checker accepts every one.

#include <gtest/gtest.h>

#include "process/history/forge.hpp"

namespace ringpost::history {
namespace {

constexpr std::uint64_t kTimeout = 1'000'000;  // of ReceiveTerms

#define EXPECT_ACCEPTED(forge)                      \
  do {                                              \
    const Report report = (forge).judged();         \
    EXPECT_TRUE(report.ok()) << report.to_string(); \
  } while (false)

TEST(TrueHistory, NothingHappened) { EXPECT_ACCEPTED(Forge()); }

TEST(TrueHistory, SentReceivedAcknowledged) {
  Forge forge;
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  forge.receive(2, {{a}, {b}});
  forge.acknowledge(2, {b});
  forge.acknowledge(2, {a});
  forge.receive_nothing(2);
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, BatchAcceptedInPart) {
  Forge forge;
  const Call send = forge.begin_send(1, {.count = 3});
  forge.end(send, Errc::kOk, 2);
  const MessageKey first = Forge::key_of(send);
  const MessageKey second{1, first.number + 1};
  forge.receive(2, {{first}, {second}});
  forge.acknowledge(2, {first});
  forge.acknowledge(2, {second});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, ReleasedAndDeliveredAgainAtOnce) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.settle(2, Action::kRelease, {a});
  forge.receive(3, {{a, 2}});
  forge.acknowledge(3, {a, 2});
  forge.acknowledge(2, {a}, Errc::kStaleReceipt);
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, ExpiredAndDeliveredAgainWhileTheOldHolderIsRefused) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.pass(kTimeout).receive(3, {{a, 2}});
  forge.acknowledge(2, {a}, Errc::kStaleReceipt);
  forge.acknowledge(3, {a, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, LateAcknowledgeOfAMessageThatNobodyElseHasYet) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.pass(10 * kTimeout).acknowledge(2, {a});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, OwnerKilledAndDeliveredAgainBeforeTheTimeout) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.kill(2);
  forge.receive(3, {{a, 2}});
  forge.acknowledge(3, {a, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, SettledByReceiptFromAnotherProcess) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.settle(3, Action::kExtend, {a}, {.duration_ns = 5 * kTimeout});
  forge.pass(2 * kTimeout).acknowledge(4, {a});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, LeaseEndsWithWhoeverExtendedItLast) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.settle(3, Action::kExtend, {a}, {.duration_ns = 5 * kTimeout});
  forge.kill(3);
  forge.receive(4, {{a, 2}});
  forge.acknowledge(4, {a, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, ShortenedByAnExtension) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.settle(2, Action::kExtend, {a}, {.duration_ns = 10'000});
  forge.pass(20'000).receive(3, {{a, 2}});
  forge.acknowledge(3, {a, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, SendThatNeverReturnedWasMadeOrNot) {
  Forge forge;
  const Call made = forge.begin_send(1);
  forge.kill(1);
  forge.begin_send(2);
  forge.kill(2);
  forge.receive(3, {{Forge::key_of(made)}});
  forge.acknowledge(3, {Forge::key_of(made)});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, AcknowledgeThatNeverReturnedWasMadeOrNot) {
  Forge forge;
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  forge.receive(2, {{a}});
  forge.begin_settle(2, Action::kAcknowledge, {a});
  forge.kill(2);
  forge.receive(3, {{b}});
  forge.begin_settle(3, Action::kAcknowledge, {b});
  forge.kill(3);
  forge.receive(4, {{b, 2}});
  forge.acknowledge(4, {b, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, ReceiveThatNeverReturnedTookACount) {
  Forge forge;
  const auto a = forge.send(1);
  forge.begin_receive(2);
  forge.kill(2);
  forge.receive(3, {{a, 2}});
  forge.acknowledge(3, {a, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, ReceiveThatNeverReturnedTookAMessageAgainWhenItsLeaseWasOver) {
  Forge forge;
  const auto a = forge.send(1);
  forge.begin_receive(2, {.timeout_ns = 0, .max_messages = 5});
  forge.kill(2);
  forge.receive(3, {{a, 4}});
  forge.acknowledge(3, {a, 4});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, KilledWhileItNotedItsDeliveries) {
  Forge forge;
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  const Call receive = forge.begin_receive(2);
  forge.end_receive(receive, {{a}, {b}});
  forge.records(2).resize(2);  // the invocation and the first delivery
  forge.kill(2);
  forge.receive(3, {{a, 2}, {b, 2}});
  forge.acknowledge(3, {a, 2});
  forge.acknowledge(3, {b, 2});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, DelayedMessageOvertakenByLaterOnes) {
  Forge forge;
  const auto late = forge.send(1, {.delay_ns = kTimeout});
  const auto prompt = forge.send(1);
  forge.receive(2, {{prompt}});
  forge.receive_nothing(2);
  forge.pass(kTimeout).receive(2, {{late}});
  forge.acknowledge(2, {prompt});
  forge.acknowledge(2, {late});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, MessageOvertakenWhileItWasBeingSent) {
  // The receive began before the send of a had returned, so it may have passed it by.
  Forge forge;
  const Call receive = forge.begin_receive(2);
  const auto a = forge.send(1);
  const auto b = forge.send(1);
  forge.end_receive(receive, {{b}});
  forge.receive(2, {{a}});
  forge.acknowledge(2, {a});
  forge.acknowledge(2, {b});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, MessagesPassedWhileTheyWereBeingFilledComeInAnyOrder) {
  Forge forge;
  const Call send = forge.begin_send(1, {.count = 3});
  const MessageKey a = Forge::key_of(send);
  const MessageKey b{1, a.number + 1};
  const MessageKey c{1, a.number + 2};
  forge.receive(2, {{c}});
  forge.end(send, Errc::kOk, 3);
  forge.receive(2, {{b}});
  forge.receive(2, {{a}});
  for (const MessageKey key : {a, b, c}) forge.acknowledge(2, {key});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, EmptyWhileTheOnlyMessageIsBeingSentOrTaken) {
  Forge forge;
  const Call send = forge.begin_send(1);
  forge.receive_nothing(3);
  forge.end(send);
  const Call receive = forge.begin_receive(2);
  forge.receive_nothing(3, Errc::kTimedOut);
  forge.end_receive(receive, {{Forge::key_of(send)}});
  forge.receive_nothing(3);
  forge.acknowledge(2, {Forge::key_of(send)});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, PurgeRemovesWhatWasSentBeforeAndOverlapsWithOthers) {
  Forge forge;
  const auto held = forge.send(1);
  forge.receive(2, {{held}});
  forge.send(1);
  const Call purge = forge.begin_purge(3);
  const auto during = forge.send(1);
  forge.end(purge, Errc::kOk, 2);
  const auto after = forge.send(1);
  forge.acknowledge(2, {held}, Errc::kStaleReceipt);
  forge.receive(2, {{during}, {after}});
  forge.acknowledge(2, {during});
  forge.acknowledge(2, {after});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, PurgeThatNeverReturnedRemovedSome) {
  Forge forge;
  forge.send(1);
  const auto b = forge.send(1);
  forge.begin_purge(3);
  forge.kill(3);
  forge.receive(2, {{b}});
  forge.acknowledge(2, {b});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, RefusedSendIsNeverSeen) {
  Forge forge;
  forge.send(1, {.result = Errc::kFull});
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.acknowledge(2, {a});
  EXPECT_ACCEPTED(forge);
}

TEST(TrueHistory, ExtensionOfALeaseThatIsOverMayBeRefused) {
  Forge forge;
  const auto a = forge.send(1);
  forge.receive(2, {{a}});
  forge.pass(2 * kTimeout);
  forge.settle(2, Action::kExtend, {a}, {Errc::kStaleReceipt, kTimeout});
  forge.receive(2, {{a, 2}});
  forge.acknowledge(2, {a, 2});
  EXPECT_ACCEPTED(forge);
}

}  // namespace
}  // namespace ringpost::history
