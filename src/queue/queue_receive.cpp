// Receiving: from the rings of the chain, oldest first; spinning and sleeping until one is there.
#include <algorithm>

#include "base/pause.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

namespace {

constexpr std::uint64_t kQueueWaitNsMax = 20'000'000'000;  // shared memory may say anything
constexpr std::uint64_t kPreciseBelowNs = 1'000'000'000;
constexpr std::uint64_t kAdaptiveSpinNs = 50'000;  // about what a wake-up costs
constexpr std::uint64_t kClearUpEveryNs = 100'000'000;
constexpr std::uint32_t kRun = 2;  // so many receives without waiting: there is a backlog
constexpr std::uint32_t kCaughtUpRun = 4;
constexpr int kCaughtUpPauses = 40;
constexpr int kTightPolls = 1000;

std::uint64_t deadline_after(std::uint64_t now_ns, Duration wait) noexcept {
  return wait == kForever ? ~std::uint64_t{0} : now_ns + static_cast<std::uint64_t>(wait.count());
}

/// A recovered message may be older than the monotonic clock: then its time is below zero.
constexpr bool is_over_age(std::uint64_t now_ns, std::uint64_t sent_ns,
                           std::uint64_t retention_ns) noexcept {
  const std::uint64_t age = now_ns - sent_ns;
  return age > retention_ns && static_cast<std::int64_t>(age) > 0;
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
  const std::uint64_t queue_wait_ns = settings.receive_wait_ns.load(std::memory_order_relaxed);
  const Duration wait = options.wait.value_or(
      Duration(static_cast<std::int64_t>(std::min(queue_wait_ns, kQueueWaitNsMax))));
  if (!options.attempt_id.empty() && fifo_) [[unlikely]] {
    return receive_attempt(wanted, options.attempt_id, wait);
  }
  if (wait > Duration::zero()) return take_waiting(wanted, wait);
  const Errc code = take(wanted);
  if (code != Errc::kOk) clear_up_now_and_then(time_.coarse_ns());  // the dead may hold messages
  return code;
}

/// Leases what is visible now. kEmpty, kOverLimit, kHeld, kBusy when that is nothing.
Errc QueueCore::take(const Wanted& asked) noexcept {
  if (member_.me.hazards().available() == 0) return Errc::kHeld;
  if (asked.attempt != nullptr) [[unlikely]]
    return take_attempt(asked);
  const ReceiveTime& time = receive_time(asked.visibility_ns);
  do {
    const Wanted wanted{asked.into, within_limit(asked.count), asked.visibility_ns};
    if (wanted.count == 0) [[unlikely]]
      return fifo_ ? Errc::kEmpty : Errc::kOverLimit;  // sqs.md, R13, R14
    take_from_lanes(wanted, time);
    // Others may have filled a ring, grown and drained it meanwhile: empty holds for the newest.
  } while (asked.into.empty() && (newest_is_unknown() || (special_ && refill_for_receiver())));
  return asked.into.empty() ? Errc::kEmpty : Errc::kOk;
}

bool QueueCore::newest_is_unknown() noexcept {
  if (lanes_.back()->number() == header().write_ring.load(std::memory_order_acquire)) return false;
  const std::uint64_t before = lanes_.back()->number();
  refresh_lanes();
  return lanes_.back()->number() != before;
}

/// From the oldest ring to the newest. An older one that gives nothing is closed if it is empty.
/// By their numbers: retire_oldest() also takes out rings that others have closed.
void QueueCore::take_from_lanes(const Wanted& wanted, const ReceiveTime& time) noexcept {
  for (Lane* from = lanes_.front().get(); from != nullptr;) {
    const std::uint64_t number = from->number();
    const bool newest = from == lanes_.back().get();
    const std::uint32_t taken =
        grouped_ ? take_from_groups(*from, wanted, time) : take_from(*from, wanted, time);
    if (newest || wanted.into.size() == wanted.count) return;
    if (taken == 0) retire_oldest();
    from = lane_after(number);
  }
}

[[gnu::always_inline]] inline void QueueCore::count_receive(Lane& lane, const ring::Taken& taken,
                                                            const ReceiveTime& time) noexcept {
  counters_.add(Counter::kReceived);
  if (taken.word.count() != 1) [[unlikely]] {
    counters_.add(Counter::kRedelivered);
    if (log_ != nullptr) log_received(lane, taken);
    return;
  }
  const ring::RingView& view = lane.ring.view;
  ring::SlotHead& head = view.slot(taken.slot);
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  if (lengths.moved_in()) [[unlikely]]
    return;  // it brought the time along
  // When first received, in 100 µs units, with the low bits of the lap to tell it from leftovers.
  view.first_received(taken.slot)
      .store(time.first_received | (taken.lap & kFirstReceivedLapMask), std::memory_order_relaxed);
  if (lengths.timed()) {
    const std::uint64_t sent_ns = head.sent_ns.load(std::memory_order_relaxed);
    const std::uint64_t precise_ns = time_.precise_ns();
    counters_.record_latency(precise_ns > sent_ns ? precise_ns - sent_ns : 0);
  }
}

/// Turns a leased slot into a Lease. A message past its retention, or one whose bytes make no
/// sense, is removed instead.
template <bool kGroups>
[[gnu::always_inline]] inline bool QueueCore::accept(Lane& lane, const ring::Taken& taken,
                                                     const ReceiveTime& time,
                                                     Leases& into) noexcept {
  const ring::RingView& view = lane.ring.view;
  ring::SlotHead& head = view.slot(taken.slot);
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  const std::uint64_t sent_ns = head.sent_ns.load(std::memory_order_relaxed);
  const std::byte* content = content_of(
      lane, taken.slot, lengths, lengths.content() + (kGroups ? id_bytes(lane, taken.slot) : 0));
  const std::uint64_t retention =
      header().settings.retention_ns.load(std::memory_order_relaxed);  // a setting
  const bool over_age = is_over_age(time.now_ns, sent_ns, retention);
  if (content == nullptr || over_age) [[unlikely]] {
    member_.me.hazards().clear(taken.hazard);
    if constexpr (kGroups) return drop_in_group(lane, taken);
    const MessageId name = log_ != nullptr ? name_in_log(lane, taken.slot, taken.lap) : MessageId{};
    const ring::Settled settled =
        ring::acknowledge(lane.ring, {taken.slot, taken.lap, taken.word.count()}, &taken.word);
    if (log_ != nullptr && settled != ring::Settled::kStale) log_->removed(name);
    counters_.add(Counter::kDroppedByRetention);
    return false;
  }
  if (taken.word.count() > 1 && is_dead_letter(taken.word.count())) [[unlikely]] {
    bury(lane, taken);
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
                   .received_ns = time.now_ns};
  ++leases_open_;
  ++views_open_;
  if (lengths.moved_in()) [[unlikely]]
    open_envelope(lane, taken.slot, lease);
  count_receive(lane, taken, time);
  return true;
}

std::uint32_t QueueCore::take_from(Lane& lane, const Wanted& wanted,
                                   const ReceiveTime& time) noexcept {
  std::uint32_t count = 0;
  ring::Taken taken;
  while (wanted.into.size() < wanted.count &&
         lane.receiver.take(time.lease, taken) == ring::Receiver::Outcome::kTaken) {
    if (accept<false>(lane, taken, time, wanted.into)) ++count;
  }
  if (lane.receiver.expired() != lane.expired_counted) count_expired(lane);
  return count;
}

std::uint32_t QueueCore::take_from_groups(Lane& in, const Wanted& wanted,
                                          const ReceiveTime& time) noexcept {
  if (fair_) return take_fairly(in, wanted, time);
  group::Receiver& receiver = in.fifo->receiver;
  std::uint32_t count = 0;
  ring::Taken taken;
  receiver.begin(wanted.count, header().settings.delay_ns.load(std::memory_order_relaxed));
  while (wanted.into.size() < wanted.count &&
         receiver.take(time.lease, taken) == group::Receiver::Outcome::kTaken) {
    if (accept<true>(in, taken, time, wanted.into)) ++count;
  }
  if (receiver.expired() != in.expired_counted) {
    counters_.add(Counter::kExpired, receiver.expired() - in.expired_counted);
    in.expired_counted = receiver.expired();
  }
  return count;
}

std::uint32_t QueueCore::take_fairly(Lane& in, const Wanted& wanted,
                                     const ReceiveTime& time) noexcept {
  fair::Receiver& receiver = in.fair->receiver;
  std::uint32_t count = 0;
  ring::Taken taken;
  while (wanted.into.size() < wanted.count &&
         receiver.take(time.lease, taken) == fair::Receiver::Outcome::kTaken) {
    if (accept<true>(in, taken, time, wanted.into)) ++count;
  }
  if (receiver.expired() != in.expired_counted) {
    counters_.add(Counter::kExpired, receiver.expired() - in.expired_counted);
    in.expired_counted = receiver.expired();
  }
  return count;
}

/// Short timeouts deserve the precise clock; for others the coarse one, with its lag added to the
/// deadline, so that no lease ends early.
const QueueCore::ReceiveTime& QueueCore::receive_time(std::uint64_t visibility_ns) noexcept {
  const bool precise = visibility_ns < kPreciseBelowNs || time_.is_injected();
  const std::uint64_t now_ns = precise ? time_.precise_ns() : time_.coarse_ns();
  ReceiveTime& time = receive_time_;
  // The coarse clock stands still for thousands of receives: divide once.
  if (now_ns == time.now_ns && visibility_ns == time.visibility_ns) [[likely]]
    return time;
  const std::uint64_t lag = precise ? 0 : base::TimeSource::kCoarseTickNs;
  time.now_ns = now_ns;
  time.visibility_ns = visibility_ns;
  time.first_received = now_ns / kFirstReceivedUnitNs << kFirstReceivedLapBits;
  time.lease = {now_ns / ring::kDeadlineUnitNs,
                ring::deadline_from_ns(now_ns + lag + visibility_ns)};
  return time;
}

void QueueCore::count_expired(Lane& lane) noexcept {
  counters_.add(Counter::kExpired, lane.receiver.expired() - lane.expired_counted);
  lane.expired_counted = lane.receiver.expired();
}

/// How many of `wanted` messages in_flight_max allows. Only a limit below the slots there are can
/// bind. While the counters say that it is far away nobody looks closer; near it the leases that
/// are not over are counted.
std::uint32_t QueueCore::within_limit(std::uint32_t wanted) noexcept {
  const std::uint64_t limit =
      header().settings.in_flight_max.load(std::memory_order_relaxed);  // a setting
  if (limit >= total_slots_) [[likely]]
    return wanted;
  newest_is_unknown();                      // leases lie in rings that others have added, too
  const std::uint64_t reserve = limit / 8;  // what others may take before I look again
  if (unchecked_ < wanted && in_flight_by_counters() + reserve < limit) {
    unchecked_ = reserve / (2 * queue::kStripes);
  }
  if (unchecked_ >= wanted) {
    unchecked_ -= wanted;
    return wanted;
  }
  const std::uint64_t now = time_.precise_ns() / ring::kDeadlineUnitNs;
  std::uint64_t in_flight = 0;
  for (const auto& each : lanes_) {
    const ring::RingView& view = each->ring.view;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const ring::LeaseWord word = view.lease_word(slot);
      if (word.state() == ring::LeaseState::kLeased && word.deadline() > now) ++in_flight;
    }
  }
  if (in_flight >= limit) return 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, limit - in_flight));
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

