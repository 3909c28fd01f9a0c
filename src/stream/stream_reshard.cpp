// Split and merge.
//
//   1  the children get journals and logs
//   2  they stand in the map, and in their parents; on disk first
//   3  each parent's journal is closed: one CAS at its tail. From then on its keys go to the
//   children 4  the map says where the parents end
//
// Whoever puts goes by 3 alone and needs nobody for the rest. A resharder that dies or stops after
// 2 is finished by the next one who changes the stream; before, there are files that nobody names.
#include <algorithm>
#include <bit>

#include "stream/settings.hpp"
#include "stream/stream_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kCloseWithinNs = 5 * kSecondNs;

}  // namespace

Result<stream::NamedJournal> StreamCore::make_journal(std::uint32_t number) {
  if (has_log()) {
    if (auto made = state_->make_shard(name(), number); !made) return Unexpected(made.error());
  }
  return stream::make_journal(member_, control_.stream_id(), number, control_.storage(),
                              control_.ring_bytes(), 0);
}

/// One that is being closed already is closed. Its end is made durable if that does not take long.
Result<std::uint64_t> StreamCore::close(std::uint32_t number) {
  Shard* shard = nullptr;
  Errc code = open_shard(number, shard);
  if (code == Errc::kOk && shard->journal == nullptr) code = Errc::kCorrupt;
  std::uint64_t end = 0;
  const std::uint64_t deadline = member_.now_ns() + kCloseWithinNs;
  while (code == Errc::kOk) {
    code = shard->journal->producer().close(end);
    if (code != Errc::kFull) break;
    code = shard->journal->wait_room(1, deadline);
  }
  if (code != Errc::kOk) return sys::error(code, object_of(number), message(code));
  if (has_log()) static_cast<void>(shard->journal->wait_durable(end, deadline));
  return end;
}

Result<void> StreamCore::finish_reshard(stream::Meta& meta) {
  bool any = false;
  for (stream::ShardRecord& shard : meta.shards) {
    if (shard.end || shard.children.empty()) continue;
    const auto end = close(shard.number);
    if (!end) return Unexpected(end.error());
    shard.end = *end;
    shard.closed_ns = member_.wall_ns();
    any = true;
  }
  if (!any) return {};
  if (auto saved = save(meta); !saved) return saved;
  return refresh();
}

Result<std::vector<std::uint32_t>> StreamCore::reshard(stream::Meta& meta,
                                                       const std::vector<std::uint32_t>& parents,
                                                       const std::vector<stream::Range>& ranges) {
  std::vector<std::uint32_t> children;
  std::vector<stream::NamedJournal> journals(meta.shards.size());
  std::uint64_t created_s = member_.wall_ns() / kSecondNs;
  for (const std::uint32_t parent : parents) {
    // Numbers of a child are higher than those of its parents.
    created_s = std::max(created_s, meta.shards[parent].created_s + 1);
  }
  Result<void> done;
  for (const stream::Range& range : ranges) {
    stream::ShardRecord child;
    child.number = static_cast<std::uint32_t>(meta.shards.size());
    child.range = range;
    child.parent = parents[0];
    if (parents.size() > 1) child.adjacent_parent = parents[1];
    child.created_s = created_s;
    child.created_ns = member_.wall_ns();
    const auto journal = make_journal(child.number);
    if (!journal) {
      done = Unexpected(journal.error());
      break;
    }
    journals.push_back(*journal);
    children.push_back(child.number);
    meta.shards.push_back(std::move(child));
  }
  for (const std::uint32_t parent : parents) meta.shards[parent].children = children;
  if (done) done = save(meta, journals);
  if (!done) {
    // Unless the disk has it already: then it is made again, with journals of its own.
    for (const stream::NamedJournal& each : journals) {
      if (each.id != 0) journal::JournalFile::remove(member_.bus(), each.id);
    }
    return Unexpected(done.error());
  }
  if (auto read = refresh(); !read) return Unexpected(read.error());
  if (auto finished = finish_reshard(meta); !finished) return Unexpected(finished.error());
  return children;
}

Result<void> StreamCore::check_open(const stream::Meta& meta, std::uint32_t shard) const {
  if (shard >= meta.shards.size() || is_gone(meta.shards[shard])) {
    return sys::error(Errc::kNotFound, object_of(shard), "Could not find it, or it is expired.");
  }
  if (meta.shards[shard].end) {
    return sys::error(Errc::kClosed, object_of(shard), message(Errc::kClosed));
  }
  return {};
}

