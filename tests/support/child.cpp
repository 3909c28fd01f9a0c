#include "support/child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

namespace ringpost::test {

void Line::tell(const std::string& word) const {
  const std::string line = word + "\n";
  if (::write(out_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("the other side is gone");
  }
}

std::string Line::hear() const {
  std::string word;
  char c = 0;
  while (::read(in_, &c, 1) == 1 && c != '\n') word += c;
  return word;
}

void Line::close() noexcept {
  ::close(in_);
  ::close(out_);
}

Child::Child(const std::function<void(const Line&)>& body) {
  int down[2];
  int up[2];
  if (::pipe(down) != 0 || ::pipe(up) != 0) throw std::runtime_error("no pipe");
  std::fflush(nullptr);  // or the child says again what stands in the buffers
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no child");
  if (pid_ == 0) {
    ::close(down[1]);
    ::close(up[0]);
    int status = 0;
    try {
      body(Line(down[0], up[1]));
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "child: %s\n", failure.what());
      status = 1;
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  ::close(down[0]);
  ::close(up[1]);
  line_ = Line(up[0], down[1]);
}

Child::~Child() {
  kill();
  line_.close();
}

void Child::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  static_cast<void>(finish());
}

int Child::finish() {
  if (pid_ < 0) return 0;
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int in_child(const std::function<void()>& body) {
  return Child([&](const Line&) { body(); }).finish();
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace ringpost::test
