#include "topic/ordered_fanout.hpp"

#include <algorithm>

#include "base/pause.hpp"

namespace ringpost::topic {

using Claim = detail::QueueCore::Claim;
using Named = detail::QueueCore::Named;
using Fate = shm::ShareLook::Fate;

namespace {

constexpr std::size_t kTargetsMax = std::size_t{kOrderedDeliveries} * shm::kShareDeliveries;
#if defined(RINGPOST_RIG)
constexpr int kTurnSpins = 2;
#else
constexpr int kTurnSpins = 2'000;  // some 50 µs: many times what a turn takes
#endif

std::uint64_t deadline_after(std::uint64_t now_ns, Duration wait) noexcept {
  return wait == kForever ? ~std::uint64_t{0} : now_ns + static_cast<std::uint64_t>(wait.count());
}

/// What a table of ids asks. A number that is older than mine and undecided was never published:
/// what was has been committed before the turn went on.
struct Numbers {
  std::uint64_t mine;
  std::uint64_t until;
  bool lost = false;  ///< the turn has gone on without me

  [[nodiscard]] dedup::SlotState judge(std::uint64_t number) noexcept {
    if (number < mine) return dedup::SlotState::kDead;
    lost |= number > mine;
    return dedup::SlotState::kFilling;
  }
  void skip(std::uint64_t /*number*/) const noexcept {}
  [[nodiscard]] std::uint64_t expiry() const noexcept { return until; }
  [[nodiscard]] bool is_over() const noexcept { return lost; }
};

}  // namespace

Result<OrderedPublished, Errc> OrderedFanout::publish(std::span<const Message> forms,
                                                      const Order& order, std::span<Target> targets,
                                                      const PublishOptions& options) {
  if (member_.me.is_forked()) return Unexpected(Errc::kForked);
  forms_ = forms;
  order_ = &order;
  targets_ = targets;
  if (const Errc code = plan_.make(forms, ids()); code != Errc::kOk) return Unexpected(code);
  const bool waits = options.wait > Duration::zero();
  const std::uint64_t end =
      waits ? deadline_after(member_.me.bus().time().precise_ns(), options.wait) : 0;
  for (bool may_wait = waits;;) {
    switch (try_once(may_wait)) {
      case Tried::kDone:
        return result_;
      case Tried::kFailed:
        return Unexpected(error_);
      case Tried::kAgain:
        break;
      case Tried::kWait:
        may_wait = wait_for_room(end) == Errc::kOk;
        break;
    }
  }
}

/// From the look for a duplicate on.
OrderedFanout::Tried OrderedFanout::try_once(bool may_wait) {
  const auto failed = [this](Errc code) {
    error_ = code;
    return Tried::kFailed;
  };
  result_ = {};
  entry_ = 0;
  const dedup::Table* const ids = order_->dedup_id.empty() ? nullptr : turn_->ids();
  if (ids != nullptr) {  // most duplicates are found before anything is stored
    const base::TimeSource& time = member_.me.bus().time();
    if (const auto first = ids->find(order_->key, time.coarse_ns() / ring::kDeadlineUnitNs)) {
      result_ = {.number = *first, .duplicate = true};
      return Tried::kDone;
    }
  }
  if (const Errc code = admit(); code != Errc::kOk) return failed(code);
  if (const Errc code = prepare(); code != Errc::kOk) return failed(code);
  if (const Errc code = take_turn(); code != Errc::kOk) {
    undo();
    return failed(code);
  }
  Tried tried = Tried::kDone;
  const Errc code = ids == nullptr ? Errc::kOk : enter_id();
  if (code != Errc::kOk) tried = code == Errc::kBusy ? Tried::kAgain : failed(code);
  if (tried == Tried::kDone && !result_.duplicate) tried = claim_all(may_wait);
  const bool goes_on = tried == Tried::kDone && !result_.duplicate;
  // [turn] From here on it has happened: for every target, or for none if I die before.
  if (!goes_on || !member_.arena.commit_unless_aborted(payload_.ref)) {
    leave_turn();
    return goes_on ? Tried::kAgain : tried;
  }
  result_.number = number_;
  const Errc finished = finish_mine();
  return finished == Errc::kOk ? Tried::kDone : failed(finished);
}

/// Who may get the message at all.
Errc OrderedFanout::admit() noexcept {
  deliveries_.clear();
  for (Target& target : targets_) {
    target.dead_lettered = false;
    const bool fits = target.queue->is_standard() || target.queue->is_fifo();
    if (!fits || target.form >= forms_.size()) return Errc::kInvalidArgument;
    target.outcome = target.queue->usable();
    if (target.outcome == Errc::kOk && !target.queue->admits(plan_.form(target.form).counted)) {
      target.outcome = Errc::kTooLarge;
      if (target.when_full == WhenFull::kFail) return Errc::kTooLarge;
    }
    if (target.outcome == Errc::kOk) {
      deliveries_.push_back({&target, nullptr, {}, {}, nullptr});
    } else {
      ++result_.refused;
    }
  }
  return deliveries_.size() > kTargetsMax ? Errc::kInvalidArgument : Errc::kOk;
}

/// Payload and shares, also for nobody: a publish has a number and an id. After an error there is
/// nothing.
Errc OrderedFanout::allocate() noexcept {
  shm::Arena& arena = member_.arena;
  shares_.clear();
  const std::size_t share_count =
      std::max<std::size_t>(1, (deliveries_.size() + kOrderedDeliveries - 1) / kOrderedDeliveries);
  const std::uint64_t bytes = deliveries_.empty() ? 1 : plan_.bytes();
  if (const Errc code = arena.allocate(bytes, payload_); code != Errc::kOk) return code;
  while (shares_.size() < share_count) {
    OwnShare mine;
    if (const Errc code = arena.allocate_share(mine.ref, mine.share); code != Errc::kOk) {
      for (const OwnShare& each : shares_) arena.abandon(each.ref);
      arena.abandon(payload_.ref);
      return code;
    }
    shares_.push_back(mine);
  }
  return Errc::kOk;
}

/// Memory, and everything in it that the deliveries have in common.
Errc OrderedFanout::prepare() noexcept {
  if (const Errc code = allocate(); code != Errc::kOk) return code;
  if (!deliveries_.empty()) plan_.write(forms_, ids(), payload_.data);
  flags_ = 0;
  sent_ns_ = deliveries_.empty() ? 0 : deliveries_.front().target->queue->stamp(flags_);
  const auto share_count = static_cast<std::uint32_t>(shares_.size());
  member_.arena.share_out(payload_.ref, share_count);
  for (std::uint32_t i = 0; i < share_count; ++i) open_share(i);
  return Errc::kOk;
}

/// Its deliveries are those from number · kOrderedDeliveries on.
void OrderedFanout::open_share(std::uint32_t number) noexcept {
  const auto set = [](auto& word, auto value) {
    word.store(value, std::memory_order_relaxed);  // relaxed: LIVE carries it
  };
  const OwnShare& mine = shares_[number];
  shm::Share& share = *mine.share;
  const OrderedPart part(share);
  const std::size_t first = std::size_t{number} * kOrderedDeliveries;
  const std::size_t count = std::min<std::size_t>(deliveries_.size() - first, kOrderedDeliveries);
  set(share.payload, payload_.ref.block);
  set(share.payload_generation, payload_.ref.generation);
  plan_.describe_in(share);
  set(share.sent_ns, sent_ns_);
  set(share.count, static_cast<std::uint32_t>(count) | shm::kOrderedMark);
  set(share.bit, number);
  std::uint64_t second = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Delivery& delivery = deliveries_[first + i];
    const auto at = static_cast<std::uint32_t>(i);
    second |= std::uint64_t{delivery.target->form} << i;
    delivery.ref = {mine.ref, at};
    delivery.entry = &share.entries[i];
    set(share.targets[i], delivery.target->queue->mapping().queue_id());
    detail::QueueCore* const dead_letters = delivery.target->dead_letters;
    part.set_dead_letters(at, dead_letters == nullptr ? 0 : dead_letters->mapping().queue_id());
    delivery.entry->store_halves(shm::ShareEntry::unset(mine.ref.generation).word);
  }
  set(share.second, second);
  part.begin_id(mine.ref.generation);
  part.set_next(number + 1 < shares_.size() ? shares_[number + 1].ref : shm::BlockRef{});
  member_.arena.open_share(mine.ref, static_cast<std::uint32_t>(count));
}

