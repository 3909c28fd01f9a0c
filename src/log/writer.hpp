// Appends records to a log: gathers them into batches, several of which are under way to the disk.
//
//   if (!writer.fits(record.size())) writer.submit(sync, position);
//   writer.add(position, record);
//   …
//   const Progress done = writer.reap(false);   // publish done.written_end, done.durable_end
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "disk/disk.hpp"
#include "log/format.hpp"
#include "log/options.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

/// What one writer leaves to the next one, in shared memory: nothing of it is believed unchecked.
struct WriterState {
  std::uint64_t check;  ///< of the other words; 0: there is no state
  std::uint64_t log_id;
  std::uint64_t segment_base;  ///< names the file
  std::uint64_t segment_epoch;
  std::uint64_t offset;      ///< where the next batch goes
  std::uint64_t filled_end;  ///< blocks below were written before
  std::uint64_t written_end;
  std::uint64_t durable_end;
  std::uint64_t arrival_max;  ///< as two's complement
  std::uint64_t reserved;     ///< 0
};
static_assert(sizeof(WriterState) == 80 && std::is_trivially_copyable_v<WriterState>);

/// How far a log has come. Positions below the ends, without a hole.
struct Progress {
  std::uint64_t written_end = 0;  ///< survive the death of any process; readers find them
  std::uint64_t durable_end = 0;  ///< survive the loss of power
  Errc failed = Errc::kOk;        ///< kLogFailed: for ever, for every waiter
  int sys_errno = 0;              ///< of the write or sync that failed
};

/// What drop_expired() may drop: whole segments, never the one that is being written.
struct Retention {
  std::int64_t oldest_ns = INT64_MIN;  ///< Unix time: records that arrived before it may go
  std::uint64_t bytes_max = 0;         ///< of all segments; 0: time alone decides
};

/// Threads   one at a time. Processes  one writer at a time for a log: the caller sees to it.
/// Blocking  as the disk does, where it says so.
/// Crash     at any instruction: open() finds the end. What a dead writer still has under way does
///           no harm, since its successor goes on in another segment.
/// Errors    any write or sync error is final: kLogFailed from then on, and no sync is tried again.
class Writer {
 public:
  /// Recovers: finds the end of the log, and goes on in a new segment, which is made with the first
  /// record. `directory` must outlive the writer.
  ///
  /// Blocking    reads the last segment.
  /// Errors      kDamaged: acknowledged records are lost, what() names the positions; salvage()
  ///             first. kWrongFormat, kNewerFormat: not this log. kNoSpace, kSystem.
  /// Complexity  the last segment and the number of segments, not of records.
  static Result<std::unique_ptr<Writer>> open(disk::Directory& directory,
                                              const LogOptions& options);

  /// Goes on where another writer, in any process, let go cleanly: same segment, no recovery.
  /// Errors  kCorrupt: the state does not fit the log, recover with open().
  static Result<std::unique_ptr<Writer>> resume(disk::Directory& directory,
                                                const LogOptions& options,
                                                const WriterState& state);
  /// The same for a writer that is there already: cheap while the segment is the same. After an
  /// error it is of no use any more.
  Result<void> resume(const WriterState& state);
  /// With nothing gathered and nothing under way: see is_idle().
  [[nodiscard]] WriterState state() const noexcept;

  ~Writer();  ///< waits for what is under way
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Positions below are covered by batches that were submitted: the next one begins here.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  /// No position at or above it was ever seen in the log, not even in what recovery discarded.
  [[nodiscard]] std::uint64_t seen_end() const noexcept { return seen_end_; }
  [[nodiscard]] bool is_idle() const noexcept { return in_flight_ == 0 && records_ == 0; }
  [[nodiscard]] unsigned in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::uint32_t gathered_records() const noexcept { return records_; }

  /// Whether the batch being gathered takes this record too; always if it is empty.
  [[nodiscard]] bool fits(std::size_t record_bytes) const noexcept {
    return records_ == 0 || used_ + padded(record_bytes) <= room_;
  }

  /// Copies the record into the batch being gathered and checksums the copy, which is checked
  /// first: `record` may be memory that others write.
  ///
  /// Requires  fits(). `position` at or above end() and behind the last record.
  /// Blocking  only when it must begin a segment: then everything under way is waited for.
  /// Errors    kNoSpace: no room for another segment, try again later. kCorrupt: the record does
  ///           not have that position and length. kTooLarge: no segment can hold it. kLogFailed.
  Errc add(std::uint64_t position, ByteSpan record);

  /// Closes the batch and hands it to the disk: positions below `end_position` are covered then,
  /// also those in which there is nothing. Without records and without new positions: nothing to
  /// do.
  ///
  /// Blocking  only while in_flight batches are under way already.
  /// Errors    kNoSpace (only without records), kLogFailed.
  Errc submit(disk::Sync sync, std::uint64_t end_position);

  /// What has completed; with `wait` at least one batch, if any is under way. A durable batch
  /// behind others that are not costs a sync here.
  Progress reap(bool wait);

  /// submit() and all of reap() in one system call, for one batch at a time; whatever is under way
  /// is waited for.
  Errc write_now(disk::Sync sync, std::uint64_t end_position);

  /// Everything that was submitted is durable when it returns.
  Errc flush();

  /// Puts it on disk that everything is durable, if the log does not say so yet (4 KiB): then later
  /// damage to the last records is told from a torn write. For a pause or the end of the work.
  Errc mark_durable();

  [[nodiscard]] const Progress& progress() const noexcept { return progress_; }

  /// kNoSpace when there is no room for the segment after this one: a good time to take no more
  /// records, while those that were taken still have room. Heals by prepare().
  [[nodiscard]] Errc space() const noexcept { return space_; }
  /// Makes the spare segments that are missing. Blocking: a moment for each. Call it in pauses.
  Errc prepare();

  /// Drops segments from the front; readers of them see kLapped. They become spares, or go.
  /// Returns the first position that is left.
  Result<std::uint64_t> drop_expired(const Retention& retention);

 private:
  Writer(disk::Directory& directory, const LogOptions& options);

  disk::Directory& directory_;
  LogOptions options_;
  std::uint64_t end_ = 0;
  std::uint64_t seen_end_ = 0;
  unsigned in_flight_ = 0;
  std::uint32_t records_ = 0;  // in the batch being gathered
  std::size_t used_ = 0;       // its bytes, header included
  std::size_t room_ = 0;       // how many it may have
  Progress progress_;
  Errc space_ = Errc::kOk;
};

}  // namespace ringpost::log
