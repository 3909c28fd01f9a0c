// What became of a log that had failed.
#pragma once

#include <cstdint>

namespace ringpost {

/// What became of a log that had failed: of one shard of a stream, or of a durable queue.
struct RecoveredLog {
  std::uint32_t shard = 0;         ///< of a stream
  int log_errno = 0;               ///< why it had failed
  std::uint64_t acknowledged = 0;  ///< positions below: durable before it failed, and all there
  std::uint64_t on_disk = 0;       ///< positions below: found on disk, acknowledged or not
  std::uint64_t records = 0;  ///< behind `on_disk`, of which nobody was told that they are safe:
                              ///< they were in memory still, and now they are on disk
};

}  // namespace ringpost
