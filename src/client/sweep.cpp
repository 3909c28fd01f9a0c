// Clearing up after the dead: their words in every queue, then the arena, then their files, then
// their entry (protocols.md, habit 3: an entry is used again only when no word names it).
#include <unordered_map>
#include <vector>

#include "client/member.hpp"
#include "client/orphans.hpp"
#include "client/stream_sweep.hpp"
#include "fair/sweep.hpp"
#include "group/attempts.hpp"
#include "group/ids.hpp"
#include "group/move.hpp"
#include "group/sweep.hpp"
#include "queue/setting_change.hpp"
#include "queue/task_table.hpp"
#include "ring/move.hpp"
#include "ring/sweep.hpp"
#include "topic/fanout_sweep.hpp"
#include "topic/topic_look.hpp"

namespace ringpost::client {
namespace {

using Rings = std::unordered_map<std::uint64_t, std::shared_ptr<queue::MappedRing>>;

struct OpenQueue {
  std::shared_ptr<queue::QueueMapping> mapping;
  std::vector<std::shared_ptr<queue::MappedRing>> rings;
};

/// This process has run out of something: another one, or a later try, may succeed.
bool is_passing(const Error& error) noexcept {
  return error.code == Errc::kSystem || error.code == Errc::kNoSpace;
}

/// Why a ring that the chain names could not be opened, if that will pass.
std::optional<Error> why_not(Member& member, queue::QueueMapping& mapping, std::uint64_t number) {
  const std::uint64_t id = mapping.chain_id(number);
  if (id == queue::ChainEntry::kNone || id == queue::ChainEntry::kRetired) return std::nullopt;
  const std::string name = queue::ring_file_name(id);
  const auto file = sys::open_file(member.files().rings(), name);
  if (!file) return is_passing(file.error()) ? std::optional(file.error()) : std::nullopt;
  const auto mapped =
      shm::map_checked(*file, name, ring::kRingMagic, ring::kRingFormat, base::kPageBytes);
  return !mapped && is_passing(mapped.error()) ? std::optional(mapped.error()) : std::nullopt;
}

/// Every queue of the bus with its rings. What is damaged is the doctor's business; `failure` tells
/// of what this process could not open for lack of descriptors or memory.
std::vector<OpenQueue> open_all(Member& member, std::optional<Error>& failure) {
  std::vector<OpenQueue> all;
  const auto names = sys::names_in(member.files().queues());
  if (!names) {
    failure = names.error();
    return all;
  }
  for (const std::string& name : *names) {
    auto mapping = member.context().queues.open(name);
    if (!mapping) {
      if (is_passing(mapping.error())) failure = mapping.error();
      continue;
    }
    if ((*mapping)->header().state.load(std::memory_order_acquire) != 0) {
      delete_queue_files(member, **mapping);  // unless its deleter is still at it
      continue;
    }
    OpenQueue open{*mapping, {}};
    const queue::QueueHeader& header = open.mapping->header();
    const std::uint64_t oldest = header.oldest.load(std::memory_order_acquire);
    const std::uint64_t newest = header.write_ring.load(std::memory_order_acquire);
    // One beyond: a ring may have been added and write_ring not moved yet.
    for (std::uint64_t n = oldest; n <= newest + 1 && n - oldest <= queue::kChainEntries; ++n) {
      if (auto ring = open.mapping->ring(n)) {
        open.rings.push_back(std::move(ring));
      } else if (auto why = why_not(member, *open.mapping, n)) {
        failure = why;
      }
    }
    all.push_back(std::move(open));
  }
  return all;
}

ring::Surroundings surroundings(Member& member, queue::QueueMapping& mapping) noexcept {
  queue::QueueHeader& header = mapping.header();
  return {header.senders, header.receivers,        member.files().hazards(),
          member.arena(), member.files().fenced(), member.files().moves()};
}

template <class Act>
void for_each_ring(Member& member, const std::vector<OpenQueue>& queues, Act&& act) {
  for (const OpenQueue& each : queues) {
    for (const auto& mapped : each.rings) {
      ring::Ring ring(mapped->view, surroundings(member, *each.mapping));
      act(ring, *each.mapping);
    }
  }
}

bool is_fifo(const ring::Ring& ring) noexcept {
  return ring.view.geometry().kind == ring::RingKind::kFifo;
}

ring::SweptRing sweep_ring(ring::Ring& ring, std::uint16_t dead) {
  const ring::RingGeometry& geometry = ring.view.geometry();
  if (geometry.kind == ring::RingKind::kStandard) return ring::sweep_participant(ring, dead);
  if (geometry.kind == ring::RingKind::kFair) {
    fair::Lists lists(ring);
    std::vector<std::uint32_t> counts(geometry.tenants);
    return fair::sweep_participant(ring, lists, dead, counts);
  }
  group::Groups groups(ring);
  return group::sweep_participant(ring, groups, dead);
}

/// Of a durable queue: that a position is dead must stand in the log before its id is free. Whoever
/// needs the id, or its entry, says it.
struct DeadIdsStay {
  const group::Ids& ids;
  [[nodiscard]] dedup::SlotState judge(std::uint64_t position) const noexcept {
    const dedup::SlotState state = ids.judge(position);
    return state == dedup::SlotState::kDead ? dedup::SlotState::kFilling : state;
  }
  [[nodiscard]] std::uint64_t expiry() const noexcept { return ids.expiry(); }
};

/// After the rings: what an id was entered for is decided by then.
void sweep_ids(ring::Ring& ring, queue::QueueMapping& mapping, std::uint16_t dead) noexcept {
  if (mapping.dedup() == nullptr) return;
  group::Groups groups(ring);
  group::Ids ids(ring, groups, *mapping.dedup(), mapping.bus().time(),
                 mapping.header().settings.dedup_window_ns);
  if (mapping.journal() == 0) {
    static_cast<void>(mapping.dedup()->sweep(dead, ids));
  } else {
    static_cast<void>(mapping.dedup()->sweep(dead, DeadIdsStay{ids}));
  }
}

std::uint64_t repair_ring(ring::Ring& ring) {
  const ring::RingGeometry& geometry = ring.view.geometry();
  if (geometry.kind == ring::RingKind::kStandard) return ring::repair_hints(ring);
  if (geometry.kind == ring::RingKind::kFair) {
    fair::Lists lists(ring);
    std::vector<std::uint32_t> counts(geometry.tenants);
    return fair::repair_hints(ring, lists, counts);
  }
  group::Groups groups(ring);
  return group::repair_hints(ring, groups);
}

/// Whether the message that a block's back reference names is gone. A ring that is not open here
/// is gone if its file is: the file was there before any block could refer to it.
bool message_is_gone(Member& member, const Rings& rings, const shm::BackReference& back) {
  const auto found = rings.find(back.ring_id);
  if (found != rings.end()) {
    const ring::RingView& view = found->second->view;
    return back.slot < view.slots() && ring::is_gone(view, back.slot, back.lap);
  }
  const auto file = sys::open_file(member.files().rings(), queue::ring_file_name(back.ring_id));
  if (file || !(file.error() == Errc::kNotFound)) return false;
  return !member.files().hazards().names(shm::hazard_key(back.slot, back.lap));
}

/// One sweep of a bus; opens the queues only when there is something to do.
class Sweep final : private topic::OpenQueues {
 public:
  explicit Sweep(Member& member) : member_(member), fanouts_(member.membership(), *this) {}

