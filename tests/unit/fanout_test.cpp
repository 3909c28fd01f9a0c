// One message to many queues: stored once, delivered by reference, decided once.
#include <gtest/gtest.h>

#include <future>

#include "client/member.hpp"
#include "support/child.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"
#include "topic/fanout.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Core = std::unique_ptr<detail::QueueCore>;
using topic::WhenFull;
using Texts = std::vector<std::string>;

Core open_core(Bus& bus, const std::string& name) {
  client::Member& member = client::Member::of(bus);
  auto mapping = member.context().queues.open(name).value();
  return detail::QueueCore::open(member.membership(), std::move(mapping)).value();
}

void empty(Queue& queue) { static_cast<void>(drain(queue)); }
void fill_up(Queue& queue) { static_cast<void>(fill(queue)); }

/// What one participant publishes with.
struct Publisher {
  Publisher(Bus& bus, const std::vector<std::string>& names)
      : fanout(client::Member::of(bus).membership()) {
    for (const std::string& name : names) {
      cores.push_back(open_core(bus, name));
      targets.push_back({.queue = cores.back().get(), .when_full = WhenFull::kRefuse});
    }
  }
  auto publish(std::string_view body, const AttributeList& attributes = {},
               Duration wait = Duration::zero()) {
    const topic::Message message{as_bytes(body), attributes};
    return fanout.publish({&message, 1}, targets, {wait});
  }
  topic::Fanout fanout;
  std::vector<Core> cores;
  std::vector<topic::Target> targets;
};

class Fanout : public testing::Test {
 protected:
  static constexpr QueueSettings kSmall{.visibility_timeout = 10s, .slots = 64, .fixed = true};

  [[nodiscard]] std::uint64_t blocks_used() { return inspect(test_.bus()).arena.blocks_used; }
  void TearDown() override {
    EXPECT_EQ(test_.findings_after_sweep(), "");
    for (Queue* each : {&a_, &b_, &c_}) {
      if (!each->purge()) continue;
    }
    EXPECT_EQ(test_.findings_after_sweep(), "");
    EXPECT_EQ(blocks_used(), 0u);
  }

  TestBus test_;
  Queue a_ = test_.queue("a", kSmall);
  Queue b_ = test_.queue("b", kSmall);
  Queue c_ = test_.queue("c", kSmall);
  Publisher publisher_{test_.bus(), {"a", "b", "c"}};
};

TEST_F(Fanout, GivesEveryTargetTheMessage) {
  for (const std::size_t bytes : {0u, 5u, 104u, 1'000u, 200'000u}) {
    const std::string body(bytes, 'x');
    const auto published = publisher_.publish(body, {{"kind", "test"}});
    ASSERT_TRUE(published);
    EXPECT_EQ(published->delivered, 3u);
    EXPECT_EQ(published->refused, 0u);
    for (Queue* each : {&a_, &b_, &c_}) {
      auto received = each->receive().value();
      EXPECT_EQ(received.front().text(), body);
      EXPECT_EQ(received.front().attributes().find("kind")->value, "test");
      EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
    }
  }
}

