// What the pool tells of its work: lines for people on standard error, or JSON on standard output.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "../support/context.hpp"
#include "../support/json.hpp"
#include "handler_process.hpp"
#include "ringpost/types.hpp"
#include "scaler.hpp"
#include "work_plan.hpp"

namespace ringpost::cli {

/// What became of one message.
enum class Fate {
  kAcknowledged,
  kReturned,  ///< its handler failed: visible again after the back-off
  kReleased,  ///< the pool ends: visible again at once
  kLate,      ///< its lease had ended before it could be settled: it comes again, or is gone
};

struct SettledMessage {
  MessageId id;
  std::uint32_t receive_count = 0;
  Fate fate = Fate::kAcknowledged;
  Duration delay{};  ///< of a returned one
};

/// One run of the command.
struct HandlerRun {
  std::span<const SettledMessage> messages;
  HandlerEnd end;
  bool timed_out = false;
  bool bad_report = false;  ///< it named a failed message that is not in its batch
  Duration took{};
};

struct WorkTotals {
  std::uint64_t handlers = 0;
  std::uint64_t received = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t returned = 0;
  std::uint64_t released = 0;
  std::uint64_t late = 0;
  std::uint64_t timed_out = 0;  ///< handlers
  std::uint32_t workers_most = 0;
};

class WorkEvents {
 public:
  WorkEvents(Context& context, bool verbose) : context_(context), verbose_(verbose) {}

  void started(const WorkPlan& plan);
  void scaled(std::uint32_t from, std::uint32_t to, const Load& load);
  void finished(const HandlerRun& run);
  /// Somebody else may have the message while its handler goes on.
  void lease_lost(const MessageId& id);
  void timed_out(pid_t pid, Duration after, int signal);
  /// No handler can be started now; the next try comes after `delay`.
  void paused(const std::string& why, Duration delay);
  void draining(const std::string& why, std::size_t running);
  void ending(std::size_t running);
  void summary(const WorkTotals& totals, Duration took);

 private:
  void tell(const std::string& line) const;
  void tell(JsonObject event);
  [[nodiscard]] bool is_json() const { return context_.globals.json; }

  Context& context_;
  bool verbose_;
};

}  // namespace ringpost::cli
