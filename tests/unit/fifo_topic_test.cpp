// FIFO topics: groups, numbers, ids, and publishers that stop in their turn.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "client/member.hpp"
#include "dedup/key.hpp"
#include "support/child.hpp"
#include "support/test_bus.hpp"
#include "topic/ordered_fanout.hpp"
#include "topic/topic_file.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Bodies = std::vector<std::string>;

class AFifoTopic : public testing::Test {
 protected:
  static constexpr QueueSettings kFifo{.slots = 64, .fifo = true};

  Topic topic(const TopicSettings& settings) {
    return test_.bus().topic("orders", settings).value();
  }
  Queue subscriber(const std::string& name, const SubscriptionSettings& settings = {},
                   const QueueSettings& queue_settings = kFifo) {
    Queue queue = test_.queue(name, queue_settings);
    const auto made = orders_.subscribe(name, settings);
    EXPECT_TRUE(made) << made.error().what;
    return queue;
  }
  Published publish(std::string_view body, const PublishOptions& options = {.group = "g"}) {
    const auto published = orders_.publish(body, options);
    EXPECT_TRUE(published) << name(published.error());
    return published ? *published : Published{};
  }
  Published publish(std::string_view body, std::string_view id, std::string_view group = "g") {
    return publish(body, {.group = group, .dedup_id = id});
  }
  Errc refused(std::string_view body, const PublishOptions& options) {
    return code_of(orders_.publish(body, options));
  }
  /// As if it had been made with these.
  void make_anew(TopicSettings settings) {
    ASSERT_TRUE(test_.bus().delete_topic("orders"));
    settings.fifo = true;
    orders_ = topic(settings);
  }
  std::shared_ptr<topic::Turn> turn() {
    shm::Participant& me = client::Member::of(test_.bus()).me();
    auto file = topic::TopicFile::open(me.bus_pointer(), "orders").value();
    return file.open_turn(me).value();
  }
  std::uint64_t blocks_used() { return inspect(test_.bus()).arena.blocks_used; }

  TestBus test_;
  Topic orders_ = topic({.fifo = true});
};

TEST_F(AFifoTopic, GivesEveryQueueTheMessagesInOneOrder) {  // F01
  Queue book = subscriber("book");
  Queue risk = subscriber("risk");
  Queue log = subscriber("log", {}, {});
  Topic elsewhere = test_.attach().open_topic("orders").value();
  Bodies sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(std::to_string(i));
    const auto published = (i % 3 == 0 ? elsewhere : orders_).publish(sent.back(), {.group = "g"});
    ASSERT_TRUE(published);
    EXPECT_EQ(published->delivered, 3u);
  }
  EXPECT_EQ(drain(book), sent);
  EXPECT_EQ(drain(risk), sent);
  EXPECT_EQ(drain(log), sent);
  EXPECT_EQ(blocks_used(), 0u);
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(AFifoTopic, PassesGroupAndIdToFifoQueuesAlone) {  // F02, F03
  Queue book = subscriber("book");
  Queue log = subscriber("log", {}, {});
  const Attribute attributes[] = {{"venue", "spot"}};
  publish("buy", {.attributes = attributes, .group = "eth", .dedup_id = "order-1"});
  Leases fifo = book.receive().value();
  EXPECT_EQ(fifo.front().text(), "buy");
  EXPECT_EQ(fifo.front().attributes().find("venue")->value, "spot");
  EXPECT_EQ(fifo.front().group(), "eth");
  EXPECT_EQ(fifo.front().dedup_id(), "order-1");
  Leases standard = log.receive().value();
  EXPECT_EQ(standard.front().text(), "buy");
  EXPECT_EQ(standard.front().attributes().find("venue")->value, "spot");
  EXPECT_EQ(standard.front().group(), "");
  EXPECT_EQ(standard.front().dedup_id(), "");
}