/// The number stands in the shares and in the content before the turn names them.
Errc OrderedFanout::take_turn() {
  for (;;) {
    const TurnWord seen = turn_->read();
    if (seen.is_busy()) {
      if (const Errc code = pass(seen); code != Errc::kOk) return code;
      continue;
    }
    number_ = seen.number() + 1;
    for (const OwnShare& each : shares_) {
      OrderedPart(*each.share).set_number(number_, turn_->topic_id());
    }
    if (order_->write_number != nullptr && forms_.size() > 1 && !deliveries_.empty()) {
      order_->write_number(turn_->topic_id(), number_, payload_.data + plan_.form(1).offset);
    }
    if (turn_->move(seen, TurnWord::busy(number_, shares_.front().ref))) return Errc::kOk;
  }
}

/// Somebody else's turn: over, or not yet begun to count, or finished for him. Then it goes on.
Errc OrderedFanout::pass(TurnWord seen) {
  for (int spins = 0; spins < kTurnSpins; ++spins) {
    base::cpu_pause();
    if (!(turn_->read() == seen)) return Errc::kOk;
  }
  const auto share = [&]() -> std::optional<shm::ShareLook> {
    auto found = member_.arena.look_at_share(seen.share());
    if (!found || !found->content.ordered || !seen.is_of(found->ref.generation)) return {};
    const OrderedPart part(*found->share);
    const bool same = part.number() == seen.number() && part.topic_id() == turn_->topic_id();
    return same && member_.arena.is_same_use(*found) ? found : std::nullopt;
  };
  auto found = share();
  if (found && found->fate == Fate::kOpen) {
    member_.arena.abort(found->content.payload);
    found = share();  // perhaps it has been committed
  }
  if (found && found->fate == Fate::kCommitted) {
    commit_id(*turn_, *found, member_.arena, member_.me.bus().time());
    if (!finish_.finish(*found)) return Errc::kNoSpace;
  }
  turn_->move(seen, TurnWord::idle(seen.number()));
  return Errc::kOk;
}

