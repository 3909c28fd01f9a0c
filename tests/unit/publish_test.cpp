// Publishing to a topic, as its subscribers see it.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

class APublish : public testing::Test {
 protected:
  /// A queue of that name, subscribed.
  Queue subscriber(const std::string& name, const SubscriptionSettings& settings = {},
                   const QueueSettings& queue_settings = {}) {
    Queue queue = test_.queue(name, queue_settings);
    const auto made = prices_.subscribe(name, settings);
    EXPECT_TRUE(made) << made.error().what;
    return queue;
  }
  Published publish(std::string_view body, const PublishOptions& options = {}) {
    const auto published = prices_.publish(body, options);
    EXPECT_TRUE(published) << name(published.error());
    return published ? *published : Published{};
  }

  TestBus test_;
  Topic prices_ = test_.bus().topic("prices").value();
};

using Bodies = std::vector<std::string>;

TEST_F(APublish, ReachesEverySubscriber) {
  Queue book = subscriber("book");
  Queue risk = subscriber("risk");
  Queue other = test_.queue("other");
  EXPECT_EQ(publish("buy 100").delivered, 2u);
  EXPECT_EQ(drain(book), Bodies{"buy 100"});
  EXPECT_EQ(drain(risk), Bodies{"buy 100"});
  EXPECT_EQ(drain(other), Bodies{});
}

TEST_F(APublish, ToNobodySucceeds) {  // sns.md, 11.1
  EXPECT_EQ(publish("x").delivered, 0u);
  EXPECT_EQ(prices_.stats().value().published, 1u);
}

TEST_F(APublish, KeepsTheOrderOfOnePublisher) {
  Queue book = subscriber("book");
  Bodies sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(std::to_string(i));
    publish(sent.back());
  }
  EXPECT_EQ(drain(book), sent);
}

TEST_F(APublish, CarriesTheAttributesOfRawDeliveries) {  // E10
  Queue book = subscriber("book");
  const Attribute attributes[] = {{"venue", "spot"}, {"size", "2.5", "Number"}};
  publish("x", {.attributes = attributes});
  Leases leases = book.receive().value();
  EXPECT_EQ(leases.front().attributes().find("venue")->value, "spot");
  EXPECT_EQ(leases.front().attributes().find("size")->type, "Number");
}

