// Who is noisy: how many messages each tenant has in flight, about.
//
// A tenant is what a message's group id names; here it is a cell of a table, chosen by the hash of
// that id. Two tenants of one cell count as one: each is served as late as the noisier of the two.
//
// Nothing hangs on these words but the order in which messages are served. Whoever leases a message
// counts it before that, whoever ends a lease counts after that: no count is lost among the living.
// A death in between leaves one that is too high, until a sweep counts anew.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "ring/ring_view.hpp"

namespace ringpost::fair {

/// A tenant without a name: of a message without a group id, which is a tenant of its own.
inline constexpr std::uint64_t kNobody = 0;

/// messages in flight (24) · noisy (1) · since when none is in flight, in seconds (39).
struct Tenant {
  std::uint64_t word = 0;
  static constexpr unsigned kCountBits = 24;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
  static constexpr std::uint64_t kNoisy = std::uint64_t{1} << kCountBits;
  static constexpr std::uint64_t kSecond = 100'000;  ///< in deadline units

  [[nodiscard]] constexpr std::uint32_t in_flight() const noexcept {
    return static_cast<std::uint32_t>(word & kCountMask);
  }
  [[nodiscard]] constexpr bool noisy() const noexcept { return (word & kNoisy) != 0; }
  [[nodiscard]] constexpr std::uint64_t idle_since() const noexcept {
    return word >> (kCountBits + 1);
  }
  [[nodiscard]] constexpr Tenant with_count(std::uint64_t count) const noexcept {
    return {(word & ~kCountMask) | (count < kCountMask ? count : kCountMask)};
  }
  [[nodiscard]] constexpr Tenant with_noisy(bool noisy) const noexcept {
    return {noisy ? word | kNoisy : word & ~kNoisy};
  }
  [[nodiscard]] constexpr Tenant idle_from(std::uint64_t now) const noexcept {
    const std::uint64_t low = word & (kNoisy | kCountMask);
    return {low | now / kSecond << (kCountBits + 1)};
  }
};

/// The table of one ring. Times in deadline units.
///
/// Threads     any number.
/// Blocking    never.
/// Crash       see above.
class Tenants {
 public:
  /// sqs.md, G02 and G04.
#if defined(RINGPOST_RIG)
  static constexpr std::uint32_t kNoisyLeast = 2;  // its rings are small
#else
  static constexpr std::uint32_t kNoisyLeast = 30;
#endif
  static constexpr std::uint64_t kNoisyShare = 10;       ///< more than one in so many
  static constexpr std::uint64_t kForgottenAfter = 300;  ///< seconds without one in flight

  explicit Tenants(const ring::RingView& view) noexcept : view_(view) {}

  /// Before a lease; if that is lost, ended().
  void begins(std::uint64_t key) const noexcept {
    view_.hot().in_flight.fetch_add(1, std::memory_order_relaxed);  // relaxed: only a count
    if (key == kNobody) return;
    change(key, [](Tenant it) { return it.with_count(it.in_flight() + std::uint64_t{1}); });
  }
  /// After the end of a lease, in whichever way.
  void ended(std::uint64_t key, std::uint64_t now) const noexcept {
    auto& all = view_.hot().in_flight;
    std::uint64_t seen = all.load(std::memory_order_relaxed);  // relaxed: only a count
    while (seen != 0 && !all.compare_exchange_weak(seen, seen - 1, std::memory_order_relaxed)) {
    }
    if (key == kNobody) return;
    change(key, [now](Tenant it) {
      if (it.in_flight() == 0) return it;
      const Tenant fewer = it.with_count(it.in_flight() - std::uint64_t{1});
      return fewer.in_flight() == 0 ? fewer.idle_from(now) : fewer;
    });
  }
  /// Nothing of the tenant waits any more.
  void consumed(std::uint64_t key) const noexcept {
    if (key == kNobody || !Tenant{load(key)}.noisy()) return;
    change(key, [](Tenant it) { return it.with_noisy(false); });
  }

  [[nodiscard]] std::uint32_t in_flight(std::uint64_t key) const noexcept {
    return Tenant{load(key)}.in_flight();
  }
  /// Noisy is who holds a tenth of what is in flight; and, if something `waits` then, from then on
  /// until that is consumed or nothing has been in flight for minutes.
  [[nodiscard]] bool is_noisy(std::uint64_t key, bool waits, std::uint64_t now) const noexcept;

  [[nodiscard]] std::uint32_t cells() const noexcept { return view_.geometry().tenants; }
  /// By the lease words. `counts`: room for cells() of them. Whoever leases or settles meanwhile
  /// may be counted twice or not at all.
  void count_anew(std::span<std::uint32_t> counts) const noexcept;

 private:
  [[nodiscard]] std::atomic<std::uint64_t>& cell(std::uint64_t key) const noexcept {
    return view_.tenant(static_cast<std::uint32_t>(key) & (cells() - 1));
  }
  [[nodiscard]] std::uint64_t load(std::uint64_t key) const noexcept {
    return cell(key).load(std::memory_order_relaxed);  // relaxed: only a count
  }
  template <class Change>
  void change(std::uint64_t key, Change&& to) const noexcept {
    auto& word = cell(key);
    Tenant seen{word.load(std::memory_order_relaxed)};  // relaxed: only a count
    while (!word.compare_exchange_weak(seen.word, to(seen).word, std::memory_order_relaxed)) {
    }
  }

  const ring::RingView& view_;
};

}  // namespace ringpost::fair
