#include "group/attempts.hpp"

namespace ringpost::group {

using ring::LeaseState;
using ring::LeaseWord;
using ring::RingView;

namespace {

#if defined(RINGPOST_RIG)
constexpr std::uint64_t kStandsStillUnits = 500;  // less than a tick of its clock
#else
constexpr std::uint64_t kStandsStillUnits = 100'000;  // 1 s, as for sweepers
#endif

constexpr std::uint64_t kLongAfterUnits = 30'000'000;  // 5 min, as long as an id counts

/// Nobody who comes now concludes anything from the id of this entry.
bool is_gone(AttemptWord word) noexcept {
  return word.is(AttemptState::kFree) || word.is(AttemptState::kDropped);
}

/// Whoever receives. One that began after my look at the clock does not, I did; but one of long
/// after is of memory that lies.
bool stands_still(AttemptWord word, std::uint64_t now) noexcept {
  if (word.time() <= now) return now - word.time() > kStandsStillUnits;
  return word.time() - now > kLongAfterUnits;
}

}  // namespace

/// One state that the entry had: the low half between whose two reads the high half was read has
/// the version. [attempt] acquire, pairs with move().
AttemptWord Attempts::read(const AttemptEntry& entry) noexcept {
  AttemptWord word{entry.state.load()};
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    if (entry.state.load_low() == word.bits.low) break;
    word = AttemptWord{entry.state.load()};
  }
  return word;
}

/// [attempt] A full barrier: the notes stand before the state that tells of them, and whoever takes
/// the entry has read them before that.
bool Attempts::move(AttemptEntry& entry, AttemptWord from, AttemptWord to) noexcept {
  return entry.state.compare_exchange(from.bits, to.bits);
}

/// The links, then the state: an entry that is gone and linked stays so until the links change.
void Attempts::unlink(AttemptTable& table, std::uint32_t index) noexcept {
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    const AttemptLinks links{table.links.load()};
    if (!links.has(index) || !is_gone(read(table.entries[index]))) return;
    // [attempt-links] A full barrier.
    if (table.links.compare_exchange(links.bits, links.without(index).bits)) return;
  }
}

/// The links before and after: if they are the same, the id had its entry, or none, all the time
/// between. Returns false only in memory that lies.
bool Attempts::look(dedup::Key key, Look& found) noexcept {
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    // [attempt-links] acquire, pairs with enter(): the key of what is linked is written.
    found.links = AttemptLinks{table_.links.load()};
    found.index = kNone;
    std::uint64_t linked = found.links.entries();
    for (; linked != 0 && found.index == kNone; linked &= linked - 1) {
      const auto index = static_cast<std::uint32_t>(__builtin_ctzll(linked));
      if (table_.key_low[index].load(std::memory_order_acquire) != key.low) continue;
      const AttemptEntry& entry = table_.entries[index];
      if (entry.key_high.load(std::memory_order_acquire) != key.high) continue;
      found.index = index;
      found.word = read(entry);
    }
    if (found.index != kNone && is_gone(found.word)) {
      unlink(table_, found.index);
      continue;
    }
    if (table_.links.load_low() == found.links.version()) return true;
  }
  return false;
}

// 1 found, another receive is under way: busy; if it stands still, its entry is dropped: look
// again. 2 found, done: taken. Lost, or its time was over: look again. 3 absent: link an entry of
// my own, if the links are still those that were read. Lost: look again.
Attempts::Entered Attempts::enter(dedup::Key key, std::uint64_t now) noexcept {
  Entered mine;
  mine.index = kNone;
  const auto without_mine = [&](Outcome outcome) {
    if (mine.index != kNone) free(mine.index, mine.word);
    return Entered{outcome, kNone, {}, {}};
  };
  Look seen;
  for (std::uint32_t tries = 0; tries < kTriesMax && look(key, seen); ++tries) {
    if (seen.index == kNone) {  // 3
      if (mine.index == kNone) mine.index = take(key, now, mine.word);
      if (mine.index == kNone) return without_mine(Outcome::kNoRoom);
      mine.outcome = Outcome::kFirst;
      // [attempt-links] A full barrier: the key before the bit. From the links that were read
      // before the id was found to be absent, so nobody has linked it since.
      if (table_.links.compare_exchange(seen.links.bits, seen.links.with(mine.index).bits)) {
        return mine;
      }
      continue;
    }
    AttemptEntry& entry = table_.entries[seen.index];
    if (seen.word.is(AttemptState::kTaking)) {  // 1
      if (!stands_still(seen.word, now)) return without_mine(Outcome::kBusy);
      static_cast<void>(move(entry, seen.word, seen.word.dropped()));
      continue;
    }
    if (seen.word.time() <= now) {  // 2, over
      static_cast<void>(move(entry, seen.word, seen.word.freed()));
      continue;
    }
    const AttemptNotes noted = copy(entry, seen.word);  // while nobody has taken it since
    const AttemptWord taking = seen.word.taking(me_, now);
    if (!move(entry, seen.word, taking)) continue;
    static_cast<void>(without_mine(Outcome::kAgain));
    return {Outcome::kAgain, seen.index, taking, noted};
  }
  return without_mine(Outcome::kNoRoom);
}

