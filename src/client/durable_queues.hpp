// Durable queues: made, recovered and deleted, on disk and in shared memory.
#pragma once

#include <string>

#include "client/member.hpp"

namespace ringpost::client {

/// Makes a durable queue that is neither here nor on disk; kExists if it is, or becomes so
/// meanwhile. `settings`: complete.
Result<void> make_durable_queue(Member& member, const std::string& name,
                                const QueueSettings& settings, const Tags& tags);

/// Brings a queue back that only the disk knows, with all that was in it, and the dead-letter queue
/// that it names. Nothing to do if it is here. Errors kNotFound (nor does the disk), kDamaged (its
/// log has lost what was acknowledged), kBusy, kNoSpace, ….
///
/// Blocking  reads its whole log and writes what is left of it once more.
/// Crash     the next one does it again; nothing comes twice.
Result<void> recover_queue(Member& member, const std::string& name);

/// Brings all of them back. False: some are not.
bool recover_all(Member& member);

/// For whoever removes the queue's files, first of all: with the lock in hand nobody makes or
/// recovers it. Nothing to do for a queue that is not durable.
Result<sys::Fd> forget_on_disk(Member& member, const std::string& name);

/// Of every durable queue that is here: see QueueCore::tend_log().
void tend_logs(Member& member);

}  // namespace ringpost::client
