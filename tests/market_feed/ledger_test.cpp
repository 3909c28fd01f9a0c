#include "ledger.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.hpp"
#include "stage.hpp"

namespace ringpost::market_feed {
namespace {

TEST(Ledger, BeginsWithNothing) {
  const Ledger sut = Ledger::create(3);
  EXPECT_EQ(sut.lines(), 3u);
  EXPECT_EQ(sut.records(1)[2].times.load(), 0u);
  EXPECT_EQ(sut.feed(1).done.load(), 0u);
  EXPECT_FALSE(sut.worker(0).holds());
}

TEST(Ledger, KeepsWhatAKilledProcessWrote) {
  const Ledger sut = Ledger::create(3);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Ledger own = Ledger::attach(dup(sut.descriptor()));
    own.feed(0).done.store(2);
    own.worker(1).hold(0, std::vector<HeldMessage>{{1, 1}, {2, 3}});
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(sut.feed(0).done.load(), 2u);
  EXPECT_EQ(sut.worker(1).held().messages, (std::vector<HeldMessage>{{1, 1}, {2, 3}}));
}

TEST(Ledger, RefusesAnotherFile) {
  const SharedMemory other = SharedMemory::create("other", 100);
  EXPECT_THROW(Ledger::attach(dup(other.descriptor())), std::runtime_error);
}

TEST(WorkerEntry, HoldsWhatIsNotYetAcknowledged) {
  const Ledger ledger = Ledger::create(10);
  WorkerEntry& sut = ledger.worker(0);
  sut.hold(1, std::vector<HeldMessage>{{4, 1}, {5, 1}, {6, 2}});
  EXPECT_EQ(sut.held().phase, 1u);
  EXPECT_EQ(sut.held().messages, (std::vector<HeldMessage>{{4, 1}, {5, 1}, {6, 2}}));
  sut.let_go(2);
  EXPECT_EQ(sut.held().messages, (std::vector<HeldMessage>{{6, 2}}));
  sut.let_go(3);
  EXPECT_FALSE(sut.holds());
  sut.hold(1, std::vector<HeldMessage>{{7, 1}});
  EXPECT_EQ(sut.held().messages, (std::vector<HeldMessage>{{7, 1}}));
}

TEST(LineRecord, CountsDifferingContentsAndIds) {
  Sample sample;
  LineRecord& sut = sample.ledger.records(0)[0];
  sample.process(0, 0, Sample::id_of(0, 0));  // delivered again: same message, same content
  EXPECT_EQ(sut.times.load(), 2u);
  EXPECT_EQ(sut.resent.load(), 0u);
  EXPECT_EQ(sut.differing.load(), 0u);
  sample.process(0, 0, 77);  // sent again: another message, same content
  EXPECT_EQ(sut.resent.load(), 1u);
  sut.add({1, 77, 1}, {});
  EXPECT_EQ(sut.differing.load(), 1u);
  EXPECT_EQ(sut.times.load(), 4u);
}

TEST(Stage, SeesThatHeldMessagesHavePassedOn) {
  Sample sample;
  Console console;
  const Stage sut("no-bus", sample.ledger, -1, console);
  const Held held{0, {{0, 1}, {2, 2}}};
  EXPECT_FALSE(sut.passed_on(held));
  sample.process(0, 0, Sample::id_of(0, 0), 2);
  sample.process(0, 2, Sample::id_of(0, 2), 2);  // by the holder itself
  EXPECT_FALSE(sut.passed_on(held));
  sample.process(0, 2, Sample::id_of(0, 2), 3);
  EXPECT_TRUE(sut.passed_on(held));
}

TEST(Window, OfEachActLiesBehindTheOneBefore) {
  for (const std::uint32_t lines : {1000u, 42'736u, 4'000'000'000u}) {
    std::uint32_t before = 0;
    for (std::uint32_t act = 0; act < kActs; ++act) {
      const Window sut = window_of(static_cast<Act>(act), lines);
      EXPECT_LT(before, sut.from);
      EXPECT_LT(sut.from, sut.until);
      before = sut.until;
    }
    EXPECT_LT(before, lines - lines / 5);  // enough is left to see that others go on
  }
}

TEST(SlowPace, GivesTheWholeFeedTwentySeconds) {
  EXPECT_EQ(slow_pace(1000), std::chrono::milliseconds(20));
  EXPECT_EQ(slow_pace(42'736), std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace ringpost::market_feed