/// A receive that waits also waits for messages in flight to become fewer (SQS rule R13).
Errc QueueCore::take_in_wait(const Wanted& wanted) noexcept {
  const Errc code = take(wanted);
  return code == Errc::kOverLimit ? Errc::kEmpty : code;
}

/// With a backlog takes at once. Else looks at the polled word first: take() at an empty ring also
/// reads the line in which the next sender is about to make its claim.
Errc QueueCore::take_waiting(const Wanted& wanted, Duration wait) noexcept {
  const bool polls = waiting_ != Waiting::kPark;
  if (run_ >= kRun || may_have_message() || (polls && poll_for_message())) [[likely]] {
    Errc code = take_in_wait(wanted);
    if (code == Errc::kEmpty && polls && poll_for_message()) code = take_in_wait(wanted);
    if (code != Errc::kEmpty) {
      ++run_;
      return code;
    }
  }
  run_ = 0;
  const std::uint64_t deadline_ns = deadline_after(time_.precise_ns(), wait);
  for (;;) {
    if (waiting_ != Waiting::kPark && spin_for_message(deadline_ns)) {
      if (const Errc code = take_in_wait(wanted); code != Errc::kEmpty) return code;
    }
    if (const Errc code = usable(); code != Errc::kOk) return code;
    const std::uint64_t now = time_.precise_ns();
    clear_up_now_and_then(now);
    const bool over = now >= deadline_ns;
    if (waiting_ == Waiting::kSpin || over) {
      const Errc code = take_in_wait(wanted);
      if (code != Errc::kEmpty || over) return code == Errc::kEmpty ? Errc::kTimedOut : code;
      continue;
    }
    if (const Errc code = park(wanted, now, deadline_ns); code != Errc::kEmpty) return code;
  }
}

