// Checkpoints of a consumer group on disk: what is left of the leases when power was lost.
//
//   <directory of the stream>/consumers-<n>-<group>   shards 64 n to 64 n + 63
//
//   block 0            header: magic, format, stream, group, crc
//   block 1 + 2 i + k  shard 64 n + i, slot k of two
//
// Blocks of 4 KiB. A checkpoint is written in place of the older of its two slots, in one write
// that is safe when it returns; a torn one does not pass its crc, and the other one counts.
//
// Crash  whoever has the lease writes, so one at a time. One who was stopped right before his write
//        and goes on when another has the lease may write over the newer slot: then, if power is
//        lost before the next checkpoint, the group goes on from the one before. Records come
//        again; none is left out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "stream/lease_word.hpp"

namespace ringpost::stream {

inline constexpr std::uint64_t kCheckpointMagic = 0x544e494f50505352;  // "RSPPOINT"
inline constexpr std::uint32_t kCheckpointFormat = 1;
inline constexpr std::uint32_t kShardsInFile = 64;

struct CheckpointFileHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t crc;  ///< of the block, with 0 here
  std::uint64_t stream_id;
  std::uint32_t first_shard;
  std::uint32_t group_bytes;
  char group[128];
};
static_assert(sizeof(CheckpointFileHeader) == 160);

struct CheckpointSlot {
  std::uint64_t magic;
  std::uint32_t shard;
  std::uint32_t crc;     ///< of the block, with 0 here
  std::uint64_t number;  ///< of the checkpoint; rises
  std::uint64_t position;
  std::uint64_t wall_ns;
  std::uint8_t kind;  ///< CheckpointKind
  std::uint8_t reserved[7];
};
static_assert(sizeof(CheckpointSlot) == 48);

/// Threads  one at a time. Blocking  as the disk does.
class CheckpointFile {
 public:
  CheckpointFile(disk::Directory& directory, std::uint64_t stream_id, std::string group)
      : directory_(directory), stream_id_(stream_id), group_(std::move(group)) {}

  /// The newest one that is whole; nothing if none was written. If both slots are damaged the trim
  /// horizon: records come again, none is left out. Errors kCorrupt (a file of something else),
  /// kSystem.
  Result<std::optional<Checkpoint>> read(std::uint32_t shard);
  /// By the owner of the lease, who has called read() since he got it. Safe when it returns.
  Result<void> write(std::uint32_t shard, Checkpoint checkpoint, std::uint64_t wall_ns);

  /// Every file of the group.
  static Result<void> remove(disk::Directory& directory, const std::string& group);

 private:
  struct Newest {
    std::uint64_t number = 0;
    unsigned slot = 1;  ///< of two: so that the first one written is 0
  };
  struct Open {
    std::unique_ptr<disk::File> file;
    Newest newest[kShardsInFile];
  };
  [[nodiscard]] std::string name_of(std::uint32_t file) const;
  Result<Open*> open(std::uint32_t number, bool create);
  Result<void> check_header(disk::File& file, std::uint32_t number, bool create);

  disk::Directory& directory_;
  std::uint64_t stream_id_;
  std::string group_;
  std::vector<Open> files_;
};

}  // namespace ringpost::stream
