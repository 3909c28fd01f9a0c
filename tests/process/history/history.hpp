// A history: the logs of all processes put together, one entry for each call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "process/history/record.hpp"

namespace ringpost::history {

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

/// When a call took place. Of a call that never returned ("maybe") only the beginning is known.
struct Interval {
  std::uint64_t invoke = 0;  ///< tickets
  std::uint64_t ret = kNever;
  std::uint64_t invoke_ns = 0;
  std::uint64_t return_ns = kNever;

  [[nodiscard]] bool returned() const noexcept { return ret != kNever; }
  [[nodiscard]] bool over_before(const Interval& other) const noexcept {
    return ret < other.invoke;
  }
};

enum class Outcome : std::uint8_t { kDone, kRefused, kMaybe };

struct Send {
  Interval when;
  MessageKey first;  ///< a batch has consecutive numbers
  std::uint32_t process = 0;
  std::uint32_t count = 1;
  std::uint32_t accepted = 0;  ///< of the front
  std::uint64_t delay_ns = 0;
  Outcome outcome = Outcome::kMaybe;
  Errc result = Errc::kOk;
  MessageId id;             ///< {0, 0} when it was not told
  std::uint32_t group = 0;  ///< of all of the batch; 0: none, a standard queue
};

struct Receive {
  Interval when;
  std::uint32_t process = 0;
  std::uint32_t max_messages = 1;
  std::uint64_t timeout_ns = 0;
  std::uint32_t recorded = 0;  ///< deliveries that stand in the log
  std::uint32_t returned = 0;  ///< as the call said
  Outcome outcome = Outcome::kMaybe;
  Errc result = Errc::kOk;
};

struct Delivery {
  Interval when;  ///< of its receive; a recorded delivery always has a return
  MessageKey key;
  Receipt receipt;
  MessageId id;
  std::uint32_t process = 0;
  std::uint32_t place = 0;  ///< in its batch
  std::uint64_t timeout_ns = 0;
  std::uint32_t group = 0;  ///< as the lease said
  bool damaged = false;
};

/// Acknowledge, release or extend.
struct Settle {
  Interval when;
  MessageKey key;
  Receipt receipt;
  Action action = Action::kNone;
  std::uint32_t process = 0;
  std::uint64_t duration_ns = 0;
  Outcome outcome = Outcome::kMaybe;
  Errc result = Errc::kOk;
};

/// Purge, set, look, sweep.
struct Other {
  Interval when;
  Action action = Action::kNone;
  std::uint32_t process = 0;
  Outcome outcome = Outcome::kMaybe;
  Errc result = Errc::kOk;
  std::uint64_t number = 0;  ///< removed by a purge, claims voided by a sweep
  std::uint32_t count = 0;   ///< dead participants found by a sweep
};

struct History {
  std::vector<Send> sends;
  std::vector<Receive> receives;
  std::vector<Delivery> deliveries;
  std::vector<Settle> settles;
  std::vector<Other> others;
  /// Process → ticket from which it may be gone, because it was killed.
  std::unordered_map<std::uint32_t, std::uint64_t> gone;
  /// Process → ticket after which it certainly did nothing more, and its time.
  std::unordered_map<std::uint32_t, std::uint64_t> dead;
  std::unordered_map<std::uint32_t, std::uint64_t> dead_ns;
  std::vector<std::string> changed_views;
  std::vector<std::string> malformed;  ///< logs that are no evidence, and why
  std::uint64_t stops = 0;
  std::uint64_t kills = 0;

  [[nodiscard]] std::uint64_t operations() const noexcept {
    return sends.size() + receives.size() + settles.size() + others.size();
  }
};

[[nodiscard]] History assemble(std::span<const Log> logs);

[[nodiscard]] std::string to_string(MessageKey key);
[[nodiscard]] std::string to_string(const Interval& when);
[[nodiscard]] const char* name(Action action) noexcept;

}  // namespace ringpost::history
