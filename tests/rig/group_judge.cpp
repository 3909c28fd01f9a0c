// What must hold of a FIFO ring whatever happened: at each answer, and at the end.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "rig/group_world.hpp"
#include "ring/settle.hpp"

namespace ringpost::rig {

using ring::LeaseState;

bool GroupWorld::Sight::there() const noexcept {
  switch (word.state()) {
    case LeaseState::kIdle:
      return publish == word.lap();
    case LeaseState::kLeased:
    case LeaseState::kReturned:
    case LeaseState::kDelayed:
      return true;
    case LeaseState::kAwait:
      return publish == claim.lap();  // of a fair ring, published after its delay was over
    default:
      return false;
  }
}

bool GroupWorld::Sight::visible() const noexcept {
  return there() && word.state() != LeaseState::kLeased && word.state() != LeaseState::kDelayed;
}

bool GroupWorld::Sight::free() const noexcept { return !word.held() && claim.lap() < word.lap(); }

GroupWorld::Sights GroupWorld::look() {
  return Machine::get().unobserved([this] {
    Sights sights;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      sights[slot] = {view.lease_word(slot),
                      {view.claim(slot).load(std::memory_order_relaxed)},
                      view.slot(slot).publish.load(std::memory_order_relaxed),
                      of(kJudge).groups.key_at(slot)};
    }
    return sights;
  });
}

std::uint64_t GroupWorld::position_in(std::uint32_t slot, const Sight& sight) const {
  return view.position_of(slot, sight.publish & ring::kLapMask);
}

/// The message in `slot` is visible, and nothing of its group before it is left that locks it.
bool GroupWorld::is_first(const Sights& sights, std::uint32_t slot, std::uint64_t clock) {
  const Sight& mine = sights[slot];
  if (!mine.visible()) return false;
  if (is_fair()) return true;  // nothing is locked
  const int id = id_at(slot, mine.publish);
  if (queue_delay != 0 && sent[static_cast<std::size_t>(id)] + queue_delay + 1 > clock) {
    return false;
  }
  const std::uint64_t position = position_in(slot, mine);
  for (std::uint32_t other = 0; other < view.slots(); ++other) {
    const Sight& it = sights[other];
    if (other == slot || it.key != mine.key || position_in(other, it) >= position) continue;
    // Acknowledged by somebody who stands still: locked until the lease would be over.
    if (it.there() || it.word.state() == LeaseState::kAcked) return false;
  }
  return true;
}

/// The first position that consumers have not passed.
std::uint64_t GroupWorld::head_of(const Sights& sights) const {
  std::uint64_t head = ~std::uint64_t{0};
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const ring::LeaseWord word = sights[slot].word;
    head = std::min(head, view.position_of(slot, word.lap() + (word.held() ? 1 : 0)));
  }
  return head;
}

void GroupWorld::judge_full(const Sights& before) {
  const Sights after = look();
  const std::uint64_t head = head_of(before);
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const Sight& then = before[slot];
    if (!then.free() || then.word != after[slot].word || !after[slot].free()) continue;
    if (view.position_of(slot, then.word.lap()) - head < view.slots()) {
      ledger.broken("a send says full although slot " + std::to_string(slot) +
                    " was free all the while");
    }
  }
}

void GroupWorld::judge_empty(const Sights& before) {
  const Sights after = look();
  const std::uint64_t clock = Machine::get().unobserved([this] { return now(); });
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const Sight& then = before[slot];
    const Sight& now = after[slot];
    // The same content, received as often as before: nobody had it in between.
    if (then.publish == now.publish && then.word.count() == now.word.count() &&
        is_first(before, slot, clock) && is_first(after, slot, clock)) {
      ledger.broken("a receive says empty although message " +
                    std::to_string(id_at(slot, now.publish)) +
                    " was visible and nothing locked it all the while");
    }
  }
}

