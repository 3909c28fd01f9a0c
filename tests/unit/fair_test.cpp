// Fair queues: tenants, quiet and noisy. The rules are those of sqs.md, section 10.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "fair/settle.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

constexpr QueueSettings kFair{.slots = 1024, .fair = true};
using Texts = std::vector<std::string>;

/// Tenants whose ids lead to one cell count as one, and which do depends on the queue's id, which
/// is drawn. Whether those of the tests have a cell each in this one.
bool has_cells_of_their_own(TestBus& test) {
  RawRing raw(test.bus(), "q");
  std::set<std::uint64_t> cells;
  const auto tenants = {"noisy", "quiet", "other", "x", "y", "z", "a", "b", "c"};
  for (const std::string_view tenant : tenants) {
    cells.insert(group::key_of(tenant, raw.mapping().queue_id()) % raw.view().geometry().tenants);
  }
  return cells.size() == tenants.size();
}

Queue fair_queue(TestBus& test) {
  Queue queue = test.queue("q", kFair);
  while (!has_cells_of_their_own(test)) {
    EXPECT_TRUE(test.bus().delete_queue("q"));
    queue = test.queue("q", kFair);
  }
  return queue;
}

void send(Queue& queue, std::string_view tenant, std::string_view body) {
  ASSERT_EQ(code_of(queue.send(body, {.group = tenant})), Errc::kOk) << body;
}
void send_many(Queue& queue, std::string_view tenant, int count) {
  for (int i = 0; i < count; ++i) send(queue, tenant, tenant);
}
/// Receives `count` messages one by one and gives their receipts, in order.
std::vector<Receipt> hold(Queue& queue, int count) {
  std::vector<Receipt> receipts;
  for (int i = 0; i < count; ++i) receipts.push_back(receive_one(queue));
  return receipts;
}
/// The tenant of the next message, which stays in flight.
std::string next(Queue& queue) {
  auto lease = queue.receive();
  return lease ? std::string(lease->front().group()) : std::string();
}

