// A good report holds every promise; each thing that can go wrong breaks at least one.
#include <gtest/gtest.h>

#include <functional>

#include "report.hpp"

namespace ringpost::market_feed {
namespace {

DemoReport good_report() {
  DemoReport report;
  report.lines = 100;
  report.children_succeeded = true;
  report.doctor.emplace();
  for (PhaseReport& phase : report.phases) {
    phase.stop = StopReport{"worker 1", {0, {{11, 1}, {12, 1}}}, 50, 2, true};
    phase.feed_kill = FeedKillReport{40, 41, 3, 40, true};
    phase.worker_kill = WorkerKillReport{"worker 2", {0, {{70, 1}}}, 20, 1.5, true};
    phase.emptied = true;
    phase.proof.emplace();
    phase.proof->lines = 100;
  }
  report.phases.back().feed_kill->resumed_at = 0;  // it sends all again
  report.phases.back().writer_kill = WriterKillReport{1'000, 900, 1'000, true};
  report.history.from_beginning = {100, 100, 0, 0.5, 9'000};
  report.history.by_time = {50, 50, 0, 0.5, 4'500};
  report.order = {4, 12, 100, 100, 7, 0, 0};
  report.ordered.sent = 100;
  report.topic.published = 100;
  report.topic.duplicates = 41;
  report.topic.delivered = 120;
  report.delivered = {{.queue = "trades", .what = "trade", .expected = 20, .received = 20}};
  return report;
}

std::size_t broken(const DemoReport& report) {
  std::size_t count = 0;
  for (const Promise& promise : judge(report)) count += promise.held ? 0 : 1;
  return count;
}

TEST(Judge, HoldsEveryPromiseOfAGoodRun) {
  EXPECT_EQ(broken(good_report()), 0u);
  EXPECT_TRUE(all_held(judge(good_report())));
}

TEST(Judge, HoldsNothingOfARunThatDidNotTakePlace) {
  EXPECT_EQ(broken(DemoReport()), judge(DemoReport()).size());
  EXPECT_FALSE(all_held({}));
}

TEST(Judge, BreaksAPromiseForEachThingThatGoesWrong) {
  struct Case {
    const char* what;
    std::function<void(DemoReport&)> spoil;
  };
  const Case cases[] = {
      {"a lost line", [](DemoReport& r) { r.phases[1].proof->lost = 1; }},
      {"no lines at all", [](DemoReport& r) { r.phases[0].proof->lines = 0; }},
      {"a changed body", [](DemoReport& r) { r.phases[0].proof->changed = 1; }},
      {"a misread body", [](DemoReport& r) { r.phases[0].proof->misread = 1; }},
      {"an acknowledged message that came again",
       [](DemoReport& r) { r.phases[0].proof->came_back = 1; }},
      {"an invented message", [](DemoReport& r) { r.strangers = 1; }},
      {"a stopped worker's messages not passed on",
       [](DemoReport& r) { r.phases[0].stop->over = false; }},
      {"nobody worked beside the stopped",
       [](DemoReport& r) { r.phases[0].stop->others_processed = 0; }},
      {"a late acknowledgement that was accepted",
       [](DemoReport& r) { r.phases[1].stop->refused = 1; }},
      {"a feed that resumed too late", [](DemoReport& r) { ++r.phases[0].feed_kill->resumed_at; }},
      {"a dead feed's messages stuck", [](DemoReport& r) { r.phases[0].feed_kill->over = false; }},
      {"a worker killed with nothing in hand",
       [](DemoReport& r) { r.phases[1].worker_kill->held = {}; }},
      {"a dead worker's messages stuck",
       [](DemoReport& r) { r.phases[1].worker_kill->over = false; }},
      {"no worker was killed", [](DemoReport& r) { r.phases[1].worker_kill.reset(); }},
      {"a group that is not complete", [](DemoReport& r) { r.order->applied = 99; }},
      {"a group that does not end as the file does",
       [](DemoReport& r) { r.order->unfinished = 1; }},
      {"an update id that fell", [](DemoReport& r) { r.order->fell = 1; }},
      {"an order that nobody looked at", [](DemoReport& r) { r.order.reset(); }},
      {"a duplicate that got in", [](DemoReport& r) { r.phases[2].proof->sent_again = 1; }},
      {"a line that was not known again", [](DemoReport& r) { r.topic.duplicates = 39; }},
      {"a trade that is missing", [](DemoReport& r) { r.delivered[0].missing = 1; }},
      {"a trade that came twice", [](DemoReport& r) { r.delivered[0].twice = 1; }},
      {"a message behind the wrong filter", [](DemoReport& r) { r.delivered[0].foreign = 1; }},
      {"a changed trade", [](DemoReport& r) { r.delivered[0].changed = 1; }},
      {"a queue without trades", [](DemoReport& r) { r.delivered[0].expected = 0; }},
      {"a delivery that nobody got", [](DemoReport& r) { r.topic.delivered = 121; }},
      {"a delivery that was dropped", [](DemoReport& r) { r.topic.dropped = 1; }},
      {"no log writer was killed", [](DemoReport& r) { r.phases[2].writer_kill.reset(); }},
      {"nobody wrote in its place",
       [](DemoReport& r) { r.phases[2].writer_kill->durable_before = 999; }},
      {"a line that is not in the stream",
       [](DemoReport& r) { r.history.from_beginning.records = 99; }},
      {"a line that the stream changed",
       [](DemoReport& r) { r.history.from_beginning.changed = 1; }},
      {"a replay that begins too late", [](DemoReport& r) { r.history.by_time.records = 49; }},
      {"a replay that did not happen", [](DemoReport& r) { r.history.by_time = {}; }},
      {"messages left", [](DemoReport& r) { r.phases[1].emptied = false; }},
      {"a finding of the doctor", [](DemoReport& r) { r.doctor->findings.emplace_back(); }},
      {"a leaked block", [](DemoReport& r) { r.blocks_used = 1; }},
      {"a leaked participant", [](DemoReport& r) { r.participants = 1; }},
      {"a child that failed", [](DemoReport& r) { r.children_succeeded = false; }},
      {"a run that was broken off", [](DemoReport& r) { r.broken_off = "nothing moved"; }},
  };
  for (const Case& c : cases) {
    DemoReport report = good_report();
    c.spoil(report);
    EXPECT_GE(broken(report), 1u) << c.what;
  }
}

}  // namespace
}  // namespace ringpost::market_feed
