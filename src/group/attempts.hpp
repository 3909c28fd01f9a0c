// Receive attempts of a FIFO queue: which ids were used, and what was received under them, so that
// a receive whose answer got lost gives the same messages again (sqs.md, F10).
//
// A receive *enters* its id: it takes an entry and links it, or finds one. It receives, *keeps* a
// note of each lease, and lets the entry say so. A retry finds that, takes the entry, and *renews*
// the leases if each of them still is what was noted: a settled, extended or ended one is another
// word by then.
#pragma once

#include <array>
#include <cstdint>

#include "dedup/layout.hpp"
#include "group/attempt_layout.hpp"
#include "ring/receiver.hpp"

namespace ringpost::group {

using ring::LeaseTimes;
using ring::Taken;

/// A private copy of what an attempt received.
struct AttemptNotes {
  struct Note {
    std::uint64_t position = 0;
    std::uint64_t lease = 0;  ///< as in AttemptNote
  };
  std::array<Note, kAttemptMessages> notes{};
  std::uint32_t count = 0;
  std::uint64_t end = 0;  ///< until when the id counts

  void add(std::uint64_t position, std::uint64_t lease) noexcept {
    notes[count++] = {position, lease};
  }
};

/// One participant's view of one queue's table.
///
/// Units       times are deadline units.
/// Threads     one at a time.
/// Blocking    never: no lock, no system call, no allocation. Loops end in memory that lies.
/// Crash       see AttemptState: an entry of the dead is freed by the sweeper, its id forgotten;
///             what was leased under it is a lease like any other. Who stands still in the middle
///             of a receive keeps his entry, and his id for a second.
/// Complexity  enter() looks at eight lines of keys, and one or two entries.
class Attempts {
 public:
  enum class Outcome : std::uint8_t {
    kFirst,   ///< receive, then keep() or give_up()
    kAgain,   ///< renew() what was noted, then keep(); if that fails, as kFirst
    kBusy,    ///< another receive with this id is under way
    kNoRoom,  ///< receive; it will not be remembered
  };
  /// For the call that follows.
  struct Entered {
    Outcome outcome = Outcome::kNoRoom;
    std::uint32_t index = 0;
    AttemptWord word;
    AttemptNotes noted;
  };

  Attempts(ring::Ring& ring, AttemptTable& table, std::uint16_t me,
           shm::HazardOwner& hazards) noexcept
      : ring_(ring), table_(table), me_(me), hazards_(hazards) {}

  /// If every entry is in use, one whose messages were settled or whose time is over gives way, and
  /// if there is none the oldest: a receive is never refused because others wanted to be
  /// remembered.
  [[nodiscard]] Entered enter(dedup::Key key, std::uint64_t now) noexcept;

  /// All the leases noted, until `times.deadline` and with me as their owner; or none, if one of
  /// them is not what it was. Requires as many free hazards.
  ///
  /// Crash  those that are mine by then are leases of the dead.
  [[nodiscard]] bool renew(const AttemptNotes& noted, const LeaseTimes& times,
                           std::array<Taken, kAttemptMessages>& taken) noexcept;

  /// The next receive with this id before `notes.end` gives these.
  void keep(const Entered& entered, const AttemptNotes& notes) noexcept;
  /// Nothing was received: the id is as if it had not been used.
  void give_up(const Entered& entered) noexcept;

  /// Frees what a dead participant has in hand. Crash: another sweeper does it again.
  static void sweep(AttemptTable& table, std::uint16_t dead) noexcept;

 private:
  static constexpr std::uint32_t kNone = kAttempts;
  static constexpr std::uint32_t kTriesMax = 1'000;  ///< the bound is for hostile memory

  struct Look {
    AttemptLinks links;  ///< what the look relies on
    std::uint32_t index = kNone;
    AttemptWord word;
  };
  [[nodiscard]] bool look(dedup::Key key, Look& found) noexcept;
  [[nodiscard]] std::uint32_t take(dedup::Key key, std::uint64_t now, AttemptWord& mine) noexcept;
  [[nodiscard]] bool take_at(std::uint32_t index, dedup::Key key, std::uint64_t now,
                             AttemptWord& mine) noexcept;
  [[nodiscard]] std::uint32_t oldest() noexcept;
  void free(std::uint32_t index, AttemptWord mine) noexcept;
  [[nodiscard]] bool is_void(const AttemptEntry& entry, AttemptWord word,
                             std::uint64_t now) const noexcept;
  [[nodiscard]] static AttemptNotes copy(const AttemptEntry& entry, AttemptWord word) noexcept;
  [[nodiscard]] bool stands(const AttemptNotes::Note& note, ring::LeaseWord word,
                            std::uint64_t now) const noexcept;
  [[nodiscard]] bool renew(const AttemptNotes::Note& note, const LeaseTimes& times,
                           Taken& taken) noexcept;
  void undo(const AttemptNotes::Note& note, const Taken& taken) noexcept;

  [[nodiscard]] static AttemptWord read(const AttemptEntry& entry) noexcept;
  [[nodiscard]] static bool move(AttemptEntry& entry, AttemptWord from, AttemptWord to) noexcept;
  static void unlink(AttemptTable& table, std::uint32_t index) noexcept;

  ring::Ring& ring_;
  AttemptTable& table_;
  const std::uint16_t me_;
  shm::HazardOwner& hazards_;
  std::uint32_t last_ = 0;  ///< the entry that I took last: mostly void by the next time
};

}  // namespace ringpost::group