/// An entry with this key, not linked, that nobody else writes to; kNone if there is none.
std::uint32_t Attempts::take(dedup::Key key, std::uint64_t now, AttemptWord& mine) noexcept {
  for (std::uint32_t i = 0; i < kAttempts; ++i) {
    const std::uint32_t index = (last_ + i) % kAttempts;
    if (take_at(index, key, now, mine)) return last_ = index;
  }
  for (std::uint32_t tries = 0; tries < kAttempts; ++tries) {
    const std::uint32_t index = oldest();
    if (index == kNone) return kNone;
    const AttemptWord word = read(table_.entries[index]);
    if (word.is(AttemptState::kDone)) free(index, word);
    if (take_at(index, key, now, mine)) return last_ = index;
  }
  return kNone;
}

bool Attempts::take_at(std::uint32_t index, dedup::Key key, std::uint64_t now,
                       AttemptWord& mine) noexcept {
  AttemptEntry& entry = table_.entries[index];
  AttemptWord word = read(entry);
  if (word.is(AttemptState::kDone) && (word.time() <= now || is_void(entry, word, now))) {
    free(index, word);
    word = read(entry);
  }
  if (!word.is(AttemptState::kFree)) return false;
  unlink(table_, index);  // whoever freed it may have died in between
  mine = word.taking(me_, now);
  if (!move(entry, word, mine)) return false;
  table_.key_low[index].store(key.low, std::memory_order_relaxed);  // the link makes them visible
  entry.key_high.store(key.high, std::memory_order_relaxed);
  return true;
}

/// Of those that are done.
std::uint32_t Attempts::oldest() noexcept {
  std::uint32_t found = kNone;
  std::uint64_t earliest = 0;
  for (std::uint32_t index = 0; index < kAttempts; ++index) {
    const AttemptWord word = read(table_.entries[index]);
    if (!word.is(AttemptState::kDone)) continue;
    if (found != kNone && word.time() >= earliest) continue;
    found = index;
    earliest = word.time();
  }
  return found;
}

/// From a word that is done, or that I left when I took it: then somebody may have dropped it.
void Attempts::free(std::uint32_t index, AttemptWord mine) noexcept {
  AttemptEntry& entry = table_.entries[index];
  if (!move(entry, mine, mine.freed()) && mine.is(AttemptState::kTaking)) {
    const AttemptWord word = read(entry);
    const bool is_mine = word.is(AttemptState::kDropped) && word.owner() == me_;
    if (is_mine) static_cast<void>(move(entry, word, word.freed()));
  }
  unlink(table_, index);
}

void Attempts::keep(const Entered& entered, const AttemptNotes& notes) noexcept {
  AttemptEntry& entry = table_.entries[entered.index];
  for (std::uint32_t i = 0; i < notes.count; ++i) {
    // relaxed: move() makes them visible.
    entry.notes[i].position.store(notes.notes[i].position, std::memory_order_relaxed);
    entry.notes[i].lease.store(notes.notes[i].lease, std::memory_order_relaxed);
  }
  const AttemptWord done = entered.word.done(notes.count, notes.end);
  if (!move(entry, entered.word, done)) free(entered.index, entered.word);
}

void Attempts::give_up(const Entered& entered) noexcept { free(entered.index, entered.word); }

AttemptNotes Attempts::copy(const AttemptEntry& entry, AttemptWord word) noexcept {
  AttemptNotes notes;
  notes.end = word.time();
  for (std::uint32_t i = 0; i < word.count(); ++i) {
    notes.add(entry.notes[i].position.load(std::memory_order_relaxed),
              entry.notes[i].lease.load(std::memory_order_relaxed));
  }
  return notes;
}

