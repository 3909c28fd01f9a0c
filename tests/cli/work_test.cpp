// ringpost work: what handlers are given, and what becomes of their messages.
#include <cstdlib>
#include <sstream>

#include "child.hpp"
#include "fifo.hpp"

namespace ringpost::cli_test {
namespace {

using boost::json::object;
using boost::json::value;

class CliWork : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
  }

  static Words work(Words options, const Words& command) {
    options.insert(options.begin(), {"work", "orders"});
    options.push_back("--");
    options.insert(options.end(), command.begin(), command.end());
    return options;
  }
  static Words shell(const Words& options, const std::string& script) {
    return work(options, {"sh", "-c", script});
  }
  static int count(const char* what) {
    return json({"stat", "orders"}).at(0).at(what).to_number<int>();
  }

  /// The events of a pool that must end with this status.
  static std::vector<value> events_of(Words words, int status) {
    words.insert(words.begin(), "--json");
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    std::vector<value> events;
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) events.push_back(boost::json::parse(line));
    return events;
  }
  static object find(const std::vector<value>& events, const std::string& name) {
    for (const value& event : events) {
      const auto* found = event.as_object().if_contains("event");
      if (found != nullptr && text_of(*found) == name) return event.as_object();
    }
    ADD_FAILURE() << "no event " << name;
    return {};
  }
};

// What a handler is given.

TEST_F(CliWork, BodyIsTheStandardInputAndSuccessAcknowledges) {
  succeed({"send", "orders"}, numbers(3));
  EXPECT_EQ(succeed(work({"--until-empty", "--max", "1"}, {"cat"})), "123");
  EXPECT_EQ(count("acknowledged"), 3);
}

TEST_F(CliWork, MessageIsDescribedInTheEnvironment) {
  const std::string id = succeed({"send", "orders", "hello", "-a", "user-id:Number=5", "-a",
                                  "key:Binary=AAH/", "-a", "to=you and me"});
  EXPECT_EQ(succeed(shell({"--until-empty"},
                          "echo $RINGPOST_MESSAGE_ID; "
                          "echo $RINGPOST_BUS $RINGPOST_QUEUE $RINGPOST_RECEIVE_COUNT "
                          "$RINGPOST_BATCH_SIZE; "
                          "echo $RINGPOST_ATTR_USER_ID $RINGPOST_ATTR_KEY \"$RINGPOST_ATTR_TO\"")),
            id + "default orders 1 1\n5 AAH/ you and me\n");
}

TEST_F(CliWork, VariablesOfAnOuterHandlerAreNotPassedOn) {
  succeed({"send", "orders", "hello"});
  setenv("RINGPOST_ATTR_TO", "somebody else", 1);
  const std::string seen = succeed(shell({"--until-empty"}, "echo ${RINGPOST_ATTR_TO:-nobody}"));
  unsetenv("RINGPOST_ATTR_TO");
  EXPECT_EQ(seen, "nobody\n");
}

