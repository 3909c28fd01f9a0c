// The duty cycle of the daemon: find buses, sweep each, write the logs of their streams and durable
// queues, let go of buses that nobody uses.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "config.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::daemon {

/// What was done since the start.
struct Totals {
  std::uint64_t turns = 0;
  std::uint64_t dead_participants = 0;
  std::uint64_t leases_returned = 0;
  std::uint64_t messages_moved = 0;
};

/// Threads  one.
class Conductor {
 public:
  explicit Conductor(Config config) : config_(std::move(config)) {}

  /// Opens the buses that it was told of. An error ends the daemon: it was told wrongly.
  Result<void> begin();
  /// One turn of the duty cycle. Its errors are logged, once each, and tried again.
  void turn();
  /// Lets go of everything; what is pending is written first.
  void end();

  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  [[nodiscard]] std::string status() const;

 private:
  /// A bus that the daemon is attached to.
  struct Post {
    Bus bus;
    bool kept = false;  ///< by name: not let go of when nobody else is attached
    std::map<std::string, LogWriter> writers{};  ///< by "stream <name>" and "queue <name>"
  };
  void find_buses();
  void sweep(Post& post);
  void write_logs(Post& post);
  template <class Open>
  void start_writer(Post& post, const std::string& what, Open&& open);
  void complain(const std::string& about, const Error& error);
  [[nodiscard]] static bool is_alone(const Post& post);
  [[nodiscard]] std::size_t writers() const noexcept;

  Config config_;
  std::map<std::string, Post> posts_;
  std::map<std::string, std::string> complaints_;  ///< last one about each
  Totals totals_;
};

}  // namespace ringpost::daemon
