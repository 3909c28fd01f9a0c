// Going on with a log that has failed.
#pragma once

#include <string>

#include "journal/segment_log.hpp"
#include "journal/view.hpp"
#include "ringpost/recovered_log.hpp"
#include "ringpost/result.hpp"

namespace ringpost::journal {

/// Recovers the log from what the disk itself has, and writes what is in memory still. `me`:
/// Participant::creator_word. `log`: no other writer's. `object` names it in errors.
///
/// Blocking  as the disk does. Crash  the role stays with the dead one: see DrainRole.
/// Errors    kBusy (somebody writes it), kLogFailed (it fails again), kDamaged (something that was
///           acknowledged is missing; it is as it was), kNoSpace, kSystem.
Result<RecoveredLog> recover_failed(const JournalView& view, std::uint64_t me,
                                    const Liveness& alive, SegmentLog& log,
                                    const std::string& object);

}  // namespace ringpost::journal
