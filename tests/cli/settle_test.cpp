// ringpost acknowledge, release, extend: receipts from one process, used by another.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliSettle : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
    succeed({"send", "orders"}, numbers(3));
  }
  static std::string receive_and_leave() {
    const std::string line = succeed({"receive", "orders", "--leave"});
    return line.substr(0, line.find('\t'));
  }
};

TEST_F(CliSettle, AcknowledgedByAnotherProcessTheMessageIsGone) {
  const std::string receipt = receive_and_leave();
  EXPECT_EQ(succeed({"acknowledge", "orders", receipt}), "acknowledged 1 message\n");
  EXPECT_EQ(json({"peek", "orders"}).size(), 2u);
}

TEST_F(CliSettle, StaleReceiptEndsWithEight) {
  const std::string receipt = receive_and_leave();
  succeed({"acknowledge", "orders", receipt});
  EXPECT_EQ(text_of(error_of({"acknowledge", "orders", receipt}, 8).at("code")), "StaleReceipt");
}

TEST_F(CliSettle, ReleasedMessageComesAgain) {
  const std::string receipt = receive_and_leave();
  succeed({"release", "orders", receipt});
  EXPECT_EQ(succeed({"receive", "orders", "-n", "9", "--format", "{body} {count}"}),
            "1 2\n2 1\n3 1\n");
}

TEST_F(CliSettle, ReleaseWithDelayKeepsItInvisible) {
  const std::string receipt = receive_and_leave();
  succeed({"release", "orders", receipt, "--delay", "10m"});
  EXPECT_EQ(succeed({"receive", "orders", "--all"}), "2\n3\n");
}

TEST_F(CliSettle, ExtendMovesTheEndOfTheLease) {
  const std::string receipt = receive_and_leave();
  succeed({"extend", "orders", receipt, "--for", "2h"});
  EXPECT_GT(json({"peek", "orders"}).at(0).at("due_in_seconds").to_number<double>(), 3600);
}

TEST_F(CliSettle, ReceiptsAreReadFromTheLinesThatReceivePrints) {
  const std::string lines = succeed({"receive", "orders", "--leave", "-n", "3"});
  EXPECT_EQ(succeed({"acknowledge", "orders", "-"}, lines), "acknowledged 3 messages\n");
}

TEST_F(CliSettle, OneStaleReceiptDoesNotStopTheOthers) {
  const std::string first = receive_and_leave();
  const std::string second = receive_and_leave();
  succeed({"acknowledge", "orders", first});
  const Outcome outcome = run({"--json", "acknowledge", "orders", first, second});
  EXPECT_EQ(outcome.status, 8);
  EXPECT_NE(outcome.out.find(R"("result":"stale")"), std::string::npos);
  EXPECT_NE(outcome.out.find(R"("result":"acknowledged")"), std::string::npos);
}

TEST_F(CliSettle, WhatIsNoReceiptIsAUsageError) {
  EXPECT_EQ(text_of(error_of({"acknowledge", "orders", "nonsense"}, 2).at("code")), "Usage");
}

TEST_F(CliSettle, ReceiptOfAnotherQueueIsRefused) {
  succeed({"queue", "create", "other"});
  const std::string receipt = receive_and_leave();
  EXPECT_NE(run({"acknowledge", "other", receipt}).status, 0);
  EXPECT_EQ(succeed({"acknowledge", "orders", receipt}), "acknowledged 1 message\n");
}

}  // namespace
}  // namespace ringpost::cli_test
