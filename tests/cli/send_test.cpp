// ringpost send: where messages come from, and how many there were.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliSend : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
  }
  static std::string received() { return succeed({"receive", "orders", "--all"}); }
};

TEST_F(CliSend, ArgumentIsOneMessageAndItsIdIsPrinted) {
  const std::string id = succeed({"send", "orders", "hello world"});
  EXPECT_EQ(succeed({"receive", "orders", "--format", "{id} {body}"}),
            id.substr(0, id.size() - 1) + " hello world\n");
}

TEST_F(CliSend, ArgumentsThatLookLikeSyntaxArriveUnchanged) {
  for (const std::string body :
       {"{}", "[1,2]", "[]", "\"quoted\"", "%%", " ", "a=b", "{\"a\":[1]}"}) {
    succeed({"send", "orders", body});
    EXPECT_EQ(received(), body + "\n");
  }
  succeed({"send", "orders", "--", "-5"});
  EXPECT_EQ(received(), "-5\n");
}

TEST_F(CliSend, LinesAreMessagesInOrder) {
  const auto sent = json({"send", "orders"}, numbers(5000)).at(0);
  EXPECT_EQ(sent.at("sent").to_number<int>(), 5000);
  EXPECT_EQ(received(), numbers(5000));
}

TEST_F(CliSend, LastLineNeedsNoNewline) {
  succeed({"send", "orders"}, "one\ntwo");
  EXPECT_EQ(received(), "one\ntwo\n");
}

TEST_F(CliSend, EmptyInputSendsNothing) {
  EXPECT_EQ(json({"send", "orders"}).at(0).at("sent").to_number<int>(), 0);
}

TEST_F(CliSend, LinesGoOutBeforeTheInputEnds) {
  Child sender({"send", "orders"});
  sender.write("first\n");
  EXPECT_EQ(succeed({"receive", "orders", "--wait", "60s"}), "first\n");
  sender.write("second\n");
  EXPECT_EQ(succeed({"receive", "orders", "--wait", "60s"}), "second\n");
  EXPECT_EQ(sender.wait().status, 0);
}

TEST_F(CliSend, NulSeparatedMessagesMayHoldNewlines) {
  const std::string messages("one\ntwo\0three\0\0four", 19);
  EXPECT_EQ(json({"send", "orders", "-0"}, messages).at(0).at("sent").to_number<int>(), 4);
  EXPECT_EQ(succeed({"receive", "orders", "--all", "-0"}), messages + std::string(1, '\0'));
}

TEST_F(CliSend, WholeInputIsOneBinaryMessage) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7 % 256);
  succeed({"send", "orders", "--whole"}, bytes);
  EXPECT_EQ(received(), bytes + "\n");
}

TEST_F(CliSend, EachFileIsOneMessage) {
  const std::string binary("\0\n\xff", 3);
  const auto sent = json({"send", "orders", "--file", file("a", "one\ntwo\n"), file("b", binary)});
  EXPECT_EQ(sent.at(0).at("ids").as_array().size(), 2u);
  EXPECT_EQ(succeed({"receive", "orders", "--all", "-0"}),
            std::string("one\ntwo\n\0", 9) + binary + std::string(1, '\0'));
}

TEST_F(CliSend, MissingFileIsNamed) {
  const auto error = error_of({"send", "orders", "--file", "/nowhere/at/all"}, 5);
  EXPECT_NE(text_of(error.at("message")).find("/nowhere/at/all"), std::string::npos);
}

TEST_F(CliSend, AttributesOfAllTypesArrive) {
  succeed({"send", "orders", "hello", "-a", "kind=new", "-a", "weight:Number=2.5", "-a",
           "key:Binary=AAH/", "-a", "list=[1,2]"});
  const auto attributes = json({"receive", "orders"}).at(0).at("attributes");
  EXPECT_EQ(text_of(attributes.at("kind").at("value")), "new");
  EXPECT_EQ(text_of(attributes.at("kind").at("type")), "String");
  EXPECT_EQ(text_of(attributes.at("weight").at("value")), "2.5");
  EXPECT_EQ(text_of(attributes.at("weight").at("type")), "Number");
  EXPECT_EQ(text_of(attributes.at("key").at("value_base64")), "AAH/");
  EXPECT_EQ(text_of(attributes.at("list").at("value")), "[1,2]");
}

TEST_F(CliSend, AttributesGoOnEveryLine) {
  succeed({"send", "orders", "-a", "kind=new"}, numbers(2));
  EXPECT_EQ(succeed({"receive", "orders", "--all", "--format", "{body} {attr.kind}"}),
            "1 new\n2 new\n");
}

TEST_F(CliSend, DelayedMessageIsNotVisibleYet) {
  succeed({"send", "orders", "later", "--delay", "10m"});
  EXPECT_EQ(run({"receive", "orders"}).status, 3);
  EXPECT_EQ(text_of(json({"peek", "orders"}).at(0).at("state")), "delayed");
}

TEST_F(CliSend, RateSpreadsTheMessagesOverTime) {
  const auto sent = json({"send", "orders", "--rate", "100/s"}, numbers(21)).at(0);
  EXPECT_EQ(sent.at("sent").to_number<int>(), 21);
  EXPECT_GE(sent.at("seconds").to_number<double>(), 0.19);
}

TEST_F(CliSend, FullQueueSaysWhichMessageIsNext) {
  succeed({"queue", "create", "small", "--slots", "64", "--fixed"});
  const Outcome outcome = run({"--json", "send", "small"}, numbers(100));
  EXPECT_EQ(outcome.status, 4);
  EXPECT_EQ(boost::json::parse(outcome.out).at("sent").to_number<int>(), 64);
  EXPECT_NE(outcome.err.find("message 65"), std::string::npos) << outcome.err;
}

TEST_F(CliSend, WaitsForRoomIfTold) {
  succeed({"queue", "create", "small", "--slots", "64", "--fixed"});
  Child sender({"--json", "send", "small", "--wait", "10m"});
  sender.write(numbers(100));
  Child receiver({"receive", "small", "-n", "100", "--wait", "10m"});
  EXPECT_EQ(receiver.wait().out, numbers(100));
  EXPECT_EQ(sender.wait().status, 0);
}

TEST_F(CliSend, QueueIsMadeOnlyOnRequest) {
  EXPECT_EQ(text_of(error_of({"send", "new", "hello"}, 5).at("code")), "NotFound");
  succeed({"send", "new", "hello", "--create"});
  EXPECT_EQ(succeed({"receive", "new"}), "hello\n");
}

TEST_F(CliSend, TooLargeMessageIsRefused) {
  const std::string large(300 * 1024, 'x');
  EXPECT_EQ(text_of(error_of({"send", "orders", "--whole"}, 1, large).at("code")), "TooLarge");
  const auto error = error_of({"send", "orders"}, 1, "small\n" + large);
  EXPECT_NE(text_of(error.at("message")).find("message 2"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::cli_test
