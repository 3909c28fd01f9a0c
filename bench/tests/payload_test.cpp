#include "harness/payload.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ringpost::bench {
namespace {

std::vector<std::byte> message(std::uint64_t id, std::size_t bytes) {
  std::vector<std::byte> body(bytes);
  fill_payload(body, id, Check::kEveryByte);
  return body;
}

TEST(Payload, IsWholeAsWritten) {
  for (const std::size_t bytes : {16u, 24u, 32u, 64u, 1024u, 65536u}) {
    const auto body = message(message_id(3, 12345), bytes);
    EXPECT_TRUE(check_payload(body, Check::kEveryByte)) << bytes;
  }
}

TEST(Payload, ShowsEveryChangedByte) {
  auto body = message(message_id(1, 77), 256);
  for (std::byte& byte : body) {
    byte ^= std::byte{0x10};
    EXPECT_FALSE(check_payload(body, Check::kEveryByte)) << &byte - body.data();
    byte ^= std::byte{0x10};
  }
}

TEST(Payload, OfAnotherMessageInOneHalfIsNotWhole) {
  auto body = message(message_id(1, 77), 128);
  const auto other = message(message_id(1, 78), 128);
  std::copy(other.begin() + 64, other.end(), body.begin() + 64);
  EXPECT_FALSE(check_payload(body, Check::kEveryByte));
}

class Judgement : public testing::Test {
 protected:
  void receive(unsigned producer, std::uint64_t sequence, std::size_t consumer = 0) {
    tallies_[consumer].add(message(message_id(producer, sequence), 32), 32, Check::kEveryByte);
  }
  Verdict judged(std::vector<std::uint64_t> sent) { return judge(sent, tallies_); }

  std::vector<Tally> tallies_ = std::vector<Tally>(2);
};

TEST_F(Judgement, IsCleanForMessagesSharedByTwoConsumers) {
  for (std::uint64_t i = 0; i < 10; ++i) receive(0, i, i % 2);
  for (std::uint64_t i = 0; i < 7; ++i) receive(1, i, i < 3 ? 0 : 1);
  EXPECT_EQ(judged({10, 7}), Verdict{});
}

TEST_F(Judgement, CountsLostMessages) {
  for (const std::uint64_t i : {0u, 1u, 3u}) receive(0, i);
  EXPECT_EQ(judged({5}).lost, 2u);
}

TEST_F(Judgement, CountsMessagesDeliveredTwice) {
  for (const std::uint64_t i : {0u, 1u, 2u}) receive(0, i);
  receive(0, 2, 1);
  EXPECT_EQ(judged({3}).lost, 1u);
}

TEST_F(Judgement, SeesOneLostWhileAnotherCameTwice) {
  for (const std::uint64_t i : {0u, 1u, 1u, 3u}) receive(0, i);
  EXPECT_EQ(judged({4}).mismatched, 1u);
}

TEST_F(Judgement, CountsOrderPerProducerOnly) {
  receive(0, 0), receive(1, 0), receive(0, 1), receive(1, 1);
  EXPECT_EQ(judged({2, 2}).reordered, 0u);
  receive(0, 3), receive(0, 2);
  EXPECT_EQ(judged({4, 2}).reordered, 1u);
}

TEST_F(Judgement, TakesAWrongLengthForCorruption) {
  tallies_[0].add(message(message_id(0, 0), 64), 32, Check::kEveryByte);
  EXPECT_EQ(judged({1}).corrupted, 1u);
}

TEST_F(Judgement, TakesAnUnknownProducerForCorruption) {
  receive(kProducersMax + 1, 0);
  EXPECT_EQ(judged({0}).corrupted, 1u);
}

}  // namespace
}  // namespace ringpost::bench
