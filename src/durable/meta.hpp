// What is known of a durable queue beside its messages, as bytes: the file queue.meta on disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "ringpost/options.hpp"
#include "ringpost/result.hpp"

namespace ringpost::durable {

struct Meta {
  std::string name{};
  std::uint64_t lasting_id = 0;  ///< QueueMapping::lasting_id()
  std::uint64_t created_ns = 0;  ///< Unix time
  QueueSettings settings{};      ///< complete
  Tags tags{};
};

[[nodiscard]] std::vector<std::byte> encode(const Meta& meta);
/// Nothing: those bytes are damaged, or none.
[[nodiscard]] std::optional<Meta> decode(ByteSpan bytes);

/// Of queue.meta. Errors kNotFound, kDamaged.
[[nodiscard]] Result<Meta> read_meta(disk::Directory& directory);
/// Crash  the file is the one before or the new one; when this returns it is the new one for ever.
[[nodiscard]] Result<void> write_meta(disk::Directory& directory, const Meta& meta);

}  // namespace ringpost::durable
