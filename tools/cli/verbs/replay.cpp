// ringpost replay: the records of a stream again, at the pace at which they came or any other.
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/progress.hpp"
#include "../support/stream_feed.hpp"
#include "../support/stream_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string stream;
  std::string from = "trim";
  std::optional<std::string> until;
  std::optional<std::string> shard;
  std::string speed = "max";
  std::string to = "stdout";
  bool nul_separated = false;
};

/// Times the pace at which the records came; nothing: as fast as possible.
std::optional<double> speed_of(const std::string& text) {
  if (text == "max") return std::nullopt;
  char* end = nullptr;
  const double factor = std::strtod(text.c_str(), &end);
  const bool has_unit = std::string_view(end) == "x" || *end == '\0';
  if (end == text.c_str() || !has_unit || !(factor > 0) || !std::isfinite(factor)) {
    throw usage_failure(fmt::format("\"{}\" is no speed", printable(text)),
                        "write 1x, 10x, 0.5x or max");
  }
  return factor;
}

/// Waits until a record's time has come.
class Pace {
 public:
  explicit Pace(std::optional<double> speed) : speed_(speed) {}
  void wait(WallTime arrival) {
    if (!speed_) return;
    if (!std::exchange(has_begun_, true)) {
      first_ = arrival;
      begin_ = std::chrono::steady_clock::now();
    }
    const std::chrono::duration<double> after = (arrival - first_) / *speed_;
    const auto due =
        begin_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(after);
    const auto now = std::chrono::steady_clock::now();
    if (due > now) sleep_or_stop(due - now);
  }

 private:
  std::optional<double> speed_;
  bool has_begun_ = false;
  WallTime first_{};
  std::chrono::steady_clock::time_point begin_{};
};

/// Where the records go.
class Target {
 public:
  Target(Context& context, Bus& bus, const Options& options)
      : context_(context), stream_(options.stream), end_(options.nul_separated ? '\0' : '\n') {
    constexpr std::string_view kQueue = "queue:";
    if (options.to == "stdout") return;
    if (!options.to.starts_with(kQueue) || options.to.size() == kQueue.size()) {
      throw usage_failure(fmt::format("\"{}\" is no place to replay to", printable(options.to)),
                          "write queue:NAME or stdout");
    }
    queue_ = open_queue(context, bus, options.to.substr(kQueue.size()));
    fifo_ = queue_->settings().fifo.value_or(false);
  }
  void take(const StreamRecord& record) {
    if (queue_) return send(record);
    if (context_.globals.json) return context_.out.line(json_line(json_record(record, stream_)));
    context_.out.write(as_text(record.data));
    context_.out.write(std::string_view(&end_, 1));
  }
  [[nodiscard]] bool is_queue() const noexcept { return queue_.has_value(); }

 private:
  void send(const StreamRecord& record) {
    const std::string number = record.sequence.to_string();
    SendOptions options;
    if (fifo_) {
      options.group = record.key;
      options.dedup_id = number;
    }
    options.wait = kInterruptSlice;
    while (true) {
      const auto sent = queue_->send(record.data, options);
      if (sent) return;
      if (sent.error() != Errc::kFull) {
        throw failure_of(sent.error(), context_.subject("replay record " + number, queue_->name()));
      }
      stop_if_interrupted();
    }
  }
  Context& context_;
  std::string stream_;
  char end_;
  std::optional<Queue> queue_;
  bool fifo_ = false;
};

ExitCode run(Context& context, const Options& options) {
  Pace pace(speed_of(options.speed));
  FeedOptions feed_options;
  feed_options.from = from_of(options.from);
  if (options.shard) feed_options.shard = shard_of(*options.shard);
  if (options.until) feed_options.until = time_of(*options.until);
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.stream);
  Target target(context, bus, options);
  StreamFeed feed(context, stream, feed_options);
  const bool shown = !context.globals.quiet && !context.globals.json &&
                     (target.is_queue() || !is_terminal(STDOUT_FILENO));
  Progress progress("replayed", shown, feed.work(), "record");
  try {
    while (const StreamRecord* const record = feed.next(kForever)) {
      if (speed_of(options.speed)) context.out.flush();
      pace.wait(record->arrival);
      target.take(*record);
      progress.add(1, record->data.size(), feed.work_of_last());
    }
  } catch (const Interrupted&) {
  }
  progress.clear();
  context.out.flush();
  if (context.globals.json) {
    JsonObject summary{{"stream", options.stream},
                       {"replayed", progress.count()},
                       {"bytes", progress.bytes()},
                       {"seconds", progress.seconds()},
                       {"interrupted", interrupted()}};
    if (target.is_queue()) {
      context.out.line(json_line(summary));
    } else {
      context.note(json_line(JsonObject{{"summary", std::move(summary)}}));
    }
  } else {
    context.note(progress.summary() + (interrupted() ? ", then interrupted" : ""));
  }
  return interrupted() ? ExitCode::kSignal : ExitCode::kOk;
}

}  // namespace

void add_replay(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "replay", "Give the records of a stream again, at any pace",
                        "  ringpost replay trades --to queue:backtest\n"
                        "  ringpost replay trades --from time:1h --speed 10x | ./strategy\n"
                        "  ringpost replay trades --from time:2026-01-31T12:00:00Z --until "
                        "2026-01-31T13:00:00Z --speed 1x");
  verb.group("Streams");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->stream);
  verb.add_option("--from", options->from,
                  "Where to begin: trim (the oldest), seq:NUMBER, after:NUMBER, time:TIME")
      ->type_name("PLACE")
      ->capture_default_str();
  verb.add_option("--until", options->until, "Leave out what arrived later")->type_name("TIME");
  verb.add_option("--shard", options->shard, "Only this one and its children: number or id")
      ->type_name("SHARD");
  verb.add_option("--speed", options->speed,
                  "Times the pace at which they came: 1x, 10x; max: as fast as possible")
      ->type_name("SPEED")
      ->capture_default_str();
  verb.add_option("--to", options->to,
                  "queue:NAME (of a FIFO queue the key is the group) or stdout")
      ->type_name("PLACE")
      ->capture_default_str();
  verb.add_flag("-0,--null", options->nul_separated,
                "On standard output end each with a NUL byte, not a newline");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
