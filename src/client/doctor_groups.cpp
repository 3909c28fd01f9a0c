// The groups of a FIFO ring, the lists of a fair one: records, lists, hints.
#include <algorithm>

#include "client/doctor.hpp"

namespace ringpost::client {

using group::Next;
using group::Record;
using ring::LeaseState;
using ring::LeaseWord;

namespace {

Complaint damaged(std::string what) { return {std::move(what), kDeleteQueue}; }

}  // namespace

/// Walks the list of a record as long as `visit(slot)` of its messages says so. Returns what is
/// wrong with it, if the record has not changed meanwhile.
template <class Visit>
Verdict GroupExam::walk(const Record& record, Visit&& visit) const {
  std::uint32_t position = record.first();
  std::uint64_t last = 0;
  for (std::uint32_t i = 0; i < view_.slots(); ++i) {
    if (steps_left_ == 0) return {};
    charge(1);
    const std::uint32_t slot = groups_.slot_of(position);
    const auto where = [slot] { return "slot " + std::to_string(slot); };
    const LeaseWord word = view_.lease_word(slot);
    const std::uint64_t lap = groups_.lap_at(slot, position);
    if (lap == 0 || (!word.held() && word.lap() != lap)) {
      return damaged("it leads to " + where() + ", whose message is another one");
    }
    if (groups_.key_at(slot) != record.key()) {
      return damaged("it leads to " + where() + ", whose message is of another group");
    }
    if (word.state() == LeaseState::kAwait || word.state() == LeaseState::kLimbo) {
      return damaged("it leads to " + where() + ", which holds no message");
    }
    const std::uint64_t whole = view_.position_of(slot, lap);
    if (i != 0 && whole <= last) return damaged("it goes back at " + where());
    last = whole;
    if (!visit(slot) || position == record.last()) return {};
    if (!groups_.after(slot, lap, position)) {
      return damaged("it ends at " + where() + ", before its last message");
    }
  }
  return damaged("it has no end");
}

/// As Groups::find; the buckets that it looked at count as steps.
std::uint32_t GroupExam::find(std::uint64_t key, Record& record) const {
  if (steps_left_ == 0) return groups_.count();
  const std::uint32_t index = groups_.find(key, record);
  const std::uint32_t buckets = view_.geometry().buckets;
  const std::uint64_t looks = (index / ring::kHintsPerBucket - key) & (buckets - 1);
  charge(index == groups_.count() ? buckets : looks);
  return index;
}

void GroupExam::charge(std::uint64_t steps) const noexcept {
  steps_left_ -= std::min(steps_left_, steps);
}

Verdict GroupExam::judge_record(std::uint32_t index) const {
  const Record record = groups_.read(index);
  if (record.bits.low == 0) return {};
  Record found;
  if (find(record.key(), found) != index) {
    if (steps_left_ == 0) return {};
    return groups_.read(index) == record ? Verdict(damaged("nobody finds it by its key"))
                                         : Verdict();
  }
  if (!record.occupied()) return {};
  Verdict wrong = walk(record, [](std::uint32_t) { return true; });
  if (!wrong) {
    const std::uint32_t first = groups_.slot_of(record.first());
    // In a fair ring hints of slots come first; one that was leased is found by its own.
    const LeaseWord word = view_.lease_word(first);
    const bool visible = fair_ ? word.is_listed() : word.state() == LeaseState::kReturned;
    if (visible && !ring::Hints(view_).is_set(fair_ ? view_.slots() + index : index)) {
      wrong = Complaint{"its first message is visible, but no hint leads to it", {}};
    }
  }
  return groups_.read(index) == record ? wrong : Verdict();
}

std::vector<bool> GroupExam::members() const {
  std::vector<bool> members(view_.slots(), false);
  for (std::uint32_t index = 0; index < groups_.count(); ++index) {
    if (!group::Groups::has_record(index)) continue;
    const Record record = groups_.read(index);
    if (!record.occupied()) continue;
    walk(record, [&](std::uint32_t slot) {
      members[slot] = true;
      return true;
    });
  }
  return members;
}

/// A message that is visible, delayed or in flight stands in the list of its group. One that is
/// acknowledged need not: it may be about to be freed. In a fair ring, one that says so itself.
Verdict GroupExam::judge_membership(std::uint32_t slot) const {
  const LeaseWord word = view_.lease_word(slot);
  if (!needs_group(word)) return {};
  Record record;
  const std::uint32_t index = find(groups_.key_at(slot), record);
  bool found = false;
  if (index != groups_.count() && record.occupied()) {
    walk(record, [&](std::uint32_t member) {
      found = member == slot;
      return !found;
    });
  }
  const bool changed = !(view_.lease_word(slot) == word) ||
                       (index != groups_.count() && !(groups_.read(index) == record));
  if (found || changed || steps_left_ == 0) return {};
  return damaged("its message is not in the list of its group");
}

bool GroupExam::needs_group(LeaseWord word) const noexcept {
  if (fair_) return word.is_listed();
  return word.state() == LeaseState::kLeased || word.state() == LeaseState::kReturned ||
         word.state() == LeaseState::kDelayed;
}

void Doctor::examine_groups(const KnownRing& known, const std::string& object) {
  queue::QueueHeader& header = known.queue->header();
  ring::Ring ring(known.mapped->view,
                  {header.senders, header.receivers, member_.files().hazards(), member_.arena(),
                   member_.files().fenced(), member_.files().moves()});
  const GroupExam exam(ring);
  const auto judge_record = [&](std::uint32_t index) { return exam.judge_record(index); };
  std::vector<std::uint32_t> records;
  for (std::uint32_t index = 0; index < exam.count(); ++index) {
    if (group::Groups::has_record(index) && judge_record(index)) records.push_back(index);
  }
  look_again(records, judge_record);
  report(
      object, records,
      [&](std::uint32_t index) { return object + ", group record " + std::to_string(index); },
      judge_record);
  const auto judge_slot = [&](std::uint32_t slot) { return exam.judge_membership(slot); };
  const std::vector<bool> members = exam.members();
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    if (!members[slot] && judge_slot(slot)) slots.push_back(slot);
  }
  look_again(slots, judge_slot);
  report(
      object, slots, [&](std::uint32_t slot) { return object + ", slot " + std::to_string(slot); },
      judge_slot);
}

}  // namespace ringpost::client
