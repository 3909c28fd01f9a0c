// A flow of control with a stack of its own, switched by hand: a few nanoseconds a switch.
//
// Everything runs in one thread, so a run is deterministic. A flow that is never resumed again is
// simply forgotten: its stack is used anew, and what lay on it is never destroyed. That is what
// being killed means here.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || defined(RINGPOST_RIG_UCONTEXT)
#define RINGPOST_RIG_USES_UCONTEXT 1
#include <ucontext.h>
#endif

namespace ringpost::rig {

/// A mapping with a guard page below it, so that an overflow faults instead of corrupting.
class Stack {
 public:
  static constexpr std::size_t kBytes = 256 * 1024;

  Stack();
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  [[nodiscard]] std::byte* end() const noexcept { return begin_ + kBytes; }

 private:
  std::byte* begin_ = nullptr;
};

/// Where a suspended flow goes on.
///
/// Threads     one; both sides of a switch belong to it.
/// Exceptions  none may leave `entry`, and none may be in flight during a switch.
class Context {
 public:
  /// Makes the next switch_to(*this) call entry(argument) on `stack`; `entry` never returns.
  void prepare(Stack& stack, void (*entry)(void*), void* argument) noexcept;

  /// Suspends the running flow in `from` and goes on in `to`.
  static void switch_to(Context& from, Context& to) noexcept;

 private:
#if defined(RINGPOST_RIG_USES_UCONTEXT)
  ucontext_t context_{};
#else
  void* stack_pointer_ = nullptr;
#endif
};

}  // namespace ringpost::rig
