// What the writer role needs of a log. Shipped: SegmentLogPort (segment_log_port.hpp); the rigs
// have a log of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "disk/disk.hpp"
#include "journal/layout.hpp"
#include "log/record.hpp"
#include "ringpost/errc.hpp"
#include "ringpost/types.hpp"

namespace ringpost::journal {

using LogStateWords = std::span<std::uint64_t, kLogStateWords>;

/// Threads  one at a time; whoever has the writer role. After an error nothing but open(), resume()
///          and last_errno() may be called.
class LogPort {
 public:
  virtual ~LogPort() = default;

  /// Recovers the log of a writer that died, or of nobody, and makes all that is left of it
  /// durable. Errors kDamaged, kNoSpace, kSystem, ….
  virtual Errc open() = 0;
  /// Goes on where the last writer let go in order. Errors as open(), which may be tried after it.
  virtual Errc resume(LogStateWords state) = 0;
  /// With nothing under way: for the next writer's resume().
  virtual void save(LogStateWords state) const = 0;
  /// Behind the last position that the log covers.
  [[nodiscard]] virtual std::uint64_t end() const noexcept = 0;

  /// Whether a record of so many bytes goes into the batch that is being gathered.
  [[nodiscard]] virtual bool fits(std::size_t record_bytes) const noexcept = 0;
  /// Copies the record into the batch. `header` is the checked copy of the one in `bytes`; what
  /// stands there by now does not count.
  virtual void add(const log::RecordHeader& header, ByteSpan bytes) = 0;
  /// Hands the batch, which may be without records, to the disk; it covers positions below `end`.
  /// Waits if as many are under way as may be. Errors kNoSpace, kSystem.
  virtual Errc submit(disk::Sync sync, std::uint64_t end) = 0;
  /// The same with nothing under way, and done when it returns: one system call.
  virtual Errc write_now(disk::Sync sync, std::uint64_t end) = 0;

  struct Progress {
    std::uint64_t written = 0;  ///< everything below has been handed to the kernel
    std::uint64_t durable = 0;  ///< everything below survives the loss of power
    Errc code = Errc::kOk;      ///< kNoSpace, kSystem: of a write that was under way
  };
  /// With `wait` until at least one that is under way is done.
  virtual Progress reap(bool wait) = 0;
  [[nodiscard]] virtual bool has_under_way() const noexcept = 0;
  /// Makes everything written durable. Errors kSystem.
  virtual Errc flush() = 0;
  [[nodiscard]] virtual int last_errno() const noexcept = 0;
};

/// Whether the participant that a word names is still at work (Participant::creator_word).
class Liveness {
 public:
  virtual ~Liveness() = default;
  [[nodiscard]] virtual bool is_alive(std::uint64_t creator_word) const noexcept = 0;
};

}  // namespace ringpost::journal
