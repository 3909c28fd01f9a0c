// Makes segment files out of spare ones, and spare ones out of those that are not needed any more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "log/names.hpp"
#include "log/options.hpp"
#include "log/segment.hpp"

namespace ringpost::log {

/// What may be dropped: whole segments from the front, never the last one.
struct Retention {
  /// Unix time: records that arrived before it may go. A segment is as old as its last record, but
  /// not younger than the segment behind it: one producer's wrong clock keeps nothing for ever.
  std::int64_t oldest_ns = INT64_MIN;
  std::uint64_t bytes_max = 0;  ///< of all segments; 0: time alone decides
};

/// Threads  one at a time: the writer's. Crash  between any two steps the directory is a whole log.
class SegmentStore {
 public:
  SegmentStore(disk::Directory& directory, const LogOptions& options) noexcept
      : directory_(directory), options_(options) {}

  [[nodiscard]] disk::Directory& directory() const noexcept { return directory_; }

  /// A new segment with this header, under its name. Nothing of that is safe on disk before the
  /// file and the directory are synced, but what is found meanwhile is no damage. Takes the name
  /// away from an empty one that a dead writer left there. Errors  kNoSpace: nothing has changed;
  /// kSystem.
  Result<Segment> begin(const SegmentHeader& header);

  /// Makes spare files until there are options.spare_segments. Errors  kNoSpace, kSystem.
  Result<void> make_spares();
  /// Writes zeros where a spare file is only allocated, up to so many: a segment that was written
  /// beforehand takes batches at twice the rate. False: there was nothing to do.
  Result<bool> write_spare_ahead(std::size_t bytes);
  /// How many there are.
  Result<std::size_t> count_spares();
  /// Another writer has been at work meanwhile: his spares may be half made.
  void forget_spares() noexcept { safe_spares_.clear(); }
  /// Takes segments away that recovery discards, the last one first.
  Result<void> discard(const std::vector<std::uint64_t>& segments);
  /// Gives a file the name of a lost one.
  Result<void> put_aside(std::uint64_t base);

  /// Not 0: a sync has failed. Nobody knows which names the disk has, so the log has failed too.
  [[nodiscard]] int sync_errno() const noexcept { return sync_errno_; }

  /// Returns the first position that is left.
  Result<std::uint64_t> drop_expired(const Retention& retention);

 private:
  struct Spare {
    std::string name;
    std::unique_ptr<disk::File> file;
  };
  Result<void> noted(Result<void> synced) noexcept;
  Result<Spare> make_spare(LogFiles& files);
  Result<Spare> take_spare(LogFiles& files);
  Result<bool> may_go(const LogFiles& files, std::size_t dropped, const Retention& retention);
  Result<void> note_dropped(std::uint64_t position, const LogFiles& files);
  Result<void> drop(std::uint64_t base, LogFiles& files);
  Result<bool> is_reusable(std::uint64_t base);

  disk::Directory& directory_;
  const LogOptions& options_;
  std::vector<std::string> safe_spares_;  // whose length and header we made safe ourselves
  int sync_errno_ = 0;
};

}  // namespace ringpost::log
