// Directories of the file system, for the log.
//
// Files are written with O_DIRECT where the file system takes it, else through the page cache;
// queues are io_uring's where the kernel allows it, else each write is a system call.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "disk/disk.hpp"

namespace ringpost::disk {

enum class Access : std::uint8_t {
  kRead,   ///< nothing is changed: works in a directory where one may only read
  kWrite,  ///< the directory must be there
  kCreate  ///< is made if it is not there; the one above it must be
};

enum class Backend : std::uint8_t {
  kBest,   ///< io_uring, or plain if it is forbidden
  kPlain,  ///< pwritev2: queues work off each write before submit() returns
};

struct DirectoryOptions {
  Access access = Access::kWrite;
  Backend backend = Backend::kBest;
  mode_t mode = 0700;  ///< of a directory that is made
};

/// Errors  kNotFound, kForeignOwner, kUnsafeFile, kPermission, kSystem.
Result<std::unique_ptr<Directory>> open_directory(const std::string& path,
                                                  const DirectoryOptions& options = {});

}  // namespace ringpost::disk