/// The message in `slot` has just been delivered. What was before it in its group from the
/// beginning to the end of the call must have been leased by the same receive, and still.
void GroupWorld::judge_order(int me, const Sights& before, std::uint32_t slot) {
  const Sights after = look();
  const Participant& p = of(me);
  const std::uint64_t position = position_in(slot, after[slot]);
  for (std::uint32_t other = 0; other < view.slots(); ++other) {
    const Sight& then = before[other];
    const Sight& now = after[other];
    if (other == slot || then.publish != now.publish || now.key != after[slot].key) continue;
    if (!then.there() || !now.there() || position_in(other, now) >= position) continue;
    const Held* held = nullptr;
    for (std::size_t i = p.call_begin; i < p.held_count; ++i) {
      const Held& it = p.held[i];
      if (it.delivery.slot == other && it.delivery.lap == now.publish) held = &it;
    }
    const bool mine = held != nullptr &&
                      (then.word.state() != LeaseState::kLeased || then.word.continues(held->word));
    if (mine) continue;
    ledger.broken("message " + std::to_string(id_at(slot, after[slot].publish)) +
                  " is delivered before message " + std::to_string(id_at(other, now.publish)) +
                  " of its group");
  }
}

/// Somebody is making this attempt, and has not stood still for a tick.
bool GroupWorld::calls(int besides, std::uint64_t attempt) {
  const std::uint64_t clock = Machine::get().unobserved([this] { return this->now(); });
  for (int who = 1; who <= kJudge; ++who) {
    if (who == besides || of(who).calling != attempt) continue;
    if (clock < of(who).entered + GroupStage::kTick) return true;
  }
  return false;
}

/// Of several receives with one id one goes on at a time, but for those that stand still.
void GroupWorld::judge_alone(int me, std::uint64_t attempt) {
  const std::uint64_t clock = Machine::get().unobserved([this] { return this->now(); });
  for (int who = 1; who <= kJudge; ++who) {
    const Participant& other = of(who);
    if (who == me || other.inside != attempt) continue;
    if (clock >= other.entered + GroupStage::kTick) continue;
    ledger.broken("participants " + std::to_string(who) + " and " + std::to_string(me) +
                  " make one attempt at once");
  }
  of(me).inside = attempt;
}

/// When all are done or cleared up after: what is linked is done, all else is free.
void GroupWorld::judge_attempts() {
  const group::AttemptLinks links{shared.attempts.links.load()};
  for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
    const group::AttemptWord word{shared.attempts.entries[i].state.load()};
    const bool is_done = word.is(group::AttemptState::kDone);
    if (!is_done && !word.is(group::AttemptState::kFree)) {
      ledger.broken("an attempt is under way for ever");
    }
    if (is_done && !links.has(i)) ledger.broken("an attempt is done and not to be found");
  }
}

int GroupWorld::id_at(std::uint32_t slot, std::uint64_t lap) const {
  return lap == 0 ? 0 : ids[view.position_of(slot, lap & ring::kLapMask) % ids.size()];
}

std::string GroupWorld::check() {
  if (!somebody_died_running) judge_sleepers();
  if (is_fair() && !somebody_died && !counted_anew) judge_tenants();
  let_the_living_finish();
  if (somebody_died && stopped_for_ever) judge_without_the_stopped();
  if (ledger.verdict().empty()) sweep_twice();
  drain();
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_fresh();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

/// Who sleeps to the end beside what it waits for, and nobody has woken it.
void GroupWorld::judge_sleepers() {
  const Sights sights = look();
  const std::uint64_t head = head_of(sights);
  for (int who = 1; who < kJudge; ++who) {
    const Asleep& asleep = of(who).asleep;
    if (asleep.at == nullptr || asleep.at->sequence.load() != asleep.seen) continue;
    const bool receives = asleep.at == &shared.receivers;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      if (receives && is_first(sights, slot, now())) {
        ledger.broken("participant " + std::to_string(who) +
                      " sleeps beside a message and nobody wakes it");
      }
      const Sight& sight = sights[slot];
      if (!receives && sight.free() &&
          view.position_of(slot, sight.word.lap()) - head < view.slots()) {
        ledger.broken("participant " + std::to_string(who) +
                      " sleeps although there is room and nobody wakes it");
      }
    }
  }
}