TEST(FairQueue, GivesTheGroupOnReceive) {
  TestBus test;
  Queue queue = fair_queue(test);
  const auto id = queue.send("x", {.attributes = {{"k", "v"}}, .group = "customer-7"}).value();
  send(queue, "customer-8", std::string(1'000, 'y'));  // in a block
  ASSERT_EQ(code_of(queue.send("z")), Errc::kOk);
  EXPECT_EQ(queue.peek(10)[1].group, "customer-8");
  auto leases = queue.receive({.max_messages = 3}).value();
  EXPECT_EQ(leases[0].group(), "customer-7");
  EXPECT_EQ(leases[0].id(), id);
  EXPECT_EQ(leases[0].attributes().find("k")->value, "v");
  EXPECT_EQ(leases[1].group(), "customer-8");
  EXPECT_EQ(leases[1].text(), std::string(1'000, 'y'));
  EXPECT_EQ(leases[2].group(), "");
  EXPECT_EQ(test.findings(), "");
}

TEST(FairQueue, LocksNoGroup) {
  TestBus test;
  Queue queue = fair_queue(test);
  for (const auto* body : {"1", "2", "3"}) send(queue, "a", body);
  Leases first, second, third;
  ASSERT_EQ(queue.receive(first), Errc::kOk);
  ASSERT_EQ(queue.receive(second), Errc::kOk);
  EXPECT_EQ(second.front().acknowledge(), Errc::kOk);  // before the first
  ASSERT_EQ(queue.receive(third), Errc::kOk);
  EXPECT_EQ(third.front().text(), "3");
  EXPECT_EQ(first.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(third.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(queue.stats().in_flight, 0u);
}

TEST(FairQueue, ServesTheOldestFirstAsLongAsAllAreQuiet) {
  TestBus test;
  Queue queue = fair_queue(test);
  for (const auto* body : {"a1", "b1", "a2", "-", "c1", "a3"}) {
    const std::string tenant(body, body[0] == '-' ? 0 : 1);
    ASSERT_EQ(code_of(queue.send(body, {.group = tenant})), Errc::kOk);
  }
  EXPECT_EQ(drain(queue), (Texts{"a1", "b1", "a2", "-", "c1", "a3"}));
}

TEST(FairQueue, ChecksTheGroupAndTakesNoDeduplicationId) {
  TestBus test;
  Queue queue = fair_queue(test);
  EXPECT_EQ(code_of(queue.send("x", {.group = "a b"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.group = std::string(129, 'a')})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.dedup_id = "1"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.group = std::string(128, 'a')})), Errc::kOk);
}

TEST(FairQueue, IsASettingAndAPlainQueueRefusesGroups) {
  TestBus test;
  Queue plain = test.queue("plain");
  EXPECT_EQ(code_of(plain.send("x", {.group = "a"})), Errc::kInvalidArgument);
  Loan loan = plain.loan(1).value();
  EXPECT_EQ(code_of(plain.send(std::move(loan), {.group = "a"})), Errc::kInvalidArgument);
  EXPECT_FALSE(*plain.settings().fair);
  Queue fair = test.queue("fair", {.fair = true});
  EXPECT_TRUE(*fair.settings().fair);
  EXPECT_FALSE(*fair.settings().fifo);
  EXPECT_TRUE(*fair.settings().fixed);
  EXPECT_EQ(code_of(fair.set({.fair = false})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test.bus().queue("fair", {.fair = false})), Errc::kExists);
}

TEST(FairQueue, RefusesWhatDoesNotGoWithIt) {
  TestBus test;
  static_cast<void>(test.queue("dead"));
  const auto made = [&](const QueueSettings& settings) {
    return code_of(test.bus().queue("q", settings));
  };
  EXPECT_EQ(made({.fifo = true, .fair = true}), Errc::kInvalidArgument);
  EXPECT_EQ(made({.fixed = false, .fair = true}), Errc::kInvalidArgument);
  EXPECT_EQ(made({.fair = true, .dedup = Dedup::kById}), Errc::kInvalidArgument);
  EXPECT_EQ(made({.redrive = RedrivePolicy{"dead", 3}, .fair = true}), Errc::kInvalidArgument);
  Queue fair = test.queue("fair", kFair);
  EXPECT_EQ(code_of(fair.set({.redrive = RedrivePolicy{"dead", 3}})), Errc::kInvalidArgument);
  EXPECT_EQ(made({.redrive = RedrivePolicy{"fair", 3}}), Errc::kInvalidArgument);
}

TEST(NoisyTenant, IsServedAfterTheQuietOnes) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "noisy", 200);
  for (const auto* quiet : {"x", "y", "z"}) send(queue, quiet, quiet);
  hold(queue, 30);  // of the noisy one: who else is there before it?
  EXPECT_EQ(next(queue), "x");
  EXPECT_EQ(next(queue), "y");
  EXPECT_EQ(next(queue), "z");
  EXPECT_EQ(next(queue), "noisy");  // not held up when there is nothing else
  send(queue, "x", "x");
  EXPECT_EQ(next(queue), "x");
}

TEST(NoisyTenant, HoldsAtLeastThirtyMessagesInFlight) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 100);
  send(queue, "b", "b");
  hold(queue, 29);
  EXPECT_EQ(next(queue), "a");  // the 30th
  EXPECT_EQ(next(queue), "b");
}

TEST(NoisyTenant, HoldsMoreThanATenthOfWhatIsInFlight) {
  TestBus test;
  Queue queue = fair_queue(test);
  for (int i = 0; i < 270; ++i) ASSERT_EQ(code_of(queue.send("-")), Errc::kOk);
  send_many(queue, "a", 40);
  send(queue, "b", "b");
  hold(queue, 270 + 30);        // 30 of 300 are of a: a tenth and not more
  EXPECT_EQ(next(queue), "a");  // the 31st
  EXPECT_EQ(next(queue), "b");
}

TEST(NoisyTenant, WithTheFewestMessagesInFlightComesFirst) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 100);
  hold(queue, 40);
  send_many(queue, "b", 100);
  hold(queue, 35);  // a is noisy, b becomes so
  std::map<std::string, int> served;
  for (int i = 0; i < 10; ++i) ++served[next(queue)];  // b until it has 40, too
  EXPECT_GE(served["b"], 5);
  EXPECT_EQ(served["a"] + served["b"], 10);
}

TEST(NoisyTenant, StaysNoisyUntilItsBacklogIsConsumed) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "noisy", 50);
  send(queue, "quiet", "quiet");
  const auto receipts = hold(queue, 30);
  EXPECT_EQ(next(queue), "quiet");
  for (const Receipt& receipt : receipts) EXPECT_EQ(queue.acknowledge(receipt), Errc::kOk);
  send(queue, "quiet", "quiet");
  EXPECT_EQ(next(queue), "quiet");  // nothing of the noisy one is in flight, 20 wait
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(next(queue), "noisy");
  }
  send(queue, "noisy", "noisy");
  send(queue, "quiet", "quiet");
  EXPECT_EQ(next(queue), "noisy");  // its backlog was consumed
}