  /// Nothing if all is done; else why not: then the dead one's entry must not be used again yet.
  std::optional<Error> clear_up_after(std::uint16_t dead) {
    opened_ = false;  // anew: the dead one may have worked in a queue made since the last look
    open_queues();
    if (!finish_move_of(dead)) return failure_;
    if (!fanouts_.settle(dead)) {
      return failure_.value_or(Error{Errc::kBusy, 0, "what the dead published is not settled yet"});
    }
    publish_refilled();
    for_each_ring(member_, queues_, [&](ring::Ring& ring, queue::QueueMapping& mapping) {
      const ring::SweptRing result = sweep_ring(ring, dead);
      queue::Counters::add_for_others(mapping.stripes(), queue::kExpired, result.leases_returned);
      swept_.leases_returned += result.leases_returned;
      swept_.claims_voided += result.claims_voided;
    });
    for_each_ring(member_, queues_, [&](ring::Ring& ring, queue::QueueMapping& mapping) {
      sweep_ids(ring, mapping, dead);
    });
    fanouts_.complete();
    for (const OpenQueue& each : queues_) {
      queue::Counters::free_stripes_of(each.mapping->stripes(), dead);
      queue::sweep_settings(each.mapping->header(), dead);
      queue::sweep_tasks(each.mapping->tasks(), dead);
      if (each.mapping->attempts() != nullptr) {
        group::Attempts::sweep(*each.mapping->attempts(), dead);
      }
    }
    swept_.blocks_freed += free_blocks(dead);
    fanouts_.end_gone();
    swept_.files_removed += remove_orphans(member_, dead, named_);
    if (auto failure = sweep_streams(member_, dead, swept_)) failure_ = failure;
    return failure_;
  }

