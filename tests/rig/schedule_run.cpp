#include "rig/schedule_run.hpp"

#include <algorithm>

namespace ringpost::rig {

ScheduleRun::ScheduleRun(const ExploreScenario& scenario, const ExploreOptions& options)
    : machine_(Machine::get()), scenario_(scenario), options_(options) {
  for (const Operation& operation : scenario.operations) names_.push_back(operation.name);
  names_.emplace_back("check");
  check_body_ = [this] { verdict_ = scenario_.stage.check(); };
}

const ScheduleRun::Result& ScheduleRun::run(Chooser& chooser, int preemptions_max) {
  preemptions_max_ = preemptions_max;
  if (!start()) return result_;
  for (std::uint32_t decision = 0; result_.what.empty();) {
    collect();
    if (choices_.empty()) {  // whoever could run is kept from it by the reduction
      result_.pruned = true;
      return result_;
    }
    std::size_t taken = 0;
    if (choices_.size() > 1) {
      taken = chooser.choose(decision, choices_);
      if (taken != 0) schedule_.add(decision, choices_[taken]);
      ++decision;
    }
    if (choices_[taken].kind == Choice::Kind::kEnd) break;
    const Choice choice = choices_[taken];
    apply(choice);
  }
  if (result_.what.empty()) finish();
  return result_;
}

bool ScheduleRun::broken(std::string what) {
  if (result_.what.empty()) result_.what = std::move(what);
  return false;
}

void ScheduleRun::note(const std::string& text) {
  if (machine_.trace().recording()) machine_.trace().note(text);
}

bool ScheduleRun::start() {
  result_ = {};
  schedule_.clear(preemptions_max_);
  current_ = kNobody;
  delayed_ = 0;
  dead_.assign(scenario_.mortal.size(), 0);
  noticed_.assign(scenario_.mortal.size(), 0);
  happened_.assign(scenario_.events.size(), 0);
  seats_.resize(scenario_.operations.size());
  machine_.reset();
  scenario_.stage.setup();
  if (!machine_.failure().empty()) return broken("setup: " + machine_.failure());
  for (std::size_t i = 0; i < scenario_.operations.size(); ++i) {
    seats_[i] = {};
    machine_.spawn(scenario_.operations[i].body);
    RunLimits limits;  // up to its first shared access nobody sees it
    limits.single_step = true;
    limits.steps_max = options_.steps_max;
    after_stop(i, machine_.run(i, limits));
  }
  return result_.what.empty();
}

/// Everybody ended or died.
bool ScheduleRun::finish() {
  machine_.flush_all();
  for (std::size_t i = 0; i < dead_.size(); ++i) {
    if (dead_[i] != 0 && noticed_[i] == 0) notice(i);
  }
  note("check");
  verdict_.clear();
  RunLimits limits;
  limits.steps_max = options_.check_steps_max;
  const Stop stop = machine_.run(machine_.spawn(check_body_), limits);
  if (stop == Stop::kOutOfSteps) return broken("the check does not end: a survivor is blocked");
  if (stop == Stop::kFailed) return broken(machine_.failure());
  return verdict_.empty() || broken(verdict_);
}

void ScheduleRun::apply(const Choice& choice) {
  switch (choice.kind) {
    case Choice::Kind::kRun:
    case Choice::Kind::kRunDelayed:
      if (choice.preempts) {
        Seat& seat = seats_[current_];
        seat.preempted = true;
        seat.conflicted = seat.insists;  // insisting fibers are left out of the reduction
        ++result_.preemptions;
      } else if (choice.index == current_ && is(current_, Stop::kPaused) && choices_.size() > 1) {
        seats_[current_].insists = true;
      }
      run_fiber(choice.index, choice.kind == Choice::Kind::kRunDelayed);
      break;
    case Choice::Kind::kKill:
      kill(choice.index);
      break;
    case Choice::Kind::kNotice:
      notice(choice.index);
      break;
    case Choice::Kind::kEvent: {
      const Event& event = scenario_.events[choice.index];
      note("event: " + event.name);
      happened_[choice.index] = 1;
      ++result_.events;
      mark_conflicts(event.touches);
      event.fire();
      break;
    }
    case Choice::Kind::kFlush:
      note("a buffered store of " + names_[choice.index] + " becomes visible");
      mark_all_conflicted();
      machine_.flush_oldest(choice.index);
      break;
    case Choice::Kind::kEnd:
      break;
  }
}

void ScheduleRun::run_fiber(std::size_t fiber, bool delayed) {
  Seat& seat = seats_[fiber];
  seat.preempted = false;
  if (is(fiber, Stop::kAtAccess)) {
    Access access = machine_.pending(fiber);
    if (access.may_write() && !machine_.would_store(fiber) && access.kind != AccessKind::kBarrier) {
      access.kind = AccessKind::kLoad;  // a compare-exchange that is about to lose
    }
    mark_conflicts(access);
  }
  if (delayed) {
    ++delayed_;
    note(names_[fiber] + " holds the next store back");
  }
  current_ = fiber;
  ++result_.steps;
  RunLimits limits;
  limits.single_step = !nothing_to_decide();
  limits.stop_at_pause = true;
  limits.delay_store = delayed;
  limits.steps_max = options_.steps_max;
  const Access made = machine_.pending(fiber);
  const std::uint64_t before = machine_.stores_visible();
  const Stop stop = machine_.run(fiber, limits);
  if (machine_.stores_visible() != before) {
    seat.insists = false;
    seat.insisted = 0;
  } else {
    seat.round.push_back({made.address, made.kind});
  }
  after_stop(fiber, stop);
}

void ScheduleRun::after_stop(std::size_t fiber, Stop stop) {
  Seat& seat = seats_[fiber];
  switch (stop) {
    case Stop::kPaused:
      seat.stores_at_pause = machine_.stores_visible();
      seat.last_round.swap(seat.round);
      seat.round.clear();
      if (seat.insists && ++seat.insisted > options_.insist_pauses_max) {
        broken(names_[fiber] + " is blocked by a fiber that stands still: " +
               std::to_string(seat.insisted) + " pauses");
      }
      mark_all_conflicted();
      break;
    case Stop::kOutOfSteps:
      broken(names_[fiber] + " is blocked: not at its end after " +
             std::to_string(options_.steps_max) + " steps");
      break;
    case Stop::kFailed:
      broken(names_[fiber] + ": " + machine_.failure());
      break;
    default:
      break;
  }
}

void ScheduleRun::mark_conflicts(const Access& access) {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    Seat& seat = seats_[i];
    if (!seat.preempted || seat.conflicted) continue;
    if (options_.delayed_stores_max > 0 || machine_.pending(i).conflicts_with(access)) {
      seat.conflicted = true;
    }
  }
}

