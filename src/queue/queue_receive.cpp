// Receiving: from the rings of the chain, oldest first; spinning and sleeping until one is there.
#include <algorithm>

#include "base/pause.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

namespace {

constexpr std::uint64_t kCoarseTickNs = 4'000'000;  // CLOCK_MONOTONIC_COARSE may lag so far
constexpr std::uint64_t kPreciseBelowNs = 1'000'000'000;
constexpr std::uint64_t kAdaptiveSpinNs = 50'000;  // about what a wake-up costs
constexpr std::uint64_t kClearUpEveryNs = 100'000'000;
constexpr std::uint32_t kCaughtUpRun = 4;
constexpr int kCaughtUpPauses = 12;

std::uint64_t deadline_after(std::uint64_t now_ns, Duration wait) noexcept {
  return wait == kForever ? ~std::uint64_t{0} : now_ns + static_cast<std::uint64_t>(wait.count());
}

}  // namespace

Errc QueueCore::receive(Leases& into, const ReceiveOptions& options) noexcept {
  into.clear();
  if (const Errc code = usable(); code != Errc::kOk) return code;
  const queue::SettingWords& settings = header().settings;
  const Duration visibility = options.visibility_timeout.value_or(
      Duration(static_cast<std::int64_t>(settings.visibility_ns.load(std::memory_order_relaxed))));
  if (options.max_messages == 0 || visibility < Duration::zero() ||
      visibility > Duration(std::chrono::hours(12))) {
    return Errc::kInvalidArgument;
  }
  const Wanted wanted{into, std::min(options.max_messages, Leases::kCapacity),
                      static_cast<std::uint64_t>(visibility.count())};
  const Errc code = take(wanted);
  if (code != Errc::kEmpty) [[likely]] {
    ++run_;
    return code;
  }
  const Duration wait = options.wait.value_or(Duration(
      static_cast<std::int64_t>(settings.receive_wait_ns.load(std::memory_order_relaxed))));
  if (wait <= Duration::zero()) {
    run_ = 0;
    return Errc::kEmpty;
  }
  return wait_for_message(wanted, wait);
}

/// Leases what is visible now. kEmpty, kOverLimit, kHeld when that is nothing.
Errc QueueCore::take(const Wanted& wanted) noexcept {
  if (over_limit()) [[unlikely]]
    return Errc::kOverLimit;
  if (member_.me.hazards().available() == 0) return Errc::kHeld;
  std::uint64_t now_ns = 0;
  const ring::LeaseTimes times = times_for(wanted.visibility_ns, now_ns);
  if (lanes_.back()->number() != header().write_ring.load(std::memory_order_acquire)) {
    refresh_lanes();
  }
  for (std::size_t i = 0; i < lanes_.size() && wanted.into.size() < wanted.count; ++i) {
    const bool older = i + 1 < lanes_.size();
    const std::uint32_t taken = take_from(*lanes_[i], wanted, times, now_ns);
    if (older && taken == 0) retire_oldest();
  }
  return wanted.into.empty() ? Errc::kEmpty : Errc::kOk;
}

std::uint32_t QueueCore::take_from(Lane& lane, const Wanted& wanted, const ring::LeaseTimes& times,
                                   std::uint64_t now_ns) noexcept {
  std::uint32_t count = 0;
  ring::Taken taken;
  while (wanted.into.size() < wanted.count &&
         lane.receiver.take(times, taken) == ring::Receiver::Outcome::kTaken) {
    if (accept(lane, taken, now_ns, wanted.into)) ++count;
  }
  if (lane.receiver.expired() != lane.expired_counted) count_expired(lane);
  return count;
}

/// Short timeouts deserve the precise clock; for others the coarse one, with its lag added to the
/// deadline, so that no lease ends early.
ring::LeaseTimes QueueCore::times_for(std::uint64_t visibility_ns,
                                      std::uint64_t& now_ns) const noexcept {
  const bool precise = visibility_ns < kPreciseBelowNs || time_.is_injected();
  now_ns = precise ? time_.precise_ns() : time_.coarse_ns();
  const std::uint64_t lag = precise ? 0 : kCoarseTickNs;
  return {now_ns / ring::kDeadlineUnitNs, ring::deadline_from_ns(now_ns + lag + visibility_ns)};
}

