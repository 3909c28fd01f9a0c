#include "ledger.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <type_traits>

namespace ringpost::market_feed {

static_assert(std::is_trivially_copyable_v<Histogram>, "it lies in shared memory");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

namespace {

// Relaxed: one writer each, and the readers need no order between these words.
constexpr auto kRelaxed = std::memory_order_relaxed;

template <std::size_t Words, std::size_t Bytes>
void store(std::array<std::atomic<std::uint64_t>, Words>& to, const std::array<char, Bytes>& from) {
  static_assert(Words * sizeof(std::uint64_t) == Bytes);
  const auto words = std::bit_cast<std::array<std::uint64_t, Words>>(from);
  for (std::size_t i = 0; i < Words; ++i) to[i].store(words[i], kRelaxed);
}

template <std::size_t Bytes, std::size_t Words>
std::array<char, Bytes> load(const std::array<std::atomic<std::uint64_t>, Words>& from) {
  std::array<std::uint64_t, Words> words{};
  for (std::size_t i = 0; i < Words; ++i) words[i] = from[i].load(kRelaxed);
  return std::bit_cast<std::array<char, Bytes>>(words);
}

std::uint8_t one_byte(std::uint32_t receive_count) noexcept {
  return static_cast<std::uint8_t>(std::min(receive_count, 255u));
}

void raise(std::atomic<std::uint8_t>& word, std::uint8_t value) noexcept {
  std::uint8_t before = word.load(kRelaxed);
  while (before < value && !word.compare_exchange_weak(before, value, kRelaxed)) {
  }
}

/// True when the word holds `value` from the first entry on.
bool first_or_same(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
  std::uint64_t before = 0;
  return word.compare_exchange_strong(before, value, kRelaxed) || before == value;
}

}  // namespace

void LineRecord::add(const Delivery& delivery, const MarketUpdate& read) noexcept {
  if (!first_or_same(content_hash, delivery.content_hash)) differing.fetch_add(1, kRelaxed);
  if (!first_or_same(message_id, delivery.message_id)) {
    resent.fetch_add(1, kRelaxed);
  } else if (const auto gone_at = acknowledged.load(kRelaxed);
             gone_at != 0 && one_byte(delivery.receive_count) > gone_at) {
    came_back.fetch_add(1, kRelaxed);  // a lower count: received before, processed late
  }
  update_id.store(read.update_id, kRelaxed);
  store(symbol, read.symbol);
  store(stream, read.stream);
  raise(receives, one_byte(delivery.receive_count));
  // Release: whoever sees the count sees what was entered before it.
  times.fetch_add(1, std::memory_order_release);
}

void LineRecord::add_acknowledge(const Delivery& delivery) noexcept {
  if (message_id.load(kRelaxed) != delivery.message_id) return;
  if (acknowledged.exchange(one_byte(delivery.receive_count), kRelaxed) != 0) {
    came_back.fetch_add(1, kRelaxed);
  }
}

MarketUpdate LineRecord::update() const noexcept {
  return {load<24>(stream), load<8>(symbol), update_id.load(kRelaxed)};
}

void WorkerEntry::hold(std::uint32_t phase, std::span<const HeldMessage> messages) noexcept {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    held_lines_[i].store(messages[i].line, kRelaxed);
    held_receives_[i].store(messages[i].receive_count, kRelaxed);
  }
  held_phase_.store(phase, kRelaxed);
  held_from_.store(0, kRelaxed);
  held_count_.store(static_cast<std::uint32_t>(messages.size()), std::memory_order_release);
}

void WorkerEntry::let_go(std::uint32_t count) noexcept {
  // The order matters: a message is no longer held for certain before its acknowledge begins.
  held_from_.store(count, std::memory_order_release);
  if (count == held_count_.load(kRelaxed)) held_count_.store(0, std::memory_order_release);
}

bool WorkerEntry::holds() const noexcept {
  return held_from_.load(kRelaxed) < held_count_.load(std::memory_order_acquire);
}

Held WorkerEntry::held() const {
  Held held{held_phase_.load(kRelaxed), {}};
  const std::uint32_t count = held_count_.load(std::memory_order_acquire);
  for (std::uint32_t i = held_from_.load(kRelaxed); i < count && i < kBatch; ++i) {
    held.messages.push_back({held_lines_[i].load(kRelaxed), held_receives_[i].load(kRelaxed)});
  }
  return held;
}

struct Ledger::Head {
  std::uint32_t lines;
  std::atomic<bool> finished;
  std::atomic<std::uint32_t> phase;
  std::atomic<TakeTime> take_time;
  alignas(128) std::atomic<std::uint64_t> strangers;
  std::array<FeedEntry, kPhases.size()> feeds;
  std::array<WorkerEntry, kWorkerEntries> workers;
  OrderBook order;
};

Ledger Ledger::create(std::uint32_t lines) {
  const std::size_t records_bytes = kPhases.size() * lines * sizeof(LineRecord);
  // Zeroed memory is the initial state of every entry.
  Ledger ledger(SharedMemory::create("market-feed-ledger", sizeof(Head) + records_bytes));
  ledger.head().lines = lines;
  return ledger;
}

Ledger Ledger::attach(int descriptor) {
  Ledger ledger(SharedMemory::attach(descriptor));
  const std::size_t bytes = ledger.memory_.bytes().size();
  if (bytes < sizeof(Head) ||
      bytes != sizeof(Head) + kPhases.size() * ledger.lines() * sizeof(LineRecord)) {
    throw std::runtime_error("this is not the ledger of a demo");
  }
  return ledger;
}

Ledger::Head& Ledger::head() const noexcept {
  return *reinterpret_cast<Head*>(memory_.bytes().data());
}
std::uint32_t Ledger::lines() const noexcept { return head().lines; }
FeedEntry& Ledger::feed(std::size_t phase) const noexcept { return head().feeds[phase]; }
WorkerEntry& Ledger::worker(std::size_t index) const noexcept { return head().workers[index]; }

std::span<LineRecord> Ledger::records(std::size_t phase) const noexcept {
  auto* const first = reinterpret_cast<LineRecord*>(memory_.bytes().data() + sizeof(Head));
  return {first + phase * lines(), lines()};
}

OrderBook& Ledger::order() const noexcept { return head().order; }
std::atomic<std::uint32_t>& Ledger::phase() const noexcept { return head().phase; }
std::atomic<std::uint64_t>& Ledger::strangers() const noexcept { return head().strangers; }
std::atomic<bool>& Ledger::finished() const noexcept { return head().finished; }
std::atomic<TakeTime>& Ledger::take_time() const noexcept { return head().take_time; }

}  // namespace ringpost::market_feed
