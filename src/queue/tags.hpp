// The tags of a queue: a file of their own, which the queue's header names. A change makes another
// file and swaps the name, so there are the tags before it or those after it and nothing between.
#pragma once

#include <cstdint>
#include <functional>

#include "queue/queue_mapping.hpp"
#include "ringpost/options.hpp"

namespace ringpost::queue {

inline constexpr std::uint64_t kTagsMagic = 0x5347415454534f50;  // "POSTTAGS"
inline constexpr std::uint32_t kTagsFormat = 1;

/// Written by the creator only, as all of the file, before it has its name. For each tag follow the
/// lengths of key and value, 32 bits each, and their bytes.
struct TagsHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t count;
  std::uint64_t creator;  ///< shm::creator_word: whose a file is that nothing names yet
};

/// Error kInvalidArgument names what is wrong.
Result<void> check_tags(const Tags& tags);

/// A complete file under tags/, which nothing names yet. Returns its id; 0: no tags, no file.
/// Crash  the sweeper removes it.
Result<std::uint64_t> make_tags_file(const shm::Participant& creator, const Tags& tags);

/// Errors kCorrupt, kWrongFormat, …: the file is not what it must be.
Result<Tags> read_tags(const QueueMapping& mapping);

/// The tags become what `change` makes of them; called again if others change them meanwhile. Tags
/// that are damaged count as none. Errors: those of check_tags, kNoSpace, kBusy, kDeleted.
///
/// Blocking  never; several at once: each change is made, one after the other.
/// Crash     before the swap: as they were. After it: changed; the old file is an orphan.
Result<void> change_tags(const shm::Participant& me, const QueueMapping& mapping,
                         const std::function<void(Tags&)>& change);

/// For a queue that is being deleted.
void remove_tags_file(const QueueMapping& mapping) noexcept;

}  // namespace ringpost::queue
