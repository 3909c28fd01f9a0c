// The directory on disk that a bus has for what outlives shared memory: <state>/<bus>/, and the
// file `owner` in it, which says whose it is.
//
// Two buses never share it. The bus that the file names has it as long as its shared memory is
// there, or anybody is attached to it; both are asked, for the one cannot be seen from another
// mount namespace, and the other says nothing while nobody runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "ringpost/result.hpp"
#include "shm/bus_files.hpp"
#include "sys/file.hpp"

namespace ringpost::durable {

inline constexpr std::uint64_t kOwnerMagic = 0x524e574f5f505352;  // "RSP_OWNR"
inline constexpr std::uint32_t kOwnerFormat = 1;
inline constexpr std::uint64_t kUserByte = 0;  ///< read lock: attached to the bus that has it

/// Everything little endian.
struct OwnerFile {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t crc;  ///< of everything behind it
  std::uint64_t bus_id;
  char bus_path[488];  ///< of its bus file, NUL-terminated
};
static_assert(sizeof(OwnerFile) == 512);

/// Whether the disk has something of this bus, which shared memory may have lost.
[[nodiscard]] bool remembers(const std::string& bus, const BusOptions& options);

/// Threads   any. Blocking  as the disk does.
class Owner {
 public:
  /// The bus's, if it may have it. Errors kNotFound (not `create`, and there is none), kBusy (it is
  /// another bus's), kPermission, ….
  static Result<std::unique_ptr<Owner>> open(const shm::BusFiles& bus, bool create);

  /// Whether this bus has taken it from another one that is gone.
  [[nodiscard]] bool was_taken() const noexcept { return taken_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const sys::Fd& directory() const noexcept { return directory_; }
  /// Of directories in it: as the bus has.
  [[nodiscard]] mode_t mode() const noexcept { return mode_; }

 private:
  Owner() = default;
  Result<void> become(const shm::BusFiles& bus);
  Result<void> write(const shm::BusFiles& bus, bool replace);

  std::string path_;
  sys::Fd directory_;
  sys::Fd file_;  ///< with the read lock
  mode_t mode_ = 0700;
  bool taken_ = false;
};

/// Makes the names in a directory safe.
Result<void> sync_directory(const sys::Fd& directory, const std::string& path);
Result<void> sync_directory(const std::string& path);

}  // namespace ringpost::durable