void GroupWorld::let_the_living_finish() {
  for (int who = 1; who < kJudge; ++who) {
    const auto index = static_cast<std::size_t>(who);
    if (of(who).unfinished) {
      shared.dead[index].store(1);
      ledger.holder_died(who);
      somebody_died = true;
    }
    if (shared.dead[index].load() != 0) continue;
    Participant& p = of(who);
    for (std::size_t i = 0; i < p.held_count; ++i) {
      read_again(who, p.held[i]);
      give_up_view(who, p.held[i]);
    }
  }
}

/// Nobody is cleared up after, but every deadline is over: all groups go on.
void GroupWorld::judge_without_the_stopped() {
  for (int i = 0; i < 3 && ledger.verdict().empty(); ++i) {
    drain();
    shared.clock.store(shared.clock.load() + 2 * ring::DueIndex::kRecheckUnits);
  }
  const Sights sights = look();
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const Sight& it = sights[slot];
    if (it.there() || it.word.state() == LeaseState::kAcked) {
      ledger.broken("message " + std::to_string(id_at(slot, it.publish)) +
                    " waits for somebody who stands still");
    }
  }
}

/// The dead are cleared up after; doing it again changes nothing.
void GroupWorld::sweep_twice() {
  sweep(kJudge);
  if (!somebody_died) return;
  const auto bytes = static_cast<std::size_t>(geometry.file_bytes);
  std::memcpy(image.data(), shared.ring, bytes);
  sweep(kJudge);
  if (std::memcmp(image.data(), shared.ring, bytes) != 0) {
    ledger.broken("a second sweep changes something");
  }
}

/// All leases and delays are over; what is left is received and acknowledged.
void GroupWorld::drain() {
  ledger.leases_may_end();
  if (shared.clock.load() < kClockEnd) shared.clock.store(kClockEnd);
  while (ledger.verdict().empty() && receive(kJudge, 2, false, kVisibility) != 0) {
    while (of(kJudge).held_count != 0) acknowledge(kJudge, 0, false);
  }
}

/// Every slot takes and gives a fresh message, of two groups in turn.
void GroupWorld::judge_fresh() {
  queue_delay = 0;
  const int count = static_cast<int>(view.slots());
  for (int i = 0; i < count; ++i) {
    if (!send(kJudge, kFreshId + i, 1 + i % 2, false)) {
      return ledger.broken("the ring is drained and has no room for " + std::to_string(count) +
                           " fresh messages, but for " + std::to_string(i));
    }
  }
  for (int i = 0; i < count; ++i) {
    if (receive(kJudge, 1, false, kVisibility) == 0) {
      return ledger.broken("a fresh message is not to be received");
    }
    acknowledge(kJudge, 0, false);
  }
  if (receive(kJudge, 1, false, kVisibility) != 0) ledger.broken("a message too many");
}

/// Nothing leaks: slots, claims, records, hints, blocks, hazards.
void GroupWorld::judge_rest() {
  const Sights sights = look();
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const Sight& sight = sights[slot];
    if (sight.word.held()) ledger.broken("slot " + std::to_string(slot) + " is held for ever");
    if (sight.claim.lap() >= sight.word.lap()) ledger.broken("a claim is left");
  }
  const group::Groups& records = of(kJudge).groups;
  for (std::uint32_t index = 0; index < records.count(); ++index) {
    if (index % ring::kHintsPerBucket == group::kRecordsPerBucket) continue;
    if (records.read(index).occupied()) ledger.broken("a group record is occupied for ever");
  }
  if (attempts_made) judge_attempts();
  if (is_fair()) judge_tenants();
  if (!blocks.all_free()) ledger.broken("a block leaks");
  if (blocks.freed_twice()) ledger.broken("a block was freed twice");
  if (of(kJudge).ring.hints.any()) ledger.broken("a hint of nothing stays for ever");
  for (const shm::HazardRecord& record : shared.hazards) {
    for (std::uint32_t i = 0; i < record.limit.load() && i < shm::kHazardsPerParticipant; ++i) {
      if (record.entries[i].load() != 0) ledger.broken("a hazard entry leaks");
    }
  }
}

