// The processes that the orchestrator starts: this program again, with a role.
#pragma once

#include <cstdint>
#include <string>

namespace ringpost::market_feed {

struct RoleOptions {
  std::string bus;
  int orchestrator = 0;  ///< its process id
  int ledger_descriptor = -1;
  int feed_descriptor = -1;  ///< the unpacked feed
  std::uint32_t phase = 0;   ///< of a feed
  std::uint32_t worker = 0;  ///< the worker's entry in the ledger
};

/// Sends the lines of one phase, from the first whose send has not returned. An exit status.
int run_feed(const RoleOptions& options);
/// Receives, parses, enters into the ledger, acknowledges, until all is finished. An exit status.
int run_worker(const RoleOptions& options);

/// Writes the log of the stream, until all is finished. An exit status.
int run_log_writer(const RoleOptions& options);

/// Of every role: dies with the orchestrator, leaves Ctrl-C to it.
void become_child(int orchestrator);

/// Nanoseconds of CLOCK_MONOTONIC, the same in all processes.
std::uint64_t monotonic_ns() noexcept;

}  // namespace ringpost::market_feed
