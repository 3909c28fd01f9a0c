// Logs on disk, without a bus.
#include "ringpost/log_admin.hpp"

#include <algorithm>

#include "disk/open.hpp"
#include "durable/owner.hpp"
#include "durable/record.hpp"
#include "log/names.hpp"
#include "log/reader.hpp"
#include "log/salvage.hpp"
#include "log/verify.hpp"
#include "shm/bus_files.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost {
namespace {

constexpr std::string_view kShardPrefix = "shard-";

LogRange range_of(const log::Gap& gap) { return {gap.from, gap.to}; }

/// A directory in which there is a log.
Result<std::unique_ptr<disk::Directory>> open_log(const std::string& path, disk::Access access) {
  auto directory = disk::open_directory(path, {.access = access});
  if (!directory) return directory;
  const auto files = log::list_files(**directory);
  if (!files) return Unexpected(files.error());
  if (!files->segments.empty()) return directory;
  return sys::error(Errc::kNotFound, path, "there are no segments of a log");
}

/// Of the first segment that says so.
Result<log::LogOptions> options_of(disk::Directory& directory) {
  const auto files = log::list_files(directory);
  if (!files) return Unexpected(files.error());
  for (const std::uint64_t base : files->segments) {
    const auto segment = log::open_segment(directory, base, 0);
    if (!segment) continue;
    log::LogOptions options;
    options.log_id = segment->header.log_id;
    options.segment_bytes = segment->header.segment_bytes;
    return options;
  }
  return sys::error(Errc::kDamaged, directory.path(), "no header of a segment can be read");
}

std::function<bool(const log::VerifyProgress&)> forwarded(const OnLogProgress& on_progress) {
  if (!on_progress) return {};
  return [&on_progress](const log::VerifyProgress& progress) {
    return on_progress(progress.bytes_done, progress.bytes_total);
  };
}

/// Locks out the processes of the bus whose log it is: <state>/<bus>/streams/<name>/<shard> or
/// <state>/<bus>/queues/<name>/log. One that lies elsewhere, a copy, is nobody's.
Result<sys::Fd> lock_owner(const std::string& directory) {
  const auto bus = sys::open_directory(directory + "/../../..", false, 0);
  auto owner = bus ? sys::open_file(*bus, "owner") : Result<sys::Fd>(Unexpected(bus.error()));
  if (!owner) return sys::Fd();
  if (sys::try_lock_byte(*owner, durable::kUserByte)) return owner;
  return sys::error(Errc::kBusy, directory, "processes are attached to its bus: stop them first");
}

LogRecord shown(const log::RecordView& view) {
  LogRecord record;
  record.position = view.header.position;
  record.arrival = WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(view.header.arrival_ns)));
  record.is_end = view.header.kind == log::RecordKind::kEnd;
  record.key = view.key();
  record.data = view.data();
  record.about = durable::text_of(view);
  if (const auto message = durable::read_send(view)) {
    record.data = message->content.first(message->body_bytes);
  } else if (!record.about.empty()) {
    record.data = {};
  }
  return record;
}

}  // namespace

Result<std::vector<std::string>> stream_log_directories(std::string_view bus,
                                                        std::string_view stream,
                                                        const BusOptions& options) {
  const std::string path =
      shm::state_directory(options) + "/" + std::string(bus) + "/streams/" + std::string(stream);
  const auto directory = sys::open_directory(path, false, 0);
  if (!directory && directory.error() == Errc::kNotFound) {
    return sys::error(Errc::kNotFound, "stream \"" + std::string(stream) + "\"",
                      "has no log in " + path);
  }
  if (!directory) return Unexpected(directory.error());
  const auto names = sys::names_in(*directory);
  if (!names) return Unexpected(names.error());
  std::vector<std::string> shards;
  for (const std::string& name : *names) {
    if (name.starts_with(kShardPrefix)) shards.push_back(path + "/" + name);
  }
  return shards;
}

Result<std::string> queue_log_directory(std::string_view bus, std::string_view queue,
                                        const BusOptions& options) {
  std::string path = shm::state_directory(options) + "/" + std::string(bus) + "/queues/" +
                     std::string(queue) + "/log";
  if (const auto directory = sys::open_directory(path, false, 0); !directory) {
    if (!(directory.error() == Errc::kNotFound)) return Unexpected(directory.error());
    return sys::error(Errc::kNotFound, "queue \"" + std::string(queue) + "\"",
                      "has no log in " + path);
  }
  return path;
}

Result<LogReport> verify_log(const std::string& path, const OnLogProgress& on_progress,
                             std::uint64_t end) {
  auto directory = open_log(path, disk::Access::kRead);
  if (!directory) return Unexpected(directory.error());
  log::VerifyOptions options;
  options.bound = end;
  options.on_progress = forwarded(on_progress);
  const auto verified = log::verify(**directory, options);
  if (!verified) return Unexpected(verified.error());
  LogReport report;
  report.segments = verified->segments;
  report.batches = verified->batches;
  report.records = verified->records;
  report.positions = {verified->first, verified->end};
  report.was_stopped = verified->was_stopped;
  for (const log::Finding& each : verified->findings) {
    report.findings.push_back({log::name(each.fault), each.file, each.offset, range_of(each.lost)});
  }
  for (const log::Gap& each : verified->salvaged) report.lost_before.push_back(range_of(each));
  return report;
}

Result<LogSalvage> salvage_log(const std::string& path, const OnLogProgress& on_progress) {
  auto directory = open_log(path, disk::Access::kWrite);
  if (!directory) return Unexpected(directory.error());
  const auto locked = lock_owner(path);
  if (!locked) return Unexpected(locked.error());
  const auto options = options_of(**directory);
  if (!options) return Unexpected(options.error());
  const auto salvaged = log::salvage(**directory, *options, forwarded(on_progress));
  if (!salvaged) return Unexpected(salvaged.error());
  LogSalvage result;
  result.segments_rewritten = salvaged->rewritten.size();
  result.records = salvaged->records;
  for (const log::Gap& each : salvaged->lost) result.lost.push_back(range_of(each));
  return result;
}

Result<void> dump_log(const std::string& path, std::uint64_t from,
                      const std::function<bool(const LogRecord&)>& show,
                      const std::function<void(const LogRange&)>& lost) {
  auto directory = open_log(path, disk::Access::kRead);
  if (!directory) return Unexpected(directory.error());
  auto reader = log::Reader::open(**directory);
  if (!reader) return Unexpected(reader.error());
  const auto end = (*reader)->find_end();
  // Of a damaged one what there is: as far as records go.
  const std::uint64_t bound = end ? *end : UINT64_MAX;
  const auto first = (*reader)->first();
  if (!first) return Unexpected(first.error());
  (*reader)->seek(std::max(from, *first));  // what was dropped, or never was, is not lost
  while (true) {
    const auto record = (*reader)->next(bound);
    if (record) {
      if (!show(shown(*record))) return {};
      continue;
    }
    const Errc code = record.error();
    if (code == Errc::kEmpty) return {};
    if (code != Errc::kLapped && code != Errc::kDamaged) {
      return sys::error(code, path, message(code));
    }
    const LogRange gap = range_of((*reader)->gap());
    if (lost) lost(gap);
    if (code == Errc::kDamaged) {
      (*reader)->skip();
      if (gap.to >= bound) return {};
    }
  }
}

}  // namespace ringpost
