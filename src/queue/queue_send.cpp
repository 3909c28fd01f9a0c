// Sending: the path of a message into a slot.
#include <cstring>

#include "base/pause.hpp"
#include "queue/attributes.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;

Result<MessageId, Errc> QueueCore::send(ByteSpan body, const SendOptions& options) noexcept {
  std::uint64_t due = 0;
  if (const Errc code = usable(); code != Errc::kOk) return Unexpected(code);
  if (fifo_) [[unlikely]]
    return send_in_group(body, options);
  if (!options.group.empty() && !fair_) return Unexpected(Errc::kInvalidArgument);
  if (const Errc code = due_of(options, due); code != Errc::kOk) return Unexpected(code);
  if (special_) [[unlikely]] {
    return send_specially({body, options.attributes, options.group, options.dedup_id}, options.wait,
                          due);
  }
  return send_one(body, options.attributes, options.wait, due);
}

/// One after the other and not all claims first: a claim that waits for others' holds up consumers
/// when its sender is taken off its core. Only the first message waits for room.
Result<std::size_t, Errc> QueueCore::send_batch(std::span<const OutMessage> messages,
                                                const SendOptions& options) noexcept {
  std::uint64_t due = 0;
  if (const Errc code = usable(); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = due_of(options, due); code != Errc::kOk) return Unexpected(code);
  std::size_t sent = 0;
  for (const OutMessage& message : messages) {
    if (!grouped_ && !message.group.empty()) [[unlikely]]
      return sent != 0 ? Result<std::size_t, Errc>(sent) : Unexpected(Errc::kInvalidArgument);
    const Duration wait = sent == 0 ? options.wait : Duration::zero();
    const auto id = fifo_      ? send_in_group(message, wait)
                    : special_ ? send_one_specially(message, wait, due)
                               : send_one(message.body, message.attributes, wait, due);
    if (!id && sent == 0) return Unexpected(id.error());
    if (!id) break;
    ++sent;
  }
  if (log_ != nullptr && sent != 0) [[unlikely]] {
    if (const Errc code = wait_logged(options.wait); code != Errc::kOk) return Unexpected(code);
  }
  return sent;
}

/// Checks a message and, if it does not fit a slot, copies it into a block: before any claim, so
/// that nothing slow happens while others could be waiting for the slot.
[[gnu::always_inline]] inline Errc QueueCore::prepare(ByteSpan body,
                                                      const AttributeList& attributes,
                                                      Outgoing& out) noexcept {
  const std::uint64_t limit =
      header().settings.message_bytes_max.load(std::memory_order_relaxed);  // a setting
  if (body.size() > limit) return Errc::kTooLarge;
  out.body = body;
  out.attributes = &attributes;
  if (!attributes.empty()) [[unlikely]] {
    if (const Errc code = queue::check_attributes(attributes); code != Errc::kOk) return code;
    if (body.size() + queue::counted_bytes(attributes) > limit) return Errc::kTooLarge;
    const std::size_t encoded = queue::encoded_bytes(attributes);
    if (encoded > ring::Lengths::kAttributeBytesMax) return Errc::kTooLarge;
    out.attribute_bytes = static_cast<std::uint32_t>(encoded);
  }
  const std::size_t content =
      body.size() + out.attribute_bytes + out.group.size() + out.dedup_id.size();
  if (content <= inline_bytes_) [[likely]]
    return Errc::kOk;
  return to_block(out);
}

Errc QueueCore::prepare_in_group(const OutMessage& message, Outgoing& out) noexcept {
  return prepare(message.body, message.attributes, out);
}

Result<MessageId, Errc> QueueCore::send_one(ByteSpan body, const AttributeList& attributes,
                                            Duration wait, std::uint64_t due) noexcept {
  Outgoing out;
  Claim slot;
  if (const Errc code = prepare(body, attributes, out); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = claim(slot, wait); code != Errc::kOk) {
    if (out.block.data != nullptr) member_.arena.abandon(out.block.ref);
    return Unexpected(code);
  }
  fill(slot, out);
  return commit(slot, out, due);
}

Errc QueueCore::to_block(Outgoing& out) noexcept {
  const std::size_t content =
      out.body.size() + out.attribute_bytes + out.group.size() + out.dedup_id.size();
  if (const Errc code = member_.arena.allocate(content, out.block); code != Errc::kOk) return code;
  std::memcpy(out.block.data, out.body.data(), out.body.size());
  if (out.attribute_bytes != 0) {
    queue::encode(*out.attributes, out.block.data + out.body.size());
  }
  return Errc::kOk;
}

Errc QueueCore::claim(Claim& slot, Duration wait) noexcept {
  Errc code = try_claim(slot);
  if (code == Errc::kFull && wait > Duration::zero()) {
    const std::uint64_t now = time_.precise_ns();
    code = claim_waiting(slot, wait == kForever ? ~std::uint64_t{0}
                                                : now + static_cast<std::uint64_t>(wait.count()));
  }
  if (code == Errc::kFull) {
    counters_.add(Counter::kRefusedFull);
    clear_up_now_and_then(time_.coarse_ns());  // the dead may hold slots
  }
  return code;
}

