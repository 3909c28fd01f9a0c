#include "stream_feed.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "interrupt.hpp"
#include "stream_text.hpp"

namespace ringpost::cli {
namespace {

constexpr std::uint32_t kReadMax = 500;
constexpr std::size_t kReadBytesMax = 1u << 20;
constexpr std::size_t kWaitMax = 128;

}  // namespace

StreamFeed::StreamFeed(const Context& context, Stream& stream, const FeedOptions& options)
    : context_(context), stream_(stream), options_(options) {
  const Shards shards = list();
  const auto first = first_shard();
  const bool whole = !first;
  const bool from_now = options_.from.kind == From::Kind::kLatest;
  if (!options_.live) {
    for (const ShardInfo& each : shards) {
      ends_[each.number] = reader_of(each.number, From::latest()).position().position;
    }
  }
  for (const ShardInfo& each : shards) {
    if (whole && !(from_now && !each.is_open())) to_come_.insert(each.number);
  }
  for (const ShardInfo& each : shards) {
    const bool begins =
        whole ? to_come_.contains(each.number) && is_ready(each) : each.number == *first;
    if (begins) open(each.number, options_.from);
    if (!options_.live && whole && !begins) work_ += ends_[each.number] - each.start.position;
  }
  if (!whole && open_.empty()) {
    throw failure_of_stream(context_, Errc::kNotFound,
                            fmt::format("read {}", ShardInfo::id_of(*first)), stream_.name());
  }
}

StreamFeed::Shards StreamFeed::list() {
  auto shards = stream_.shards();
  require_of_stream(context_, shards, "list the shards of stream " + stream_.name(),
                    stream_.name());
  return std::move(*shards);
}

ShardReader StreamFeed::reader_of(std::uint32_t shard, const From& from) {
  auto reader = stream_.reader(shard, from);
  require_of_stream(context_, reader,
                    fmt::format("read {} of stream {}", ShardInfo::id_of(shard), stream_.name()),
                    stream_.name());
  return std::move(*reader);
}

/// A number names its shard.
std::optional<std::uint32_t> StreamFeed::first_shard() const {
  const bool is_number =
      options_.from.kind == From::Kind::kAt || options_.from.kind == From::Kind::kAfter;
  if (options_.shard) return options_.shard;
  if (is_number) return options_.from.sequence.shard;
  return std::nullopt;
}

void StreamFeed::open(std::uint32_t shard, const From& from) {
  Open opened{.reader = reader_of(shard, from)};
  opened.position = opened.reader.position().position;
  if (!options_.live) {
    opened.end = ends_[shard];
    if (*opened.end > opened.position) work_ += *opened.end - opened.position;
  }
  begun_.insert(shard);
  open_.insert_or_assign(shard, std::move(opened));
}

bool StreamFeed::is_ready(const ShardInfo& shard) const {
  for (const auto& parent : {shard.parent, shard.adjacent_parent}) {
    if (parent && to_come_.contains(*parent)) return false;
  }
  return true;
}

void StreamFeed::open_children(const Shards& children) {
  const bool by_time = options_.from.kind == From::Kind::kTime;
  for (const ShardInfo& each : children) {
    const bool is_new = !options_.live && !ends_.contains(each.number);
    if (is_new || begun_.contains(each.number) || !is_ready(each)) continue;
    to_come_.insert(each.number);
    // Its part of the work was counted at the beginning.
    const std::uint64_t work = work_;
    open(each.number, by_time ? options_.from : From::trim_horizon());
    if (!first_shard()) work_ = work;
  }
}

/// False: nothing more will come of this shard.
bool StreamFeed::fill(Open& shard) {
  if (!shard.has_record()) {
    if (shard.records.at_end()) return false;
    auto records = shard.reader.read(
        {.limit = kReadMax, .bytes_max = kReadBytesMax, .wait = Duration::zero()});
    require_of_stream(context_, records, "read stream " + stream_.name(), stream_.name());
    shard.records = std::move(*records);
    shard.given = 0;
    if (shard.records.lost()) ++gaps_;
    if (!shard.has_record()) return options_.live && !shard.records.at_end();
  }
  if (options_.live) return true;
  const StreamRecord& next = shard.front();
  return next.sequence.position < *shard.end && !(options_.until && next.arrival > *options_.until);
}

void StreamFeed::fill_all() {
  for (auto each = open_.begin(); each != open_.end();) {
    if (fill(each->second)) {
      ++each;
      continue;
    }
    const std::uint32_t number = each->first;
    const bool at_end = each->second.records.at_end() && !each->second.has_record();
    const Shards children = at_end ? each->second.records.children() : Shards{};
    open_.erase(each);
    to_come_.erase(number);
    if (at_end) open_children(children);
    each = open_.begin();  // children are filled too
  }
}

const StreamRecord* StreamFeed::give() {
  Open* oldest = nullptr;
  for (auto& [number, shard] : open_) {
    if (!shard.has_record()) continue;
    if (oldest == nullptr || shard.front().arrival < oldest->front().arrival) oldest = &shard;
  }
  if (oldest == nullptr) return nullptr;
  const StreamRecord& record = oldest->front();
  const std::uint64_t position = record.sequence.position;
  work_of_last_ = position > oldest->position ? position - oldest->position : 0;
  oldest->position = position;
  ++oldest->given;
  return &record;
}

const StreamRecord* StreamFeed::next(Duration wait) {
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    stop_if_interrupted();
    fill_all();
    if (const StreamRecord* const record = give()) return record;
    if (is_over()) return nullptr;
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (waited >= wait) return nullptr;
    std::vector<ShardReader*> readers;
    for (auto& [number, shard] : open_) {
      if (readers.size() < kWaitMax) readers.push_back(&shard.reader);
    }
    const Errc woken =
        ShardReader::wait_any(readers, std::min<Duration>(wait - waited, kInterruptSlice));
    if (woken == Errc::kOk || woken == Errc::kTimedOut) continue;
    throw failure_of_stream(context_, woken, "wait for stream " + stream_.name(), stream_.name());
  }
}

}  // namespace ringpost::cli
