#include "rig/schedule_run.hpp"

#include <algorithm>

namespace ringpost::rig {
namespace {

Access access_to(const Place& place) {
  auto* begin = static_cast<std::byte*>(const_cast<void*>(place.begin));
  return {AccessKind::kStore, false, static_cast<std::uint32_t>(place.bytes), begin, nullptr};
}

}  // namespace

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
    if (const std::uint32_t skipped = fast_forward(decision, chooser.defaults_from(decision))) {
      decision += skipped;
      chooser.skip(skipped);
    }
    collect();
    if (choices_.empty()) {  // whoever could run is kept from it by the reduction
      result_.pruned = true;
      return result_;
    }
    std::size_t taken = 0;
    const bool decides = choices_.size() > 1;
    if (decides) {
      mark(decision);
      taken = chooser.choose(decision, choices_);
      if (taken != 0) schedule_.add(decision, choices_[taken]);
      ++decision;
    }
    if (choices_[taken].kind == Choice::Kind::kEnd) break;
    const Choice choice = choices_[taken];
    apply(choice);
    if (decides) alone_ = current_;
  }
  if (result_.what.empty()) finish();
  return result_;
}

void ScheduleRun::mark(std::uint32_t decision) {
  if (marks_.size() <= decision) marks_.resize(decision + 1);
  marks_[decision] = {};
  if (!is(current_, Stop::kAtAccess) || seats_[current_].has_paused) return;
  if (alone_ == current_) marks_[decision] = {current_, machine_.steps(current_)};
}

/// Decisions that are as in the schedule before need not be looked at: the fiber runs on to the
/// last of them. Returns how many it leaves behind.
std::uint32_t ScheduleRun::fast_forward(std::uint32_t decision, std::uint32_t defaults) {
  if (defaults == 0 || !is(current_, Stop::kAtAccess)) return 0;
  std::uint32_t skipped = 0;
  if (marks_[decision].fiber != current_) return 0;
  while (skipped < defaults && marks_[decision + skipped + 1].fiber == current_) ++skipped;
  if (skipped == 0) return 0;
  const std::uint64_t end = marks_[decision + skipped].steps;
  while (is(current_, Stop::kAtAccess) && machine_.steps(current_) < end) {
    watched_.clear();
    watch_the_preempted();
    RunLimits limits;
    limits.steps_max = options_.steps_max;
    limits.stop_at_pause = true;
    limits.stop_at = end;
    limits.watched = &watched_;
    run_fiber(current_, limits);
  }
  if (!is(current_, Stop::kAtAccess) || machine_.steps(current_) != end) {
    broken("the same decisions led elsewhere: the scenario is not deterministic");
  }
  return skipped;
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
  alone_ = kNobody;
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
      current_ = choice.index;
      run_fiber(choice.index, limits_of(choice.index, choice.kind == Choice::Kind::kRunDelayed));
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

RunLimits ScheduleRun::limits_of(std::size_t fiber, bool delayed) {
  seats_[fiber].preempted = false;
  if (delayed) {
    ++delayed_;
    note(names_[fiber] + " holds the next store back");
  }
  RunLimits limits;
  limits.stop_at_pause = true;
  limits.delay_store = delayed;
  limits.steps_max = options_.steps_max;
  limits.single_step = !goes_on_alone();
  if (limits.single_step) return limits;
  watched_.clear();
  watch_the_preempted();
  for (std::size_t i = 0; i < dead_.size(); ++i) {
    if (dead_[i] != 0 && noticed_[i] == 0) watch(scenario_.stage.liveness);
    if (dead_[i] == 0 && result_.deaths < options_.deaths_max &&
        scenario_.operations[fiber].participant == scenario_.mortal[i]) {
      limits.stores_max = machine_.stores(fiber) + (machine_.would_store(fiber) ? 1 : 0);
    }
  }
  if (result_.events < options_.events_max) {
    for (std::size_t i = 0; i < happened_.size(); ++i) {
      if (happened_[i] == 0) watch(scenario_.events[i].touches);
    }
  }
  limits.watched = &watched_;
  return limits;
}

void ScheduleRun::watch(const std::vector<Place>& places) {
  for (const Place& place : places) watched_.push_back(access_to(place));
}

/// Whoever touches what they are about to touch makes them fit to be resumed.
void ScheduleRun::watch_the_preempted() {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].preempted && !seats_[i].conflicted) watched_.push_back(machine_.pending(i));
  }
}

void ScheduleRun::run_fiber(std::size_t fiber, RunLimits limits) {
  Seat& seat = seats_[fiber];
  if (is(fiber, Stop::kAtAccess)) {
    Access access = machine_.pending(fiber);
    if (access.may_write() && !machine_.would_store(fiber) && access.kind != AccessKind::kBarrier) {
      access.kind = AccessKind::kLoad;  // a compare-exchange that is about to lose
    }
    mark_conflicts(access);
  }
  if (fiber != alone_) alone_ = kNobody;
  ++result_.steps;
  const Access made = machine_.pending(fiber);
  const std::uint64_t before = machine_.stores_visible();
  const Stop stop = machine_.run(fiber, limits);
  if (machine_.stores_visible() != before) {
    seat.insists = false;
    seat.insisted = 0;
  } else if (seat.has_paused) {
    seat.round.push_back({made.address, made.kind});
  }
  after_stop(fiber, stop);
}

void ScheduleRun::after_stop(std::size_t fiber, Stop stop) {
  Seat& seat = seats_[fiber];
  switch (stop) {
    case Stop::kPaused:
      seat.has_paused = true;
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
  for (const Place& place : places) mark_conflicts(access_to(place));
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
