#include "rig/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace ringpost::rig {
namespace {
constexpr std::size_t kGuardBytes = 4096;
}

Stack::Stack() {
  void* memory = mmap(nullptr, kBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    std::perror("rig: no memory for a fiber's stack");
    std::abort();
  }
  begin_ = static_cast<std::byte*>(memory) + kGuardBytes;
}

Stack::~Stack() { munmap(begin_ - kGuardBytes, kBytes + kGuardBytes); }

#if defined(RINGPOST_RIG_USES_UCONTEXT)

namespace {
// makecontext passes ints only: a pointer travels in two halves.
void enter(unsigned entry_high, unsigned entry_low, unsigned high, unsigned low) {
  const auto join = [](unsigned h, unsigned l) { return std::uintptr_t{h} << 32 | l; };
  reinterpret_cast<void (*)(void*)>(join(entry_high, entry_low))(
      reinterpret_cast<void*>(join(high, low)));
}
}  // namespace

void Context::prepare(Stack& stack, void (*entry)(void*), void* argument) noexcept {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack.begin();
  context_.uc_stack.ss_size = Stack::kBytes;
  context_.uc_link = nullptr;
  const auto high = [](auto p) {
    return static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(p) >> 32);
  };
  const auto low = [](auto p) {
    return static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(p));
  };
  makecontext(&context_, reinterpret_cast<void (*)()>(enter), 4, high(entry), low(entry),
              high(argument), low(argument));
}

void Context::switch_to(Context& from, Context& to) noexcept {
  swapcontext(&from.context_, &to.context_);
}

#else

extern "C" void ringpost_rig_switch(void** save, void* load);
extern "C" void ringpost_rig_enter();

// The callee-saved registers and the return address are the whole state. A new stack returns into
// ringpost_rig_enter with entry in r13 and its argument in r12.
asm(R"(
    .text
    .p2align 4
    .hidden ringpost_rig_switch
    .globl ringpost_rig_switch
    .type ringpost_rig_switch, @function
ringpost_rig_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size ringpost_rig_switch, .-ringpost_rig_switch

    .p2align 4
    .hidden ringpost_rig_enter
    .globl ringpost_rig_enter
    .type ringpost_rig_enter, @function
ringpost_rig_enter:
    movq %r12, %rdi
    call *%r13
    ud2
    .size ringpost_rig_enter, .-ringpost_rig_enter
)");

void Context::prepare(Stack& stack, void (*entry)(void*), void* argument) noexcept {
  // From low to high as popped: r15 r14 r13 r12 rbx rbp, return address, two words of padding
  // that leave the stack aligned to 16 at the call.
  auto** top = reinterpret_cast<void**>(stack.end()) - 9;
  for (int i = 0; i < 9; ++i) top[i] = nullptr;
  top[2] = reinterpret_cast<void*>(entry);
  top[3] = argument;
  top[6] = reinterpret_cast<void*>(&ringpost_rig_enter);
  stack_pointer_ = top;
}

void Context::switch_to(Context& from, Context& to) noexcept {
  ringpost_rig_switch(&from.stack_pointer_, to.stack_pointer_);
}

#endif

}  // namespace ringpost::rig
