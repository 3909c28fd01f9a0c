// FIFO queues: order and locks of groups. The rules are those of sqs.md, section 7.
#include <gtest/gtest.h>

#include <map>

#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

constexpr QueueSettings kFifo{.slots = 64, .fifo = true};

void send(Queue& queue, std::string_view group, std::string_view body) {
  ASSERT_EQ(code_of(queue.send(body, {.group = group})), Errc::kOk) << body;
}
void send_all(Queue& queue, std::initializer_list<std::string_view> bodies) {
  for (const auto body : bodies) send(queue, body.substr(0, 1), body);  // "a1": group a
}
std::vector<std::string> take(Queue& queue, std::uint32_t count, Leases& leases) {
  std::vector<std::string> texts;
  if (queue.receive(leases, {.max_messages = count}) != Errc::kOk) return texts;
  for (const Lease& lease : leases) texts.emplace_back(lease.text());
  return texts;
}
using Texts = std::vector<std::string>;

TEST(Fifo, DeliversAGroupInTheOrderOfItsSends) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2", "a3"});
  EXPECT_EQ(drain(queue), (Texts{"a1", "a2", "a3"}));
}

TEST(Fifo, TellsGroupAndSequence) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  const auto first = queue.send("x", {.attributes = {{"k", "v"}}, .group = "orders.BTC"}).value();
  const auto second = queue.send("y", {.group = "orders.ETH"}).value();
  auto leases = queue.receive({.max_messages = 2}).value();
  EXPECT_EQ(leases[0].group(), "orders.BTC");
  EXPECT_EQ(leases[0].id(), first);
  EXPECT_EQ(leases[0].attributes().find("k")->value, "v");
  EXPECT_EQ(leases[1].group(), "orders.ETH");
  EXPECT_LT(leases[0].sequence(), leases[1].sequence());
  EXPECT_EQ(leases[1].sequence(), second.position);
}

TEST(Fifo, LocksAGroupWhileOneOfItsMessagesIsInFlight) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2", "b1"});
  Leases a, b, none;
  EXPECT_EQ(take(queue, 1, a), Texts{"a1"});
  EXPECT_EQ(take(queue, 1, b), Texts{"b1"});
  EXPECT_EQ(take(queue, 1, none), Texts{});
  send(queue, "a", "a3");  // does not unlock it
  EXPECT_EQ(take(queue, 1, none), Texts{});
  EXPECT_EQ(a.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(take(queue, 1, a), Texts{"a2"});
}

TEST(Fifo, UnlocksAGroupWithTheLastAcknowledge) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2", "a3"});
  Leases held, none;
  EXPECT_EQ(take(queue, 2, held), (Texts{"a1", "a2"}));
  EXPECT_EQ(held[1].acknowledge(), Errc::kOk);  // not the first
  EXPECT_EQ(take(queue, 1, none), Texts{});
  EXPECT_EQ(held[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(take(queue, 1, none), Texts{"a3"});
}

TEST(Fifo, FillsABatchFromOneGroupBeforeTheNext) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "b1", "a2", "a3"});
  Leases leases;
  EXPECT_EQ(take(queue, 10, leases), (Texts{"a1", "a2", "a3", "b1"}));
}

TEST(Fifo, ServesGroupsInTurn) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2", "a3", "b1", "b2", "c1"});
  Leases all, one;
  EXPECT_EQ(take(queue, 10, all).size(), 6u);  // everything is in its group now
  for (Lease& lease : all) EXPECT_EQ(lease.release(), Errc::kOk);
  std::map<std::string, int> served;
  for (int i = 0; i < 3; ++i) {
    for (const auto& text : take(queue, 1, one)) ++served[text.substr(0, 1)];
    EXPECT_EQ(one.front().acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(served.size(), 3u);
}

TEST(Fifo, DeliversAReleasedMessageBeforeTheLaterOnesOfItsGroup) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2"});
  Leases leases;
  EXPECT_EQ(take(queue, 1, leases), Texts{"a1"});
  EXPECT_EQ(leases.front().release(), Errc::kOk);
  EXPECT_EQ(take(queue, 10, leases), (Texts{"a1", "a2"}));
  EXPECT_EQ(leases[0].receive_count(), 2u);
  EXPECT_EQ(leases[1].receive_count(), 1u);
}

