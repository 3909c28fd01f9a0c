// A child process that is led through a piece of work from one system call to the next, or from
// one instruction to the next, and killed where it stands.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace ringpost::rig {

/// Whether this process may trace its children.
[[nodiscard]] bool tracing_is_allowed();

/// Threads     the one that made it; the process has no other, for it forks.
/// Errors      std::runtime_error: the child ended by itself.
class Traced {
 public:
  using Work = std::function<void()>;

  /// Forks. The child runs `prepare` and stands still before the work that it returns.
  explicit Traced(const std::function<Work()>& prepare);
  Traced(const Traced&) = delete;
  Traced& operator=(const Traced&) = delete;
  ~Traced() { kill(); }

  /// On to just before the next system call, or just after the one before which it stands. False:
  /// the work is done.
  bool to_next_call();
  /// On by one instruction. False: the work is done.
  bool step();
  /// SIGKILL, and waits for the end.
  void kill() noexcept;

 private:
  bool go_on(int request);

  pid_t pid_ = -1;
  bool done_ = false;
};

/// "killed before system call 3": where a child stands after so many stops at system calls.
[[nodiscard]] inline std::string killed_at(std::size_t stops) {
  return "killed " + std::string(stops % 2 == 1 ? "before" : "after") + " system call " +
         std::to_string((stops + 1) / 2);
}

}  // namespace ringpost::rig
