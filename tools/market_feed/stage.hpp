// The processes of a run and what the orchestrator sees of them.
#pragma once

#include <time.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "child.hpp"
#include "console.hpp"
#include "ledger.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::market_feed {

/// The run cannot go on: a promise is broken, and this says which wait showed it.
class BrokenOff : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// Ctrl-C.
class Interrupted : public std::exception {};

struct WorkerProcess {
  Child child;
  WorkerEntry* entry;
  bool stopped = false;
};

class Stage {
 public:
  Stage(std::string bus_name, const Ledger& ledger, int feed_descriptor, Console& console)
      : bus_name_(std::move(bus_name)),
        ledger_(ledger),
        feed_descriptor_(feed_descriptor),
        console_(console) {}

  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] Console& console() noexcept { return console_; }
  [[nodiscard]] std::vector<WorkerProcess>& workers() noexcept { return workers_; }
  [[nodiscard]] Child& feed() noexcept { return *feed_; }
  [[nodiscard]] Child& log_writer() noexcept { return *log_writer_; }

  void start_feed(std::size_t phase);
  WorkerProcess& start_worker();
  /// In place of the one that was there.
  void start_log_writer();
  /// Tells the workers to leave and waits for them. True: each ended with exit status 0.
  bool dismiss();
  /// SIGKILL for all that still run.
  void kill_all();

  /// Others have received and processed each of these messages after whoever holds it here.
  [[nodiscard]] bool passed_on(const Held& held) const noexcept;
  /// Messages processed so far, by all workers but one.
  [[nodiscard]] std::uint64_t processed(const WorkerEntry* except = nullptr) const noexcept;
  /// A running worker with messages in hand: it is stopped, and looked at while it stands still.
  /// Null: none held a message by then.
  WorkerProcess* try_to_catch();

  /// Waits until `condition` holds. Throws BrokenOff when a process ends that should not, or when
  /// nothing at all moves any more; Interrupted.
  template <class Condition>
  void await(const std::string& what, Condition condition) {
    Watchdog watchdog;
    while (!condition()) look_around(what, watchdog);
  }

 private:
  /// Against hanging for ever; no promise depends on how long anything takes.
  struct Watchdog {
    std::uint64_t moved = 0;
    std::uint64_t moved_at_ns = 0;
  };
  void look_around(const std::string& what, Watchdog& watchdog);
  [[nodiscard]] std::vector<std::string> arguments(const char* role) const;

  std::string bus_name_;
  const Ledger& ledger_;
  int feed_descriptor_;
  Console& console_;
  std::size_t phase_ = 0;
  std::size_t workers_started_ = 0;
  std::unique_ptr<Child> feed_;
  std::unique_ptr<Child> log_writer_;
  std::vector<WorkerProcess> workers_;
};

}  // namespace ringpost::market_feed
