// ringpost redrive start, list, cancel, sources.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliRedrive : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "dead"});
    succeed({"queue", "create", "orders", "--dead-letter-queue", "dead", "--max-receives", "1"});
  }
  /// So many messages that were received once too often.
  static void bury(int count) {
    succeed({"send", "orders"}, numbers(count));
    for (int i = 0; i < 2; ++i) run({"receive", "orders", "--all", "--release"});
    ASSERT_EQ(json({"stat", "dead"}).at(0).at("visible").to_number<int>(), count);
  }
};

TEST_F(CliRedrive, MovesMessagesBackToWhereTheyCameFrom) {
  bury(3);
  EXPECT_EQ(succeed({"redrive", "start", "dead"}),
            "moved 3 of 3 messages from queue dead back to where they came from\n");
  EXPECT_EQ(succeed({"receive", "orders", "--all"}), numbers(3));
  const auto task = json({"redrive", "list", "dead"}).at(0);
  EXPECT_EQ(text_of(task.at("status")), "COMPLETED");
  EXPECT_EQ(task.at("moved").to_number<int>(), 3);
  EXPECT_NE(succeed({"redrive", "list"}).find("COMPLETED"), std::string::npos);
  EXPECT_NE(succeed({"queue", "show", "dead"}).find("COMPLETED, 3 of 3"), std::string::npos);
  EXPECT_NE(succeed({"stat", "dead"}).find("COMPLETED, 3 of 3"), std::string::npos);
  EXPECT_EQ(text_of(json({"stat", "dead"}).at(0).at("move_task").at("source")), "dead");
  EXPECT_TRUE(json({"queue", "show", "orders"}).at(0).at("move_task").is_null());
}

TEST_F(CliRedrive, MovesMessagesToAnotherQueue) {
  succeed({"queue", "create", "again"});
  bury(3);
  const auto result = json({"redrive", "start", "dead", "--to", "again", "--rate", "500"}).at(0);
  EXPECT_EQ(text_of(result.at("status")), "COMPLETED");
  EXPECT_EQ(text_of(result.at("destination")), "again");
  EXPECT_EQ(result.at("per_second").to_number<int>(), 500);
  EXPECT_EQ(result.at("to_move").to_number<int>(), 3);
  EXPECT_FALSE(result.at("interrupted").as_bool());
  EXPECT_EQ(succeed({"receive", "again", "--all"}), numbers(3));
}

TEST_F(CliRedrive, IsCancelledByCtrlC) {
  succeed({"queue", "create", "again", "--slots", "64", "--fixed"});
  bury(100);
  Child redrive({"--json", "redrive", "start", "dead", "--to", "again"});
  while (json({"stat", "again"}).at(0).at("visible").to_number<int>() < 64) {
  }
  EXPECT_EQ(text_of(error_of({"redrive", "start", "dead"}, 1).at("code")), "TaskRunning");
  redrive.send_signal(SIGINT);
  const Outcome outcome = redrive.wait();
  EXPECT_EQ(outcome.status, 130);
  const auto result = boost::json::parse(outcome.out);
  EXPECT_EQ(text_of(result.at("status")), "CANCELLED");
  EXPECT_EQ(result.at("moved").to_number<int>(), 64);
  EXPECT_TRUE(result.at("interrupted").as_bool());
  EXPECT_EQ(json({"stat", "dead"}).at(0).at("visible").to_number<int>(), 36);
}

TEST_F(CliRedrive, OfAKilledProcessIsCarriedOnByTheNext) {
  succeed({"queue", "create", "again", "--slots", "64", "--fixed"});
  bury(100);
  Child redrive({"redrive", "start", "dead", "--to", "again"});
  while (json({"stat", "again"}).at(0).at("visible").to_number<int>() < 64) {
  }
  redrive.send_signal(SIGKILL);
  EXPECT_EQ(redrive.wait().status, 137);
  succeed({"receive", "again", "--all"});
  succeed({"doctor", "--repair"});
  const auto task = json({"redrive", "list", "dead"}).at(0);
  EXPECT_EQ(text_of(task.at("status")), "COMPLETED");
  EXPECT_EQ(json({"stat", "again"}).at(0).at("visible").to_number<int>(), 36);
  EXPECT_EQ(json({"stat", "dead"}).at(0).at("visible").to_number<int>(), 0);
}

TEST_F(CliRedrive, IsCancelledByNameOrId) {
  succeed({"queue", "create", "again", "--slots", "64", "--fixed"});
  for (const bool by_id : {false, true}) {
    bury(100);
    Child redrive({"redrive", "start", "dead", "--to", "again"});
    while (json({"stat", "again"}).at(0).at("visible").to_number<int>() < 64) {
    }
    const std::string id = text_of(json({"redrive", "list"}).at(0).at("task"));
    const auto cancelled = json({"redrive", "cancel", by_id ? id : "dead"}).at(0);
    EXPECT_EQ(text_of(cancelled.at("task")), id);
    EXPECT_EQ(cancelled.at("moved").to_number<int>(), 64);
    const Outcome outcome = redrive.wait();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err.find("cancelled by another process"), std::string::npos);
    EXPECT_EQ(text_of(error_of({"redrive", "cancel", id}, 5).at("code")), "NoTask");
    for (const char* queue : {"again", "dead"}) succeed({"queue", "purge", queue});
  }
}

TEST_F(CliRedrive, SaysWhatIsWrong) {
  EXPECT_EQ(text_of(error_of({"redrive", "start", "orders"}, 2).at("code")), "NotDeadLetterQueue");
  EXPECT_EQ(text_of(error_of({"redrive", "start", "nowhere"}, 5).at("code")), "NotFound");
  EXPECT_EQ(text_of(error_of({"redrive", "start", "dead", "--to", "dead"}, 2).at("code")),
            "InvalidArgument");
  EXPECT_EQ(text_of(error_of({"redrive", "start", "dead", "--rate", "501"}, 2).at("code")),
            "Usage");
  EXPECT_EQ(text_of(error_of({"redrive", "cancel", "dead"}, 5).at("code")), "NoTask");
  bury(1);
  succeed({"queue", "create", "other", "--dead-letter-queue", "dead"});
  succeed({"queue", "delete", "orders"});
  const auto error = error_of({"redrive", "start", "dead"}, 5);
  EXPECT_EQ(text_of(error.at("code")), "Deleted");
  EXPECT_NE(text_of(error.at("hint")).find("--to"), std::string::npos);
  EXPECT_EQ(text_of(json({"redrive", "list"}).at(0).at("status")), "FAILED");
  EXPECT_NE(succeed({"redrive", "list"}).find("was deleted"), std::string::npos);
}

TEST_F(CliRedrive, ListsTheSourcesOfADeadLetterQueue) {
  succeed({"queue", "create", "more", "--dead-letter-queue", "dead"});
  EXPECT_EQ(succeed({"redrive", "sources", "dead"}), "more\norders\n");
  EXPECT_EQ(json({"redrive", "sources", "orders"}).at(0).at("sources").as_array().size(), 0u);
}

}  // namespace
}  // namespace ringpost::cli_test
