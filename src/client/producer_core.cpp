#include "client/producer_core.hpp"

#include <algorithm>
#include <array>

#include "sys/error.hpp"
#include "sys/futex.hpp"

namespace ringpost::detail {
namespace {

constexpr std::uint64_t kSliceNs = 100'000'000;  // the clock may be a test's: look at it again
constexpr std::uint64_t kThrottledPauseNs = 25'000'000;
constexpr std::uint64_t kFullPauseNs = 1'000'000;
constexpr Duration kWaitForRoom = 20ms;
constexpr Duration kWaitForFlush = 100ms;
constexpr std::size_t kCollectMax = 65'536;  // before what is there goes on
constexpr std::size_t kBatchBytesMax = 10u << 20;
constexpr std::size_t kBatchRecordsMax = 500;
constexpr std::string_view kAggregateKey = "a";  // as the producer library has it

Unexpected<Error> invalid(std::string_view what, std::string_view why) {
  return sys::error(Errc::kInvalidArgument, what, why);
}

}  // namespace

void Event::sleep(std::uint32_t seen, std::uint64_t timeout_ns) noexcept {
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  sys::futex_wait(sequence_, seen, std::min(timeout_ns, kSliceNs));
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void Event::wake_all() noexcept {
  sequence_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) sys::futex_wake(sequence_, 1 << 30);
}

Result<void> ProducerCore::check(const ProducerOptions& options) {
  if (options.linger < 0s) return invalid("linger", "must not be negative");
  if (options.batch_records_max < 1 || options.batch_records_max > kBatchRecordsMax) {
    return invalid("batch_records_max", "must be 1 to 500");
  }
  if (options.batch_bytes_max < 1 || options.batch_bytes_max > kBatchBytesMax) {
    return invalid("batch_bytes_max", "must be 1 to 10,485,760");
  }
  if (options.buffered_records_max < 1) return invalid("buffered_records_max", "must not be 0");
  if (options.record_ttl < 0s) return invalid("record_ttl", "must not be negative");
  if (options.aggregate_bytes_max < 64 || options.aggregate_bytes_max > kBatchBytesMax) {
    return invalid("aggregate_bytes_max", "must be 64 to 10,485,760");
  }
  if (options.aggregate_records_max < 1) return invalid("aggregate_records_max", "must not be 0");
  return {};
}

ProducerCore::ProducerCore(RecordSink& sink, const ProducerOptions& options, base::TimeSource time)
    : sink_(sink), options_(options), time_(time) {}

ProducerCore::~ProducerCore() {
  Record* left = nullptr;
  while (queue_.try_dequeue(left)) delete left;
}

/// Takes room for one record; takes it for a moment even if there is none.
bool ProducerCore::try_admit(std::size_t bytes) noexcept {
  const bool record_fits = buffered_records_.fetch_add(1) < options_.buffered_records_max;
  const bool bytes_fit = buffered_bytes_.fetch_add(bytes) + bytes <= options_.buffered_bytes_max;
  if (record_fits && bytes_fit) return true;
  buffered_records_.fetch_sub(1);
  buffered_bytes_.fetch_sub(bytes);
  return false;
}

void ProducerCore::give_up_room(std::size_t bytes) noexcept {
  buffered_bytes_.fetch_sub(bytes);
  buffered_records_.fetch_sub(1);
  progress_.wake_all();
}

Errc ProducerCore::put(std::string_view key, ByteSpan data, const ProducerPut& options,
                       OnOutcome on_outcome, std::shared_ptr<TicketState> ticket) {
  const std::size_t bytes = key.size() + data.size();
  if (bytes > options_.buffered_bytes_max) return Errc::kTooLarge;
  const std::uint64_t now = time_.precise_ns();
  bool has_waited = false;
  while (true) {
    if (closed_.load()) return Errc::kClosed;
    const std::uint32_t seen = progress_.now();
    if (try_admit(bytes)) break;
    if (!std::exchange(has_waited, true)) waits_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t waited = time_.precise_ns() - now;
    const auto wait = static_cast<std::uint64_t>(std::max(options.wait, Duration::zero()).count());
    if (waited >= wait) return Errc::kFull;
    progress_.sleep(seen, wait - waited);
  }
  // After the admission: whoever closes sees it, or it sees that the producer is closed.
  if (closed_.load()) {
    give_up_room(bytes);
    return Errc::kClosed;
  }
  auto record = std::make_unique<Record>();
  record->bytes.reserve(bytes);
  record->bytes.append(key).append(as_text(data));
  record->key_bytes = key.size();
  record->explicit_hash_key = options.explicit_hash_key;
  record->put_ns = time_.precise_ns();
  record->on_outcome = std::move(on_outcome);
  record->ticket = std::move(ticket);
  record->number = numbers_.fetch_add(1);
  // Its number is taken: whoever flushes waits for it. Without memory, until there is some.
  for (Record* const raw = record.release(); !queue_.enqueue(raw);) {
    progress_.sleep(progress_.now(), kFullPauseNs);
  }
  work_.wake_all();
  return Errc::kOk;
}

Errc ProducerCore::flush(Duration wait) {
  const std::uint64_t until = numbers_.load();
  std::uint64_t seen_until = flush_below_.load();
  while (seen_until < until && !flush_below_.compare_exchange_weak(seen_until, until)) {
  }
  work_.wake_all();
  const std::uint64_t begin = time_.precise_ns();
  while (true) {
    const std::uint32_t seen = progress_.now();
    if (done_below_.load() >= until) return Errc::kOk;
    const std::uint64_t waited = time_.precise_ns() - begin;
    const auto longest = static_cast<std::uint64_t>(std::max(wait, Duration::zero()).count());
    if (waited >= longest) return Errc::kTimedOut;
    progress_.sleep(seen, longest - waited);
  }
}

void ProducerCore::close() noexcept {
  closed_.store(true);
  work_.wake_all();
  progress_.wake_all();
}

bool ProducerCore::is_done() const noexcept {
  return closed_.load() && buffered_records_.load() == 0;
}

ProducerStats ProducerCore::stats() const {
  ProducerStats stats;
  stats.accepted = numbers_.load();
  stats.done = done_records_.load();
  stats.failed = failed_.load();
  stats.retries = retries_.load();
  stats.throttled = throttled_.load();
  stats.batches = batches_.load();
  stats.aggregates = aggregates_.load();
  stats.bytes = done_bytes_.load();
  stats.buffered_records = buffered_records_.load();
  stats.buffered_bytes = buffered_bytes_.load();
  stats.waits = waits_.load();
  return stats;
}

std::uint64_t ProducerCore::step() {
  collect();
  std::uint64_t next = UINT64_MAX;
  for (auto& [number, shard] : shards_) {
    while (!shard.waiting.empty() && due_ns(shard) <= time_.precise_ns()) send(number, shard);
  }
  await_durability();
  for (const auto& [number, shard] : shards_) {
    if (!shard.waiting.empty()) next = std::min(next, due_ns(shard));
  }
  return undurable_.empty() ? next : 0;
}

void ProducerCore::collect() {
  std::array<Record*, 256> some{};
  for (std::size_t all = 0; all < kCollectMax;) {
    const std::size_t count = queue_.try_dequeue_bulk(some.data(), some.size());
    if (count == 0) return;
    for (std::size_t i = 0; i < count; ++i) place(Owned(some[i]), false);
    all += count;
  }
}

void ProducerCore::place(Owned record, bool in_front) {
  Shard& shard = shards_[sink_.shard_of(record->hash_key())];
  shard.bytes += record->bytes.size();
  if (in_front) {
    shard.waiting.push_front(std::move(record));
  } else {
    shard.waiting.push_back(std::move(record));
  }
}

/// When its next batch goes, if nothing comes that makes it full.
std::uint64_t ProducerCore::due_ns(const Shard& shard) const {
  const bool is_full =
      shard.waiting.size() >= options_.batch_records_max || shard.bytes >= options_.batch_bytes_max;
  const bool is_asked_for = closed_.load() || flush_below_.load() > done_below_.load();
  const auto linger = static_cast<std::uint64_t>(options_.linger.count());
  const std::uint64_t lingered =
      is_full || is_asked_for ? 0 : shard.waiting.front()->put_ns + linger;
  return std::max(lingered, shard.pause_until_ns);
}

bool ProducerCore::fits(const Unit& unit, const Record& record) const {
  return options_.aggregate && unit.records.size() < options_.aggregate_records_max &&
         unit.aggregate.bytes_with(record.key(), record.explicit_hash_key, record.data().size()) <=
             options_.aggregate_bytes_max;
}

std::vector<ProducerCore::Unit> ProducerCore::take_batch(std::uint32_t number, Shard& shard) {
  std::vector<Unit> units;
  std::size_t bytes = 0;
  while (!shard.waiting.empty()) {
    Owned& record = shard.waiting.front();
    const std::size_t more = record->bytes.size();
    if (!units.empty() && bytes + more > options_.batch_bytes_max) break;
    if (units.empty() || !fits(units.back(), *record)) {
      if (units.size() == options_.batch_records_max) break;
      units.emplace_back().shard = number;
    }
    Unit& unit = units.back();
    if (options_.aggregate) {
      unit.aggregate.add(record->key(), record->explicit_hash_key, record->data());
    }
    unit.records.push_back(std::move(record));
    shard.waiting.pop_front();
    shard.bytes -= more;
    bytes += more;
  }
  for (Unit& unit : units) {
    if (unit.records.size() > 1) unit.packed = unit.aggregate.finish();
  }
  return units;
}

void ProducerCore::send(std::uint32_t number, Shard& shard) {
  std::vector<Unit> units = take_batch(number, shard);
  put_units(units);
}

/// One call of the stream, unless that is refused as a whole: then one for each, so that a record
/// that is wrong spoils nobody else's.
void ProducerCore::put_units(std::span<Unit> units) {
  std::vector<PutEntry> entries;
  entries.reserve(units.size());
  for (const Unit& unit : units) {
    const Record& first = *unit.records.front();
    if (unit.packed.empty()) {
      entries.push_back({first.key(), first.data(), first.explicit_hash_key});
    } else {
      entries.push_back({kAggregateKey, as_bytes(unit.packed), first.hash_key()});
    }
    for (const Owned& each : unit.records) ++each->outcome.attempts;
  }
  PutOptions options;
  options.durability = Durability::kMemory;  // what is to be durable is awaited together, later
  options.wait = kWaitForRoom;
  const auto results = sink_.put_batch(entries, options);
  if (results && results->size() == units.size()) {
    batches_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < units.size(); ++i) settle(units[i], (*results)[i]);
    return put_back();
  }
  const Errc code = results ? Errc::kCorrupt : results.error().code;
  if (units.size() == 1) {
    settle(units.front(), Unexpected(code));
    return put_back();
  }
  for (Unit& unit : units) {
    for (const Owned& each : unit.records) --each->outcome.attempts;
    put_units({&unit, 1});
  }
}

