#include "topic/fanout.hpp"

#include <algorithm>

namespace ringpost::topic {

using Claim = detail::QueueCore::Claim;

namespace {

constexpr std::size_t kTargetsMax = std::size_t{shm::kShareDeliveries} * shm::kShareDeliveries;

std::uint64_t deadline_after(std::uint64_t now_ns, Duration wait) noexcept {
  return wait == kForever ? ~std::uint64_t{0} : now_ns + static_cast<std::uint64_t>(wait.count());
}

}  // namespace

Result<Published, Errc> Fanout::publish(std::span<const Message> forms, std::span<Target> targets,
                                        const PublishOptions& options) noexcept {
  if (member_.me.is_forked()) return Unexpected(Errc::kForked);
  work_.flags = 0;
  work_.result = {};
  if (const Errc code = work_.plan.make(forms, {}); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = admit(targets); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = prepare(forms); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = claim_those_that_may_fail(); code != Errc::kOk) {
    undo();
    return Unexpected(code);
  }
  // From here on it has happened: for every target, or for none if I die before.
  if (!deliveries_.empty()) member_.arena.commit(work_.payload.ref);
  for (const Delivery& each : deliveries_) {
    if (each.claim.lane == nullptr) continue;
    each.target->queue->publish_delivery(each.claim, lengths_of(each));
    ++work_.result.delivered;
  }
  if (!logged_.empty()) [[unlikely]] {
    for (Delivery& each : deliveries_) {
      if (each.is_logged()) publish_logged(each);
    }
  }
  deliver_rest(options.wait);
  if (!logged_.empty()) [[unlikely]] {
    if (const Errc code = wait_logged(options.wait); code != Errc::kOk) return Unexpected(code);
  }
  return work_.result;
}

/// Who may get the message at all.
Errc Fanout::admit(std::span<Target> targets) noexcept {
  deliveries_.clear();
  logged_.clear();
  for (Target& target : targets) {
    target.dead_lettered = false;
    if (!target.queue->is_ungrouped() || target.form >= shm::kForms) return Errc::kInvalidArgument;
    target.outcome = Errc::kOk;  // the claim looks whether the queue is still there
    if (!target.queue->admits(work_.plan.form(target.form).counted)) {
      target.outcome = Errc::kTooLarge;
      if (target.when_full == WhenFull::kFail) return Errc::kTooLarge;
    }
    if (target.outcome == Errc::kOk) {
      deliveries_.emplace_back().target = &target;
    } else {
      ++work_.result.refused;
    }
  }
  return deliveries_.size() > kTargetsMax ? Errc::kInvalidArgument : Errc::kOk;
}

/// Payload and shares. After an error there is nothing.
Errc Fanout::allocate() noexcept {
  shm::Arena& arena = member_.arena;
  shares_.clear();
  const std::size_t share_count = std::max<std::size_t>(
      1, (deliveries_.size() + shm::kShareDeliveries - 1) / shm::kShareDeliveries);
  if (!deliveries_.empty()) {
    if (const Errc code = arena.allocate(work_.plan.bytes(), work_.payload); code != Errc::kOk) {
      return code;
    }
  }
  while (shares_.size() < share_count) {
    OwnShare mine;
    if (const Errc code = arena.allocate_share(mine.ref, mine.share); code != Errc::kOk) {
      for (const OwnShare& each : shares_) arena.abandon(each.ref);
      if (!deliveries_.empty()) arena.abandon(work_.payload.ref);
      return code;
    }
    shares_.push_back(mine);
  }
  return Errc::kOk;
}

/// Memory, and everything in it that the deliveries have in common.
Errc Fanout::prepare(std::span<const Message> forms) noexcept {
  if (const Errc code = allocate(); code != Errc::kOk) return code;
  work_.result.id = {shares_.front().ref.block, shares_.front().ref.generation};
  if (deliveries_.empty()) {  // nobody is to get it
    member_.arena.abandon(shares_.front().ref);
    return Errc::kOk;
  }
  work_.plan.write(forms, {}, work_.payload.data);
  work_.sent_ns = deliveries_.front().target->queue->stamp(work_.flags);
  const auto share_count = static_cast<std::uint32_t>(shares_.size());
  member_.arena.share_out(work_.payload.ref, share_count);
  for (std::uint32_t i = 0; i < share_count; ++i) open_share(i);
  return Errc::kOk;
}

/// Its deliveries are those from number · kShareDeliveries on.
void Fanout::open_share(std::uint32_t number) noexcept {
  const auto set = [](auto& word, auto value) {
    word.store(value, std::memory_order_relaxed);  // relaxed: LIVE carries it
  };
  const OwnShare& mine = shares_[number];
  shm::Share& share = *mine.share;
  const std::size_t first = std::size_t{number} * shm::kShareDeliveries;
  const std::size_t count =
      std::min<std::size_t>(deliveries_.size() - first, shm::kShareDeliveries);
  set(share.payload, work_.payload.ref.block);
  set(share.payload_generation, work_.payload.ref.generation);
  work_.plan.describe_in(share);
  set(share.sent_ns, work_.sent_ns);
  set(share.count, static_cast<std::uint32_t>(count));
  set(share.bit, number);
  std::uint64_t second = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Delivery& delivery = deliveries_[first + i];
    second |= std::uint64_t{delivery.target->form} << i;
    delivery.ref = {mine.ref, static_cast<std::uint32_t>(i)};
    delivery.entry = &share.entries[i];
    set(share.targets[i], delivery.target->queue->mapping().queue_id());
    delivery.entry->store_halves(shm::ShareEntry::unset(mine.ref.generation).word);
  }
  set(share.second, second);
  member_.arena.open_share(mine.ref, static_cast<std::uint32_t>(count));
}

