// Making, finding and deleting streams.
#pragma once

#include "stream/control_file.hpp"
#include "stream/membership.hpp"

// Threads   one at a time. Blocking  up to two seconds for another process that makes, adopts or
//           deletes a stream and may be stopped: kBusy.
// Crash     a stream is there with all that it needs, or not at all; one that was deleted half-way
//           is deleted by whoever comes next.
namespace ringpost::stream {

/// Complete settings. kExists if the name is taken.
Result<ControlFile> create_stream(const Membership& member, const std::string& name,
                                  const StreamSettings& settings, const Tags& tags);
/// Also one of which only the disk knows: the shared memory of the bus is new, and what was durable
/// is there again. Errors kNotFound, kDamaged, ….
Result<ControlFile> open_stream(const Membership& member, const std::string& name);
/// Also one that cannot be opened. Error kNotFound.
Result<void> delete_stream(const Membership& member, const std::string& name);
/// In order.
Result<std::vector<std::string>> stream_names(const Membership& member);

}  // namespace ringpost::stream
