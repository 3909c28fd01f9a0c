#include "child.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace ringpost::market_feed {

namespace {

/// waitpid that goes on after a signal.
pid_t wait_for(pid_t pid, int& status, int flags) {
  for (;;) {
    const pid_t got = waitpid(pid, &status, flags);
    if (got >= 0 || errno != EINTR) return got;
  }
}

}  // namespace

Child Child::start(std::string name, const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>("ringpost-market-feed")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failure = posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ);
  if (failure != 0) throw std::system_error(failure, std::generic_category(), "start " + name);
  return {std::move(name), pid};
}

Child::Child(Child&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(other.pid_),
      running_(std::exchange(other.running_, false)),
      status_(other.status_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    if (running_) kill();
    name_ = std::move(other.name_);
    pid_ = other.pid_;
    running_ = std::exchange(other.running_, false);
    status_ = other.status_;
  }
  return *this;
}

Child::~Child() {
  if (running_) kill();
}

bool Child::stop() {
  ::kill(pid_, SIGSTOP);
  wait_for(pid_, status_, WUNTRACED);
  running_ = WIFSTOPPED(status_);
  return running_;
}

void Child::go_on() { ::kill(pid_, SIGCONT); }

void Child::kill() {
  ::kill(pid_, SIGKILL);
  wait_for(pid_, status_, 0);
  running_ = false;
}

std::optional<std::string> Child::ended() {
  if (!running_ || wait_for(pid_, status_, WNOHANG) != pid_) return std::nullopt;
  running_ = false;
  if (WIFSIGNALED(status_)) return "signal " + std::to_string(WTERMSIG(status_));
  return "exit status " + std::to_string(WEXITSTATUS(status_));
}

}  // namespace ringpost::market_feed
