#include "process/rig/traced.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

namespace ringpost::rig {
namespace {

int wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("no such child");
  return status;
}

/// Stands still before the work and after it.
[[noreturn]] void run(const std::function<Traced::Work()>& prepare) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    const Traced::Work work = prepare();
    if (::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    work();
    ::raise(SIGSTOP);
    ::_exit(0);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "traced child: %s\n", failure.what());
  }
  ::_exit(1);
}

}  // namespace

bool tracing_is_allowed() {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  bool allowed = WIFSTOPPED(wait_for(child));
  if (!allowed) return false;
  allowed = ::ptrace(PTRACE_SINGLESTEP, child, 0, 0) == 0 && WIFSTOPPED(wait_for(child));
  ::kill(child, SIGKILL);
  static_cast<void>(wait_for(child));
  return allowed;
}

Traced::Traced(const std::function<Work()>& prepare) {
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no child");
  if (pid_ == 0) run(prepare);
  if (!WIFSTOPPED(wait_for(pid_))) {
    pid_ = -1;
    throw std::runtime_error("the child could not prepare its work");
  }
  ::ptrace(PTRACE_SETOPTIONS, pid_, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
}

bool Traced::to_next_call() { return go_on(PTRACE_SYSCALL); }
bool Traced::step() { return go_on(PTRACE_SINGLESTEP); }

bool Traced::go_on(int request) {
  if (done_) return false;
  if (::ptrace(static_cast<__ptrace_request>(request), pid_, 0, 0) != 0) {
    throw std::runtime_error("the child cannot be led on");
  }
  const int status = wait_for(pid_);
  if (!WIFSTOPPED(status)) {
    pid_ = -1;
    throw std::runtime_error("the child failed at its work");
  }
  done_ = WSTOPSIG(status) == SIGSTOP;
  return !done_;
}

void Traced::kill() noexcept {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
}

}  // namespace ringpost::rig