Result<void> StreamCore::split_locked(stream::Meta& meta, std::uint32_t shard,
                                      const HashKey& new_start,
                                      std::vector<std::uint32_t>& children) {
  if (auto open = check_open(meta, shard); !open) return open;
  const stream::Range range = meta.shards[shard].range;
  const bool good =
      range.first < new_start && stream::behind(range.first) < new_start && new_start < range.last;
  if (!good) {
    return sys::error(Errc::kInvalidArgument, object_of(shard),
                      "NewStartingHashKey " + new_start.to_string() +
                          " is not both greater than one plus the shard's StartingHashKey " +
                          range.first.to_string() + " and less than the shard's EndingHashKey " +
                          range.last.to_string() + ".");
  }
  if (map_.open() >= stream::kShardsMax) {
    return sys::error(Errc::kInvalidArgument, "stream \"" + name() + "\"", "has 4,096 open shards");
  }
  auto made =
      reshard(meta, {shard}, {{range.first, stream::before(new_start)}, {new_start, range.last}});
  if (!made) return Unexpected(made.error());
  children = std::move(*made);
  return {};
}

Result<void> StreamCore::merge_locked(stream::Meta& meta, std::uint32_t lower, std::uint32_t upper,
                                      std::uint32_t& child) {
  if (auto open = check_open(meta, lower); !open) return open;
  if (auto open = check_open(meta, upper); !open) return open;
  const stream::Range below = meta.shards[lower].range;
  const stream::Range above = meta.shards[upper].range;
  if (below.last == HashKey::max() || stream::behind(below.last) != above.first) {
    return sys::error(Errc::kInvalidArgument,
                      "Shards " + ShardInfo::id_of(lower) + " and " + ShardInfo::id_of(upper) +
                          " in stream \"" + name() + "\"",
                      "are not an adjacent pair of shards eligible for merging");
  }
  auto made = reshard(meta, {lower, upper}, {{below.first, above.last}});
  if (!made) return Unexpected(made.error());
  child = made->front();
  return {};
}

Result<std::vector<std::uint32_t>> StreamCore::split(std::uint32_t shard,
                                                     const HashKey& new_start) {
  std::vector<std::uint32_t> children;
  const auto done =
      change([&](stream::Meta& meta) { return split_locked(meta, shard, new_start, children); });
  if (!done) return Unexpected(done.error());
  return children;
}

Result<std::uint32_t> StreamCore::merge(std::uint32_t lower, std::uint32_t upper) {
  std::uint32_t child = 0;
  const auto done =
      change([&](stream::Meta& meta) { return merge_locked(meta, lower, upper, child); });
  if (!done) return Unexpected(done.error());
  return child;
}

/// The open shards, in the order of their ranges.
static std::vector<const stream::ShardRecord*> open_in_order(const stream::Meta& meta) {
  std::vector<const stream::ShardRecord*> open;
  for (const stream::ShardRecord& shard : meta.shards) {
    if (!shard.end) open.push_back(&shard);
  }
  std::sort(open.begin(), open.end(),
            [](const auto* a, const auto* b) { return a->range.first < b->range.first; });
  return open;
}

/// One step at a time, the one that brings it nearest: the widest is split, the narrowest pair of
/// neighbours is merged. Whoever dies leaves a stream that is somewhere on the way.
Result<void> StreamCore::scale(std::uint32_t shards) {
  return change([&](stream::Meta& meta) -> Result<void> {
    const auto count = static_cast<std::uint32_t>(open_in_order(meta).size());
    if (shards < 1 || shards > stream::kShardsMax || shards > 2 * count || 2 * shards < count) {
      return sys::error(
          Errc::kInvalidArgument, "stream \"" + name() + "\"",
          "has " + std::to_string(count) + " open shards: at most twice as many, at least half");
    }
    for (;;) {
      const auto open = open_in_order(meta);
      if (open.size() == shards) return {};
      const auto width = [](const stream::Range& range) { return stream::width(range); };
      if (open.size() < shards) {
        const auto* const widest = *std::max_element(
            open.begin(), open.end(),
            [&](const auto* a, const auto* b) { return width(a->range) < width(b->range); });
        std::vector<std::uint32_t> children;
        if (auto done = split_locked(meta, widest->number, stream::middle(widest->range), children);
            !done) {
          return done;
        }
      } else {
        std::size_t narrowest = 0;
        const auto pair = [&](std::size_t i) {
          return width({open[i]->range.first, open[i + 1]->range.last});
        };
        for (std::size_t i = 1; i + 1 < open.size(); ++i) {
          if (pair(i) < pair(narrowest)) narrowest = i;
        }
        std::uint32_t child = 0;
        if (auto done =
                merge_locked(meta, open[narrowest]->number, open[narrowest + 1]->number, child);
            !done) {
          return done;
        }
      }
    }
  });
}

}  // namespace ringpost::detail
