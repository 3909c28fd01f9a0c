// What must hold of fan-outs, whatever happened.
#include "rig/fanout_world.hpp"

namespace ringpost::rig {

using namespace std::chrono_literals;

/// The living finish, the dead are cleared up after.
void FanoutStage::World::recover() {
  for (int who = 1; who < kJudge; ++who) {
    if (dead[who].load() == 0) finish_reading(who);
  }
  sweep(kJudge);
  for (int q = 0; q < kQueues; ++q) {  // limbo that nobody reads any more
    ring::Ring ring(view(q), around(kJudge, q));
    ring::repair_hints(ring);
  }
}

/// Whatever can still be received has its bit, its share and its payload.
void FanoutStage::World::judge_memory() {
  const auto live = [&](const shm::BlockRef& ref) {
    const auto look = of(kJudge).arena->look(ref.block);
    return look && look->state == shm::BlockState::kLive && look->ref.generation == ref.generation;
  };
  const auto judge = [&](int queue, std::uint32_t slot) {
    const ring::RingView& ring = view(queue);
    const std::uint64_t lap = ring.slot(slot).publish.load();
    const ring::LeaseWord word = ring.lease_word(slot);
    const ring::Lengths lengths{ring.slot(slot).lengths.load()};
    if (lap == 0 || !lengths.shared() || ring::is_gone(ring, slot, lap)) return;
    if (word.state() == ring::LeaseState::kLimbo || word.state() == ring::LeaseState::kMoved)
      return;
    shm::BlockRef payload{};
    bool in_block = false;
    ring::read_block_ref(ring, slot, payload, in_block);
    const shm::DeliveryRef delivery = ring::read_delivery_ref(ring, slot);
    const std::uint64_t bits = of(kJudge).arena->look(delivery.share.block)->deliveries;
    if (live(payload) && live(delivery.share) && (bits >> delivery.bit & 1) != 0) return;
    ledger.broken("a message of queue " + std::to_string(queue) + " has lost its content");
  };
  for (int q = 0; q < kQueues; ++q) {
    for (std::uint32_t slot = 0; slot < view(q).slots(); ++slot) judge(q, slot);
  }
}

void FanoutStage::World::drain() {
  Machine::get().unobserved([&] { return judge_memory(), 0; });
  for (int q = 0; q < kQueues; ++q) {
    for (bool empty = false; !empty && ledger.verdict().empty();) {
      if (receive(kJudge, q, &empty)) acknowledge(kJudge, false);
    }
  }
}

std::string FanoutStage::World::check() {
  recover();
  ledger.leases_may_end();
  clock.advance(20s);
  drain();
  recover();  // there is room now
  drain();
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_publishes();
  // And everything works on.
  if (ledger.verdict().empty()) {
    publish(kJudge, 15, {{0, Full::kFails}, {1, Full::kFails}, {2, Full::kFails}});
    drain();
    ledger.judge_drained();
    if (!publishes.empty()) judge_publishes();
  }
  recover();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

/// All of its deliveries or none. The answered are the ledger's.
void FanoutStage::World::judge_publishes() {
  for (const Publish& each : publishes) {
    int there = 0;
    int wanted = 0;
    for (const To& to : each.to) {
      int count = ledger.deliveries(key(each.id, to.queue));
      if (may_be_gone[static_cast<std::size_t>(key(each.id, to.queue))]) continue;
      if (to.full == Full::kDeadLetters || each.moves)
        count += ledger.deliveries(key(each.id, kQueues - 1));
      const bool may_miss =
          to.full == Full::kRefuses && may_refuse[static_cast<std::size_t>(to.queue)];
      there += count != 0 ? 1 : 0;
      wanted += count != 0 || !may_miss ? 1 : 0;
    }
    const bool none = there == 0 && !each.happened;
    if (each.answered || none || there == wanted) continue;
    ledger.broken("of publish " + std::to_string(each.id) + " " + std::to_string(there) +
                  " deliveries were made and not " + std::to_string(wanted));
  }
}

void FanoutStage::World::judge_rest() {
  for (int q = 0; q < kQueues; ++q) {
    for (std::uint32_t slot = 0; slot < view(q).slots(); ++slot) {
      const ring::LeaseWord word = view(q).lease_word(slot);
      if (word.held()) {
        ledger.broken("slot " + std::to_string(slot) + " of queue " + std::to_string(q) +
                      " is held for ever");
      }
      if (ring::Claim{view(q).claim(slot).load()}.lap() >= word.lap()) {
        ledger.broken("a claim of queue " + std::to_string(q) + " is left");
      }
    }
  }
  of(kJudge).arena->for_each_block([&](const shm::BlockLook& block) {
    if (block.state == shm::BlockState::kFree) return;
    ledger.broken(block.ref.block >> 40 == shm::kShareClass ? "a share leaks" : "a block leaks");
  });
  if (topic::FanoutSweep::deliveries_wait(*context->files)) {
    ledger.broken("somebody is said to wait for room");
  }
  for (int who = 1; who <= kJudge; ++who) {
    const auto& record = context->files->participant(of(who).self->index());
    for (const auto& entry : record.hazards.entries) {
      if (entry.load() != 0) ledger.broken("a hazard entry leaks");
    }
  }
}

std::string FanoutStage::World::describe(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto in = [at](const void* place, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(place);
    return at >= first && at < first + bytes;
  };
  for (int q = 0; q < kQueues; ++q) {
    const std::string queue = "q" + std::to_string(q) + " ";
    for (std::uint32_t slot = 0; slot < kSlotsShared; ++slot) {
      const std::string number = std::to_string(slot);
      if (in(&view(q).claim(slot), 8)) return queue + "claim" + number;
      if (in(&view(q).lease(slot), 16)) return queue + "lease" + number;
      if (in(&view(q).slot(slot), 8)) return queue + "publish" + number;
      if (in(&view(q).slot(slot), view(q).geometry().stride)) return queue + "slot" + number;
    }
  }
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    for (std::uint32_t i = 0; i < kBlocksShared; ++i) {
      const std::string what = (c == 0 ? "block" : "share") + std::to_string(i);
      const shm::BlockDescriptor& descriptor = segment.descriptor(i);
      if (in(&descriptor.deliveries, 8)) return what + " bits";
      if (in(&descriptor, sizeof descriptor)) return what + " state";
      if (c == 0 || !in(segment.data + i * sizeof(shm::Share), sizeof(shm::Share))) continue;
      const auto* share = reinterpret_cast<const shm::Share*>(segment.data) + i;
      for (std::uint32_t n = 0; n < kQueues; ++n) {
        if (in(&share->entries[n], 16)) return what + " entry" + std::to_string(n);
      }
      return what + " fields";
    }
  }
  return {};
}

}  // namespace ringpost::rig
