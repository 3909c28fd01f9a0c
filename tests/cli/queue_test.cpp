// ringpost queue create, list, show, set, purge, delete.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

using CliQueue = CliTest;

TEST_F(CliQueue, CreatingMakesTheBusAndTheQueue) {
  const auto made = json({"queue", "create", "orders"}).at(0);
  EXPECT_EQ(text_of(made.at("bus")), "default");
  EXPECT_EQ(text_of(made.at("queue")), "orders");
  EXPECT_TRUE(made.at("created").as_bool());
  EXPECT_EQ(succeed({"bus", "list"}), "default\n");
}

TEST_F(CliQueue, CreatingAgainWithTheSameSettingsIsNoError) {
  succeed({"queue", "create", "orders", "--visibility-timeout", "5m"});
  const auto again = json({"queue", "create", "orders", "--visibility-timeout", "5m"}).at(0);
  EXPECT_FALSE(again.at("created").as_bool());
}

TEST_F(CliQueue, CreatingWithOtherSettingsIsRefusedWithAHint) {
  succeed({"queue", "create", "orders", "--retention", "1h"});
  const auto error = error_of({"queue", "create", "orders", "--retention", "2h"}, 1);
  EXPECT_EQ(text_of(error.at("code")), "Exists");
  EXPECT_NE(text_of(error.at("hint")).find("ringpost queue show orders"), std::string::npos);
}

TEST_F(CliQueue, EverySettingThatIsGivenIsShown) {
  succeed({"queue", "create",          "orders", "--visibility-timeout",
           "1m",    "--delay",         "2s",     "--retention",
           "3h",    "--receive-wait",  "4s",     "--message-bytes-max",
           "64KiB", "--in-flight-max", "1k",     "--slots",
           "128",   "--bytes-max",     "8M",     "--fixed"});
  const auto settings = json({"queue", "show", "orders"}).at(0).at("settings");
  EXPECT_EQ(settings.at("visibility_timeout_seconds").to_number<double>(), 60);
  EXPECT_EQ(settings.at("delay_seconds").to_number<double>(), 2);
  EXPECT_EQ(settings.at("retention_seconds").to_number<double>(), 3 * 3600);
  EXPECT_EQ(settings.at("receive_wait_seconds").to_number<double>(), 4);
  EXPECT_EQ(settings.at("message_bytes_max").to_number<int>(), 64 * 1024);
  EXPECT_EQ(settings.at("in_flight_max").to_number<int>(), 1000);
  EXPECT_EQ(settings.at("slots").to_number<int>(), 128);
  EXPECT_EQ(settings.at("bytes_max").to_number<int>(), 8 * 1024 * 1024);
  EXPECT_TRUE(settings.at("fixed").as_bool());
}

TEST_F(CliQueue, PoliciesOfDeadLettersAreSetShownAndTakenAway) {
  succeed({"queue", "create", "dead", "--redrive-allow", "orders,other"});
  succeed({"queue", "create", "orders", "--dead-letter-queue", "dead", "--max-receives", "3"});
  const auto settings = json({"queue", "show", "orders"}).at(0).at("settings");
  EXPECT_EQ(text_of(settings.at("dead_letter_queue")), "dead");
  EXPECT_EQ(settings.at("max_receives").to_number<int>(), 3);
  EXPECT_EQ(text_of(settings.at("redrive_allow")), "all");
  EXPECT_NE(succeed({"queue", "show", "orders"}).find("dead, after 3 receives"), std::string::npos);
  EXPECT_NE(succeed({"queue", "show", "dead"}).find("orders, other"), std::string::npos);
  EXPECT_EQ(
      text_of(error_of({"queue", "create", "q", "--dead-letter-queue", "dead"}, 2).at("code")),
      "InvalidArgument");
  succeed({"queue", "set", "orders", "--dead-letter-queue", ""});
  EXPECT_TRUE(
      json({"queue", "show", "orders"}).at(0).at("settings").at("dead_letter_queue").is_null());
}

TEST_F(CliQueue, DeadLettersSayWhereTheyComeFrom) {
  succeed({"queue", "create", "dead"});
  succeed({"queue", "create", "orders", "--dead-letter-queue", "dead", "--max-receives", "1"});
  succeed({"send", "orders", "poison"});
  for (int i = 0; i < 2; ++i) run({"receive", "orders", "--release"});
  const auto stats = json({"stat", "orders"}).at(0);
  EXPECT_EQ(stats.at("dead_lettered").to_number<int>(), 1);
  const auto found = json({"peek", "dead"}).at(0);
  EXPECT_EQ(text_of(found.at("dead_letter_source")), "orders");
}

TEST_F(CliQueue, ListsNamesInOrderAndByPrefix) {
  succeed({"queue", "create", "b-2", "a-1", "b-1"});
  EXPECT_EQ(succeed({"queue", "list"}), "a-1\nb-1\nb-2\n");
  EXPECT_EQ(succeed({"queue", "list", "b-"}), "b-1\nb-2\n");
}

