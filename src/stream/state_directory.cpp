#include "stream/state_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/crc32c.hpp"
#include "disk/open.hpp"
#include "stream/settings.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::stream {
namespace {

constexpr char kOwnerName[] = "owner";
constexpr char kNewPrefix[] = "~new-";
constexpr char kGonePrefix[] = "~gone-";

std::uint32_t crc_of(const OwnerFile& owner) noexcept {
  return base::crc32c(std::as_bytes(std::span(&owner, 1)).subspan(offsetof(OwnerFile, bus_id)));
}

std::optional<OwnerFile> read_owner(const sys::Fd& file) {
  OwnerFile owner{};
  if (!sys::read_front(file, &owner, sizeof owner)) return std::nullopt;
  const bool good = owner.magic == kOwnerMagic && owner.format == kOwnerFormat &&
                    owner.crc == crc_of(owner) && owner.bus_path[sizeof owner.bus_path - 1] == '\0';
  return good ? std::optional(owner) : std::nullopt;
}

/// Whether the shared memory of the bus that is named is still there.
bool is_there(const OwnerFile& owner) {
  const std::string path = owner.bus_path;
  const auto directory = sys::open_directory(path, false, 0);
  const auto file = directory ? sys::open_file(*directory, "bus")
                              : Result<sys::Fd>(Unexpected(directory.error()));
  shm::BusHeader header{};
  return file && sys::read_front(*file, &header, sizeof header) && header.magic == shm::kBusMagic &&
         header.bus_id == owner.bus_id;
}

Result<void> sync(const sys::Fd& directory, const std::string& path) {
  if (::fsync(directory.get()) == 0) return {};
  return sys::system_error("cannot sync", path, errno);
}

Result<void> sync(const std::string& path) {
  auto directory = sys::open_directory(path, false, 0);
  if (!directory) return Unexpected(directory.error());
  return sync(*directory, path);
}

std::string shard_name(std::uint32_t number) {
  const std::string digits = std::to_string(number);
  return "shard-" + std::string(12 - std::min<std::size_t>(12, digits.size()), '0') + digits;
}

Result<void> make_directory(const std::string& path, mode_t mode) {
  auto made = sys::open_directory(path, true, mode);
  if (!made) return Unexpected(made.error());
  return {};
}

}  // namespace

Result<std::shared_ptr<StateDirectory>> StateDirectory::open(const shm::BusFiles& bus,
                                                             bool create) {
  std::shared_ptr<StateDirectory> state(new StateDirectory);
  state->path_ = bus.state_path();
  struct stat status {};
  if (::fstat(bus.directory().get(), &status) == 0) state->mode_ = status.st_mode & 07777;
  const std::filesystem::path parent = std::filesystem::path(state->path_).parent_path();
  if (create) {
    std::error_code failure;
    std::filesystem::create_directories(parent, failure);
    if (failure) return sys::system_error("cannot create", parent.string(), failure.value());
  }
  auto directory = sys::open_directory(state->path_, create, state->mode_);
  if (!directory) return Unexpected(directory.error());
  state->directory_ = std::move(*directory);
  auto streams = sys::open_directory(state->path_ + "/streams", create, state->mode_);
  if (!streams) return Unexpected(streams.error());
  state->streams_ = std::move(*streams);
  if (create) {
    if (auto synced = sync(parent.string()); !synced) return Unexpected(synced.error());
    if (auto synced = sync(state->directory_, state->path_); !synced) {
      return Unexpected(synced.error());
    }
  }
  if (auto mine = state->become_owner(bus); !mine) return Unexpected(mine.error());
  return state;
}

Result<void> StateDirectory::become_owner(const shm::BusFiles& bus) {
  constexpr int kTriesMax = 1'000;  // against others that take it at the same time
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto file = sys::open_file(directory_, kOwnerName);
    if (!file && !(file.error() == Errc::kNotFound)) return Unexpected(file.error());
    if (!file) {
      auto made = write_owner(bus, false);
      if (!made && !(made.error() == Errc::kExists)) return made;
      continue;
    }
    const auto owner = read_owner(*file);
    if (owner && owner->bus_id == bus.header().bus_id) {
      if (!sys::try_share_byte(*file, kUserByte)) continue;  // somebody is looking
      const auto named = sys::open_file(directory_, kOwnerName);
      if (!named || !sys::is_same_file(*named, *file)) continue;
      owner_ = std::move(*file);
      return {};
    }
    const std::string whose =
        owner ? "it belongs to the bus " + std::string(owner->bus_path) : "it belongs to a bus";
    if ((owner && is_there(*owner)) || !sys::try_lock_byte(*file, kUserByte)) {
      return sys::error(Errc::kBusy, path_, whose + ": name another state directory");
    }
    // With that lock nobody is attached to the other bus, and no third one takes this path.
    const auto named = sys::open_file(directory_, kOwnerName);
    if (!named || !sys::is_same_file(*named, *file)) continue;
    if (auto made = write_owner(bus, true); !made) return made;
    taken_ = true;
  }
  return sys::error(Errc::kBusy, path_, "others keep taking it");
}

