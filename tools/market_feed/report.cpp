#include "report.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "latency_picture.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "units.hpp"

namespace ringpost::market_feed {

namespace {

using cli::Align;
using cli::format_count;

cli::Paint paint() { return cli::Paint(cli::is_terminal(STDOUT_FILENO)); }

void add_latency(cli::Table& table, const std::string& what, const Histogram& latency) {
  if (latency.count() == 0) return;
  const auto at = [&](double percent) { return cli::format_latency(latency.percentile(percent)); };
  table.add({what, format_count(latency.count()), at(50), at(90), at(99), at(99.9), at(100),
             cli::format_share(latency.share_over(cli::kLateNs))});
}

std::string end_to_end(std::size_t number, const PhaseReport& phase) {
  if (kPhases[number].speed != 0) return "as sent";
  // The groups of a stopped worker wait for the end of its leases.
  if (kPhases[number].ordered) return "–";
  return cli::format_rate(phase.end_to_end_per_second);
}

void print_rates(const DemoReport& report) {
  cli::Table table({{"rates"},
                    {"feed sends", Align::kRight},
                    {"end to end", Align::kRight},
                    {"worker, a message", Align::kRight},
                    {"waits for room", Align::kRight},
                    {"in all", Align::kRight}});
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    const PhaseReport& phase = report.phases[i];
    if (!phase.emptied) continue;
    table.add({fmt::format("phase {}: {}", i + 1, kPhases[i].title),
               cli::format_rate(phase.feed_per_second), end_to_end(i, phase),
               fmt::format("{:.2f} µs", phase.worker_us), format_count(phase.full),
               fmt::format("{:.2f} s", phase.seconds)});
  }
  if (!table.empty()) fmt::print("\n{}", table.render(paint()));
}

void print_latencies(const DemoReport& report) {
  cli::Table table({{"send → receive"},
                    {"messages", Align::kRight},
                    {"p50", Align::kRight},
                    {"p90", Align::kRight},
                    {"p99", Align::kRight},
                    {"p99.9", Align::kRight},
                    {"max", Align::kRight},
                    {"over 10 ms", Align::kRight}});
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    const PhaseReport& phase = report.phases[i];
    const std::string name = fmt::format("phase {}, ", i + 1);
    // A feed that outruns its workers: what is measured is the queue that it builds up.
    const char* const from_send =
        kPhases[i].speed == 0 ? "from the send (backlog)" : "from the send";
    add_latency(table, name + from_send, phase.since_sent);
    add_latency(table, name + "from the scheduled time", phase.since_due);
    add_latency(table, name + "received again", phase.again);
  }
  if (!table.empty()) fmt::print("\n{}", table.render(paint()));
}

void print_proof(const DemoReport& report) {
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    if (!report.phases[i].proof) continue;
    const Proof& proof = *report.phases[i].proof;
    fmt::print(
        "phase {}: {} lost, {} redeliveries, {} lines processed more than once, of these {} "
        "because they were sent twice\n",
        i + 1, format_count(proof.lost), format_count(report.phases[i].again.count()),
        format_count(proof.processed_again), format_count(proof.sent_again));
    for (const std::string& example : proof.examples) fmt::print("  {}\n", example);
  }
  const HistoryReport& history = report.history;
  if (history.from_beginning.expected != 0) {
    fmt::print("stream: {} lines in {} of {}, replayed in {:.0f} ms; from line {} on by time\n",
               format_count(history.from_beginning.records), cli::format_size(history.log_bytes),
               cli::format_counted(history.segments, "segment"),
               history.from_beginning.seconds * 1e3,
               format_count(std::uint64_t{history.from_line} + 1));
  }
  if (!report.doctor) return;
  for (const Finding& finding : report.doctor->findings) {
    fmt::print("doctor: {}: {}\n", finding.object, finding.what);
  }
}

}  // namespace

void print_results(const DemoReport& report) {
  print_rates(report);
  print_latencies(report);
  const Histogram& paced = report.phases[1].since_sent;
  if (paced.count() != 0) {
    fmt::print("\nPhase 2, send → receive\n{}", cli::draw_text(paced, 78));
  }
  fmt::print("\n");
  print_proof(report);
}

void print_promises(const std::vector<Promise>& promises) {
  cli::Table table({{"promise"}, {"held?"}, {"seen"}});
  for (const Promise& promise : promises) {
    table.add({promise.text, promise.held ? paint().green("held") : paint().red("BROKEN"),
               promise.evidence});
  }
  fmt::print("\n{}", table.render(paint()));
}

void write_svg(const DemoReport& report, const std::string& path) {
  const PhaseReport& phase = report.phases[1];
  cli::SvgOptions options;
  options.subtitle = fmt::format("{} messages {}, while processes were killed and stopped",
                                 format_count(phase.since_sent.count()), kPhases[1].title);
  std::ofstream file(path);
  file << cli::draw_svg(phase.since_sent, "Send → receive, recorded market feed", options);
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace ringpost::market_feed