  void repair() {
    open_queues();
    for (const OpenQueue& each : queues_) queue::finish_settings(each.mapping->header());
    for_each_ring(member_, queues_, [&](ring::Ring& ring, queue::QueueMapping& /*mapping*/) {
      swept_.hints_repaired += repair_ring(ring);
    });
    fanouts_.complete();
    swept_.blocks_freed += free_blocks(0);
    fanouts_.end_gone();
    swept_.files_removed += topic::finish_for_the_dead(member_.context().files);
    swept_.files_removed += remove_orphans(member_, 0, named_);
    tidy_streams(member_, swept_);
  }

  /// Deliveries of those who died before, if their queues have room by now.
  void complete_fanouts() {
    open_queues();
    fanouts_.complete();
  }

  [[nodiscard]] Bus::Swept& result() noexcept { return swept_; }

 private:
  void open_queues() {
    if (opened_) return;
    opened_ = true;
    rings_.clear();
    named_.clear();
    failure_.reset();
    queues_ = open_all(member_, failure_);
    for (const OpenQueue& each : queues_) {
      const std::uint64_t tags = each.mapping->header().tags.load();
      if (tags != 0) named_.insert(tags);
      if (each.mapping->journal() != 0) named_.insert(each.mapping->journal());
      for (const auto& ring : each.rings) {
        rings_.emplace(ring->ring_id, ring);
        named_.insert(ring->ring_id);
      }
    }
  }
  /// The move that the dead one was making: before its claims are void and its leases returned.
  /// False: one of the two rings may be there but cannot be opened now, so nothing may be
  /// concluded.
  bool finish_move_of(std::uint16_t dead) {
    shm::MoveNote& note = member_.files().participant(dead).move;
    if (note.read().none()) return true;  // [moving]
    std::optional<ring::Ring> source;
    std::optional<ring::Ring> target;
    const std::uint64_t source_id = note.source_ring.load(std::memory_order_relaxed);
    const std::uint64_t target_id = note.target_ring.load(std::memory_order_relaxed);
    for (const OpenQueue& each : queues_) {
      for (const auto& mapped : each.rings) {
        if (mapped->ring_id != source_id && mapped->ring_id != target_id) continue;
        auto& found = mapped->ring_id == source_id ? source : target;
        found.emplace(mapped->view, surroundings(member_, *each.mapping));
      }
    }
    if (failure_ && (!source || !target)) return false;
    const ring::NotedRings rings{source ? &*source : nullptr, target ? &*target : nullptr};
    if ((source && is_fifo(*source)) || (target && is_fifo(*target))) {
      std::optional<group::Groups> groups;
      if (source) groups.emplace(*source);
      group::finish_move(rings, groups ? &*groups : nullptr, dead, note);
    } else {
      ring::finish_move(rings, dead, note);
    }
    return true;
  }
  /// What has come from the logs of durable queues, before claims are void.
  void publish_refilled() {
    for (const OpenQueue& each : queues_) {
      if (each.mapping->journal() == 0) continue;
      for (const auto& mapped : each.rings) {
        ring::Ring ring(mapped->view, surroundings(member_, *each.mapping));
        queue::publish_refilled(each.mapping->header(), ring, mapped->number);
      }
    }
  }
  std::uint64_t free_blocks(std::uint16_t dead) {
    return member_.arena().sweep(dead, [&](const shm::BackReference& back) {
      return message_is_gone(member_, rings_, back);
    });
  }

