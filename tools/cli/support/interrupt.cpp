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

std::atomic<int> signal_seen{0};
int pipe_ends[2] = {-1, -1};

extern "C" void note_signal(int number) {
  const int saved_errno = errno;
  signal_seen.store(number);
  // A full pipe is as readable as one more byte would make it.
  if (write(pipe_ends[1], "!", 1) < 0) errno = 0;
  errno = saved_errno;
}

}  // namespace

void catch_interrupts() {
  if (pipe_ends[0] < 0 && pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Failure(ExitCode::kError, "System", "cannot open a pipe",
                  "raise the number of open files: ulimit -n 1024");
  }
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    // Whoever started us with a signal ignored (nohup) meant it.
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
}

bool interrupted() noexcept { return signal_seen.load() != 0; }

int interrupting_signal() noexcept { return signal_seen.load(); }

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