void ProducerCore::settle(Unit& unit, const Result<Put, Errc>& result) {
  if (result) return settle_accepted(unit, *result);
  switch (const Errc code = result.error()) {
    case Errc::kThrottled:
      throttled_.fetch_add(1, std::memory_order_relaxed);
      if (options_.fail_if_throttled) break;
      return try_again(unit, code, kThrottledPauseNs);
    case Errc::kFull:
    case Errc::kNoSpace:
      return try_again(unit, code, kFullPauseNs);
    default:
      break;
  }
  for (Owned& each : unit.records) report(std::move(each), result.error());
}

void ProducerCore::try_again(Unit& unit, Errc code, std::uint64_t pause_ns) {
  shards_[unit.shard].pause_until_ns = time_.precise_ns() + pause_ns;
  for (Owned& each : unit.records) {
    const std::uint64_t age = time_.precise_ns() - each->put_ns;
    if (age >= static_cast<std::uint64_t>(options_.record_ttl.count())) {
      report(std::move(each), code);
    } else {
      again_.push_back(std::move(each));
    }
  }
}

/// In front of what waits, in their order.
void ProducerCore::put_back() {
  retries_.fetch_add(again_.size(), std::memory_order_relaxed);
  for (auto each = again_.rbegin(); each != again_.rend(); ++each) place(std::move(*each), true);
  again_.clear();
}

