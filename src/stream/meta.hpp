// What is known of a stream beside its records, as bytes: the file stream.meta on disk, complete;
// in shared memory settings and tags only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "ringpost/stream.hpp"
#include "stream/numbers.hpp"

namespace ringpost::stream {

/// One shard, as it stands in the map.
struct ShardRecord {
  std::uint32_t number = 0;
  Range range{};
  std::optional<std::uint32_t> parent{};
  std::optional<std::uint32_t> adjacent_parent{};
  std::vector<std::uint32_t> children{};  ///< from when its split or merge was decided on
  std::uint64_t created_s = 0;            ///< of its sequence numbers: later than its parents'
  std::uint64_t created_ns = 0;
  std::optional<std::uint64_t> end{};  ///< closed: the position of its end
  std::uint64_t closed_ns = 0;
  bool expired = false;  ///< its records are gone for ever
  friend bool operator==(const ShardRecord&, const ShardRecord&) = default;
};

struct Meta {
  std::uint64_t generation = 0;  ///< rises with each change
  std::uint64_t stream_id = 0;
  std::uint64_t created_ns = 0;
  std::string name{};
  StreamSettings settings{};  ///< complete
  Tags tags{};
  std::vector<ShardRecord> shards{};  ///< by number
  friend bool operator==(const Meta& a, const Meta& b);
};

/// The largest without shards: fifty tags of the longest.
inline constexpr std::size_t kMetaBytesMax = 80u << 10;

[[nodiscard]] std::vector<std::byte> encode(const Meta& meta);
/// Nothing: those bytes are damaged, or none. What follows behind is not looked at.
[[nodiscard]] std::optional<Meta> decode(ByteSpan bytes);

/// Of stream.meta. Errors kNotFound, kDamaged.
[[nodiscard]] Result<Meta> read_meta(disk::Directory& directory);
/// Crash  the file is the one before or the new one; when this returns it is the new one for ever.
[[nodiscard]] Result<void> write_meta(disk::Directory& directory, const Meta& meta);

}  // namespace ringpost::stream
