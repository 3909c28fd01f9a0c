// FIFO queues at the command line: groups, their order and locks, deduplication.
#include <fstream>
#include <iterator>

#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliGroups : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders", "--fifo"});
  }
  static int count(const std::string& queue, const char* what) {
    return json({"stat", queue}).at(0).at(what).to_number<int>();
  }
  static void create_with_ids(Words options = {}) {
    options.insert(options.begin(), {"queue", "create", "pay", "--fifo", "--dedup", "id"});
    succeed(options);
  }
  static std::string message_of(const Words& words, int status, const std::string& input = {}) {
    return text_of(error_of(words, status, input).at("message"));
  }
  std::string log() const {
    std::ifstream file(directory_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

// Settings.

TEST_F(CliGroups, QueueShowsThatItIsFifo) {
  const auto settings = json({"queue", "show", "orders"}).at(0).at("settings");
  EXPECT_TRUE(settings.at("fifo").as_bool());
  EXPECT_TRUE(settings.at("fixed").as_bool());
  EXPECT_EQ(settings.at("slots").to_number<int>(), 16'384);
  EXPECT_EQ(text_of(settings.at("dedup")), "off");
  const std::string text = succeed({"queue", "show", "orders"});
  EXPECT_NE(text.find("deduplication        off"), std::string::npos) << text;
}

TEST_F(CliGroups, StandardQueueShowsNothingOfDeduplication) {
  succeed({"queue", "create", "plain"});
  const auto settings = json({"queue", "show", "plain"}).at(0).at("settings").as_object();
  EXPECT_FALSE(settings.at("fifo").as_bool());
  EXPECT_FALSE(settings.contains("dedup"));
  EXPECT_EQ(succeed({"queue", "show", "plain"}).find("fifo"), std::string::npos);
}

TEST_F(CliGroups, EverySettingOfDeduplicationIsShownWithTheRateItSustains) {
  succeed({"queue", "create", "pay", "--fifo", "--dedup", "content", "--dedup-window", "100s",
           "--dedup-entries", "20000", "--dedup-scope", "group"});
  const auto settings = json({"queue", "show", "pay"}).at(0).at("settings");
  EXPECT_EQ(text_of(settings.at("dedup")), "content");
  EXPECT_EQ(settings.at("dedup_window_seconds").to_number<double>(), 100);
  EXPECT_EQ(settings.at("dedup_entries").to_number<int>(), 20'000);
  EXPECT_EQ(text_of(settings.at("dedup_scope")), "group");
  EXPECT_EQ(settings.at("dedup_ids_per_second").to_number<double>(), 200);
  const std::string text = succeed({"queue", "show", "pay"});
  EXPECT_NE(text.find("by content, unique in the group"), std::string::npos) << text;
  EXPECT_NE(text.find("sustains 200 ids/s"), std::string::npos) << text;
}

TEST_F(CliGroups, DeduplicationChangesInUse) {
  create_with_ids();
  const auto changed =
      json({"queue", "set", "pay", "--dedup", "content", "--dedup-window", "10m"}).at(0);
  EXPECT_EQ(text_of(changed.at("settings").at("dedup")), "content");
  EXPECT_EQ(changed.at("settings").at("dedup_window_seconds").to_number<double>(), 600);
  EXPECT_EQ(run({"queue", "set", "pay", "--dedup", "off"}).status, 2);
}

TEST_F(CliGroups, DeduplicationIsRefusedWhereItCannotBe) {
  EXPECT_EQ(message_of({"queue", "create", "plain", "--dedup", "id"}, 2),
            "only a FIFO queue deduplicates");
  succeed({"queue", "create", "plain"});
  EXPECT_NE(message_of({"queue", "set", "plain", "--dedup-window", "1m"}, 2).find("standard queue"),
            std::string::npos);
  EXPECT_EQ(run({"queue", "create", "wrong", "--fifo", "--dedup", "maybe"}).status, 2);
}

// Sending.

TEST_F(CliGroups, SendNeedsAGroup) {
  const auto error = error_of({"send", "orders", "hello"}, 2);
  EXPECT_EQ(text_of(error.at("message")), "group missing: a FIFO queue needs --group");
  EXPECT_NE(text_of(error.at("hint")).find("--group-field"), std::string::npos);
  EXPECT_EQ(count("orders", "sent"), 0);
}

TEST_F(CliGroups, StandardQueueTakesNoGroup) {
  succeed({"queue", "create", "plain"});
  EXPECT_NE(message_of({"send", "plain", "x", "--group", "a"}, 2).find("standard queue"),
            std::string::npos);
  EXPECT_NE(message_of({"send", "plain", "x", "--dedup-id", "a"}, 2).find("standard queue"),
            std::string::npos);
}

TEST_F(CliGroups, GroupsAndIdsOutsideTheRulesAreUsageErrors) {
  EXPECT_EQ(run({"send", "orders", "x", "--group", "a b"}).status, 2);
  EXPECT_EQ(run({"send", "orders", "x", "--group", std::string(129, 'g')}).status, 2);
  EXPECT_EQ(run({"send", "orders", "x", "--group", "g", "--dedup-id", ""}).status, 2);
  EXPECT_EQ(run({"send", "orders", "x", "--group", "g", "--delay", "1s"}).status, 2);
  EXPECT_EQ(run({"send", "orders", "--group", "g", "--dedup-id", "i"}, numbers(2)).status, 2);
  EXPECT_EQ(run({"send", "orders", "x", "--group-field", "1"}).status, 2);
  EXPECT_EQ(run({"send", "orders", "--group-field", "0"}, numbers(2)).status, 2);
  EXPECT_EQ(run({"send", "orders", "--group", "g", "--group-field", "1"}, numbers(2)).status, 2);
  EXPECT_EQ(count("orders", "sent"), 0);
}

TEST_F(CliGroups, FieldOfEachLineIsItsGroup) {
  succeed({"send", "orders", "--group-field", "2", "--delimiter", ","}, "1,a,x\n2,b\n3,a\n");
  EXPECT_EQ(succeed({"receive", "orders", "-n", "3", "--format", "{group} {sequence} {body}"}),
            "a 0 1,a,x\na 2 3,a\nb 1 2,b\n");
}

TEST_F(CliGroups, LineWithoutTheFieldIsNamedAndThoseBeforeItAreSent) {
  const Outcome outcome = run({"send", "orders", "--group-field", "2"}, "1\ta\n2\n3\ta\n");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find("message 2 of the input has no group"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(succeed({"receive", "orders", "-n", "5"}), "1\ta\n");
}

TEST_F(CliGroups, QueueMadeForAGroupIsFifo) {
  succeed({"send", "new", "x", "--group", "a", "--dedup-id", "i", "--create"});
  succeed({"send", "new", "x", "--group", "a", "--dedup-id", "i", "--create"});
  const auto settings = json({"queue", "show", "new"}).at(0).at("settings");
  EXPECT_TRUE(settings.at("fifo").as_bool());
  EXPECT_EQ(text_of(settings.at("dedup")), "id");
  EXPECT_EQ(count("new", "visible"), 1);
}

TEST_F(CliGroups, FairQueueTakesMessagesWithAndWithoutAGroup) {
  succeed({"queue", "create", "jobs", "--fair"});
  const auto settings = json({"queue", "show", "jobs"}).at(0).at("settings");
  EXPECT_TRUE(settings.at("fair").as_bool());
  EXPECT_FALSE(settings.at("fifo").as_bool());
  EXPECT_NE(succeed({"queue", "show", "jobs"}).find("fair                 yes"), std::string::npos);
  succeed({"send", "jobs", "one", "--group", "customer-7"});
  succeed({"send", "jobs", "two"});
  succeed({"send", "jobs", "--group-field", "1", "--delimiter", ","}, "a,1\nb,2\n");
  EXPECT_EQ(succeed({"receive", "jobs", "-n", "4", "--format", "[{group}] {body}"}),
            "[customer-7] one\n[] two\n[a] a,1\n[b] b,2\n");
  EXPECT_EQ(run({"send", "jobs", "x", "--dedup-id", "i"}).status, 2);
  EXPECT_EQ(run({"queue", "create", "both", "--fair", "--fifo"}).status, 2);
}

TEST_F(CliGroups, GroupForAStandardQueueNamesBothKindsThatTakeIt) {
  succeed({"queue", "create", "plain"});
  const Outcome outcome = run({"send", "plain", "x", "--group", "a"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find("--fifo"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("--fair"), std::string::npos) << outcome.err;
}

// Deduplication.

TEST_F(CliGroups, DuplicateGivesTheIdOfTheFirstMessage) {
  create_with_ids();
  const Words words = {"send", "pay", "5", "--group", "g", "--dedup-id", "p-1"};
  const std::string first = succeed(words);
  EXPECT_EQ(succeed(words), first);
  EXPECT_EQ(count("pay", "duplicates"), 1);
  EXPECT_EQ(count("pay", "sent"), 1);
  const std::string text = succeed({"stat", "pay"});
  EXPECT_NE(text.find("1 sends dropped: duplicate"), std::string::npos) << text;
  EXPECT_EQ(succeed({"receive", "pay", "--format", "{dedup_id}"}), "p-1\n");
}

TEST_F(CliGroups, FieldOfEachLineIsItsId) {
  create_with_ids();
  const Words words = {"send", "pay", "--group", "g", "--dedup-field", "1", "-d", " "};
  succeed(words, "a 1\nb 2\na 3\n");
  succeed(words, "b 4\nc 5\n");
  EXPECT_EQ(succeed({"receive", "pay", "--all"}), "a 1\nb 2\nc 5\n");
  EXPECT_EQ(count("pay", "duplicates"), 2);
}

TEST_F(CliGroups, MissingIdIsNamedWithTheWaysToGiveOne) {
  create_with_ids();
  const auto error = error_of({"send", "pay", "x", "--group", "g"}, 2);
  EXPECT_NE(text_of(error.at("message")).find("deduplication id missing"), std::string::npos);
  EXPECT_NE(text_of(error.at("hint")).find("ringpost queue set pay --dedup content"),
            std::string::npos);
}

TEST_F(CliGroups, FullTableOfIdsSaysWhatToDo) {
  create_with_ids({"--dedup-entries", "64"});
  const Outcome outcome =
      run({"--json", "send", "pay", "--group", "g", "--dedup-field", "1"}, numbers(10'000));
  EXPECT_EQ(outcome.status, 4);
  EXPECT_NE(outcome.err.find("\"TooManyIds\""), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("--dedup-window"), std::string::npos) << outcome.err;
}

// Receiving.

TEST_F(CliGroups, JsonHoldsGroupSequenceAndId) {
  succeed({"send", "orders", "x", "--group", "a", "--dedup-id", "i"});
  const auto peeked = json({"peek", "orders"}).at(0);
  EXPECT_EQ(text_of(peeked.at("group")), "a");
  const auto message = json({"receive", "orders"}).at(0);
  EXPECT_EQ(text_of(message.at("group")), "a");
  EXPECT_EQ(message.at("sequence").to_number<int>(), 0);
  EXPECT_EQ(text_of(message.at("dedup_id")), "i");
}

TEST_F(CliGroups, PeekHasAColumnForGroupsOnlyWhereThereAreSome) {
  succeed({"queue", "create", "plain"});
  succeed({"send", "plain", "x"});
  succeed({"send", "orders", "x", "--group", "customer-7"});
  EXPECT_EQ(succeed({"peek", "plain"}).find("GROUP"), std::string::npos);
  EXPECT_NE(succeed({"peek", "orders"}).find("customer-7"), std::string::npos);
}

TEST_F(CliGroups, GroupIsLockedUntilItsMessageIsAcknowledged) {
  succeed({"send", "orders", "--group-field", "1"}, "a\t1\na\t2\nb\t3\n");
  const std::string receipt = succeed({"receive", "orders", "--leave", "--format", "{receipt}"});
  EXPECT_EQ(succeed({"receive", "orders", "--all"}), "b\t3\n");
  succeed({"acknowledge", "orders", receipt.substr(0, receipt.size() - 1)});
  EXPECT_EQ(succeed({"receive", "orders", "--all"}), "a\t2\n");
}

TEST_F(CliGroups, ReceiveWithAnAttemptIdIsRepeatedUntilItsMessageIsSettled) {
  succeed({"send", "orders", "--group-field", "1"}, "a\t1\na\t2\na\t3\n");
  const Words attempt{"receive",           "orders",       "-n",   "2", "--leave", "--format",
                      "{receipt}\t{body}", "--attempt-id", "job-7"};
  const std::string first = succeed(attempt);
  EXPECT_EQ(run({"receive", "orders"}).status, 3);
  EXPECT_EQ(succeed(attempt), first);
  succeed({"acknowledge", "orders", first.substr(0, first.find('\t'))});
  EXPECT_EQ(run(attempt).status, 3);
}

TEST_F(CliGroups, AttemptIdIsOfOneReceiveOfAFifoQueue) {
  succeed({"queue", "create", "plain"});
  EXPECT_NE(message_of({"receive", "plain", "--attempt-id", "a"}, 2).find("standard queue"),
            std::string::npos);
  EXPECT_EQ(run({"receive", "orders", "--attempt-id", "a b"}).status, 2);
  EXPECT_EQ(run({"receive", "orders", "--attempt-id", ""}).status, 2);
  EXPECT_EQ(run({"receive", "orders", "--attempt-id", "a", "-n", "11"}).status, 2);
  EXPECT_EQ(run({"receive", "orders", "--attempt-id", "a", "--all"}).status, 2);
}

TEST_F(CliGroups, TopShowsDuplicatesWhereThereAreSome) {
  create_with_ids();
  EXPECT_EQ(succeed({"top", "--interval", "10ms", "--count", "1"}).find("DUPLICATE"),
            std::string::npos);
  for (int i = 0; i < 2; ++i) succeed({"send", "pay", "5", "--group", "g", "--dedup-id", "p-1"});
  EXPECT_NE(succeed({"top", "--interval", "10ms", "--count", "1"}).find("DUPLICATE"),
            std::string::npos);
  const auto look = json({"top", "--interval", "10ms", "--count", "1"}).at(0);
  EXPECT_EQ(look.at("duplicates_per_second").to_number<double>(), 0);
}

// Working.

TEST_F(CliGroups, HandlerIsToldGroupSequenceAndId) {
  succeed({"send", "orders", "x", "--group", "a", "--dedup-id", "i"});
  EXPECT_EQ(succeed({"work", "orders", "-n", "1", "--", "sh", "-c",
                     "echo $RINGPOST_GROUP $RINGPOST_SEQUENCE $RINGPOST_DEDUP_ID"}),
            "a 0 i\n");
}

TEST_F(CliGroups, HandlerOfAStandardQueueIsToldNoGroup) {
  succeed({"queue", "create", "plain"});
  succeed({"send", "plain", "x"});
  setenv("RINGPOST_GROUP", "of somebody else", 1);
  EXPECT_EQ(succeed({"work", "plain", "-n", "1", "--", "sh", "-c", "echo ${RINGPOST_GROUP:-none}"}),
            "none\n");
  unsetenv("RINGPOST_GROUP");
}

TEST_F(CliGroups, FailedMessageComesAgainBeforeTheLaterOnesOfItsGroup) {
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += "a\t" + std::to_string(i) + "\n";
  succeed({"send", "orders", "--group-field", "1"}, lines);
  const std::string log_path = directory_ / "log";
  // Every third one fails at first; as many handlers at once as like to.
  succeed({"work", "orders", "--until-empty", "--min", "4", "--max", "4", "--backoff", "0", "--",
           "sh", "-c",
           "[ $((RINGPOST_SEQUENCE % 3)) -ne 0 ] || [ $RINGPOST_RECEIVE_COUNT -eq 2 ] || exit 1; "
           "echo $RINGPOST_SEQUENCE >> " +
               log_path});
  EXPECT_EQ(log(), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  EXPECT_EQ(count("orders", "acknowledged"), 10);
}

TEST_F(CliGroups, BenchOfGroupsAccountsForEveryMessage) {
  const auto result = json({"bench", "--messages", "500", "--rate", "5k", "--groups", "7",
                            "--receivers", "2", "--batch", "5"})
                          .at(0);
  EXPECT_EQ(result.at("groups").to_number<int>(), 7);
  EXPECT_GE(result.at("measured").to_number<int>(), 500);
  EXPECT_TRUE(result.at("verified").as_bool());
}

}  // namespace
}  // namespace ringpost::cli_test