  std::shared_ptr<queue::QueueMapping> queue(std::uint64_t queue_id) override {
    for (const OpenQueue& each : queues_) {
      if (each.mapping->queue_id() == queue_id) return each.mapping;
    }
    return nullptr;
  }
  bool publish(const shm::BackReference& where) override {
    for (const OpenQueue& each : queues_) {
      for (const auto& mapped : each.rings) {
        if (mapped->ring_id != where.ring_id || where.slot >= mapped->view.slots()) continue;
        ring::Ring ring(mapped->view, surroundings(member_, *each.mapping));
        ring::publish_named(ring, where.slot, where.lap);
        return true;
      }
    }
    return !failure_;
  }
  bool is_gone(const shm::BackReference& where) override {
    return message_is_gone(member_, rings_, where);
  }
  bool has_all() override { return !failure_; }
  Result<std::shared_ptr<topic::Turn>> turn(std::uint64_t topic_id) override {
    return topic::Turn::open(member_.files(), topic_id);
  }
  bool look_again() override {
    opened_ = false;
    open_queues();
    return !failure_;
  }

  Member& member_;
  topic::FanoutSweep fanouts_;
  std::vector<OpenQueue> queues_;
  Rings rings_;
  FileIds named_;
  bool opened_ = false;
  std::optional<Error> failure_;
  Bus::Swept swept_;
};

}  // namespace

Bus::Swept Member::sweep(bool repair) {
  const auto sweeper = shm::Sweeper::elect(files());
  return sweeper == nullptr ? Bus::Swept{} : sweep_as(*sweeper, repair);
}

Bus::Swept Member::sweep_as(shm::Sweeper& sweeper, bool repair) {
  Sweep sweep(*this);
  sweep.result().elected = true;
  const std::uint32_t dead =
      sweeper.for_each_dead([&](std::uint16_t index) { return !sweep.clear_up_after(index); });
  sweep.result().dead_participants = dead;
  if (repair) {
    sweep.repair();
  } else if (topic::FanoutSweep::deliveries_wait(files())) {
    sweep.complete_fanouts();
  }
  return sweep.result();
}

Result<void> Member::clear_up_inheritance() {
  if (const auto failure = Sweep(*this).clear_up_after(me_->index())) return Unexpected(*failure);
  return {};
}

void Member::clear_up() noexcept {
  if (me_->is_forked()) return;
  clear_up_after_the_dead();
  relieve_tasks();
}

void Member::clear_up_after_the_dead() noexcept {
  constexpr std::uint64_t kStoppedAfterNs = 1'000'000'000;
  const bool needed = topic::FanoutSweep::deliveries_wait(files()) || me_->sees_dead();
  if (!needed || sweep(false).elected) {
    other_sweeps_since_ns_.store(0, std::memory_order_relaxed);  // relaxed: only a guess
    return;
  }
  const std::uint64_t now = files().time().precise_ns();
  std::uint64_t since = 0;
  if (other_sweeps_since_ns_.compare_exchange_strong(since, now, std::memory_order_relaxed)) return;
  if (now - since < kStoppedAfterNs) return;
  if (const auto sweeper = shm::Sweeper::beside_a_stopped_one(files())) sweep_as(*sweeper, false);
}

}  // namespace ringpost::client
