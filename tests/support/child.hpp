// A child process of a test. It tells what it has done through a pipe, so that nobody sleeps to
// wait for it, and it is gone when the test is.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace ringpost::test {

/// The child's ends of the two pipes.
class Line {
 public:
  Line(int in, int out) noexcept : in_(in), out_(out) {}
  /// Tells the other side.
  void tell(const std::string& word) const;
  /// The next word of the other side; empty when it is gone.
  [[nodiscard]] std::string hear() const;
  void close() noexcept;

 private:
  int in_;
  int out_;
};

class Child {
 public:
  /// Forks. The child runs `body` and ends with status 0, or 1 if `body` throws.
  explicit Child(const std::function<void(const Line&)>& body);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  ///< kills it

  [[nodiscard]] std::string hear() const { return line_.hear(); }
  void tell(const std::string& word) const { line_.tell(word); }
  void kill();                 ///< SIGKILL, and waits for the end
  [[nodiscard]] int finish();  ///< waits for the end; exit status, or minus the signal
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_ = -1;
  Line line_{-1, -1};
};

/// Runs `body` in a child and returns its exit status, or minus the signal that ended it.
[[nodiscard]] int in_child(const std::function<void()>& body);

/// For the body of a child: ends it with status 1 and a line on stderr.
void require(bool condition, const char* what);

}  // namespace ringpost::test
