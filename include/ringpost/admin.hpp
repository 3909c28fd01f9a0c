// Looking at a whole bus without disturbing it, and checking that all its invariants hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/bus.hpp"

namespace ringpost {

struct ParticipantInfo {
  std::uint32_t index = 0;
  std::uint64_t incarnation = 0;
  std::int32_t pid = 0;  ///< as it said when it attached: for people, never for decisions
  std::string command;
  bool alive = false;
  std::uint32_t messages_held = 0;  ///< in-place views
};

struct ArenaInfo {
  std::uint64_t bytes = 0;       ///< reserved
  std::uint64_t bytes_used = 0;  ///< in blocks that hold a message or a loan
  std::uint64_t bytes_max = 0;
  std::uint64_t blocks = 0;
  std::uint64_t blocks_used = 0;
};

struct BusInfo {
  std::string name;
  std::string directory;
  std::uint32_t format_version = 0;
  std::uint32_t participants_max = 0;
  std::vector<ParticipantInfo> participants;
  ArenaInfo arena;
};

/// One invariant that does not hold.
struct Finding {
  std::string object;  ///< "queue orders, ring 0, slot 17"
  std::string what;    ///< what is wrong
  std::string repair;  ///< what to do about it; empty when the sweeper repairs it
};

/// Deliveries of publishers that died, to a queue that has had no room for them yet. No fault:
/// whoever receives from that queue makes room, and the next sweep delivers.
struct WaitingDeliveries {
  std::string queue;
  std::uint64_t count = 0;
};

struct DoctorReport {
  std::vector<Finding> findings;
  std::vector<WaitingDeliveries> waiting;
  std::uint64_t queues_checked = 0;
  std::uint64_t topics_checked = 0;
  std::uint64_t streams_checked = 0;
  std::uint64_t subscriptions_checked = 0;
  std::uint64_t slots_checked = 0;
  std::uint64_t blocks_checked = 0;
};

RINGPOST_API BusInfo inspect(const Bus& bus);

/// Names of the durable queues, also of those that nobody has opened since shared memory was lost:
/// Bus::open_queue() brings them back.
RINGPOST_API std::vector<std::string> durable_queues(const Bus& bus);

/// Checks every invariant of the bus, read-only. On a bus in use a state that is about to pass is
/// looked at again before it is reported.
RINGPOST_API DoctorReport examine(const Bus& bus);

}  // namespace ringpost