/// Of an aggregate that went to another shard than foreseen, because that was split or merged
/// meanwhile, readers leave out what is not of that shard's range. It is put again.
void ProducerCore::settle_accepted(Unit& unit, const Put& put) {
  const bool is_aggregate = !unit.packed.empty();
  if (is_aggregate) aggregates_.fetch_add(1, std::memory_order_relaxed);
  const bool is_durable = options_.durability.value_or(sink_.durability()) == Durability::kDurable;
  for (std::size_t i = 0; i < unit.records.size(); ++i) {
    Owned& each = unit.records[i];
    if (is_aggregate && put.shard != unit.shard && sink_.shard_of(each->hash_key()) != put.shard) {
      retries_.fetch_add(1, std::memory_order_relaxed);
      place(std::move(each), false);
      continue;
    }
    each->outcome.put = put;
    each->outcome.sub_sequence = i;
    if (is_durable) {
      undurable_.push_back(std::move(each));
    } else {
      report(std::move(each), Errc::kOk);
    }
  }
}

/// Of each shard only the last record: what comes before it is durable with it.
void ProducerCore::await_durability() {
  if (undurable_.empty()) return;
  std::map<std::uint32_t, Put> last;
  for (const Owned& each : undurable_) {
    Put& of_shard = last.try_emplace(each->outcome.put.shard, each->outcome.put).first->second;
    if (of_shard.sequence < each->outcome.put.sequence) of_shard = each->outcome.put;
  }
  std::vector<Put> puts;
  for (const auto& each : last) puts.push_back(each.second);
  const Errc all = sink_.wait_durable(puts, kWaitForFlush);
  std::map<std::uint32_t, Errc> codes;
  for (const Put& put : puts) {
    // One shard that failed says nothing about the others.
    codes[put.shard] = all == Errc::kOk ? all : sink_.wait_durable({&put, 1}, Duration::zero());
  }
  settle_durable(codes);
}