/// The queue is full: spin a little, then sleep until somebody makes a position passable.
Errc QueueCore::claim_waiting(Claim& slot, std::uint64_t deadline_ns) noexcept {
  constexpr int kAdaptiveSpins = 200;
  constexpr int kPauses = 40;     // so as not to steal the consumers' lines
  constexpr int kLookEvery = 16;  // look for a single slot only so often
  constexpr std::uint64_t kRoom = 256;
  shm::WaitWord& room = header().senders;
  for (int spins = 1;; ++spins) {
    if (const Errc code = usable(); code != Errc::kOk) return code;
    const std::uint64_t now = time_.precise_ns();
    const bool spin =
        waiting_ == Waiting::kSpin || (waiting_ == Waiting::kAdaptive && spins < kAdaptiveSpins);
    bool slept = false;
    if (spin) {
      base::cpu_pause(kPauses);
      const queue::Lane& lane = *lanes_.back();
      if (spins % kLookEvery != 0 && now < deadline_ns &&
          !lane.sender.may_have_room(std::min<std::uint64_t>(kRoom, lane.ring.view.slots() / 4))) {
        continue;
      }
    } else {
      const std::uint32_t seen = room.arm();
      if (const Errc code = try_claim(slot); code != Errc::kFull) return code;
      if (now < deadline_ns) room.sleep(seen, deadline_ns - now);
      slept = true;
      clear_up_now_and_then(now);
    }
    if (const Errc code = usable(); code != Errc::kOk) return code;  // deleted in my sleep
    const Errc code = try_claim(slot);
    if (code == Errc::kOk && slept) room.wake_one();  // others may sleep: there may be more room
    if (code != Errc::kFull || now >= deadline_ns) return code;
  }
}

Errc QueueCore::try_claim(Claim& slot) noexcept {
  for (;;) {
    queue::Lane& lane = *lanes_.back();
    slot.lane = &lane;
    switch (lane.sender.claim(slot.position)) {
      case ring::Sender::Claimed::kYes:
        return Errc::kOk;
      case ring::Sender::Claimed::kFull:
        if (const Errc code = grow(); code != Errc::kOk) return code;
        break;
      case ring::Sender::Claimed::kSealed:
        refresh_lanes();
        if (lanes_.back().get() == &lane) return Errc::kFull;
        break;
    }
  }
}

std::uint64_t QueueCore::stamp(std::uint64_t& flags) noexcept {
  constexpr std::uint32_t kSampleEvery = 16;
  const std::uint64_t coarse = time_.coarse_ns();
  // Precise is dear: of messages in quick succession every 16th is timed, of slow ones each.
  if (coarse == last_stamp_ns_ && ++stamps_ % kSampleEvery != 0) [[likely]]
    return coarse;
  last_stamp_ns_ = coarse;
  flags |= ring::Lengths::kTimed;
  return time_.precise_ns();
}

/// The claimed slot is mine alone until it is published.
void QueueCore::fill(const Claim& slot, const Outgoing& out) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  ring::SlotHead& head = view.slot(index);
  std::uint64_t flags = 0;
  const std::uint64_t sent_ns = stamp(flags);
  std::byte* payload = view.payload(index);
  if (out.block.data != nullptr) {
    flags |= ring::Lengths::kInBlock;
    std::memcpy(payload, &out.block.ref, sizeof out.block.ref);
    member_.arena.make_live(out.block.ref,
                            {slot.lane->mapped->ring_id, index, view.lap_of(slot.position)});
  } else {
    std::memcpy(payload, out.body.data(), out.body.size());
    if (out.attribute_bytes != 0) queue::encode(*out.attributes, payload + out.body.size());
  }
  // relaxed: the publish behind it carries all of this.
  head.lengths.store(
      ring::Lengths::of(static_cast<std::uint32_t>(out.body.size()), out.attribute_bytes, flags)
          .word,
      std::memory_order_relaxed);
  head.sent_ns.store(sent_ns, std::memory_order_relaxed);
}

Result<MessageId, Errc> QueueCore::commit(const Claim& slot, const Outgoing& out,
                                          std::uint64_t due) noexcept {
  if (due != 0) slot.lane->sender.delay(slot.position, due);
  slot.lane->sender.publish(slot.position);
  counters_.add(Counter::kSent);
  counters_.add(Counter::kSentBytes, out.body.size());
  return MessageId{slot.lane->mapped->ring_id, slot.position};
}

