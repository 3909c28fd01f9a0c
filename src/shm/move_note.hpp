// A participant's note of the move that it is making: which message goes from where to where.
//
// A move changes the words of two rings. Between standard rings one CAS of the source's lease word
// decides it (ring/move.hpp); between rings with groups the note's own state does
// (group/move.hpp), for there consumers of both rings may come in between. Whoever dies right after
// the decision leaves a message that is gone here and not yet there: the note tells the sweeper
// where it has to appear. It is complete before the first step and goes after the last one.
//
// Crash  the sweeper finishes the move or lets it be undone, and drops the note.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringpost::shm {

enum class MoveState : std::uint8_t {
  kNone = 0,       ///< nothing is left to do
  kOpen = 1,       ///< not decided here
  kCommitted = 2,  ///< with groups: the message is the target's
  kAborted = 3,    ///< with groups: it has stayed
};

/// Number of a move, never used again for moves of this entry, and what has become of it.
struct MoveWord {
  std::uint64_t word = 0;
  static constexpr MoveWord of(std::uint64_t number, MoveState state) noexcept {
    return {number << 2 | static_cast<std::uint64_t>(state)};
  }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return word >> 2; }
  [[nodiscard]] constexpr MoveState state() const noexcept {
    return static_cast<MoveState>(word & 3);
  }
  [[nodiscard]] constexpr bool none() const noexcept { return state() == MoveState::kNone; }
  [[nodiscard]] constexpr MoveWord become(MoveState state) const noexcept {
    return of(number(), state);
  }
};

/// In shared memory, one a participant. Written by its owner and, after its death, the sweeper.
struct MoveNote {
  std::atomic<std::uint64_t> state;  ///< MoveWord; not none: the rest is complete
  std::atomic<std::uint64_t> source_ring;
  std::atomic<std::uint64_t> source_slot;
  std::atomic<std::uint64_t> source_lap;
  std::atomic<std::uint64_t> target_ring;
  std::atomic<std::uint64_t> target_position;
  std::atomic<std::uint64_t> block;       ///< that goes along
  std::atomic<std::uint64_t> generation;  ///< 0: none does

  [[nodiscard]] MoveWord read() const noexcept {
    return {state.load(std::memory_order_acquire)};  // [moving]
  }
  /// `from` becomes `to`; lost: `from` is what stands there.
  bool change(MoveWord& from, MoveState to) noexcept {
    // [moving] A full barrier: decides between the mover, consumers of both rings, the sweeper.
    return state.compare_exchange_strong(from.word, from.become(to).word, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
  }
};

/// The notes of all participants, for whoever comes across a move of another one's.
///
/// Threads     any number.
/// Blocking    never.
/// Crash       a move that was open is aborted, or not: nothing half-done.
class MoveBoard {
 public:
  MoveBoard() noexcept = default;
  MoveBoard(MoveNote* first, std::size_t stride_bytes, std::uint32_t count_max) noexcept
      : first_(first), stride_(stride_bytes), count_max_(count_max) {}

  enum class Verdict : std::uint8_t {
    kCommitted,
    kAborted,  ///< perhaps by this call: an open move waits for nobody
    kOver,     ///< its mover has gone on: what named the move has changed
  };
  /// What has become of the move of `owner` whose number has these low bits.
  [[nodiscard]] Verdict judge(std::uint32_t owner, std::uint64_t number,
                              std::uint64_t mask) const noexcept {
    MoveNote* const note = find(owner);
    if (note == nullptr) return Verdict::kOver;
    MoveWord seen = note->read();
    return (seen.number() & mask) == number ? decide(*note, seen) : Verdict::kOver;
  }
  /// What has become of the move of `owner` to this position.
  [[nodiscard]] Verdict judge_target(std::uint32_t owner, std::uint64_t ring,
                                     std::uint64_t position) const noexcept {
    MoveNote* const note = find(owner);
    if (note == nullptr) return Verdict::kOver;
    MoveWord seen = note->read();
    if (seen.none()) return Verdict::kOver;
    // acquire: before the second look. Its mover drops the note before he writes another one.
    const bool named = note->target_ring.load(std::memory_order_acquire) == ring &&
                       note->target_position.load(std::memory_order_acquire) == position;
    const MoveWord again = note->read();
    const bool same = again.number() == seen.number() && !again.none();
    return named && same ? decide(*note, again) : Verdict::kOver;
  }

 private:
  [[nodiscard]] MoveNote* find(std::uint32_t owner) const noexcept {
    if (owner >= count_max_) return nullptr;
    return reinterpret_cast<MoveNote*>(reinterpret_cast<char*>(first_) + owner * stride_);
  }
  static Verdict decide(MoveNote& note, MoveWord seen) noexcept {
    constexpr int kChangesMax = 4;  // the bound is for hostile memory
    const std::uint64_t number = seen.number();
    for (int i = 0; i < kChangesMax && seen.number() == number; ++i) {
      switch (seen.state()) {
        case MoveState::kNone:
          return Verdict::kOver;
        case MoveState::kCommitted:
          return Verdict::kCommitted;
        case MoveState::kAborted:
          return Verdict::kAborted;
        case MoveState::kOpen:
          if (note.change(seen, MoveState::kAborted)) return Verdict::kAborted;
      }
    }
    return Verdict::kOver;
  }

  MoveNote* first_ = nullptr;
  std::size_t stride_ = 0;
  std::uint32_t count_max_ = 0;
};

}  // namespace ringpost::shm