TEST_F(CliQueue, LongListCountsMessages) {
  succeed({"queue", "create", "orders"});
  succeed({"send", "orders"}, numbers(3));
  EXPECT_EQ(json({"queue", "list", "--long"}).at(0).at("visible").to_number<int>(), 3);
  EXPECT_NE(succeed({"queue", "list", "--long"}).find("VISIBLE"), std::string::npos);
}

TEST_F(CliQueue, SettingsChangeWhileMessagesAreInIt) {
  succeed({"queue", "create", "orders"});
  succeed({"send", "orders", "hello"});
  const auto changed = json({"queue", "set", "orders", "--visibility-timeout", "2m"}).at(0);
  EXPECT_EQ(changed.at("settings").at("visibility_timeout_seconds").to_number<double>(), 120);
  EXPECT_EQ(succeed({"receive", "orders"}), "hello\n");
}

TEST_F(CliQueue, ChangingNothingIsAUsageError) {
  succeed({"queue", "create", "orders"});
  EXPECT_EQ(text_of(error_of({"queue", "set", "orders"}, 2).at("code")), "Usage");
}

TEST_F(CliQueue, TagsAreSetShownAndRemoved) {
  succeed({"queue", "create", "orders", "--tag", "team=billing", "--tag", "empty="});
  const auto tagged = json({"queue", "tag", "orders", "team=a=b", "stage=test"}).at(0).at("tags");
  EXPECT_EQ(text_of(tagged.at("team")), "a=b");
  EXPECT_EQ(text_of(tagged.at("stage")), "test");
  EXPECT_EQ(text_of(tagged.at("empty")), "");
  succeed({"queue", "untag", "orders", "stage", "empty", "never"});
  EXPECT_NE(succeed({"queue", "show", "orders"}).find("team=a=b\n"), std::string::npos);
  EXPECT_EQ(json({"queue", "show", "orders"}).at(0).at("tags").as_object().size(), 1u);
}

TEST_F(CliQueue, TagsThatAreNoneAreUsageErrors) {
  EXPECT_EQ(run({"queue", "create", "orders", "--tag", "team"}).status, 2);
  succeed({"queue", "create", "orders"});
  EXPECT_EQ(run({"queue", "tag", "orders", "=billing"}).status, 2);
  EXPECT_EQ(run({"queue", "tag", "orders"}).status, 2);
  EXPECT_EQ(run({"queue", "untag", "orders"}).status, 2);
  EXPECT_NE(
      text_of(error_of({"queue", "tag", "orders", std::string(129, 'k') + "=v"}, 2).at("message"))
          .find("128 characters"),
      std::string::npos);
}

TEST_F(CliQueue, PurgeRemovesVisibleDelayedAndInFlight) {
  succeed({"queue", "create", "orders"});
  succeed({"send", "orders"}, numbers(3));
  succeed({"send", "orders", "later", "--delay", "10m"});
  succeed({"receive", "orders", "--leave"});
  EXPECT_EQ(json({"queue", "purge", "orders"}).at(0).at("purged").to_number<int>(), 4);
  EXPECT_EQ(run({"peek", "orders"}).status, 3);
}

TEST_F(CliQueue, DeletedQueueIsGone) {
  succeed({"queue", "create", "orders"});
  EXPECT_EQ(succeed({"queue", "delete", "orders"}), "deleted queue orders\n");
  EXPECT_EQ(text_of(error_of({"queue", "show", "orders"}, 5).at("code")), "NotFound");
  EXPECT_EQ(text_of(error_of({"queue", "delete", "orders"}, 5).at("code")), "NotFound");
}

TEST_F(CliQueue, BusesAreApart) {
  succeed({"--bus", "one", "queue", "create", "orders"});
  succeed({"--bus", "two", "queue", "create", "orders"});
  succeed({"--bus", "one", "send", "orders", "hello"});
  EXPECT_EQ(run({"--bus", "two", "receive", "orders"}).status, 3);
  setenv("RINGPOST_BUS", "one", 1);
  EXPECT_EQ(succeed({"receive", "orders"}), "hello\n");
}

TEST_F(CliQueue, BusIsRemovedWithItsQueues) {
  succeed({"--bus", "one", "queue", "create", "orders"});
  EXPECT_EQ(text_of(json({"bus", "show", "one"}).at(0).at("bus")), "one");
  EXPECT_EQ(succeed({"bus", "remove", "one"}), "removed bus one\n");
  EXPECT_EQ(succeed({"bus", "list"}), "");
  EXPECT_EQ(text_of(error_of({"bus", "remove", "one"}, 5).at("code")), "NotFound");
}

TEST_F(CliQueue, BusInUseIsNotRemoved) {
  succeed({"queue", "create", "orders"});
  succeed({"send", "orders", "hello"});
  Child user({"receive", "orders", "--follow"});
  ASSERT_EQ(user.read_line(), "hello");
  const auto error = error_of({"bus", "remove", "default"}, 1);
  EXPECT_EQ(text_of(error.at("code")), "Busy");
}

}  // namespace
}  // namespace ringpost::cli_test
