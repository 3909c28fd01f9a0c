// ringpost work: how it ends, by itself or by signals, and that nothing is left behind.
#include <filesystem>
#include <sstream>

#include "child.hpp"
#include "fifo.hpp"

namespace ringpost::cli_test {
namespace {

using boost::json::object;

class CliWorkEnd : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
  }

  static Words shell(const Words& options, const std::string& script) {
    Words words = {"--json", "work", "orders"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "sh", "-c", script});
    return words;
  }
  static int count(const char* what) {
    return json({"stat", "orders"}).at(0).at(what).to_number<int>();
  }
  /// Reads events up to the one of that name.
  static object await(Child& pool, const std::string& name) {
    while (true) {
      const std::string line = pool.read_line();
      if (line.empty()) break;
      object event = boost::json::parse(line).as_object();
      if (event.contains("event") && text_of(event.at("event")) == name) return event;
    }
    ADD_FAILURE() << "no event " << name;
    return {};
  }
  static object summary_of(const Outcome& outcome) {
    const std::size_t begin = outcome.out.rfind("{\"summary\"");
    if (begin == std::string::npos) {
      ADD_FAILURE() << outcome.out;
      return {};
    }
    return boost::json::parse(outcome.out.substr(begin)).at("summary").as_object();
  }
};

TEST_F(CliWorkEnd, EmptyQueueEndsItAtOnceOnRequest) {
  const Outcome outcome = run(shell({"--until-empty"}, "true"));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(summary_of(outcome).at("handlers").to_number<int>(), 0);
}

TEST_F(CliWorkEnd, JsonOfThePoolIsNotMixedWithTheOutputOfHandlers) {
  succeed({"send", "orders", "hello"});
  const Outcome outcome = run(shell({"--until-empty"}, "echo out; echo err >&2"));
  EXPECT_EQ(outcome.err, "out\nerr\n");
  std::istringstream lines(outcome.out);
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    const object event = boost::json::parse(line).as_object();
    events.push_back(event.contains("summary") ? "summary" : text_of(event.at("event")));
  }
  EXPECT_EQ(events, (std::vector<std::string>{"started", "acknowledged", "summary"}));
}

TEST_F(CliWorkEnd, PeopleAreToldOfFailuresAndTheSum) {
  succeed({"send", "orders"}, numbers(2));
  const Outcome outcome = run({"work", "orders", "--until-empty", "--max", "1", "--backoff", "10m",
                               "--", "sh", "-c", "[ $(cat) = 1 ]"});
  EXPECT_EQ(outcome.status, 9);
  EXPECT_NE(outcome.err.find("returned: exit code 1; received 1×, again in 10m"), std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("1 message acknowledged, 1 returned by 2 handlers"), std::string::npos)
      << outcome.err;
}

// Commands that cannot be run.

TEST_F(CliWorkEnd, MissingCommandIsFoundOutBeforeAnyMessageIsTaken) {
  succeed({"send", "orders", "hello"});
  const auto error = error_of({"work", "orders", "--", "no-such-command", "--json"}, 127);
  EXPECT_EQ(text_of(error.at("code")), "CommandNotFound");
  EXPECT_EQ(run({"work", "orders", "--", "./no/such/command"}).status, 127);
  EXPECT_EQ(count("received"), 0);
}

TEST_F(CliWorkEnd, FileThatMayNotBeRunIsRefused) {
  const std::string plain = file("plain", "hello");
  EXPECT_EQ(text_of(error_of({"work", "orders", "--", plain}, 126).at("code")), "CannotRun");
  EXPECT_EQ(run({"work", "orders", "--", directory_}).status, 126);
}

