// Error codes of Ringpost, in three groups: outcomes, operating errors, corruption.
#pragma once

#include <system_error>

#include "ringpost/export.hpp"

namespace ringpost {

enum class Errc : int {
  kOk = 0,

  // Outcomes: part of normal work, never logged.
  kEmpty,         ///< No message is visible now.
  kFull,          ///< The queue has reached its limit: back pressure.
  kTimedOut,      ///< The wait that the caller chose is over.
  kStaleReceipt,  ///< The message of this receipt is gone, or somebody else has it by now.
  kOverLimit,     ///< As many messages are in flight as the queue's in_flight_max allows.
  kHeld,          ///< This participant holds as many in-place messages as it may at once.
  kTooManyIds,    ///< FIFO: as many ids are within the window as the queue has dedup_entries.
  kInterrupted,   ///< WaitSet::interrupt() ended the wait.
  kLapped,        ///< The reader was too slow: the record was overwritten, or dropped from the log.
  kClosed,        ///< The shard was split or merged: its children go on.
  kThrottled,     ///< The shard's limit of bytes or records a second is reached.
  kLeaseLost,     ///< Another consumer has the shard by now.

  // Operating errors: the surroundings or the call are not as they must be.
  kNotFound,            ///< No bus or queue of that name.
  kExists,              ///< The name exists with other settings.
  kDeleted,             ///< The queue was deleted while this handle was open.
  kInvalidArgument,     ///< A value lies outside its limits.
  kTooLarge,            ///< The message is larger than message_bytes_max.
  kNoSpace,             ///< Shared memory (tmpfs) or the arena is full.
  kTooManyAttached,     ///< Every participant entry of the bus is in use.
  kForeignOwner,        ///< The file or directory belongs to another user.
  kUnsafeFile,          ///< A symbolic link, a special file or an open mode where it must not be.
  kPermission,          ///< The kernel refused access.
  kWrongFormat,         ///< Not a file of Ringpost, or one that is only half written.
  kOlderFormat,         ///< Written by an older, incompatible version.
  kNewerFormat,         ///< Written by a newer version than this library knows.
  kOtherTimeNamespace,  ///< Created in another time namespace: deadlines would not agree.
  kForked,              ///< The handle was opened before a fork(): open it anew in the child.
  kBusy,                ///< A live process, which is named, or a receive with this id is at it.
  kUnsupported,         ///< This processor or kernel lacks something that is needed.
  kSystem,              ///< A system call failed; Error::sys_errno says how.
  kNotDeadLetterQueue,  ///< No queue has it as its dead-letter queue.
  kTaskRunning,         ///< A task is moving messages out of that queue already.
  kNoTask,              ///< No such message move task, or it is not running any more.
  kExpired,             ///< The iterator is older than five minutes.
  kLogFailed,           ///< Writing or syncing the log failed: nothing more is acknowledged.

  // Corruption: bytes in shared memory or on disk that no correct process writes.
  kCorrupt,
  kDamaged,  ///< A log has lost records that were acknowledged; see `ringpost log salvage`.
};

/// The name of a code as written above, without the k ("Full").
RINGPOST_API const char* name(Errc code) noexcept;
/// One sentence for people.
RINGPOST_API const char* message(Errc code) noexcept;

RINGPOST_API const std::error_category& error_category() noexcept;
inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// What went wrong on a cold path: code, errno if a system call failed, and what was being done.
struct Error {
  Errc code = Errc::kOk;
  int sys_errno = 0;
  char what[232] = {};  ///< "cannot create /dev/shm/…: No space left on device"; NUL-terminated

  [[nodiscard]] bool operator==(Errc other) const noexcept { return code == other; }
};

}  // namespace ringpost

template <>
struct std::is_error_code_enum<ringpost::Errc> : std::true_type {};
