#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "../support/bus_watch.hpp"
#include "../support/interrupt.hpp"
#include "../support/options.hpp"
#include "../support/top_frame.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  Duration interval = std::chrono::seconds(1);
  std::optional<std::uint64_t> count;
  Duration late{static_cast<Duration::rep>(kLateNs)};
  TopOrder order = TopOrder::kName;
};

enum class Key { kNone, kQuit, kSort };

/// Waits out the interval, unless a key is pressed. Throws Interrupted.
Key wait_for_key(Duration interval, bool has_keys) {
  if (!has_keys) {
    sleep_or_stop(interval);
    return Key::kNone;
  }
  pollfd waiters[2] = {{interrupt_descriptor(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  const timespec timeout{interval.count() / 1'000'000'000, interval.count() % 1'000'000'000};
  ppoll(waiters, 2, &timeout, nullptr);
  stop_if_interrupted();
  if ((waiters[1].revents & (POLLIN | POLLHUP)) == 0) return Key::kNone;
  char key = 'q';
  if (read(STDIN_FILENO, &key, 1) <= 0) return Key::kQuit;
  if (key == 'q' || key == 'Q' || key == 4 || key == 27) return Key::kQuit;
  return key == 's' ? Key::kSort : Key::kNone;
}

struct Watches {
  BusWatch queues;
  TopicWatch topics;
  bool with_topics = false;

  void look() {
    if (with_topics) topics.look();
    queues.look();
  }
};

/// Full screen: drawn anew each interval and when a key changes the order.
void run_on_screen(Context& context, const Bus& bus, Watches& watches, TopFrame frame,
                   const Options& options) {
  const BusWatch& watch = watches.queues;
  FullScreen screen;
  for (std::uint64_t looks = 0; !options.count || looks <= *options.count; ++looks) {
    watches.look();
    auto next = BusWatch::Clock::now() + options.interval;
    while (true) {
      const ScreenSize size = screen_size(STDOUT_FILENO);
      screen.show(frame.draw(bus, watch, context.paint_for_output(), size));
      const auto left = std::chrono::duration_cast<Duration>(next - BusWatch::Clock::now());
      if (left <= Duration::zero()) break;
      const Key key = wait_for_key(left, screen.has_keys());
      if (key == Key::kQuit) return;
      if (key == Key::kSort) frame.next_order();
    }
  }
}

/// Anything else than a terminal: one block, or one JSON object, an interval.
void run_as_stream(Context& context, const Bus& bus, Watches& watches, const TopFrame& frame,
                   const Options& options) {
  const BusWatch& watch = watches.queues;
  watches.look();
  for (std::uint64_t looks = 0; !options.count || looks < *options.count; ++looks) {
    sleep_or_stop(options.interval);
    watches.look();
    if (context.globals.json) {
      context.out.line(json_line(frame.json(bus, watch)));
    } else {
      context.out.line(frame.draw(bus, watch, Paint(), {200, kEndlessRows}));
    }
    context.out.flush();
  }
}

void print_summary(Context& context, const BusWatch& watch, const TopFrame& frame) {
  if (context.globals.quiet) return;
  if (context.globals.json) {
    JsonObject line;
    line["summary"] = frame.json_summary(watch);
    context.note(json_line(line));
  } else {
    context.note(frame.summary(watch));
  }
}

ExitCode run(Context& context, const Options& options) {
  if (options.interval < std::chrono::milliseconds(10)) {
    throw usage_failure("the interval is shorter than 10ms", "try --interval 100ms");
  }
  Bus bus = open_bus(context);
  for (const std::string& name : options.names) open_queue(context, bus, name);
  Watches watches{BusWatch(bus, options.names), TopicWatch(bus), options.names.empty()};
  const TopFrame frame(static_cast<std::uint64_t>(options.late.count()), options.order,
                       watches.with_topics ? &watches.topics : nullptr);
  ExitCode exit_code = ExitCode::kOk;
  try {
    if (context.globals.json || !is_terminal(STDOUT_FILENO)) {
      run_as_stream(context, bus, watches, frame, options);
    } else {
      run_on_screen(context, bus, watches, frame, options);
    }
  } catch (const Interrupted&) {
    exit_code = ExitCode::kSignal;
  }
  print_summary(context, watches.queues, frame);
  return exit_code;
}

}  // namespace

void add_top(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "top", "Watch all queues and topics live: rates, backlog, latency",
                        "  ringpost top\n"
                        "  ringpost top orders payments --interval 500ms\n"
                        "  ringpost top --json --count 60 > minute.jsonl");
  verb.group("Watching and measuring");
  auto options = std::make_shared<Options>();
  verb.add_option("QUEUE", options->names, "Names of queues (all of the bus)")->type_name("");
  add_duration(verb, "-i,--interval", options->interval, "Time between two looks (1s)");
  add_count(verb, "--count", options->count, "End after so many intervals");
  add_duration(verb, "--late", options->late, "A message is late beyond this latency (10ms)");
  add_choice<TopOrder>(
      verb, "--sort", options->order,
      {{"name", TopOrder::kName}, {"rate", TopOrder::kRate}, {"backlog", TopOrder::kBacklog}},
      "By name, rate or backlog (name); the s key changes it");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