TEST_F(CliWorkEnd, CommandThatDoesNotStartGivesItsMessageBackAndEndsThePool) {
  succeed({"send", "orders"}, numbers(2));
  const std::string script = file("script", "#!/no/such/interpreter\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const Outcome outcome = run({"--json", "work", "orders", "--", script});
  EXPECT_EQ(outcome.status, 127);
  EXPECT_NE(outcome.err.find("CommandNotFound"), std::string::npos) << outcome.err;
  EXPECT_EQ(count("visible"), 2);
}

// Signals.

TEST_F(CliWorkEnd, FirstSignalLetsHandlersFinishAndTakesNoMore) {
  succeed({"send", "orders"}, numbers(2));
  Fifo up(directory_ / "up");
  Fifo go(directory_ / "go");
  Child pool(shell({"--max", "1"}, "echo up > " + up.path() + "; read x < " + go.path()));
  up.open_for_reading();
  ASSERT_EQ(up.read_line(), "up");
  pool.send_signal(SIGTERM);
  EXPECT_EQ(await(pool, "draining").at("running").to_number<int>(), 1);
  go.write("x\n");
  const Outcome outcome = pool.wait();
  EXPECT_EQ(outcome.status, 143);
  EXPECT_EQ(summary_of(outcome).at("acknowledged").to_number<int>(), 1);
  EXPECT_EQ(count("received"), 1);
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliWorkEnd, IdlePoolEndsWithTheFirstSignal) {
  Child pool(shell({}, "true"));
  await(pool, "started");
  pool.send_signal(SIGINT);
  EXPECT_EQ(pool.wait().status, 130);
}

TEST_F(CliWorkEnd, SecondSignalKillsHandlersAndReleasesTheirMessages) {
  succeed({"send", "orders", "hello"});
  Fifo alive(directory_ / "alive");
  // The shell and its child both hold the fifo: its end means that both are gone.
  Child pool(shell({}, "exec 4> " + alive.path() + "; echo up >&4; sleep 100000; true"));
  alive.open_for_reading();
  ASSERT_EQ(alive.read_line(), "up");
  pool.send_signal(SIGTERM);
  await(pool, "draining");
  pool.send_signal(SIGINT);  // the same one, if it came as quickly, would be an echo
  const Outcome outcome = pool.wait();
  EXPECT_EQ(outcome.status, 143);
  EXPECT_EQ(summary_of(outcome).at("released").to_number<int>(), 1);
  EXPECT_EQ(alive.read_line(), "");
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliWorkEnd, DrainTimeoutIsTheSecondSignal) {
  succeed({"send", "orders", "hello"});
  Fifo alive(directory_ / "alive");
  Child pool(shell({"--drain-timeout", "10ms"},
                   "exec 4> " + alive.path() + "; echo up >&4; sleep 100000; true"));
  alive.open_for_reading();
  ASSERT_EQ(alive.read_line(), "up");
  pool.send_signal(SIGINT);
  EXPECT_EQ(pool.wait().status, 130);
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliWorkEnd, HandlerDiesWithAKilledPoolAndItsMessageComesAgain) {
  succeed({"send", "orders", "hello"});
  Fifo alive(directory_ / "alive");
  Child pool(shell({"--visibility-timeout", "12h"},
                   "exec 4> " + alive.path() + "; echo up >&4; exec sleep 100000"));
  alive.open_for_reading();
  ASSERT_EQ(alive.read_line(), "up");
  pool.send_signal(SIGKILL);
  EXPECT_EQ(alive.read_line(), "");
  EXPECT_EQ(succeed({"receive", "orders", "--wait", "10h", "--format", "{body} {count}"}),
            "hello 2\n");
}

TEST_F(CliWorkEnd, PoolTakesOverTheMessagesOfAKilledOne) {
  succeed({"send", "orders", "hello"});
  Fifo alive(directory_ / "alive");
  Child killed(shell({"--visibility-timeout", "12h"},
                     "exec 4> " + alive.path() + "; echo up >&4; exec sleep 100000"));
  alive.open_for_reading();
  ASSERT_EQ(alive.read_line(), "up");
  Child pool({"work", "orders", "-n", "1", "--", "cat"});
  killed.send_signal(SIGKILL);
  const Outcome outcome = pool.wait();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "hello");
}

TEST_F(CliWorkEnd, WhatAHandlerLeavesBehindIsKilled) {
  succeed({"send", "orders", "hello"});
  Fifo alive(directory_ / "alive");
  Child pool(shell({"--until-empty"},
                   "exec 4> " + alive.path() + "; sleep 100000 >&- 2>&- & echo up >&4"));
  alive.open_for_reading();
  ASSERT_EQ(alive.read_line(), "up");
  EXPECT_EQ(pool.wait().status, 0);
  EXPECT_EQ(alive.read_line(), "");
}

// Other ends.

TEST_F(CliWorkEnd, ReaderThatHasGoneEndsThePoolWithoutLoss) {
  succeed({"send", "orders", "hello"});
  Child pool(shell({}, "true"), Child::Output::kClosedBefore);
  EXPECT_EQ(pool.wait().status, 141);
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliWorkEnd, DeletedQueueEndsThePool) {
  Child pool(shell({}, "true"));
  await(pool, "started");
  succeed({"queue", "delete", "orders"});
  EXPECT_EQ(pool.wait().status, 5);
}

TEST_F(CliWorkEnd, ContradictionsAreUsageErrors) {
  const std::vector<Words> wrong = {
      {"--min", "0"},       {"--min", "3", "--max", "2"},
      {"--max", "100000"},  {"--batch", "0"},
      {"--batch", "121"},   {"--batch", "2", "--input", "body"},
      {"--input", "xml"},   {"-n", "0"},
      {"--timeout", "0"},   {"--backoff", "10s", "--backoff-max", "1s"},
      {"--backoff", "13h"}, {"--visibility-timeout", "10ms"}};
  for (Words words : wrong) {
    words.insert(words.begin(), {"work", "orders"});
    words.insert(words.end(), {"--", "true"});
    EXPECT_EQ(text_of(error_of(words, 2).at("code")), "Usage") << words[2];
  }
  EXPECT_EQ(run({"work", "orders"}).status, 2);
  EXPECT_EQ(run({"work", "orders", "true"}).status, 2);
  EXPECT_EQ(run({"work", "nosuch", "--", "true"}).status, 5);
}

}  // namespace
}  // namespace ringpost::cli_test
