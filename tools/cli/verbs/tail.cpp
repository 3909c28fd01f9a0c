// ringpost get, ringpost tail: the records of a stream, those that are there or as they come.
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/progress.hpp"
#include "../support/stream_feed.hpp"
#include "../support/stream_text.hpp"
#include "../support/units.hpp"
#include "ringpost/consumer_group.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string stream;
  std::string from;
  std::optional<std::string> until;
  std::optional<std::string> shard;
  std::optional<std::string> group;
  std::optional<std::uint64_t> count;
  std::optional<Duration> wait;
  std::string format;
  bool nul_separated = false;
  bool live = false;
};

void refuse_contradictions(const Context& context, const Options& options) {
  if (context.globals.json && !options.format.empty()) {
    throw usage_failure("--json and --format exclude one another",
                        "drop one of them; --json prints all that --format can, and more");
  }
  if (options.count == 0u) throw usage_failure("-n 0 asks for no record", "give 1 or more");
  if (options.group && options.shard) {
    throw usage_failure("a consumer of a group reads the shards that it gets",
                        "drop --shard, or --group");
  }
}

/// Prints records as the user wants them.
class Printer {
 public:
  Printer(Context& context, const Options& options)
      : context_(context),
        stream_(options.stream),
        format_(options.format.empty() ? "{data}" : options.format),
        end_(options.nul_separated ? '\0' : '\n'),
        escape_(is_terminal(STDOUT_FILENO)) {}
  void print(const StreamRecord& record) {
    if (context_.globals.json) return context_.out.line(json_line(json_record(record, stream_)));
    text_.clear();
    format_.append(text_, record);
    context_.out.write(escape_ ? printable(text_) : text_);
    context_.out.write(std::string_view(&end_, 1));
  }

 private:
  Context& context_;
  std::string stream_;
  RecordFormat format_;
  char end_;
  bool escape_;
  std::string text_;
};

bool is_shown(const Context& context, const Options& options) {
  return !context.globals.quiet && !context.globals.json &&
         !(options.live && is_terminal(STDOUT_FILENO));
}

void read_feed(Context& context, const Options& options, Stream& stream, Printer& printer,
               Progress*& shown, std::optional<Progress>& progress) {
  FeedOptions feed_options;
  feed_options.from = from_of(options.from);
  if (options.shard) feed_options.shard = shard_of(*options.shard);
  if (options.until) feed_options.until = time_of(*options.until);
  feed_options.live = options.live;
  StreamFeed feed(context, stream, feed_options);
  progress.emplace("read", is_shown(context, options) && !is_terminal(STDOUT_FILENO),
                   options.live ? std::nullopt : std::optional(feed.work()), "record");
  shown = &*progress;
  const std::uint64_t most = options.count.value_or(UINT64_MAX);
  const Duration wait = options.wait.value_or(options.live ? kForever : Duration::zero());
  while (progress->count() < most) {
    // What was printed must be seen while nothing comes.
    const StreamRecord* record = feed.next(Duration::zero());
    if (record == nullptr && !feed.is_over()) {
      context.out.flush();
      record = feed.next(wait);
    }
    if (record == nullptr) break;
    printer.print(*record);
    progress->add(1, record->data.size(), feed.work_of_last());
  }
  if (feed.gaps() != 0) {
    context.note(fmt::format("{} records were gone before they were read",
                             feed.gaps() == 1 ? "once" : format_count(feed.gaps()) + " times"));
  }
}

