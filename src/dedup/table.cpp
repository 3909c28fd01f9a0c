#include "dedup/table.hpp"

#include <cstring>
#include <iterator>

namespace ringpost::dedup {
namespace {

/// A bit for each byte of `word` that equals `byte`.
std::uint64_t bytes_equal(std::uint64_t word, std::uint8_t byte) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7f;
  const std::uint64_t differs = word ^ kOnes * byte;
  const std::uint64_t zero = ~(((differs & kLow) + kLow) | differs | kLow);  // 0x80 where equal
  return (zero >> 7) * 0x0102040810204080 >> 56;
}

std::uint8_t& print_at(IdBucket& home, std::uint32_t index) noexcept {
  return reinterpret_cast<std::uint8_t*>(&home.prints[index / 8])[index % 8];
}

Key key_at(const IdEntry& entry) noexcept {
  return {entry.key_low.load(std::memory_order_acquire),
          entry.key_high.load(std::memory_order_acquire)};
}

}  // namespace

void Table::initialise(std::byte* memory, std::uint32_t capacity) noexcept {
  auto& header = *reinterpret_cast<TableHeader*>(memory);
  header.format = kTableFormat;
  header.capacity = capacity;
  header.magic = kTableMagic;
}

std::optional<Table> Table::attach(std::byte* memory, std::size_t bytes) noexcept {
  if (bytes < base::kPageBytes) return std::nullopt;
  TableHeader header;
  std::memcpy(&header, memory, sizeof header);  // copied once, then checked
  if (header.magic != kTableMagic || header.format != kTableFormat) return std::nullopt;
  if (header.capacity == 0 || header.capacity > kCapacityMax) return std::nullopt;
  const TableGeometry geometry = TableGeometry::of(header.capacity);
  if (geometry.bytes > bytes) return std::nullopt;
  return Table(memory, geometry);
}

void Table::prefetch(Key key) const noexcept {
  const IdBucket& home = bucket(bucket_of(key));
  __builtin_prefetch(&home, 1);
  __builtin_prefetch(&home.prints[6], 1);  // the bucket's second line
  __builtin_prefetch(&home.entries[first_choice(key)], 1);
}

IdEntry* Table::entry_of(std::uint64_t reference) const noexcept {
  if (reference == 0 || reference > std::uint64_t{geometry_.buckets} * kEntriesPerBucket) {
    return nullptr;
  }
  const std::uint64_t number = (reference - 1) / kEntriesPerBucket;
  return &bucket(static_cast<std::uint32_t>(number)).entries[(reference - 1) % kEntriesPerBucket];
}

/// One state that the entry had: the low half between whose two reads the high half was read has
/// the version. [dedup-entry] acquire, pairs with move().
EntryWord Table::read(const IdEntry& entry) noexcept {
  EntryWord word{entry.state.load()};
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    const std::uint64_t again = entry.state.load_low();
    if (again == word.bits.low) break;
    word = EntryWord{entry.state.load()};
  }
  return word;
}

/// [dedup-entry] A full barrier: what decided the position stands before the entry that says so.
bool Table::move(IdEntry& entry, EntryWord from, EntryWord to) noexcept {
  return entry.state.compare_exchange(from.bits, to.bits);
}

/// Which of `entries` may have a hash with this print.
std::uint64_t Table::alike(const IdBucket& home, std::uint64_t entries,
                           std::uint8_t print) noexcept {
  std::uint64_t found = 0;
  for (std::uint32_t i = 0; i < std::size(home.prints); ++i) {
    if ((entries >> i * 8 & 0xff) == 0) continue;
    found |= bytes_equal(home.prints[i].load(std::memory_order_acquire), print) << i * 8;
  }
  return found & entries;
}

/// Looks for an id among the linked entries. The links before and after: if they are the same, the
/// id had its entry, or none, all the time between. Returns false only in memory that lies.
bool Table::look(IdBucket& home, Key key, Look& found) noexcept {
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    // [dedup-links] acquire, pairs with link(): hash and print of what is linked are written.
    found.links = links_of(home);
    found.index = kNone;
    std::uint64_t candidates = alike(home, found.links.entries(), print_of(key));
    for (; candidates != 0; candidates &= candidates - 1) {
      const auto index = static_cast<std::uint32_t>(__builtin_ctzll(candidates));
      if (key_at(home.entries[index]) != key) continue;
      found.index = index;
      found.word = read(home.entries[index]);
      break;
    }
    if (found.index != kNone && found.word.is(EntryState::kFree)) {
      unlink(home, found.index);  // whoever freed it may have died
      continue;
    }
    if (home.links.load_low() == found.links.version()) return true;
  }
  return false;
}