TEST(Fifo, DeliversAnExpiredMessageBeforeTheLaterOnesOfItsGroup) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .slots = 64, .fifo = true});
  send_all(queue, {"a1", "a2"});
  Leases leases;
  EXPECT_EQ(take(queue, 1, leases), Texts{"a1"});
  test.clock().advance(11s);
  Leases again;
  EXPECT_EQ(take(queue, 10, again), (Texts{"a1", "a2"}));
}

TEST(Fifo, VoidsAReceiptWhenItsLeaseIsOver) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .slots = 64, .fifo = true});
  send_all(queue, {"a1"});
  const Receipt receipt = receive_one(queue);
  test.clock().advance(11s);
  EXPECT_EQ(queue.acknowledge(receipt), Errc::kStaleReceipt);
  EXPECT_EQ(queue.extend(receipt, 10s), Errc::kStaleReceipt);
  EXPECT_EQ(drain(queue), Texts{"a1"});
}

TEST(Fifo, HoldsBackWhatComesAfterAnExtendedMessage) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .slots = 64, .fifo = true});
  send_all(queue, {"a1", "a2", "a3"});
  Leases leases, again;
  EXPECT_EQ(take(queue, 3, leases), (Texts{"a1", "a2", "a3"}));
  EXPECT_EQ(leases[1].extend(60s), Errc::kOk);
  test.clock().advance(11s);
  EXPECT_EQ(take(queue, 10, again), Texts{"a1"});
  EXPECT_EQ(take(queue, 10, again), Texts{});
}

TEST(Fifo, LetsAGroupGoOnWithoutALockWhenTheTimeoutIsZero) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2"});
  Leases leases;
  ASSERT_EQ(queue.receive(leases, {.visibility_timeout = 0s}), Errc::kOk);
  test.clock().advance(1ms);
  EXPECT_EQ(take(queue, 10, leases), (Texts{"a1", "a2"}));
}

TEST(Fifo, DelaysEachMessageByTheQueuesDelayAndHoldsBackItsGroup) {
  TestBus test;
  Queue queue = test.queue("q", {.delay = 10s, .slots = 64, .fifo = true});
  send_all(queue, {"a1"});
  test.clock().advance(6s);
  send_all(queue, {"a2"});
  Leases leases;
  EXPECT_EQ(take(queue, 10, leases), Texts{});
  EXPECT_EQ(queue.stats().delayed, 2u);
  test.clock().advance(5s);
  EXPECT_EQ(take(queue, 10, leases), Texts{"a1"});
  test.clock().advance(6s);
  EXPECT_EQ(leases.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(take(queue, 10, leases), Texts{"a2"});
}

TEST(Fifo, RefusesADelayOfOneMessage) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  EXPECT_EQ(code_of(queue.send("x", {.delay = 2s, .group = "a"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.delay = 0s, .group = "a"})), Errc::kOk);
}

TEST(Fifo, RefusesADelayOfABatchAndOfALoan) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  const OutMessage messages[] = {{as_bytes("x"), {}, "a"}};
  EXPECT_EQ(code_of(queue.send_batch(messages, {.delay = 2s})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send(queue.loan(1).value(), {.delay = 2s, .group = "a"})),
            Errc::kInvalidArgument);
  EXPECT_EQ(drain(queue), Texts{});
  EXPECT_EQ(code_of(queue.send_batch(messages, {.delay = 0s})), Errc::kOk);
  EXPECT_EQ(drain(queue), Texts{"x"});
}

TEST(Fifo, CountsADelayedMessageAsDelayedBeforeAnybodyReceives) {
  TestBus test;
  Queue queue = test.queue("q", {.delay = 10s, .slots = 64, .fifo = true});
  send_all(queue, {"a1"});
  EXPECT_EQ(queue.stats().delayed, 1u);
  EXPECT_EQ(queue.stats().visible, 0u);
  const PeekedMessage seen = queue.peek(1).at(0);
  EXPECT_EQ(seen.state, MessageState::kDelayed);
  EXPECT_GT(seen.due_in, 9s);
  test.clock().advance(11s);
  EXPECT_EQ(queue.stats().visible, 1u);
  EXPECT_EQ(queue.peek(1).at(0).state, MessageState::kVisible);
}

