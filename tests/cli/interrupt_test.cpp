// Ctrl-C, SIGTERM and readers that go away: a summary, the right status, nothing lost.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliInterrupt : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
  }
};

TEST_F(CliInterrupt, FollowingReceiveEndsWithItsSummary) {
  Child receiver({"receive", "orders", "--follow"});
  succeed({"send", "orders"}, "one\ntwo\n");
  ASSERT_EQ(receiver.read_line(), "one");
  ASSERT_EQ(receiver.read_line(), "two");
  receiver.send_signal(SIGINT);
  const Outcome outcome = receiver.wait();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_NE(outcome.err.find("received 2 messages"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted"), std::string::npos) << outcome.err;
}

TEST_F(CliInterrupt, SummaryIsJsonOnRequest) {
  Child receiver({"--json", "receive", "orders", "--follow"});
  succeed({"send", "orders", "hello"});
  ASSERT_NE(receiver.read_line(), "");
  receiver.send_signal(SIGINT);
  const Outcome outcome = receiver.wait();
  EXPECT_EQ(outcome.status, 130);
  const auto summary = boost::json::parse(outcome.err).at("summary");
  EXPECT_EQ(summary.at("received").to_number<int>(), 1);
  EXPECT_TRUE(summary.at("interrupted").as_bool());
}

TEST_F(CliInterrupt, TerminatedReceiveEndsWith143) {
  Child receiver({"receive", "orders", "--follow"});
  succeed({"send", "orders", "hello"});
  ASSERT_EQ(receiver.read_line(), "hello");
  receiver.send_signal(SIGTERM);
  EXPECT_EQ(receiver.wait().status, 143);
}

TEST_F(CliInterrupt, SenderThatWaitsForInputSaysHowManyItSent) {
  Child sender({"send", "orders"});
  sender.write("hello\n");
  ASSERT_EQ(succeed({"receive", "orders", "--wait", "60s"}), "hello\n");
  sender.send_signal(SIGINT);
  const Outcome outcome = sender.wait();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_NE(outcome.err.find("sent 1 message"), std::string::npos) << outcome.err;
}

TEST_F(CliInterrupt, SenderThatWaitsForRoomEnds) {
  succeed({"queue", "create", "small", "--slots", "64", "--fixed"});
  Child sender({"--json", "send", "small", "--wait", "10h"});
  sender.write(numbers(100));
  // Once the queue holds what it can, the sender waits; it has not ended by then.
  while (json({"stat", "small"}).at(0).at("visible").to_number<int>() < 64) {
  }
  sender.send_signal(SIGINT);
  const Outcome outcome = sender.wait();
  EXPECT_EQ(outcome.status, 130);
  const auto result = boost::json::parse(outcome.out);
  EXPECT_EQ(result.at("sent").to_number<int>(), 64);
  EXPECT_TRUE(result.at("interrupted").as_bool());
}

TEST_F(CliInterrupt, QuietInterruptSaysNothing) {
  Child receiver({"--quiet", "receive", "orders", "--follow"});
  succeed({"send", "orders", "hello"});
  ASSERT_EQ(receiver.read_line(), "hello");
  receiver.send_signal(SIGINT);
  const Outcome outcome = receiver.wait();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CliInterrupt, MessagesThatCouldNotBePrintedAreVisibleAgain) {
  succeed({"send", "orders"}, numbers(100));
  Child receiver({"receive", "orders", "--all"}, Child::Output::kClosedBefore);
  const Outcome outcome = receiver.wait();
  EXPECT_EQ(outcome.status, 141);
  EXPECT_EQ(outcome.err, "");
  const auto stats = json({"stat", "orders"}).at(0);
  EXPECT_EQ(stats.at("visible").to_number<int>(), 100);
  EXPECT_EQ(stats.at("acknowledged").to_number<int>(), 0);
}

TEST_F(CliInterrupt, ReleaseHappensAlsoAfterAnInterrupt) {
  succeed({"send", "orders"}, numbers(3));
  Child receiver({"receive", "orders", "--all", "--release", "--wait", "10h"});
  ASSERT_EQ(receiver.read_line(), "1");
  ASSERT_EQ(receiver.read_line(), "2");
  ASSERT_EQ(receiver.read_line(), "3");
  receiver.send_signal(SIGINT);
  EXPECT_EQ(receiver.wait().status, 130);
  EXPECT_EQ(json({"stat", "orders"}).at(0).at("visible").to_number<int>(), 3);
}

TEST_F(CliInterrupt, TopEndsWithItsSummary) {
  Child top({"top", "--json", "--interval", "10ms"});
  const auto look = boost::json::parse(top.read_line());
  EXPECT_EQ(text_of(look.at("queues").at(0).at("queue")), "orders");
  top.send_signal(SIGINT);
  const Outcome outcome = top.wait();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_TRUE(boost::json::parse(outcome.err).at("summary").is_object());
}

TEST_F(CliInterrupt, BenchRemovesItsBus) {
  Child bench({"bench", "--seconds", "10000", "--rate", "100"});
  ASSERT_NE(bench.read_line().find("ringpost bench"), std::string::npos);
  while (buses().size() < 2) {
  }
  bench.send_signal(SIGINT);
  const Outcome outcome = bench.wait();
  EXPECT_EQ(outcome.status, 130);
  EXPECT_NE(outcome.out.find("0 lost"), std::string::npos) << outcome.out;
  EXPECT_EQ(buses(), std::vector<std::string>{"default"});
}

TEST_F(CliInterrupt, KilledBenchIsClearedUpByTheNext) {
  Child bench({"bench", "--seconds", "10000", "--rate", "100"});
  while (buses().size() < 2) {
  }
  bench.send_signal(SIGKILL);
  EXPECT_EQ(bench.wait().status, 137);
  succeed({"bench", "--messages", "10", "--rate", "1k"});
  EXPECT_EQ(buses(), std::vector<std::string>{"default"});
}

}  // namespace
}  // namespace ringpost::cli_test
