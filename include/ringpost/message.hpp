// Messages in hand: a lease on a received one, a loan for one about to be sent.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

namespace detail {
class QueueCore;
}
class Queue;

/// A received message: the time-limited exclusive right to it, and its bytes, read in place.
///
/// Lifetime    must not outlive the Queue that returned it. The bytes stay valid and unchanged for
///             as long as this object lives and is not settled, even if the lease ends meanwhile.
/// Destructor  gives up the view of the bytes, not the lease: an unsettled message becomes visible
///             again when its visibility timeout ends. Keep receipt() to settle it later.
/// Threads     the thread of the Queue.
/// Crash       the message becomes visible again when the sweeper notices, or at the timeout.
class RINGPOST_API Lease {
 public:
  Lease() noexcept = default;
  Lease(Lease&& other) noexcept { *this = std::move(other); }
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      let_go();
      fields_ = other.fields_;
      other.fields_ = {};
    }
    return *this;
  }
  ~Lease() { let_go(); }

  [[nodiscard]] ByteSpan body() const noexcept { return {fields_.content, fields_.body_bytes}; }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(body()); }
  [[nodiscard]] AttributeView attributes() const noexcept {
    return AttributeView({fields_.content + fields_.body_bytes, fields_.attribute_bytes});
  }
  /// Since it was sent, this one included; on the way through a dead-letter queue it goes on.
  [[nodiscard]] std::uint32_t receive_count() const noexcept { return fields_.receive_count; }
  [[nodiscard]] MessageId id() const noexcept;
  /// FIFO and fair queues: what the message was sent with; else empty.
  [[nodiscard]] std::string_view group() const noexcept;
  /// FIFO: the id that the message was sent with, or the one made of its content; may be empty.
  [[nodiscard]] std::string_view dedup_id() const noexcept;
  /// FIFO: rises within each group; of a fair queue no order; else 0.
  [[nodiscard]] std::uint64_t sequence() const noexcept;
  [[nodiscard]] WallTime sent_at() const noexcept;
  [[nodiscard]] WallTime first_received_at() const noexcept;
  [[nodiscard]] Receipt receipt() const noexcept;
  /// The queue that moved the message here because it was received too often; empty: it was sent to
  /// this one. "(deleted)" if that queue is not there any more. Looks at every queue: not for each.
  [[nodiscard]] std::string dead_letter_source() const;

  /// The message is done: removes it for ever. One CAS; no system call unless a sender sleeps.
  /// Errors: kStaleReceipt (the lease had ended and somebody else has the message), kDeleted.
  Errc acknowledge() noexcept;
  /// Makes the message visible again, at once or after `delay`; its receive count stays.
  Errc release(Duration delay = Duration::zero()) noexcept;
  /// Moves the end of the lease to `timeout` from now (0 to 12 h in all since the receive).
  Errc extend(Duration timeout) noexcept;
  /// Gives the message up to another queue that was opened from the same Bus, with its id, its
  /// times and its receive count, as to a dead-letter queue. Standard queues only. On any error the
  /// lease is as it was: kStaleReceipt, kFull, kNoSpace, kDeleted, kInvalidArgument (one of the
  /// queues is no standard one, or both are one; this lease has given up its view).
  /// Crash: at any instruction exactly one of both queues has it.
  Errc move_to(Queue& to) noexcept;

 private:
  friend class detail::QueueCore;
  struct Fields {
    detail::QueueCore* core = nullptr;
    const std::byte* content = nullptr;
    std::uint64_t position_lap = 0;  ///< lap of the content
    std::uint64_t lease_low = 0;     ///< the lease word as this receive left it
    std::uint64_t lease_high = 0;
    std::uint32_t slot = 0;
    std::uint32_t ring = 0;
    std::uint32_t body_bytes = 0;
    std::uint32_t attribute_bytes = 0;
    std::uint32_t receive_count = 0;
    std::uint32_t hazard = kNoView;
    std::uint64_t received_ns = 0;
  };
  static constexpr std::uint32_t kNoView = ~0u;
  void let_go() noexcept {
    if (fields_.hazard != kNoView) give_up_view();
  }
  void give_up_view() noexcept;
  Errc settled(Errc code) noexcept;
  Fields fields_;
};

/// The result of one receive: up to kCapacity leases inside the object, no allocation.
class Leases {
 public:
  static constexpr std::uint32_t kCapacity = 120;

  Leases() noexcept = default;
  Leases(Leases&& other) noexcept { *this = std::move(other); }
  Leases& operator=(Leases&& other) noexcept {
    if (this != &other) {
      clear();
      for (Lease& lease : other) *emplace() = std::move(lease);
      other.clear();
    }
    return *this;
  }
  ~Leases() { clear(); }

  [[nodiscard]] Lease* begin() noexcept { return at(0); }
  [[nodiscard]] Lease* end() noexcept { return at(count_); }
  [[nodiscard]] Lease& operator[](std::uint32_t index) noexcept { return *at(index); }
  [[nodiscard]] Lease& front() noexcept { return *at(0); }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  void clear() noexcept {
    std::destroy_n(at(0), count_);
    count_ = 0;
  }

 private:
  friend class detail::QueueCore;
  Lease* at(std::uint32_t index) noexcept {
    return std::launder(reinterpret_cast<Lease*>(storage_)) + index;
  }
  Lease* emplace() noexcept { return std::construct_at(at(0) + count_++); }

  std::uint32_t count_ = 0;
  alignas(Lease) std::byte storage_[kCapacity * sizeof(Lease)];  // not initialised on purpose
};

/// Memory for a message that the producer writes in place; Queue::send(Loan&&) makes it visible.
///
/// Lifetime    must not outlive the Queue that lent it.
/// Destructor  abandons the memory unless it was sent.
/// Crash       death before the send: the sweeper takes the memory back.
class RINGPOST_API Loan {
 public:
  Loan() noexcept = default;
  Loan(Loan&& other) noexcept { *this = std::move(other); }
  Loan& operator=(Loan&& other) noexcept {
    if (this != &other) {
      if (core_ != nullptr) abandon();
      core_ = std::exchange(other.core_, nullptr);
      memory_ = other.memory_;
      capacity_ = other.capacity_;
      block_ = other.block_;
      generation_ = other.generation_;
    }
    return *this;
  }
  ~Loan() {
    if (core_ != nullptr) abandon();
  }

  /// The bytes to write: as many as asked for. May be written until the send.
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return memory_; }
  /// Fewer bytes than asked for turned out to be needed.
  void shrink(std::size_t bytes) noexcept {
    memory_ = memory_.first(std::min(bytes, memory_.size()));
  }

 private:
  friend class detail::QueueCore;
  void abandon() noexcept;
  detail::QueueCore* core_ = nullptr;
  std::span<std::byte> memory_;
  std::uint64_t capacity_ = 0;
  std::uint64_t block_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace ringpost
