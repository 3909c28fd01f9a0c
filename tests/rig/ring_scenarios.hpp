// What is tried on the ring: acts of participants, states in which they begin, and the cases that
// come of combining them. Shared by the crash matrix, the explorer and the mutants.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"
#include "rig/ring_stage.hpp"

namespace ringpost::rig {

/// Something that participant `me` does. `prepare` gives it what it needs, before the state.
struct Act {
  std::string name;
  std::function<void(RingStage&, int me)> run;
  std::function<void(RingStage&, int me)> prepare;
  bool times = false;  ///< depends on the clock: a tick may come
  bool sweeps = false;
  bool composed = false;  ///< of others of this list
};

/// A state of the ring. Participant 3 stands around in it, 4 has built it.
struct Begin {
  std::string name;
  std::function<void(RingStage&)> build;
  bool deep = false;  ///< one of those where pairs are tried at the full bound
};

[[nodiscard]] const std::vector<Act>& ring_acts();
[[nodiscard]] const std::vector<Begin>& ring_begins();
[[nodiscard]] const std::vector<Begin>& ring_begins_with_dead();
/// The next position's message comes, is delayed, received and done, before the head has come by.
void finished_early(RingStage& stage);
[[nodiscard]] const Act& ring_act(const std::string& name);
[[nodiscard]] const Begin& ring_begin(const std::string& name);

/// "a|b|c @begin /slots": participants 1, 2, 3 act. Whoever stands before a sweep is mortal.
[[nodiscard]] ExploreScenario ring_schedules(RingStage& stage, const std::string& begin,
                                             const std::vector<std::string>& acts, int laps = 0);

/// "act @begin /slots" with participant 1 as the victim.
[[nodiscard]] CrashScenario ring_crash(RingStage& stage, const Act& act, const Begin& begin,
                                       int laps);

/// Combinations beyond pairs, and states that matter for one rule: by name.
struct NamedSchedules {
  std::string name;
  std::function<ExploreScenario(RingStage&)> make;
  std::uint32_t slots = 2;
  int delayed_stores_max = 0;
  bool fenced = false;
  bool heavy = false;  ///< three that meet often: below nightly one pre-emption less, and at random
};
[[nodiscard]] std::vector<NamedSchedules> ring_stories();
/// The stories and all else.
[[nodiscard]] const std::vector<NamedSchedules>& ring_special_schedules();

}  // namespace ringpost::rig