Result<void> StateDirectory::write_owner(const shm::BusFiles& bus, bool replace) {
  OwnerFile owner{kOwnerMagic, kOwnerFormat, 0, bus.header().bus_id, {}};
  std::error_code ignored;
  const std::string path = std::filesystem::absolute(bus.path(), ignored).string();
  if (path.size() >= sizeof owner.bus_path) {
    return sys::error(Errc::kInvalidArgument, path, "the path of the bus is too long");
  }
  path.copy(owner.bus_path, sizeof owner.bus_path - 1);
  owner.crc = crc_of(owner);
  const std::string temporary = std::string(kOwnerName) + "." + std::to_string(sys::unique_id());
  auto file = sys::create_file(directory_, temporary);
  if (!file) return Unexpected(file.error());
  Result<void> done;
  if (::pwrite(file->get(), &owner, sizeof owner, 0) != static_cast<ssize_t>(sizeof owner) ||
      ::fsync(file->get()) != 0) {
    done = sys::system_error("cannot write", path_ + "/" + kOwnerName, errno);
  } else if (replace) {
    done = sys::replace_name(directory_, temporary, directory_, kOwnerName);
  } else {
    done = sys::publish_name(directory_, temporary, directory_, kOwnerName);
  }
  if (!done) {
    sys::remove_name(directory_, temporary);
    return done;
  }
  return sync(directory_, path_);
}

std::string StateDirectory::path_of(const std::string& name) const {
  return path_ + "/streams/" + file_name_of(name);
}

std::string StateDirectory::shard_path(const std::string& name, std::uint32_t number) const {
  return path_of(name) + "/" + shard_name(number);
}

Result<std::vector<std::string>> StateDirectory::stream_names() const {
  const auto files = sys::names_in(streams_);
  if (!files) return files;
  std::vector<std::string> names;
  for (const std::string& file : *files) {
    if (auto name = name_of(file)) names.push_back(std::move(*name));
  }
  return names;
}

bool StateDirectory::has(const std::string& name) const {
  struct stat status {};
  return ::stat(path_of(name).c_str(), &status) == 0;
}

Result<void> StateDirectory::make_stream(const Meta& meta) const {
  if (has(meta.name)) {
    return sys::error(Errc::kExists, "stream \"" + meta.name + "\"", "it is on disk already");
  }
  const std::string path = path_ + "/streams/" + kNewPrefix + std::to_string(sys::unique_id());
  Result<void> done = make_directory(path, mode_);
  for (std::size_t i = 0; done && i < meta.shards.size(); ++i) {
    done = make_directory(path + "/" + shard_name(meta.shards[i].number), mode_);
  }
  if (done) {
    auto directory = disk::open_directory(path);
    done = directory ? write_meta(**directory, meta)
                     : Result<void>(Unexpected(std::move(directory.error())));
  }
  if (done && ::rename(path.c_str(), path_of(meta.name).c_str()) != 0) {
    done = sys::system_error("cannot name", path_of(meta.name), errno);
  }
  if (done) return sync(streams_, path_ + "/streams");
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
  return done;
}

Result<void> StateDirectory::make_shard(const std::string& name, std::uint32_t number) const {
  if (auto made = make_directory(shard_path(name, number), mode_); !made) return made;
  return sync(path_of(name));
}

Result<void> StateDirectory::remove_shard(const std::string& name, std::uint32_t number) const {
  std::error_code failure;
  std::filesystem::remove_all(shard_path(name, number), failure);
  if (failure) {
    return sys::system_error("cannot remove", shard_path(name, number), failure.value());
  }
  return {};
}

Result<void> StateDirectory::remove_stream(const std::string& name) const {
  const std::string gone = path_ + "/streams/" + kGonePrefix + std::to_string(sys::unique_id());
  if (::rename(path_of(name).c_str(), gone.c_str()) != 0 && errno != ENOENT) {
    return sys::system_error("cannot remove", path_of(name), errno);
  }
  if (auto synced = sync(streams_, path_ + "/streams"); !synced) return synced;
  remove_leftovers();
  return {};
}

void StateDirectory::remove_leftovers() const {
  const auto names = sys::names_in(streams_);
  if (!names) return;
  std::error_code ignored;  // the next one tries again
  for (const std::string& name : *names) {
    if (name.starts_with(kNewPrefix) || name.starts_with(kGonePrefix)) {
      std::filesystem::remove_all(path_ + "/streams/" + name, ignored);
    }
  }
}

Result<std::unique_ptr<disk::Directory>> StateDirectory::stream(const std::string& name) const {
  return disk::open_directory(path_of(name));
}
Result<std::unique_ptr<disk::Directory>> StateDirectory::shard(const std::string& name,
                                                               std::uint32_t number) const {
  return disk::open_directory(shard_path(name, number));
}

}  // namespace ringpost::stream