TEST_F(APublish, OfLargePayloadsIsReadInPlaceByAll) {
  Queue book = subscriber("book");
  Queue risk = subscriber("risk");
  const std::string body(200'000, 'p');
  publish(body);
  Leases one = book.receive().value();
  Leases two = risk.receive().value();
  EXPECT_EQ(as_text(one.front().body()), body);
  EXPECT_EQ(one.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(as_text(two.front().body()), body);
  EXPECT_EQ(two.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(APublish, IsFilteredByAttributes) {
  Queue spot = subscriber("spot", {.filter = R"({"venue": ["spot"]})"});
  Queue large = subscriber("large", {.filter = R"({"size": [{"numeric": [">", 10]}]})"});
  const Attribute small_spot[] = {{"venue", "spot"}, {"size", "2.5", "Number"}};
  const Attribute large_future[] = {{"venue", "future"}, {"size", "11", "Number"}};
  publish("a", {.attributes = small_spot});
  publish("b", {.attributes = large_future});
  publish("c");
  EXPECT_EQ(drain(spot), Bodies{"a"});
  EXPECT_EQ(drain(large), Bodies{"b"});
  EXPECT_EQ(prices_.stats().value().delivered, 2u);
  EXPECT_EQ(prices_.stats().value().filtered_out, 4u);
}

TEST_F(APublish, IsFilteredByItsBody) {
  Queue trades = subscriber(
      "trades", {.filter = R"({"kind": ["trade"]})", .filter_scope = FilterScope::kBody});
  publish(R"({"kind": "trade", "price": 7})");
  publish(R"({"kind": "depth"})");
  publish("no JSON");
  EXPECT_EQ(drain(trades), Bodies{R"({"kind": "trade", "price": 7})"});
}

TEST_F(APublish, FollowsChangesOfSubscriptions) {  // M09
  Queue book = subscriber("book");
  Topic elsewhere = test_.bus().open_topic("prices").value();
  publish("1");
  const std::uint64_t id = elsewhere.subscriptions().value()[0].id;
  ASSERT_TRUE(elsewhere.set_subscription(id, {.filter = R"({"a": ["b"]})"}));
  publish("2");
  ASSERT_TRUE(elsewhere.set_subscription(id, {.filter = ""}));
  publish("3");
  ASSERT_TRUE(elsewhere.unsubscribe(id));
  publish("4");
  EXPECT_EQ(drain(book), (Bodies{"1", "3"}));
}

TEST_F(APublish, ToADeletedTopicSaysSo) {
  ASSERT_TRUE(test_.attach().delete_topic("prices"));
  EXPECT_EQ(code_of(prices_.publish("x")), Errc::kDeleted);
}

TEST_F(APublish, GivesJsonDeliveriesADocument) {  // E01, E06, E12
  Queue book = subscriber("book", {.raw = false});
  const Attribute attributes[] = {{"venue", "spot"}, {"bytes", "\x01\x02", "Binary"}};
  const Published sent = publish("say \"7\"\n", {.attributes = attributes, .subject = "note"});
  Leases leases = book.receive().value();
  const std::string text(as_text(leases.front().body()));
  const std::string wanted =
      R"({"Type":"Notification","MessageId":")" + sent.id.to_string() +
      R"(","TopicArn":"arn:aws:sns:us-east-1:000000000000:prices","Subject":"note",)"
      R"("Message":"say \"7\"\n","Timestamp":")";
  EXPECT_EQ(text.substr(0, wanted.size()), wanted);
  const std::string end = R"(Z","MessageAttributes":{"venue":{"Type":"String","Value":"spot"},)"
                          R"("bytes":{"Type":"Binary","Value":"AQI="}}})";
  EXPECT_EQ(text.substr(text.size() - end.size()), end);
  EXPECT_FALSE(leases.front().attributes().find("venue"));
}

TEST_F(APublish, TakesAttributesNamedAsKeysOfTheDocument) {  // sns.md, 11.16
  Queue book = subscriber("book", {.raw = false});
  const Attribute attributes[] = {{"Message", "other"}};
  publish("x", {.attributes = attributes});
  const std::string text(as_text(book.receive().value().front().body()));
  EXPECT_NE(text.find(R"("Message":"x",)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"({"Message":{"Type":"String","Value":"other"}})"), std::string::npos);
}

TEST_F(APublish, OfABadMessageIsRefused) {  // M02, M03
  Queue book = subscriber("book", {.raw = false});
  EXPECT_EQ(code_of(prices_.publish("")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(prices_.publish(std::string(256 * 1024 + 1, 'x'))), Errc::kTooLarge);
  EXPECT_EQ(code_of(prices_.publish("x", {.subject = "a\nb"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(prices_.publish("x", {.subject = std::string(101, 's')})),
            Errc::kInvalidArgument);
  const Attribute bad[] = {{"aws.x", "1"}};
  EXPECT_EQ(code_of(prices_.publish("x", {.attributes = bad})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(prices_.publish("\xff")), Errc::kInvalidArgument);  // for it has to be JSON
  EXPECT_EQ(drain(book), Bodies{});
}

TEST_F(APublish, FailsForAllWhenOneThatMustNotMissAnythingIsFull) {
  Queue book = subscriber("book");
  Queue risk = subscriber("risk", {.when_full = WhenFull::kFail}, {.slots = 64, .fixed = true});
  ASSERT_EQ(fill(risk), 64u);
  EXPECT_EQ(code_of(prices_.publish("x")), Errc::kFull);
  EXPECT_EQ(drain(book), Bodies{});
  EXPECT_EQ(prices_.stats().value().refused, 1u);
  EXPECT_EQ(prices_.stats().value().published, 0u);
  EXPECT_EQ(drain(risk).size(), 64u);
  EXPECT_EQ(publish("y").delivered, 2u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(APublish, IsCountedWhoeverPublishes) {
  Queue book = subscriber("book");
  std::vector<Bus> others;
  std::vector<Topic> topics;
  for (int i = 0; i < 20; ++i) {  // more than there are stripes of counters
    others.push_back(test_.attach());
    topics.push_back(others.back().open_topic("prices").value());
    ASSERT_TRUE(topics.back().publish("x"));
  }
  EXPECT_EQ(prices_.stats().value().published, 20u);
  topics.clear();
  others.clear();
  ASSERT_TRUE(prices_.publish("x"));
  EXPECT_EQ(prices_.stats().value().published, 21u);
  EXPECT_EQ(prices_.stats().value().delivered, 21u);
}

TEST_F(APublish, HasAnIdOfItsOwnAlsoAfterTheTopicsFileWasReplaced) {
  Queue book = subscriber("book");
  Bus other = test_.attach();
  Topic late = other.open_topic("prices").value();
  std::set<std::string> ids{late.publish("x")->id.to_string()};
  const std::uint64_t id = prices_.subscriptions().value().front().id;
  for (int i = 0; i < 2'000; ++i) {  // outdated records, until the log is written anew
    ASSERT_TRUE(prices_.set_subscription(id, {.raw = i % 2 == 0}));
    if (i % 100 == 0) ids.insert(publish("x").id.to_string());
  }
  ids.insert(late.publish("x")->id.to_string());
  EXPECT_EQ(ids.size(), 22u);
  EXPECT_EQ(prices_.stats().value().published, 22u);
}

TEST_F(APublish, IsOneDecisionForPlainDeliveriesAndJsonDocuments) {
  const QueueSettings small{.slots = 64, .fixed = true};
  Queue plain = subscriber("plain", {.raw = true, .when_full = WhenFull::kFail}, small);
  Queue json = subscriber("json", {.raw = false, .when_full = WhenFull::kFail}, small);
  for (auto [full, other] : {std::pair{&plain, &json}, {&json, &plain}}) {
    ASSERT_EQ(fill(*full), 64u);
    EXPECT_EQ(code_of(prices_.publish("x")), Errc::kFull);
    EXPECT_EQ(drain(*other), Bodies{});
    EXPECT_EQ(drain(*full).size(), 64u);
  }
  EXPECT_EQ(publish("y").delivered, 2u);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 2u) << "one payload, one share";
  EXPECT_EQ(drain(plain), Bodies{"y"});
  EXPECT_EQ(drain(json).size(), 1u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(APublish, GoesToDeadLettersOfAFullQueue) {  // D01
  Queue dead = test_.queue("dead");
  Queue risk = subscriber("risk", {.when_full = WhenFull::kDeadLetter, .dead_letter_queue = "dead"},
                          {.slots = 64, .fixed = true});
  Queue book = subscriber("book");
  ASSERT_EQ(fill(risk), 64u);
  const Published sent = publish("x");
  EXPECT_EQ(sent.delivered, 1u);
  EXPECT_EQ(sent.dead_letters, 1u);
  EXPECT_EQ(drain(dead), Bodies{"x"});
  EXPECT_EQ(drain(book), Bodies{"x"});
}

TEST_F(APublish, GivesDeadLettersWhatTheQueueWouldHaveGot) {  // D02
  const QueueSettings small{.slots = 64, .fixed = true};
  Queue dead = test_.queue("dead");
  for (const bool raw : {true, false}) {
    Queue full = subscriber(
        raw ? "plain" : "json",
        {.raw = raw, .when_full = WhenFull::kDeadLetter, .dead_letter_queue = "dead"}, small);
    ASSERT_EQ(fill(full), 64u);
    const Attribute attributes[] = {{"venue", "spot"}};
    publish("x", {.attributes = attributes});
    ASSERT_TRUE(prices_.unsubscribe(prices_.subscriptions().value()[0].id));
    Leases leases = dead.receive().value();
    EXPECT_EQ(leases.front().text() == "x", raw);
    EXPECT_EQ(leases.front().attributes().find("venue").has_value(), raw);
    EXPECT_EQ(leases.front().acknowledge(), Errc::kOk);
  }
}

TEST_F(APublish, IsDroppedAndCountedForAFullQueueWithoutDeadLetters) {  // D04
  Queue risk =
      subscriber("risk", {.when_full = WhenFull::kDeadLetter}, {.slots = 64, .fixed = true});
  ASSERT_EQ(fill(risk), 64u);
  EXPECT_EQ(publish("x").dropped, 1u);
  EXPECT_EQ(prices_.stats().value().dropped, 1u);
}

TEST_F(APublish, ToADeletedQueueGoesToItsDeadLetters) {  // S13
  Queue dead = test_.queue("dead");
  Queue book = subscriber("book", {.dead_letter_queue = "dead"});
  publish("1");
  ASSERT_TRUE(test_.bus().delete_queue("book"));
  Queue again = test_.queue("book");  // of the same name, and another queue
  EXPECT_EQ(publish("2").dead_letters, 1u);
  EXPECT_EQ(drain(dead), Bodies{"2"});
  EXPECT_EQ(drain(again), Bodies{});
}

TEST_F(APublish, ToADeletedQueueIsDroppedIfItsDeadLettersAreFull) {
  Queue dead = test_.queue("dead", {.slots = 64, .fixed = true});
  Queue book = subscriber("book", {.dead_letter_queue = "dead"});
  ASSERT_TRUE(test_.bus().delete_queue("book"));
  ASSERT_EQ(fill(dead), 64u);
  const Published published = publish("x");
  EXPECT_EQ(published.delivered, 0u);
  EXPECT_EQ(published.dead_letters, 0u);
  EXPECT_EQ(published.dropped, 1u);
  EXPECT_EQ(prices_.stats().value().dead_lettered, 0u);
}

TEST_F(APublish, ToADeletedQueueIsDroppedIfItsDeadLettersAreOfAnotherKindNow) {
  Queue dead = test_.queue("dead");
  Queue gone = subscriber("gone", {.dead_letter_queue = "dead"});
  Queue book = subscriber("book");
  ASSERT_TRUE(test_.bus().delete_queue("gone"));
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  for (const QueueSettings& kind : {QueueSettings{.fifo = true}, QueueSettings{.fair = true}}) {
    static_cast<void>(test_.queue("dead", kind));
    const Published published = publish("x");
    EXPECT_EQ(published.delivered, 1u);
    EXPECT_EQ(published.dropped, 1u);
    EXPECT_EQ(drain(book), Bodies{"x"});
    ASSERT_TRUE(test_.bus().delete_queue("dead"));
  }
}

TEST_F(APublish, WakesAReceiverThatSleeps) {
  Queue book = subscriber("book");
  Bus other = test_.attach();
  std::thread receiver([&] {
    Queue seen = other.open_queue("book").value();
    seen.set_waiting(Waiting::kPark);
    EXPECT_TRUE(seen.receive({.wait = kForever}));
  });
  test_.wait_for_sleeping_receiver("book");
  publish("x");
  receiver.join();
}

// Batches

using Outcomes = std::vector<Result<Published, Errc>>;

TEST_F(APublish, OfABatchSaysOfEachMessageWhatBecameOfIt) {  // A11, M12
  Queue book = subscriber("book", {}, {.message_bytes_max = 1024});
  Queue strict = subscriber("strict", {.when_full = WhenFull::kFail}, {.message_bytes_max = 1024});
  const std::string large(2'000, 'x');
  const PublishEntry entries[] = {
      {.id = "a", .body = as_bytes("one")},
      {.id = "b", .body = as_bytes(large)},                  // for a subscriber
      {.id = "c", .body = {}},                               // empty
      {.id = "d", .body = as_bytes("two"), .subject = " s"}  // no subject
  };
  const Outcomes outcomes = prices_.publish_batch(entries).value();
  ASSERT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(outcomes[0]->delivered, 2u);
  EXPECT_EQ(outcomes[1].error(), Errc::kTooLarge);
  EXPECT_EQ(outcomes[2].error(), Errc::kInvalidArgument);
  EXPECT_EQ(outcomes[3].error(), Errc::kInvalidArgument);
  EXPECT_EQ(drain(book), Bodies{"one"});
  EXPECT_EQ(drain(strict), Bodies{"one"});
}

TEST_F(APublish, OfABatchThatBreaksARuleReachesNobody) {  // M10, M11, M12
  Queue book = subscriber("book");
  const ByteSpan body = as_bytes("one");
  const std::string half(130 * 1024, 'x');
  const Attribute nameless{"", "x"};
  const struct {
    std::vector<PublishEntry> entries;
    Errc code;
    const char* why;
  } cases[] = {
      {{}, Errc::kInvalidArgument, "batch: has no entries"},
      {std::vector<PublishEntry>(11, {.id = "a", .body = body}), Errc::kInvalidArgument,
       "batch: has more than 10 entries"},
      {{{.id = "a", .body = body}, {.id = "b", .body = body}, {.id = "a", .body = body}},
       Errc::kInvalidArgument,
       "batch entry \"a\": another has the same id"},
      {{{.id = "a", .body = body}, {.id = "b c", .body = body}},
       Errc::kInvalidArgument,
       "batch entry \"b c\": its id is not 1 to 80 of A-Z a-z 0-9 - _"},
      {{{.id = "a", .body = body},
        {.id = "b", .body = body, .attributes = AttributeList(std::span(&nameless, 1))}},
       Errc::kInvalidArgument,
       "batch entry \"b\": its attributes break the rules"},
      {{{.id = "a", .body = as_bytes(half)}, {.id = "b", .body = as_bytes(half)}},
       Errc::kTooLarge,
       "batch: its messages together are larger than one may be"},
  };
  for (const auto& each : cases) {
    const auto outcomes = prices_.publish_batch(each.entries);
    ASSERT_FALSE(outcomes) << each.why;
    EXPECT_EQ(outcomes.error().code, each.code) << each.why;
    EXPECT_STREQ(outcomes.error().what, each.why);
  }
  EXPECT_EQ(drain(book), Bodies{});
}

TEST_F(APublish, OfABatchToAFifoTopicIsCheckedAsAWhole) {  // M12, M13
  Topic fifo = test_.bus().topic("fifo", {.fifo = true, .dedup = Dedup::kById}).value();
  Queue book = test_.queue("ordered", {.fifo = true});
  ASSERT_TRUE(fifo.subscribe("ordered"));
  PublishEntry entries[] = {
      {.id = "a", .body = as_bytes("one"), .group = "g", .dedup_id = "1"},
      {.id = "b", .body = as_bytes("two"), .group = "g", .dedup_id = "2"},
      {.id = "c", .body = as_bytes("one again"), .group = "g", .dedup_id = "1"},
  };
  const Outcomes outcomes = fifo.publish_batch(entries).value();
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_LT(outcomes[0]->sequence, outcomes[1]->sequence);
  EXPECT_TRUE(outcomes[2]->duplicate);
  EXPECT_EQ(outcomes[2]->id, outcomes[0]->id);
  EXPECT_EQ(drain(book), (Bodies{"one", "two"}));
  entries[1].group = {};
  entries[0].dedup_id = "3";
  const auto refused = fifo.publish_batch(entries);
  ASSERT_FALSE(refused);
  EXPECT_STREQ(refused.error().what, "batch entry \"b\": it breaks the rules of a FIFO topic");
  EXPECT_EQ(drain(book), Bodies{});
}

}  // namespace
}  // namespace ringpost::test
