#include "process/rig/control.hpp"

#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <new>

namespace ringpost::rig {

namespace {

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, const timespec& at_most) {
  syscall(SYS_futex, &word, FUTEX_WAIT, seen, &at_most, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::uint64_t read_clock(clockid_t id) noexcept {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

void Control::set_phase(Phase phase) noexcept {
  phase_word.store(static_cast<std::uint32_t>(phase));
  futex_wake(phase_word);
}

void Control::await_change_of(Phase phase) noexcept {
  const auto word = static_cast<std::uint32_t>(phase);
  while (phase_word.load() == word) futex_wait(phase_word, word, {1, 0});
}

void Control::count_operation(Place& place) noexcept {
  place.operations.fetch_add(1, std::memory_order_relaxed);
  const auto number = operations.fetch_add(1, std::memory_order_relaxed) + 1;
  if (number == wake_at.load(std::memory_order_relaxed)) wake_parent();
}

void Control::wake_parent() noexcept {
  parent_word.fetch_add(1);
  futex_wake(parent_word);
}

void Control::await_wake(std::uint32_t seen_word) noexcept {
  futex_wait(parent_word, seen_word, {0, 1'000'000});
}

void Control::post(history::MessageKey key, const Receipt& receipt, std::uint64_t random) noexcept {
  MailboxCell& cell = mailbox[random % std::size(mailbox)];
  std::uint32_t state = MailboxCell::kFree;
  if (!cell.state.compare_exchange_strong(state, MailboxCell::kFilling)) return;
  cell.key = key;
  cell.receipt = receipt;
  cell.state.store(MailboxCell::kFull);
}

std::optional<Control::Mail> Control::take(std::uint64_t random) noexcept {
  for (std::uint64_t i = 0; i < 8; ++i) {
    MailboxCell& cell = mailbox[(random + i) % std::size(mailbox)];
    std::uint32_t state = MailboxCell::kFull;
    if (!cell.state.compare_exchange_strong(state, MailboxCell::kTaking)) continue;
    const Mail mail{cell.key, cell.receipt};
    cell.state.store(MailboxCell::kFree);
    return mail;
  }
  return std::nullopt;
}

void ControlDeleter::operator()(Control* control) const noexcept {
  control->~Control();
  munmap(control, sizeof(Control));
}

SharedControl make_shared_control() {
  void* memory =
      mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return SharedControl(new (memory) Control);
}

std::uint64_t SystemClock::monotonic_ns() const noexcept { return read_clock(CLOCK_MONOTONIC); }
std::uint64_t SystemClock::wall_ns() const noexcept { return read_clock(CLOCK_REALTIME); }

}  // namespace ringpost::rig
