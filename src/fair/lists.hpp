// The lists of a fair ring: for each tenant its messages that are visible and were never leased.
//
//   place     a published message at the end of its tenant's list      group/dispatch.cpp
//   take_off  what was leased, or is gone, off the front               lists.cpp
//
// Words and placing are those of a FIFO ring (group/groups.hpp); the rest is simpler, because no
// order hangs on it. A message leaves its list at its first lease and never comes back: what is
// returned, delayed or was published late is found by the hint of its slot, as in a standard ring.
//
// To lease, then take off: whoever dies or stops between the two leaves a front that is leased, or
// whatever became of it since, and anybody takes it off. A slot is used again only when it is out
// of its list: each lease is followed by take_off() before anybody is told of it.
#pragma once

#include <cstdint>

#include "fair/tenants.hpp"
#include "group/groups.hpp"

namespace ringpost::fair {

/// Threads     any number.
/// Blocking    never. Loops end after a bounded number of steps in memory that lies.
/// Crash       each step is one CAS after which anybody can go on.
class Lists {
 public:
  explicit Lists(ring::Ring& ring) noexcept : ring_(ring), groups_(ring), tenants_(ring.view) {}

  [[nodiscard]] group::Groups& groups() noexcept { return groups_; }
  [[nodiscard]] const Tenants& tenants() const noexcept { return tenants_; }
  [[nodiscard]] std::uint64_t tenant_at(std::uint32_t slot) const noexcept {
    return groups_.key_at(slot);
  }

  /// Hints of slots come first, then those of lists.
  [[nodiscard]] std::uint32_t hint_of(std::uint32_t index) const noexcept {
    return ring_.view.slots() + index;
  }
  /// As long as a message waits in list `index`, its hint is set.
  void hint(std::uint32_t index) const noexcept { ring_.hints.set(hint_of(index)); }

  /// Whether the message of lap `lap` with this word can be leased from its list.
  [[nodiscard]] static bool waits(ring::LeaseWord word, std::uint64_t lap) noexcept {
    return word.is_listed() || word.is(ring::LeaseState::kIdle, lap);
  }

  /// Takes the message of (slot, lap), which does not wait, off list `index` if it is its first:
  /// else it is out already.
  void take_off(std::uint32_t index, std::uint32_t slot, std::uint64_t lap) noexcept;
  /// The same, whichever its list is.
  void take_off(std::uint32_t slot, std::uint64_t lap) noexcept;
  /// Takes everything off the front that does not wait there.
  void trim(std::uint32_t index) noexcept;
  /// A message that was removed from the middle of its list: frees its slot if it is out. Returns
  /// false while others are before it.
  bool finish(std::uint32_t slot) noexcept;

 private:
  static constexpr std::uint32_t kStepsMax = 1'000;  ///< the bound is for hostile memory

  ring::Ring& ring_;
  group::Groups groups_;
  Tenants tenants_;
};

}  // namespace ringpost::fair
