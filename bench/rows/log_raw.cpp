// Rows log/raw/…: the bare loops by themselves, the limits of this machine's disk.
#include "rows/log_raw.hpp"

#include <fmt/format.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/crc32c.hpp"
#include "harness/drive_round_trip.hpp"
#include "harness/runner.hpp"
#include "peers/futex.hpp"
#include "peers/raw_log.hpp"
#include "rows/one_process.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

using peers::RawBuffer;
using peers::RawFile;
using peers::RawRing;

constexpr std::size_t kRecordBytes = 1024;

struct UnderWay {
  std::size_t write_bytes;
  unsigned depth;
};
constexpr std::array kUnderWay = {UnderWay{256 * 1024, 4}, UnderWay{512 * 1024, 4},
                                  UnderWay{1024 * 1024, 2}};

std::string name_of(const UnderWay& way) {
  return fmt::format("{} KiB × {}", way.write_bytes / 1024, way.depth);
}

/// Keeps writes under way until the time is over, then waits for them. Returns how many.
std::uint64_t overwrite(RawRing& ring, const RunSettings& settings) {
  std::uint64_t writes = 0;
  for (unsigned slot = 0; slot < ring.depth(); ++slot) ring.write(slot);
  ring.submit();
  until_time_is_over(settings, [&] {
    ring.write(ring.reap());
    ring.submit();
    ++writes;
  });
  for (unsigned left = ring.depth(); left > 0; --left, ++writes) ring.reap();
  return writes;
}

/// The same; one sync is under way all the time and covers what had completed before it.
std::uint64_t overwrite_durably(RawRing& ring, const RunSettings& settings) {
  std::uint64_t covered = 0;
  std::uint64_t durable = 0;
  std::uint64_t completed = 0;
  bool syncing = false;
  const auto step = [&](bool more) {
    const unsigned token = ring.reap();
    if (token == RawRing::kSyncToken) {
      syncing = false;
      durable += covered;
    } else {
      ++completed;
      if (more) ring.write(token);
    }
    if (!syncing && completed > 0) {
      ring.sync();
      syncing = true;
      covered = std::exchange(completed, 0);
    }
    ring.submit();
  };
  for (unsigned slot = 0; slot < ring.depth(); ++slot) ring.write(slot);
  ring.submit();
  until_time_is_over(settings, [&] { step(true); });
  const std::uint64_t wanted = durable + (syncing ? covered : 0) + completed + ring.depth();
  while (durable < wanted) step(false);
  return durable;
}

/// Each write with RWF_DSYNC.
std::uint64_t overwrite_with_dsync(RawRing& ring, const RunSettings& settings) {
  std::uint64_t writes = 0;
  for (unsigned slot = 0; slot < ring.depth(); ++slot) ring.write(slot, RWF_DSYNC);
  ring.submit();
  until_time_is_over(settings, [&] {
    ring.write(ring.reap(), RWF_DSYNC);
    ring.submit();
    ++writes;
  });
  for (unsigned left = ring.depth(); left > 0; --left, ++writes) ring.reap();
  return writes;
}

using Overwrite = std::uint64_t (*)(RawRing&, const RunSettings&);

RunResult run_overwrite(const UnderWay& way, Overwrite how, const RunSettings& settings) {
  RawRing ring(RawFile::shared(), way.write_bytes, way.depth);
  const Ticks begin = ticks_now();
  const std::uint64_t writes = how(ring, settings);
  return result_of_one_process(writes * way.write_bytes / kRecordBytes, ticks_now() - begin, true);
}

/// A megabyte of records into another one, again and again: what gathering a batch costs at least.
RunResult run_copy_and_crc(const RunSettings& settings) {
  static const RawBuffer from(4 << 20);
  static const RawBuffer to(1 << 20);
  constexpr std::size_t kBetweenLooks = 64;
  std::uint32_t sum = 0;
  std::size_t source = 0;
  std::size_t target = 0;
  const Ticks begin = ticks_now();
  const auto rounds = until_time_is_over(settings, [&] {
    for (std::size_t i = 0; i < kBetweenLooks; ++i) {
      std::memcpy(to.data() + target, from.data() + source, kRecordBytes);
      sum += base::crc32c({to.data() + target, kRecordBytes}, 1);
      source = (source + kRecordBytes) % from.size();
      target = (target + kRecordBytes) % to.size();
    }
  });
  const Ticks took = ticks_now() - begin;
  asm volatile("" : : "r"(sum));
  return result_of_one_process(rounds * kBetweenLooks, took, true);
}

