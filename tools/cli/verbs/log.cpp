// ringpost log: the logs of streams and durable queues on disk, checked, salvaged, recovered,
// looked into.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/json.hpp"
#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/progress.hpp"
#include "../support/stream_text.hpp"
#include "../support/units.hpp"
#include "ringpost/log_admin.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string what;  ///< a stream, a queue or a directory
  std::optional<std::string> shard;
  std::uint64_t from = 0;
  std::optional<std::uint64_t> count;
};

struct Log {
  std::string directory;
  std::uint64_t end = UINT64_MAX;  ///< known to be written
};

std::string range_text(const LogRange& range) {
  return fmt::format("positions {} to {}", format_count(range.from), format_count(range.to - 1));
}

JsonArray json_ranges(const std::vector<LogRange>& ranges) {
  JsonArray all;
  for (const LogRange& each : ranges) {
    all.push_back(JsonObject{{"from", each.from}, {"to", each.to}});
  }
  return all;
}

/// A directory with segments, or one with a directory for each shard.
std::vector<Log> logs_in(const std::string& path) {
  std::vector<Log> logs;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("shard-") && entry.is_directory()) logs.push_back({entry.path()});
  }
  if (logs.empty()) logs.push_back({path});
  std::sort(logs.begin(), logs.end(),
            [](const Log& a, const Log& b) { return a.directory < b.directory; });
  return logs;
}

/// Of a bus that is there the log goes as far as its writers say, or it could be in the middle of a
/// write.
void ask_the_bus(const Context& context, const std::string& stream, std::vector<Log>& logs) {
  auto bus = Bus::open(context.globals.bus, context.bus_options());
  auto opened = bus ? bus->open_stream(stream) : Result<Stream>(Unexpected(bus.error()));
  const auto stats = opened ? opened->stats() : Result<StreamStats>(Unexpected(opened.error()));
  if (!stats) return;
  for (Log& log : logs) {
    for (const ShardStats& each : stats->shards) {
      const std::string name = fmt::format("/shard-{:012}", each.shard);
      if (log.directory.ends_with(name)) log.end = each.written;
    }
  }
}

Failure no_such_log(const std::string& doing, const std::string& name) {
  return {ExitCode::kNotFound, ringpost::name(Errc::kNotFound),
          fmt::format("cannot {}: there is no stream or durable queue {}", doing, name),
          "those there are: ringpost stream list, ringpost queue list"};
}

Log log_of_queue(const Context& context, const std::string& queue, const std::string& directory,
                 bool in_use) {
  Log log{directory};
  if (!in_use) return log;
  BusOptions options = context.bus_options();
  options.create = false;
  auto bus = Bus::open(context.globals.bus, options);
  auto opened = bus ? bus->open_queue(queue) : Result<Queue>(Unexpected(bus.error()));
  if (opened) log.end = opened->stats().log_written;
  return log;
}

std::vector<Log> find_logs(Context& context, const Options& options, bool in_use) {
  std::vector<Log> logs;
  if (options.what.find('/') != std::string::npos || std::filesystem::is_directory(options.what)) {
    logs = logs_in(options.what);
  } else {
    const auto directories =
        stream_log_directories(context.globals.bus, options.what, context.bus_options());
    const auto of_queue =
        queue_log_directory(context.globals.bus, options.what, context.bus_options());
    if (!directories && directories.error() == Errc::kNotFound) {
      if (of_queue) return {log_of_queue(context, options.what, *of_queue, in_use)};
      throw no_such_log("find the log of " + options.what, options.what);
    }
    require_of_stream(context, directories, "find the log of stream " + options.what, options.what);
    for (const std::string& each : *directories) logs.push_back({each});
    if (in_use) ask_the_bus(context, options.what, logs);
  }
  if (options.shard) {
    const std::string name = fmt::format("/shard-{:012}", shard_of(*options.shard));
    std::erase_if(logs, [&](const Log& log) { return !log.directory.ends_with(name); });
    if (logs.empty()) {
      throw failure_of(Errc::kNotFound, context.subject("find " + *options.shard),
                       "it has no log there");
    }
  }
  return logs;
}

/// Says how far the reading of one log is.
class Watch {
 public:
  Watch(const Context& context, std::string verb)
      : verb_(std::move(verb)), shown_(!context.globals.quiet && !context.globals.json) {}
  OnLogProgress of_next_log() {
    progress_.reset();
    done_ = 0;
    return [this](std::uint64_t done, std::uint64_t total) {
      if (!progress_) progress_.emplace(verb_, shown_, total, "");
      progress_->add(0, done - done_, done - done_);
      done_ = done;
      return !interrupted();
    };
  }
  void clear() {
    if (progress_) progress_->clear();
  }

 private:
  std::string verb_;
  bool shown_;
  std::optional<Progress> progress_;
  std::uint64_t done_ = 0;
};

