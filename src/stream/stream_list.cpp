// The map for people, and what can be counted.
#include <algorithm>
#include <bit>

#include "stream/stream_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {
namespace {

/// Of a closed shard: Kinesis has the last index that there can be.
constexpr std::uint64_t kEndIndex = 0x7fff'ffff'ffff'ffff;

WallTime time_of(std::uint64_t wall_ns) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(wall_ns))));
}
std::int64_t ns_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

ShardInfo StreamCore::info_of(const stream::ShardRecord& shard) const {
  ShardInfo info{.number = shard.number,
                 .first = shard.range.first,
                 .last = shard.range.last,
                 .parent = shard.parent,
                 .adjacent_parent = shard.adjacent_parent,
                 .start = {shard.created_s, shard.number, 0, shard.created_ns / 1'000'000'000},
                 .end = std::nullopt,
                 .created = time_of(shard.created_ns),
                 .closed = {}};
  if (shard.end) {
    info.end =
        SequenceNumber{shard.created_s, shard.number, kEndIndex, shard.closed_ns / 1'000'000'000};
    info.closed = time_of(shard.closed_ns);
  }
  // Parents that are not listed any more are not named.
  const auto is_listed = [this](std::uint32_t number) { return !is_gone(map_.shards()[number]); };
  if (info.parent && !is_listed(*info.parent)) info.parent.reset();
  if (info.adjacent_parent && !is_listed(*info.adjacent_parent)) info.adjacent_parent.reset();
  return info;
}

Result<std::vector<ShardInfo>> StreamCore::shards(const ShardFilter& filter) {
  if (const Errc code = begin(); code != Errc::kOk) {
    return sys::error(code, "stream \"" + name() + "\"", message(code));
  }
  using Kind = ShardFilter::Kind;
  const std::int64_t at = filter.kind == Kind::kAtTrimHorizon ? horizon_ns() : ns_of(filter.time);
  const auto is_wanted = [&](const stream::ShardRecord& shard) {
    const bool begun_by_then = static_cast<std::int64_t>(shard.created_ns) <= at;
    const bool open_then = !shard.end || static_cast<std::int64_t>(shard.closed_ns) >= at;
    switch (filter.kind) {
      case Kind::kAtLatest:
        return !shard.end;
      case Kind::kAfterShard:
        return shard.number > filter.shard;
      case Kind::kFromTime:
        return open_then;
      case Kind::kAtTime:
        return begun_by_then && open_then;
      case Kind::kAtTrimHorizon:
        // Younger than retention: the first shards were the ones at its beginning.
        return (begun_by_then || !shard.parent) && open_then;
      case Kind::kFromTrimHorizon:
        break;
    }
    return true;
  };
  std::vector<ShardInfo> infos;
  for (const stream::ShardRecord& shard : map_.shards()) {
    if (map_.has_begun(shard) && !is_gone(shard) && is_wanted(shard)) {
      infos.push_back(info_of(shard));
    }
  }
  return infos;
}

Result<std::vector<ShardInfo>> StreamCore::children_of(std::uint32_t shard) {
  if (const Errc code = begin(); code != Errc::kOk) {
    return sys::error(code, "stream \"" + name() + "\"", message(code));
  }
  const stream::ShardRecord* const parent = map_.find(shard);
  if (parent == nullptr || !parent->end) {
    return sys::error(Errc::kNotFound, ShardInfo::id_of(shard), "it is open");
  }
  std::vector<ShardInfo> infos;
  for (const std::uint32_t child : parent->children) infos.push_back(info_of(map_.shards()[child]));
  return infos;
}

/// The process that has the writer role; 0: nobody, or somebody who is dead.
std::int32_t StreamCore::writer_of(const journal::JournalView& view) const {
  const journal::WriterWord writer{view.hot().writer.load(std::memory_order_acquire)};  // [writer]
  if (writer.free() || !alive_.is_alive(writer.holder())) return 0;
  return static_cast<std::int32_t>(member_.bus().participant(writer.index()).pid);
}

Result<StreamStats> StreamCore::stats() {
  const auto listed = shards({});
  if (!listed) return Unexpected(listed.error());
  StreamStats stats{.records = control_.sum(stream::kRecords),
                    .bytes = control_.sum(stream::kBytes),
                    .full = control_.sum(stream::kFull),
                    .throttled = control_.sum(stream::kThrottled),
                    .records_read = control_.sum(stream::kRecordsRead),
                    .bytes_read = control_.sum(stream::kBytesRead),
                    .lapped = control_.sum(stream::kLapped),
                    .memory_bytes = control_.bytes(),
                    .log_bytes = 0,
                    .open_shards = map_.open(),
                    .shards = {}};
  for (const ShardInfo& info : *listed) {
    ShardStats one{.shard = info.number, .open = info.is_open()};
    Shard* shard = nullptr;
    if (const Errc code = open_shard(info.number, shard); code != Errc::kOk) {
      return sys::error(code, info.id(), message(code));
    }
    if (shard->journal != nullptr) {
      const journal::JournalView& view = shard->journal->view();
      static_cast<void>(shard->journal->producer().frontier(one.published));
      one.written = view.hot().drain.load(std::memory_order_relaxed);
      one.durable = shard->journal->durable();
      one.ring_bytes = control_.ring_bytes();
      one.writer_pid = writer_of(view);
      one.log_errno = static_cast<int>(view.hot().failed.load(std::memory_order_relaxed));
      const auto cells_log2 = static_cast<std::uint32_t>(std::countr_zero(view.cells()));
      stats.memory_bytes += journal::JournalGeometry::of(cells_log2).file_bytes;
    } else if (const auto* const record = map_.find(info.number); record->end) {
      one.published = one.written = one.durable = *record->end;
    }
    if (shard->directory != nullptr) {
      const auto names = shard->directory->names();
      if (!names) return Unexpected(names.error());
      for (const std::string& file : *names) {
        if (file.ends_with(".segment")) ++one.segments;
      }
      one.log_bytes = one.segments * *settings_.segment_bytes;
      stats.log_bytes += one.log_bytes;
    }
    stats.shards.push_back(one);
  }
  return stats;
}

}  // namespace ringpost::detail
