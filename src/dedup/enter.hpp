// The steps of a table that ask the ring. Included by table.hpp.
#pragma once

#include "dedup/table.hpp"

namespace ringpost::dedup {

/// Published or dead; kFilling only from a ring that breaks its promise.
template <class Slots>
SlotState Table::decided(std::uint64_t position, Slots& slots) noexcept {
  const SlotState seen = slots.judge(position);
  if (seen != SlotState::kFilling) return seen;
  slots.skip(position);
  return slots.judge(position);
}

// 1 found, accepted and not over: a duplicate.
// 2 found, undecided: its position is decided now. Published: it is accepted, look again. Dead: 3.
// 3 found, dead or over: put my position in its place. Lost: somebody else did, look again.
// 4 absent: link an entry of my own, if the links are still those that were read. Lost: look again.
template <class Slots>
Entered Table::enter(const Send& send, Slots&& slots) const noexcept {
  using Outcome = Entered::Outcome;
  prefetch(send.key);  // three lines at a time, if the caller has not
  const std::uint32_t number = bucket_of(send.key);
  IdBucket& home = bucket(number);
  std::uint32_t mine = kNone;  // taken and not linked: nobody else writes to it
  const auto done = [&](Outcome outcome, std::uint64_t entry, std::uint64_t position) {
    if (mine != kNone) give_back(home.entries[mine], send);
    return Entered{outcome, entry, position};
  };
  Look seen;
  for (std::uint32_t tries = 0; tries < kTriesMax && look(home, send.key, seen); ++tries) {
    if (seen.index != kNone) {
      const EntryWord word = seen.word;
      const std::uint64_t entry = reference(number, seen.index);
      if (word.position() == send.position) return done(Outcome::kEntered, entry, send.position);
      if (word.is(EntryState::kCommitted) && !word.over(send.now)) {  // 1
        return done(Outcome::kDuplicate, entry, word.position());
      }
      if (replace(home.entries[seen.index], word, send, slots)) {  // 2, 3
        return done(Outcome::kEntered, entry, send.position);
      }
      if constexpr (requires { slots.is_over(); }) {
        if (slots.is_over()) break;
      }
      continue;
    }
    if (mine == kNone) mine = take(number, send);
    if (mine == kNone) {
      if (free_dead(home, send.now, slots)) continue;
      return done(Outcome::kFull, 0, 0);
    }
    if (link(home, seen.links, mine)) {  // 4
      return {Outcome::kEntered, reference(number, mine), send.position};
    }
  }
  return done(Outcome::kDamaged, 0, 0);
}

/// The linked `entry`, undecided or over as `word` says, now says undecided(send.position).
template <class Slots>
bool Table::replace(IdEntry& entry, EntryWord word, const Send& send, Slots& slots) noexcept {
  if (word.is(EntryState::kUndecided)) {
    switch (decided(word.position(), slots)) {
      case SlotState::kPublished:
        static_cast<void>(move(entry, word, word.committed(slots.expiry())));
        return false;
      case SlotState::kFilling:
        return false;
      case SlotState::kDead:
        if (!bury(entry, word, slots)) return false;
        break;
    }
  }
  return move(entry, word, word.undecided(send.position, send.owner));
}

/// Before the id of a dead position becomes free. Only as long as the entry says so is that
/// certain: one that was published, and whose slot has gone on, was committed before.
template <class Slots>
bool Table::bury(const IdEntry& entry, EntryWord word, Slots& slots) noexcept {
  if constexpr (requires { slots.bury(word.position()); }) {
    return read(entry) == word && slots.bury(word.position());
  }
  return true;
}

/// Where no entry is to be had: those whose senders gave up or died. Returns whether there is one.
template <class Slots>
bool Table::free_dead(IdBucket& home, std::uint64_t now, Slots& slots) noexcept {
  bool freed = false;
  std::uint64_t linked = links_of(home).entries();
  for (; linked != 0; linked &= linked - 1) {
    const auto index = static_cast<std::uint32_t>(__builtin_ctzll(linked));
    const EntryWord word = read(home.entries[index]);
    // The state, then the links: an entry that is not linked is its owner's, dead position or not.
    if (!links_of(home).has(index)) continue;
    if (word.is(EntryState::kUndecided)) {
      const SlotState state = slots.judge(word.position());
      if (state == SlotState::kPublished) {
        static_cast<void>(move(home.entries[index], word, word.committed(slots.expiry())));
      } else if (state == SlotState::kDead) {
        freed |= bury(home.entries[index], word, slots) && free_linked(home, index, word);
      }
    } else {
      freed |= word.is(EntryState::kFree) || word.over(now);  // take() comes round again
    }
  }
  return freed;
}

template <class Slots>
Table::Swept Table::sweep(std::uint16_t dead, Slots&& slots) const noexcept {
  Swept swept;
  for (std::uint32_t number = 0; number < geometry_.buckets; ++number) {
    if (!is_used(number)) continue;
    for (std::uint32_t index = 0; index < kEntriesPerBucket; ++index) {
      sweep_entry(bucket(number), index, dead, slots, swept);
    }
  }
  return swept;
}

template <class Slots>
void Table::sweep_entry(IdBucket& home, std::uint32_t index, std::uint16_t dead, Slots& slots,
                        Swept& swept) noexcept {
  IdEntry& entry = home.entries[index];
  const EntryWord word = read(entry);
  const bool linked = links_of(home).has(index);  // state, then links
  if (word.is(EntryState::kFree)) {
    if (linked) unlink(home, index);  // of somebody who died in between, perhaps
    return;
  }
  if (!word.is(EntryState::kUndecided) || word.owner() != dead) return;
  if (!linked) {
    // The dead one alone would have linked it.
    swept.freed += move(entry, word, word.freed()) ? 1u : 0u;
    return;
  }
  switch (slots.judge(word.position())) {
    case SlotState::kPublished:
      swept.committed += move(entry, word, word.committed(slots.expiry())) ? 1u : 0u;
      break;
    case SlotState::kDead:
      swept.freed += free_linked(home, index, word) ? 1u : 0u;
      break;
    case SlotState::kFilling:
      ++swept.left;
      break;
  }
}

}  // namespace ringpost::dedup
