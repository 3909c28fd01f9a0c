// What the writer role needs of a log. Shipped: SegmentLog (segment_log.hpp); the rigs have one of
// their own.
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
using ConstLogStateWords = std::span<const std::uint64_t, kLogStateWords>;

/// Threads  one at a time; whoever has the writer role.
class LogPort {
 public:
  virtual ~LogPort() = default;

  /// Recovers the log of a writer that died, or of nobody, and makes all that is left of it
  /// durable. Positions below `acknowledged` were told to be durable: a log that ends in front of
  /// it is kDamaged. Errors kDamaged, kNoSpace, kSystem, ….
  virtual Errc open(std::uint64_t acknowledged) = 0;
  /// Goes on where the last writer let go in order, with everything durable. After an error open()
  /// may be tried.
  virtual Errc resume(ConstLogStateWords state) = 0;
  /// With nothing gathered and nothing under way: for the next writer's resume(). May have to sync.
  /// Error kLogFailed.
  virtual Errc save(LogStateWords state) = 0;
  /// Behind the last position that the log covers.
  [[nodiscard]] virtual std::uint64_t end() const noexcept = 0;

  /// Whether a record of so many bytes goes into the batch that is being gathered; always into an
  /// empty one.
  [[nodiscard]] virtual bool fits(std::size_t record_bytes) const noexcept = 0;
  /// Copies the record into the batch; its header is checked in the copy. Requires fits(). Errors
  /// kNoSpace (try again later), kCorrupt (not of that position and length), kTooLarge, kLogFailed.
  virtual Errc add(std::uint64_t position, ByteSpan record) = 0;
  /// Hands the batch, which may be without records, to the disk; it covers positions below `end`.
  /// Waits if as many are under way as may be. Errors kNoSpace (only without records), kLogFailed.
  virtual Errc submit(disk::Sync sync, std::uint64_t end) = 0;
  /// The same, with nothing under way when it returns: one system call.
  virtual Errc write_now(disk::Sync sync, std::uint64_t end) = 0;

  struct Progress {
    std::uint64_t durable = 0;  ///< everything below survives the loss of power
    Errc code = Errc::kOk;      ///< kLogFailed: of a write that was under way
  };
  /// With `wait` until at least one that is under way is done.
  virtual Progress reap(bool wait) = 0;
  [[nodiscard]] virtual bool has_under_way() const noexcept = 0;
  /// Makes everything submitted durable. Error kLogFailed.
  virtual Errc flush() = 0;
  /// With everything durable: notes on disk that it is. Error kLogFailed.
  virtual Errc mark() { return Errc::kOk; }
  /// With nothing to do: makes room for later, and notes on disk how far it is durable.
  virtual void pause() {}
  /// In a longer pause, again and again: a little of what makes later writes faster. False: there
  /// is no more to be done.
  virtual bool prepare_more() { return false; }
  /// Of what failed.
  [[nodiscard]] virtual int last_errno() const noexcept = 0;
};

/// Threads  any.
class Liveness {
 public:
  virtual ~Liveness() = default;
  /// Whether the participant that a word names is still at work (Participant::creator_word).
  [[nodiscard]] virtual bool is_alive(std::uint64_t creator_word) const noexcept = 0;
  /// In a wait, now and then: what the dead have left may be in the way.
  virtual void clear_up() const noexcept {}
};

}  // namespace ringpost::journal
