#include "durable/owner.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/crc32c.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::durable {
namespace {

constexpr char kOwnerName[] = "owner";

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

}  // namespace

Result<void> sync_directory(const sys::Fd& directory, const std::string& path) {
  if (::fsync(directory.get()) == 0) return {};
  return sys::system_error("cannot sync", path, errno);
}

Result<void> sync_directory(const std::string& path) {
  auto directory = sys::open_directory(path, false, 0);
  if (!directory) return Unexpected(directory.error());
  return sync_directory(*directory, path);
}

bool remembers(const std::string& bus, const BusOptions& options) {
  if (!shm::is_valid_name(bus)) return false;
  const auto directory = sys::open_directory(shm::state_directory(options) + "/" + bus, false, 0);
  const auto file = directory ? sys::open_file(*directory, kOwnerName)
                              : Result<sys::Fd>(Unexpected(directory.error()));
  if (!file) return false;
  const auto owner = read_owner(*file);
  std::error_code ignored;
  const auto path = std::filesystem::absolute(shm::shm_directory(options) + "/" + bus, ignored);
  return owner && path.string() == owner->bus_path;
}

Result<std::unique_ptr<Owner>> Owner::open(const shm::BusFiles& bus, bool create) {
  std::unique_ptr<Owner> owner(new Owner);
  owner->path_ = bus.state_path();
  struct stat status {};
  if (::fstat(bus.directory().get(), &status) == 0) owner->mode_ = status.st_mode & 07777;
  const std::filesystem::path parent = std::filesystem::path(owner->path_).parent_path();
  if (create) {
    std::error_code failure;
    std::filesystem::create_directories(parent, failure);
    if (failure) return sys::system_error("cannot create", parent.string(), failure.value());
  }
  auto directory = sys::open_directory(owner->path_, create, owner->mode_);
  if (!directory) return Unexpected(directory.error());
  owner->directory_ = std::move(*directory);
  if (create) {
    if (auto synced = sync_directory(parent.string()); !synced) return Unexpected(synced.error());
  }
  if (auto mine = owner->become(bus); !mine) return Unexpected(mine.error());
  return owner;
}

Result<void> Owner::become(const shm::BusFiles& bus) {
  constexpr int kTriesMax = 1'000;  // against others that take it at the same time
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto file = sys::open_file(directory_, kOwnerName);
    if (!file && !(file.error() == Errc::kNotFound)) return Unexpected(file.error());
    if (!file) {
      auto made = write(bus, false);
      if (!made && !(made.error() == Errc::kExists)) return made;
      continue;
    }
    const auto owner = read_owner(*file);
    if (owner && owner->bus_id == bus.header().bus_id) {
      if (!sys::try_share_byte(*file, kUserByte)) continue;  // somebody is looking
      const auto named = sys::open_file(directory_, kOwnerName);
      if (!named || !sys::is_same_file(*named, *file)) continue;
      file_ = std::move(*file);
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
    if (auto made = write(bus, true); !made) return made;
    taken_ = true;
  }
  return sys::error(Errc::kBusy, path_, "others keep taking it");
}

Result<void> Owner::write(const shm::BusFiles& bus, bool replace) {
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
  return sync_directory(directory_, path_);
}

}  // namespace ringpost::durable