TEST(NoisyTenant, IsQuietAgainAfterFiveMinutesWithoutMessagesInFlight) {
  for (const auto pause : {299s, 301s}) {
    TestBus test;
    Queue queue = fair_queue(test);
    send_many(queue, "noisy", 50);
    send(queue, "quiet", "quiet");
    auto receipts = hold(queue, 31);  // 30 of the noisy one, and the quiet one's
    for (const Receipt& receipt : receipts) EXPECT_EQ(queue.acknowledge(receipt), Errc::kOk);
    test.clock().advance(pause);
    send(queue, "other", "other");
    EXPECT_EQ(next(queue), pause < 5min ? "other" : "noisy") << pause.count();
  }
}

TEST(NoisyTenant, LosesNothing) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 300);
  send_many(queue, "b", 300);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(code_of(queue.send("-")), Errc::kOk);
  std::map<std::string, int> seen;
  std::deque<Leases> held;
  for (int left = 700; left > 0;) {
    held.emplace_back();
    ASSERT_EQ(queue.receive(held.back(), {.max_messages = 10}), Errc::kOk);
    left -= static_cast<int>(held.back().size());
    for (const Lease& lease : held.back()) ++seen[std::string(lease.group())];
    if (held.size() < 8) continue;
    for (Lease& lease : held.front()) EXPECT_EQ(lease.acknowledge(), Errc::kOk);
    held.pop_front();
  }
  EXPECT_EQ(seen, (std::map<std::string, int>{{"a", 300}, {"b", 300}, {"", 100}}));
  for (Leases& leases : held) {
    for (Lease& lease : leases) EXPECT_EQ(lease.acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(fill(queue), 1024u);  // every slot is free again
  EXPECT_EQ(test.findings(), "");
}

TEST(NoisyTenant, IsNoneWithoutAName) {
  TestBus test;
  Queue queue = fair_queue(test);
  for (int i = 0; i < 60; ++i) ASSERT_EQ(code_of(queue.send("-")), Errc::kOk);
  send(queue, "a", "a");
  hold(queue, 40);  // each is a tenant of its own
  for (int i = 0; i < 20; ++i) EXPECT_EQ(next(queue), "");
  EXPECT_EQ(next(queue), "a");
}

TEST(NoisyTenant, WhoseMessagesCameBackWaitsWithThem) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "noisy", 100);
  auto receipts = hold(queue, 80);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(queue.release(receipts[static_cast<std::size_t>(i)]), Errc::kOk);
  }
  send(queue, "quiet", "quiet");
  EXPECT_EQ(next(queue), "quiet");
  EXPECT_EQ(drain(queue).size(), 60u);  // 20 that wait and 40 that came back
  EXPECT_EQ(test.findings(), "");
}

TEST(FairQueue, DeliversAReleasedMessageAgain) {
  TestBus test;
  Queue queue = fair_queue(test);
  send(queue, "a", "1");
  Leases leases;
  ASSERT_EQ(queue.receive(leases), Errc::kOk);
  EXPECT_EQ(leases.front().release(), Errc::kOk);
  ASSERT_EQ(queue.receive(leases), Errc::kOk);
  EXPECT_EQ(leases.front().receive_count(), 2u);
  EXPECT_EQ(leases.front().group(), "a");
  EXPECT_EQ(leases.front().release(10s), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  test.clock().advance(11s);
  EXPECT_EQ(drain(queue), Texts{"1"});
}

TEST(FairQueue, DeliversAMessageAgainWhenItsLeaseIsOver) {
  TestBus test;
  Queue queue = fair_queue(test);
  send(queue, "a", "1");
  const Receipt first = receive_one(queue);
  test.clock().advance(31s);
  EXPECT_EQ(queue.stats().visible, 1u);
  const Receipt second = receive_one(queue);
  EXPECT_EQ(queue.acknowledge(first), Errc::kStaleReceipt);
  EXPECT_EQ(queue.acknowledge(second), Errc::kOk);
  EXPECT_EQ(queue.stats().expired, 1u);
}

TEST(FairQueue, AcknowledgesAndExtendsAfterTheLeaseWhileNobodyElseHasTheMessage) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 2);
  const auto receipts = hold(queue, 2);
  test.clock().advance(31s);
  EXPECT_EQ(code_of(test.queue("other").receive()), Errc::kEmpty);
  EXPECT_EQ(queue.extend(receipts[1], 60s), Errc::kOk);
  EXPECT_EQ(queue.acknowledge(receipts[0]), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(queue.acknowledge(receipts[1]), Errc::kOk);
  EXPECT_EQ(fill(queue), 1024u);
}

