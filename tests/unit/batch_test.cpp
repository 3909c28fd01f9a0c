#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

/// Messages "0", "1", … whose texts live as long as this.
struct Batch {
  explicit Batch(std::size_t count, std::size_t padding = 0) {
    for (std::size_t i = 0; i < count; ++i) {
      texts.push_back(std::to_string(i) + std::string(padding, '.'));
    }
    for (const std::string& each : texts) messages.push_back({as_bytes(each), {}});
  }
  std::vector<std::string> texts;
  std::vector<OutMessage> messages;
};

TEST(SendBatch, SendsAllInOrder) {
  TestBus test;
  Queue queue = test.queue();
  for (const std::size_t count : {1u, 2u, 31u, 32u, 33u, 100u, 500u}) {
    const Batch batch(count);
    EXPECT_EQ(queue.send_batch(batch.messages).value(), count);
    EXPECT_EQ(drain(queue), batch.texts);
  }
}

TEST(SendBatch, OfNothingSendsNothing) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(queue.send_batch({}).value(), 0u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(SendBatch, SaysHowManyOfTheFrontFitAFullQueue) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  const Batch batch(100);
  EXPECT_EQ(queue.send_batch(batch.messages).value(), 64u);
  EXPECT_EQ(code_of(queue.send_batch(batch.messages)), Errc::kFull);
  const auto received = drain(queue);
  EXPECT_EQ(received, std::vector<std::string>(batch.texts.begin(), batch.texts.begin() + 64));
  EXPECT_EQ(queue.send_batch(std::span(batch.messages).subspan(64)).value(), 36u);
  EXPECT_EQ(drain(queue).size(), 36u);
}

TEST(SendBatch, WaitsForItsFirstMessageOnly) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(queue.send("before"));
  const std::vector<OutMessage> batch(10, OutMessage{as_bytes("x"), {}});
  EXPECT_EQ(queue.send_batch(batch, {.wait = kForever}).value(), 4u);
}

TEST(SendBatch, LeavesNoBlockBehindOfWhatDidNotFit) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  const Batch batch(100, 1'000);
  EXPECT_EQ(queue.send_batch(batch.messages).value(), 64u);
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 64u);
  static_cast<void>(drain(queue));
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
  EXPECT_EQ(test.findings(), "");
}

TEST(SendBatch, StopsBeforeTheFirstMessageThatIsRefused) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1024});
  Batch batch(5);
  const std::string large(2'000, 'x');
  batch.messages[3].body = as_bytes(large);
  EXPECT_EQ(queue.send_batch(batch.messages).value(), 3u);
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(code_of(queue.send_batch(std::span(batch.messages).subspan(3))), Errc::kTooLarge);
}

TEST(SendBatch, CarriesAttributesOfEachMessage) {
  TestBus test;
  Queue queue = test.queue();
  const Attribute of_a[] = {{"n", "1"}};
  const Attribute of_b[] = {{"n", "2"}};
  const OutMessage batch[] = {{as_bytes("a"), AttributeList(of_a)},
                              {as_bytes("b"), AttributeList(of_b)}};
  EXPECT_EQ(queue.send_batch(batch).value(), 2u);
  auto received = queue.receive({.max_messages = 2}).value();
  EXPECT_EQ(received[0].attributes().find("n")->value, "1");
  EXPECT_EQ(received[1].attributes().find("n")->value, "2");
}

TEST(SendBatch, GrowsTheQueueLikeSingleSends) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  const Batch batch(1'000);
  EXPECT_EQ(queue.send_batch(batch.messages).value(), 1'000u);
  EXPECT_EQ(drain(queue), batch.texts);
}

TEST(SendBatch, RefusesADelayBeyondItsLimitAsAWhole) {
  TestBus test;
  Queue queue = test.queue();
  const Batch batch(2);
  EXPECT_EQ(code_of(queue.send_batch(batch.messages, {.delay = 16min})), Errc::kInvalidArgument);
  EXPECT_EQ(queue.stats().visible, 0u);
}

TEST(ReceiveBatch, GivesFewerWhenThereAreFewer) {
  TestBus test;
  Queue queue = test.queue();
  const Batch batch(7);
  ASSERT_TRUE(queue.send_batch(batch.messages));
  EXPECT_EQ(bodies(queue, 10), batch.texts);
}

TEST(ReceiveBatch, LeasesEachMessageByItself) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  const Batch batch(3);
  ASSERT_TRUE(queue.send_batch(batch.messages));
  auto received = queue.receive({.max_messages = 3}).value();
  EXPECT_EQ(received[1].acknowledge(), Errc::kOk);
  EXPECT_EQ(received[2].release(), Errc::kOk);
  received.clear();
  EXPECT_EQ(bodies(queue), std::vector<std::string>{"2"});
  test.clock().advance(11s);
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"0", "2"}));
}

}  // namespace
}  // namespace ringpost::test
