// Which shard takes a record: what one participant knows of the stream's map.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "stream/control_file.hpp"

namespace ringpost::stream {

/// A shard goes on taking records until its end was met, whatever is said of its children: who put
/// into a child before might have put before somebody's record of the same key in the parent.
///
/// Threads  one at a time. Blocking  never.
class ShardMap {
 public:
  /// Reads it all anew. `end_of` looks for the end of a shard that is being closed.
  using EndOf = std::function<std::optional<std::uint64_t>(const ShardRecord&)>;
  Result<void> refresh(ControlFile& control, const EndOf& end_of);

  /// Nothing: no shard takes it, which no correct process makes so.
  [[nodiscard]] std::optional<std::uint32_t> route(const HashKey& key) const noexcept;
  /// The one that takes every record, if it is one: then nobody needs the hash of a key.
  [[nodiscard]] std::optional<std::uint32_t> only() const noexcept { return only_; }
  /// Its journal says so, which may be ahead of the map.
  void met_end(std::uint32_t shard, std::uint64_t end);

  [[nodiscard]] const std::vector<ShardRecord>& shards() const noexcept { return shards_; }
  /// Null: there is none.
  [[nodiscard]] const ShardRecord* find(std::uint32_t shard) const noexcept {
    return shard < shards_.size() ? &shards_[shard] : nullptr;
  }
  /// Whether it has no parents, or one that has ended: before that nobody puts into it.
  [[nodiscard]] bool has_begun(const ShardRecord& shard) const noexcept;
  [[nodiscard]] std::uint32_t open() const noexcept { return open_; }

 private:
  struct Route {
    HashKey first;
    std::uint32_t shard;
  };
  [[nodiscard]] bool has_ended(const std::optional<std::uint32_t>& parent) const noexcept {
    return parent && shards_[*parent].end.has_value();
  }
  void add_routes(const ShardRecord& shard);
  void build();

  std::vector<ShardRecord> shards_;
  std::vector<Route> routes_;  ///< by key; each up to the next one
  std::optional<std::uint32_t> only_;
  std::uint32_t open_ = 0;
};

}  // namespace ringpost::stream