/// Turns a leased slot into a Lease. A message past its retention, or one whose bytes make no
/// sense, is removed instead.
bool QueueCore::accept(Lane& lane, const ring::Taken& taken, std::uint64_t now_ns,
                       Leases& into) noexcept {
  const ring::RingView& view = lane.ring.view;
  ring::SlotHead& head = view.slot(taken.slot);
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  const std::uint64_t sent_ns = head.sent_ns.load(std::memory_order_relaxed);
  const std::byte* content = view.payload(taken.slot);
  if (lengths.in_block()) {
    shm::BlockRef ref{};
    bool has_block = false;
    ring::read_block_ref(view, taken.slot, ref, has_block);
    content = member_.arena.data(ref, lengths.content());
  } else if (lengths.content() > view.inline_bytes()) {
    content = nullptr;  // bytes of a peer: nothing is read outside the slot
  }
  const std::uint64_t retention =
      header().settings.retention_ns.load(std::memory_order_relaxed);  // a setting
  const bool over_age = now_ns > sent_ns && now_ns - sent_ns > retention;
  if (content == nullptr || over_age) [[unlikely]] {
    member_.me.hazards().clear(taken.hazard);
    ring::acknowledge(lane.ring, {taken.slot, taken.lap, taken.word.count()}, &taken.word);
    counters_.add(Counter::kDroppedByRetention);
    return false;
  }
  Lease& lease = *into.emplace();
  lease.fields_ = {.core = this,
                   .content = content,
                   .position_lap = taken.lap,
                   .lease_low = taken.word.bits.low,
                   .lease_high = taken.word.bits.high,
                   .slot = taken.slot,
                   .ring = static_cast<std::uint32_t>(lane.number()),
                   .body_bytes = lengths.body(),
                   .attribute_bytes = lengths.attributes(),
                   .receive_count = taken.word.count(),
                   .hazard = taken.hazard,
                   .received_ns = now_ns};
  ++leases_open_;
  ++views_open_;
  count_receive(lane, taken, now_ns);
  return true;
}

void QueueCore::count_receive(Lane& lane, const ring::Taken& taken, std::uint64_t now_ns) noexcept {
  counters_.add(Counter::kReceived);
  if (taken.word.count() != 1) [[unlikely]] {
    counters_.add(Counter::kRedelivered);
    return;
  }
  const ring::RingView& view = lane.ring.view;
  // When first received, in 100 µs units, with the low bits of the lap to tell it from leftovers.
  view.first_received(taken.slot)
      .store(now_ns / 100'000 << 20 | (taken.lap & 0xfffff), std::memory_order_relaxed);
  ring::SlotHead& head = view.slot(taken.slot);
  if (ring::Lengths{head.lengths.load(std::memory_order_relaxed)}.timed()) {
    const std::uint64_t sent_ns = head.sent_ns.load(std::memory_order_relaxed);
    const std::uint64_t precise_ns = time_.precise_ns();
    counters_.record_latency(precise_ns > sent_ns ? precise_ns - sent_ns : 0);
  }
}

void QueueCore::count_expired(Lane& lane) noexcept {
  counters_.add(Counter::kExpired, lane.receiver.expired() - lane.expired_counted);
  lane.expired_counted = lane.receiver.expired();
}

/// Only a limit below the slots there are can bind. While the counters say that it is far away
/// nobody looks closer; near it the lease words are counted.
bool QueueCore::over_limit() noexcept {
  const std::uint64_t limit =
      header().settings.in_flight_max.load(std::memory_order_relaxed);  // a setting
  if (limit >= total_slots_) [[likely]]
    return false;
  if (takes_unchecked_ > 0) {
    --takes_unchecked_;
    return false;
  }
  if (in_flight_by_counters() < limit / 2) {
    takes_unchecked_ = limit / (4 * queue::kStripes);
    return false;
  }
  std::uint64_t in_flight = 0;
  for (const auto& each : lanes_) {
    const ring::RingView& view = each->ring.view;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      if (view.lease_word(slot).state() == ring::LeaseState::kLeased) ++in_flight;
    }
  }
  return in_flight >= limit;
}