/// Without waiting: their claims are held until the commit.
Errc Fanout::claim_those_that_may_fail() noexcept {
  for (Delivery& each : deliveries_) {
    if (each.target->when_full != WhenFull::kFail) continue;
    const Errc code = fill(each, *each.target->queue, Duration::zero());
    if (code == Errc::kDeleted) continue;  // refused after the commit
    if (code != Errc::kOk) return code;
  }
  return Errc::kOk;
}

/// Claims, fills the slot, and says so in the entry: before the publish, so that whoever finishes
/// this after my death does not send the message again.
Errc Fanout::fill(Delivery& delivery, detail::QueueCore& queue, Duration wait) noexcept {
  if (!queue.is_standard()) [[unlikely]]
    return fill_logged(delivery, queue, wait);
  Claim claim;
  if (const Errc code = queue.claim_delivery(claim, wait); code != Errc::kOk) return code;
  queue.fill_delivery(claim, content_of(delivery));
  // [share] release. A store: as long as I live nobody else writes it.
  delivery.entry->store_low_last(shm::pair_of(detail::QueueCore::place_of(claim)));
  delivery.claim = claim;
  return Errc::kOk;
}

detail::QueueCore::Delivery Fanout::content_of(const Delivery& delivery) const noexcept {
  return {.payload = work_.payload.ref,
          .ref = delivery.ref,
          .offset = work_.plan.form(delivery.target->form).offset,
          .lengths = lengths_of(delivery) | work_.flags << 56,
          .sent_ns = work_.sent_ns};
}

/// Before the commit: nobody has got to know of anything.
void Fanout::undo() noexcept {
  for (const Delivery& each : deliveries_) {
    if (each.claim.lane != nullptr) each.target->queue->give_up_delivery(each.claim);
    if (each.is_logged()) each.target->queue->give_up_logged(logged_[each.logged]);
  }
  member_.arena.abandon(work_.payload.ref);
  for (const OwnShare& each : shares_) member_.arena.close_share(each.ref);
}

/// Those that have room first; then those that wait for it.
void Fanout::deliver_rest(Duration wait) noexcept {
  bool some_wait = false;
  for (Delivery& each : deliveries_) {
    if (each.is_claimed()) continue;
    const bool may_wait = each.target->when_full == WhenFull::kWait && wait > Duration::zero();
    const Errc code = deliver(each, *each.target->queue, Duration::zero());
    each.target->outcome = code;
    if (code == Errc::kFull && may_wait) {
      some_wait = true;
    } else if (code != Errc::kOk) {
      divert(each);
    }
  }
  if (!some_wait) return;
  const base::TimeSource& time = member_.me.bus().time();
  const std::uint64_t end = deadline_after(time.precise_ns(), wait);
  for (Delivery& each : deliveries_) {
    const bool waits = each.target->outcome == Errc::kFull &&
                       each.target->when_full == WhenFull::kWait && !each.target->dead_lettered;
    if (each.is_claimed() || !waits) continue;
    const std::uint64_t now = time.precise_ns();
    const Duration left = wait == kForever
                              ? kForever
                              : Duration(static_cast<std::int64_t>(end > now ? end - now : 0));
    each.target->outcome = deliver(each, *each.target->queue, left);
    if (each.target->outcome == Errc::kFull) each.target->outcome = Errc::kTimedOut;
    if (each.target->outcome != Errc::kOk) divert(each);
  }
}

Errc Fanout::deliver(Delivery& delivery, detail::QueueCore& queue, Duration wait) noexcept {
  if (const Errc code = fill(delivery, queue, wait); code != Errc::kOk) return code;
  if (delivery.is_logged()) [[unlikely]] {
    publish_logged(delivery);
    return Errc::kOk;
  }
  queue.publish_delivery(delivery.claim, lengths_of(delivery));
  if (&queue == delivery.target->queue) ++work_.result.delivered;
  return Errc::kOk;
}

/// The target does not get it: to its dead letters, or nowhere.
void Fanout::divert(Delivery& delivery) noexcept {
  Target& target = *delivery.target;
  if (target.dead_letters != nullptr && target.dead_letters->is_standard() &&
      deliver(delivery, *target.dead_letters, Duration::zero()) == Errc::kOk) {
    target.outcome = Errc::kOk;
    target.dead_lettered = true;
    ++work_.result.dead_lettered;
    return;
  }
  ++work_.result.refused;
  member_.arena.drop(delivery.ref);
}

}  // namespace ringpost::topic
