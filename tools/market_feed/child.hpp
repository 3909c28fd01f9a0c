// A process that the orchestrator has started, and what it can do to it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace ringpost::market_feed {

/// Owns the process: the destructor kills it if it still runs.
class Child {
 public:
  /// Starts this program again with `arguments`. Throws std::system_error.
  static Child start(std::string name, const std::vector<std::string>& arguments);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running() const noexcept { return running_; }

  /// SIGSTOP; returns when the process stands still. False: it has ended instead.
  bool stop();
  /// SIGCONT.
  void go_on();
  /// SIGKILL; returns when the process is gone.
  void kill();
  /// How it ended ("exit status 2", "signal 11"), if it has since the last look.
  std::optional<std::string> ended();
  /// It ended by itself with exit status 0.
  [[nodiscard]] bool succeeded() const noexcept { return !running_ && status_ == 0; }

 private:
  Child(std::string name, pid_t pid) : name_(std::move(name)), pid_(pid), running_(true) {}
  std::string name_;
  pid_t pid_ = 0;
  bool running_ = false;
  int status_ = 0;
};

}  // namespace ringpost::market_feed