/// kOk: it is mine, or a duplicate. kBusy: the turn has gone on without me.
Errc OrderedFanout::enter_id() noexcept {
  using Outcome = dedup::Entered::Outcome;
  const base::TimeSource& time = member_.me.bus().time();
  Numbers numbers{number_, turn_->expiry(time)};
  const std::uint64_t now = time.coarse_ns() / ring::kDeadlineUnitNs;
  const dedup::Entered entered =
      turn_->ids()->enter({order_->key, number_, member_.me.index(), now}, numbers);
  switch (entered.outcome) {
    case Outcome::kEntered:
      entry_ = entered.entry;
      for (const OwnShare& each : shares_) {
        OrderedPart(*each.share).set_id(each.ref.generation, entry_);
      }
      return Errc::kOk;
    case Outcome::kDuplicate:
      result_ = {.number = entered.position, .duplicate = true};
      return Errc::kOk;
    case Outcome::kFull:
      return Errc::kTooManyIds;
    case Outcome::kDamaged:
      break;
  }
  return numbers.lost ? Errc::kBusy : Errc::kCorrupt;
}

/// Every entry is set afterwards, unless this is not the time.
OrderedFanout::Tried OrderedFanout::claim_all(bool may_wait) noexcept {
  for (Delivery& each : deliveries_) {
    Target& target = *each.target;
    if (claim_in(each, *target.queue)) continue;
    if (target.outcome == Errc::kFull && target.when_full == WhenFull::kFail) {
      full_ = &target;
      error_ = Errc::kFull;
      return Tried::kFailed;
    }
    if (target.outcome == Errc::kFull && target.when_full == WhenFull::kWait && may_wait) {
      full_ = &target;
      return Tried::kWait;
    }
    const Errc why = target.outcome;
    if (target.dead_letters != nullptr &&
        (target.queue->is_fifo() ? target.dead_letters->is_fifo()
                                 : target.dead_letters->is_standard()) &&
        claim_in(each, *target.dead_letters)) {
      continue;
    }
    target.outcome = why;
    each.entry->store_low_last(kRefusedPlace);
  }
  return Tried::kDone;
}

bool OrderedFanout::claim_in(Delivery& delivery, detail::QueueCore& queue) noexcept {
  Target& target = *delivery.target;
  target.outcome = queue.claim_delivery_for_the_dead(delivery.claim);
  if (target.outcome != Errc::kOk) return false;
  const PayloadPlan::Form& form = plan_.form(target.form);
  queue.fill_ordered(delivery.claim,
                     {.payload = payload_.ref,
                      .ref = delivery.ref,
                      .offset = form.offset,
                      .lengths = form.lengths | flags_ << 56,
                      .sent_ns = sent_ns_},
                     ids());
  // [share] release. A store: until the commit nobody else looks at it.
  delivery.entry->store_low_last(shm::pair_of(detail::QueueCore::place_of(delivery.claim)));
  delivery.queue = &queue;
  return true;
}

