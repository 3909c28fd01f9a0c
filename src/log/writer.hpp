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
#include "log/buffer.hpp"
#include "log/format.hpp"
#include "log/index.hpp"
#include "log/options.hpp"
#include "log/segment.hpp"
#include "log/segment_store.hpp"
#include "log/strip.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

/// What one writer leaves to the next one, in shared memory: nothing of it is believed unchecked.
struct WriterState {
  std::uint64_t check;  ///< of the other words; 0: there is no state
  std::uint64_t log_id;
  std::uint64_t segment_base;    ///< names the file
  std::uint64_t segment_epoch;   ///< 0: the segment is begun with the next record
  std::uint64_t previous_epoch;  ///< of the last segment, while segment_epoch is 0
  std::uint64_t offset;          ///< where the next batch goes
  std::uint64_t written_end;
  std::uint64_t durable_end;
  std::uint64_t arrival_max;  ///< as two's complement
  std::uint64_t filled_end;   ///< blocks of the segment below were written before; only a hint
};
static_assert(sizeof(WriterState) == 80 && std::is_trivially_copyable_v<WriterState>);

/// How far a log has come. Positions below the ends, without a hole.
struct Progress {
  std::uint64_t written_end = 0;  ///< survive the death of any process; readers find them
  std::uint64_t durable_end = 0;  ///< survive the loss of power
  Errc failed = Errc::kOk;        ///< kLogFailed: for ever, for every waiter
  int sys_errno = 0;              ///< of the write or sync that failed
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
  /// The same for a writer that is there already and idle: cheap while the segment is the same.
  /// After an error it is of no use any more.
  Result<void> resume(const WriterState& state);
  /// With nothing gathered and nothing under way: see is_idle(). Syncs if a segment was begun and
  /// nothing was synced since; if that fails there is no state (check is 0), and the log has
  /// failed.
  [[nodiscard]] WriterState state();

  ~Writer();  ///< waits for what is under way
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Positions below are covered by batches that were submitted: the next one begins here.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  /// No position at or above it was ever seen in the log, not even in what recovery discarded.
  [[nodiscard]] std::uint64_t seen_end() const noexcept { return seen_end_; }
  [[nodiscard]] bool is_idle() const noexcept { return !has_under_way() && records_ == 0; }
  /// Writes, or a sync.
  [[nodiscard]] bool has_under_way() const noexcept { return first_ != next_ || sync_.file; }
  [[nodiscard]] std::uint32_t gathered_records() const noexcept { return records_; }

  /// Whether the batch being gathered takes this record too; always if it is empty.
  [[nodiscard]] bool fits(std::size_t record_bytes) const noexcept {
    return records_ == 0 || used_ + padded(record_bytes) <= room_;
  }

  /// Copies the record into the batch being gathered and checksums the copy, which is checked
  /// first: `record` may be memory that others write.
  ///
  /// Requires  fits(). `position` at or above end() and behind the last record.
  /// Blocking  only when it must begin a segment, for a write or two.
  /// Errors    kNoSpace: no room for another segment, try again later. kCorrupt: the record does
  ///           not have that position and length. kTooLarge: no segment can hold it. kLogFailed.
  Errc add(std::uint64_t position, ByteSpan record);

  /// Closes the batch and hands it to the disk: positions below `end_position` are covered then,
  /// also those in which there is nothing. Without records and without new positions: nothing to
  /// do.
  ///
  /// Blocking  only while in_flight batches are being written already.
  /// Errors    kNoSpace (only without records), kLogFailed.
  Errc submit(disk::Sync sync, std::uint64_t end_position);

  /// What has completed; with `wait` at least one write or sync, if any is under way. Begins the
  /// sync of what was written and is to be durable: one at a time, beside the writes that follow.
  Progress reap(bool wait);

  /// submit() and all of reap() in one system call, for one batch at a time; whatever is under way
  /// is waited for.
  Errc write_now(disk::Sync sync, std::uint64_t end_position);

  /// Everything that was submitted is durable when it returns.
  /// Errors  kLogFailed.
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

  /// A little of what makes the spare segments as fast as those that were in use before: for long
  /// pauses. False: there is no more to be done. Blocking: one write of 1 MiB.
  [[nodiscard]] bool prepare_more();

  /// Drops segments from the front; readers of them see kLapped. They become spares, or go.
  /// Returns the first position that is left. A sync that fails makes the log fail.
  Result<std::uint64_t> drop_expired(const Retention& retention);

