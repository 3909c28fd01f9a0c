// What is tried on the leases of a group: acts of consumers, states in which they begin, and the
// cases that come of combining them. Shared by the crash matrix, the explorer and the mutants.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"
#include "rig/lease_stage.hpp"

namespace ringpost::rig {

/// Something that consumer `me` does.
struct LeaseAct {
  std::string name;
  std::function<void(LeaseStage&, int me)> run;
};

/// A state of a group: 1 and 2 have joined it, and 3 in some.
struct LeaseBegin {
  std::string name;
  std::function<void(LeaseStage&)> build;
};

[[nodiscard]] const std::vector<LeaseAct>& lease_acts();
/// Whether it is another one than a shorter act in that state: nothing was read, so there is no
/// checkpoint to begin with.
[[nodiscard]] bool differs(const LeaseAct& act, const LeaseBegin& begin);
[[nodiscard]] const std::vector<LeaseBegin>& lease_begins();

/// "first|second @begin": consumers 1 and 2, of whom each may die.
[[nodiscard]] ExploreScenario lease_pair(LeaseStage& stage, const LeaseAct& first,
                                         const LeaseAct& second, const LeaseBegin& begin);
/// "act @begin" with consumer 1 as the victim.
[[nodiscard]] CrashScenario lease_crash(LeaseStage& stage, const LeaseAct& act,
                                        const LeaseBegin& begin);

}  // namespace ringpost::rig