/// Off by one for each consumer that was killed between a lease and its count.
std::uint64_t QueueCore::in_flight_by_counters() const noexcept {
  const auto sum = [&](Counter counter) {
    return queue::Counters::sum(mapping_->stripes(), counter);
  };
  const std::uint64_t ended =
      sum(Counter::kAcknowledged) + sum(Counter::kReleased) + sum(Counter::kExpired);
  const std::uint64_t begun = sum(Counter::kReceived);
  return begun > ended ? begun - ended : 0;
}

Errc QueueCore::wait_for_message(const Wanted& wanted, Duration wait) noexcept {
  if (run_ >= kCaughtUpRun) {
    // Caught up with the senders: polling the line that is being written would slow them down.
    run_ = 0;
    base::cpu_pause(kCaughtUpPauses);
    if (const Errc code = take(wanted); code != Errc::kEmpty) return code;
  }
  run_ = 0;
  const std::uint64_t deadline_ns = deadline_after(time_.precise_ns(), wait);
  for (;;) {
    if (waiting_ != Waiting::kPark && spin_for_message(deadline_ns)) {
      if (const Errc code = take(wanted); code != Errc::kEmpty) return code;
    }
    if (const Errc code = usable(); code != Errc::kOk) return code;
    const std::uint64_t now = time_.precise_ns();
    clear_up_now_and_then(now);
    const bool over = now >= deadline_ns;
    if (waiting_ == Waiting::kSpin || over) {
      const Errc code = take(wanted);
      if (code != Errc::kEmpty || over) return code == Errc::kEmpty ? Errc::kTimedOut : code;
      continue;
    }
    if (const Errc code = park(wanted, now, deadline_ns); code != Errc::kEmpty) return code;
  }
}

/// Polls until a message may be there (true) or it is time to sleep, or to look at the clock.
bool QueueCore::spin_for_message(std::uint64_t deadline_ns) noexcept {
  constexpr int kPollsPerClockRead = 64;
  const std::uint64_t start = time_.precise_ns();
  const std::uint64_t until = std::min(deadline_ns, start + kAdaptiveSpinNs);
  for (;;) {
    for (int i = 0; i < kPollsPerClockRead; ++i) {
      if (may_have_message()) return true;
      base::cpu_pause();
    }
    if (time_.precise_ns() >= until || usable() != Errc::kOk) return false;
    if (ns_until_due(kAdaptiveSpinNs) == 0) return true;
  }
}

/// Arms, looks once more, sleeps until a sender, the next due lease or delay, or the deadline.
Errc QueueCore::park(const Wanted& wanted, std::uint64_t now_ns,
                     std::uint64_t deadline_ns) noexcept {
  const std::uint32_t seen = receivers().arm();
  if (const Errc code = take(wanted); code != Errc::kEmpty) return code;
  const std::uint64_t sleep_ns = ns_until_due(std::min(deadline_ns - now_ns, shm::kSleepSliceNs));
  if (sleep_ns != 0) receivers().sleep(seen, sleep_ns);
  const Errc code = take(wanted);
  if (code == Errc::kOk && may_have_message()) receivers().wake_one();  // others may sleep
  return code;
}

bool QueueCore::may_have_message() noexcept {
  if (lanes_.back()->number() != header().write_ring.load(std::memory_order_relaxed)) return true;
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane->receiver.may_have_message(); });
}

std::uint64_t QueueCore::ns_until_due(std::uint64_t limit) noexcept {
  std::uint64_t earliest = ring::kDeadlineNever;
  for (const auto& each : lanes_) earliest = std::min(earliest, each->ring.due.earliest());
  if (earliest == ring::kDeadlineNever) return limit;
  const std::uint64_t due_ns = earliest * ring::kDeadlineUnitNs;
  const std::uint64_t now_ns = time_.precise_ns();
  return due_ns > now_ns ? std::min(limit, due_ns - now_ns) : 0;
}

void QueueCore::clear_up_now_and_then(std::uint64_t now_ns) noexcept {
  if (now_ns - cleared_up_ns_ < kClearUpEveryNs) return;
  cleared_up_ns_ = now_ns;
  member_.housekeeper.clear_up();
}

}  // namespace ringpost::detail
