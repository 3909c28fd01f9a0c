#include "client/doctor.hpp"
#include "ring/settle.hpp"

namespace ringpost::client {

void Doctor::examine_arena() {
  shm::ArenaSegments& segments = *member_.context().segments;
  for (std::uint32_t c = 0; c < shm::kSizeClasses; ++c) {
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
      if (!is_gone(seen->back)) return {};
      return Complaint{"its message is gone", {}};
  }
  return Complaint{"its state does not exist", kRemoveBus};
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
