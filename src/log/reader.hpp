// Reads a log: any number of readers in any process, beside the writer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "disk/disk.hpp"
#include "log/names.hpp"
#include "log/segment.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

/// Positions that a reader did not get: [from, to).
struct Gap {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

/// Threads   one at a time. Processes  any; changes nothing.
/// Blocking  as the disk does. Crash  leaves nothing behind.
/// What is handed out was verified where it lies: in the page cache, if the file gives views of it,
/// else, or if it is not to read in place, in memory of the reader's own. A segment that a reader
/// has open is not recycled.
///
/// In place  What a segment was found to have can go only if somebody from outside shortens the
///           file, or the kernel takes pages back and then cannot read them any more. Until the
///           next call of next() whoever touches a record then gets a SIGBUS; the next call itself
///           looks first, and says kDamaged or kSystem. With in_place(false) there is no such time.
class Reader {
 public:
  /// Stands at first(). `directory` must outlive the reader. `log_id` 0: of any log.
  /// Errors  kSystem: the directory cannot be read.
  static Result<std::unique_ptr<Reader>> open(disk::Directory& directory, std::uint64_t log_id = 0);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// The next record will be the first one at or behind `position`. If that was dropped already,
  /// the next next() says kLapped. Reads nothing yet; next() then finds the place. Complexity of
  /// that: logarithmic in segments, then one segment's index; in a segment that is not sealed the
  /// headers of its batches.
  void seek(std::uint64_t position) noexcept;

  /// To the first record below `bound` that arrived at `arrival_ns` (Unix time) or later; to
  /// `bound` if none did. Complexity  as seek().
  /// Errors      kDamaged (the header of a segment), kWrongFormat, kNewerFormat, kSystem: nothing
  ///             has changed.
  Result<void> seek_time(std::int64_t arrival_ns, std::uint64_t bound);

  /// The next record below `bound`, which must not be above what the writer has published as
  /// written. Valid until the next call of anything.
  ///
  /// Errors  kEmpty: none below `bound`. kLapped: records were dropped, or lost to salvage; gap()
  ///         says which, the call after it goes on behind them. kDamaged: the records of gap()
  ///         cannot be read; stays there until skip(). kSystem: the disk could not read,
  ///         sys_errno() says why; tries again with the next call. kWrongFormat, kNewerFormat.
  Result<RecordView, Errc> next(std::uint64_t bound) {
    // The common case: another whole record of this batch is in memory. Verified where it is
    // returned, not copied there.
    Result<RecordView, Errc> record{RecordView()};
    if (at_.records_left != 0 && at_.floor >= position_ &&
        verify_record(window_.rest(at_.offset, batch_.records_end), segment_.seed, at_.floor,
                      batch_.end, *record) &&
        record->header.position < bound) [[likely]] {
      pass(record->header);
      position_ = at_.floor;
    } else {
      record = next_slowly(bound);
    }
    return record;
  }

  /// Whether records are handed out where the file lies (default), or copies.
  void in_place(bool is_wanted) noexcept { window_.use_views(is_wanted); }

  /// After kLapped and kDamaged.
  [[nodiscard]] const Gap& gap() const noexcept { return gap_; }
  /// After kDamaged: goes on behind gap().
  void skip() noexcept;
  [[nodiscard]] int sys_errno() const noexcept { return sys_errno_; }

  /// Every record below it was handed out or passed over.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// Lowest position that is still there; looks at the directory. An empty log: 0.
  Result<std::uint64_t> first();
  /// How far the log can be read by itself, without a writer to ask: what recovery would find.
  /// Errors  as recover().
  Result<std::uint64_t> find_end();

 private:
  /// A place in the segment between two records or two batches.
  struct Place {
    std::uint64_t offset = 0;        // of what comes next: a record of the batch, or a batch
    std::uint64_t floor = 0;         // no record there may have a lower position
    std::uint32_t records_left = 0;  // of the batch
  };
  /// The batch that is being read. Its header was verified, its records are one by one.
  struct BatchBounds {
    std::uint64_t base = 0;
    std::uint64_t end = 0;
    std::uint64_t records_end = 0;  // offsets
    std::uint64_t batch_end = 0;
  };

  Reader(disk::Directory& directory, std::uint64_t log_id) noexcept
      : directory_(directory), log_id_(log_id) {
    window_.use_views(true);
  }

  void pass(const RecordHeader& header) noexcept {
    at_.offset += padded(header.bytes);
    at_.floor = header.position + cells_of(header.bytes);
    if (--at_.records_left == 0) at_ = {batch_.batch_end, batch_.end, 0};
  }
  Result<RecordView, Errc> next_slowly(std::uint64_t bound);
  Result<RecordView, Errc> read_record();
  Errc enter_segment(std::uint64_t bound);
  Errc enter_batch(std::uint64_t bound);
  Errc find_batch();
  Errc lapped(std::uint64_t to) noexcept;
  Errc explain(std::uint64_t bound);
  Errc damaged(std::uint64_t to, std::optional<Place> behind) noexcept;
  Errc cannot_read(const Error& error) noexcept;
  Result<bool> is_still_there();
  Result<void> list();
  Result<void> forget_unbegun();
  [[nodiscard]] std::uint64_t base_behind(std::uint64_t base) const noexcept;
  Result<std::uint64_t> begun_behind(std::uint64_t base);
  void close_segment() noexcept;
  Errc explain_record();
  Errc explain_batch(std::uint64_t bound);
  Result<std::uint64_t> place_of_time(std::uint64_t base, std::int64_t arrival_ns,
                                      std::uint64_t bound);

  disk::Directory& directory_;
  std::uint64_t log_id_;
  LogFiles files_;
  bool from_start_ = true;  // nothing was sought or read yet: begins where the log does

  Segment segment_;                   // without a file: none is open
  std::uint64_t limit_ = UINT64_MAX;  // where the next segment begins, as far as we know
  Window window_;
  BatchBounds batch_;
  Place at_;

  std::uint64_t position_ = 0;
  Gap gap_;
  bool is_damaged_ = false;
  std::optional<Place> behind_damage_;  // nothing: in another segment
  int sys_errno_ = 0;
};

}  // namespace ringpost::log