TEST(FairQueue, RefusesAReceiptThatNoReceiveGave) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 40);
  Receipt forged = hold(queue, 30).front();
  EXPECT_EQ(next(queue), "a");  // the others are in their list
  for (forged.slot = 0; forged.slot < 64; ++forged.slot) {
    forged.receive_count = 0;
    EXPECT_EQ(queue.acknowledge(forged), Errc::kStaleReceipt);
  }
  EXPECT_EQ(drain(queue).size(), 9u);
  EXPECT_EQ(test.findings(), "");
}

TEST(FairQueue, DelaysEachMessageByItself) {
  TestBus test;
  Queue queue = fair_queue(test);
  ASSERT_EQ(code_of(queue.send("late", {.delay = 10s, .group = "a"})), Errc::kOk);
  send(queue, "a", "early");
  EXPECT_EQ(queue.stats().delayed, 1u);
  EXPECT_EQ(drain(queue), Texts{"early"});
  test.clock().advance(11s);
  EXPECT_EQ(drain(queue), Texts{"late"});
  ASSERT_EQ(code_of(queue.set({.delay = 5s})), Errc::kOk);
  send(queue, "a", "all");
  EXPECT_EQ(drain(queue), Texts{});
  test.clock().advance(6s);
  EXPECT_EQ(drain(queue), Texts{"all"});
}

TEST(FairQueue, IsPurgedWithAllThatWaitsIsDelayedOrInFlight) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 100);
  send(queue, "b", "b");
  const auto receipts = hold(queue, 30);
  EXPECT_EQ(next(queue), "b");  // the rest of a is in its list
  send_many(queue, "c", 10);
  ASSERT_EQ(code_of(queue.send("-")), Errc::kOk);
  ASSERT_EQ(code_of(queue.send("x", {.delay = 10s, .group = "a"})), Errc::kOk);
  EXPECT_EQ(queue.purge().value(), 113u);
  EXPECT_EQ(queue.acknowledge(receipts[0]), Errc::kStaleReceipt);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(test.findings(), "");
  EXPECT_EQ(fill(queue), 1024u);
  EXPECT_EQ(drain(queue).size(), 1024u);
}

TEST(FairQueue, DropsWhatIsPastItsRetention) {
  TestBus test;
  Queue queue = test.queue("q", {.retention = 60s, .slots = 64, .fair = true});
  send_many(queue, "a", 50);
  hold(queue, 35);
  test.clock().advance(61s);
  send(queue, "a", "new");
  EXPECT_EQ(drain(queue), Texts{"new"});
  EXPECT_EQ(queue.stats().dropped_by_retention, 50u);
  EXPECT_EQ(fill(queue), 64u);
}

TEST(FairQueue, TakesBatchesAndLoans) {
  TestBus test;
  Queue queue = fair_queue(test);
  const OutMessage batch[] = {{.body = as_bytes("1"), .group = "a"}, {.body = as_bytes("2")}};
  EXPECT_EQ(queue.send_batch(batch).value(), 2u);
  Loan loan = queue.loan(3).value();
  std::copy_n(as_bytes("abc").begin(), 3, loan.bytes().begin());
  ASSERT_EQ(code_of(queue.send(std::move(loan), {.group = "lender"})), Errc::kOk);
  auto leases = queue.receive({.max_messages = 10}).value();
  ASSERT_EQ(leases.size(), 3u);
  EXPECT_EQ(leases[0].group(), "a");
  EXPECT_EQ(leases[1].group(), "");
  EXPECT_EQ(leases[2].group(), "lender");
  EXPECT_EQ(leases[2].text(), "abc");
}

TEST(FairQueue, IsFullWhenEverySlotIsTaken) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fair = true});
  send_many(queue, "a", 64);
  EXPECT_EQ(code_of(queue.send("x", {.group = "a"})), Errc::kFull);
  const Receipt one = receive_one(queue);
  EXPECT_EQ(queue.acknowledge(one), Errc::kOk);
  EXPECT_EQ(code_of(queue.send("x", {.group = "a"})), Errc::kOk);
  EXPECT_EQ(drain(queue).size(), 64u);
}