Errc QueueCore::due_of(const SendOptions& options, std::uint64_t& due) noexcept {
  const std::uint64_t queue_delay = header().settings.delay_ns.load(std::memory_order_relaxed);
  if (!options.delay && queue_delay == 0) [[likely]]
    return Errc::kOk;
  if (fifo_) {  // only the queue delays, see group::Receiver
    return options.delay.value_or(0s) == 0s ? Errc::kOk : Errc::kInvalidArgument;
  }
  const Duration delay = options.delay.value_or(Duration(static_cast<std::int64_t>(queue_delay)));
  if (delay < Duration::zero() || delay > Duration(15min)) return Errc::kInvalidArgument;
  if (delay > Duration::zero()) {
    due = ring::deadline_from_ns(time_.precise_ns() + static_cast<std::uint64_t>(delay.count()));
  }
  return Errc::kOk;
}

Result<Loan, Errc> QueueCore::loan(std::size_t bytes) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return Unexpected(code);
  if (bytes > header().settings.message_bytes_max.load(std::memory_order_relaxed)) {
    return Unexpected(Errc::kTooLarge);
  }
  shm::Block block;
  const std::size_t ids = grouped_ ? 2 * kIdBytesMax : 0;  // they stand behind the body
  if (const Errc code = member_.arena.allocate(bytes + ids, block); code != Errc::kOk) {
    return Unexpected(code);
  }
  Loan loan;
  loan.core_ = this;
  loan.memory_ = {block.data, bytes};
  loan.capacity_ = block.bytes;
  loan.block_ = block.ref.block;
  loan.generation_ = block.ref.generation;
  return loan;
}

void QueueCore::abandon(Loan& loan) noexcept {
  loan.core_ = nullptr;
  if (!member_.me.is_forked()) member_.arena.abandon({loan.block_, loan.generation_});
}

Result<MessageId, Errc> QueueCore::send(Loan&& loan, const SendOptions& options) noexcept {
  Outgoing out;
  Claim slot;
  std::uint64_t due = 0;
  bool sent = false;
  if (loan.core_ != this) return Unexpected(Errc::kInvalidArgument);
  if (const Errc code = usable(); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = due_of(options, due); code != Errc::kOk) return Unexpected(code);
  out.body = loan.memory_;
  out.block = {{loan.block_, loan.generation_}, loan.memory_.data(), loan.capacity_};
  if (!options.attributes.empty()) {
    if (const Errc code = queue::check_attributes(options.attributes); code != Errc::kOk) {
      return Unexpected(code);
    }
    const std::size_t encoded = queue::encoded_bytes(options.attributes);
    const std::uint64_t limit =
        header().settings.message_bytes_max.load(std::memory_order_relaxed);  // a setting
    if (out.body.size() + queue::counted_bytes(options.attributes) > limit ||
        encoded > ring::Lengths::kAttributeBytesMax ||
        out.body.size() + encoded + options.group.size() + options.dedup_id.size() >
            loan.capacity_) {
      return Unexpected(Errc::kTooLarge);  // or the loan has no room for them
    }
    queue::encode(options.attributes, loan.memory_.data() + out.body.size());
    out.attribute_bytes = static_cast<std::uint32_t>(encoded);
  }
  if (fifo_) [[unlikely]] {
    dedup::ContentId content;
    out.group = options.group;
    out.dedup_id = options.dedup_id;
    if (const Errc code = choose_id(out, content); code != Errc::kOk) return Unexpected(code);
    if (out.body.size() + out.attribute_bytes + out.group.size() + out.dedup_id.size() >
        loan.capacity_) {
      return Unexpected(Errc::kTooLarge);  // with attributes; one made of the content counts, too
    }
    auto id = send_in_group(out, options.wait, sent);
    if (sent) loan.core_ = nullptr;
    if (log_ != nullptr && id) [[unlikely]] {
      if (const Errc code = wait_logged(options.wait); code != Errc::kOk) return Unexpected(code);
    }
    return id;
  }
  if (fair_) [[unlikely]] {
    out.group = options.group;
    if (const Errc code = check_tenant(options.group, options.dedup_id); code != Errc::kOk) {
      return Unexpected(code);
    }
    if (out.body.size() + out.attribute_bytes + out.group.size() > loan.capacity_) {
      return Unexpected(Errc::kTooLarge);
    }
    auto id = send_fairly(out, options.wait, due, sent);
    if (sent) loan.core_ = nullptr;
    return id;
  }
  if (!options.group.empty()) return Unexpected(Errc::kInvalidArgument);
  if (log_ != nullptr) [[unlikely]] {
    auto id = send_logged(out, options.wait, due, sent);
    if (sent) loan.core_ = nullptr;
    if (id && !sent) abandon(loan);  // it is in the log alone
    if (const Errc code = id ? wait_logged(options.wait) : Errc::kOk; code != Errc::kOk) {
      return Unexpected(code);
    }
    return id;
  }
  if (const Errc code = claim(slot, options.wait); code != Errc::kOk) return Unexpected(code);
  fill(slot, out);
  loan.core_ = nullptr;
  return commit(slot, out, due);
}

}  // namespace ringpost::detail
