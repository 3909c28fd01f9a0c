// The log of a journal: segments in a directory.
#pragma once

#include <memory>

#include "base/time_source.hpp"
#include "disk/disk.hpp"
#include "journal/log_port.hpp"

namespace ringpost::journal {

// Declared when log::Writer is there:
//   std::unique_ptr<LogPort> segment_log_port(disk::Directory&, const log::LogOptions&,
//                                             const base::TimeSource&);

}  // namespace ringpost::journal