TEST_F(AFifoTopic, LocksAGroupInEachQueueByItself) {
  Queue book = subscriber("book");
  Queue risk = subscriber("risk");
  publish("1", {.group = "a"});
  publish("2", {.group = "a"});
  publish("3", {.group = "b"});
  EXPECT_EQ(bodies(book, 1), Bodies{"1"});
  EXPECT_EQ(bodies(book), Bodies{"3"});
  EXPECT_EQ(drain(risk), (Bodies{"1", "2", "3"}));
}

TEST_F(AFifoTopic, NumbersItsPublishes) {  // F06
  Queue book = subscriber("book");
  const Published first = publish("1");
  const Published second = publish("2");
  EXPECT_GT(first.sequence, 0u);
  EXPECT_GT(second.sequence, first.sequence);
  EXPECT_EQ(second.id.position, second.sequence);
  EXPECT_EQ(second.id.ring, first.id.ring);
  Topic again = test_.attach().open_topic("orders").value();
  EXPECT_GT(again.publish("3", {.group = "h"})->sequence, second.sequence);
}

TEST_F(AFifoTopic, PublishesToNobody) {
  EXPECT_GT(publish("1").sequence, 0u);
  EXPECT_EQ(publish("2").delivered, 0u);
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(AFifoTopic, RequiresAGroup) {  // M13
  EXPECT_EQ(refused("x", {}), Errc::kInvalidArgument);
  EXPECT_EQ(refused("x", {.group = "a b"}), Errc::kInvalidArgument);
  EXPECT_EQ(refused("x", {.group = std::string(129, 'g')}), Errc::kInvalidArgument);
  EXPECT_EQ(refused("x", {.group = "g", .dedup_id = "a b"}), Errc::kInvalidArgument);
}

TEST_F(AFifoTopic, RequiresAnIdIfItKeepsIds) {  // M13
  make_anew({.dedup = Dedup::kById});
  EXPECT_EQ(refused("x", {.group = "g"}), Errc::kInvalidArgument);
  make_anew({.dedup = Dedup::kByContent});
  EXPECT_GT(publish("x").sequence, 0u);
}

TEST_F(AFifoTopic, IsNoStandardTopic) {  // M14
  Topic standard = test_.bus().topic("prices").value();
  EXPECT_EQ(code_of(standard.publish("x", {.dedup_id = "1"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().topic("orders", {.fifo = false})), Errc::kExists);
  EXPECT_EQ(code_of(test_.bus().topic("x", {.dedup = Dedup::kById})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().topic("x", {.fifo = true, .dedup_window = 25h})),
            Errc::kInvalidArgument);
}

TEST_F(AFifoTopic, TakesQueuesAsTheRulesSay) {  // S11, S12
  static_cast<void>(test_.queue("fifo", kFifo));
  static_cast<void>(test_.queue("fair", {.fair = true}));
  Topic standard = test_.bus().topic("prices").value();
  EXPECT_EQ(code_of(standard.subscribe("fifo")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(orders_.subscribe("fair")), Errc::kInvalidArgument);
  EXPECT_TRUE(orders_.subscribe("fifo"));
}

TEST_F(AFifoTopic, WantsDeadLettersOfTheKindOfTheQueue) {  // D03
  static_cast<void>(test_.queue("fifo", kFifo));
  static_cast<void>(test_.queue("fifo-dead", kFifo));
  static_cast<void>(test_.queue("plain"));
  static_cast<void>(test_.queue("plain-dead"));
  const auto with = [&](const char* queue, const char* dead) {
    return code_of(orders_.subscribe(queue, {.dead_letter_queue = dead}));
  };
  EXPECT_EQ(with("fifo", "plain-dead"), Errc::kInvalidArgument);
  EXPECT_EQ(with("plain", "fifo-dead"), Errc::kInvalidArgument);
  EXPECT_EQ(with("fifo", "fifo-dead"), Errc::kOk);
  EXPECT_EQ(with("plain", "plain-dead"), Errc::kOk);
}

TEST_F(AFifoTopic, SwallowsDuplicatesWithinTheWindow) {  // F04, 11.20
  make_anew({.dedup = Dedup::kById, .dedup_window = 5min});
  Queue book = subscriber("book");
  Queue log = subscriber("log", {}, {});
  const Published first = publish("buy", "1");
  EXPECT_FALSE(first.duplicate);
  const Published again = publish("other text", "1");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.sequence, first.sequence);
  EXPECT_EQ(again.delivered, 0u);
  publish("sell", "2");
  test_.clock().advance(4min);
  EXPECT_TRUE(publish("buy", "1").duplicate);  // does not extend the window
  EXPECT_EQ(drain(book), (Bodies{"buy", "sell"}));
  EXPECT_EQ(drain(log), (Bodies{"buy", "sell"}));
  test_.clock().advance(61s);
  EXPECT_FALSE(publish("buy", "1").duplicate);
  EXPECT_EQ(drain(book), Bodies{"buy"});
  EXPECT_EQ(orders_.stats().value().duplicates, 2u);
  EXPECT_EQ(orders_.stats().value().published, 3u);
}

TEST_F(AFifoTopic, MakesIdsOfTheContent) {  // F02, F05
  make_anew({.dedup = Dedup::kByContent});
  Queue book = subscriber("book");
  const Attribute attributes[] = {{"venue", "spot"}};
  EXPECT_FALSE(publish("buy").duplicate);
  EXPECT_TRUE(publish("buy", {.attributes = attributes, .group = "other"}).duplicate);
  EXPECT_FALSE(publish("buy", "explicit").duplicate);
  const dedup::ContentId id = dedup::content_id(as_bytes("buy"));
  Leases received = book.receive().value();
  EXPECT_EQ(received.front().dedup_id(), std::string_view(id.data(), id.size()));
}

TEST_F(AFifoTopic, MayKeepTheIdsOfEachGroup) {  // P10
  make_anew({.dedup = Dedup::kById, .dedup_scope = DedupScope::kGroup});
  Queue book = subscriber("book");
  EXPECT_FALSE(publish("1", "id", "a").duplicate);
  EXPECT_FALSE(publish("2", "id", "b").duplicate);
  EXPECT_TRUE(publish("3", "id", "b").duplicate);
  EXPECT_EQ(drain(book), (Bodies{"1", "2"}));
}

TEST_F(AFifoTopic, KnowsIdsOfMessagesThatFiltersKeptAway) {  // F08
  make_anew({.dedup = Dedup::kById});
  Queue book = subscriber("book", {.filter = R"({"venue": ["spot"]})"});
  const Attribute spot[] = {{"venue", "spot"}};
  EXPECT_EQ(publish("1", "id").delivered, 0u);
  EXPECT_TRUE(publish("2", {.attributes = spot, .group = "g", .dedup_id = "id"}).duplicate);
  EXPECT_EQ(drain(book), Bodies{});
}

TEST_F(AFifoTopic, PutsTheNumberIntoJsonDeliveries) {  // E02
  Queue book = subscriber("book", {.raw = false});
  Queue plain = subscriber("plain");
  const Published published = publish("buy \"1\"", {.subject = "order", .group = "g"});
  Leases leases = book.receive().value();
  const std::string text(leases.front().text());
  const std::string digits = std::to_string(published.sequence);
  const std::string begin = R"({"Type":"Notification","MessageId":")" + published.id.to_string() +
                            R"(","SequenceNumber":")" + std::string(20 - digits.size(), '0') +
                            digits + R"(","TopicArn":)";
  EXPECT_EQ(text.substr(0, begin.size()), begin);
  EXPECT_EQ(leases.front().group(), "g");
  EXPECT_EQ(drain(plain), Bodies{"buy \"1\""});
}

TEST_F(AFifoTopic, FailsAsAWholeWhereASubscriptionSaysSo) {
  make_anew({.dedup = Dedup::kById});
  Queue book = subscriber("book");
  Queue risk = subscriber("risk", {.when_full = WhenFull::kFail});
  while (risk.send("x", {.group = "g"})) {
  }
  EXPECT_EQ(refused("1", {.group = "g", .dedup_id = "id"}), Errc::kFull);
  EXPECT_EQ(drain(book), Bodies{});
  EXPECT_EQ(drain(risk).size(), 64u);
  EXPECT_FALSE(publish("1", "id").duplicate);
  EXPECT_EQ(drain(book), Bodies{"1"});
  EXPECT_EQ(drain(risk), Bodies{"1"});
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(AFifoTopic, KeepsGroupAndIdOfDeadLetters) {  // D02, D03
  Queue dead = test_.queue("dead", kFifo);
  Queue book =
      subscriber("book", {.when_full = WhenFull::kDeadLetter, .dead_letter_queue = "dead"});
  Queue risk = subscriber("risk", {.when_full = WhenFull::kDeadLetter});
  for (Queue* each : {&book, &risk}) {
    while (each->send("x", {.group = "g"})) {
    }
  }
  const Published published = publish("1", "id", "group");
  EXPECT_EQ(published.dead_letters, 1u);
  EXPECT_EQ(published.dropped, 1u);
  Leases received = dead.receive().value();
  EXPECT_EQ(received.front().text(), "1");
  EXPECT_EQ(received.front().group(), "group");
  EXPECT_EQ(received.front().dedup_id(), "id");
  EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(AFifoTopic, WaitsForRoomHoldingNothing) {
  Queue book = subscriber("book");
  Queue risk = subscriber("risk");
  while (risk.send("x", {.group = "g"})) {
  }
  auto late = std::async(std::launch::async, [&] {
    Bus bus = test_.attach();
    return bus.open_topic("orders")->publish("late", {.wait = kForever, .group = "g"})->delivered;
  });
  test_.wait_for_sleeping_sender("risk");
  EXPECT_EQ(drain(book), Bodies{});
  EXPECT_EQ(publish("x").dropped, 1u);  // others go on, without waiting
  Bodies got = drain(risk);
  EXPECT_EQ(late.get(), 2u);
  for (const std::string& text : drain(risk)) got.push_back(text);
  EXPECT_EQ(got.size(), 65u);
  EXPECT_EQ(drain(book), (Bodies{"x", "late"}));
}

TEST_F(AFifoTopic, GoesOnWithoutAQueueThatWasDeleted) {
  Queue dead = test_.queue("dead", kFifo);
  Queue book = subscriber("book");
  static_cast<void>(subscriber("risk", {.dead_letter_queue = "dead"}));
  publish("1");
  ASSERT_TRUE(test_.bus().delete_queue("risk"));
  const Published published = publish("2");
  EXPECT_EQ(published.delivered, 1u);
  EXPECT_EQ(published.dead_letters, 1u);
  EXPECT_EQ(drain(book), (Bodies{"1", "2"}));
  EXPECT_EQ(drain(dead), Bodies{"2"});
}

TEST_F(AFifoTopic, DropsWhatDeadLettersOfADeletedQueueHaveNoRoomFor) {
  Queue dead = test_.queue("dead", kFifo);
  static_cast<void>(subscriber("risk", {.dead_letter_queue = "dead"}));
  ASSERT_TRUE(test_.bus().delete_queue("risk"));
  while (dead.send("x", {.group = "g"})) {
  }
  const Published published = publish("1");
  EXPECT_EQ(published.delivered, 0u);
  EXPECT_EQ(published.dead_letters, 0u);
  EXPECT_EQ(published.dropped, 1u);
}

TEST_F(AFifoTopic, DelaysAsEachQueueSays) {
  Queue book = subscriber("book");
  Queue log = subscriber("log", {}, {});
  ASSERT_TRUE(book.set({.delay = 5s}));
  ASSERT_TRUE(log.set({.delay = 5s}));
  publish("1");
  EXPECT_EQ(drain(book), Bodies{});
  EXPECT_EQ(drain(log), Bodies{});
  test_.clock().advance(6s);
  EXPECT_EQ(drain(book), Bodies{"1"});
  EXPECT_EQ(drain(log), Bodies{"1"});
}

TEST_F(AFifoTopic, GoesToMoreQueuesThanOneShareHolds) {
  Queue many = test_.queue("many", kFifo);
  client::Member& member = client::Member::of(test_.bus());
  auto core =
      detail::QueueCore::open(member.membership(), member.context().queues.open("many").value())
          .value();
  topic::OrderedFanout fanout(member.membership(), turn());
  std::vector<topic::Target> targets(45, topic::Target{.queue = core.get()});
  const topic::Message forms[] = {{as_bytes("x"), {}}};
  const auto published = fanout.publish(forms, {.group = "g"}, targets, {});
  ASSERT_TRUE(published);
  EXPECT_EQ(published->delivered, 45u);
  EXPECT_EQ(blocks_used(), 1u + 3u);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(many).size(), 45u);
  EXPECT_EQ(blocks_used(), 0u);
}

TEST_F(AFifoTopic, GoesOnWhenATurnWasLeft) {
  Queue book = subscriber("book");
  const std::uint64_t before = publish("1").sequence;
  const auto turn = this->turn();
  ASSERT_TRUE(turn->move(turn->read(), topic::TurnWord::busy(before + 1, {0, 77})));
  EXPECT_GT(publish("2").sequence, before + 1);
  EXPECT_EQ(drain(book), (Bodies{"1", "2"}));
}

TEST_F(AFifoTopic, IsWholeWhateverBecameOfItsPublishers) {
  make_anew({.dedup = Dedup::kById});
  Queue book = subscriber("book", {.when_full = WhenFull::kFail});
  Queue risk = subscriber("risk", {.when_full = WhenFull::kFail});
  for (int round = 0; round < 20; ++round) {
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test_.options()).value();
      Topic orders = bus.open_topic("orders").value();
      line.tell("ready");
      for (int i = 0;; ++i) {
        const std::string id = std::to_string(round) + "-" + std::to_string(i);
        while (!orders.publish(id, {.group = "g", .dedup_id = id})) {
        }
      }
    });
    ASSERT_EQ(child.hear(), "ready");
    const Bodies early = drain(book);
    child.kill();
    test_.bus().sweep();
    Bodies one = early;
    for (const std::string& text : drain(book)) one.push_back(text);
    EXPECT_EQ(one, drain(risk));
    EXPECT_EQ(blocks_used(), 0u);
  }
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(AFifoTopic, LeavesNothingWhenItIsDeleted) {
  std::uint64_t id = publish("1").id.ring;
  const std::string turn = test_.path("topics/." + std::to_string(id));
  EXPECT_EQ(::access(turn.c_str(), F_OK), 0);
  EXPECT_EQ(test_.bus().topic_names().value(), Bodies{"orders"});
  ASSERT_TRUE(test_.bus().delete_topic("orders"));
  EXPECT_NE(::access(turn.c_str(), F_OK), 0);
  EXPECT_EQ(refused("2", {.group = "g"}), Errc::kDeleted);
}