void ScheduleRun::mark_conflicts(const std::vector<Place>& places) {
  if (places.empty()) return mark_all_conflicted();
  for (const Place& place : places) {
    const auto* begin = static_cast<const std::byte*>(place.begin);
    mark_conflicts(Access{AccessKind::kStore, false, static_cast<std::uint32_t>(place.bytes),
                          const_cast<std::byte*>(begin), nullptr});
  }
}

void ScheduleRun::mark_all_conflicted() {
  for (Seat& seat : seats_) seat.conflicted = true;
}

void ScheduleRun::kill(int index) {
  const int participant = scenario_.mortal[static_cast<std::size_t>(index)];
  note("participant " + std::to_string(participant) + " is killed");
  dead_[static_cast<std::size_t>(index)] = 1;
  ++result_.deaths;
  for (std::size_t i = 0; i < scenario_.operations.size(); ++i) {
    if (scenario_.operations[i].participant != participant) continue;
    if (can_run(i)) machine_.kill(i);
    seats_[i].preempted = false;
  }
}

void ScheduleRun::notice(std::size_t mortal) {
  const int participant = scenario_.mortal[mortal];
  note("participant " + std::to_string(participant) + " counts as dead");
  noticed_[mortal] = 1;
  mark_conflicts(scenario_.stage.liveness);
  if (scenario_.stage.on_death) scenario_.stage.on_death(participant);
}

}  // namespace ringpost::rig
