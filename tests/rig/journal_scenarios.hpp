// What is tried on the journal: acts of participants, states in which they begin, and the cases
// that come of combining them. Shared by the crash matrix, the explorer and the mutants.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"
#include "rig/journal_stage.hpp"

namespace ringpost::rig {

/// Something that participant `me` does.
struct JournalAct {
  std::string name;
  std::function<void(JournalStage&, int me)> run;
  bool late = false;   ///< of participant 3, who has a claim in the state
  bool heavy = false;  ///< takes the role, looks at all cells, or is composed
};

/// A state of a journal. Participant 3 stands around in it, 4 has built it.
struct JournalBegin {
  std::string name;
  JournalShape shape;
  std::function<void(JournalStage&)> build;
  bool late = false;  ///< 3 can go on
  bool deep = false;  ///< one of those where pairs are tried at the full bound
};

[[nodiscard]] const std::vector<JournalAct>& journal_acts();
[[nodiscard]] const std::vector<JournalBegin>& journal_begins();
[[nodiscard]] const JournalAct& journal_act(const std::string& name);
/// Whether it makes sense in that state.
[[nodiscard]] bool can_act(const JournalAct& act, const JournalBegin& begin);
/// One for each shape, kept.
[[nodiscard]] JournalStage& journal_stage(const JournalShape& shape);

/// "first|second @begin": participants 1 and 2. Whoever stands before a sweep is mortal.
[[nodiscard]] ExploreScenario journal_pair(const JournalAct& first, const JournalAct& second,
                                           const JournalBegin& begin);
/// "act @begin" with participant 1 as the victim.
[[nodiscard]] CrashScenario journal_crash(const JournalAct& act, const JournalBegin& begin);

/// Operations of several steps, put together for one rule: by name.
struct JournalStory {
  std::string name;
  std::function<ExploreScenario()> make;
  int delayed_stores_max = 0;
  bool heavy = false;  ///< one pre-emption less below nightly
};
[[nodiscard]] const std::vector<JournalStory>& journal_stories();

}  // namespace ringpost::rig