std::optional<std::uint64_t> Table::find(Key key, std::uint64_t now) const noexcept {
  prefetch(key);
  Look seen;
  if (!look(bucket(bucket_of(key)), key, seen) || seen.index == kNone) return std::nullopt;
  if (!seen.word.is(EntryState::kCommitted) || seen.word.over(now)) return std::nullopt;
  return seen.word.position();
}

/// [dedup-links] A full barrier: hash, print and state before the bit. From the links that were
/// read before the id was found to be absent, so nobody has linked it since.
bool Table::link(IdBucket& home, Links from, std::uint32_t index) noexcept {
  return home.links.compare_exchange(from.bits, from.with(index).bits);
}

/// Ends the link of an entry that is free. The links, then the state: a freed entry that is linked
/// stays free until somebody has changed the links.
void Table::unlink(IdBucket& home, std::uint32_t index) noexcept {
  for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
    const Links links = links_of(home);
    if (!links.has(index) || !read(home.entries[index]).is(EntryState::kFree)) return;
    if (home.links.compare_exchange(links.bits, links.without(index).bits)) return;
  }
}

bool Table::free_linked(IdBucket& home, std::uint32_t index, EntryWord from) noexcept {
  if (!move(home.entries[index], from, from.freed())) return false;
  unlink(home, index);
  return true;
}

void Table::give_back(IdEntry& entry, const Send& send) noexcept {
  const EntryWord word = read(entry);
  if (word.is(EntryState::kUndecided, send.position)) {
    static_cast<void>(move(entry, word, word.freed()));
  }
}

/// An entry for the id of `send`, not linked, that nobody else writes to; kNone if all are in use.
/// The first in reach of the line that prefetch() brought, also one whose message is over, so that
/// those do not pile up.
std::uint32_t Table::take(std::uint32_t number, const Send& send) const noexcept {
  IdBucket& home = bucket(number);
  // Before anything is taken: who looks at all buckets leaves out those that were never used.
  if (!is_used(number)) {
    used_word(number).fetch_or(std::uint64_t{1} << number % 64, std::memory_order_acq_rel);
  }
  std::uint32_t index = first_choice(send.key);
  for (std::uint32_t i = 0; i < kEntriesPerBucket; ++i) {
    if (take_at(home, index, send)) return index;
    index = index + 1 < kEntriesPerBucket ? index + 1 : 0;
  }
  return kNone;
}

bool Table::take_at(IdBucket& home, std::uint32_t index, const Send& send) noexcept {
  IdEntry& entry = home.entries[index];
  EntryWord word = read(entry);
  if (word.over(send.now)) {
    if (!free_linked(home, index, word)) return false;
    word = read(entry);
  }
  if (!word.is(EntryState::kFree)) return false;
  // The state, then the links: it was not linked after it was in this state, and the CAS says that
  // it still is.
  if (links_of(home).has(index)) {
    unlink(home, index);
    if (links_of(home).has(index)) return false;
  }
  if (!move(entry, word, word.undecided(send.position, send.owner))) return false;
  entry.key_low.store(send.key.low, std::memory_order_relaxed);  // link() makes them visible
  entry.key_high.store(send.key.high, std::memory_order_relaxed);
  __atomic_store_n(&print_at(home, index), print_of(send.key), __ATOMIC_RELAXED);
  return true;
}

bool Table::commit(std::uint64_t entry, std::uint64_t position,
                   std::uint64_t expiry) const noexcept {
  IdEntry* const at = entry_of(entry);
  if (at == nullptr) return false;
  EntryWord word = read(*at);
  if (word.is(EntryState::kUndecided, position)) {
    if (move(*at, word, word.committed(expiry))) return true;
    word = read(*at);  // decided by another; it never is undecided for this position again
  }
  return word.is(EntryState::kCommitted, position);
}

