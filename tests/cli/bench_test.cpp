// ringpost bench: small runs whose figures add up; how fast they are is not judged here.
#include <fstream>
#include <sstream>

#include "child.hpp"

namespace ringpost::cli_test {
namespace {

using CliBench = CliTest;

TEST_F(CliBench, EveryMessageIsAccountedFor) {
  const auto result = json({"bench", "--messages", "500", "--rate", "5k"}).at(0);
  EXPECT_EQ(result.at("measured").to_number<int>(), 500);
  EXPECT_EQ(result.at("sent").to_number<int>(), result.at("acknowledged").to_number<int>());
  EXPECT_EQ(result.at("lost").to_number<int>(), 0);
  EXPECT_TRUE(result.at("verified").as_bool());
  EXPECT_EQ(result.at("latency").at("count").to_number<int>(), 500);
  EXPECT_TRUE(buses().empty());
}

TEST_F(CliBench, SeveralProcessesAndBatchesOfLargeMessages) {
  const auto result = json({"bench", "--messages", "1000", "--rate", "max", "--batch", "10",
                            "--senders", "2", "--receivers", "2", "--size", "10KiB"})
                          .at(0);
  EXPECT_GE(result.at("measured").to_number<int>(), 1000);
  EXPECT_TRUE(result.at("verified").as_bool());
  EXPECT_TRUE(result.at("rate_asked_per_second").is_null());
}

TEST_F(CliBench, EveryWayOfWaitingWorks) {
  for (const std::string waiting : {"spin", "adaptive", "park"}) {
    const auto result =
        json({"bench", "--messages", "50", "--rate", "1k", "--waiting", waiting}).at(0);
    EXPECT_TRUE(result.at("verified").as_bool()) << waiting;
  }
}

TEST_F(CliBench, BudgetThatIsHeldEndsWithZero) {
  const auto result = json({"bench", "--messages", "50", "--rate", "1k", "--budget", "1h"}).at(0);
  EXPECT_TRUE(result.at("budget").at("held").as_bool());
  EXPECT_EQ(result.at("budget").at("percentile").to_number<double>(), 99.9);
}

TEST_F(CliBench, BudgetThatIsExceededEndsWithSeven) {
  const auto error = error_of(
      {"bench", "--messages", "50", "--rate", "1k", "--budget", "1ns", "--budget-percentile", "50"},
      7);
  EXPECT_EQ(text_of(error.at("code")), "OverBudget");
  EXPECT_TRUE(buses().empty());
}

TEST_F(CliBench, ReportDrawsThePictureAsTextAndSvg) {
  const std::string path = directory_ / "latency.svg";
  const std::string text = succeed({"bench", "--messages", "50", "--rate", "1k", "--svg", path});
  EXPECT_NE(text.find("█"), std::string::npos) << text;
  EXPECT_NE(text.find("0 lost"), std::string::npos) << text;
  std::ostringstream svg;
  svg << std::ifstream(path).rdbuf();
  EXPECT_EQ(svg.str().substr(0, 4), "<svg");
  EXPECT_NE(svg.str().find("</svg>"), std::string::npos);
}

TEST_F(CliBench, MessagesTooSmallForTheirTimeAreRefused) {
  EXPECT_EQ(text_of(error_of({"bench", "--size", "8"}, 2).at("code")), "Usage");
}

}  // namespace
}  // namespace ringpost::cli_test
