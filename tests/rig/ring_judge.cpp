// What must hold of the ring whatever happened: at each answer, and at the end.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "rig/ring_world.hpp"

namespace ringpost::rig {

bool RingWorld::Sight::visible() const noexcept {
  switch (word.state()) {
    case ring::LeaseState::kReturned:
      return true;
    case ring::LeaseState::kIdle:
      return publish == word.lap() && !claim.sealed();
    case ring::LeaseState::kAwait:
      return publish == claim.lap();
    default:
      return false;
  }
}

bool RingWorld::Sight::free() const noexcept {
  return !word.held() && !claim.sealed() && claim.lap() < word.lap();
}

RingWorld::Sights RingWorld::look() {
  return Machine::get().unobserved([this] {
    Sights sights;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      sights[slot] = {view.lease_word(slot),
                      {view.claim(slot).load(std::memory_order_relaxed)},
                      view.slot(slot).publish.load(std::memory_order_relaxed)};
    }
    return sights;
  });
}

/// The first position that consumers have not passed.
std::uint64_t RingWorld::head_of(const Sights& sights) const {
  std::uint64_t head = ~std::uint64_t{0};
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const ring::LeaseWord word = sights[slot].word;
    head = std::min(head, view.position_of(slot, word.lap() + (word.held() ? 1 : 0)));
  }
  return head;
}

void RingWorld::judge_full(const Sights& before) {
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

void RingWorld::judge_empty(const Sights& before) {
  const Sights after = look();
  const std::uint64_t clock = Machine::get().unobserved([this] { return shared.clock.load(); });
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const Sight& then = before[slot];
    const Sight& now = after[slot];
    if (nothing_is_late && then.word == now.word && then.over(clock)) {
      ledger.broken("a receive says empty although the lease of message " +
                    std::to_string(id_at(slot, now.publish)) + " is over");
    }
    // The same content, received as often as before: nobody had it in between.
    if (then.visible() && now.visible() && then.publish == now.publish &&
        then.word.count() == now.word.count()) {
      ledger.broken("a receive says empty although message " +
                    std::to_string(id_at(slot, now.publish)) + " was visible all the while");
    }
  }
}

int RingWorld::id_at(std::uint32_t slot, std::uint64_t lap) const {
  return lap == 0 ? 0 : ids[view.position_of(slot, lap) % ids.size()];
}

std::string RingWorld::check() {
  if (!somebody_died_running) judge_sleepers();
  recover();
  if (!retired) drain();
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_fresh();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

/// Who sleeps to the end beside what it waits for, and nobody has woken it.
void RingWorld::judge_sleepers() {
  const Sights sights = look();
  const std::uint64_t head = head_of(sights);
  for (int who = 1; who < kJudge; ++who) {
    const Asleep& asleep = of(who).asleep;
    if (asleep.at == nullptr || asleep.at->sequence.load() != asleep.seen) continue;
    const bool receives = asleep.at == &shared.receivers;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const Sight& sight = sights[slot];
      if (receives && sight.visible()) {
        ledger.broken("participant " + std::to_string(who) +
                      " sleeps beside a message and nobody wakes it");
      }
      if (!receives && sight.free() &&
          view.position_of(slot, sight.word.lap()) - head < view.slots()) {
        ledger.broken("participant " + std::to_string(who) +
                      " sleeps although there is room and nobody wakes it");
      }
    }
  }
}