/// After the commit.
Errc OrderedFanout::finish_mine() noexcept {
  if (entry_ != 0) {
    turn_->ids()->commit(entry_, number_, turn_->expiry(member_.me.bus().time()));
  }
  const auto first_share = [this] {
    auto first = member_.arena.look_at_share(shares_.front().ref.block);
    const bool mine = first && first->ref.generation == shares_.front().ref.generation;
    return mine ? first : std::nullopt;
  };
  const bool all_here = publish_mine();
  if (!all_here) {
    const auto first = first_share();
    if (first && !finish_.finish(*first)) return Errc::kNoSpace;
    see_what_moved();
  }
  count();
  turn_->move(TurnWord::busy(number_, shares_.front().ref), TurnWord::idle(number_));
  for (const Delivery& each : deliveries_) {
    if (each.queue == nullptr) member_.arena.drop(each.ref);
  }
  if (deliveries_.empty()) {
    if (const auto nobody = first_share()) member_.arena.end_share(*nobody);
  }
  return Errc::kOk;
}

/// Of those that were skipped: my claims are void, and some may have been refused. Where others
/// have put them I do not look.
void OrderedFanout::see_what_moved() noexcept {
  for (Delivery& each : deliveries_) {
    if (each.queue == nullptr) continue;
    each.queue->give_up_ordered(each.claim);
    const bool refused = read_entry(*each.entry).word == kRefusedPlace;
    const auto share = member_.arena.look_at_share(each.ref.share.block);
    if (refused && share && share->ref.generation == each.ref.share.generation) {
      each.queue = nullptr;
    }
  }
}

/// From the last to the first. False: some were skipped.
bool OrderedFanout::publish_mine() noexcept {
  for (auto each = deliveries_.rbegin(); each != deliveries_.rend(); ++each) {
    if (each->queue == nullptr) continue;
    const shm::BackReference place = detail::QueueCore::place_of(each->claim);
    if (each->queue->publish_ordered(place) == Named::kSkipped) return false;
  }
  return true;
}

void OrderedFanout::count() noexcept {
  for (const Delivery& each : deliveries_) {
    Target& target = *each.target;
    if (each.queue == nullptr) {
      ++result_.refused;
      if (target.outcome == Errc::kOk) target.outcome = Errc::kFull;  // after it was skipped
    } else if (each.queue == target.queue) {
      ++result_.delivered;
    } else {
      target.dead_lettered = true;
      ++result_.dead_lettered;
    }
  }
}

/// Nothing of it happens: a duplicate, or somebody is full, or I was aborted.
void OrderedFanout::leave_turn() noexcept {
  member_.arena.abandon(payload_.ref);
  turn_->move(TurnWord::busy(number_, shares_.front().ref), TurnWord::idle(number_));
  if (entry_ != 0) turn_->ids()->abandon(entry_, number_);
  undo();
}

void OrderedFanout::undo() noexcept {
  for (const Delivery& each : deliveries_) {
    if (each.queue != nullptr) each.queue->give_up_ordered(each.claim);
  }
  member_.arena.abandon(payload_.ref);
  for (const OwnShare& each : shares_) member_.arena.close_share(each.ref);
}

/// Holding nothing. kOk: there was room a moment ago.
Errc OrderedFanout::wait_for_room(std::uint64_t end_ns) noexcept {
  const std::uint64_t now = member_.me.bus().time().precise_ns();
  const Duration left = end_ns == ~std::uint64_t{0}
                            ? kForever
                            : Duration(static_cast<std::int64_t>(end_ns > now ? end_ns - now : 0));
  Claim claim;
  const Errc code = full_->queue->claim_delivery(claim, left);
  if (code == Errc::kOk) full_->queue->give_up_ordered(claim);
  return code == Errc::kDeleted ? Errc::kOk : code;  // then it is refused in the next try
}

detail::QueueCore* OrderedFanout::ordered_queue(std::uint64_t queue_id, bool& for_now) {
  for (const Target& each : targets_) {
    for (detail::QueueCore* const queue : {each.queue, each.dead_letters}) {
      if (queue != nullptr && queue->mapping().queue_id() == queue_id) return queue;
    }
  }
  const auto known = others_.find(queue_id);
  if (known != others_.end()) return known->second.get();
  return open_queue(queue_id, for_now);
}

/// One that this publish does not go to: of another publisher's, whose filters chose others.
detail::QueueCore* OrderedFanout::open_queue(std::uint64_t queue_id, bool& for_now) {
  const auto names = sys::names_in(member_.me.bus().queues());
  if (!names) {
    for_now = true;
    return nullptr;
  }
  for (const std::string& name : *names) {
    auto mapping = member_.queues.open(name);
    if (!mapping) {
      for_now |= mapping.error() == Errc::kSystem || mapping.error() == Errc::kNoSpace;
      continue;
    }
    if ((*mapping)->queue_id() != queue_id) continue;
    auto core = detail::QueueCore::open(member_, std::move(*mapping));
    if (!core) break;
    return others_.emplace(queue_id, std::move(*core)).first->second.get();
  }
  return nullptr;
}

}  // namespace ringpost::topic
