// Worker: random calls on a queue, as its role has them, until the run is over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "process/rig/control.hpp"
#include "process/rig/plan.hpp"
#include "process/rig/random.hpp"
#include "process/rig/session.hpp"

namespace ringpost::rig {

class Worker {
 public:
  Worker(Session& session, Control& control, Place& place, const Plan& plan, Role role,
         std::uint64_t seed);
  ~Worker();

  /// Until the phase is no longer kRun or the run's number of calls is reached.
  void run();
  /// Receives and acknowledges until nothing is left. Returns why it could not; empty: it could.
  std::string drain();
  /// Gives up every view; the leases remain.
  void drop_hands();

 private:
  struct Note {
    MessageKey key;
    Receipt receipt;
  };

  void step();
  void produce();
  void consume();
  void receive();
  void settle_one();
  void settle_by_receipt();
  void house_keeping();
  void change_settings();

  [[nodiscard]] std::size_t body_bytes();
  [[nodiscard]] Duration timeout();
  [[nodiscard]] Duration short_time();
  void remember(const Hand& hand);
  void let_go(std::size_t index);
  void counted() noexcept;

  Session& session_;
  Control& control_;
  Place& place_;
  const Plan& plan_;
  Role role_;
  Random random_;
  std::vector<Hand> hands_;
  std::size_t hands_max_ = 10;
  std::uint64_t sends_percent_ = 90;  // of a producer's calls
  std::vector<Note> notes_;           // receipts of messages that were in hand once
};

}  // namespace ringpost::rig
