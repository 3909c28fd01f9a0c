#include <fstream>

#include <unistd.h>

#include <fmt/format.h>

#include "../support/bench_run.hpp"
#include "../support/bench_workers.hpp"
#include "../support/interrupt.hpp"
#include "../support/latency_picture.hpp"
#include "../support/options.hpp"
#include "../support/progress.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

constexpr std::uint32_t kBenchGroupsMax = 1'000'000;

struct Options {
  BenchPlan plan;
  std::optional<std::uint64_t> size_bytes;
  std::string rate;
  std::string svg;
  std::optional<Duration> budget;
  double budget_percentile = 99.9;
};

BenchPlan plan_of(const Options& options) {
  BenchPlan plan = options.plan;
  plan.size_bytes = options.size_bytes.value_or(plan.size_bytes);
  if (options.rate == "max") {
    plan.per_second.reset();
  } else if (!options.rate.empty()) {
    plan.per_second = parse_rate(options.rate);
    if (!plan.per_second) {
      throw usage_failure(fmt::format("\"{}\" is not a rate", options.rate),
                          "write messages a second, such as --rate 10k, or --rate max");
    }
  }
  if (plan.size_bytes < sizeof(BenchHeader)) {
    throw usage_failure("the messages are too small to carry the time they were due",
                        fmt::format("use --size {} or more", sizeof(BenchHeader)));
  }
  if (plan.messages == 0u || plan.seconds <= 0) {
    throw usage_failure("there is nothing to measure", "give --seconds or --messages above 0");
  }
  return plan;
}

BenchResult run_with_progress(Context& context, const BenchPlan& plan) {
  constexpr std::uint64_t kWhole = 1000;
  Progress progress("acknowledged", !context.globals.quiet && !context.globals.json, kWhole);
  std::uint64_t shown = 0;
  std::uint64_t work_done = 0;
  return run_bench(context, plan, [&](std::uint64_t acknowledged, double passed) {
    const auto work = static_cast<std::uint64_t>(std::min(passed, 1.0) * kWhole);
    progress.add(acknowledged - shown, (acknowledged - shown) * plan.size_bytes,
                 work > work_done ? work - work_done : 0);
    shown = acknowledged;
    work_done = std::max(work, work_done);
  });
}

void write_svg(const Context& context, const Options& options, const BenchPlan& plan,
               const BenchResult& result) {
  SvgOptions svg;
  svg.subtitle = bench_title(plan);
  if (options.budget) svg.late_ns = static_cast<std::uint64_t>(options.budget->count());
  std::ofstream file(options.svg, std::ios::binary);
  file << draw_svg(result.latency, "Ringpost: latency from due to received", svg);
  file.close();
  if (!file) {
    throw Failure(ExitCode::kError, "File", fmt::format("cannot write {}", options.svg),
                  "check the path and that its folder is writable");
  }
  if (!context.globals.json) context.note(fmt::format("  picture   {}", options.svg));
}

ExitCode run(Context& context, const Options& options) {
  const BenchPlan plan = plan_of(options);
  std::optional<BenchBudget> budget;
  if (options.budget) {
    budget =
        BenchBudget{static_cast<std::uint64_t>(options.budget->count()), options.budget_percentile};
  }
  if (!context.globals.json) {
    context.report(context.paint_for_output().bold("ringpost bench: " + bench_title(plan)));
    context.out.flush();
  }
  const BenchResult result = run_with_progress(context, plan);
  if (!result.trouble.empty()) {
    throw Failure(ExitCode::kError, "Bench",
                  fmt::format("a process of the bench failed: {}", result.trouble),
                  "look at `df -h /dev/shm`, or use fewer or smaller messages");
  }
  if (context.globals.json) {
    context.out.line(json_line(bench_json(plan, result, budget, interrupted())));
  } else {
    const std::size_t columns = std::min<std::size_t>(screen_size(STDOUT_FILENO).columns, 100);
    context.out.write(bench_report(plan, result, budget, columns));
  }
  context.out.flush();
  if (interrupted() && !context.globals.json) {
    context.note("  interrupted: that is what was measured until then");
  }
  if (!options.svg.empty()) write_svg(context, options, plan, result);
  if (interrupted()) return ExitCode::kSignal;
  if (result.lost() != 0 || !result.checksums_agree) {
    throw Failure(ExitCode::kError, "Lost", fmt::format("{} messages were lost", result.lost()),
                  "please report this with the output of the command and `ringpost version`");
  }
  if (!budget || budget->is_held(result)) return ExitCode::kOk;
  throw Failure(ExitCode::kOverBudget, "OverBudget",
                fmt::format("p{:g} is {}, over the budget of {}", budget->percentile,
                            format_latency(result.latency.percentile(budget->percentile)),
                            format_latency(budget->ns)),
                "see whether the machine is busy, pin with --pin, or try --waiting spin");
}

void add_plan_options(CLI::App& verb, Options& options) {
  BenchPlan& plan = options.plan;
  add_size(verb, "--size", options.size_bytes, "Bytes of a message (64)");
  verb.add_option("--rate", options.rate,
                  "Messages a second of all senders, sent when they are due whether or not the "
                  "receivers keep up; max: as fast as they can (10k)")
      ->type_name("RATE");
  verb.add_option("--senders", plan.senders, "Sending processes (1)")
      ->check(CLI::Range(1u, kBenchWorkersMax))
      ->type_name("N");
  verb.add_option("--receivers", plan.receivers, "Receiving processes (1)")
      ->check(CLI::Range(1u, kBenchWorkersMax))
      ->type_name("N");
  auto* seconds =
      verb.add_option("--seconds", plan.seconds, "How long to measure (5)")->type_name("N");
  add_count(verb, "--messages", plan.messages, "Measure so many messages instead")
      ->excludes(seconds);
  verb.add_option("--batch", plan.batch, "Messages sent and received at once (1)")
      ->check(CLI::Range(1u, Leases::kCapacity))
      ->type_name("N");
  add_choice<Waiting>(
      verb, "--waiting", plan.waiting,
      {{"spin", Waiting::kSpin}, {"adaptive", Waiting::kAdaptive}, {"park", Waiting::kPark}},
      "How they wait: spin, adaptive or park (adaptive)");
  verb.add_option("--slots", plan.slots, "Slots of the queue, a power of two (4096)")
      ->type_name("N");
  verb.add_option("--groups", plan.groups,
                  "A FIFO queue with so many groups, which the senders use in turn")
      ->check(CLI::Range(1u, kBenchGroupsMax))
      ->type_name("N");
  verb.add_flag("--pin", plan.pin, "Keep each process on a core of its own, as far as there are");
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  auto& verb =
      add_verb(app, "bench", "Measure this machine, with processes on a temporary bus",
               "  ringpost bench\n"
               "  ringpost bench --size 1KiB --rate 50k --waiting spin --pin\n"
               "  ringpost bench --rate max --batch 10 --senders 2 --receivers 2\n"
               "  ringpost bench --groups 1000 --receivers 2\n"
               "  ringpost bench --seconds 30 --budget 10ms --svg latency.svg || echo too slow");
  verb.group("Watching and measuring");
  auto options = std::make_shared<Options>();
  add_plan_options(verb, *options);
  add_duration(verb, "--budget", options->budget,
               "Exit with 7 when the latency at the budget percentile is above this");
  verb.add_option("--budget-percentile", options->budget_percentile,
                  "Where the budget is looked at: 50 to 100 (99.9)")
      ->check(CLI::Range(50.0, 100.0))
      ->type_name("P");
  verb.add_option("--svg", options->svg, "Also draw the latency into this file")->type_name("FILE");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
