// SteadyWorker: sends, receives and acknowledges without a pause, and tells after every strike of
// the parent how many calls of its own it needed to get through again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "process/rig/control.hpp"
#include "process/rig/plan.hpp"
#include "process/rig/random.hpp"
#include "process/rig/session.hpp"

namespace ringpost::rig {

class SteadyWorker {
 public:
  SteadyWorker(Session& session, Control& control, Place& place, const Plan& plan,
               std::uint64_t seed, bool examines);

  /// Until the phase is no longer kRun. Returns what is wrong; empty: nothing.
  std::string run();

 private:
  void send();
  void receive();
  void tell_progress();

  Session& session_;
  Control& control_;
  Place& place_;
  Random random_;
  const std::uint32_t groups_;
  const bool examines_;
  std::vector<Hand> hands_;
  std::string findings_;
  std::uint64_t examinations_ = 0;

  // Since the round began.
  std::uint32_t round_ = 0;
  std::uint64_t attempts_ = 0;
  bool has_sent_ = false;
  bool has_acknowledged_ = false;
};

}  // namespace ringpost::rig
