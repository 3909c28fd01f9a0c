// Topics at the command line: making them, subscribing queues, publishing.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliTopics : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "book", "risk"});
    succeed({"topic", "create", "prices"});
  }
};

TEST_F(CliTopics, AreMadeListedAndRemoved) {
  EXPECT_EQ(succeed({"topic", "create", "prices"}), "topic prices is there already\n");
  succeed({"topic", "create", "files", "--message-bytes-max", "1MiB"});
  EXPECT_EQ(succeed({"topic", "list"}), "files\nprices\n");
  EXPECT_EQ(succeed({"topic", "list", "p"}), "prices\n");
  EXPECT_EQ(succeed({"topic", "delete", "files"}), "deleted topic files\n");
  EXPECT_EQ(text_of(error_of({"topic", "show", "files"}, 5).at("code")), "NotFound");
}

TEST_F(CliTopics, AreChangedWhileInUse) {
  EXPECT_EQ(succeed({"topic", "set", "prices", "--message-bytes-max", "1KiB"}),
            "changed topic prices\n");
  const auto changed = json({"topic", "set", "prices", "--display-name", "Prices"}).at(0);
  EXPECT_EQ(changed.at("settings").at("message_bytes_max").to_number<int>(), 1024);
  EXPECT_EQ(text_of(changed.at("settings").at("display_name")), "Prices");
  EXPECT_EQ(text_of(error_of({"topic", "set", "prices"}, 2).at("code")), "Usage");
  const auto refused = error_of({"topic", "set", "prices", "--message-bytes-max", "1"}, 2);
  EXPECT_NE(text_of(refused.at("hint")).find("--help"), std::string::npos);
  EXPECT_EQ(text_of(error_of({"topic", "set", "none", "--display-name", "x"}, 5).at("code")),
            "NotFound");
  error_of({"publish", "prices", std::string(2000, 'x')}, 1);
}

TEST_F(CliTopics, HaveTags) {
  succeed({"topic", "create", "files", "--tag", "team=desk", "--tag", "cost=1"});
  succeed({"topic", "create", "files", "--tag", "cost=1"});
  error_of({"topic", "create", "files", "--tag", "cost=2"}, 1);
  EXPECT_EQ(succeed({"topic", "tag", "files", "cost=2"}), "tagged topic files\n");
  const auto left = json({"topic", "untag", "files", "team"}).at(0);
  EXPECT_EQ(left.at("tags").as_object().size(), 1u);
  EXPECT_EQ(text_of(left.at("tags").at("cost")), "2");
  const std::string shown = succeed({"topic", "show", "files"});
  EXPECT_NE(shown.find("cost=2"), std::string::npos) << shown;
  EXPECT_EQ(text_of(json({"topic", "show", "files"}).at(0).at("tags").at("cost")), "2");
}

TEST_F(CliTopics, ShowTheirSubscriptions) {
  succeed({"subscribe", "prices", "book", "--json-body", "--when-full", "fail"});
  succeed(
      {"subscribe", "prices", "risk", "--filter", R"({"kind": ["trade"]})", "--filter-on", "body"});
  const auto shown = json({"topic", "show", "prices"}).at(0);
  const auto& subscriptions = shown.at("subscriptions").as_array();
  ASSERT_EQ(subscriptions.size(), 2u);
  EXPECT_EQ(text_of(subscriptions[0].at("queue")), "book");
  EXPECT_FALSE(subscriptions[0].at("raw").as_bool());
  EXPECT_EQ(text_of(subscriptions[0].at("when_full")), "fail");
  EXPECT_EQ(text_of(subscriptions[1].at("filter")), R"({"kind": ["trade"]})");
  EXPECT_EQ(text_of(subscriptions[1].at("filter_on")), "body");
  const std::string text = succeed({"topic", "show", "prices"});
  EXPECT_NE(text.find(R"(body: {"kind": ["trade"]})"), std::string::npos) << text;
}

TEST_F(CliTopics, DeliverWhatIsPublishedToAllSubscribers) {
  succeed({"subscribe", "prices", "book"});
  succeed({"subscribe", "prices", "risk", "--filter", R"({"venue": ["spot"]})"});
  succeed({"publish", "prices", "one", "-a", "venue=spot"});
  succeed({"publish", "prices"}, "two\nthree\n");
  EXPECT_EQ(succeed({"receive", "book", "--all"}), "one\ntwo\nthree\n");
  EXPECT_EQ(succeed({"receive", "risk", "--all"}), "one\n");
  const auto shown = json({"topic", "show", "prices"}).at(0);
  EXPECT_EQ(shown.at("published").to_number<int>(), 3);
  EXPECT_EQ(shown.at("delivered").to_number<int>(), 4);
  EXPECT_EQ(shown.at("filtered_out").to_number<int>(), 2);
}

TEST_F(CliTopics, SayWhatBecameOfAPublishAsJson) {
  succeed({"subscribe", "prices", "book"});
  const auto published = json({"publish", "prices", "one"}).at(0);
  EXPECT_EQ(published.at("published").to_number<int>(), 1);
  EXPECT_EQ(published.at("delivered").to_number<int>(), 1);
  EXPECT_EQ(text_of(published.at("last_id")).size(), 36u);
}

