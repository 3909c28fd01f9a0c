// The rig's machine: runs code compiled with -fsanitize=thread one shared access at a time.
//
// The compiler turns every load, store and atomic operation of such code into a call of
// __tsan_*; tsan_hooks.cpp answers those calls. Outside a fiber, or on memory that is not shared,
// the access just happens. Inside a fiber an access to shared memory is a *point*: the machine may
// suspend the fiber there, before the access, and let others go first, for a while or for ever.
//
// Threads     one. Everything, also setup and checks, belongs to the thread of the machine.
// Memory      sequentially consistent; with store buffers (RunLimits::delay_store) total store
//             order. Weaker orders are not explored.
// Not seen    inline assembly, system calls, libraries compiled without the hooks, and with g++
//             __builtin_memcpy of a constant size above 16 bytes (std::memcpy is seen).
// Leaks       a killed fiber's objects are never destroyed: on purpose.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rig/fiber.hpp"
#include "rig/store_buffer.hpp"
#include "rig/trace.hpp"

namespace ringpost::rig {

/// What run() may do before it gives control back.
struct RunLimits {
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  bool single_step = false;          ///< stop at the next point
  bool stop_at_pause = false;        ///< also without single steps
  bool delay_store = false;          ///< the pending store goes into the store buffer
  std::uint64_t steps_max = kNone;   ///< of the fiber since spawn(); then Stop::kOutOfSteps
  std::uint64_t stores_max = kNone;  ///< stop before a store when so many have been made
  std::uint64_t stop_at = kNone;     ///< stop when the fiber's steps are so many
  const std::vector<Access>* watched = nullptr;  ///< stop before what conflicts with one of these
};

enum class Stop : std::uint8_t {
  kNotStarted,
  kAtAccess,  ///< before pending()
  kPaused,    ///< in cpu_pause(): it waits for somebody (if single_step or stop_at_pause)
  kFinished,
  kOutOfSteps,
  kFailed,  ///< fail() or an exception; Machine::failure() says what
  kKilled,
};

class Machine {
 public:
  static Machine& get() noexcept { return machine_; }

  // ---- the memory of a case -------------------------------------------------------------------
  /// Forgets fibers, shared ranges, trace and failure.
  void reset() noexcept;
  /// Accesses to these bytes are points from now on.
  void share(const void* begin, std::size_t bytes);
  /// memcpy and memset on shared bytes are at most so many accesses; at least 1. A value large
  /// enough makes every 8 bytes one. Survives reset().
  void set_range_pieces_max(std::uint32_t pieces) noexcept { range_pieces_max_ = pieces; }

  /// Off: a membarrier does nothing, as where the kernel has none. Survives reset().
  void set_barriers(bool on) noexcept { barriers_ = on; }
  [[nodiscard]] bool has_barriers() const noexcept { return barriers_; }

  // ---- fibers -----------------------------------------------------------------------------------
  /// `body` outlives the fiber. Returns its index: 0, 1, … since reset().
  std::size_t spawn(const std::function<void()>& body);
  [[nodiscard]] std::size_t fibers() const noexcept { return fiber_count_; }
  /// Makes the pending access of a fiber that is not finished or killed, and goes on.
  Stop run(std::size_t fiber, const RunLimits& limits);
  /// From setup: a fiber that nobody counts, and that stands still for ever as soon as `until` says
  /// so at one of its accesses. It is a failure if it ends before.
  void run_apart(const std::function<void()>& body, const std::function<bool()>& until);
  /// Never runs again. What it stored becomes visible, as the kernel sees to.
  void kill(std::size_t fiber) noexcept;

  [[nodiscard]] Stop state(std::size_t fiber) const noexcept { return fibers_[fiber]->state; }
  [[nodiscard]] const Access& pending(std::size_t fiber) const noexcept {
    return fibers_[fiber]->pending;
  }
  /// The pending access would change memory, as memory is now.
  [[nodiscard]] bool would_store(std::size_t fiber) const noexcept {
    return stores_now(fibers_[fiber]->pending);
  }
  [[nodiscard]] std::uint64_t steps(std::size_t fiber) const noexcept {
    return fibers_[fiber]->steps;
  }
  [[nodiscard]] std::uint64_t stores(std::size_t fiber) const noexcept {
    return fibers_[fiber]->stores;
  }
  [[nodiscard]] const StoreBuffer& buffer(std::size_t fiber) const noexcept {
    return fibers_[fiber]->buffer;
  }
  /// The oldest buffered store of a suspended fiber becomes visible.
  void flush_oldest(std::size_t fiber);
  void flush_all();
  /// Rises with every visible store that changes something.
  [[nodiscard]] std::uint64_t stores_visible() const noexcept { return stores_visible_; }

