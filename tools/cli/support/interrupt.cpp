#include "interrupt.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "failure.hpp"

namespace ringpost::cli {
namespace {

std::atomic<int> first_signal{0};
std::atomic<int> noted{0};
std::atomic<int> to_note{1};
int pipe_ends[2] = {-1, -1};

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

/// Whoever started us with a signal ignored (nohup) meant it.
void answer_with(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (const int number : kSignals) {
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
}

extern "C" void note_signal(int number) {
  const int saved_errno = errno;
  int none = 0;
  first_signal.compare_exchange_strong(none, number);
  if (noted.fetch_add(1) + 1 >= to_note.load()) answer_with(SIG_DFL);
  // A full pipe is as readable as one more byte would make it.
  const char byte = static_cast<char>(number);
  if (write(pipe_ends[1], &byte, 1) < 0) errno = 0;
  errno = saved_errno;
}

}  // namespace

void catch_interrupts(int count) {
  if (pipe_ends[0] < 0 && pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Failure(ExitCode::kError, "System", "cannot open a pipe",
                  "raise the number of open files: ulimit -n 1024");
  }
  to_note.store(count);
  answer_with(note_signal);
}

bool interrupted() noexcept { return noted.load() != 0; }

int interrupting_signal() noexcept { return first_signal.load(); }

int interrupt_descriptor() noexcept { return pipe_ends[0]; }

void stop_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

void sleep_or_stop(Duration duration) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + duration;
  while (true) {
    stop_if_interrupted();
    const auto left = std::chrono::duration_cast<Duration>(end - Clock::now());
    if (left <= Duration::zero()) return;
    pollfd waiter{interrupt_descriptor(), POLLIN, 0};
    const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    ppoll(&waiter, 1, &timeout, nullptr);
  }
}

}  // namespace ringpost::cli
