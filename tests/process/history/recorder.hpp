// Recorder: the log of one process, in a mapped file that survives its SIGKILL.
//
// Order. Events of all processes take a number from one shared counter (the ticket) by a locked
// add: before the call for an invocation, after it for a return. If the return of A has a smaller
// ticket than the invocation of B, then A was over, and its stores visible, before B began: the
// adds are in one order, and each waits for the stores before it. Two readings of a clock do not
// give that: a reading may be taken while the stores before it still wait in the store buffer.
//
// Time. Beside the ticket stands the time of the bus's clock, read before the ticket of an
// invocation and after the ticket of a return: whatever the library read during the call lies
// between the two.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "process/history/record.hpp"
#include "ringpost/clock.hpp"

namespace ringpost::history {

struct Stamp {
  std::uint64_t ticket = 0;
  std::uint64_t time_ns = 0;
};

/// Where stamps come from. Copyable; the counter and the clock are shared and outlive it.
class Stamper {
 public:
  Stamper(std::atomic<std::uint64_t>& tickets, const Clock& clock) noexcept
      : tickets_(&tickets), clock_(&clock) {}

  [[nodiscard]] Stamp before_call() const noexcept {
    const auto time_ns = clock_->monotonic_ns();
    return {tickets_->fetch_add(1) + 1, time_ns};
  }
  [[nodiscard]] Stamp after_call() const noexcept {
    const auto ticket = tickets_->fetch_add(1) + 1;
    return {ticket, clock_->monotonic_ns()};
  }

 private:
  std::atomic<std::uint64_t>* tickets_;
  const Clock* clock_;
};

/// Threads   one writer. The file is created by the parent and filled by its child.
/// Crash     the writer may die at any instruction; read() then gives what was complete.
class Recorder {
 public:
  /// Creates the file with room for `capacity` records; pages are taken as they are written.
  static std::optional<Recorder> create(const std::string& path, std::uint32_t process,
                                        std::uint64_t capacity);
  Recorder(Recorder&& other) noexcept;
  Recorder& operator=(Recorder&&) = delete;
  ~Recorder();

  /// Fills in process and check. Requires room.
  void append(Record record) noexcept;
  [[nodiscard]] bool has_room(std::uint64_t records) const noexcept {
    return written_ + records <= capacity_;
  }
  [[nodiscard]] std::uint32_t process() const noexcept { return process_; }
  /// The log as it stands in the mapping: for the parent, once the writer has ended.
  [[nodiscard]] Log read() const;

 private:
  Recorder(Record* records, std::uint32_t process, std::uint64_t capacity) noexcept
      : records_(records), process_(process), capacity_(capacity) {}

  Record* records_;
  std::uint32_t process_;
  std::uint64_t capacity_;
  std::uint64_t written_ = 0;
};

/// The log in a file that a run left behind.
[[nodiscard]] std::optional<Log> read_log(const std::string& path);
/// The log in `records`: everything up to the first one that is not complete.
[[nodiscard]] Log read_log(const Record* records, std::uint64_t capacity, std::uint32_t process);

}  // namespace ringpost::history