TEST_F(Fanout, StoresTheMessageOnce) {
  ASSERT_TRUE(publisher_.publish(std::string(200'000, 'x')));
  EXPECT_EQ(blocks_used(), 2u) << "the payload and the share";
  auto a = a_.receive().value();
  auto b = b_.receive().value();
  EXPECT_EQ(a.front().body().data(), b.front().body().data());
}

TEST_F(Fanout, FreesTheMessageWithItsLastDelivery) {
  ASSERT_TRUE(publisher_.publish("x"));
  for (Queue* each : {&b_, &a_, &c_}) {
    EXPECT_EQ(blocks_used(), 2u);
    EXPECT_EQ(drain(*each), Texts{"x"});
  }
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, KeepsAMessageThatIsReadInPlaceAfterItsLeaseIsOver) {
  ASSERT_TRUE(publisher_.publish("x"));
  auto reader = a_.receive().value();
  test_.clock().advance(11s);
  Bus other = test_.attach();
  Queue again = other.open_queue("a").value();
  EXPECT_EQ(drain(again), Texts{"x"});
  EXPECT_EQ(drain(b_), Texts{"x"});
  EXPECT_EQ(drain(c_), Texts{"x"});
  EXPECT_EQ(blocks_used(), 2u);
  EXPECT_EQ(reader.front().text(), "x");
  reader.clear();
  test_.bus().sweep();
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, IsRedeliveredPerQueue) {
  ASSERT_TRUE(publisher_.publish("x"));
  EXPECT_EQ(bodies(a_), Texts{"x"});
  EXPECT_EQ(drain(b_), Texts{"x"});
  test_.clock().advance(11s);
  EXPECT_EQ(drain(a_), Texts{"x"});
  EXPECT_EQ(drain(b_), Texts{});
}

TEST_F(Fanout, ToNobodyIsPublished) {
  publisher_.targets.clear();
  const auto published = publisher_.publish("x");
  ASSERT_TRUE(published);
  EXPECT_EQ(published->delivered, 0u);
  EXPECT_NE(published->id, publisher_.publish("x")->id);
}

TEST_F(Fanout, GivesEachTargetItsFormOfTheMessage) {
  for (const std::size_t bytes : {0u, 5u, 1'000u, 70'001u}) {
    const std::string first(bytes, 'x');
    const Attribute kind{"kind", "test"};
    const topic::Message forms[] = {{as_bytes(first), AttributeList(std::span(&kind, 1))},
                                    {as_bytes("{\"document\": 1}")}};
    publisher_.targets[1].form = 1;
    ASSERT_TRUE(publisher_.fanout.publish(forms, publisher_.targets, {}));
    EXPECT_EQ(blocks_used(), 2u) << "one payload, one share";
    EXPECT_EQ(b_.peek(1).front().body, "{\"document\": 1}");
    auto received = a_.receive().value();
    EXPECT_EQ(received.front().text(), first);
    EXPECT_EQ(received.front().attributes().find("kind")->value, "test");
    EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
    EXPECT_EQ(drain(b_), Texts{"{\"document\": 1}"});
    EXPECT_EQ(drain(c_), Texts{first});
  }
}

TEST_F(Fanout, HasAnIdOfItsOwnForEachPublish) {
  const MessageId first = publisher_.publish("x")->id;
  EXPECT_NE(first, publisher_.publish("x")->id);
  for (Queue* each : {&a_, &b_, &c_}) empty(*each);
  EXPECT_NE(first, publisher_.publish("x")->id);
}

TEST_F(Fanout, GoesToManyTargetsInOneDecision) {
  Queue many = test_.queue("many", {.slots = 256, .fixed = true});
  const Core core = open_core(test_.bus(), "many");
  publisher_.targets.assign(201, {.queue = core.get()});
  EXPECT_EQ(publisher_.publish("x")->delivered, 201u);
  EXPECT_EQ(blocks_used(), 1u + 6u);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(many).size(), 201u);
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, FailsAsAWholeWhereATargetSaysSo) {
  const std::size_t count = fill(b_);
  publisher_.targets[1].when_full = WhenFull::kFail;
  publisher_.targets[2].when_full = WhenFull::kFail;
  EXPECT_EQ(code_of(publisher_.publish("x")), Errc::kFull);
  EXPECT_EQ(a_.stats().visible + c_.stats().visible, 0u);
  EXPECT_EQ(blocks_used(), 0u);
  EXPECT_EQ(drain(b_).size(), count);
  EXPECT_EQ(publisher_.publish("y")->delivered, 3u);
  for (Queue* each : {&a_, &b_, &c_}) EXPECT_EQ(drain(*each), Texts{"y"});
}

TEST_F(Fanout, IsRefusedByAFullTargetAndDeliveredToOthers) {
  fill_up(b_);
  const auto published = publisher_.publish("x");
  ASSERT_TRUE(published);
  EXPECT_EQ(published->delivered, 2u);
  EXPECT_EQ(published->refused, 1u);
  EXPECT_EQ(publisher_.targets[1].outcome, Errc::kFull);
  EXPECT_EQ(drain(a_), Texts{"x"});
  EXPECT_EQ(drain(c_), Texts{"x"});
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, GoesToDeadLettersWhereATargetIsFull) {
  fill_up(b_);
  Queue dead = test_.queue("dead", kSmall);
  const Core letters = open_core(test_.bus(), "dead");
  publisher_.targets[1].dead_letters = letters.get();
  const auto published = publisher_.publish("x");
  EXPECT_EQ(published->delivered, 2u);
  EXPECT_EQ(published->dead_lettered, 1u);
  EXPECT_TRUE(publisher_.targets[1].dead_lettered);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(dead), Texts{"x"});
}

TEST_F(Fanout, WaitsForRoomAndLetsNobodyElseWait) {
  const std::size_t before = fill(b_);
  auto published = std::async(std::launch::async, [&] {
    Bus bus = test_.attach();
    Publisher other(bus, {"b", "a"});
    other.cores[0]->set_waiting(Waiting::kPark);
    other.targets[0].when_full = WhenFull::kWait;
    return other.publish("late", {}, kForever)->delivered;
  });
  test_.wait_for_sleeping_sender("b");
  EXPECT_EQ(drain(a_), Texts{"late"});
  Texts got = drain(b_);  // perhaps what it has waited with, too
  EXPECT_EQ(published.get(), 2u);
  for (const std::string& text : drain(b_)) got.push_back(text);
  EXPECT_EQ(got.size(), before + 1);
  EXPECT_EQ(got.back(), "late");
}

TEST_F(Fanout, DelaysAsEachQueueSays) {
  ASSERT_TRUE(b_.set({.delay = 5s}));
  ASSERT_TRUE(publisher_.publish("x"));
  EXPECT_EQ(drain(a_), Texts{"x"});
  EXPECT_EQ(drain(b_), Texts{});
  EXPECT_EQ(b_.stats().delayed, 1u);
  test_.clock().advance(6s);
  EXPECT_EQ(drain(b_), Texts{"x"});
}

TEST_F(Fanout, LeavesADelayedSlotFreeWhenItFails) {
  ASSERT_TRUE(a_.set({.delay = 5s}));
  fill_up(b_);
  for (topic::Target& each : publisher_.targets) each.when_full = WhenFull::kFail;
  for (int i = 0; i < 200; ++i) ASSERT_EQ(code_of(publisher_.publish("x")), Errc::kFull);
  EXPECT_EQ(a_.stats().delayed, 0u);
  EXPECT_EQ(fill(a_), 64u);
}

TEST_F(Fanout, IsRefusedByADeletedTargetAndByOneThatTakesOnlySmallerOnes) {
  ASSERT_TRUE(b_.set({.message_bytes_max = 1'024}));
  ASSERT_TRUE(test_.bus().delete_queue("c"));
  publisher_.targets[2].when_full = WhenFull::kFail;
  EXPECT_EQ(publisher_.publish(std::string(2'000, 'x'))->delivered, 1u);
  EXPECT_EQ(publisher_.targets[1].outcome, Errc::kTooLarge);
  EXPECT_EQ(publisher_.targets[2].outcome, Errc::kDeleted);
  publisher_.targets[1].when_full = WhenFull::kFail;
  EXPECT_EQ(code_of(publisher_.publish(std::string(2'000, 'x'))), Errc::kTooLarge);
}

TEST_F(Fanout, IsPurgedPerQueue) {
  ASSERT_TRUE(publisher_.publish("x"));
  auto reader = a_.receive().value();
  EXPECT_EQ(a_.purge().value(), 1u);
  EXPECT_EQ(b_.purge().value(), 1u);
  EXPECT_EQ(drain(c_), Texts{"x"});
  EXPECT_EQ(reader.front().text(), "x");
  EXPECT_EQ(blocks_used(), 2u);
}

TEST_F(Fanout, GoesWithADeletedQueue) {
  ASSERT_TRUE(publisher_.publish("x"));
  ASSERT_TRUE(test_.bus().delete_queue("a"));
  empty(b_);
  empty(c_);
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, IsDroppedWhenItIsTooOld) {
  ASSERT_TRUE(a_.set({.retention = 60s}));
  ASSERT_TRUE(publisher_.publish("x"));
  test_.clock().advance(61s);
  EXPECT_EQ(drain(a_), Texts{});
  EXPECT_EQ(drain(b_), Texts{"x"});
  EXPECT_EQ(drain(c_), Texts{"x"});
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, IsCopiedToADeadLetterQueue) {
  Queue dead = test_.queue("dead", kSmall);
  ASSERT_TRUE(a_.set({.redrive = RedrivePolicy{"dead", 1}}));
  ASSERT_TRUE(publisher_.publish("x"));
  EXPECT_EQ(bodies(a_), Texts{"x"});
  test_.clock().advance(11s);
  EXPECT_EQ(bodies(a_), Texts{});
  EXPECT_EQ(drain(b_), Texts{"x"});
  EXPECT_EQ(drain(c_), Texts{"x"});
  EXPECT_EQ(blocks_used(), 1u) << "the copy";
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(dead), Texts{"x"});
}

TEST_F(Fanout, IsShownByPeekAndStats) {
  ASSERT_TRUE(publisher_.publish("hello", {{"kind", "test"}}));
  EXPECT_EQ(a_.stats().visible, 1u);
  EXPECT_EQ(a_.stats().sent_bytes, 5u);
  const auto seen = a_.peek(10);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].body, "hello");
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Fanout, ReusesItsMemory) {
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(publisher_.publish(std::string(1'000, 'x')));
    for (Queue* each : {&a_, &b_, &c_}) ASSERT_EQ(drain(*each).size(), 1u);
  }
  EXPECT_EQ(blocks_used(), 0u);
  EXPECT_LT(inspect(test_.bus()).arena.bytes, 1u << 20);
}

TEST_F(Fanout, OfADeadPublisherIsFinishedOnceThereIsRoom) {
  fill_up(b_);
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Publisher other(bus, {"a", "b", "c"});
    for (Core& each : other.cores) each->set_waiting(Waiting::kPark);
    for (topic::Target& each : other.targets) each.when_full = WhenFull::kWait;
    line.tell("ready");
    static_cast<void>(other.publish("x", {}, kForever));
  });
  ASSERT_EQ(child.hear(), "ready");
  test_.wait_for_sleeping_sender("b");
  child.kill();
  EXPECT_EQ(test_.bus().sweep().dead_participants, 1u);
  EXPECT_EQ(drain(a_), Texts{"x"});
  EXPECT_EQ(drain(c_), Texts{"x"});
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(blocks_used(), 2u);
  EXPECT_EQ(drain(b_).size(), 64u);
  test_.clock().advance(1s);
  EXPECT_EQ(drain(b_), Texts{}) << "whoever finds nothing looks for what waits";
  EXPECT_EQ(drain(b_), Texts{"x"});
  EXPECT_EQ(blocks_used(), 0u);
  EXPECT_EQ(client::Member::of(test_.bus()).files().header().deliveries_wait.load() & 1, 0u);
}

TEST_F(Fanout, OfADeadPublisherIsOverWhereTheQueueIsDeleted) {
  fill_up(b_);
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Publisher other(bus, {"a", "b", "c"});
    for (Core& each : other.cores) each->set_waiting(Waiting::kPark);
    for (topic::Target& each : other.targets) each.when_full = WhenFull::kWait;
    line.tell("ready");
    static_cast<void>(other.publish("x", {}, kForever));
  });
  ASSERT_EQ(child.hear(), "ready");
  test_.wait_for_sleeping_sender("b");
  child.kill();
  test_.bus().sweep();
  empty(a_);
  empty(c_);
  ASSERT_TRUE(test_.bus().delete_queue("b"));
  EXPECT_EQ(blocks_used(), 2u);
  test_.bus().sweep();
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, OfADeadConsumerComesAgainToItsQueue) {
  ASSERT_TRUE(publisher_.publish("x"));
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Queue queue = bus.open_queue("a").value();
    static auto held = queue.receive().value();
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "ready");
  child.kill();
  EXPECT_EQ(test_.bus().sweep().leases_returned, 1u);
  for (Queue* each : {&a_, &b_, &c_}) EXPECT_EQ(drain(*each), Texts{"x"});
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(Fanout, IsLetGoByTheSweepWhereAConsumerDiedBeforeItDid) {
  ASSERT_TRUE(publisher_.publish("x"));
  empty(b_);
  empty(c_);
  {
    RawRing raw(test_.bus(), "a");
    raw.view().lease(0).initialise(ring::LeaseWord::idle(2).bits);
  }
  EXPECT_NE(test_.findings().find("the message of delivery 0 is gone"), std::string::npos);
  test_.bus().sweep();
  EXPECT_EQ(blocks_used(), 0u);
}

/// The arena's side alone.
class Shares : public testing::Test {
 protected:
  /// A committed fan-out of so many deliveries, none of them made.
  shm::BlockRef make(std::uint32_t deliveries) {
    shm::Block payload;
    shm::BlockRef ref;
    shm::Share* share = nullptr;
    EXPECT_EQ(arena_.allocate(100, payload), Errc::kOk);
    EXPECT_EQ(arena_.allocate_share(ref, share), Errc::kOk);
    share->payload = payload.ref.block;
    share->payload_generation = payload.ref.generation;
    share->count = deliveries;
    share->bit = 0;
    for (auto& entry : share->entries) {
      entry.store_halves(shm::ShareEntry::unset(ref.generation).word);
    }
    arena_.share_out(payload.ref, 1);
    arena_.open_share(ref, deliveries);
    arena_.commit(payload.ref);
    return ref;
  }
  [[nodiscard]] std::uint64_t used() { return arena_.usage().blocks_used; }

  TestBus test_;
  shm::Arena& arena_ = client::Member::of(test_.bus()).arena();
};

TEST_F(Shares, GoWithTheLastOfTheirDeliveries) {
  for (const std::uint32_t count : {1u, 2u, 39u, 40u}) {
    const shm::BlockRef share = make(count);
    for (std::uint32_t bit = 0; bit < count; ++bit) {
      EXPECT_EQ(used(), 2u);
      arena_.drop({share, bit});
      arena_.drop({share, bit == 0 ? 0 : bit - 1});
    }
    EXPECT_EQ(used(), 0u);
  }
}

TEST_F(Shares, OfAnotherUseAreLeftAlone) {
  const shm::BlockRef before = make(2);
  for (const std::uint32_t bit : {0u, 1u}) arena_.drop({before, bit});
  const shm::BlockRef share = make(2);
  ASSERT_EQ(share.block, before.block);
  for (const std::uint32_t bit : {0u, 1u}) arena_.drop({before, bit});
  EXPECT_EQ(arena_.look_at_share(share.block)->pending, 3u);
  for (const std::uint32_t bit : {0u, 1u}) arena_.drop({share, bit});
}

TEST_F(Shares, ThatDoNotExistAreNotTouched) {
  const shm::BlockRef share = make(2);
  const auto look = arena_.look_at_share(share.block).value();
  const shm::BlockRef payload = look.content.payload;
  for (const std::uint64_t block :
       {~std::uint64_t{0}, std::uint64_t{0}, payload.block, share.block + 100'000,
        std::uint64_t{20} << 40, share.block | std::uint64_t{15} << 32}) {
    arena_.drop({{block, share.generation}, 0});
    EXPECT_FALSE(arena_.look_at_share(block)) << block;
  }
  for (const std::uint32_t bit : {2u, 40u, 63u, 64u, ~0u}) arena_.drop({share, bit});
  EXPECT_EQ(arena_.look_at_share(share.block)->pending, 3u);
  // Nor is anything but its own payload freed by one whose fields are damaged.
  look.share->payload = share.block;
  EXPECT_EQ(arena_.look_at_share(share.block)->fate, shm::ShareLook::Fate::kOver);
  for (const std::uint32_t bit : {0u, 1u}) arena_.drop({share, bit});
  EXPECT_EQ(used(), 1u);
}

}  // namespace
}  // namespace ringpost::test