TEST_F(CliTopics, AreCountedByStatAndTop) {
  succeed({"topic", "create", "other"});
  succeed({"subscribe", "prices", "book"});
  succeed({"subscribe", "prices", "risk", "--filter", R"({"a": ["b"]})"});
  Child top({"--json", "top", "--interval", "20ms"});
  boost::json::parse(top.read_line());
  succeed({"publish", "prices"}, "1\n2\n3\n");
  double delivered = 0;
  while (delivered < 2.99) {
    const auto look = boost::json::parse(top.read_line());
    const auto& prices = look.at("topics").at(1);
    EXPECT_EQ(text_of(prices.at("topic")), "prices");
    EXPECT_EQ(prices.at("subscriptions").to_number<int>(), 2);
    delivered += prices.at("delivered_per_second").to_number<double>() *
                 look.at("interval_seconds").to_number<double>();
  }
  const auto stat = json({"stat", "--topics", "prices"}).at(0);
  EXPECT_EQ(stat.at("published").to_number<int>(), 3);
  EXPECT_EQ(stat.at("filtered_out").to_number<int>(), 3);
  EXPECT_EQ(stat.at("subscriptions").to_number<int>(), 2);
  EXPECT_EQ(json({"stat", "--topics"}).size(), 2u);
  EXPECT_NE(succeed({"top", "--count", "1", "--interval", "10ms"}).find("TOPIC"),
            std::string::npos);
  EXPECT_NE(succeed({"stat", "--topics"}).find("SUBSCRIPTIONS"), std::string::npos);
}

TEST_F(CliTopics, AreCheckedByTheDoctor) {
  succeed({"subscribe", "prices", "book"});
  const auto report = json({"doctor"}).at(0);
  EXPECT_EQ(report.at("topics_checked").to_number<int>(), 1);
  EXPECT_EQ(report.at("subscriptions_checked").to_number<int>(), 1);
  EXPECT_TRUE(report.at("deliveries_waiting").as_array().empty());
  succeed({"queue", "delete", "book"});
  const Outcome found = run({"doctor"});
  EXPECT_EQ(found.status, 6);
  EXPECT_NE(found.out.find("ringpost unsubscribe prices"), std::string::npos) << found.out;
}

TEST_F(CliTopics, EndAndChangeSubscriptionsByQueueOrId) {
  succeed({"subscribe", "prices", "book"});
  const auto changed =
      json({"subscribe", "prices", "book", "--change", "--filter", R"({"a": ["b"]})"}).at(0);
  const std::string id = text_of(changed.at("subscription").at("id"));
  EXPECT_EQ(text_of(changed.at("subscription").at("filter")), R"({"a": ["b"]})");
  EXPECT_EQ(succeed({"unsubscribe", "prices", id}),
            "queue book gets nothing more of topic prices\n");
  EXPECT_EQ(text_of(error_of({"unsubscribe", "prices", "book"}, 5).at("code")), "NotFound");
}

TEST_F(CliTopics, RefuseAFilterThatIsNone) {
  const auto error = error_of({"subscribe", "prices", "book", "--filter", "{"}, 2);
  EXPECT_NE(text_of(error.at("message")).find("filter policy"), std::string::npos);
}

TEST_F(CliTopics, OfFifoKeepOrderAndSwallowDuplicates) {
  succeed({"queue", "create", "first", "second", "--fifo"});
  succeed({"topic", "create", "orders", "--fifo", "--dedup", "id", "--dedup-window", "10m"});
  succeed({"subscribe", "orders", "first"});
  succeed({"subscribe", "orders", "second"});
  const auto made = json({"publish", "orders", "one", "--group", "g", "--dedup-id", "a"}).at(0);
  const auto again = json({"publish", "orders", "two", "--group", "g", "--dedup-id", "a"}).at(0);
  EXPECT_EQ(again.at("duplicates").to_number<int>(), 1);
  EXPECT_EQ(again.at("last_sequence"), made.at("last_sequence"));
  EXPECT_EQ(again.at("last_id"), made.at("last_id"));
  succeed({"publish", "orders", "--group-field", "1", "--dedup-field", "2", "-d", ","},
          "g,b\ng,c\n");
  EXPECT_EQ(succeed({"receive", "first", "--all"}), "one\ng,b\ng,c\n");
  EXPECT_EQ(succeed({"receive", "second", "--all"}), "one\ng,b\ng,c\n");
  const auto shown = json({"topic", "show", "orders"}).at(0);
  EXPECT_EQ(text_of(shown.at("settings").at("dedup")), "id");
  EXPECT_EQ(shown.at("duplicates").to_number<int>(), 1);
  const std::string text = succeed({"topic", "show", "orders"});
  EXPECT_NE(text.find("by id, unique in the topic, for 10m"), std::string::npos) << text;
}

TEST_F(CliTopics, SayWhatAFifoTopicWants) {
  succeed({"topic", "create", "orders", "--fifo", "--dedup", "id"});
  const auto message = [this](const std::vector<std::string>& arguments) {
    return text_of(error_of(arguments, 2).at("message"));
  };
  EXPECT_EQ(message({"publish", "orders", "x"}), "group missing: a FIFO topic needs --group");
  EXPECT_EQ(message({"publish", "orders", "x", "--group", "g"}),
            "deduplication id missing: topic orders deduplicates by id");
  EXPECT_EQ(message({"publish", "prices", "x", "--dedup-id", "a"}),
            "topic prices is a standard topic, without groups and deduplication");
  EXPECT_EQ(message({"topic", "create", "x", "--dedup", "id"}), "only a FIFO topic deduplicates");
}

}  // namespace
}  // namespace ringpost::cli_test
