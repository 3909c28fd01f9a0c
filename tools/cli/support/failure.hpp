// What ends a verb early: an error with the next step for the user, and the exit codes.
#pragma once

#include <exception>
#include <string>

#include "ringpost/errc.hpp"

namespace ringpost::cli {

/// Exit codes of every verb; documented in docs/cli.md and in `ringpost --help`.
enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kEmpty = 3,              ///< no message, within the time given
  kFull = 4,               ///< the queue or the shared memory is full
  kNotFound = 5,           ///< no bus or queue of that name, or it was deleted meanwhile
  kFindings = 6,           ///< doctor found something
  kOverBudget = 7,         ///< bench: the latency budget was exceeded
  kStale = 8,              ///< the receipt no longer stands for its message
  kReturned = 9,           ///< work: messages whose handlers failed are back in the queue
  kCannotRun = 126,        ///< work: the command is there and cannot be run
  kCommandNotFound = 127,  ///< work: there is no such command
  kSignal = 128,           ///< plus the signal: 130 after Ctrl-C
  kClosedPipe = 141,
};

/// An error for people: what is wrong, and what to do next.
class Failure : public std::exception {
 public:
  Failure(ExitCode exit_code, std::string code, std::string text, std::string hint)
      : exit_code_(exit_code),
        code_(std::move(code)),
        text_(std::move(text)),
        hint_(std::move(hint)) {}

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] ExitCode exit_code() const noexcept { return exit_code_; }
  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  ExitCode exit_code_;
  std::string code_;
  std::string text_;
  std::string hint_;
};

/// Whoever reads our output has gone: nothing to say, and nobody to say it to.
class ClosedPipe : public std::exception {};

/// Ctrl-C or SIGTERM ended a wait; the verb prints its summary.
class Interrupted : public std::exception {};

/// What was being worked on, so that a hint can name it.
struct Subject {
  std::string doing;  ///< "send to queue orders"
  std::string bus;
  std::string queue;
};

Failure usage_failure(std::string text, std::string hint);
/// The failure for a code of the library; `details` replaces its general sentence when not empty.
Failure failure_of(Errc code, const Subject& subject, std::string details = {});
Failure failure_of(const Error& error, const Subject& subject);

}  // namespace ringpost::cli
