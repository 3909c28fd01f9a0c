// Reads a log: any number of readers in any process, beside the writer.
#pragma once

#include <cstdint>
#include <memory>

#include "disk/disk.hpp"
#include "log/format.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

/// Positions that a reader did not get: [from, to).
struct Gap {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

/// Threads   one at a time. Processes  any; changes nothing.
/// Blocking  as the disk does. Crash  leaves nothing behind.
/// What is handed out lies in memory of the reader's own and was verified there.
class Reader {
 public:
  /// Stands at first(). `directory` must outlive the reader.
  /// Errors  kWrongFormat, kNewerFormat, kDamaged (the first segment's header), kSystem.
  static Result<std::unique_ptr<Reader>> open(disk::Directory& directory, std::uint64_t log_id = 0);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// The next record will be the first one at or behind `position`. One that was dropped already:
  /// the next next() says kLapped. Complexity: logarithmic in segments, one segment's index.
  /// Errors  kDamaged, kSystem.
  Result<void> seek(std::uint64_t position);

  /// To the first record that arrived at `arrival_ns` (Unix time) or later; to `bound` if none
  /// below `bound` did.
  Result<void> seek_time(std::int64_t arrival_ns, std::uint64_t bound);

  /// The next record below `bound`, which must not be above what the writer has published as
  /// written. Valid until the next call of anything.
  ///
  /// Errors  kEmpty: none below `bound` (position() is `bound` then). kLapped: records were dropped
  ///         or lost to salvage, gap() says which; the call after it goes on behind them.
  ///         kDamaged: the records of gap() cannot be read; stays there until skip(). kSystem: the
  ///         disk could not read, sys_errno() says why; tries again with the next call.
  Result<RecordView, Errc> next(std::uint64_t bound);

  /// After kLapped and kDamaged.
  [[nodiscard]] const Gap& gap() const noexcept { return gap_; }
  /// After kDamaged: goes on behind gap().
  Result<void> skip();
  [[nodiscard]] int sys_errno() const noexcept { return sys_errno_; }

  /// Every record below it was handed out or passed over.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// Lowest position that is still there; looks at the directory. An empty log: 0.
  Result<std::uint64_t> first();
  /// How far the log can be read by itself, without a writer to ask: what recovery would find.
  /// Errors  kDamaged, as Writer::open().
  Result<std::uint64_t> find_end();

 private:
  explicit Reader(disk::Directory& directory) : directory_(directory) {}

  disk::Directory& directory_;
  std::uint64_t position_ = 0;
  Gap gap_;
  int sys_errno_ = 0;
};

}  // namespace ringpost::log
