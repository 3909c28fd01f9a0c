// Zero-copy send: memory of the bus, written in place.
#include <gtest/gtest.h>

#include <cstring>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

void write(Loan& loan, std::string_view text) {
  std::memcpy(loan.bytes().data(), text.data(), std::min(text.size(), loan.bytes().size()));
}

std::uint64_t blocks_used(const TestBus& test) {
  return inspect(const_cast<TestBus&>(test).bus()).arena.blocks_used;
}

TEST(Loan, GivesAsManyBytesAsWereAskedFor) {
  TestBus test;
  Queue queue = test.queue();
  for (const std::size_t bytes : {1u, 255u, 256u, 257u, 100'000u, 262'144u}) {
    Loan loan = queue.loan(bytes).value();
    EXPECT_EQ(loan.bytes().size(), bytes);
    std::memset(loan.bytes().data(), 'x', bytes);
  }
  EXPECT_EQ(blocks_used(test), 0u);
}

TEST(Loan, ArrivesInPlaceWithoutACopy) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(5'000).value();
  const std::byte* written = loan.bytes().data();
  write(loan, "hello");
  ASSERT_TRUE(queue.send(std::move(loan)));
  auto received = queue.receive().value();
  EXPECT_EQ(received.front().body().data(), written);
  EXPECT_EQ(received.front().body().size(), 5'000u);
  EXPECT_EQ(received.front().text().substr(0, 5), "hello");
}

TEST(Loan, IsInvisibleUntilItIsSent) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(100).value();
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(queue.stats().visible, 0u);
}

TEST(Loan, IsAbandonedByItsDestructor) {
  TestBus test;
  Queue queue = test.queue();
  {
    Loan loan = queue.loan(100).value();
    EXPECT_EQ(blocks_used(test), 1u);
  }
  EXPECT_EQ(blocks_used(test), 0u);
}

TEST(Loan, IsAbandonedWhenAnotherIsAssignedToIt) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(100).value();
  loan = queue.loan(200).value();
  EXPECT_EQ(blocks_used(test), 1u);
  EXPECT_EQ(loan.bytes().size(), 200u);
}

TEST(Loan, MayBeShrunkAndNeverGrows) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(100).value();
  write(loan, "hello");
  loan.shrink(5);
  loan.shrink(50);
  ASSERT_TRUE(queue.send(std::move(loan)));
  EXPECT_EQ(bodies(queue), std::vector<std::string>{"hello"});
}

TEST(Loan, CarriesAttributesWhereItsBlockHasRoom) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(1'000).value();
  write(loan, "body");
  loan.shrink(4);
  ASSERT_TRUE(queue.send(std::move(loan), {.attributes = {{"a", "1"}}}));
  auto received = queue.receive().value();
  EXPECT_EQ(received.front().text(), "body");
  EXPECT_EQ(received.front().attributes().find("a")->value, "1");
}

TEST(Loan, IsRefusedAttributesThatItHasNoRoomForAndStaysWithTheCaller) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(256).value();
  EXPECT_EQ(code_of(queue.send(std::move(loan), {.attributes = {{"a", "1"}}})), Errc::kTooLarge);
  EXPECT_EQ(loan.bytes().size(), 256u);
  EXPECT_EQ(code_of(queue.send(std::move(loan), {.attributes = {{"", "1"}}})),
            Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kOk);
}

TEST(Loan, CountsAttributesTowardsTheLargestSize) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1024});
  Loan loan = queue.loan(1024).value();
  loan.shrink(900);
  const std::string value(117, 'v');
  EXPECT_EQ(code_of(queue.send(std::move(loan), {.attributes = {{"a", value + "v"}}})),
            Errc::kTooLarge);  // 900 + 1 + 6 + 118
}

TEST(Loan, CountsAttributesTowardsTheLargestSizeAlsoWhereItsBlockHasMoreRoom) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1100});
  Loan loan = queue.loan(1100).value();
  loan.shrink(1000);
  const std::string value(93, 'v');
  EXPECT_EQ(code_of(queue.send(std::move(loan), {.attributes = {{"a", value + "v"}}})),
            Errc::kTooLarge);  // 1000 + 1 + 6 + 94
  EXPECT_EQ(code_of(queue.send(std::move(loan), {.attributes = {{"a", value}}})), Errc::kOk);
}

TEST(Loan, BeyondTheLargestSizeIsRefused) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1024});
  EXPECT_EQ(code_of(queue.loan(1025)), Errc::kTooLarge);
  EXPECT_EQ(code_of(queue.loan(1024)), Errc::kOk);
}

TEST(Loan, MayBeDelayed) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(300).value();
  ASSERT_TRUE(queue.send(std::move(loan), {.delay = 10s}));
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  test.clock().advance(11s);
  EXPECT_EQ(drain(queue).size(), 1u);
}

TEST(Loan, ThatFindsTheQueueFullStaysWithTheCaller) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  EXPECT_EQ(fill(queue), 64u);
  Loan loan = queue.loan(300).value();
  EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kFull);
  EXPECT_EQ(blocks_used(test), 1u);
  static_cast<void>(drain(queue));
  EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kOk);
}

TEST(Loan, OfAnotherQueueIsRefused) {
  TestBus test;
  Queue queue = test.queue();
  Queue other = test.queue("other");
  Loan loan = queue.loan(300).value();
  EXPECT_EQ(code_of(other.send(std::move(loan))), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kOk);
}

TEST(Loan, ThatWasSentIsRefusedASecondTime) {
  TestBus test;
  Queue queue = test.queue();
  Loan loan = queue.loan(300).value();
  ASSERT_TRUE(queue.send(std::move(loan)));
  EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send(Loan())), Errc::kInvalidArgument);
}

TEST(Loan, GivesItsMemoryBackWhenTheMessageIsAcknowledged) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 2'000; ++i) {
    Loan loan = queue.loan(4'000).value();
    ASSERT_TRUE(queue.send(std::move(loan)));
    ASSERT_EQ(drain(queue).size(), 1u);
  }
  EXPECT_EQ(blocks_used(test), 0u);
  EXPECT_LT(inspect(test.bus()).arena.bytes, 1u << 20);
  EXPECT_EQ(test.findings(), "");
}

TEST(Loan, FindsNoMemoryBeyondTheLimitOfTheArena) {
  TestBus test({.arena_bytes_max = 4u << 20});
  Queue queue = test.queue();
  std::vector<Loan> loans;
  Result<Loan, Errc> more = queue.loan(200'000);
  while (more && loans.size() < 1'000) {
    loans.push_back(std::move(*more));
    more = queue.loan(200'000);
  }
  EXPECT_EQ(code_of(more), Errc::kNoSpace);
  EXPECT_LE(inspect(test.bus()).arena.bytes, 4u << 20);
  loans.pop_back();
  EXPECT_TRUE(queue.loan(200'000));
}

TEST(Loan, SpillsIntoTheMemoryThatAnotherParticipantGaveBack) {
  TestBus test({.arena_bytes_max = 2u << 20});
  Queue queue = test.queue();
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  for (int round = 0; round < 20; ++round) {
    std::vector<Loan> loans;
    for (auto more = other.loan(100'000); more; more = other.loan(100'000)) {
      loans.push_back(std::move(*more));
    }
    ASSERT_GE(loans.size(), 4u);
    loans.clear();  // into the magazine of the other participant
    EXPECT_TRUE(queue.loan(100'000)) << round;
  }
}

}  // namespace
}  // namespace ringpost::test
