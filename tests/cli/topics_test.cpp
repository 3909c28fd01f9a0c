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
  error_of({"topic", "set", "prices", "--message-bytes-max", "1"}, 2);
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

}  // namespace
}  // namespace ringpost::cli_test
