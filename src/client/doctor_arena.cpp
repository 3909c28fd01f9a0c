#include "client/doctor.hpp"
#include "ring/settle.hpp"

namespace ringpost::client {

void Doctor::examine_arena() {
  shm::ArenaSegments& segments = *member_.context().segments;
  for (std::uint32_t c = 0; c < shm::kBlockClasses; ++c) {
    for (std::uint32_t number = 0; number < shm::kSegmentsPerClass; ++number) {
      const auto& id = member_.files().header().segments[c][number];
      if (id.load(std::memory_order_acquire) == 0 || segments.segment(c, number) != nullptr) {
        continue;
      }
      add("arena, class " + std::to_string(c) + ", segment " + std::to_string(number),
          "its file is missing or damaged", kRemoveBus);
    }
  }
  std::vector<std::uint64_t> suspects;
  member_.arena().for_each_block([&](const shm::BlockLook& block) {
    ++report_.blocks_checked;
    if (judge_block(block.ref.block)) suspects.push_back(block.ref.block);
  });
  const auto judge = [&](std::uint64_t block) { return judge_block(block); };
  look_again(suspects, judge);
  const auto name = [](std::uint64_t block) {
    return "arena, class " + std::to_string(block >> 40) + ", segment " +
           std::to_string(block >> 32 & 0xff) + ", block " + std::to_string(block & 0xffffffff);
  };
  report("arena", suspects, name, judge);
}

Verdict Doctor::judge_block(std::uint64_t block) const {
  const auto seen = member_.arena().look(block);
  if (!seen) return {};
  switch (seen->state) {
    case shm::BlockState::kFree:
      return {};
    case shm::BlockState::kOwned:
      switch (roll_.standing(seen->owner)) {
        case Roll::Standing::kAlive:
          return {};
        case Roll::Standing::kDead:
          return Complaint{"owned by participant " + std::to_string(seen->owner) + ", who is dead",
                           {}};
        case Roll::Standing::kNobody:
          break;
      }
      return Complaint{
          "owned by participant " + std::to_string(seen->owner) + ", whom nobody knows",
          kRemoveBus};
    case shm::BlockState::kLive:
      if (shm::class_of(block) == shm::kShareClass) return judge_share(block);
      if (shm::pair_of(seen->back) == shm::kSharedBack) {
        const bool needed = (seen->deliveries & shm::kDeliveryMask) != 0;
        return needed ? Verdict{} : Complaint{"nobody needs it any more", {}};
      }
      if (!is_gone(seen->back)) return {};
      return Complaint{"its message is gone", {}};
  }
  return Complaint{"its state does not exist", kRemoveBus};
}

/// What is left of a fan-out. Deliveries of the dead that wait for room are no fault.
Verdict Doctor::judge_share(std::uint64_t block) const {
  using Fate = shm::ShareLook::Fate;
  const auto share = member_.arena().look_at_share(block);
  if (!share) return {};  // over meanwhile
  const std::string publisher = "participant " + std::to_string(share->owner);
  if (share->owner != 0 && roll_.standing(share->owner) == Roll::Standing::kDead) {
    return Complaint{"shares what " + publisher + " published, who is dead", {}};
  }
  if (share->fate == Fate::kOpen) return {};
  if (share->fate == Fate::kOver) return Complaint{"its payload is gone", {}};
  if (share->pending == 0) return Complaint{"all its deliveries are over", {}};
  for (std::uint64_t rest = share->pending; rest != 0; rest &= rest - 1) {
    const auto number = static_cast<std::uint32_t>(__builtin_ctzll(rest));
    const shm::ShareEntry entry{share->share->entries[number].load()};
    if (!entry.is_set(share->ref.generation) || !member_.arena().is_same_use(*share)) continue;
    if (entry.is_in_log() || !is_gone(entry.where())) continue;
    return Complaint{"the message of delivery " + std::to_string(number) + " is gone", {}};
  }
  return {};
}

/// As the sweeper judges it: see sweep.cpp.
bool Doctor::is_gone(const shm::BackReference& back) const {
  const auto found = rings_.find(back.ring_id);
  if (found != rings_.end()) {
    const ring::RingView& view = found->second.mapped->view;
    return back.slot >= view.slots() || ring::is_gone(view, back.slot, back.lap);
  }
  const auto file = sys::open_file(member_.files().rings(), queue::ring_file_name(back.ring_id));
  if (file || !(file.error() == Errc::kNotFound)) return false;  // newer than my look at the queues
  return !member_.files().hazards().names(shm::hazard_key(back.slot, back.lap));
}

}  // namespace ringpost::client
