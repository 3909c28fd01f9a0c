// What is tried on a FIFO ring, and on a fair one: acts of participants, states in which they
// begin, stories. Shared by the crash matrix, the explorer and the mutants.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"
#include "rig/group_stage.hpp"

namespace ringpost::rig {

/// Something that participant `me` does. `prepare` gives it what it needs, before the state.
struct GroupAct {
  std::string name;
  std::function<void(GroupStage&, int me)> run;
  std::function<void(GroupStage&, int me)> prepare;
  bool times = false;  ///< depends on the clock: a tick may come
  bool sweeps = false;
  bool attempts = false;  ///< makes attempt 1
};

/// A state of the ring. Participant 3 stands around in it, 4 has built it. Group 1 is the one where
/// acts meet.
struct GroupBegin {
  std::string name;
  std::function<void(GroupStage&)> build;
  int laps = 0;  ///< the ring has gone round before
};

[[nodiscard]] const std::vector<GroupAct>& group_acts();
[[nodiscard]] const std::vector<GroupBegin>& group_begins();
[[nodiscard]] const GroupAct& group_act(const std::string& name);
/// Of a fair ring.
[[nodiscard]] const std::vector<GroupAct>& fair_acts();
[[nodiscard]] const std::vector<GroupBegin>& fair_begins();

/// "a|b|c @begin /slots": participants 1, 2, 3 act. Whoever stands before a sweep is mortal, or
/// everybody is with `mortal`: then nobody sweeps before all deadlines are over.
[[nodiscard]] ExploreScenario group_schedules(GroupStage& stage, const std::string& begin,
                                              const std::vector<std::string>& acts,
                                              bool mortal = false);

/// The same of these, whatever ring it is.
[[nodiscard]] ExploreScenario schedules_of(GroupStage& stage, const GroupBegin& begin,
                                           std::vector<GroupAct> acts, bool mortal);

/// "act @begin /slots" with participant 1 as the victim.
[[nodiscard]] CrashScenario group_crash(GroupStage& stage, const GroupAct& act,
                                        const GroupBegin& begin);

struct GroupSchedules {
  std::string name;
  std::function<ExploreScenario(GroupStage&)> make;
  std::uint32_t slots = 4;
  bool heavy = false;  ///< below nightly one pre-emption less, and at random
};
/// gtest prints both by their names.
inline void PrintTo(const GroupAct& it, std::ostream* out) { *out << it.name; }
inline void PrintTo(const GroupSchedules& it, std::ostream* out) { *out << it.name; }
[[nodiscard]] std::vector<GroupSchedules> group_stories();
/// The stories and all else.
[[nodiscard]] const std::vector<GroupSchedules>& group_special_schedules();
[[nodiscard]] const std::vector<GroupSchedules>& fair_schedules();

}  // namespace ringpost::rig
