#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <set>
#include <sstream>

#include "report/json.hpp"
#include "report/svg.hpp"
#include "report/table.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

Machine machine() { return {"Some \"CPU\" <1>", 2, "Linux 6.1", "g++ 12", "abc123"}; }

Summary latency_summary() {
  Summary summary;
  summary.name = "queue/latency/64B/spin";
  summary.unit = Unit::kNanoseconds;
  summary.placement = Placement::kNear;
  summary.pairs = {0, 12, 3, 1};
  summary.figures = {201.25, 190, 230, 201.25, 230, 260.5, 900, 20'000, 4e6, 8};
  summary.verified = true;
  RivalSummary line{
      "cacheline", "", {118, 110, 130, 118, 125, 140, 300, 9000, 3e6, 7}, {1.7, 1.7, 1.86, 12}, ""};
  summary.rivals = {line, {"posix_mq", "", {}, {}, "mq_open: \"no\""}};
  return summary;
}

Summary rate_summary() {
  Summary summary;
  summary.name = "queue/cycle/64B/1to1/batch1";
  summary.figures.value = 21'345'678;
  summary.figures.runs = 3;
  summary.rivals = {{"boost_mq", "try", {2e6, 1e6, 3e6, 0, 0, 0, 0, 0, 0, 3}, {10.5, 0, 0, 5}, ""}};
  return summary;
}

TEST(Json, HasTheFieldsOfARow) {
  const auto row = boost::json::parse(json_line(latency_summary(), machine())).as_object();
  EXPECT_EQ(row.at("name").as_string(), "queue/latency/64B/spin");
  EXPECT_EQ(row.at("unit").as_string(), "ns");
  EXPECT_DOUBLE_EQ(row.at("value").to_number<double>(), 201.3);
  EXPECT_DOUBLE_EQ(row.at("p99").to_number<double>(), 260.5);
  EXPECT_DOUBLE_EQ(row.at("p999").to_number<double>(), 900);
  EXPECT_DOUBLE_EQ(row.at("max").to_number<double>(), 4e6);
  EXPECT_EQ(row.at("class").as_string(), "near");
  EXPECT_EQ(row.at("runs").to_number<int>(), 8);
  EXPECT_TRUE(row.at("verified").as_bool());
  EXPECT_EQ(row.at("commit").as_string(), "abc123");
  EXPECT_EQ(row.at("machine").at("cpu").as_string(), "Some \"CPU\" <1>");
  EXPECT_DOUBLE_EQ(row.at("ratios").at("cacheline").at("p50").to_number<double>(), 1.7);
  EXPECT_DOUBLE_EQ(row.at("ratios").at("cacheline").at("p99").to_number<double>(), 1.86);
  EXPECT_FALSE(row.at("ratios").as_object().contains("posix_mq"));
  EXPECT_EQ(row.at("peers").at("posix_mq").at("note").as_string(), "mq_open: \"no\"");
}

TEST(Json, GivesRatiosOfRatesAsNumbers) {
  const auto row = boost::json::parse(json_line(rate_summary(), machine())).as_object();
  EXPECT_EQ(row.at("unit").as_string(), "1/s");
  EXPECT_DOUBLE_EQ(row.at("ratios").at("boost_mq").to_number<double>(), 10.5);
  EXPECT_FALSE(row.contains("p50"));
}

TEST(Json, IsOneLineAlsoForARowThatFailed) {
  Summary failed;
  failed.name = "queue/x";
  failed.note = "process 0: line\nbreak";
  const std::string line = json_line(failed, machine());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto row = boost::json::parse(line).as_object();
  EXPECT_TRUE(row.at("value").is_null());
  EXPECT_EQ(row.at("error").as_string(), "process 0: line\nbreak");
  EXPECT_FALSE(row.at("verified").as_bool());
}

TEST(Svg, IsWellFormedAndNamesRowsAndPeers) {
  const std::string svg = draw_bars({latency_summary(), rate_summary()}, machine());
  std::istringstream stream(svg);
  boost::property_tree::ptree tree;
  ASSERT_NO_THROW(boost::property_tree::read_xml(stream, tree)) << svg;
  for (const char* text : {"queue/latency/64B/spin", "cacheline", "queue/cycle/64B/1to1/batch1",
                           "boost_mq", "(1.70×)", "21.3 M/s", "&lt;1&gt;"}) {
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  }
}

TEST(Svg, IsWellFormedWithoutRows) {
  std::istringstream stream(draw_bars({}, machine()));
  boost::property_tree::ptree tree;
  EXPECT_NO_THROW(boost::property_tree::read_xml(stream, tree));
}

TEST(Table, ScalesNumbersToThreeDigits) {
  EXPECT_EQ(format_ns(118.4), "118 ns");
  EXPECT_EQ(format_ns(2312), "2.31 µs");
  EXPECT_EQ(format_ns(999.7), "1.00 µs");
  EXPECT_EQ(format_ns(12.1e6), "12.1 ms");
  EXPECT_EQ(format_rate(31'200'000), "31.2 M/s");
  EXPECT_EQ(format_rate(0), "0 /s");
}

TEST(Table, SaysWhatFailed) {
  Summary failed;
  failed.name = "queue/x";
  failed.note = "hung: killed by the watchdog";
  EXPECT_NE(table_row(failed, 20).find("ERROR: hung"), std::string::npos);
}

TEST(Rows, HaveNamesOfTheirOwnAndSomethingToMeasure) {
  std::set<std::string> names;
  for (const Row& row : all_rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.subject.empty()) << row.name;
    for (const Rival& rival : row.rivals) EXPECT_FALSE(rival.variants.empty()) << row.name;
  }
}

}  // namespace
}  // namespace ringpost::bench
