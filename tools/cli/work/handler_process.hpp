// One running handler: a process with a group of its own, which ends with us at the latest.
#pragma once

#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <sys/types.h>

#include "descriptor.hpp"

namespace ringpost::cli {

/// The command itself cannot be run; any other trouble is a std::system_error.
class CannotExecute : public std::system_error {
 public:
  using std::system_error::system_error;
};

/// How a handler ended.
struct HandlerEnd {
  std::optional<int> exit_code;
  std::optional<int> signal;  ///< that killed it
  [[nodiscard]] bool is_success() const noexcept { return exit_code == 0; }
};

struct HandlerStart {
  const std::vector<std::string>& command;
  const std::vector<std::string>& environment;
  int input = -1;
  int failures = -1;              ///< becomes its descriptor 3; -1: it gets none
  bool output_to_errors = false;  ///< our standard output is for something else
};

class HandlerProcess {
 public:
  /// Returns once the command is running. Throws CannotExecute, std::system_error.
  explicit HandlerProcess(const HandlerStart& start);
  HandlerProcess(HandlerProcess&& other) noexcept;
  HandlerProcess& operator=(HandlerProcess&&) = delete;
  /// Kills it if it still runs.
  ~HandlerProcess();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable when it has ended: for epoll.
  [[nodiscard]] int descriptor() const noexcept { return pidfd_.number(); }
  /// Signals the handler with everything that it started and that stayed in its group.
  void signal(int number) const noexcept;
  /// Waits for its end, then kills what it left behind in its group.
  HandlerEnd wait() noexcept;

 private:
  pid_t pid_ = -1;  ///< -1: waited for
  Descriptor pidfd_;
};

}  // namespace ringpost::cli
