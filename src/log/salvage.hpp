// Makes a damaged log usable again: what can be read stays, what is lost is recorded.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "log/options.hpp"
#include "log/verify.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

struct SalvageReport {
  std::vector<std::uint64_t> rewritten;  ///< base positions of segments
  std::vector<Gap> lost;                 ///< what readers are told from now on, with kLapped
  std::uint64_t records = 0;             ///< in the segments that were rewritten
  std::uint64_t end = 0;                 ///< of the log
};

/// Writes each damaged segment anew: its good records, and in place of the others a batch that says
/// which positions are lost. The damaged file keeps its bytes under the name "damaged-<segment>",
/// for people to look at and to remove. A torn tail that nobody was told to be safe is no damage
/// and stays for recovery. A log without damage stays as it is.
///
/// Requires  that nobody writes the log; readers may be there.
/// Crash     at any step: begin again.
/// Errors    kNoSpace; kSystem; kWrongFormat, kNewerFormat.
Result<SalvageReport> salvage(disk::Directory& directory, const LogOptions& options,
                              std::function<bool(const VerifyProgress&)> on_progress = {});

}  // namespace ringpost::log
