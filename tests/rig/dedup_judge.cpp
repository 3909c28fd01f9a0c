// What must hold of the table whatever happened: at each answer, and at the end.
#include <algorithm>
#include <string>

#include "rig/dedup_world.hpp"

namespace ringpost::rig {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

std::size_t DedupWorld::begin_call(int me, int id) {
  const std::size_t call = call_count++ % kCalls;
  calls[call] = {me, id, clock(), ++order, 0};
  ids_sent |= 1u << id;
  current[static_cast<std::size_t>(me)] = call;
  return call;
}

void DedupWorld::claimed(const DedupSend& send) {
  position_end = std::max(position_end, send.position + 1);
  facts[send.position].me = send.me;
  facts[send.position].call = current[send.me];
}

void DedupWorld::published(const DedupSend& send, std::uint64_t time) {
  DedupLog::published(send, time);
  Fact& it = facts[send.position];
  it.id = send.id;
  it.at = clock();
  it.order = ++order;
  if (++calls[it.call].messages > 1) broken("one send published two messages");
  judge_publish(send.position);
}

void DedupWorld::passed(std::uint64_t position) {
  Fact& it = facts[position];
  if (it.id != 0) it.committed = std::min(it.committed, clock());
}

/// An id is accepted again only if the message before is over, or purged.
void DedupWorld::judge_publish(std::uint64_t position) {
  const Fact& it = facts[position];
  for (std::uint64_t other = 0; other < position_end; ++other) {
    const Fact& before = facts[other];
    if (other == position || before.id != it.id || it.at >= before.at + kWindow) continue;
    bool purged = false;
    for (std::size_t i = 0; i < purge_count; ++i) {
      purged |= other < purges[i].end && purges[i].end <= position;
    }
    if (!purged) {
      broken("id " + number(static_cast<std::uint64_t>(it.id)) + " was accepted at " +
             number(other) + " and at " + number(position));
    }
  }
}

void DedupWorld::judge_duplicate(const Call& call, std::uint64_t of) {
  const std::string what = "id " + std::to_string(call.id) + " is a duplicate of " + number(of);
  if (of >= kPositions || facts[of].id != call.id) return broken(what + ", which has not this id");
  if (facts[of].committed != kNever && call.began >= facts[of].committed + kWindow) {
    return broken(what + ", which was over");
  }
  for (std::size_t i = 0; i < purge_count; ++i) {
    if (of < purges[i].end && purges[i].ended < call.order) broken(what + ", which was purged");
  }
}

void DedupWorld::end_call(std::size_t call, const DedupRing::Outcome& outcome) {
  using Sent = DedupRing::Sent;
  Call& it = calls[call];
  const bool accepted = outcome.sent == Sent::kAccepted;
  if (it.messages != (accepted ? 1 : 0)) {
    return broken("a send of id " + std::to_string(it.id) + " published " +
                  std::to_string(it.messages) + " messages and says it is " +
                  std::to_string(static_cast<int>(outcome.sent)));
  }
  switch (outcome.sent) {
    case Sent::kAccepted:
      if (facts[outcome.position].call != call) broken("a send was given another one's position");
      break;
    case Sent::kDuplicate:
      judge_duplicate(it, outcome.position);
      break;
    case Sent::kRingFull:
      return;
    case Sent::kTableFull:
      if (!full_is_right) broken("full, and there were entries");
      return;
    case Sent::kDamaged:
      return broken("a send says that the table is damaged");
  }
  Fact& of = facts[outcome.position % kPositions];
  of.committed = std::min(of.committed, clock());
}

/// By a survivor, who finds the others dead or standing still.
std::string DedupWorld::check() {
  pass();
  for (int id = 1; id <= DedupStage::kIds; ++id) {
    if ((ids_sent >> id & 1u) == 0) continue;
    send(kJudge, id);
    find(kJudge, id);
    pass();
  }
  for (std::size_t me = 1; me < kParticipants; ++me) {
    if (shared.dead[me].load() == 0) finish_send(static_cast<int>(me));
  }
  pass();
  sweep();
  Machine::get().unobserved([this] { return judge_entries(), 0; });
  full_is_right = false;  // there is an entry that is over, or more
  for (int id = 1; id <= DedupStage::kIds; ++id) {
    if ((ids_sent >> id & 1u) == 0) continue;
    shared.cursors.clock.store(shared.cursors.clock.load() + kWindow);
    const std::size_t call = call_count % kCalls;
    send(kJudge, id);
    if (calls[call].messages != 1) broken("a message that is over blocks its id");
    pass();
  }
  Machine::get().unobserved([this] { return judge_entries(), 0; });
  return verdict;
}

DedupWorld::Leftovers DedupWorld::look_for_leftovers() {
  return Machine::get().unobserved([this] {
    Leftovers found;
    const dedup::Links links{bucket().links.load()};
    for (std::uint32_t i = 0; i < kWatched; ++i) {
      found[i] = {dedup::EntryWord{bucket().entries[i].state.load()}, links.has(i)};
    }
    return found;
  });
}

/// Freed and linked, or taken by the dead and not linked: not after a sweep.
void DedupWorld::judge_swept(const Leftovers& before, std::uint16_t dead) {
  const Leftovers after = look_for_leftovers();
  for (std::uint32_t i = 0; i < kWatched; ++i) {
    const auto& [word, linked] = before[i];
    if (after[i] != before[i]) continue;
    const bool is_free = word.is(dedup::EntryState::kFree);
    if (is_free && linked) broken("a sweep leaves what is free and linked");
    if (!is_free && !linked && word.owner() == dead) broken("a sweep leaves what the dead took");
  }
}

/// Nobody is at work: each entry is free, or says committed for a message of its id.
void DedupWorld::judge_entries() {
  const dedup::Links links{bucket().links.load()};
  for (std::uint32_t i = 0; i < unfilled; ++i) {
    const dedup::IdEntry& entry = bucket().entries[i];
    const dedup::EntryWord word{entry.state.load()};
    const std::string which = "entry " + number(i);
    if (word.is(dedup::EntryState::kFree)) {
      if (links.has(i)) broken(which + " is free and linked");
      continue;
    }
    if (!links.has(i)) broken(which + " is taken and not linked");
    if (!word.is(dedup::EntryState::kCommitted)) broken(which + " is left undecided");
    const std::uint64_t position = word.position();
    const int id = position < kPositions ? facts[position].id : 0;
    if (id == 0) {
      broken(which + " is a ghost: position " + number(position) + " has no message");
      continue;
    }
    const dedup::Key key = dedup_key(id);
    if (entry.key_low.load() != key.low || entry.key_high.load() != key.high) {
      broken(which + " names a message of another id");
    }
  }
  const dedup::Table::Checked checked = table.check();
  const std::uint64_t fillers = dedup::kEntriesPerBucket - unfilled;
  if (checked.leftovers != fillers || checked.misplaced + checked.twice != 0) {
    broken("the table is damaged");
  }
}

}  // namespace ringpost::rig
