// The back-off of messages that failed, reports about batches, the age of what waits, signals.
#include <csignal>

#include <gtest/gtest.h>

#include "backoff.hpp"
#include "failure_report.hpp"
#include "oldest_waiting.hpp"
#include "stop_signals.hpp"
#include "turns.hpp"

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

TEST(Turns, ComeAtTheirRateAndAreNotMadeUpFor) {
  Turns turns;
  const Turns::TimePoint start{1h};
  EXPECT_EQ(turns.take(start, 4), start);
  EXPECT_EQ(turns.take(start, 4), start + 250ms);
  EXPECT_EQ(turns.take(start, 4), start + 500ms);
  EXPECT_EQ(turns.take(start + 10s, 4), start + 10s);
  EXPECT_EQ(turns.take(start + 10s, 1'000'000'000), start + 10s + 250ms);
  EXPECT_EQ(turns.take(start + 10s, 1), start + 10s + 250ms + 1ns);
}

TEST(Backoff, DoublesWithEachReceive) {
  const Backoff backoff{1s, 1h};
  EXPECT_EQ(backoff.delay(1), 1s);
  EXPECT_EQ(backoff.delay(2), 2s);
  EXPECT_EQ(backoff.delay(3), 4s);
  EXPECT_EQ(backoff.delay(11), 1024s);
}

TEST(Backoff, StopsAtItsLimit) {
  const Backoff backoff{1s, 10s};
  EXPECT_EQ(backoff.delay(4), 8s);
  EXPECT_EQ(backoff.delay(5), 10s);
  EXPECT_EQ(backoff.delay(1'048'575), 10s);
}

TEST(Backoff, LimitBelowTheFirstDelayCounts) { EXPECT_EQ((Backoff{10s, 1s}).delay(1), 1s); }

TEST(Backoff, ZeroStaysZero) { EXPECT_EQ((Backoff{0s, 5min}).delay(1'048'575), 0s); }

TEST(Backoff, LongestDelayDoesNotOverflow) {
  const Backoff backoff{Duration::max() - 1ns, Duration::max()};
  EXPECT_EQ(backoff.delay(2), Duration::max());
}

const std::vector<MessageId> kBatch = {{7, 1}, {7, 2}, {8, 1}};
using Failed = std::vector<bool>;

std::optional<Failed> failed(const std::string& report) { return failed_in_report(report, kBatch); }

TEST(FailureReport, EmptyReportIsSuccessOfAll) {
  EXPECT_EQ(failed(""), (Failed{false, false, false}));
  EXPECT_EQ(failed("\n \n\r\n"), (Failed{false, false, false}));
}

TEST(FailureReport, NamedMessagesFailed) {
  EXPECT_EQ(failed(kBatch[1].to_string()), (Failed{false, true, false}));
  EXPECT_EQ(failed(kBatch[2].to_string() + "\n" + kBatch[0].to_string() + "\n"),
            (Failed{true, false, true}));
}

TEST(FailureReport, BlanksAroundAnIdDoNotCount) {
  EXPECT_EQ(failed("  " + kBatch[0].to_string() + "\t\r\n"), (Failed{true, false, false}));
}

TEST(FailureReport, NameOfNoMessageOfTheBatchSpoilsTheReport) {
  EXPECT_EQ(failed("nonsense\n"), std::nullopt);
  EXPECT_EQ(failed(kBatch[0].to_string() + "\n" + MessageId{9, 9}.to_string()), std::nullopt);
  EXPECT_EQ(failed(kBatch[0].to_string().substr(0, 20)), std::nullopt);
}

PeekedMessage message(MessageState state, Duration age) {
  PeekedMessage message;
  message.state = state;
  message.age = age;
  return message;
}

TEST(OldestWaiting, IsTheFirstVisibleMessage) {
  const std::vector<PeekedMessage> oldest = {
      message(MessageState::kInFlight, 1h), message(MessageState::kDelayed, 30min),
      message(MessageState::kVisible, 5s), message(MessageState::kVisible, 1s)};
  EXPECT_EQ(oldest_waiting_age(oldest), 5s);
}

TEST(OldestWaiting, IsNoOlderThanAllThoseInHand) {
  const std::vector<PeekedMessage> oldest = {message(MessageState::kInFlight, 1h),
                                             message(MessageState::kInFlight, 5s)};
  EXPECT_EQ(oldest_waiting_age(oldest), 5s);
  EXPECT_EQ(oldest_waiting_age({}), 0s);
}

using Meaning = StopSignals::Meaning;

TEST(StopSignals, FirstDrainsAndTheNextEndsAtOnce) {
  StopSignals signals;
  const StopSignals::TimePoint now{};
  EXPECT_EQ(signals.note(SIGINT, now), Meaning::kDrain);
  EXPECT_EQ(signals.note(SIGINT, now + 1s), Meaning::kEndNow);
}

TEST(StopSignals, SameSignalTwiceAtOnceIsOne) {
  StopSignals signals;
  const StopSignals::TimePoint now{};
  signals.note(SIGTERM, now);
  EXPECT_EQ(signals.note(SIGTERM, now + StopSignals::kEchoWithin - 1ns), Meaning::kEcho);
  EXPECT_EQ(signals.note(SIGTERM, now + StopSignals::kEchoWithin), Meaning::kEndNow);
}

TEST(StopSignals, AnotherSignalIsNeverAnEcho) {
  StopSignals signals;
  const StopSignals::TimePoint now{};
  signals.note(SIGTERM, now);
  EXPECT_EQ(signals.note(SIGINT, now), Meaning::kEndNow);
}

}  // namespace
}  // namespace ringpost::cli