 private:
  /// A batch in memory: while it is gathered, and until it is written.
  struct Batch {
    std::byte* data = nullptr;  // in memory_ or in buffer
    Buffer buffer;
    std::uint64_t end = 0;
    bool is_wanted = false;  // to be durable, with all before it
    bool is_done = false;
  };
  /// The sync that is under way.
  struct SyncUnderWay {
    disk::File* file = nullptr;  // of segment_ or of one in full_; null: none
    std::uint64_t end = 0;       // what will be durable
    bool covers_new = false;     // the name too, after a sync of the directory
  };
  /// A full segment, until all of it is on disk and its index too.
  struct Full {
    Segment segment;
    IndexBuilder index;
    std::uint64_t data_end;
    std::uint64_t end;          // position
    std::uint64_t batches_end;  // number of the first batch that is not in it
    bool is_sealed = false;
  };
  /// A closed batch: its bytes and where they go.
  struct Closed {
    std::uint64_t offset;
    ByteSpan bytes;
  };

  Writer(disk::Directory& directory, const LogOptions& options);
  static Result<std::unique_ptr<Writer>> make(disk::Directory& directory,
                                              const LogOptions& options);
  Result<void> recover_end();
  Result<void> check_fit(const Segment& segment, const WriterState& state) const;
  Result<void> check_place(const Segment& segment, const WriterState& state) const;
  Errc begin_batch(std::size_t record_bytes);
  void give_memory(Batch& batch);
  void use_common_memory();
  Errc begin_segment();
  Result<void> sync_recovered(const std::vector<std::uint64_t>& segments);
  Errc seal(Full& full);
  Errc wait_for_all();
  Errc write_gathered(disk::Sync sync, std::uint64_t end_position);
  [[nodiscard]] bool wants_sync() const noexcept;
  void begin_sync();
  void finish_sync(int sys_errno);
  Errc sync_written();
  Errc fail(int sys_errno) noexcept;
  Closed close_batch(std::uint64_t end_position, disk::Sync sync);
  void fill_ahead(const Closed& closed);
  void complete(const disk::Completion& completion);
  void settle();
  void close_full_segments();
  void now_durable(std::uint64_t end, bool covers_new);
  void prepare_if_none();
  [[nodiscard]] Result<void> sync_files();
  [[nodiscard]] bool has_failed() const noexcept { return progress_.failed != Errc::kOk; }
  [[nodiscard]] bool has_room(std::uint64_t bytes) const noexcept {
    return segment_.file != nullptr && bytes <= segment_.batches_end() - offset_;
  }
  [[nodiscard]] Batch& gathered() noexcept { return batches_[next_ % batches_.size()]; }

  LogOptions options_;
  SegmentStore store_;
  Segment segment_;  // without a file: none is begun yet
  std::uint64_t previous_epoch_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t filled_end_ = 0;  // blocks of segment_ below were written before
  Buffer zeros_;
  IndexBuilder index_;
  std::vector<Full> full_;  // oldest first
  bool is_new_ = false;     // name and header of segment_ may not be safe yet

  std::uint64_t end_ = 0;
  std::uint64_t seen_end_ = 0;
  std::uint64_t wanted_end_ = 0;  // what is written below is to be durable
  std::uint64_t marked_end_ = 0;  // durable_end of the last batch
  std::int64_t arrival_max_ = INT64_MIN;

  // The batch being gathered.
  std::uint32_t records_ = 0;
  std::size_t used_ = 0;     // its bytes, header included
  Strip strip_;              // the last ones
  std::size_t room_ = 0;     // how many it may have
  std::uint64_t floor_ = 0;  // lowest position of the next record
  std::int64_t arrival_first_ = 0;

  std::uint64_t first_ = 0;        // number of the oldest batch that is not settled
  std::uint64_t next_ = 0;         // of the one being gathered
  std::uint64_t outstanding_ = 0;  // writes that have not completed
  SyncUnderWay sync_;
  Progress progress_;
  Errc space_ = Errc::kOk;
  Buffer memory_;               // of all batches, once several are under way
  std::vector<Batch> batches_;  // in_flight + 1, in turn
  std::vector<disk::Completion> completions_;
  std::unique_ptr<disk::WriteQueue> queue_;  // goes first: it writes from the others
};

}  // namespace ringpost::log
