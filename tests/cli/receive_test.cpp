// ringpost receive and peek: what is printed, and what becomes of the messages.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliReceive : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
  }
  static int count(const char* what) {
    return json({"stat", "orders"}).at(0).at(what).to_number<int>();
  }
};

TEST_F(CliReceive, OneMessageIsPrintedAndAcknowledged) {
  succeed({"send", "orders"}, numbers(2));
  EXPECT_EQ(succeed({"receive", "orders"}), "1\n");
  EXPECT_EQ(count("acknowledged"), 1);
  EXPECT_EQ(count("visible"), 1);
}

TEST_F(CliReceive, CountIsAtMostSoMany) {
  succeed({"send", "orders"}, numbers(3));
  EXPECT_EQ(succeed({"receive", "orders", "-n", "2"}), "1\n2\n");
  EXPECT_EQ(succeed({"receive", "orders", "--max", "5"}), "3\n");
}

TEST_F(CliReceive, EmptyQueueEndsWithThree) {
  const Outcome outcome = run({"receive", "orders"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("no message is visible"), std::string::npos);
  EXPECT_NE(outcome.err.find("--wait"), std::string::npos);
  EXPECT_EQ(run({"--quiet", "receive", "orders"}).err, "");
}

TEST_F(CliReceive, WaitIsOverAfterItsTime) {
  EXPECT_EQ(text_of(error_of({"receive", "orders", "--wait", "50ms"}, 3).at("code")), "Empty");
}

TEST_F(CliReceive, WaitEndsWithTheMessage) {
  Child receiver({"receive", "orders", "--wait", "10m"});
  succeed({"send", "orders", "hello"});
  EXPECT_EQ(receiver.wait().out, "hello\n");
}

TEST_F(CliReceive, AllEmptiesTheQueueInOrder) {
  succeed({"send", "orders"}, numbers(20'000));
  EXPECT_EQ(succeed({"receive", "orders", "--all"}), numbers(20'000));
  EXPECT_EQ(count("acknowledged"), 20'000);
}

TEST_F(CliReceive, LeftMessagesStayInFlightWithTheirReceipts) {
  succeed({"send", "orders", "hello"});
  const std::string line = succeed({"receive", "orders", "--leave"});
  EXPECT_EQ(line.substr(line.find('\t')), "\thello\n");
  EXPECT_EQ(count("in_flight"), 1);
  EXPECT_EQ(count("acknowledged"), 0);
}

TEST_F(CliReceive, ReleasedMessagesAreVisibleAfterwards) {
  succeed({"send", "orders"}, numbers(3));
  EXPECT_EQ(succeed({"receive", "orders", "--all", "--release"}), "1\n2\n3\n");
  EXPECT_EQ(count("visible"), 3);
  EXPECT_EQ(succeed({"receive", "orders", "--format", "{count}"}), "2\n");
}

TEST_F(CliReceive, VisibilityTimeoutOfZeroGivesTheMessageBackAtOnce) {
  succeed({"send", "orders", "hello"});
  succeed({"receive", "orders", "--leave", "--visibility-timeout", "0"});
  EXPECT_EQ(succeed({"receive", "orders", "--wait", "60s"}), "hello\n");
}

TEST_F(CliReceive, JsonHoldsEverythingAboutAMessage) {
  const std::string id = succeed({"send", "orders", "h\u00e9\"llo\n", "-a", "kind=new"});
  const auto message = json({"receive", "orders"}).at(0);
  EXPECT_EQ(text_of(message.at("queue")), "orders");
  EXPECT_EQ(text_of(message.at("id")) + "\n", id);
  EXPECT_EQ(text_of(message.at("body")), "h\u00e9\"llo\n");
  EXPECT_EQ(message.at("bytes").to_number<int>(), 8);
  EXPECT_EQ(message.at("receive_count").to_number<int>(), 1);
  EXPECT_EQ(text_of(message.at("attributes").at("kind").at("value")), "new");
  EXPECT_EQ(text_of(message.at("sent_at")).back(), 'Z');
  EXPECT_GE(message.at("age_seconds").to_number<double>(), 0);
  EXPECT_NE(text_of(message.at("receipt")), "");
}

TEST_F(CliReceive, BodyThatIsNoTextIsBase64InJson) {
  succeed({"send", "orders", "--whole"}, std::string("\0\x01\xff", 3));
  const auto message = json({"receive", "orders"}).at(0).as_object();
  EXPECT_EQ(text_of(message.at("body_base64")), "AAH/");
  EXPECT_FALSE(message.contains("body"));
}

TEST_F(CliReceive, FormatFillsInItsFieldsAndEscapes) {
  succeed({"send", "orders", "hello", "-a", "kind=new"});
  EXPECT_EQ(succeed({"receive", "orders", "--format",
                     "{queue}\\t{{{body}}}\\n{bytes} {count} [{attr.kind}] [{attr.none}]"}),
            "orders\t{hello}\n5 1 [new] []\n");
}

TEST_F(CliReceive, UnknownFieldOfAFormatIsRefusedBeforeAnythingIsReceived) {
  succeed({"send", "orders", "hello"});
  const Outcome outcome = run({"receive", "orders", "--format", "{bdy}"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find("{body}"), std::string::npos) << outcome.err;
  EXPECT_EQ(count("received"), 0);
}

TEST_F(CliReceive, InFlightLimitIsNamed) {
  succeed({"queue", "create", "one", "--in-flight-max", "1"});
  succeed({"send", "one"}, numbers(2));
  succeed({"receive", "one", "--leave"});
  EXPECT_EQ(text_of(error_of({"receive", "one"}, 3).at("code")), "OverLimit");
}

TEST_F(CliReceive, QueueDeletedWhileItIsFollowedEndsWithFive) {
  succeed({"send", "orders", "hello"});
  Child receiver({"receive", "orders", "--follow"});
  ASSERT_EQ(receiver.read_line(), "hello");
  succeed({"queue", "delete", "orders"});
  const Outcome outcome = receiver.wait();
  EXPECT_EQ(outcome.status, 5);
  EXPECT_NE(outcome.err.find("deleted"), std::string::npos) << outcome.err;
}

TEST_F(CliReceive, PeekShowsStatesAndBodiesAndReceivesNothing) {
  succeed({"send", "orders"}, "first\nsecond\n");
  succeed({"send", "orders", "third\x1b[31m", "--delay", "10m", "-a", "kind=new"});
  succeed({"receive", "orders", "--leave"});
  const auto messages = json({"peek", "orders"});
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(text_of(messages[0].at("state")), "in_flight");
  EXPECT_EQ(messages[0].at("position").to_number<int>(), 0);
  EXPECT_GT(messages[0].at("due_in_seconds").to_number<double>(), 0);
  EXPECT_EQ(text_of(messages[1].at("state")), "visible");
  EXPECT_EQ(text_of(messages[1].at("body")), "second");
  EXPECT_EQ(text_of(messages[2].at("state")), "delayed");
  EXPECT_EQ(text_of(messages[2].at("attributes").at("kind").at("value")), "new");
  const std::string table = succeed({"peek", "orders", "--attributes"});
  EXPECT_NE(table.find("kind=new"), std::string::npos);
  EXPECT_NE(table.find("third\\x1b[31m"), std::string::npos) << "control characters are escaped";
  EXPECT_EQ(count("received"), 1);
}

TEST_F(CliReceive, PeekLooksAtNoMoreThanAsked) {
  succeed({"send", "orders"}, numbers(30));
  EXPECT_EQ(json({"peek", "orders", "-n", "3"}).size(), 3u);
  EXPECT_EQ(json({"peek", "orders"}).size(), 10u);
}

}  // namespace
}  // namespace ringpost::cli_test
