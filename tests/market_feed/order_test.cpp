// The book of the ordered phase: what it takes once, what it skips, and what its proof notices.
#include "order.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace ringpost::market_feed {
namespace {

using Outcome = OrderBook::Outcome;

constexpr OrderStep kSteps[] = {{"usdm.BTCUSDT", "usdm.btcusdt@trade", 0, 5},
                                {"spot.BTCUSDT", "spot.btcusdt@trade", 1, 3},
                                {"usdm.BTCUSDT", "usdm.btcusdt@depth@0ms", 2, 4},
                                {"usdm.BTCUSDT", "usdm.btcusdt@trade", 3, 6}};

/// Expects all steps; zeroed as the memory of a ledger is.
std::unique_ptr<OrderBook> expecting() {
  auto book = std::make_unique<OrderBook>();
  for (const OrderStep& step : kSteps) book->expect(step);
  return book;
}

TEST(OrderBook, HoldsWhenEachUpdateIsAppliedInOrder) {
  const auto sut = expecting();
  for (const OrderStep& step : kSteps) EXPECT_EQ(sut->apply(step), Outcome::kApplied);
  const auto proof = sut->prove();
  EXPECT_TRUE(proof.complete());
  EXPECT_EQ(proof.groups, 2u);
  EXPECT_EQ(proof.channels, 3u);
  EXPECT_EQ(proof.applied, 4u);
  EXPECT_EQ(proof.fell, 0u);
}

TEST(OrderBook, SkipsWhatWasAppliedBefore) {
  const auto sut = expecting();
  for (const OrderStep& step : kSteps) {
    EXPECT_EQ(sut->apply(step), Outcome::kApplied);
    EXPECT_EQ(sut->apply(step), Outcome::kSkipped);
  }
  EXPECT_EQ(sut->apply(kSteps[0]), Outcome::kSkipped);
  EXPECT_TRUE(sut->prove().complete());
  EXPECT_EQ(sut->prove().skipped, 5u);
}

TEST(OrderBook, LetsGroupsGoOnBesideEachOther) {
  const auto sut = expecting();
  for (const int i : {0, 2, 3, 1}) EXPECT_EQ(sut->apply(kSteps[i]), Outcome::kApplied);
  EXPECT_TRUE(sut->prove().complete());
}

TEST(OrderBook, NoticesAnUpdateThatIsOvertaken) {
  const auto sut = expecting();
  for (const int i : {0, 3, 2, 1}) sut->apply(kSteps[i]);
  EXPECT_FALSE(sut->prove().complete());
}

TEST(OrderBook, NoticesAnUpdateThatIsLeftOut) {
  for (const std::size_t left_out : {0u, 1u, 2u, 3u}) {
    const auto sut = expecting();
    for (std::size_t i = 0; i < std::size(kSteps); ++i) {
      if (i != left_out) sut->apply(kSteps[i]);
    }
    EXPECT_FALSE(sut->prove().complete()) << left_out;
  }
  EXPECT_FALSE(std::make_unique<OrderBook>()->prove().complete());
}

TEST(OrderBook, NoticesAnIdThatDoesNotRise) {
  const auto sut = expecting();
  sut->apply(kSteps[0]);
  OrderStep same = kSteps[3];
  same.update_id = kSteps[0].update_id;
  EXPECT_EQ(sut->apply(same), Outcome::kApplied);
  EXPECT_EQ(sut->prove().fell, 1u);
}

TEST(OrderBook, KnowsStrangers) {
  const auto sut = expecting();
  EXPECT_EQ(sut->apply({"usdm.XRPUSDT", kSteps[0].channel, 0, 5}), Outcome::kUnknown);
  EXPECT_EQ(sut->apply({kSteps[0].group, "usdm.btcusdt", 0, 5}), Outcome::kUnknown);
  EXPECT_EQ(sut->apply({"", "", 0, 5}), Outcome::kUnknown);
}

TEST(OrderBook, AppliesEachUpdateOnceHoweverManyTry) {
  constexpr std::uint32_t kLines = 2'000;
  const auto sut = std::make_unique<OrderBook>();
  const auto step = [](std::uint32_t line) { return OrderStep{"g", "c", line, line + 1}; };
  for (std::uint32_t line = 0; line < kLines; ++line) sut->expect(step(line));
  // Each applies what it gets, some of it late: together they are a group lock with accidents.
  std::atomic<std::uint32_t> next{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::uint32_t line = next; line < kLines; line = next) {
        sut->apply(step(line));
        next.compare_exchange_strong(line, line + 1);
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(sut->prove().complete());
  EXPECT_EQ(sut->prove().fell, 0u);
}

}  // namespace
}  // namespace ringpost::market_feed
