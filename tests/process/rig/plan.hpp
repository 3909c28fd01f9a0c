// Plan: what one run does. Everything in it follows from its seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "process/rig/client.hpp"
#include "ringpost/options.hpp"

namespace ringpost::rig {

enum class Role : std::uint8_t { kProducer, kConsumer, kMixed };

/// Wraps the client of a worker, to plant a bug.
using Wrap = std::function<std::unique_ptr<Client>(std::unique_ptr<Client>, const Clock&)>;

inline std::vector<Role> three_and_three() {
  std::vector<Role> roles(3, Role::kProducer);
  roles.resize(6, Role::kConsumer);
  return roles;
}

struct Plan {
  std::string name;
  std::uint64_t seed = 1;
  std::vector<Role> roles = three_and_three();
  std::uint64_t operations = 10'000;
  std::uint32_t kills = 0;
  std::uint32_t stops = 0;

  QueueSettings settings;
  std::uint32_t participants_max = 24;  ///< few, so that entries are used again and again
  std::uint64_t arena_bytes_max = 64ull << 20;
  bool operation_clock = true;  ///< else the system's
  std::size_t body_bytes_max = 20'000;
  std::uint32_t groups = 0;  ///< of a FIFO queue; 0: a standard one
  bool delays = true;
  std::uint64_t purge_one_in = 300;  ///< chances to purge; 0: never
  bool mail = true;                  ///< receipts are settled by other workers too
  bool tight_limit = false;          ///< now and then sets a small in_flight_max
  Wrap wrap;

  /// Steady work instead of random calls; after each strike all others must get through.
  bool steady = false;
  bool keeps_logs = true;  ///< of a run with faults, for people
};

}  // namespace ringpost::rig