TEST_F(CliWork, AttributeThatIsTooLongForAnEnvironmentIsLeftOut) {
  succeed({"send", "orders", "hello", "-a", "long=" + std::string(100'000, 'x'), "-a", "short=x"});
  EXPECT_EQ(succeed(shell({"--until-empty"},
                          "echo ${RINGPOST_ATTR_LONG:-none} "
                          "$RINGPOST_ATTR_SHORT")),
            "none x\n");
}

TEST_F(CliWork, HandlerFindsTheBusOfItsPool) {
  succeed({"queue", "create", "results"});
  succeed({"send", "orders", "hello"});
  succeed(work({"--until-empty"}, {RINGPOST_CLI_PROGRAM, "send", "results", "--whole"}));
  EXPECT_EQ(succeed({"receive", "results"}), "hello\n");
}

TEST_F(CliWork, OptionsOfTheCommandAreNotThoseOfThePool) {
  succeed({"send", "orders", "hello"});
  EXPECT_EQ(succeed(work({"--until-empty"}, {"echo", "send", "--json", "-v", "[a,b]", "{}", "--"})),
            "send --json -v [a,b] {} --\n");
}

TEST_F(CliWork, BothOutputsGoThrough) {
  succeed({"send", "orders", "hello"});
  const Outcome outcome = run(shell({"--until-empty", "--quiet"}, "echo out; echo err >&2"));
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
}

TEST_F(CliWork, HandlerNeedNotReadItsInput) {
  succeed({"send", "orders", "--whole"}, std::string(200'000, 'x'));
  succeed(work({"--until-empty"}, {"true"}));
  EXPECT_EQ(count("acknowledged"), 1);
}

TEST_F(CliWork, ClosedPipesEndTheProgramsOfAHandlerAsUsual) {
  succeed({"send", "orders", "hello"});
  const Outcome outcome = run(shell({"--until-empty", "--quiet"}, "yes | head -n 1"));
  EXPECT_EQ(outcome.out, "y\n");
  EXPECT_EQ(outcome.err, "");
}

// Batches.

TEST_F(CliWork, BatchIsLinesOfJson) {
  succeed({"send", "orders", "-a", "kind=new"}, "1\ntwo\n");
  std::istringstream lines(succeed(work({"--until-empty", "--batch", "10"}, {"cat"})));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(text_of(boost::json::parse(line).at("body")), "1");
  ASSERT_TRUE(std::getline(lines, line));
  const value second = boost::json::parse(line);
  EXPECT_EQ(text_of(second.at("body")), "two");
  EXPECT_EQ(text_of(second.at("attributes").at("kind").at("value")), "new");
  EXPECT_FALSE(std::getline(lines, line));
  EXPECT_EQ(count("acknowledged"), 2);
}

TEST_F(CliWork, BatchIsLinesOrNulSeparatedOnRequest) {
  succeed({"send", "orders"}, numbers(2));
  EXPECT_EQ(succeed(work({"-n", "2", "--batch", "10", "--input", "lines"}, {"cat"})), "1\n2\n");
  succeed({"send", "orders"}, numbers(2));
  EXPECT_EQ(succeed(work({"-n", "2", "--batch", "10", "--input", "null"}, {"cat"})),
            std::string("1\0"
                        "2\0",
                        4));
}

TEST_F(CliWork, BatchHoldsAtMostSoManyMessages) {
  succeed({"send", "orders"}, numbers(5));
  EXPECT_EQ(succeed(shell({"--until-empty", "--batch", "2", "--max", "1"},
                          "echo $RINGPOST_BATCH_SIZE ${RINGPOST_MESSAGE_ID:-many}")),
            "2 many\n2 many\n1 many\n");
}

TEST_F(CliWork, OnlyTheMessagesThatABatchNamesReturn) {
  succeed({"send", "orders"}, numbers(3));
  const Words words = shell({"--until-empty", "--batch", "10", "--backoff", "10m"},
                            R"sed(sed -n '/"body":"2"/ s/.*"id":"\([^"]*\)".*/\1/ p' >&3)sed");
  EXPECT_EQ(run(words).status, 9);
  EXPECT_EQ(count("acknowledged"), 2);
  const auto left = json({"peek", "orders"});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(text_of(left[0].at("body")), "2");
  EXPECT_GT(left[0].at("due_in_seconds").to_number<double>(), 0);
}

TEST_F(CliWork, ReportThatNamesAStrangerReturnsTheWholeBatch) {
  succeed({"send", "orders"}, numbers(3));
  const Words words =
      shell({"--until-empty", "--batch", "10", "--backoff", "10m"}, "echo nonsense >&3");
  EXPECT_EQ(run(words).status, 9);
  EXPECT_EQ(count("acknowledged"), 0);
}

TEST_F(CliWork, BatchThatFailsReturnsAsAWhole) {
  succeed({"send", "orders"}, numbers(3));
  EXPECT_EQ(run(work({"--until-empty", "--batch", "10", "--backoff", "10m"}, {"false"})).status, 9);
  EXPECT_EQ(json({"peek", "orders"}).size(), 3u);
}

// Failures and their back-off.

TEST_F(CliWork, FailedMessageStaysInvisibleForTheBackoff) {
  succeed({"send", "orders", "hello"});
  const auto events = events_of(work({"--until-empty", "--backoff", "10m"}, {"false"}), 9);
  const object returned = find(events, "returned");
  EXPECT_EQ(returned.at("exit_code").to_number<int>(), 1);
  EXPECT_EQ(returned.at("delay_seconds").to_number<int>(), 600);
  const auto left = json({"peek", "orders"}).at(0);
  EXPECT_GT(left.at("due_in_seconds").to_number<double>(), 0);
  EXPECT_LE(left.at("due_in_seconds").to_number<double>(), 600);
}

TEST_F(CliWork, BackoffDoublesWithTheReceivesUpToItsLimit) {
  succeed({"send", "orders", "hello"});
  ASSERT_EQ(run(work({"-n", "2", "--backoff", "0"}, {"false"})).status, 9);
  const auto delay = [](const Words& options) {
    return find(events_of(work(options, {"false"}), 9), "returned")
        .at("delay_seconds")
        .to_number<int>();
  };
  EXPECT_EQ(delay({"-n", "1", "--backoff", "10m", "--backoff-max", "12h"}), 2400);
  succeed({"queue", "purge", "orders"});
  succeed({"send", "orders", "hello"});
  ASSERT_EQ(run(work({"-n", "2", "--backoff", "0"}, {"false"})).status, 9);
  EXPECT_EQ(delay({"-n", "1", "--backoff", "10m", "--backoff-max", "15m"}), 900);
}

TEST_F(CliWork, SecondTryThatWorksMakesUpForTheFirst) {
  succeed({"send", "orders", "hello"});
  succeed(shell({"--until-empty", "--backoff", "0"}, "[ $RINGPOST_RECEIVE_COUNT -eq 2 ]"));
  EXPECT_EQ(count("acknowledged"), 1);
}

TEST_F(CliWork, KilledHandlerReturnsItsMessage) {
  succeed({"send", "orders", "hello"});
  const auto events = events_of(shell({"-n", "1", "--backoff", "0"}, "kill -KILL $$"), 9);
  EXPECT_EQ(text_of(find(events, "returned").at("signal")), "SIGKILL");
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliWork, HandlerIsEndedAfterItsTime) {
  succeed({"send", "orders", "hello"});
  const Fifo never(directory_ / "never");
  const auto events = events_of(
      shell({"-n", "1", "--timeout", "20ms", "--backoff", "0"}, "read x < " + never.path()), 9);
  EXPECT_TRUE(find(events, "returned").at("timed_out").as_bool());
  EXPECT_EQ(text_of(find(events, "timeout").at("signal")), "SIGTERM");
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliWork, HandlerThatDoesNotHeedSigtermIsKilled) {
  succeed({"send", "orders", "hello"});
  const Fifo never(directory_ / "never");
  Words words = shell({"--timeout", "100ms", "--kill-after", "10ms", "--backoff", "0"},
                      "trap '' TERM; while :; do read x < " + never.path() + "; done");
  words.insert(words.begin(), "--json");
  Child pool(words);
  // On a slow machine the signal may come before the trap: then the next try shows it.
  while (true) {
    const object event = boost::json::parse(pool.read_line()).as_object();
    if (text_of(event.at("event")) == "returned" && text_of(event.at("signal")) == "SIGKILL") break;
  }
}

TEST_F(CliWork, SuccessAfterTheTimeIsAFailureAllTheSame) {
  succeed({"send", "orders", "hello"});
  const Fifo never(directory_ / "never");
  EXPECT_EQ(run(shell({"-n", "1", "--timeout", "20ms", "--backoff", "0"},
                      "trap 'exit 0' TERM; read x < " + never.path()))
                .status,
            9);
  EXPECT_EQ(count("acknowledged"), 0);
}

TEST_F(CliWork, LeaseOfASlowHandlerIsExtended) {
  succeed({"send", "orders", "hello"});
  Fifo done(directory_ / "done");
  Child pool(
      shell({"-n", "1", "--max", "1", "--visibility-timeout", "1s"}, "read x < " + done.path()));
  const auto due_in = [] {
    const auto look = json({"peek", "orders"}).at(0);
    return text_of(look.at("state")) == "in_flight" ? look.at("due_in_seconds").to_number<double>()
                                                    : 0.0;
  };
  double before = due_in();
  for (double now = due_in(); now <= before || before == 0.0; now = due_in()) before = now;
  done.write("x\n");
  EXPECT_EQ(pool.wait().status, 0);
  EXPECT_EQ(count("received"), 1);
}

// How many at once.

TEST_F(CliWork, HandlersRunAtTheSameTime) {
  succeed({"send", "orders"}, numbers(2));
  const Fifo meeting(directory_ / "meeting");
  succeed(shell({"--until-empty", "--min", "2", "--max", "2"},
                "if [ $(cat) = 1 ]; then read x < " + meeting.path() + "; else echo x > " +
                    meeting.path() + "; fi"));
  EXPECT_EQ(count("acknowledged"), 2);
}

TEST_F(CliWork, PoolGrowsWithTheBacklogUpToItsLimit) {
  succeed({"send", "orders"}, numbers(10));
  Fifo go(directory_ / "go");
  Words words = shell(
      {"--until-empty", "--min", "1", "--max", "3", "--grow-backlog", "1", "--grow-every", "0"},
      "read x < " + go.path());
  words.insert(words.begin(), "--json");
  Child pool(words);
  int workers = 0;
  while (workers < 3) {
    const object event = boost::json::parse(pool.read_line()).as_object();
    if (text_of(event.at("event")) == "scaled") workers = event.at("workers").to_number<int>();
  }
  while (count("in_flight") < 3) {
  }
  go.write(numbers(10));
  const Outcome outcome = pool.wait();
  EXPECT_EQ(outcome.status, 0);
  const std::string summary = outcome.out.substr(outcome.out.rfind("{\"summary\""));
  EXPECT_EQ(boost::json::parse(summary).at("summary").at("workers_most").to_number<int>(), 3);
}

TEST_F(CliWork, PoolShrinksWhenThereIsNothingToDo) {
  succeed({"send", "orders"}, numbers(2));
  const Fifo meeting(directory_ / "meeting");
  Words words = shell({"--max", "2", "--grow-age", "0", "--grow-every", "0", "--shrink-after", "0"},
                      "if [ $(cat) = 1 ]; then read x < " + meeting.path() + "; else echo x > " +
                          meeting.path() + "; fi");
  words.insert(words.begin(), "--json");
  Child pool(words);
  std::vector<int> workers;
  while (workers.size() < 2) {
    const object event = boost::json::parse(pool.read_line()).as_object();
    if (text_of(event.at("event")) == "scaled") {
      workers.push_back(event.at("workers").to_number<int>());
    }
  }
  EXPECT_EQ(workers, (std::vector{2, 1}));
}

TEST_F(CliWork, MessageThatComesLaterWakesThePool) {
  Child pool(work({}, {"sh", "-c", "cat; echo"}));
  for (const char* body : {"one", "two", "three"}) {
    succeed({"send", "orders", body});
    EXPECT_EQ(pool.read_line(), body);
  }
}

TEST_F(CliWork, NoMoreMessagesAreTakenThanAskedFor) {
  succeed({"send", "orders"}, numbers(5));
  succeed(work({"-n", "3", "--batch", "2"}, {"true"}));
  EXPECT_EQ(count("received"), 3);
  EXPECT_EQ(count("visible"), 2);
}

}  // namespace
}  // namespace ringpost::cli_test
