// Standard output: buffered, binary-safe, and honest about readers that have gone.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::cli {

/// Writes everything. Throws ClosedPipe when the reader has gone, Interrupted when a signal comes
/// while the reader is slow, Failure on other errors.
void write_all(int descriptor, std::string_view bytes);
/// For standard error: nobody can be told if that does not work.
void write_quietly(int descriptor, std::string_view bytes) noexcept;

class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view bytes);
  void line(std::string_view text) {
    write(text);
    write("\n");
  }
  /// After it returns the bytes are with the reader or in its pipe.
  void flush();

 private:
  std::string pending_;
};

}  // namespace ringpost::cli
