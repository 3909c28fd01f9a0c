// Claim, publish, abandon, close. protocols.md, section 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "journal/view.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::journal {

/// Cells that are the claimer's alone until publish() or abandon().
struct Claim {
  std::uint64_t position = 0;
  std::span<std::byte> bytes;  ///< as many as were asked for
};

/// One participant's producing end of one journal. Its cursors are private guesses: every position
/// below them is passed for ever, so they need no recovery.
///
/// Threads   one at a time.
/// Blocking  never; no system call except to wake a sleeper.
/// Crash     an unpublished claim of the dead is voided by the sweeper; after the publish a record
///           needs nobody.
class Producer {
 public:
  Producer(const JournalView& view, std::uint16_t me) noexcept : view_(view), me_(me) {}

  /// Takes the next cells for a record of exactly so many bytes, its header included. One locked
  /// operation where nobody else is at it. Errors kFull (the writer is behind; without a log:
  /// somebody has claimed the oldest cells and not published), kClosed, kTooLarge, kCorrupt.
  Errc claim(std::size_t bytes, Claim& into) noexcept;

  /// Makes the record visible to readers and to the writer.
  void publish(const Claim& claim) noexcept;

  /// Instead of publish(): there is no record.
  void abandon(const Claim& claim) noexcept;

  /// Nothing can be claimed any more; what is claimed can still be published. kOk: closed, by this
  /// call or by another one, `end` is where. Errors kFull, kCorrupt.
  Errc close(std::uint64_t& end) noexcept;

  /// The first position that nobody has claimed; of a closed journal its end. A hint, that holds
  /// when nobody claims. Error kCorrupt.
  Errc frontier(std::uint64_t& position) noexcept;

  /// Moves the shared tail to my own: after a batch.
  void flush() noexcept;

 private:
  [[nodiscard]] Errc find_free(Descriptor& seen) noexcept;
  [[nodiscard]] bool has_room(std::uint64_t need) noexcept;
  void raise_low(std::uint64_t need) noexcept;
  [[nodiscard]] bool take(Descriptor seen, std::uint16_t owner, std::uint32_t scaled,
                          CellState state) noexcept;
  void settle(const Claim& claim, CellState state) noexcept;
  void wake() noexcept;
  void fetch_next() const noexcept;

  const JournalView view_;
  const std::uint16_t me_;
  std::uint64_t tail_ = 0;         ///< every position below is claimed
  std::uint64_t tail_shared_ = 0;  ///< what the shared tail was at least
  std::uint64_t drain_ = 0;        ///< what the shared drain is at least
  std::uint64_t low_ = 0;          ///< what the shared low is at least
};

}  // namespace ringpost::journal
