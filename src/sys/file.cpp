#include "sys/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sys/error.hpp"

namespace ringpost::sys {
namespace {

bool is_ours(const struct stat& status) noexcept {
  return status.st_uid == geteuid() || status.st_uid == 0;
}

/// A group may share a bus: then files need not be ours, but the group must be able to write.
bool shared_by_group(const struct stat& status) noexcept {
  return (status.st_mode & S_IWGRP) != 0 && (status.st_mode & S_IWOTH) == 0;
}

}  // namespace

void Fd::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Fd> open_directory(const std::string& path, bool create, mode_t mode) {
  bool created = false;
  if (create) {
    created = ::mkdir(path.c_str(), mode) == 0;
    if (!created && errno != EEXIST) return system_error("cannot create directory", path, errno);
  }
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.is_open()) return system_error("cannot open directory", path, errno);
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return system_error("cannot look at", path, errno);
  // Whatever the umask says; and what a creator left so who died in between.
  const bool half_made = create && (mode & S_ISVTX) != 0 && (status.st_mode & S_ISVTX) != 0 &&
                         status.st_uid == ::geteuid() && (status.st_mode & 07777) != mode;
  if ((created || half_made) && ::fchmod(directory.get(), mode) != 0) {
    return system_error("cannot set the mode of", path, errno);
  }
  const bool sticky = (status.st_mode & S_ISVTX) != 0;  // as /tmp: each user has his own in it
  if (!is_ours(status) && !shared_by_group(status) && !sticky) {
    return error(Errc::kForeignOwner, path, "the directory belongs to another user");
  }
  if ((status.st_mode & S_IWOTH) != 0 && !sticky) {
    return error(Errc::kUnsafeFile, path, "the directory is writable by everybody: chmod o-w it");
  }
  return directory;
}

Result<Fd> open_file(const Fd& directory, const std::string& name, int access) {
  Fd file(::openat(directory.get(), name.c_str(), access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return system_error("cannot open", name, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("cannot look at", name, errno);
  if (!S_ISREG(status.st_mode)) return error(Errc::kUnsafeFile, name, "not a regular file");
  if (!is_ours(status) && !shared_by_group(status)) {
    return error(Errc::kForeignOwner, name, "the file belongs to another user");
  }
  if ((status.st_mode & S_IWOTH) != 0) {
    return error(Errc::kUnsafeFile, name, "the file is writable by everybody: chmod o-w it");
  }
  return file;
}

Result<Fd> create_file(const Fd& directory, const std::string& name) {
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return system_error("cannot look at", name, errno);
  const mode_t mode = 0600 | ((status.st_mode & S_IWGRP) != 0 ? 0060u : 0u);
  Fd file(::openat(directory.get(), name.c_str(),
                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.is_open()) return system_error("cannot create", name, errno);
  if (::fchmod(file.get(), mode) != 0) return system_error("cannot set the mode of", name, errno);
  const bool shared = (mode & S_IWGRP) != 0;
  if (shared && ::fchown(file.get(), static_cast<uid_t>(-1), status.st_gid) != 0) {
    return system_error("cannot set the group of", name, errno);
  }
  return file;
}

Result<void> reserve(const Fd& file, std::uint64_t bytes, const std::string& name) {
  int rc = 0;
  do {
    rc = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes));
  } while (rc == EINTR);
  if (rc != 0) return system_error("cannot reserve shared memory for", name, rc);
  return {};
}

Result<std::uint64_t> size_of(const Fd& file, const std::string& name) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("cannot look at", name, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

bool read_front(const Fd& file, void* into, std::size_t bytes) noexcept {
  return ::pread(file.get(), into, bytes, 0) == static_cast<ssize_t>(bytes);
}

Result<void> publish_name(const Fd& from_directory, const std::string& from, const Fd& to_directory,
                          const std::string& to) {
  if (::linkat(from_directory.get(), from.c_str(), to_directory.get(), to.c_str(), 0) != 0) {
    return system_error("cannot name", to, errno);
  }
  remove_name(from_directory, from);
  return {};
}

Result<void> replace_name(const Fd& from_directory, const std::string& from, const Fd& to_directory,
                          const std::string& to) {
  if (::renameat(from_directory.get(), from.c_str(), to_directory.get(), to.c_str()) != 0) {
    return system_error("cannot name", to, errno);
  }
  return {};
}

void remove_name(const Fd& directory, const std::string& name) noexcept {
  ::unlinkat(directory.get(), name.c_str(), 0);
}

bool is_same_file(const Fd& one, const Fd& other) noexcept {
  struct stat a {};
  struct stat b {};
  return ::fstat(one.get(), &a) == 0 && ::fstat(other.get(), &b) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

Result<std::vector<std::string>> names_in(const Fd& directory) {
  std::vector<std::string> names;
  const int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return system_error("cannot read", "a directory of the bus", errno);
  const auto close_directory = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close_directory)> stream(::fdopendir(copy), close_directory);
  if (stream == nullptr) {
    ::close(copy);
    return system_error("cannot read", "a directory of the bus", ENOMEM);
  }
  for (errno = 0; const dirent* entry = ::readdir(stream.get()); errno = 0) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  if (errno != 0) return system_error("cannot read", "a directory of the bus", errno);
  std::sort(names.begin(), names.end());
  return names;
}

std::uint64_t unique_id() {
  std::uint64_t id = 0;
  while (id < 2) {
    if (::getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id)) id = 0;
  }
  return id;
}

}  // namespace ringpost::sys
