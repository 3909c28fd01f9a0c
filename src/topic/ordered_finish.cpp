#include "topic/ordered_finish.hpp"

namespace ringpost::topic {

using Fate = shm::ShareLook::Fate;
using Named = detail::QueueCore::Named;
using Claim = detail::QueueCore::Claim;

namespace {

/// Consumers that skip faster than I claim; and memory that lies.
constexpr int kTriesMax = 1'000;

/// Calls visit(number) for each delivery that is not over.
template <class Visit>
void for_each_pending(const shm::ShareLook& share, Visit&& visit) {
  for (std::uint64_t rest = share.pending; rest != 0; rest &= rest - 1) {
    const auto number = static_cast<std::uint32_t>(__builtin_ctzll(rest));
    if (number < kOrderedDeliveries) visit(number);
  }
}

}  // namespace

void commit_id(const Turn& turn, const shm::ShareLook& share, shm::Arena& arena,
               const base::TimeSource& time) noexcept {
  const OrderedPart part(*share.share);
  const std::uint64_t entry = part.id();
  const std::uint64_t number = part.number();
  if (turn.ids() == nullptr || entry == 0 || !arena.is_same_use(share)) return;
  turn.ids()->commit(entry, number, turn.expiry(time));
}

/// Those behind it first: so a share that is gone has none behind it that is not finished.
bool OrderedFinish::finish(const shm::ShareLook& share, std::uint32_t depth) noexcept {
  const shm::BlockRef next = OrderedPart(*share.share).next();
  if (!arena_.is_same_use(share)) return true;
  if (next.block != 0 && depth < shm::kShareDeliveries) {
    const auto behind = arena_.look_at_share(next.block);
    const bool there = behind && behind->ref.generation == next.generation &&
                       behind->content.ordered && behind->fate == Fate::kCommitted;
    if (there && !finish(*behind, depth + 1)) return false;
  }
  bool all = true;
  for_each_pending(share, [&](std::uint32_t number) { all &= deliver(share, number); });
  if (all) drop_refused(share);
  return all;
}

void OrderedFinish::drop_refused(const shm::ShareLook& share) noexcept {
  for_each_pending(share, [&](std::uint32_t number) {
    const shm::ShareEntry entry = read_entry(share.share->entries[number]);
    if (entry.word == kRefusedPlace && arena_.is_same_use(share)) arena_.drop({share.ref, number});
  });
}

bool OrderedFinish::deliver(const shm::ShareLook& share, std::uint32_t number) noexcept {
  claims_.clear();
  Step step = Step::kAgain;
  for (int tries = 0; step == Step::kAgain && tries < kTriesMax; ++tries) {
    step = publish(share, number);
  }
  // The entry is where it stays, or will be left by others: mine that are not published are not
  // named by it.
  if (step == Step::kDone) {
    for (const OwnClaim& each : claims_) each.queue->give_up_ordered(each.claim);
  }
  return step == Step::kDone;
}

OrderedFinish::Step OrderedFinish::publish(const shm::ShareLook& share,
                                           std::uint32_t number) noexcept {
  const base::Word128& word = share.share->entries[number];
  const shm::ShareEntry entry = read_entry(word);
  if (!arena_.is_same_use(share)) return Step::kDone;  // over: everything was published
  if (!entry.is_set(share.ref.generation) || entry.word == kRefusedPlace) return Step::kDone;
  const std::uint64_t queues[] = {
      share.share->targets[number].load(std::memory_order_relaxed),
      OrderedPart(*share.share).dead_letters(number),
  };
  bool for_now = false;
  for (const std::uint64_t queue_id : queues) {
    if (queue_id == 0) continue;
    detail::QueueCore* const queue = queues_.ordered_queue(queue_id, for_now);
    if (queue == nullptr) continue;
    switch (queue->publish_ordered(entry.where())) {
      case Named::kPublished:
        // Or given up and used again meanwhile: then the entry was moved away before that.
        return read_entry(word).word == entry.word ? Step::kDone : Step::kAgain;
      case Named::kSkipped:
        return replace(share, number, entry, *queue);
      case Named::kNotHere:
        break;
    }
  }
  return for_now ? Step::kNotNow : Step::kDone;  // done: its queue was deleted
}

/// Another slot for a delivery whose slot consumers have skipped. Lost: somebody else has found
/// one.
OrderedFinish::Step OrderedFinish::replace(const shm::ShareLook& share, std::uint32_t number,
                                           const shm::ShareEntry& entry,
                                           detail::QueueCore& skipped_in) noexcept {
  Claim claim;
  detail::QueueCore* const queue = claim_for(share, number, skipped_in, claim);
  base::Pair64 place = kRefusedPlace;
  if (queue != nullptr && queue->copy_ordered(skipped_in, entry.where(), claim)) {
    place = shm::pair_of(detail::QueueCore::place_of(claim));
  }
  // [share] A full barrier. The content comes before the entry, and the entry decides.
  const bool won = share.share->entries[number].compare_exchange(entry.word, place);
  if (queue != nullptr && won && !(place == kRefusedPlace)) {
    claims_.push_back({queue, claim});
  } else if (queue != nullptr) {
    queue->give_up_ordered(claim);
  }
  return Step::kAgain;
}

/// Without waiting: in the queue, or else among its dead letters. Null: nobody takes it.
detail::QueueCore* OrderedFinish::claim_for(const shm::ShareLook& share, std::uint32_t number,
                                            detail::QueueCore& first, Claim& claim) noexcept {
  if (first.claim_delivery_for_the_dead(claim) == Errc::kOk) return &first;
  bool for_now = false;
  const std::uint64_t queue_id = OrderedPart(*share.share).dead_letters(number);
  if (queue_id == 0 || queue_id == first.mapping().queue_id()) return nullptr;
  detail::QueueCore* const other = queues_.ordered_queue(queue_id, for_now);
  if (other == nullptr || other->claim_delivery_for_the_dead(claim) != Errc::kOk) return nullptr;
  return other;
}

}  // namespace ringpost::topic
