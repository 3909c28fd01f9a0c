// How bench_plan.hpp reads: as text and as JSON.
#include <fmt/format.h>

#include "bench_plan.hpp"
#include "latency_picture.hpp"
#include "terminal.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

std::uint64_t late_ns(const std::optional<BenchBudget>& budget) {
  return budget ? budget->ns : kLateNs;
}

const char* name_of(Waiting waiting) {
  switch (waiting) {
    case Waiting::kAdaptive:
      return "adaptive";
    case Waiting::kSpin:
      return "spin";
    case Waiting::kPark:
      return "park";
  }
  return "";
}

}  // namespace

std::string bench_title(const BenchPlan& plan) {
  std::string title = format_size(plan.size_bytes) + ", ";
  title += plan.per_second ? format_rate(*plan.per_second) : "as fast as possible";
  title += ", " + format_counted(plan.senders, "sender") + " → " +
           format_counted(plan.receivers, "receiver");
  if (plan.groups != 0) title += ", FIFO with " + format_counted(plan.groups, "group");
  if (plan.batch > 1) title += fmt::format(", batches of {}", plan.batch);
  return title + ", " + name_of(plan.waiting);
}

std::string bench_report(const BenchPlan& plan, const BenchResult& result,
                         const std::optional<BenchBudget>& budget, std::size_t columns) {
  std::string out =
      fmt::format("  messages  {} sent, {} acknowledged, {} lost, {} delivered again\n",
                  format_count(result.sent), format_count(result.acknowledged),
                  format_count(result.lost()), format_count(result.redelivered));
  if (result.measured == 0) return out + "  nothing was measured\n";
  const double bytes = result.per_second() * static_cast<double>(plan.size_bytes);
  out +=
      fmt::format("  rate      {} ({}/s), over {} after the warm-up\n",
                  format_rate(result.per_second()), format_size(static_cast<std::uint64_t>(bytes)),
                  format_age(Duration(static_cast<Duration::rep>(result.measured_seconds * 1e9))));
  if (plan.per_second) {
    out += "  latency   from the time each message was due to its receive\n";
  } else {
    out += "  latency   from just before each send to its receive: mostly time in the queue\n";
  }
  out += wrapped(percentiles_line(result.latency, late_ns(budget)), 12, columns);
  if (plan.per_second) {
    out += fmt::format("  of which  the senders were late by p50 {}   p99 {}   p99.9 {}\n",
                       format_latency(result.lateness.percentile(50)),
                       format_latency(result.lateness.percentile(99)),
                       format_latency(result.lateness.percentile(99.9)));
  }
  out += draw_text(result.latency, columns);
  if (budget) {
    out += fmt::format("  budget    {} at p{:g}: {}, p{:g} is {}\n", format_latency(budget->ns),
                       budget->percentile, budget->is_held(result) ? "held" : "EXCEEDED",
                       budget->percentile,
                       format_latency(result.latency.percentile(budget->percentile)));
  }
  return out;
}

JsonObject bench_json(const BenchPlan& plan, const BenchResult& result,
                      const std::optional<BenchBudget>& budget, bool interrupted) {
  JsonObject object{{"size_bytes", plan.size_bytes}, {"senders", plan.senders},
                    {"receivers", plan.receivers},   {"batch", plan.batch},
                    {"groups", plan.groups},         {"waiting", name_of(plan.waiting)}};
  object["rate_asked_per_second"] = plan.per_second ? JsonValue(*plan.per_second) : JsonValue();
  object["sent"] = result.sent;
  object["acknowledged"] = result.acknowledged;
  object["lost"] = result.lost();
  object["redelivered"] = result.redelivered;
  object["verified"] = result.lost() == 0 && result.checksums_agree;
  object["measured"] = result.measured;
  object["measured_seconds"] = result.measured_seconds;
  object["messages_per_second"] = result.per_second();
  object["bytes_per_second"] = result.per_second() * static_cast<double>(plan.size_bytes);
  object["latency"] = json_latency(result.latency, late_ns(budget));
  object["sender_lateness"] = json_latency(result.lateness, late_ns(budget));
  if (budget) {
    object["budget"] = JsonObject{{"budget_ns", budget->ns},
                                  {"percentile", budget->percentile},
                                  {"value_ns", result.latency.percentile(budget->percentile)},
                                  {"held", budget->is_held(result)}};
  }
  object["interrupted"] = interrupted;
  return object;
}

}  // namespace ringpost::cli
