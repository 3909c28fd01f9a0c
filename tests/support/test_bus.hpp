// A bus in a directory of its own, whose time stands still until the test moves it.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "process/rig/scratch.hpp"
#include "ringpost/ringpost.hpp"

namespace ringpost::test {

class TestBus {
 public:
  static constexpr char kName[] = "test";

  explicit TestBus(BusOptions options = {});

  /// The bus that the test works with.
  [[nodiscard]] Bus& bus() noexcept { return bus_; }
  [[nodiscard]] ManualClock& clock() noexcept { return clock_; }
  /// Another participant, as another process would be.
  [[nodiscard]] Bus attach() const;
  [[nodiscard]] Queue queue(std::string_view name = "q", const QueueSettings& settings = {});
  [[nodiscard]] const BusOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::string path(const std::string& file) const;
  [[nodiscard]] const rig::Scratch& scratch() const noexcept { return scratch_; }

  /// Findings of the doctor, a line each; empty when all is well.
  [[nodiscard]] std::string findings() const;
  /// The doctor after a sweep.
  [[nodiscard]] std::string findings_after_sweep();

  /// Returns when a receiver of that queue is about to sleep, or asleep.
  void wait_for_sleeping_receiver(const std::string& queue);
  void wait_for_sleeping_sender(const std::string& queue);

 private:
  rig::Scratch scratch_;
  ManualClock clock_;
  BusOptions options_;
  Bus bus_;
};

/// The bodies of what a receive gives now, in order; the leases are left to run.
[[nodiscard]] std::vector<std::string> bodies(Queue& queue, std::uint32_t max_messages = 10);
/// Receives one message and gives up its bytes but not its lease.
[[nodiscard]] Receipt receive_one(Queue& queue);
/// Receives and acknowledges until nothing is visible; the bodies in order.
[[nodiscard]] std::vector<std::string> drain(Queue& queue);
/// Sends until the queue is full; returns how many.
[[nodiscard]] std::size_t fill(Queue& queue, std::string_view body = "x");

/// The code that a call gave, for EXPECT_EQ.
template <class T>
[[nodiscard]] Errc code_of(const Result<T, Errc>& result) {
  return result ? Errc::kOk : result.error();
}
template <class T>
[[nodiscard]] Errc code_of(const Result<T>& result) {
  return result ? Errc::kOk : result.error().code;
}

}  // namespace ringpost::test

namespace ringpost {
/// gtest prints a code by its name.
inline void PrintTo(Errc code, std::ostream* out) { *out << name(code); }
}  // namespace ringpost
