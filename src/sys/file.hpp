// Files and directories of a bus: opened without following links, checked after opening.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ringpost/result.hpp"

namespace ringpost::sys {

/// Owns a descriptor.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  void close() noexcept;

 private:
  int fd_ = -1;
};

/// Creates the directory if it is not there (`mode` exactly) and opens it; refuses a link, another
/// user's directory (root's is accepted) and one that everybody may write to without sticky bit.
Result<Fd> open_directory(const std::string& path, bool create, mode_t mode);

/// Opens a regular file in `directory`, O_RDWR or as `access` says. Refuses links (kUnsafeFile) and
/// files of other users (kForeignOwner).
Result<Fd> open_file(const Fd& directory, const std::string& name, int access = O_RDWR);

/// Creates a file that must not exist, with the directory's group and read-write mode.
Result<Fd> create_file(const Fd& directory, const std::string& name);

/// Gives the file its size, with every byte backed: a full tmpfs fails here and never later.
Result<void> reserve(const Fd& file, std::uint64_t bytes, const std::string& name);

Result<std::uint64_t> size_of(const Fd& file, const std::string& name);

/// Reads the file's first `bytes`; false if there are fewer.
[[nodiscard]] bool read_front(const Fd& file, void* into, std::size_t bytes) noexcept;

/// `link` of a complete file to its final name: kExists if somebody else was first.
Result<void> publish_name(const Fd& from_directory, const std::string& from, const Fd& to_directory,
                          const std::string& to);
/// The same, taking the final name away from the file that has it, if one does.
Result<void> replace_name(const Fd& from_directory, const std::string& from, const Fd& to_directory,
                          const std::string& to);
/// Ignores a name that is gone already.
void remove_name(const Fd& directory, const std::string& name) noexcept;

/// Whether both descriptors are of one file.
[[nodiscard]] bool is_same_file(const Fd& one, const Fd& other) noexcept;

/// Names in a directory, without dot files, sorted.
Result<std::vector<std::string>> names_in(const Fd& directory);

/// 64 bits that never recur, from the kernel's random source; never 0 or 1.
std::uint64_t unique_id();

}  // namespace ringpost::sys
