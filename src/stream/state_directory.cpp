#include "stream/state_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "disk/open.hpp"
#include "stream/settings.hpp"
#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

constexpr char kNewPrefix[] = "~new-";
constexpr char kGonePrefix[] = "~gone-";

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
  // Without streams there is nothing to look for, whosever the directory is.
  if (!create) {
    auto streams = sys::open_directory(state->path_ + "/streams", false, 0);
    if (!streams) return Unexpected(streams.error());
  }
  auto owner = durable::Owner::open(bus, create);
  if (!owner) return Unexpected(owner.error());
  state->owner_ = std::move(*owner);
  state->mode_ = state->owner_->mode();
  auto streams = sys::open_directory(state->path_ + "/streams", create, state->mode_);
  if (!streams) return Unexpected(streams.error());
  state->streams_ = std::move(*streams);
  if (create) {
    auto synced = durable::sync_directory(state->owner_->directory(), state->path_);
    if (!synced) return Unexpected(synced.error());
  }
  return state;
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
  if (done) return durable::sync_directory(streams_, path_ + "/streams");
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
  return done;
}

Result<void> StateDirectory::make_shard(const std::string& name, std::uint32_t number) const {
  if (auto made = make_directory(shard_path(name, number), mode_); !made) return made;
  return durable::sync_directory(path_of(name));
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
  if (auto synced = durable::sync_directory(streams_, path_ + "/streams"); !synced) return synced;
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
