// A named pipe between a test and the handlers that its pool runs: who waits for whom is certain.
#pragma once

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringpost::cli_test {

class Fifo {
 public:
  explicit Fifo(std::string path) : path_(std::move(path)) {
    if (mkfifo(path_.c_str(), 0600) != 0) std::abort();
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Waits until somebody has it open for writing.
  void open_for_reading() { descriptor_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC); }
  /// Waits for a line, or for the end: "" when nobody has it open for writing any more.
  [[nodiscard]] std::string read_line() const {
    std::string line;
    for (char c = 0; read(descriptor_, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  /// Whoever reads from it gets this, now or later.
  void write(const std::string& text) {
    if (descriptor_ < 0) descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (::write(descriptor_, text.data(), text.size()) < 0) std::abort();
  }

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace ringpost::cli_test
