// Which leases a consumer takes: the rules of the Kinesis client library, on what one look at the
// table of leases has shown. Nothing here reads a clock or shared memory.
//
//   target  leases / consumers, rounded up: so many each consumer should have
//   free    of nobody, or of an owner that is dead or has not renewed it for `failover`
//   steal   when nothing is free: from the one with the most leases, one at a time
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stream/lease_word.hpp"

namespace ringpost::stream {

/// One lease as a consumer sees it.
struct LeaseSight {
  std::uint32_t shard = 0;
  LeaseWord word{};
  std::uint64_t unchanged_since_ns = 0;  ///< by the looker's own clock
  bool owner_is_dead = false;
  bool is_ready = false;   ///< every parent is finished, it is not
  bool is_wanted = false;  ///< by another consumer, which lives
};

struct BalanceRules {
  std::uint64_t failover_ns = 0;
  std::uint32_t leases_max = UINT32_MAX;  ///< that this consumer takes
  bool may_steal = true;
};

struct Balance {
  std::uint32_t leases = 0;  ///< that are ready
  std::uint32_t consumers = 0;
  std::uint32_t target = 0;
  std::vector<std::uint32_t> take{};     ///< shards, in the order in which to try
  std::optional<std::uint32_t> steal{};  ///< the shard whose owner is to be asked
};

[[nodiscard]] bool is_free(const LeaseSight& sight, std::uint64_t now_ns,
                           std::uint64_t failover_ns) noexcept;

/// What the consumer `me` should do. Consumers that look at the same moment try in different
/// orders, each always in its own.
[[nodiscard]] Balance balance(std::span<const LeaseSight> sights, LeaseOwner me,
                              const BalanceRules& rules, std::uint64_t now_ns);

}  // namespace ringpost::stream