TEST(Fifo, ADelayedMessageIsSeenWithoutAReceiveHoweverOftenReceiversLookAtIt) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fifo = true});
  send_all(queue, {"a1"});
  EXPECT_EQ(queue.purge().value(), 1u);  // leaves a hint of the group
  ASSERT_TRUE(queue.set({.delay = 10s}));
  send_all(queue, {"a2"});
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(queue.peek(1).at(0).receive_count, 0u);
  EXPECT_EQ(queue.peek(1).at(0).state, MessageState::kDelayed);
}

TEST(Fifo, NeedsAGroup) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  EXPECT_EQ(code_of(queue.send("x")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.group = "with space"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.group = std::string(129, 'g')})), Errc::kInvalidArgument);
  const std::string longest(128, 'g');
  EXPECT_EQ(code_of(queue.send("x", {.group = longest})), Errc::kOk);
  EXPECT_EQ(queue.receive().value().front().group(), longest);
}

TEST(Fifo, KeepsTheOrderWhenMessagesAreLarge) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  for (char c = 'a'; c < 'k'; ++c) send(queue, "g", std::string(5'000, c));
  for (char c = 'a'; c < 'k'; ++c) {
    auto leases = queue.receive().value();
    EXPECT_EQ(leases.front().text(), std::string(5'000, c));
    EXPECT_EQ(leases.front().group(), "g");
    EXPECT_EQ(leases.front().acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(Fifo, TakesALoan) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  auto loan = queue.loan(1'000).value();
  std::fill(loan.bytes().begin(), loan.bytes().end(), std::byte{'x'});
  ASSERT_TRUE(queue.send(std::move(loan), {.group = "g"}));
  auto leases = queue.receive().value();
  EXPECT_EQ(leases.front().text(), std::string(1'000, 'x'));
  EXPECT_EQ(leases.front().group(), "g");
}

TEST(Fifo, IsFullWhenEverySlotIsTakenAndHasRoomAfterAnAcknowledge) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  for (int i = 0; i < 64; ++i) send(queue, "g", "x");
  EXPECT_EQ(code_of(queue.send("x", {.group = "g"})), Errc::kFull);
  auto leases = queue.receive().value();
  EXPECT_EQ(leases.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(code_of(queue.send("x", {.group = "g"})), Errc::kOk);
  EXPECT_EQ(drain(queue).size(), 64u);
}

TEST(Fifo, GoesRoundTheRingWhileALeaseHoldsItsSlot) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send(queue, "held", "first");
  const Receipt held = receive_one(queue);
  send(queue, "held", "second");
  for (int i = 0; i < 1'000; ++i) {
    const std::string group = "g" + std::to_string(i % 7);
    send(queue, group, std::to_string(i));
    ASSERT_EQ(drain(queue), Texts{std::to_string(i)});
  }
  EXPECT_EQ(queue.acknowledge(held), Errc::kOk);
  EXPECT_EQ(drain(queue), Texts{"second"});
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(Fifo, ManyGroupsKeepTheirOrder) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 1'024, .fifo = true});
  std::map<std::string, int> sent, received;
  std::uint32_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 1'103'515'245 + 12'345;
    const std::string group = "group" + std::to_string(random >> 16 & 511);
    if (queue.send(std::to_string(sent[group]), {.group = group})) ++sent[group];
    if (i % 3 == 0) continue;
    Leases leases;
    if (queue.receive(leases, {.max_messages = 1 + (random >> 8 & 3)}) != Errc::kOk) continue;
    for (Lease& lease : leases) {
      ASSERT_EQ(lease.text(), std::to_string(received[std::string(lease.group())]++));
      ASSERT_EQ(lease.acknowledge(), Errc::kOk);
    }
  }
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(Fifo, PurgesWhatIsVisibleAndInFlight) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2", "b1"});
  const Receipt receipt = receive_one(queue);
  EXPECT_EQ(queue.purge().value(), 3u);
  EXPECT_EQ(queue.acknowledge(receipt), Errc::kStaleReceipt);
  send_all(queue, {"a3"});
  EXPECT_EQ(drain(queue), Texts{"a3"});
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(Fifo, PurgesBehindAClaimThatIsNotPublished) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  RawRing raw(test.bus(), "q");
  send_all(queue, {"a1", "a2"});
  Leases leases;
  EXPECT_EQ(take(queue, 2, leases), (Texts{"a1", "a2"}));  // this receive asked for no more
  raw.claim();
  send_all(queue, {"a3", "b1"});
  EXPECT_EQ(queue.purge().value(), 4u);
  EXPECT_EQ(drain(queue), Texts{});
}

TEST(Fifo, PurgesFarBehindWhatOthersHaveReceived) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  send_all(other, {"a1"});
  EXPECT_EQ(drain(queue), Texts{"a1"});
  for (int i = 0; i < 64 * 65; ++i) {
    send(other, "a", "x");
    ASSERT_EQ(drain(other), Texts{"x"});
  }
  send_all(other, {"a2", "b1"});
  EXPECT_EQ(queue.purge().value(), 2u);
}

TEST(Fifo, DropsMessagesPastTheirRetentionAndGoesOn) {
  TestBus test;
  Queue queue = test.queue("q", {.retention = 60s, .slots = 64, .fifo = true});
  send_all(queue, {"a1"});
  test.clock().advance(61s);
  send_all(queue, {"a2"});
  EXPECT_EQ(drain(queue), Texts{"a2"});
  EXPECT_EQ(queue.stats().dropped_by_retention, 1u);
}

TEST(Fifo, ReturnsNothingBeyondTheLimitInFlight) {
  TestBus test;
  Queue queue = test.queue("q", {.in_flight_max = 2, .slots = 64, .fifo = true});
  send_all(queue, {"a1", "b1", "c1"});
  Leases leases;
  EXPECT_EQ(take(queue, 10, leases).size(), 2u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Fifo, GivesTheMessagesOfADeadReceiverToOthersInOrder) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  send_all(queue, {"a1", "a2", "a3"});
  {
    Bus other_bus = test.attach();
    Queue other = other_bus.open_queue("q").value();
    Leases leases;
    EXPECT_EQ(take(other, 2, leases), (Texts{"a1", "a2"}));
    EXPECT_EQ(leases[1].acknowledge(), Errc::kOk);
    EXPECT_EQ(leases[0].release(), Errc::kOk);
  }
  EXPECT_EQ(drain(queue), (Texts{"a1", "a3"}));
}

TEST(Fifo, SharesItsGroupsAmongParticipants) {
  TestBus test;
  Queue first = test.queue("q", kFifo);
  Bus other_bus = test.attach();
  Queue second = other_bus.open_queue("q").value();
  std::map<std::string, int> sent, received;
  for (int i = 0; i < 3'000; ++i) {
    const std::string group(1, static_cast<char>('a' + i % 5));
    send(i % 2 == 0 ? first : second, group, std::to_string(sent[group]++));
    Leases leases;
    Queue& receiver = i % 3 == 0 ? first : second;
    if (receiver.receive(leases, {.max_messages = 3}) != Errc::kOk) continue;
    for (Lease& lease : leases) {
      ASSERT_EQ(lease.text(), std::to_string(received[std::string(lease.group())]++));
      ASSERT_EQ(lease.acknowledge(), Errc::kOk);
    }
  }
}

TEST(Fifo, IsASettingThatCannotChange) {
  TestBus test;
  Queue queue = test.queue("q", kFifo);
  EXPECT_EQ(queue.settings().fifo, true);
  EXPECT_EQ(queue.settings().fixed, true);
  EXPECT_EQ(code_of(queue.set({.fifo = false})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test.bus().queue("q", {.fifo = false})), Errc::kExists);
  EXPECT_EQ(code_of(test.bus().queue("r", {.fixed = false, .fifo = true})), Errc::kInvalidArgument);
}

TEST(Fifo, AStandardQueueTakesNoGroup) {
  TestBus test;
  Queue queue = test.queue("q");
  EXPECT_EQ(code_of(queue.send("x", {.group = "a"})), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace ringpost::test