/// In ping-pong the answer comes within a microsecond: looks without a pause and without a clock.
/// After a run of messages it has caught up with the senders: then polling at once the line that is
/// being written would slow them down.
bool QueueCore::poll_for_message() noexcept {
  Lane& newest = *lanes_.back();
  if (run_ >= kCaughtUpRun) base::cpu_pause(kCaughtUpPauses);
  run_ = 0;
  newest.get_ready();
  for (int polls = 0; polls < kTightPolls; ++polls) {
    if (newest.may_have_message()) return true;
  }
  return false;
}

/// Polls until a message may be there (true) or it is time to sleep, or to look at the clock.
bool QueueCore::spin_for_message(std::uint64_t deadline_ns) noexcept {
  constexpr int kPollsPerClockRead = 64;
  const base::TimeSource real;  // a test's clock may stand still
  const std::uint64_t until = real.precise_ns() + kAdaptiveSpinNs;
  for (;;) {
    for (int i = 0; i < kPollsPerClockRead; ++i) {
      if (may_have_message()) return true;
      base::cpu_pause();
    }
    if (real.precise_ns() >= until || time_.precise_ns() >= deadline_ns) return false;
    if (usable() != Errc::kOk) return false;
    if (ns_until_due(kAdaptiveSpinNs) == 0) return true;
  }
}

/// Arms, looks once more, sleeps until a sender, the next due lease or delay, or the deadline.
Errc QueueCore::park(const Wanted& wanted, std::uint64_t now_ns,
                     std::uint64_t deadline_ns) noexcept {
  const std::uint32_t seen = receivers().arm();
  if (const Errc code = take_in_wait(wanted); code != Errc::kEmpty) return code;
  const std::uint64_t sleep_ns = ns_until_due(std::min(deadline_ns - now_ns, shm::kSleepSliceNs));
  if (sleep_ns != 0) receivers().sleep(seen, sleep_ns);
  const Errc code = take_in_wait(wanted);
  if (code == Errc::kOk && may_have_message()) receivers().wake_one();  // others may sleep
  return code;
}

bool QueueCore::may_have_message() noexcept {
  if (lanes_.back()->number() != header().write_ring.load(std::memory_order_relaxed)) return true;
  if (special_ && log_ != nullptr && has_backlog()) [[unlikely]]
    return true;
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane->may_have_message(); });
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
  if (log_ != nullptr) tend_log();
}

}  // namespace ringpost::detail