void print_report(Context& context, const std::string& directory, const LogReport& report) {
  if (context.globals.json) {
    JsonObject object{{"directory", directory},         {"segments", report.segments},
                      {"batches", report.batches},      {"records", report.records},
                      {"first", report.positions.from}, {"end", report.positions.to}};
    JsonArray findings;
    for (const LogFinding& each : report.findings) {
      findings.push_back(JsonObject{{"what", each.what},
                                    {"file", each.file},
                                    {"offset", each.offset},
                                    {"lost_from", each.lost.from},
                                    {"lost_to", each.lost.to}});
    }
    object["findings"] = std::move(findings);
    object["lost_before"] = json_ranges(report.lost_before);
    object["interrupted"] = report.was_stopped;
    context.out.line(json_line(object));
    return;
  }
  context.out.line(fmt::format(
      "{}: {} of {}, {}{}", directory, format_counted(report.records, "record"),
      format_counted(report.segments, "segment"),
      report.findings.empty() ? "whole" : format_counted(report.findings.size(), "finding"),
      report.was_stopped ? ", not read to its end" : ""));
  for (const LogFinding& each : report.findings) {
    const bool lost = each.lost.to > each.lost.from;
    context.out.line(fmt::format("  {} in {} at byte {}: {}", each.what, each.file,
                                 format_count(each.offset),
                                 lost ? range_text(each.lost) + " lost" : "nothing lost"));
  }
  for (const LogRange& each : report.lost_before) {
    context.out.line(fmt::format("  {} were lost before", range_text(each)));
  }
}

ExitCode verify(Context& context, const Options& options) {
  Watch watch(context, "verified");
  bool is_whole = true;
  for (const Log& log : find_logs(context, options, true)) {
    auto report = verify_log(log.directory, watch.of_next_log(), log.end);
    watch.clear();
    if (!report && report.error() == Errc::kNotFound) continue;  // nothing was put there yet
    require(report, context.subject("verify " + log.directory));
    is_whole = is_whole && report->findings.empty();
    print_report(context, log.directory, *report);
    if (interrupted()) return ExitCode::kSignal;
  }
  if (is_whole) return ExitCode::kOk;
  context.out.flush();
  context.note(
      fmt::format("what can be read is saved, and what is lost recorded, by: ringpost log "
                  "salvage {}",
                  options.what));
  return ExitCode::kFindings;
}

ExitCode salvage(Context& context, const Options& options) {
  Watch watch(context, "salvaged");
  for (const Log& log : find_logs(context, options, false)) {
    const auto salvaged = salvage_log(log.directory, watch.of_next_log());
    watch.clear();
    if (!salvaged && salvaged.error() == Errc::kNotFound) continue;
    require(salvaged, context.subject("salvage " + log.directory));
    if (context.globals.json) {
      JsonObject object{{"directory", log.directory},
                        {"segments_rewritten", salvaged->segments_rewritten},
                        {"records", salvaged->records}};
      object["lost"] = json_ranges(salvaged->lost);
      object["interrupted"] = interrupted();
      context.out.line(json_line(object));
    } else if (salvaged->segments_rewritten == 0) {
      context.report(fmt::format("{}: nothing to do", log.directory));
    } else {
      context.report(fmt::format("{}: wrote {} anew, with {}", log.directory,
                                 format_counted(salvaged->segments_rewritten, "segment"),
                                 format_counted(salvaged->records, "record")));
      for (const LogRange& each : salvaged->lost) {
        context.report(fmt::format("  {} lost", range_text(each)));
      }
    }
    if (interrupted()) return ExitCode::kSignal;
  }
  return ExitCode::kOk;
}

/// `stream`: or the queue's log, which has no shards.
void print_recovered(Context& context, const std::string& name, bool stream,
                     const RecoveredLog& log) {
  if (context.globals.json) {
    JsonObject object{{stream ? "stream" : "queue", name}};
    if (stream) object["shard"] = ShardInfo::id_of(log.shard);
    object["log_errno"] = log.log_errno;
    object["acknowledged"] = log.acknowledged;
    object["on_disk"] = log.on_disk;
    object["records"] = log.records;
    context.out.line(json_line(object));
    return;
  }
  context.report(
      fmt::format("{}: it had failed ({}); all before position {} had been acknowledged, "
                  "and is there",
                  stream ? ShardInfo::id_of(log.shard) : name, std::strerror(log.log_errno),
                  format_count(log.acknowledged)));
  if (log.on_disk > log.acknowledged) {
    context.report(fmt::format("  {} had not been, but were on disk",
                               range_text({log.acknowledged, log.on_disk})));
  }
  if (log.records != 0) {
    context.report(fmt::format("  {} had not been, and {} on disk now",
                               format_counted(log.records, "record"),
                               log.records == 1 ? "is" : "are"));
  }
}

ExitCode recover_of_queue(Context& context, Queue& queue) {
  const auto recovered = queue.recover_log();
  require(recovered, context.subject("recover the log of queue " + queue.name(), queue.name()));
  if (*recovered) {
    print_recovered(context, queue.name(), false, **recovered);
  } else if (!context.globals.json) {
    context.report(fmt::format("the log of queue {} has not failed", queue.name()));
  }
  return ExitCode::kOk;
}