void Table::abandon(std::uint64_t entry, std::uint64_t position) const noexcept {
  IdEntry* const at = entry_of(entry);
  if (at == nullptr) return;
  const EntryWord word = read(*at);
  if (!word.is(EntryState::kUndecided, position)) return;
  const auto number = static_cast<std::uint32_t>((entry - 1) / kEntriesPerBucket);
  const auto index = static_cast<std::uint32_t>((entry - 1) % kEntriesPerBucket);
  static_cast<void>(free_linked(bucket(number), index, word));
}

std::uint64_t Table::clear(std::uint64_t end, bool with_dead) const noexcept {
  std::uint64_t cleared = 0;
  for (std::uint32_t number = 0; number < geometry_.buckets; ++number) {
    if (!is_used(number)) continue;
    IdBucket& home = bucket(number);
    std::uint64_t linked = links_of(home).entries();
    for (; linked != 0; linked &= linked - 1) {
      const auto index = static_cast<std::uint32_t>(__builtin_ctzll(linked));
      for (std::uint32_t tries = 0; tries < kTriesMax; ++tries) {
        const EntryWord word = read(home.entries[index]);
        // Not linked any more and in use again: of a position that `end` does not reach, or of one
        // whose sender cannot publish it any more.
        if (word.is(EntryState::kFree) || word.position() >= end) break;
        if (!with_dead && word.is(EntryState::kUndecided)) break;
        if (!links_of(home).has(index)) break;
        if (!free_linked(home, index, word)) continue;
        ++cleared;
        break;
      }
    }
  }
  return cleared;
}

std::uint64_t Table::live_in(const IdBucket& home, std::uint64_t now) noexcept {
  std::uint64_t live = 0;
  std::uint64_t linked = links_of(home).entries();
  for (; linked != 0; linked &= linked - 1) {
    const EntryWord word = read(home.entries[__builtin_ctzll(linked)]);
    live += word.is(EntryState::kFree) || word.over(now) ? 0u : 1u;
  }
  return live;
}

std::uint64_t Table::count(std::uint64_t now) const noexcept {
  std::uint64_t live = 0;
  for (std::uint32_t number = 0; number < geometry_.buckets; ++number) {
    if (is_used(number)) live += live_in(bucket(number), now);
  }
  return live;
}

std::uint64_t Table::estimate(std::uint64_t now) const noexcept {
  constexpr std::uint32_t kSample = 64;
  if (geometry_.buckets <= kSample) return count(now);
  std::uint64_t live = 0;
  for (std::uint64_t i = 0; i < kSample; ++i) {
    const auto number = static_cast<std::uint32_t>(i * geometry_.buckets / kSample);
    if (is_used(number)) live += live_in(bucket(number), now);
  }
  return live * geometry_.buckets / kSample;
}

Table::Checked Table::check_bucket(std::uint32_t number, bool repair) const noexcept {
  Checked checked;
  IdBucket& home = bucket(number);
  std::uint64_t before = 0;  // of the linked entries
  for (std::uint32_t index = 0; index < kEntriesPerBucket; ++index) {
    const EntryWord word = read(home.entries[index]);
    const bool is_free = word.is(EntryState::kFree);
    if (!links_of(home).has(index)) {
      checked.leftovers += is_free ? 0u : 1u;
      continue;
    }
    ++checked.linked;
    if (is_free) {
      ++checked.leftovers;
      if (repair) unlink(home, index);
      continue;
    }
    const Key key = key_at(home.entries[index]);
    bool bad = bucket_of(key) != number ||
               __atomic_load_n(&print_at(home, index), __ATOMIC_RELAXED) != print_of(key);
    checked.misplaced += bad ? 1u : 0u;
    for (std::uint64_t others = before; others != 0 && !bad; others &= others - 1) {
      bad = key_at(home.entries[__builtin_ctzll(others)]) == key;
      checked.twice += bad ? 1u : 0u;
    }
    if (!bad) before |= std::uint64_t{1} << index;
    if (bad && repair) static_cast<void>(free_linked(home, index, word));
  }
  return checked;
}

Table::Checked Table::check_all(bool repair) const noexcept {
  Checked all;
  for (std::uint32_t number = 0; number < geometry_.buckets; ++number) {
    if (!is_used(number)) continue;
    const Checked one = check_bucket(number, repair);
    all.linked += one.linked;
    all.leftovers += one.leftovers;
    all.misplaced += one.misplaced;
    all.twice += one.twice;
  }
  return all;
}

}  // namespace ringpost::dedup
