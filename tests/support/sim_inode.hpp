// What a simulated disk is made of. Only for sim_*.cpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "support/sim_disk.hpp"

namespace ringpost::sim {

inline const Block& bytes_of(const BlockPointer& block) {
  static constexpr Block kZeros{};
  return block == nullptr ? kZeros : *block;
}

/// Up to one block; the rest is zeros.
inline BlockPointer block_of(ByteSpan bytes) {
  if (std::all_of(bytes.begin(), bytes.end(), [](std::byte one) { return one == std::byte{0}; })) {
    return nullptr;
  }
  auto block = std::make_shared<Block>();
  std::copy(bytes.begin(), bytes.end(), block->begin());
  return block;
}

struct Inode {
  std::uint64_t bytes = 0;
  bool length_is_safe = false;
  std::vector<BlockPointer> safe;    ///< what the disk has for certain
  std::vector<BlockPointer> cached;  ///< what everybody reads
  /// Written and not synced, oldest first. A block may be here several times.
  std::vector<std::pair<std::uint64_t, BlockPointer>> unsafe;

  [[nodiscard]] std::uint64_t blocks() const {
    return (bytes + disk::kBlockBytes - 1) / disk::kBlockBytes;
  }

  void write(std::uint64_t block, const BlockPointer& now) {
    cached[block] = now;
    unsafe.emplace_back(block, now);
  }

  /// These blocks, and no other that waits for a sync.
  void make_safe(std::uint64_t first, const std::vector<BlockPointer>& now) {
    for (std::size_t i = 0; i < now.size(); ++i) safe[first + i] = now[i];
    std::erase_if(unsafe, [&](const auto& one) {
      return one.first >= first && one.first < first + now.size();
    });
    length_is_safe = true;
  }

  void sync() {
    for (const auto& [block, now] : unsafe) safe[block] = now;
    unsafe.clear();
    length_is_safe = true;
  }

  /// Of a sync that was begun when `covered` was all that was unsafe: not of what came later.
  void finish_sync(const std::vector<std::pair<std::uint64_t, BlockPointer>>& covered) {
    for (const auto& one : covered) {
      const auto found = std::find(unsafe.begin(), unsafe.end(), one);
      if (found == unsafe.end()) continue;  // another sync has been faster
      safe[one.first] = one.second;
      unsafe.erase(found);
    }
    length_is_safe = true;
  }

  [[nodiscard]] bool waits(std::uint64_t block) const {
    return std::any_of(unsafe.begin(), unsafe.end(),
                       [&](const auto& one) { return one.first == block; });
  }

  std::size_t read(std::uint64_t offset, std::span<std::byte> into, disk::Read how) const {
    if (offset >= bytes) return 0;
    const std::size_t wanted = std::min<std::uint64_t>(into.size(), bytes - offset);
    for (std::size_t done = 0; done < wanted;) {
      const std::uint64_t block = (offset + done) / disk::kBlockBytes;
      const std::size_t at = (offset + done) % disk::kBlockBytes;
      const std::size_t part = std::min(disk::kBlockBytes - at, wanted - done);
      const bool from_disk = how == disk::Read::kDirect && !waits(block);
      const Block& from = bytes_of(from_disk ? safe[block] : cached[block]);
      std::memcpy(&into[done], &from[at], part);
      done += part;
    }
    return wanted;
  }
};

/// A write under way, or a sync.
struct Flight {
  std::shared_ptr<Inode> inode;
  std::uint64_t first = 0;
  std::vector<BlockPointer> blocks;
  disk::Sync sync = disk::Sync::kNone;
  std::uint64_t token = 0;
  std::size_t landed = 0;  ///< so many blocks from the front are written
  bool is_sync = false;
  std::vector<std::pair<std::uint64_t, BlockPointer>> covered;  ///< by the sync
  const void* queue = nullptr;  ///< whose; null: nobody waits for it
  ByteSpan memory;              ///< of the caller, who must leave it as it is

  [[nodiscard]] bool is_awaited() const { return queue != nullptr; }
};

}  // namespace ringpost::sim
