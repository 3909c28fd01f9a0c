// One line on standard error that says how far a long transfer is; silent unless it is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace ringpost::cli {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `verb` is in the past: "sent". `total_work`, in any unit, lets it tell the time left. `noun`
  /// is what is counted, one of it; empty: bytes alone are.
  Progress(std::string verb, bool shown, std::optional<std::uint64_t> total_work,
           std::string noun = "message");
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// Counts messages or records, and bytes; draws at most ten times a second.
  void add(std::uint64_t count, std::uint64_t bytes, std::uint64_t work);
  /// Removes the line, for other output.
  void clear();

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] double seconds() const;
  /// "sent 1,234 messages (12 KiB) in 2.1 s, 590/s"
  [[nodiscard]] std::string summary() const;

 private:
  void draw();

  std::string verb_;
  std::string noun_;
  bool shown_;
  std::optional<std::uint64_t> total_work_;
  Clock::time_point begin_;
  Clock::time_point drawn_at_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t work_ = 0;
  bool on_screen_ = false;
};

}  // namespace ringpost::cli
