// What `ringpost deliver` tells: lines for people on standard error, or JSON on standard output,
// where what became of a message has the form of Amazon's delivery status log.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "../support/context.hpp"
#include "../support/json.hpp"
#include "attempt.hpp"

namespace ringpost::cli {

/// What became of a message after an attempt.
enum class Ending : std::uint8_t {
  kDelivered,
  kRetried,       ///< comes again after a delay
  kDeadLettered,  ///< given up: it is in the dead-letter queue
  kDiscarded,     ///< given up, and there is no dead-letter queue
  kKept,          ///< given up, and the dead-letter queue takes nothing: comes again
  kLate,          ///< its lease had ended: it comes again, or is gone
};

struct DeliveryStatus {
  const Outgoing& what;
  const AttemptResult& result;
  Ending ending = Ending::kDelivered;
  Duration delay{};  ///< until it comes again
  Duration took{};
};

struct DeliverTotals {
  std::uint64_t attempts = 0;
  std::uint64_t delivered = 0;
  std::uint64_t retried = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t discarded = 0;
  std::uint64_t kept = 0;
  std::uint64_t late = 0;
};

/// Threads  any, but for totals().
class DeliverEvents {
 public:
  DeliverEvents(Context& context, bool verbose) : context_(context), verbose_(verbose) {}

  void started(std::size_t subscriptions);
  void began(const std::string& topic, const SubscriptionInfo& subscription);
  void ended(const std::string& topic, const SubscriptionInfo& subscription,
             const std::string& why);
  void trouble(const std::string& what);
  void finished(const DeliveryStatus& status);
  void draining();
  void summary(Duration took);

  /// Once all others have ended.
  [[nodiscard]] const DeliverTotals& totals() const noexcept { return totals_; }
  /// The reader of standard output has gone.
  [[nodiscard]] bool has_no_reader() const noexcept { return closed_.load(); }

 private:
  void tell(const std::string& line);
  void tell(JsonObject event);
  void count(Ending ending);
  [[nodiscard]] bool is_json() const { return context_.globals.json; }

  Context& context_;
  bool verbose_;
  std::mutex mutex_;
  DeliverTotals totals_;
  std::atomic<bool> closed_{false};
};

}  // namespace ringpost::cli
