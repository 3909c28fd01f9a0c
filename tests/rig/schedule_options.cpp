// What can happen next: the part of ScheduleRun that lists the options of a decision. The first
// one is the default: go on, or the next in line.
#include <algorithm>

#include "rig/schedule_run.hpp"

namespace ringpost::rig {

void ScheduleRun::collect() {
  choices_.clear();
  barred_ = false;
  if (is(current_, Stop::kAtAccess)) {
    offer_run(current_, false);
    if (must_insist()) return;
  }
  if (is(current_, Stop::kPaused) && seats_[current_].insists) return offer_run(current_, false);
  offer_others();
  if (is(current_, Stop::kPaused) && !choices_.empty()) offer_run(current_, false);  // insists
  if (choices_.empty() && !barred_) {
    // All that is left waits for a store that nobody makes: in turn, until they give up or are
    // found blocked by their steps.
    const std::size_t count = seats_.size();
    for (std::size_t i = 1; i <= count && choices_.empty(); ++i) {
      const std::size_t fiber = current_ == kNobody ? i - 1 : (current_ + i) % count;
      if (can_run(fiber)) offer_run(fiber, false);
    }
  }
  // Everybody ended; somebody may still die now, which the check has to see.
  if (choices_.empty() && !barred_) choices_.push_back({Choice::Kind::kEnd, 0, false});
  offer_deaths_and_events();
  offer_flushes();
}

void ScheduleRun::offer_run(std::size_t fiber, bool preempts) {
  const auto index = static_cast<std::uint8_t>(fiber);
  choices_.push_back({Choice::Kind::kRun, index, preempts});
  if (delayed_ >= options_.delayed_stores_max || !is(fiber, Stop::kAtAccess)) return;
  const Access& pending = machine_.pending(fiber);
  if (pending.kind == AccessKind::kStore && !pending.full_fence && machine_.buffer(fiber).empty()) {
    choices_.push_back({Choice::Kind::kRunDelayed, index, preempts});
  }
}

void ScheduleRun::offer_others() {
  const bool preempts = is(current_, Stop::kAtAccess);
  if (preempts && result_.preemptions >= preemptions_max_) return;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (i == current_ || !can_run(i)) continue;
    const Seat& seat = seats_[i];
    if (is(i, Stop::kPaused)) {
      // Who waits comes back when somebody stored, or at the price of a pre-emption.
      if (preempts || machine_.stores_visible() != seat.stores_at_pause) offer_run(i, preempts);
    } else if (options_.reduce && seat.preempted && !seat.conflicted) {
      barred_ = true;
    } else {
      offer_run(i, preempts);
    }
  }
}

/// Within its spin loop an insisting fiber looks at the same words again: going elsewhere there is
/// the same as going elsewhere at the pause.
bool ScheduleRun::must_insist() const {
  const Seat& seat = seats_[current_];
  if (!seat.insists) return false;
  const Access& pending = machine_.pending(current_);
  if (pending.kind == AccessKind::kCompareExchange && machine_.would_store(current_)) return false;
  return std::any_of(seat.last_round.begin(), seat.last_round.end(), [&](const Look& look) {
    return look.address == pending.address && look.kind == pending.kind;
  });
}

/// Until the current fiber pauses or ends nobody else can run. It has to stop only where somebody
/// may die, or something happens, or where another one's access is decided.
bool ScheduleRun::goes_on_alone() const {
  if (result_.preemptions < preemptions_max_ || options_.delayed_stores_max > 0) return false;
  const auto is_open = [](const auto& flags) {
    return std::any_of(flags.begin(), flags.end(), [](char it) { return it == 0; });
  };
  if (result_.events < options_.events_max && is_open(happened_) &&
      std::any_of(scenario_.events.begin(), scenario_.events.end(),
                  [](const Event& event) { return event.touches.empty(); })) {
    return false;
  }
  if (result_.deaths > 0 && scenario_.stage.liveness.empty()) return false;
  return std::none_of(seats_.begin(), seats_.end(), [](const Seat& seat) { return seat.insists; });
}

/// Somebody who can be next: what he does not look at may as well happen later.
bool ScheduleRun::somebody_looks_at(const std::vector<Place>& places) const {
  const bool alone = is(current_, Stop::kAtAccess) && result_.preemptions >= preemptions_max_ &&
                     options_.delayed_stores_max == 0;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (!is(i, Stop::kAtAccess) || (alone && i != current_)) continue;
    if (places.empty()) return true;
    const Access& pending = machine_.pending(i);
    for (const Place& place : places) {
      if (pending.overlaps(static_cast<const std::byte*>(place.begin), place.bytes)) return true;
    }
  }
  return false;
}

void ScheduleRun::offer_deaths_and_events() {
  const bool at_store = is(current_, Stop::kAtAccess) && machine_.would_store(current_);
  for (std::size_t i = 0; i < scenario_.mortal.size(); ++i) {
    const auto index = static_cast<std::uint8_t>(i);
    if (dead_[i] != 0) {
      if (noticed_[i] == 0 && somebody_looks_at(scenario_.stage.liveness)) {
        choices_.push_back({Choice::Kind::kNotice, index, false});
      }
    } else if (result_.deaths < options_.deaths_max && current_ != kNobody &&
               scenario_.operations[current_].participant == scenario_.mortal[i] &&
               (at_store || is(current_, Stop::kFinished))) {
      choices_.push_back({Choice::Kind::kKill, index, false});
    }
  }
  if (result_.events >= options_.events_max) return;
  for (std::size_t i = 0; i < scenario_.events.size(); ++i) {
    if (happened_[i] == 0 && somebody_looks_at(scenario_.events[i].touches)) {
      choices_.push_back({Choice::Kind::kEvent, static_cast<std::uint8_t>(i), false});
    }
  }
}

void ScheduleRun::offer_flushes() {
  if (choices_.empty()) return;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (machine_.state(i) != Stop::kKilled && !machine_.buffer(i).empty()) {
      choices_.push_back({Choice::Kind::kFlush, static_cast<std::uint8_t>(i), false});
    }
  }
}

}  // namespace ringpost::rig