/// The living finish, the dead are cleared up after; doing it again changes nothing.
void RingWorld::recover() {
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
void RingWorld::drain() {
  ledger.leases_may_end();
  shared.clock.store(kClockEnd);
  while (ledger.verdict().empty() && receive(kJudge, false, kVisibility)) {
    acknowledge(kJudge, false);
  }
}

/// Every slot takes and gives a fresh message.
void RingWorld::judge_fresh() {
  const Sights sights = look();
  const auto end = sights.begin() + view.slots();
  const int count = static_cast<int>(view.slots());
  if (std::any_of(sights.begin(), end, [](const Sight& s) { return s.claim.sealed(); })) {
    bool sealed = false;  // somebody has begun to close it: that must come to an end
    for (int i = 0; i <= count && !sealed; ++i) sealed = ring::try_seal(of(kJudge).ring);
    if (!sealed) ledger.broken("a drained ring cannot be sealed");
    return;
  }
  for (int i = 0; i < count; ++i) {
    if (!send(kJudge, kFreshId + i, Sending::kPlain)) {
      return ledger.broken("the ring is drained and has no room for " + std::to_string(count) +
                           " fresh messages, but for " + std::to_string(i));
    }
  }
  for (int i = 0; i < count; ++i) {
    if (!receive(kJudge, false, kVisibility))
      return ledger.broken("a fresh message is not to be received");
    acknowledge(kJudge, false);
  }
  if (receive(kJudge, false, kVisibility)) ledger.broken("a message too many");
}

/// Nothing leaks: slots, claims, hints, blocks, hazards.
void RingWorld::judge_rest() {
  const Sights sights = look();
  bool sealed = false;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const Sight& sight = sights[slot];
    sealed |= sight.claim.sealed();
    if (sight.word.held()) ledger.broken("slot " + std::to_string(slot) + " is held for ever");
    if (sight.claim.sealed()) continue;
    if (sight.claim.lap() >= sight.word.lap()) ledger.broken("a claim is left");
    if (sight.publish > sight.claim.lap()) ledger.broken("a lap is published that nobody claimed");
  }
  if (!blocks.all_free()) ledger.broken("a block leaks");
  if (blocks.freed_twice()) ledger.broken("a block was freed twice");
  if (!sealed && of(kJudge).ring.hints.any()) ledger.broken("a hint of nothing stays for ever");
  for (const shm::HazardRecord& record : shared.hazards) {
    for (std::uint32_t i = 0; i < record.limit.load() && i < shm::kHazardsPerParticipant; ++i) {
      if (record.entries[i].load() != 0) ledger.broken("a hazard entry leaks");
    }
  }
}

std::string RingWorld::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const auto in = [at](const void* begin, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(begin);
    return at >= first && at < first + bytes;
  };
  const auto array = [&](const char* name, std::size_t begin, std::size_t each) -> std::string {
    const std::byte* first = shared.ring + begin;
    if (!in(first, each * view.slots())) return {};
    return name + std::to_string(static_cast<std::size_t>(at - first) / each);
  };
  for (const auto& [name, begin, each] :
       {std::tuple{"claim", geometry.claims, std::size_t{8}},
        std::tuple{"lease", geometry.leases, std::size_t{16}},
        std::tuple{"hint", geometry.hint_cells, std::size_t{4}},
        std::tuple{"slot", geometry.slots_begin, std::size_t{geometry.stride}}}) {
    std::string found = array(name, begin, each);
    if (!found.empty()) return found;
  }
  const ring::RingHotWords& hot = view.hot();
  if (in(&hot.head, 8)) return "head";
  if (in(&hot.tail, 8)) return "tail";
  if (in(&hot.hint_top, 8)) return "hint-top";
  if (in(&hot.due_top, 8)) return "due-top";
  if (in(&view.hint_middle(0), 8)) return "hint-middle";
  if (in(&view.due_block(0), 8)) return "due-block";
  if (in(&shared.senders, sizeof shared.senders)) return "senders";
  if (in(&shared.receivers, sizeof shared.receivers)) return "receivers";
  if (in(&shared.clock, 8)) return "clock";
  if (in(&shared.dead, sizeof shared.dead)) return "dead";
  if (in(&shared.hazards, sizeof shared.hazards)) return "hazard";
  if (in(&shared.blocks, sizeof shared.blocks)) return "block";
  return {};
}

}  // namespace ringpost::rig