/// The counts say what is in flight: at once if nobody died and nobody counted anew while others
/// were at work; else after one who counts at rest.
void GroupWorld::judge_tenants() {
  const fair::Tenants& tenants = of(kJudge).lists.tenants();
  if (somebody_died || counted_anew) tenants.count_anew(counts);
  counts.fill(0);
  std::uint64_t all = 0;
  const Sights sights = look();
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    if (sights[slot].word.state() != LeaseState::kLeased) continue;
    ++all;
    const std::uint64_t key = sights[slot].key;
    if (key != fair::kNobody) ++counts[key % kTenants];
  }
  if (view.hot().in_flight.load() != all) ledger.broken("more or less is in flight than counted");
  for (std::uint32_t cell = 0; cell < tenants.cells(); ++cell) {
    const fair::Tenant it{view.tenant(cell).load()};
    if (it.in_flight() != counts[cell]) ledger.broken("a tenant counts what is not in flight");
  }
}

std::string GroupWorld::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const auto in = [at](const void* begin, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(begin);
    return at >= first && at < first + bytes;
  };
  const auto array = [&](const char* name, std::size_t begin, std::size_t each,
                         std::size_t count) -> std::string {
    const std::byte* first = shared.ring + begin;
    if (!in(first, each * count)) return {};
    return name + std::to_string(static_cast<std::size_t>(at - first) / each);
  };
  const std::size_t slots = view.slots();
  for (const auto& [name, begin, each, count] :
       {std::tuple{"claim", geometry.claims, std::size_t{8}, slots},
        std::tuple{"lease", geometry.leases, std::size_t{16}, slots},
        std::tuple{"hint", geometry.hint_cells, std::size_t{4}, std::size_t{geometry.hints}},
        std::tuple{"next", geometry.next, std::size_t{8}, slots},
        std::tuple{"record", geometry.buckets_begin, std::size_t{16},
                   std::size_t{geometry.buckets} * 8},
        std::tuple{"tenant", geometry.tenants_begin, std::size_t{8}, std::size_t{geometry.tenants}},
        std::tuple{"slot", geometry.slots_begin, std::size_t{geometry.stride}, slots}}) {
    std::string found = array(name, begin, each, count);
    if (!found.empty()) return found;
  }
  const ring::RingHotWords& hot = view.hot();
  if (in(&hot.head, 8)) return "head";
  if (in(&hot.tail, 8)) return "tail";
  if (in(&hot.hint_top, 8)) return "hint-top";
  if (in(&hot.due_top, 8)) return "due-top";
  if (in(&hot.insertion, 16)) return "insertion";
  if (in(&hot.in_flight, 8)) return "in-flight";
  if (in(&view.hint_middle(0), 8)) return "hint-middle";
  if (in(&view.due_block(0), 8)) return "due-block";
  if (in(&shared.senders, sizeof shared.senders)) return "senders";
  if (in(&shared.receivers, sizeof shared.receivers)) return "receivers";
  if (in(&shared.clock, 8)) return "clock";
  if (in(&shared.dead, sizeof shared.dead)) return "dead";
  if (in(&shared.hazards, sizeof shared.hazards)) return "hazard";
  if (in(&shared.attempts.links, 16)) return "attempt-links";
  if (in(&shared.attempts.key_low, sizeof shared.attempts.key_low)) return "attempt-key";
  if (in(&shared.attempts, sizeof shared.attempts)) return "attempt";
  if (in(&shared.blocks, sizeof shared.blocks)) return "block";
  return {};
}

}  // namespace ringpost::rig