  // ---- reports ----------------------------------------------------------------------------------
  /// Records the first failure; in a fiber it does not return.
  void fail(std::string text);
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] Trace& trace() noexcept { return trace_; }

  // ---- for the hooks ----------------------------------------------------------------------------
  [[nodiscard]] bool in_fiber() const noexcept { return current_ != nullptr; }
  /// In a fiber: which one.
  [[nodiscard]] std::size_t current() const noexcept { return current_index_; }
  [[nodiscard]] bool observes(const volatile void* address, std::size_t bytes) const noexcept {
    return current_ != nullptr && may_be_shared(address, bytes) && is_shared(address, bytes);
  }
  [[nodiscard]] std::size_t piece_bytes(std::size_t bytes) const noexcept;
  /// The running fiber is about to make this access; returns when it may.
  void point(const Access& access);
  void pause();
  void full_fence();

  /// For judges: looks at shared memory from within a fiber as if nobody did. It must not store.
  template <class Look>
  auto unobserved(Look&& look) {
    Fiber* const fiber = std::exchange(current_, nullptr);
    auto seen = look();
    current_ = fiber;
    return seen;
  }

 private:
  struct Fiber {
    Stack stack;
    Context context;
    const std::function<void()>* body = nullptr;
    Stop state = Stop::kNotStarted;
    Access pending;
    std::uint64_t steps = 0;
    std::uint64_t stores = 0;
    bool storing = false;       ///< the access just made was an unbuffered store
    std::byte before[16] = {};  ///< of that store: what was there
    StoreBuffer buffer;
  };
  static constexpr std::size_t kPages = 4096;
  static constexpr unsigned kPageBits = 12;
  [[nodiscard]] static std::size_t page_of(const volatile void* address) noexcept {
    return (reinterpret_cast<std::uintptr_t>(address) >> kPageBits) % kPages;
  }
  [[nodiscard]] bool may_be_shared(const volatile void* address, std::size_t bytes) const noexcept {
    const auto* begin = static_cast<const std::byte*>(const_cast<const void*>(address));
    return bytes > std::size_t{1} << kPageBits || shared_pages_[page_of(begin)] ||
           shared_pages_[page_of(begin + bytes - 1)];
  }
  struct Range {
    const std::byte* begin;
    const std::byte* end;
  };

  static void fiber_main(void* machine);
  [[nodiscard]] bool is_shared(const volatile void* address, std::size_t bytes) const noexcept;
  [[nodiscard]] static bool stores_now(const Access& access) noexcept;
  [[nodiscard]] bool stops_at(const Fiber& fiber) const noexcept;
  void suspend(Fiber& fiber, Stop why);
  void begin_access(Fiber& fiber);
  void settle(Fiber& fiber);
  void commit_shown(Fiber& fiber);

  static Machine machine_;  // before its construction the hooks see zeroed bytes: no fiber

  Fiber* current_ = nullptr;
  RunLimits limits_;
  Context main_;
  std::vector<Range> ranges_;
  std::bitset<kPages> shared_pages_;  ///< by the number of the page: none of others is shared
  std::vector<std::unique_ptr<Fiber>> fibers_;  // the first fiber_count_ are in use
  std::size_t fiber_count_ = 0;
  std::size_t current_index_ = 0;
  std::uint64_t stores_visible_ = 0;
  std::uint32_t range_pieces_max_ = 2;
  bool barriers_ = true;
  std::string failure_;
  Trace trace_;
};

/// Shorthands for scenarios.
inline void share(const void* begin, std::size_t bytes) { Machine::get().share(begin, bytes); }
inline void fail(std::string text) { Machine::get().fail(std::move(text)); }

}  // namespace ringpost::rig
