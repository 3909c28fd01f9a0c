#include "durable/home.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/crc32c.hpp"
#include "disk/open.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::durable {
namespace {

constexpr char kNewPrefix[] = "~new-";
constexpr char kGonePrefix[] = "~gone-";
constexpr char kLockName[] = ".lock";

bool is_there(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

Result<void> rename_directory(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return sys::system_error("cannot rename", from, errno);
}

}  // namespace

Result<void> Home::open(bool create) {
  const std::lock_guard guard(mutex_);
  const bool is_new = !is_there(path());
  if (is_new && !create) return sys::error(Errc::kNotFound, path(), "no durable queues");
  if (owner_ == nullptr) {
    auto owner = Owner::open(*bus_, create);
    if (!owner) return Unexpected(owner.error());
    owner_ = std::move(*owner);
    if (owner_->was_taken() && when_taken_) when_taken_();
  }
  if (!is_new) return {};
  if (auto made = sys::open_directory(path(), true, owner_->mode()); !made) {
    return Unexpected(made.error());
  }
  return sync_directory(bus_->state_path());
}

std::vector<std::string> Home::names() {
  std::vector<std::string> found;
  if (!is_there(path()) || !open(false)) return found;
  auto directory = sys::open_directory(path(), false, 0);
  auto all = directory ? sys::names_in(*directory)
                       : Result<std::vector<std::string>>(Unexpected(directory.error()));
  if (!all) return found;
  std::copy_if(all->begin(), all->end(), std::back_inserter(found),
               [](const std::string& name) { return shm::is_valid_name(name); });
  return found;
}

bool Home::has(const std::string& name) { return is_there(path_of(name)) && open(false); }

std::string Home::log_path(const std::string& name) const { return path_of(name) + "/log"; }

Result<std::unique_ptr<disk::Directory>> Home::log(const std::string& name) {
  if (auto opened = open(false); !opened) return Unexpected(opened.error());
  return open_log_ ? open_log_(log_path(name)) : disk::open_directory(log_path(name));
}

Result<Meta> Home::read(const std::string& name) {
  auto directory = disk::open_directory(path_of(name));
  if (!directory) return Unexpected(directory.error());
  return read_meta(**directory);
}

Result<sys::Fd> Home::lock(const std::string& name) { return lock(name, 0, patience_); }

Result<sys::Fd> Home::lock(const std::string& name, std::uint64_t byte, Duration patience) {
  if (auto opened = open(false); !opened) return Unexpected(opened.error());
  const std::string file = path() + "/" + kLockName;
  const mode_t mode = owner_->mode() & 0660;
  sys::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.is_open()) return sys::system_error("cannot open", file, errno);
  static_cast<void>(::fchmod(fd.get(), mode));  // by whoever has made it
  byte += base::crc32c(as_bytes(name)) * std::uint64_t{2};
  if (sys::try_lock_byte(fd, byte)) return fd;
  if (patience > Duration::zero()) {
    fd = sys::lock_byte_within(std::move(fd), byte, patience);
    if (fd.is_open()) return fd;
  }
  return sys::error(
      Errc::kBusy, "queue \"" + name + "\"",
      "another process is making, recovering or changing it, and has not finished yet");
}

Result<void> Home::make(const Meta& meta) {
  if (is_there(path_of(meta.name))) {
    return sys::error(Errc::kExists, "queue \"" + meta.name + "\"", "it is on disk already");
  }
  const std::string made = path() + "/" + kNewPrefix + std::to_string(sys::unique_id());
  Result<void> done;
  for (const std::string& each : {made, made + "/log"}) {
    auto directory = done ? sys::open_directory(each, true, owner_->mode())
                          : Result<sys::Fd>(Unexpected(done.error()));
    if (!directory) done = Unexpected(directory.error());
  }
  if (done) {
    auto directory = disk::open_directory(made);
    done = directory ? write_meta(**directory, meta) : Unexpected(directory.error());
  }
  if (done) done = rename_directory(made, path_of(meta.name));
  if (done) return sync_directory(path());
  std::error_code ignored;
  std::filesystem::remove_all(made, ignored);
  return done;
}

Result<void> Home::write(const Meta& meta) {
  auto directory = disk::open_directory(path_of(meta.name));
  if (!directory) return Unexpected(directory.error());
  return write_meta(**directory, meta);
}

Result<void> Home::remove(const std::string& name) {
  if (!is_there(path_of(name))) return {};
  const std::string gone = path() + "/" + kGonePrefix + std::to_string(sys::unique_id());
  if (auto renamed = rename_directory(path_of(name), gone); !renamed) return renamed;
  if (auto synced = sync_directory(path()); !synced) return synced;
  remove_leftovers();
  return {};
}

/// What other processes are at work on right now begins with ~new-: only what is gone goes.
void Home::remove_leftovers() {
  auto directory = sys::open_directory(path(), false, 0);
  if (!directory) return;
  const auto names = sys::names_in(*directory);
  if (!names) return;
  std::error_code ignored;  // the next one tries again
  for (const std::string& name : *names) {
    if (name.starts_with(kGonePrefix)) std::filesystem::remove_all(path_of(name), ignored);
  }
}

}  // namespace ringpost::durable