ExitCode recover(Context& context, const std::string& name) {
  Bus bus = open_bus(context);
  auto stream = bus.open_stream(name);
  if (!stream && stream.error() == Errc::kNotFound) {
    auto queue = bus.open_queue(name);
    if (queue) return recover_of_queue(context, *queue);
    if (queue.error() == Errc::kNotFound) throw no_such_log("recover the log of " + name, name);
    require(queue, context.subject("open queue " + name, name));
  }
  require_of_stream(context, stream, "open stream " + name, name);
  const auto recovered = stream->recover_logs();
  require_of_stream(context, recovered, "recover the log of stream " + name, name);
  for (const RecoveredLog& log : *recovered) print_recovered(context, name, true, log);
  if (recovered->empty() && !context.globals.json) {
    context.report(fmt::format("no log of stream {} has failed", name));
  }
  return ExitCode::kOk;
}

void print_record(Context& context, const LogRecord& record) {
  if (context.globals.json) {
    JsonObject object{{"position", record.position}, {"arrival", iso_time(record.arrival)}};
    if (!record.about.empty()) object["about"] = record.about;
    if (record.is_end) {
      object["end"] = true;
    } else {
      object["key"] = record.key;
      const std::string_view data = as_text(record.data);
      if (is_utf8(data)) {
        object["data"] = data;
      } else {
        object["data_base64"] = base64(data);
      }
      object["bytes"] = data.size();
    }
    context.out.line(json_line(object));
    return;
  }
  if (record.is_end) {
    context.out.line(fmt::format("{:>12}  end of the shard", record.position));
    return;
  }
  context.out.line(
      fmt::format("{:>12}  {}  {}  {}", record.position, iso_time(record.arrival),
                  record.about.empty() ? printable(record.key) : std::string(record.about),
                  printable(as_text(record.data))));
}

ExitCode dump(Context& context, const Options& options) {
  std::uint64_t left = options.count.value_or(UINT64_MAX);
  for (const Log& log : find_logs(context, options, false)) {
    if (left == 0 || interrupted()) break;
    const auto dumped = dump_log(
        log.directory, options.from,
        [&](const LogRecord& record) {
          print_record(context, record);
          return --left != 0 && !interrupted();
        },
        [&](const LogRange& range) {
          context.out.flush();
          context.note(fmt::format("{} cannot be read", range_text(range)));
        });
    if (!dumped && dumped.error() == Errc::kNotFound) continue;
    require(dumped, context.subject("dump " + log.directory));
  }
  context.out.flush();
  return interrupted() ? ExitCode::kSignal : ExitCode::kOk;
}

void add_what(CLI::App& verb, Options& options) {
  verb.add_option("LOG", options.what, "A stream, a durable queue, or a directory (with a / in it)")
      ->required()
      ->type_name("");
  verb.add_option("--shard", options.shard, "Only this one: number or id")->type_name("SHARD");
}

}  // namespace

void add_log(CLI::App& app, Context& context) {
  CLI::App& log = *app.add_subcommand("log", "Check, salvage, recover and look into logs on disk");
  log.group("Streams")->require_subcommand(1);

  auto options = std::make_shared<Options>();
  auto& verify_verb = add_verb(log, "verify", "Read everything, say what is wrong; exit 6 if so",
                               "  ringpost log verify trades\n"
                               "  ringpost log verify /backup/trades/shard-000000000000 --json");
  add_what(verify_verb, *options);
  on_run(verify_verb, context, [&context, options] { return verify(context, *options); });

  auto& salvage_verb =
      add_verb(log, "salvage", "Make a damaged log usable: keep what can be read, record the rest",
               "  ringpost log salvage trades   # with nobody attached to the bus");
  add_what(salvage_verb, *options);
  on_run(salvage_verb, context, [&context, options] { return salvage(context, *options); });

  auto& recover_verb =
      add_verb(log, "recover", "Go on with a failed log of a stream or a durable queue",
               "  ringpost log recover trades   # once the disk is in order again");
  auto name = std::make_shared<std::string>();
  recover_verb.add_option("NAME", *name, "A stream or a durable queue")->required()->type_name("");
  on_run(recover_verb, context, [&context, name] { return recover(context, *name); });

  auto& dump_verb = add_verb(log, "dump", "Print the records of a log as they lie on disk",
                             "  ringpost log dump trades --shard 0\n"
                             "  ringpost log dump /backup/trades --json | jq -r .data");
  add_what(dump_verb, *options);
  dump_verb.add_option("--from", options->from, "From this position on (0)")->type_name("POSITION");
  add_count(dump_verb, "-n,--max", options->count, "At most so many records");
  on_run(dump_verb, context, [&context, options] { return dump(context, *options); });
}

}  // namespace ringpost::cli