bool Attempts::is_void(const AttemptEntry& entry, AttemptWord word,
                       std::uint64_t now) const noexcept {
  const AttemptNotes noted = copy(entry, word);
  for (std::uint32_t i = 0; i < noted.count; ++i) {
    const std::uint32_t slot = ring_.view.slot_of(noted.notes[i].position);
    if (!stands(noted.notes[i], ring_.view.lease_word(slot), now)) return true;
  }
  return noted.count == 0;
}

/// Lease first, then publish: is this word still the lease that was noted, and not over? Whoever
/// settles it changes its state, whoever extends it its deadline.
bool Attempts::stands(const AttemptNotes::Note& note, LeaseWord word,
                      std::uint64_t now) const noexcept {
  const RingView& view = ring_.view;
  const std::uint64_t publish =
      view.slot(view.slot_of(note.position)).publish.load(std::memory_order_acquire);  // [publish]
  return publish == view.lap_of(note.position) && word.state() == LeaseState::kLeased &&
         word.bits.high == note.lease && word.deadline() > now;
}

bool Attempts::renew(const AttemptNotes& noted, const LeaseTimes& times,
                     std::array<Taken, kAttemptMessages>& taken) noexcept {
  // All of them first, so that mostly nothing has to be undone.
  for (std::uint32_t i = 0; i < noted.count; ++i) {
    const std::uint32_t slot = ring_.view.slot_of(noted.notes[i].position);
    if (!stands(noted.notes[i], ring_.view.lease_word(slot), times.now)) return false;
  }
  for (std::uint32_t i = 0; i < noted.count; ++i) {
    if (renew(noted.notes[i], times, taken[i])) continue;
    while (i-- > 0) undo(noted.notes[i], taken[i]);
    return false;
  }
  return noted.count != 0;
}

bool Attempts::renew(const AttemptNotes::Note& note, const LeaseTimes& times,
                     Taken& taken) noexcept {
  const std::uint32_t slot = ring_.view.slot_of(note.position);
  const std::uint64_t lap = ring_.view.lap_of(note.position);
  const std::uint32_t hazard = hazards_.set(shm::hazard_key(slot, lap));  // before the CAS
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    const LeaseWord word = ring_.view.lease_word(slot);
    if (!stands(note, word, times.now)) break;
    ring_.due.lower(slot, times.deadline);  // before the state
    // Marked: whoever received it before may still settle it, while I read it in place.
    const LeaseWord mine = LeaseWord::leased(word.lap(), me_, times.deadline, word.count(), true)
                               .with_drops(word.drops());
    if (!ring_.view.move_lease(slot, word, mine)) continue;
    // As in extend(): an earlier end than before may have been overlooked by a scan.
    if (times.deadline < word.deadline()) ring_.due.lower(slot, times.deadline);
    taken = {slot, hazard, lap, mine};
    return true;
  }
  hazards_.clear(hazard);
  return false;
}

/// Ends when it would have ended, but is nobody's: by now its owner may be dead and swept.
void Attempts::undo(const AttemptNotes::Note& note, const Taken& taken) noexcept {
  const std::uint64_t deadline = LeaseWord{{0, note.lease}}.deadline();
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    const LeaseWord word = ring_.view.lease_word(taken.slot);
    if (!word.continues(taken.word)) break;
    ring_.due.lower(taken.slot, deadline);  // before the state
    const LeaseWord before =
        LeaseWord::leased(word.lap(), 0, deadline, word.count(), true).with_drops(word.drops());
    if (!ring_.view.move_lease(taken.slot, word, before)) continue;
    if (deadline < word.deadline()) ring_.due.lower(taken.slot, deadline);
    break;
  }
  hazards_.clear(taken.hazard);
}

void Attempts::sweep(AttemptTable& table, std::uint16_t dead) noexcept {
  for (std::uint32_t index = 0; index < kAttempts; ++index) {
    AttemptEntry& entry = table.entries[index];
    const AttemptWord word = read(entry);
    const bool in_hand = word.is(AttemptState::kTaking) || word.is(AttemptState::kDropped);
    if (in_hand && word.owner() == dead) {
      // Lost: somebody has dropped it meanwhile.
      if (!move(entry, word, word.freed())) {
        const AttemptWord dropped = read(entry);
        const bool is_its = dropped.is(AttemptState::kDropped) && dropped.owner() == dead;
        if (is_its) static_cast<void>(move(entry, dropped, dropped.freed()));
      }
    }
    unlink(table, index);
  }
}

}  // namespace ringpost::group
