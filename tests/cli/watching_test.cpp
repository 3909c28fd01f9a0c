// ringpost stat, top, doctor and bus show: figures that agree with what was done.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliWatching : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"queue", "create", "orders"});
  }
};

TEST_F(CliWatching, StatCountsWhatWasDone) {
  succeed({"send", "orders"}, numbers(10));
  succeed({"receive", "orders", "-n", "4"});
  succeed({"receive", "orders", "-n", "3", "--leave"});
  succeed({"receive", "orders", "--release"});
  succeed({"send", "orders", "later", "--delay", "10m"});
  const auto stats = json({"stat", "orders"}).at(0);
  const auto count = [&stats](const char* name) { return stats.at(name).to_number<int>(); };
  EXPECT_EQ(count("sent"), 11);
  EXPECT_EQ(count("sent_bytes"), 16);
  EXPECT_EQ(count("received"), 8);
  EXPECT_EQ(count("acknowledged"), 4);
  EXPECT_EQ(count("released"), 1);
  EXPECT_EQ(count("visible"), 3);
  EXPECT_EQ(count("in_flight"), 3);
  EXPECT_EQ(count("delayed"), 1);
  EXPECT_GT(stats.at("latency").at("count").to_number<int>(), 0);
  EXPECT_GT(stats.at("latency").at("p50_ns").to_number<double>(), 0);
}

TEST_F(CliWatching, StatOfAQueueWithoutTrafficHasNoPercentiles) {
  const auto latency = json({"stat", "orders"}).at(0).at("latency");
  EXPECT_EQ(latency.at("count").to_number<int>(), 0);
  EXPECT_TRUE(latency.at("p99_ns").is_null());
}

TEST_F(CliWatching, StatDrawsTheLatencyOfOneQueue) {
  succeed({"send", "orders"}, numbers(10));
  succeed({"receive", "orders", "--all"});
  const std::string text = succeed({"stat", "orders"});
  EXPECT_NE(text.find("10 sent (11 B), 10 received, 10 acknowledged"), std::string::npos) << text;
  EXPECT_NE(text.find("█"), std::string::npos) << text;
}

TEST_F(CliWatching, StatOfSeveralQueuesIsATable) {
  succeed({"queue", "create", "payments"});
  succeed({"send", "payments", "hello"});
  const std::string text = succeed({"stat"});
  EXPECT_NE(text.find("QUEUE"), std::string::npos);
  EXPECT_NE(text.find("orders"), std::string::npos);
  EXPECT_NE(text.find("payments"), std::string::npos);
  EXPECT_EQ(json({"stat"}).size(), 2u);
}

TEST_F(CliWatching, TopGivesOneObjectAnIntervalAndTheRates) {
  Child top({"--json", "top", "--interval", "20ms", "--count", "1000000"});
  boost::json::parse(top.read_line());
  succeed({"send", "orders"}, numbers(50));
  double sent = 0;
  while (sent < 49.5) {
    const auto look = boost::json::parse(top.read_line());
    sent += look.at("queues").at(0).at("sent_per_second").to_number<double>() *
            look.at("interval_seconds").to_number<double>();
  }
  EXPECT_NEAR(sent, 50, 0.5);
  top.send_signal(SIGINT);
  const auto summary = boost::json::parse(top.wait().err).at("summary");
  EXPECT_EQ(summary.at("sent").to_number<int>(), 50);
}

TEST_F(CliWatching, TopEndsAfterItsCount) {
  EXPECT_EQ(json({"top", "--interval", "10ms", "--count", "3"}).size(), 3u);
  const std::string text = succeed({"top", "--interval", "10ms", "--count", "1"});
  EXPECT_NE(text.find("orders"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "escape sequences are for terminals";
}

TEST_F(CliWatching, TopSeesQueuesThatComeAndGo) {
  Child top({"--json", "top", "--interval", "10ms"});
  const auto queues = [&top] {
    return boost::json::parse(top.read_line()).at("queues").as_array().size();
  };
  EXPECT_EQ(queues(), 1u);
  succeed({"queue", "create", "payments"});
  while (queues() != 2) {
  }
  succeed({"queue", "delete", "payments"});
  while (queues() != 1) {
  }
}

TEST_F(CliWatching, DoctorFindsNothingWrongWithABusInUse) {
  succeed({"send", "orders"}, numbers(5000));
  succeed({"send", "orders", "--whole"}, std::string(100'000, 'x'));
  succeed({"receive", "orders", "-n", "100", "--leave"});
  const auto report = json({"doctor"}).at(0);
  EXPECT_TRUE(report.at("healthy").as_bool());
  EXPECT_TRUE(report.at("findings").as_array().empty());
  EXPECT_EQ(report.at("queues_checked").to_number<int>(), 1);
  EXPECT_GE(report.at("slots_checked").to_number<int>(), 5000);
  EXPECT_NE(succeed({"doctor"}).find("in order"), std::string::npos);
}

TEST_F(CliWatching, DoctorRepairReturnsWhatADeadReceiverHeld) {
  succeed({"send", "orders"}, numbers(3));
  Child receiver({"receive", "orders", "--follow", "--leave"});
  ASSERT_NE(receiver.read_line(), "");
  ASSERT_NE(receiver.read_line(), "");
  ASSERT_NE(receiver.read_line(), "");
  receiver.send_signal(SIGKILL);
  EXPECT_EQ(receiver.wait().status, 137);
  const auto report = json({"doctor", "--repair"}).at(0);
  EXPECT_TRUE(report.at("healthy").as_bool());
  EXPECT_TRUE(report.at("swept").is_object());
  EXPECT_TRUE(json({"doctor"}).at(0).at("healthy").as_bool());
}

TEST_F(CliWatching, BusShowNamesWhoIsAttached) {
  Child receiver({"receive", "orders", "--follow"});
  succeed({"send", "orders", "hello"});
  ASSERT_EQ(receiver.read_line(), "hello");
  const auto bus = json({"bus", "show"}).at(0);
  EXPECT_EQ(bus.at("queues").to_number<int>(), 1);
  EXPECT_EQ(bus.at("participants").as_array().size(), 2u) << "the receiver, and who looks";
  EXPECT_NE(succeed({"bus", "show"}).find("alive"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::cli_test
