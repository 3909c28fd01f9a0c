// What is tried on the deduplication table: acts of participants, states in which they begin, and
// the cases that come of combining them. Shared by the crash matrix, the explorer and the mutants.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/dedup_stage.hpp"
#include "rig/explorer.hpp"

namespace ringpost::rig {

/// Something that participant `me` does.
struct DedupAct {
  std::string name;
  std::function<void(DedupStage&, int me)> run;
  bool late = false;   ///< of participant 3, who has stood still in the state
  bool heavy = false;  ///< looks at all entries, or is composed
  bool composed = false;
};

/// A state. Participant 3 stands around in it, 4 has built it.
struct DedupBegin {
  std::string name;
  std::function<void(DedupStage&)> build;
  bool late = false;  ///< 3 can go on
  bool deep = false;  ///< one of those where pairs are tried at the full bound
};

[[nodiscard]] const std::vector<DedupAct>& dedup_acts();
[[nodiscard]] const std::vector<DedupBegin>& dedup_begins();
[[nodiscard]] const DedupAct& dedup_act(const std::string& name);
[[nodiscard]] const DedupBegin& dedup_begin(const std::string& name);
/// Ring and table of these cases.
inline constexpr std::uint64_t kDedupSlots = 3;

/// "first|second @begin": participants 1 and 2. Whoever stands before a sweep is mortal; in the
/// other cases a window may go by.
[[nodiscard]] ExploreScenario dedup_pair(DedupStage& stage, const DedupAct& first,
                                         const DedupAct& second, const DedupBegin& begin);
/// "act @begin" with participant 1 as the victim.
[[nodiscard]] CrashScenario dedup_crash(DedupStage& stage, const DedupAct& act,
                                        const DedupBegin& begin);

/// Operations of several steps, put together for one rule: by name.
struct DedupStory {
  std::string name;
  std::function<ExploreScenario(DedupStage&)> make;
  std::uint64_t slots = kDedupSlots;
  int delayed_stores_max = 0;
  bool heavy = false;  ///< one pre-emption less below nightly
};
[[nodiscard]] const std::vector<DedupStory>& dedup_stories();

}  // namespace ringpost::rig
