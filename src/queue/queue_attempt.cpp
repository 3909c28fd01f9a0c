// A receive under an id: the same messages again, because the first answer got lost.
#include <algorithm>

#include "queue/queue_core.hpp"
#include "sqs/charset.hpp"

namespace ringpost::detail {

using group::AttemptNotes;
using queue::Lane;

namespace {

constexpr std::uint64_t kRememberedNs = 5ull * 60 * 1'000'000'000;  // sqs.md, F10

}  // namespace

Errc QueueCore::receive_attempt(const Wanted& asked, std::string_view id, Duration wait) noexcept {
  if (!sqs::is_id_text(id)) return Errc::kInvalidArgument;
  const dedup::Key key = dedup::key_of_id(mapping_->queue_id(), id);
  const Wanted wanted{asked.into, std::min(asked.count, group::kAttemptMessages),
                      asked.visibility_ns, &key};
  Errc code = take(wanted);  // first: what it had is visible to nobody
  if (code == Errc::kEmpty && wait > Duration::zero()) return take_waiting(wanted, wait);
  if (code != Errc::kOk) clear_up_now_and_then(time_.coarse_ns());
  return code;
}

/// What was received under this id, or else what is visible now. The id is taken only as long as
/// that lasts, so while a receive waits it may be used by another.
Errc QueueCore::take_attempt(const Wanted& asked) noexcept {
  using Outcome = group::Attempts::Outcome;
  Lane& in = *lanes_.back();  // a FIFO queue has one ring
  group::Attempts& attempts = in.fifo->attempts;
  const ReceiveTime time = receive_time(asked.visibility_ns);
  const group::Attempts::Entered entered = attempts.enter(*asked.attempt, time.lease.now);
  if (entered.outcome == Outcome::kBusy) return Errc::kBusy;
  if (entered.outcome == Outcome::kAgain) {
    if (member_.me.hazards().available() < entered.noted.count) {
      attempts.keep(entered, entered.noted);
      return Errc::kHeld;
    }
    if (take_again(in, entered.noted, time, asked.into)) {
      attempts.keep(entered, notes_of(in, asked.into, entered.noted.end));
      return Errc::kOk;
    }
  }
  const Errc code = take({asked.into, asked.count, asked.visibility_ns});
  if (entered.outcome == Outcome::kNoRoom) return code;
  if (code == Errc::kOk) {
    const std::uint64_t end = ring::deadline_from_ns(time.now_ns + kRememberedNs);
    attempts.keep(entered, notes_of(in, asked.into, end));
  } else {
    attempts.give_up(entered);
  }
  return code;
}

/// Not counted: the messages were received once.
bool QueueCore::take_again(Lane& in, const AttemptNotes& noted, const ReceiveTime& time,
                           Leases& into) noexcept {
  std::array<ring::Taken, group::kAttemptMessages> taken;
  if (!in.fifo->attempts.renew(noted, time.lease, taken)) return false;
  const std::uint64_t received_ns = noted.end * ring::kDeadlineUnitNs - kRememberedNs;
  for (std::uint32_t i = 0; i < noted.count; ++i) accept_again(in, taken[i], received_ns, into);
  return !into.empty();
}

/// As accept(), but however old it is: it is in flight.
bool QueueCore::accept_again(Lane& in, const ring::Taken& taken, std::uint64_t received_ns,
                             Leases& into) noexcept {
  const ring::Lengths lengths{
      in.ring.view.slot(taken.slot).lengths.load(std::memory_order_relaxed)};
  const std::byte* content =
      content_of(in, taken.slot, lengths, lengths.content() + id_bytes(in, taken.slot));
  if (content == nullptr) {
    member_.me.hazards().clear(taken.hazard);
    return drop_in_group(in, taken);
  }
  Lease& lease = *into.emplace();
  lease.fields_ = {.core = this,
                   .content = content,
                   .position_lap = taken.lap,
                   .lease_low = taken.word.bits.low,
                   .lease_high = taken.word.bits.high,
                   .slot = taken.slot,
                   .ring = static_cast<std::uint32_t>(in.number()),
                   .body_bytes = lengths.body(),
                   .attribute_bytes = lengths.attributes(),
                   .receive_count = taken.word.count(),
                   .hazard = taken.hazard,
                   .received_ns = received_ns};
  ++leases_open_;
  ++views_open_;
  if (lengths.moved_in()) open_envelope(in, taken.slot, lease);
  return true;
}

AttemptNotes QueueCore::notes_of(const Lane& in, Leases& leases, std::uint64_t end) noexcept {
  AttemptNotes notes;
  notes.end = end;
  for (const Lease& each : leases) {
    const Lease::Fields& fields = each.fields_;
    notes.add(in.ring.view.position_of(fields.slot, fields.position_lap), fields.lease_high);
  }
  return notes;
}

}  // namespace ringpost::detail
