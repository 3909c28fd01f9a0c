// Files of a bus that nothing names and nobody is going to name: left by the dead.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "client/member.hpp"

namespace ringpost::client {

/// Names within the directories tmp/, rings/, arena/, tags/ and journals/ of the bus; of journals
/// those of queues (of streams: stream/sweep.hpp).
struct Orphans {
  std::vector<std::string> temporary;
  std::vector<std::string> rings;
  std::vector<std::string> arena;
  std::vector<std::string> tags;
  std::vector<std::string> journals;
};

/// Ids of files.
using FileIds = std::unordered_set<std::uint64_t>;

/// `dead`: a participant that the caller is clearing up after, whose lock it holds (0: none).
///
/// `known`: files of rings, tags and journals that queues name for certain; the others are looked
/// at.
///
/// A file that its living maker has not named yet is no orphan. A maker that is gone names nothing
/// any more, so what nobody names after its end is one.
[[nodiscard]] Orphans find_orphans(Member& member, std::uint32_t dead, const FileIds& known);

/// Returns how many.
std::uint64_t remove_orphans(Member& member, std::uint32_t dead, const FileIds& known);

}  // namespace ringpost::client