void read_group(Context& context, const Options& options, Bus& bus, Printer& printer,
                Progress*& shown, std::optional<Progress>& progress) {
  ConsumerOptions consumer_options;
  consumer_options.from = from_of(options.from);
  if (options.count) {
    consumer_options.records_max =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(*options.count, 10'000));
  }
  auto consumer = Consumer::open(bus, options.stream, *options.group, consumer_options);
  require_of_stream(context, consumer, "join group " + *options.group, options.stream);
  progress.emplace("read", is_shown(context, options) && !is_terminal(STDOUT_FILENO), std::nullopt,
                   "record");
  shown = &*progress;
  const std::uint64_t most = options.count.value_or(UINT64_MAX);
  const Duration wait = options.wait.value_or(options.live ? kForever : Duration::zero());
  auto idle_since = std::chrono::steady_clock::now();
  while (progress->count() < most) {
    stop_if_interrupted();
    auto delivery = consumer->poll(std::min(wait, kInterruptSlice));
    require_of_stream(context, delivery, "read stream " + options.stream, options.stream);
    if (!*delivery) {
      if (std::chrono::steady_clock::now() - idle_since >= wait) return;
      continue;
    }
    idle_since = std::chrono::steady_clock::now();
    const StreamRecord* last = nullptr;
    for (const StreamRecord& record : (*delivery)->records) {
      if (progress->count() == most) break;
      printer.print(record);
      progress->add(1, record.data.size(), 0);
      last = &record;
    }
    context.out.flush();  // a checkpoint says that it was printed
    const auto done = last == nullptr ? consumer->checkpoint(**delivery)
                                      : consumer->checkpoint((*delivery)->shard, last->sequence);
    if (!done && !(done.error() == Errc::kLeaseLost)) {
      require_of_stream(context, done, "write a checkpoint", options.stream);
    }
  }
}

ExitCode end(Context& context, const Options& options, Progress* progress) {
  if (progress == nullptr) return interrupted() ? ExitCode::kSignal : ExitCode::kOk;
  progress->clear();
  if (interrupted() && context.globals.json) {
    context.out.flush();
    JsonObject summary{{"read", progress->count()},
                       {"bytes", progress->bytes()},
                       {"seconds", progress->seconds()},
                       {"interrupted", true}};
    JsonObject line;
    line["summary"] = std::move(summary);
    context.note(json_line(line));
  } else if (!context.globals.json &&
             (interrupted() || (progress->count() > 1 && is_terminal(STDERR_FILENO)))) {
    context.out.flush();
    context.note(progress->summary() + (interrupted() ? ", then interrupted" : ""));
  }
  if (interrupted()) return ExitCode::kSignal;
  if (progress->count() != 0) return ExitCode::kOk;
  print_nothing(context,
                Failure(ExitCode::kEmpty, name(Errc::kEmpty),
                        fmt::format("no record of stream {} is there", options.stream),
                        fmt::format("read older ones with --from trim, or wait: ringpost tail {}",
                                    options.stream)));
  return ExitCode::kEmpty;
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(context, options);
  Printer printer(context, options);
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.stream);
  std::optional<Progress> progress;
  Progress* shown = nullptr;
  try {
    if (options.group) {
      read_group(context, options, bus, printer, shown, progress);
    } else {
      read_feed(context, options, stream, printer, shown, progress);
    }
  } catch (const Interrupted&) {
  }
  return end(context, options, shown);
}

void add_options(CLI::App& verb, Options& options) {
  verb.group("Streams");
  add_stream_name(verb, options.stream);
  verb.add_option("--from", options.from,
                  "Where to begin: trim (the oldest), latest, seq:NUMBER, after:NUMBER, "
                  "time:2026-01-31T12:00:00Z, time:10m (ago)")
      ->type_name("PLACE")
      ->capture_default_str();
  verb.add_option("--shard", options.shard, "Only this one and its children: number or id")
      ->type_name("SHARD");
  add_count(verb, "-n,--max", options.count, "At most so many records");
  verb.add_option("--format", options.format,
                  "Print this for each: {sequence} {shard} {key} {hash_key} {arrival} {data} "
                  "{bytes}, with \\t \\n \\0")
      ->type_name("TEXT");
  verb.add_flag("-0,--null", options.nul_separated, "End each with a NUL byte, not a newline");
}

}  // namespace

void add_get(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "get", "Print the records of a stream that are there",
                        "  ringpost get trades > trades.txt\n"
                        "  ringpost get trades --from time:1h -n 100 --json | jq -r .data\n"
                        "  ringpost get trades --from time:2026-01-31T12:00:00Z --until "
                        "2026-01-31T13:00:00Z\n"
                        "  ringpost get trades --shard 0 --format '{sequence} {key} {data}'");
  auto options = std::make_shared<Options>();
  options->from = "trim";
  add_options(verb, *options);
  verb.add_option("--until", options->until, "Leave out what arrived later")->type_name("TIME");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

void add_tail(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "tail", "Print records as they come, also those from a place on",
                        "  ringpost tail trades\n"
                        "  ringpost tail trades --from trim --json | jq --unbuffered .data\n"
                        "  ringpost tail trades --from seq:NUMBER -n 10\n"
                        "  ringpost tail trades --group audit   # shares the shards with others");
  auto options = std::make_shared<Options>();
  options->from = "latest";
  options->live = true;
  add_options(verb, *options);
  verb.add_option("--group", options->group,
                  "As a consumer of this group: goes on where it was; --from is of a new one")
      ->type_name("NAME");
  add_duration(verb, "-w,--wait", options->wait, "End when none came for so long (for ever)");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