TEST_F(AFifoTopic, GetsItsTurnFromWhoeverOpensItIfItsMakerDied) {
  const std::uint64_t id = publish("1").id.ring;
  ASSERT_EQ(::unlink(test_.path("topics/." + std::to_string(id)).c_str()), 0);
  Topic again = test_.attach().open_topic("orders").value();
  EXPECT_TRUE(again.publish("2", {.group = "g"}));
}

TEST_F(AFifoTopic, KeepsItsSettings) {
  make_anew({.dedup = Dedup::kByContent, .dedup_window = 1h, .dedup_entries = 1'000});
  for (int i = 0; i < 500; ++i) {  // until the file of the topic is written anew
    static_cast<void>(test_.queue("q" + std::to_string(i % 2), kFifo));
    const auto made = orders_.subscribe("q" + std::to_string(i % 2), {.filter = std::string()});
    ASSERT_TRUE(made);
    ASSERT_TRUE(orders_.unsubscribe(made->id));
  }
  const TopicSettings settings = test_.attach().open_topic("orders")->settings();
  EXPECT_EQ(settings.fifo, true);
  EXPECT_EQ(settings.dedup, Dedup::kByContent);
  EXPECT_EQ(settings.dedup_window, Duration(1h));
  EXPECT_EQ(settings.dedup_entries, 1'000u);
}

}  // namespace
}  // namespace ringpost::test
