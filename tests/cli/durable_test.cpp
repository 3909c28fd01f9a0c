// Durable queues at the command line.
#include <filesystem>

#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliDurable : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "invoices", "--durable", "--log-segment-bytes", "4MiB"});
  }
  /// Everything in shared memory is gone.
  void reboot() { std::filesystem::remove_all(directory_ / "buses"); }
};

TEST_F(CliDurable, HaveTheirMessagesAfterAReboot) {
  succeed({"send", "invoices"}, "one\ntwo\n");
  succeed({"receive", "invoices"});
  reboot();
  EXPECT_EQ(succeed({"queue", "list"}), "invoices\n");
  EXPECT_EQ(succeed({"receive", "invoices"}), "two\n");
  succeed({"queue", "delete", "invoices"});
  EXPECT_EQ(succeed({"queue", "list"}), "");
}

TEST_F(CliDurable, AreShownWithWhatTheyTakeOnDisk) {
  succeed({"send", "invoices", "one"});
  const auto shown = json({"queue", "show", "invoices"}).at(0);
  EXPECT_TRUE(shown.at("settings").at("durable").as_bool());
  EXPECT_EQ(shown.at("settings").at("log_segment_bytes").to_number<int>(), 4 << 20);
  EXPECT_GE(shown.at("log_bytes").to_number<int>(), 4 << 20);
  EXPECT_NE(succeed({"queue", "show", "invoices"}).find("yes, log in files of 4 MiB"),
            std::string::npos);
  EXPECT_NE(succeed({"queue", "list", "--long"}).find("ON DISK"), std::string::npos);
  const auto usage = error_of({"queue", "create", "q", "--durable", "--fair"}, 2);
  EXPECT_EQ(text_of(usage.at("code")), "Usage");
  error_of({"queue", "create", "q", "--log-segment-bytes", "4MiB"}, 2);
}

TEST_F(CliDurable, MayBeFifo) {
  succeed({"queue", "create", "orders", "--fifo", "--dedup", "id", "--durable"});
  const std::vector<std::string> send = {"send", "orders",     "buy", "--group",
                                         "eu",   "--dedup-id", "4711"};
  const std::string id = succeed(send);
  succeed({"send", "orders", "sell", "--group", "eu", "--dedup-id", "4712"});
  reboot();
  EXPECT_EQ(succeed(send), id);
  EXPECT_EQ(succeed({"receive", "orders", "-n", "10"}), "buy\nsell\n");
  reboot();
  EXPECT_EQ(succeed(send), id) << "also when its message is gone";
  EXPECT_EQ(json({"queue", "show", "orders"}).at(0).at("visible").to_number<int>(), 0);
}

TEST_F(CliDurable, HaveLogsThatAreVerifiedAndDumpedByTheirName) {
  succeed({"send", "invoices", "hello"});
  succeed({"receive", "invoices"});
  EXPECT_EQ(json({"log", "verify", "invoices"}).at(0).at("records").to_number<int>(), 2);
  const auto records = json({"log", "dump", "invoices"});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(text_of(records[0].at("data")), "hello");
  EXPECT_EQ(text_of(records[0].at("about")).rfind("send ", 0), 0u);
  EXPECT_EQ(text_of(records[1].at("about")).rfind("gone ", 0), 0u);
  EXPECT_NE(succeed({"log", "dump", "invoices"}).find("hello"), std::string::npos);
  EXPECT_NE(succeed({"log", "salvage", "invoices"}).find("nothing to do"), std::string::npos);
}

TEST_F(CliDurable, HaveLogsThatAreRecoveredByTheirName) {
  EXPECT_EQ(succeed({"log", "recover", "invoices"}), "the log of queue invoices has not failed\n");
  EXPECT_TRUE(json({"log", "recover", "invoices"}).empty());
  succeed({"queue", "create", "memory"});
  error_of({"log", "recover", "memory"}, 2);
  for (const char* verb : {"recover", "verify", "dump", "salvage"}) {
    const auto error = error_of({"log", verb, "nosuch"}, 5);
    EXPECT_NE(text_of(error.at("message")).find("no stream or durable queue nosuch"),
              std::string::npos)
        << verb;
    EXPECT_NE(text_of(error.at("hint")).find("ringpost queue list"), std::string::npos);
  }
}

}  // namespace
}  // namespace ringpost::cli_test
