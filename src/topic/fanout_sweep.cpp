#include "topic/fanout_sweep.hpp"

namespace ringpost::topic {

using Fate = shm::ShareLook::Fate;
using Claim = detail::QueueCore::Claim;

namespace {

constexpr std::uint32_t kSomeWait = 1;
constexpr std::uint32_t kVersion = 2;

/// Calls visit(number) for each delivery that is not over.
template <class Visit>
void for_each_pending(const shm::ShareLook& share, Visit&& visit) {
  for (std::uint64_t rest = share.pending; rest != 0; rest &= rest - 1) {
    visit(static_cast<std::uint32_t>(__builtin_ctzll(rest)));
  }
}

}  // namespace

bool FanoutSweep::settle(std::uint16_t dead) noexcept {
  turns_.clear();
  shm::Arena& arena = member_.arena;
  bool all = true;
  arena.for_each_share([&](const shm::ShareLook& share) {
    if (share.content.ordered && share.fate == Fate::kCommitted) {
      const bool finished = settle_ordered(share);
      all &= finished;
      if (finished && share.owner == dead) {
        ordered_.drop_refused(share);  // who died as soon as all was finished has not
        arena.orphan_share(share);
      }
      return;
    }
    if (share.fate != Fate::kCommitted || (share.owner != dead && share.owner != 0)) return;
    if (share.owner == dead) {
      say_that_some_wait();  // before they are nobody's
      arena.orphan_share(share);
    }
    for_each_pending(share, [&](std::uint32_t number) {
      const shm::ShareEntry entry{share.share->entries[number].load()};
      if (!entry.is_set(share.ref.generation) || !arena.is_same_use(share)) return;
      all &=
          entry.is_in_log() ? settle_logged(share, number, entry) : queues_.publish(entry.where());
    });
  });
  return all;
}

/// False: it cannot be told now.
bool FanoutSweep::settle_logged(const shm::ShareLook& share, std::uint32_t number,
                                const shm::ShareEntry& entry) noexcept {
  const std::uint64_t target = share.share->targets[number].load(std::memory_order_relaxed);
  if (!member_.arena.is_same_use(share)) return true;
  if (queues_.queue(target) == nullptr) {
    if (!queues_.has_all()) return false;
    member_.arena.drop({share.ref, number});  // its queue was deleted
    return true;
  }
  detail::QueueCore* const queue = core(target);
  if (queue == nullptr || queue->log() == nullptr) return false;
  const bool published = queue->was_published_beyond_memory(entry.word.high);
  base::Word128& word = share.share->entries[number];
  if (!(word.load() == entry.word)) return true;  // another sweeper has, and claims may be void
  if (published) {
    member_.arena.drop({share.ref, number});
  } else {
    // [share] Of this position alone, which does not come again.
    word.compare_exchange(entry.word, shm::ShareEntry::unset(share.ref.generation).word);
  }
  return true;
}

/// Only what has the turn of its topic can be unfinished. Its id comes first.
bool FanoutSweep::settle_ordered(const shm::ShareLook& share) noexcept {
  const OrderedPart part(*share.share);
  const std::uint64_t topic_id = part.topic_id();
  const std::uint64_t number = part.number();
  if (!member_.arena.is_same_use(share)) return true;
  std::shared_ptr<Turn>& turn = turns_[topic_id];
  if (turn == nullptr) {
    auto opened = queues_.turn(topic_id);
    const bool passing =
        !opened && (opened.error() == Errc::kSystem || opened.error() == Errc::kNoSpace);
    if (passing) return false;
    if (!opened) return ordered_.finish(share);  // its topic was deleted
    turn = std::move(*opened);
  }
  const TurnWord seen = turn->read();
  if (!seen.is_busy() || seen.number() != number) return true;
  commit_id(*turn, share, member_.arena, member_.me.bus().time());
  return ordered_.finish(share);
}

detail::QueueCore* FanoutSweep::ordered_queue(std::uint64_t queue_id, bool& for_now) {
  detail::QueueCore* const found = queues_.queue(queue_id) == nullptr ? nullptr : core(queue_id);
  for_now |= found == nullptr && (queues_.queue(queue_id) != nullptr || !queues_.has_all());
  return found;
}

/// What is missing, as far as it was when it was looked at: deliver() looks again.
void FanoutSweep::collect(const shm::ShareLook& share) noexcept {
  if (share.fate != Fate::kCommitted || share.owner != 0 || share.content.ordered) return;
  for_each_pending(share, [&](std::uint32_t number) {
    const shm::ShareEntry entry{share.share->entries[number].load()};
    const std::uint64_t queue = share.share->targets[number].load(std::memory_order_relaxed);
    if (entry.is_set(share.ref.generation) || !member_.arena.is_same_use(share)) return;
    missing_.push_back({share, number, queue});
  });
}

void FanoutSweep::complete() noexcept {
  const std::uint32_t before = waiting().load(std::memory_order_acquire);
  missing_.clear();
  member_.arena.for_each_share([&](const shm::ShareLook& share) { collect(share); });
  // A queue that was made since they were listed is not a deleted one.
  bool listed = true;
  for (const Missing& each : missing_) {
    if (queues_.queue(each.queue) == nullptr) {
      listed = queues_.look_again();
      break;
    }
  }
  bool some_wait = false;
  for (const Missing& each : missing_) {
    if (queues_.queue(each.queue) != nullptr) {
      some_wait |= !deliver(each);
    } else if (listed) {
      member_.arena.drop({each.share.ref, each.number});  // its queue was deleted
    } else {
      some_wait = true;
    }
  }
  cores_.clear();
  if (some_wait) return say_that_some_wait();
  std::uint32_t seen = before;  // as it was before the look: else somebody has more to do
  waiting().compare_exchange_strong(seen, before & ~kSomeWait, std::memory_order_acq_rel);
}

/// False: its queue has no room.
bool FanoutSweep::deliver(const Missing& it) noexcept {
  const shm::DeliveryRef ref{it.share.ref, it.number};
  detail::QueueCore* const queue = core(it.queue);
  if (queue == nullptr) return false;
  Claim claim;
  const Errc code = queue->claim_delivery_for_the_dead(claim);
  if (code == Errc::kDeleted) member_.arena.drop(ref);
  if (code != Errc::kOk) return code == Errc::kDeleted;
  const shm::ShareContent& content = it.share.content;
  const bool second = (content.second >> it.number & 1) != 0;
  const std::uint64_t lengths = content.lengths[second ? 1 : 0];
  queue->fill_delivery(claim, {.payload = content.payload,
                               .ref = ref,
                               .offset = second ? content.second_offset : 0,
                               .lengths = lengths,
                               .sent_ns = content.sent_ns});
  // [share] The CAS decides who delivers: only from unset, and of this use of the share.
  base::Word128& entry = it.share.share->entries[it.number];
  const base::Pair64 seen = entry.load();
  if (shm::ShareEntry{seen}.is_set(it.share.ref.generation) ||
      !entry.compare_exchange(seen, shm::pair_of(detail::QueueCore::place_of(claim)))) {
    queue->give_up_delivery(claim);
    return true;  // somebody else has delivered it
  }
  queue->publish_delivery_for_the_dead(claim, lengths);
  return true;
}

void FanoutSweep::end_gone() noexcept {
  shm::Arena& arena = member_.arena;
  arena.for_each_share([&](const shm::ShareLook& share) {
    if (share.fate == Fate::kOpen) return;
    if (share.fate == Fate::kOver || share.pending == 0) return arena.end_share(share);
    for_each_pending(share, [&](std::uint32_t number) {
      const shm::ShareEntry entry{share.share->entries[number].load()};
      if (!entry.is_set(share.ref.generation) || !arena.is_same_use(share)) return;
      if (entry.word == kRefusedPlace) return;  // goes when all of the publish is finished
      if (entry.is_in_log()) return;            // by its publisher, or settle
      // [share] Of another use by now: then the generation keeps the bit.
      if (queues_.is_gone(entry.where())) arena.drop({share.ref, number});
    });
  });
}

detail::QueueCore* FanoutSweep::core(std::uint64_t queue_id) noexcept {
  auto& found = cores_[queue_id];
  if (found == nullptr) {
    auto opened = detail::QueueCore::open(member_, queues_.queue(queue_id));
    if (opened) found = std::move(*opened);
  }
  return found.get();
}

std::atomic<std::uint32_t>& FanoutSweep::waiting() noexcept {
  return member_.me.bus().header().deliveries_wait;
}

bool FanoutSweep::deliveries_wait(const shm::BusFiles& bus) noexcept {
  return (bus.header().deliveries_wait.load(std::memory_order_acquire) & kSomeWait) != 0;
}

/// A new version: whoever looked before this does not take it back.
void FanoutSweep::say_that_some_wait() noexcept {
  std::uint32_t seen = waiting().load(std::memory_order_relaxed);
  while (!waiting().compare_exchange_weak(seen, (seen + kVersion) | kSomeWait,
                                          std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
}

}  // namespace ringpost::topic