void ProducerCore::settle_durable(const std::map<std::uint32_t, Errc>& of_shards) {
  std::vector<Owned> left;
  for (Owned& each : undurable_) {
    const Errc code = of_shards.at(each->outcome.put.shard);
    const bool may_come = code == Errc::kTimedOut || code == Errc::kNoSpace;
    const std::uint64_t age = time_.precise_ns() - each->put_ns;
    if (may_come && age < static_cast<std::uint64_t>(options_.record_ttl.count())) {
      left.push_back(std::move(each));
    } else {
      report(std::move(each), code);
    }
  }
  undurable_ = std::move(left);
}

void ProducerCore::report(Owned record, Errc code) {
  record->outcome.code = code;
  if (code == Errc::kOk) {
    done_records_.fetch_add(1, std::memory_order_relaxed);
    done_bytes_.fetch_add(record->bytes.size(), std::memory_order_relaxed);
  } else {
    failed_.fetch_add(1, std::memory_order_relaxed);
  }
  if (record->on_outcome) record->on_outcome(record->outcome);
  if (record->ticket != nullptr) {
    record->ticket->outcome = record->outcome;
    record->ticket->done.store(1, std::memory_order_release);
    sys::futex_wake(record->ticket->done, 1 << 30);
  }
  const std::uint64_t number = record->number;
  const std::size_t bytes = record->bytes.size();
  record.reset();
  count_done(number);
  give_up_room(bytes);
}

void ProducerCore::count_done(std::uint64_t number) {
  std::uint64_t below = done_below_.load();
  const std::size_t place = number - below;
  if (done_.size() <= place) done_.resize(place + 1);
  done_[place] = true;
  while (!done_.empty() && done_.front()) {
    done_.pop_front();
    ++below;
  }
  done_below_.store(below);
}

}  // namespace ringpost::detail
