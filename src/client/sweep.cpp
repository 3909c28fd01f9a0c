// Clearing up after the dead: their words in every queue, then the arena, then their files, then
// their entry (protocols.md, habit 3: an entry is used again only when no word names it).
#include <unordered_map>
#include <vector>

#include "client/member.hpp"
#include "ring/sweep.hpp"

namespace ringpost::client {
namespace {

using Rings = std::unordered_map<std::uint64_t, std::shared_ptr<queue::MappedRing>>;

struct OpenQueue {
  std::shared_ptr<queue::QueueMapping> mapping;
  std::vector<std::shared_ptr<queue::MappedRing>> rings;
};

/// Every queue of the bus with its rings. Queues that cannot be opened are the doctor's business.
std::vector<OpenQueue> open_all(Member& member) {
  std::vector<OpenQueue> all;
  for (const std::string& name : sys::names_in(member.files().queues())) {
    auto mapping = member.context().queues.open(name);
    if (!mapping) continue;
    OpenQueue open{*mapping, {}};
    const queue::QueueHeader& header = open.mapping->header();
    const std::uint64_t oldest = header.oldest.load(std::memory_order_acquire);
    const std::uint64_t newest = header.write_ring.load(std::memory_order_acquire);
    // One beyond: a ring may have been added and write_ring not moved yet.
    for (std::uint64_t n = oldest; n <= newest + 1 && n - oldest <= queue::kChainEntries; ++n) {
      if (auto ring = open.mapping->ring(n)) open.rings.push_back(std::move(ring));
    }
    all.push_back(std::move(open));
  }
  return all;
}

template <class Act>
void for_each_ring(Member& member, const std::vector<OpenQueue>& queues, Act&& act) {
  for (const OpenQueue& each : queues) {
    queue::QueueHeader& header = each.mapping->header();
    const ring::Surroundings surroundings{header.senders, header.receivers,
                                          member.files().hazards(), member.arena(),
                                          member.files().fenced()};
    for (const auto& mapped : each.rings) {
      ring::Ring ring(mapped->view, surroundings);
      act(ring);
    }
  }
}

/// Whether the message that a block's back reference names is gone. A ring that is not open here
/// is gone if its file is: the file was there before any block could refer to it.
bool is_gone(Member& member, const Rings& rings, const shm::BackReference& back) {
  const auto found = rings.find(back.ring_id);
  if (found != rings.end()) {
    const ring::RingView& view = found->second->view;
    return back.slot < view.slots() && ring::is_gone(view, back.slot, back.lap);
  }
  if (sys::open_file(member.files().rings(), queue::ring_file_name(back.ring_id))) return false;
  return !member.files().hazards().names(shm::hazard_key(back.slot, back.lap));
}

/// Files that a dead participant had begun: incomplete ones by name, complete ones that nothing
/// names by the creator in their header.
std::uint64_t remove_files(Member& member, const Rings& rings, std::uint16_t dead,
                           std::uint64_t incarnation) {
  shm::BusFiles& files = member.files();
  std::uint64_t removed = 0;
  const std::string prefix = std::to_string(dead) + "-" + std::to_string(incarnation) + "-";
  for (const std::string& name : sys::names_in(files.temporary())) {
    if (!name.starts_with(prefix)) continue;
    sys::remove_name(files.temporary(), name);
    ++removed;
  }
  const std::uint64_t creator = incarnation << 14 | dead;
  for (const std::string& name : sys::names_in(files.rings())) {
    const std::uint64_t id = std::strtoull(name.c_str(), nullptr, 10);
    if (rings.contains(id)) continue;
    auto file = sys::open_file(files.rings(), name);
    if (!file) continue;
    auto mapping =
        shm::map_checked(*file, name, ring::kRingMagic, ring::kRingFormat, base::kPageBytes);
    if (!mapping) continue;
    if (reinterpret_cast<const ring::RingHeader*>(mapping->data())->creator != creator) continue;
    sys::remove_name(files.rings(), name);
    ++removed;
  }
  return removed + member.context().segments->remove_orphans(creator);
}

/// One sweep of a bus; opens the queues only when there is something to do.
class Sweep {
 public:
  explicit Sweep(Member& member) : member_(member) {}

  void clear_up_after(std::uint16_t dead, std::uint64_t incarnation) {
    open_queues();
    for_each_ring(member_, queues_, [&](ring::Ring& ring) {
      const ring::SweptRing result = ring::sweep_participant(ring, dead);
      swept_.leases_returned += result.leases_returned;
      swept_.claims_voided += result.claims_voided;
    });
    for (const OpenQueue& each : queues_) {
      queue::Counters::free_stripes_of(each.mapping->stripes(), dead);
    }
    swept_.blocks_freed += free_blocks(dead);
    swept_.files_removed += remove_files(member_, rings_, dead, incarnation);
  }

  void repair() {
    open_queues();
    for_each_ring(member_, queues_,
                  [&](ring::Ring& ring) { swept_.hints_repaired += ring::repair_hints(ring); });
    swept_.blocks_freed += free_blocks(0);
  }

  [[nodiscard]] Bus::Swept& result() noexcept { return swept_; }

 private:
  void open_queues() {
    if (opened_) return;
    opened_ = true;
    queues_ = open_all(member_);
    for (const OpenQueue& each : queues_) {
      for (const auto& ring : each.rings) rings_.emplace(ring->ring_id, ring);
    }
  }
  std::uint64_t free_blocks(std::uint16_t dead) {
    return member_.arena().sweep(
        dead, [&](const shm::BackReference& back) { return is_gone(member_, rings_, back); });
  }

  Member& member_;
  std::vector<OpenQueue> queues_;
  Rings rings_;
  bool opened_ = false;
  Bus::Swept swept_;
};

}  // namespace

Bus::Swept Member::sweep(bool repair) {
  const auto sweeper = shm::Sweeper::elect(files());
  if (sweeper == nullptr) return {};
  Sweep sweep(*this);
  sweep.result().elected = true;
  const std::uint32_t dead =
      sweeper->for_each_dead([&](std::uint16_t index, std::uint64_t incarnation) {
        sweep.clear_up_after(index, incarnation);
      });
  sweep.result().dead_participants = dead;
  if (repair) sweep.repair();
  return sweep.result();
}

void Member::clear_up_after(std::uint64_t incarnation) {
  Sweep(*this).clear_up_after(me_->index(), incarnation);
}

void Member::clear_up() noexcept {
  if (!me_->is_forked() && me_->sees_dead()) sweep(false);
}

}  // namespace ringpost::client
