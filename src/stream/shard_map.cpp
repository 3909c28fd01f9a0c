#include "stream/shard_map.hpp"

#include <algorithm>

#include "sys/error.hpp"

namespace ringpost::stream {

Result<void> ShardMap::refresh(ControlFile& control, const EndOf& end_of) {
  constexpr int kTriesMax = 100;  // against others that keep adding shards
  const auto damaged = [&control](const std::string& where) {
    return sys::error(Errc::kCorrupt, "stream \"" + control.name() + "\"",
                      "the map of its shards is damaged" + where);
  };
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto count = control.shards();
    if (!count) return Unexpected(count.error());
    std::vector<ShardRecord> shards;
    shards.reserve(*count);
    bool complete = true;
    for (std::uint32_t number = 0; number < *count; ++number) {
      auto shard = control.shard(number);
      if (!shard) return damaged(" at " + ShardInfo::id_of(number));
      if (!shard->end && !shard->children.empty()) shard->end = end_of(*shard);
      // Children are added before they are named: they are newer than my count.
      for (const std::uint32_t child : shard->children) complete &= child < *count;
      shards.push_back(std::move(*shard));
    }
    if (!complete) continue;
    shards_ = std::move(shards);
    build();
    return {};
  }
  return damaged("");
}

bool ShardMap::has_begun(const ShardRecord& shard) const noexcept {
  return !shard.parent || has_ended(shard.parent) || has_ended(shard.adjacent_parent);
}

void ShardMap::met_end(std::uint32_t shard, std::uint64_t end) {
  if (shard >= shards_.size() || shards_[shard].end) return;
  shards_[shard].end = end;
  build();
}

/// Of the part of its range whose parents have ended.
void ShardMap::add_routes(const ShardRecord& shard) {
  if (shard.end || !has_begun(shard)) return;
  ++open_;
  const bool lower = !shard.parent || has_ended(shard.parent);
  const bool upper = !shard.adjacent_parent || has_ended(shard.adjacent_parent);
  if (lower) routes_.push_back({shard.range.first, shard.number});
  if (!lower && upper) {
    routes_.push_back({shards_[*shard.adjacent_parent].range.first, shard.number});
  }
}

void ShardMap::build() {
  routes_.clear();
  open_ = 0;
  for (const ShardRecord& shard : shards_) add_routes(shard);
  std::sort(routes_.begin(), routes_.end(),
            [](const Route& a, const Route& b) { return a.first < b.first; });
  only_.reset();
  if (routes_.size() != 1 || routes_.front().first != HashKey{}) return;
  if (shards_[routes_.front().shard].range.last == HashKey::max()) only_ = routes_.front().shard;
}

std::optional<std::uint32_t> ShardMap::route(const HashKey& key) const noexcept {
  const auto behind = std::upper_bound(
      routes_.begin(), routes_.end(), key,
      [](const HashKey& wanted, const Route& each) { return wanted < each.first; });
  if (behind == routes_.begin()) return std::nullopt;
  const std::uint32_t shard = std::prev(behind)->shard;
  return shards_[shard].range.contains(key) ? std::optional(shard) : std::nullopt;
}

}  // namespace ringpost::stream