TEST(FairQueue, GoesRoundManyTimesWithManyTenantsAndConsumers) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fair = true});
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  std::vector<Receipt> held;
  std::size_t sent = 0, received = 0;
  for (int round = 0; round < 2'000; ++round) {
    const std::string tenant = round % 3 == 0 ? "t" + std::to_string(round % 17) : "noisy";
    if (queue.send("x", {.group = tenant})) ++sent;
    Queue& consumer = round % 2 == 0 ? queue : other;
    if (round % 5 != 0) {
      if (auto lease = consumer.receive()) {
        ++received;
        held.push_back(lease->front().receipt());
      }
    }
    if (held.size() > 40) {
      EXPECT_EQ(other.acknowledge(held[static_cast<std::size_t>(round) % 40]), Errc::kOk);
      held.erase(held.begin() + round % 40);
    }
  }
  for (const Receipt& receipt : held) EXPECT_EQ(queue.acknowledge(receipt), Errc::kOk);
  EXPECT_EQ(received + drain(other).size(), sent);
  EXPECT_EQ(test.findings(), "");
  EXPECT_EQ(fill(queue), 64u);
}

TEST(FairDoctor, FindsNothingWrongWithMessagesInEveryState) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "noisy", 50);
  send(queue, "quiet", std::string(5'000, 'x'));
  ASSERT_EQ(code_of(queue.send("-", {.delay = 10s})), Errc::kOk);
  auto receipts = hold(queue, 31);
  EXPECT_EQ(test.findings(), "");
  EXPECT_EQ(queue.release(receipts[3]), Errc::kOk);
  EXPECT_EQ(queue.release(receipts[4], 10s), Errc::kOk);
  EXPECT_EQ(queue.acknowledge(receipts[5]), Errc::kOk);
  EXPECT_EQ(test.findings(), "");
  test.clock().advance(31s);
  EXPECT_EQ(test.findings(), "");
  EXPECT_EQ(drain(queue).size(), 51u);
  EXPECT_EQ(test.findings(), "");
}

TEST(FairDoctor, FindsNothingWrongWithAClaimThatConsumersHaveGonePast) {
  TestBus test;
  Queue queue = fair_queue(test);
  RawRing raw(test.bus(), "q");
  const std::uint64_t position = raw.claim();
  send(queue, "a", "x");
  EXPECT_EQ(drain(queue).size(), 1u);
  const std::uint32_t slot = raw.view().slot_of(position);
  ASSERT_EQ(raw.view().lease_word(slot).state(), ring::LeaseState::kAwait);
  EXPECT_EQ(test.findings(), "");
  fair::give_up(raw.ring(), position);  // by its producer, who has lost it
  EXPECT_EQ(test.findings(), "");
}

TEST(FairDoctor, FindsAListWithoutAHintAndASweepRepairsIt) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 40);
  hold(queue, 31);
  RawRing raw(test.bus(), "q");
  raw.view().hot().hint_top.store(0);
  EXPECT_NE(test.findings().find("no hint leads to it"), std::string::npos) << test.findings();
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(test.findings_after_sweep(), "");
  EXPECT_EQ(drain(queue).size(), 9u);
}

TEST(FairDoctor, FindsAListedMessageThatIsInNoList) {
  TestBus test;
  Queue queue = fair_queue(test);
  send_many(queue, "a", 40);
  hold(queue, 31);
  RawRing raw(test.bus(), "q");
  group::Groups groups(raw.ring());
  group::Record record;
  const std::uint32_t index = groups.find(groups.key_at(39), record);
  ASSERT_TRUE(groups.move(index, record, record.emptied()));
  EXPECT_NE(test.findings().find("its message is not in the list"), std::string::npos);
}

TEST(NoisyTenant, IsCountedAnewByASweep) {
  TestBus test;
  Queue queue = fair_queue(test);
  RawRing raw(test.bus(), "q");
  for (std::uint32_t cell = 0; cell < raw.view().geometry().tenants; ++cell) {
    raw.view().tenant(cell).store(50);  // as if many had died while they received
  }
  raw.view().hot().in_flight.store(50);
  send(queue, "a", "1");
  send(queue, "b", "2");
  const Receipt held = receive_one(queue);
  test.bus().sweep();
  EXPECT_EQ(raw.view().hot().in_flight.load(), 1u);
  EXPECT_EQ(queue.acknowledge(held), Errc::kOk);
  for (std::uint32_t cell = 0; cell < raw.view().geometry().tenants; ++cell) {
    EXPECT_EQ(fair::Tenant{raw.view().tenant(cell).load()}.in_flight(), 0u);
  }
  EXPECT_EQ(drain(queue).size(), 1u);
}

}  // namespace
}  // namespace ringpost::test