/// The lesser of two limits, both measured in this run.
RunResult run_append(const UnderWay& way, const RunSettings& settings) {
  RunSettings half = settings;
  half.slice_ms /= 2;
  const RunResult disk = run_overwrite(way, overwrite, half);
  const RunResult core = run_copy_and_crc(half);
  return disk.rate < core.rate ? disk : core;
}

RunResult run_commits(std::size_t bytes, std::size_t records, const RunSettings& settings) {
  RawFile& file = RawFile::shared();
  const RawBuffer memory(bytes);
  const OnFirstCore pinned;  // as putters are
  RunResult result;
  Histogram latency;
  const Ticks begin = ticks_now();
  Ticks last = begin;
  const auto writes = until_time_is_over(settings, [&] {
    file.write_durably(memory.data(), bytes);
    const Ticks now = ticks_now();
    latency.record(now - last);
    last = now;
  });
  result = result_of_one_process(writes * records, last - begin, true);
  result.latency = latency;
  return result;
}

/// One process asks by a futex, another one writes and answers by a futex.
class CommitElsewhere {
 public:
  explicit CommitElsewhere(const ChannelOptions& options)
      : file_(RawFile::shared()), memory_(peers::kRawBlockBytes), wakes_(options) {}

  class Server {
   public:
    explicit Server(CommitElsewhere& of) : of_(&of), side_(of.wakes_.server()) {}
    bool serve() {
      return side_.serve(
          [this] { of_->file_.write_durably(of_->memory_.data(), of_->memory_.size()); });
    }

   private:
    CommitElsewhere* of_;
    peers::Futex::Side side_;
  };
  peers::Futex::Side client() noexcept { return wakes_.client(); }
  Server server() noexcept { return Server(*this); }

 private:
  RawFile& file_;
  RawBuffer memory_;
  peers::Futex wakes_;
};

}  // namespace

namespace rivals {

std::vector<Variant> raw_append() {
  std::vector<Variant> variants;
  for (const UnderWay& way : kUnderWay) {
    variants.push_back(
        {name_of(way), [way](const RunSettings& settings) { return run_append(way, settings); }});
  }
  return variants;
}

std::vector<Variant> raw_append_durable() {
  std::vector<Variant> variants;
  const auto add = [&](const UnderWay& way, const char* how_named, Overwrite how) {
    variants.push_back({name_of(way) + how_named, [way, how](const RunSettings& settings) {
                          return run_overwrite(way, how, settings);
                        }});
  };
  for (const UnderWay& way : kUnderWay) add(way, ", syncs beside", overwrite_durably);
  add({512 * 1024, 4}, ", RWF_DSYNC", overwrite_with_dsync);
  return variants;
}

std::vector<Variant> raw_commit() {
  return {{"RWF_DSYNC", [](const RunSettings& settings) {
             return run_commits(peers::kRawBlockBytes, 1, settings);
           }}};
}

std::vector<Variant> raw_commit_elsewhere() {
  return {{"RWF_DSYNC, two wakes", round_trip_of_pair<CommitElsewhere>(ChannelOptions{})}};
}

std::vector<Variant> raw_group_commit(std::size_t records) {
  const std::size_t bytes = round_up(records * kRecordBytes, peers::kRawBlockBytes);
  return {{fmt::format("RWF_DSYNC of {} KiB", bytes / 1024),
           [=](const RunSettings& settings) { return run_commits(bytes, records, settings); }}};
}

std::vector<Variant> copy_and_crc() { return {{"", run_copy_and_crc}}; }

}  // namespace rivals

void add_log_raw_rows(Rows& rows) {
  const auto add = [&](const char* name, Unit unit, std::vector<Variant> subject) {
    rows.push_back({name, unit, std::move(subject), {}, false});
  };
  add("log/raw/append", Unit::kPerSecond, rivals::raw_append());
  add("log/raw/append/durable", Unit::kPerSecond, rivals::raw_append_durable());
  add("log/raw/commit", Unit::kNanoseconds, rivals::raw_commit());
  add("log/raw/commit/elsewhere", Unit::kNanoseconds, rivals::raw_commit_elsewhere());
  add("log/raw/commit/groups8", Unit::kPerSecond, rivals::raw_group_commit(8));
  add("log/raw/copy_crc", Unit::kPerSecond, rivals::copy_and_crc());
}

}  // namespace ringpost::bench
