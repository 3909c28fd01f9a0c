// Topics and their subscriptions: making, changing, listing, removing, and what deaths leave.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <map>

#include "client/member.hpp"
#include "ringpost/delivery_policy.hpp"
#include "support/test_bus.hpp"
#include "sys/file_lock.hpp"
#include "topic/topic_file.hpp"

namespace ringpost::test {
namespace {

class ATopic : public testing::Test {
 protected:
  Topic topic(const TopicSettings& settings = {}) {
    return test_.bus().topic("prices", settings).value();
  }
  /// The queues that are subscribed, as another participant sees it.
  std::vector<std::string> subscribed() {
    std::vector<std::string> queues;
    Bus other = test_.attach();
    Topic seen = other.open_topic("prices").value();
    for (const SubscriptionInfo& each : seen.subscriptions().value()) queues.push_back(each.queue);
    std::sort(queues.begin(), queues.end());
    return queues;
  }
  std::string file() { return test_.path("topics/prices"); }
  topic::TopicFile raw() {
    shm::Participant& me = client::Member::of(test_.bus()).me();
    return topic::TopicFile::open(me.bus_pointer(), "prices").value();
  }

  TestBus test_;
};

using Names = std::vector<std::string>;

TEST_F(ATopic, IsMadeOnceAndListed) {  // T03
  const Topic made = topic();
  const Topic again = topic();
  EXPECT_EQ(test_.bus().topic_names().value(), Names{"prices"});
  EXPECT_EQ(test_.bus().topic_names("x").value(), Names{});
  EXPECT_EQ(again.settings().message_bytes_max, 256u * 1024);
  EXPECT_EQ(again.name(), "prices");
}

TEST_F(ATopic, OfOtherSettingsIsRefused) {  // T03
  const Topic made = topic({.message_bytes_max = 1024});
  const auto other = test_.bus().topic("prices", {.message_bytes_max = 2048});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kExists);
  EXPECT_STREQ(other.error().what,
               "topic \"prices\": exists with another value of message_bytes_max");
  EXPECT_EQ(code_of(test_.bus().topic("x", {.message_bytes_max = 1})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().topic("x", {.display_name = std::string(101, 'd')})),
            Errc::kInvalidArgument);
}

TEST_F(ATopic, OfABadNameIsRefused) {  // T01
  for (const std::string& name : {std::string(), std::string("a b"), std::string(81, 'n')}) {
    EXPECT_EQ(code_of(test_.bus().topic(name)), Errc::kInvalidArgument) << name;
  }
}

TEST_F(ATopic, ThatIsNotThereIsNotFound) {  // T04
  EXPECT_EQ(code_of(test_.bus().open_topic("prices")), Errc::kNotFound);
  EXPECT_EQ(code_of(test_.bus().delete_topic("prices")), Errc::kNotFound);
}

TEST_F(ATopic, KnowsItsSubscriptions) {
  const Queue book = test_.queue("book");
  const Queue risk = test_.queue("risk");
  Topic prices = topic();
  const auto made = prices.subscribe("book", {.raw = false, .when_full = WhenFull::kFail});
  ASSERT_TRUE(made) << made.error().what;
  ASSERT_TRUE(prices.subscribe("risk", {.filter = R"({"venue": ["spot"]})"}));
  EXPECT_EQ(subscribed(), (Names{"book", "risk"}));
  const auto all = topic().subscriptions().value();
  EXPECT_EQ(all[0].id, made->id);
  EXPECT_EQ(all[0].settings.raw, false);
  EXPECT_EQ(all[0].settings.when_full, WhenFull::kFail);
  EXPECT_EQ(all[1].settings.raw, true);
  EXPECT_EQ(all[1].settings.filter, R"({"venue": ["spot"]})");
}

TEST_F(ATopic, SubscribesAQueueOnce) {  // S03
  const Queue book = test_.queue("book");
  Topic prices = topic();
  const auto first = prices.subscribe("book").value();
  EXPECT_EQ(prices.subscribe("book").value().id, first.id);
  EXPECT_EQ(topic().subscribe("book", {.raw = true}).value().id, first.id);
  EXPECT_EQ(code_of(prices.subscribe("book", {.raw = false})), Errc::kExists);
  EXPECT_EQ(prices.subscriptions().value().size(), 1u);
}

TEST_F(ATopic, RefusesSubscriptionsWithAReason) {
  const Queue book = test_.queue("book");
  const Queue fifo = test_.queue("ordered", {.fifo = true});
  Topic prices = topic();
  const struct {
    const char* queue;
    SubscriptionSettings settings;
    Errc code;
    const char* why;
  } cases[] = {
      {"none", {}, Errc::kNotFound, "no such queue"},
      {"ordered", {}, Errc::kInvalidArgument, "which only a FIFO topic takes"},  // S11
      {"book", {.dead_letter_queue = "none"}, Errc::kNotFound, "create it first"},
      {"book",
       {.dead_letter_queue = "book"},
       Errc::kInvalidArgument,
       "the subscribed queue itself"},
      {"book", {.dead_letter_queue = "ordered"}, Errc::kInvalidArgument, "is a FIFO queue or"},
      {"book", {.filter = "{"}, Errc::kInvalidArgument, "filter policy"},
  };
  for (const auto& each : cases) {
    const auto made = prices.subscribe(each.queue, each.settings);
    ASSERT_FALSE(made) << each.why;
    EXPECT_EQ(made.error().code, each.code) << each.why;
    EXPECT_NE(std::string(made.error().what).find(each.why), std::string::npos)
        << made.error().what;
  }
  EXPECT_TRUE(prices.subscriptions().value().empty());
}

TEST_F(ATopic, ChangesOneSubscription) {
  const Queue book = test_.queue("book");
  Topic prices = topic();
  const std::uint64_t id = prices.subscribe("book").value().id;
  const auto changed = prices.set_subscription(id, {.filter = R"({"a": [1]})"}).value();
  EXPECT_EQ(changed.settings.raw, true);
  EXPECT_EQ(topic().subscriptions().value()[0].settings.filter, R"({"a": [1]})");
  EXPECT_EQ(code_of(prices.set_subscription(id, {.filter = "[]"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(prices.set_subscription(id + 1, {})), Errc::kNotFound);
}

TEST_F(ATopic, ForgetsASubscription) {  // S09
  const Queue book = test_.queue("book");
  Topic prices = topic();
  const std::uint64_t id = prices.subscribe("book").value().id;
  ASSERT_TRUE(topic().unsubscribe(id));
  EXPECT_EQ(subscribed(), Names{});
  EXPECT_EQ(code_of(prices.unsubscribe(id)), Errc::kNotFound);
  EXPECT_NE(prices.subscribe("book").value().id, id);
}

TEST_F(ATopic, ThatIsDeletedSaysSoToWhoHasItOpen) {  // T05
  const Queue book = test_.queue("book");
  Topic prices = topic();
  ASSERT_TRUE(test_.attach().delete_topic("prices"));
  EXPECT_EQ(code_of(prices.subscribe("book")), Errc::kDeleted);
  EXPECT_EQ(code_of(prices.subscriptions()), Errc::kDeleted);
  EXPECT_EQ(test_.bus().topic_names().value(), Names{});
  Topic another = topic();  // the name is free, and the other topic is another one
  ASSERT_TRUE(another.subscribe("book"));
  EXPECT_EQ(code_of(prices.subscriptions()), Errc::kDeleted);
}

TEST_F(ATopic, KeepsItsSubscriptionsWhenItsLogIsWrittenAnew) {
  const Queue book = test_.queue("book");
  const Queue risk = test_.queue("risk");
  Topic prices = topic();
  Topic watcher = topic();
  ASSERT_TRUE(prices.subscribe("book"));
  const std::uint64_t id = prices.subscribe("risk").value().id;
  const auto before = watcher.subscriptions().value();
  struct stat first {};
  ASSERT_EQ(::stat(file().c_str(), &first), 0);
  std::string text;
  for (int i = 0; i < 2'000; ++i) {
    text = R"({"n": [)" + std::to_string(i) + "]}";
    ASSERT_TRUE(prices.set_subscription(id, {.filter = text}));
  }
  struct stat last {};
  ASSERT_EQ(::stat(file().c_str(), &last), 0);
  EXPECT_NE(first.st_ino, last.st_ino);
  EXPECT_LT(last.st_size, 128 * 1024);
  const auto after = watcher.subscriptions().value();
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].id, before[0].id);
  EXPECT_EQ(after[1].settings.filter, text);
}

TEST_F(ATopic, IsInForceAgainWhenItsReplacerDied) {
  const Queue book = test_.queue("book");
  Topic prices = topic();
  raw().header().state.store(static_cast<std::uint32_t>(topic::TopicState::kReplaced));
  ASSERT_TRUE(prices.subscribe("book"));
  EXPECT_EQ(raw().header().state.load(), 0u);
  EXPECT_EQ(subscribed(), Names{"book"});
}

TEST_F(ATopic, IsUsedWhileItsReplacerStandsStill) {
  const Queue book = test_.queue("book");
  Topic prices = topic();
  ASSERT_TRUE(prices.subscribe("book"));
  const sys::Fd held(::open(file().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(sys::try_lock_byte(held, topic::kWriterByte));
  raw().header().state.store(static_cast<std::uint32_t>(topic::TopicState::kReplaced));
  EXPECT_EQ(prices.subscriptions().value().size(), 1u);
  EXPECT_EQ(subscribed(), Names{"book"});
  raw().header().writer.store(4711);
  const auto refused = prices.unsubscribe(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kBusy);
  EXPECT_STREQ(refused.error().what,
               "topic \"prices\": process 4711 is changing it and stands still");
}

TEST_F(ATopic, WhoseDeleterDiedIsTakenOffByWhoeverOpensIt) {
  const Topic prices = topic();
  raw().header().state.store(static_cast<std::uint32_t>(topic::TopicState::kDeleted));
  EXPECT_EQ(code_of(test_.bus().open_topic("prices")), Errc::kNotFound);
  EXPECT_EQ(test_.bus().topic_names().value(), Names{});
}

TEST_F(ATopic, IsDeletedAlsoIfItsListIsWrittenAnewJustBefore) {
  const Queue book = test_.queue("book");
  Topic prices = topic();
  const std::uint64_t id = prices.subscribe("book").value().id;
  topic::TopicFile old = raw();
  for (std::size_t bytes : {40'000u, 27'000u}) {
    const std::string filter = R"({"a": [")" + std::string(bytes, 'x') + R"("]})";
    ASSERT_TRUE(prices.set_subscription(id, {.filter = filter}));
  }
  ASSERT_EQ(old.header().state.load(), static_cast<std::uint32_t>(topic::TopicState::kReplaced));
  EXPECT_TRUE(old.remove([] {}));
  EXPECT_EQ(test_.bus().topic_names().value(), Names{});
  EXPECT_EQ(code_of(prices.publish("x")), Errc::kDeleted);
  EXPECT_EQ(code_of(old.remove([] {})), Errc::kNotFound);
}

TEST_F(ATopic, WithBytesOfADeadWriterBehindItsLogGoesOn) {
  const Queue book = test_.queue("book");
  Topic prices = topic();
  const sys::Fd bytes(::open(file().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::pwrite(bytes.get(), "garbage", 7, topic::kLogOffset), 7);
  ASSERT_TRUE(prices.subscribe("book"));
  EXPECT_EQ(subscribed(), Names{"book"});
}

TEST_F(ATopic, ThatIsDamagedGivesATypedError) {
  const Queue book = test_.queue("of8bytes");  // so that no byte of the record is padding
  Topic prices = topic();
  ASSERT_TRUE(prices.subscribe("of8bytes"));
  const sys::Fd bytes(::open(file().c_str(), O_RDWR | O_CLOEXEC));
  const std::uint64_t end = raw().header().end.load();
  for (std::uint64_t at = topic::kLogOffset; at < end; ++at) {
    char byte = 0;
    ASSERT_EQ(::pread(bytes.get(), &byte, 1, static_cast<off_t>(at)), 1);
    const char flipped = static_cast<char>(byte ^ 0x10);
    ASSERT_EQ(::pwrite(bytes.get(), &flipped, 1, static_cast<off_t>(at)), 1);
    EXPECT_EQ(code_of(test_.bus().open_topic("prices")), Errc::kCorrupt) << at;
    ASSERT_EQ(::pwrite(bytes.get(), &byte, 1, static_cast<off_t>(at)), 1);
  }
  raw().header().end.store(std::uint64_t{1} << 40);
  EXPECT_EQ(code_of(test_.bus().open_topic("prices")), Errc::kCorrupt);
  EXPECT_EQ(code_of(prices.subscriptions()), Errc::kCorrupt);
}

TEST_F(ATopic, ChangesItsSettingsForEverybody) {  // A04, P01, P13
  Topic prices = topic({.display_name = "Prices"});
  Bus other_bus = test_.attach();
  Topic other = other_bus.open_topic("prices").value();
  EXPECT_EQ(code_of(other.publish(std::string(2000, 'x'))), Errc::kOk);
  ASSERT_TRUE(prices.set({.message_bytes_max = 1024}));
  EXPECT_EQ(code_of(other.publish(std::string(2000, 'x'))), Errc::kTooLarge);
  EXPECT_EQ(other.settings().message_bytes_max, 1024u);
  EXPECT_EQ(other.settings().display_name, "Prices");
  ASSERT_TRUE(other.set({.message_bytes_max = 4096, .display_name = ""}));
  EXPECT_EQ(code_of(prices.publish(std::string(2000, 'x'))), Errc::kOk);
  EXPECT_EQ(topic().settings().message_bytes_max, 4096u);
  EXPECT_EQ(topic({.display_name = ""}).settings().message_bytes_max, 4096u);
  EXPECT_EQ(code_of(test_.bus().topic("prices", {.display_name = "Prices"})), Errc::kExists);
}

TEST_F(ATopic, KeepsADeliveryPolicyForItsEndpoints) {  // P03, R18
  const std::string given = R"({"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}}})";
  const std::string kept = TopicDeliveryPolicy::parse(given).value().to_json();
  Topic prices = topic({.display_name = "Prices", .delivery_policy = given});
  EXPECT_EQ(prices.settings().delivery_policy, kept);
  EXPECT_EQ(topic({.delivery_policy = given}).settings().display_name, "Prices");
  Bus other_bus = test_.attach();
  Topic other = other_bus.open_topic("prices").value();
  ASSERT_TRUE(other.set_tags({{"team", "desk"}}));
  ASSERT_TRUE(other.set({.message_bytes_max = 4096}));
  EXPECT_EQ(prices.settings().delivery_policy, kept);
  EXPECT_EQ(prices.settings().display_name, "Prices");
  EXPECT_EQ(prices.tags().value(), (Tags{{"team", "desk"}}));
  const auto refused =
      prices.set({.message_bytes_max = 2048,
                  .delivery_policy = R"({"http": {"disableSubscriptionOverrides": 1}})"});
  ASSERT_FALSE(refused);
  EXPECT_STREQ(refused.error().what,
               "delivery policy: disableSubscriptionOverrides: must be true or false");
  EXPECT_EQ(other.settings().message_bytes_max, 4096u);
  EXPECT_EQ(code_of(test_.bus().topic("x", {.delivery_policy = "{"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().open_topic("x")), Errc::kNotFound);
  ASSERT_TRUE(prices.set({.delivery_policy = ""}));
  EXPECT_EQ(other.settings().delivery_policy, "");
  EXPECT_EQ(code_of(test_.bus().topic("prices", {.delivery_policy = given})), Errc::kExists);
}

TEST_F(ATopic, RefusesASettingOutOfItsLimitsAndKeepsAll) {
  Topic prices = topic();
  EXPECT_EQ(code_of(prices.set({.message_bytes_max = 1})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(prices.set({.message_bytes_max = 2048, .fifo = true})),
            Errc::kInvalidArgument);  // P08
  EXPECT_TRUE(prices.set({.fifo = false}));
  EXPECT_EQ(code_of(prices.set({.message_bytes_max = 2048, .display_name = std::string(101, 'd')})),
            Errc::kInvalidArgument);
  EXPECT_EQ(prices.settings().message_bytes_max, 256u * 1024);
}

TEST_F(ATopic, KeepsTags) {  // T08, A13
  Topic prices = test_.bus().topic("prices", {}, {{"team", "desk"}, {"cost", "1"}}).value();
  Topic seen = topic();
  EXPECT_EQ(seen.tags().value(), (Tags{{"cost", "1"}, {"team", "desk"}}));
  ASSERT_TRUE(seen.set_tags({{"cost", "2"}, {"empty", ""}}));
  EXPECT_EQ(prices.tags().value(), (Tags{{"cost", "2"}, {"empty", ""}, {"team", "desk"}}));
  const std::string keys[] = {"team", "no such key"};
  ASSERT_TRUE(prices.remove_tags(keys));
  EXPECT_EQ(seen.tags().value(), (Tags{{"cost", "2"}, {"empty", ""}}));
  EXPECT_EQ(code_of(prices.set_tags({{"", "x"}})), Errc::kInvalidArgument);
  Tags many;
  for (int i = 0; i < 49; ++i) many["key" + std::to_string(i)] = "x";
  EXPECT_EQ(code_of(prices.set_tags(many)), Errc::kInvalidArgument);  // with those there are: 51
  EXPECT_EQ(prices.tags().value().size(), 2u);
}

TEST_F(ATopic, OfTagsThatItDoesNotHaveIsRefused) {  // T03
  const Topic prices = test_.bus().topic("prices", {}, {{"team", "desk"}, {"cost", "1"}}).value();
  EXPECT_TRUE(test_.bus().topic("prices", {}, {{"cost", "1"}}));
  EXPECT_TRUE(test_.bus().topic("prices"));
  for (const Tags& tags : {Tags{{"cost", "2"}}, Tags{{"other", "1"}}}) {
    const auto other = test_.bus().topic("prices", {}, tags);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::kExists);
    EXPECT_STREQ(other.error().what, "topic \"prices\": exists with other tags");
  }
  EXPECT_EQ(code_of(test_.bus().topic("new", {}, {{"", "x"}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().open_topic("new")), Errc::kNotFound);
}

TEST_F(ATopic, KeepsSettingsTagsAndSubscriptionsWhenItsLogIsWrittenAnew) {
  const Queue book = test_.queue("book");
  Topic prices = topic();
  Topic follower = topic();
  ASSERT_TRUE(prices.subscribe("book"));
  ASSERT_TRUE(prices.set_tags({{"team", "desk"}}));
  const std::uint64_t before = raw().header().end.load();
  std::uint64_t most = 0;
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(prices.set({.message_bytes_max = 1024 + i % 100}));
    most = std::max(most, raw().header().end.load());
  }
  EXPECT_LT(raw().header().end.load(), most) << "not written anew, from " << before;
  EXPECT_EQ(follower.settings().message_bytes_max, 1024u + 2'999 % 100);
  EXPECT_EQ(follower.tags().value(), (Tags{{"team", "desk"}}));
  EXPECT_EQ(subscribed(), Names{"book"});
}

TEST_F(ATopic, WhoseSettingsAreDamagedGivesATypedError) {
  Topic prices = topic();
  ASSERT_TRUE(prices.set_tags({{"four", "four"}}));  // no byte of the record is padding
  const sys::Fd bytes(::open(file().c_str(), O_RDWR | O_CLOEXEC));
  const std::uint64_t end = raw().header().end.load();
  for (std::uint64_t at = topic::kLogOffset; at < end; ++at) {
    char byte = 0;
    ASSERT_EQ(::pread(bytes.get(), &byte, 1, static_cast<off_t>(at)), 1);
    for (const char flip : {'\x01', '\x02', '\x40'}) {
      const char flipped = static_cast<char>(byte ^ flip);
      ASSERT_EQ(::pwrite(bytes.get(), &flipped, 1, static_cast<off_t>(at)), 1);
      EXPECT_EQ(code_of(test_.bus().open_topic("prices")), Errc::kCorrupt) << at;
    }
    ASSERT_EQ(::pwrite(bytes.get(), &byte, 1, static_cast<off_t>(at)), 1);
  }
  EXPECT_EQ(topic().tags().value().size(), 1u);
}

TEST_F(ATopic, FindsEachOfManySubscriptionsAsTheyComeAndGo) {
  topic::Subscriptions all;
  std::map<std::uint64_t, std::uint64_t> queue_of;  // by id
  std::uint64_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    topic::LogEntry entry;
    entry.subscription.id = 1 + (random >> 33) % 300 * 0x10001;
    const std::uint64_t queue = random >> 40;
    const bool known = queue_of.count(entry.subscription.id) != 0;
    if (known && random % 2 == 0) {
      entry.kind = topic::RecordKind::kRemove;
      queue_of.erase(entry.subscription.id);
    } else {
      entry.subscription.queue_id = queue;
      queue_of[entry.subscription.id] = queue;
    }
    all.apply(entry);
    ASSERT_EQ(all.count(), queue_of.size());
  }
  for (const auto& [id, queue] : queue_of) {
    ASSERT_NE(all.find(id), nullptr);
    EXPECT_EQ(all.find(id)->queue_id, queue);
    ASSERT_NE(all.of_queue(queue), nullptr);
    EXPECT_EQ(all.of_queue(queue)->queue_id, queue);
  }
  EXPECT_EQ(all.find(2), nullptr);
  EXPECT_EQ(all.of_queue(~std::uint64_t{0}), nullptr);
}

TEST_F(ATopic, MayHaveManySubscriptions) {
  Topic prices = topic();
  constexpr int kMany = 300;
  for (int i = 0; i < kMany; ++i) {
    const std::string name = "q" + std::to_string(i);
    const Queue queue = test_.queue(name, {.slots = 64});
    ASSERT_TRUE(prices.subscribe(name));
  }
  EXPECT_EQ(subscribed().size(), std::size_t{kMany});
}

}  // namespace
}  // namespace ringpost::test
