#include "shm/bus_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/futex.hpp"

namespace ringpost::shm {
namespace {

std::uint64_t time_namespace() noexcept {
  struct stat status {};
  return ::stat("/proc/self/ns/time", &status) == 0 ? status.st_ino : 0;
}

}  // namespace

std::string shm_directory(const BusOptions& options) {
  if (!options.shm_dir.empty()) return options.shm_dir;
  const char* from_environment = std::getenv("RINGPOST_SHM_DIR");
  if (from_environment != nullptr && *from_environment != '\0') return from_environment;
  return "/dev/shm/ringpost";
}

std::string state_directory(const BusOptions& options) {
  if (!options.state_dir.empty()) return options.state_dir;
  const auto from_environment = [](const char* name) -> std::string {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (auto path = from_environment("RINGPOST_STATE_DIR"); !path.empty()) return path;
  if (::geteuid() == 0) return "/var/lib/ringpost";
  if (auto path = from_environment("XDG_STATE_HOME"); !path.empty()) return path + "/ringpost";
  return from_environment("HOME") + "/.local/state/ringpost";
}

bool is_valid_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 80) return false;
  for (const char c : name) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_';
    if (!ok) return false;
  }
  return true;
}

Result<sys::Mapping> map_checked(const sys::Fd& file, const std::string& name, std::uint64_t magic,
                                 std::uint32_t format, std::size_t bytes_min) {
  auto bytes = sys::size_of(file, name);
  if (!bytes) return Unexpected(bytes.error());
  if (*bytes < bytes_min) {
    return sys::error(Errc::kWrongFormat, name, "the file is too short: it was not completed");
  }
  auto mapping = sys::Mapping::map(file, *bytes, name);
  if (!mapping) return mapping;
  struct Identity {
    std::uint64_t magic;
    std::uint32_t format;
  } found{};
  std::memcpy(&found, mapping->data(), sizeof found);
  if (found.magic != magic) {
    return sys::error(Errc::kWrongFormat, name, "not a file of Ringpost, or only half written");
  }
  const std::string versions = "format " + std::to_string(found.format) +
                               ", this library reads format " + std::to_string(format);
  if (found.format < format) return sys::error(Errc::kOlderFormat, name, versions);
  if (found.format > format) return sys::error(Errc::kNewerFormat, name, versions);
  return mapping;
}

Result<std::shared_ptr<BusFiles>> BusFiles::open(const std::string& name,
                                                 const BusOptions& options) {
  if (!is_valid_name(name)) {
    return sys::error(Errc::kInvalidArgument, "bus name \"" + name + "\"",
                      "use 1 to 80 of A-Z a-z 0-9 - _");
  }
  if (options.participants_max < 2 || options.participants_max > kParticipantsMax) {
    return sys::error(Errc::kInvalidArgument, "participants_max", "must be 2 to 16,383");
  }
  if (options.mode != 0700 && options.mode != 0750 && options.mode != 0770) {
    return sys::error(Errc::kInvalidArgument, "mode", "must be 0700, 0750 or 0770");
  }
  std::shared_ptr<BusFiles> files(new BusFiles);
  files->name_ = name;
  files->path_ = shm_directory(options) + "/" + name;
  files->state_path_ = state_directory(options) + "/" + name;
  files->time_ = base::TimeSource(options.clock);
  if (auto opened = files->open_directories(options); !opened) return Unexpected(opened.error());
  if (auto opened = files->open_bus_file(options); !opened) return Unexpected(opened.error());
  return files;
}

Result<void> BusFiles::open_directories(const BusOptions& options) {
  const std::string parent = shm_directory(options);
  if (auto opened = sys::open_directory(parent, options.create, 01777); !opened) {
    return Unexpected(opened.error());
  }
  const auto open = [&](const std::string& path, sys::Fd& into) -> Result<void> {
    auto opened = sys::open_directory(path, options.create, options.mode);
    if (!opened) return Unexpected(opened.error());
    into = std::move(*opened);
    return {};
  };
  const struct {
    const char* name;
    sys::Fd* into;
  } parts[] = {{"", &directory_},     {"/queues", &queues_},   {"/rings", &rings_},
               {"/topics", &topics_}, {"/streams", &streams_}, {"/journals", &journals_},
               {"/arena", &arena_},   {"/tags", &tags_},       {"/tmp", &temporary_}};
  for (const auto& part : parts) {
    if (auto opened = open(path_ + part.name, *part.into); !opened) return opened;
  }
  return {};
}

Result<void> BusFiles::open_bus_file(const BusOptions& options) {
  constexpr int kTriesMax = 100;  // a sweeper may take an unlocked file for a dead creator's
  auto file = sys::open_file(directory_, "bus");
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (file || !(file.error() == Errc::kNotFound) || !options.create) break;
    auto created = create_bus_file(options);
    if (!created && !(created.error() == Errc::kNotFound)) return created;
    file = sys::open_file(directory_, "bus");
  }
  if (!file) return Unexpected(file.error());
  return attach_bus_file(*file);
}

Result<void> BusFiles::create_bus_file(const BusOptions& options) {
  const std::string temporary = kBusFilePrefix + std::to_string(sys::unique_id());
  auto file = sys::create_file(temporary_, temporary);
  if (!file) return Unexpected(file.error());
  static_cast<void>(sys::try_lock_byte(*file, 0));  // until it is closed: I am at work on it
  const std::size_t bytes = bus_file_bytes(options.participants_max);
  Result<void> done = sys::reserve(*file, bytes, path_ + "/bus");
  if (done) {
    auto mapping = sys::Mapping::map(*file, bytes, temporary);
    if (mapping) {
      auto& header = *reinterpret_cast<BusHeader*>(mapping->data());
      header.format = kBusFormat;
      header.participants_max = options.participants_max;
      header.bus_id = sys::unique_id();
      header.time_namespace = time_namespace();
      header.arena_bytes_max = options.arena_bytes_max;
      header.fenced = sys::join_fences() ? 0 : 1;
      header.participants_high.store(1, std::memory_order_relaxed);  // entry 0 means nobody
      header.magic = kBusMagic;
      done = sys::publish_name(temporary_, temporary, directory_, "bus");
      if (!done && done.error() == Errc::kExists) done = {};  // another creator was first
    } else {
      done = Unexpected(mapping.error());
    }
  }
  sys::remove_name(temporary_, temporary);
  return done;
}

Result<void> BusFiles::attach_bus_file(const sys::Fd& file) {
  const std::string name = path_ + "/bus";
  auto mapping = map_checked(file, name, kBusMagic, kBusFormat, bus_file_bytes(2));
  if (!mapping) return Unexpected(mapping.error());
  mapping_ = std::move(*mapping);
  participants_max_ = header().participants_max;
  if (participants_max_ < 2 || participants_max_ > kParticipantsMax ||
      bus_file_bytes(participants_max_) > mapping_.bytes()) {
    return sys::error(Errc::kCorrupt, name, "impossible number of participants");
  }
  if (header().time_namespace != time_namespace()) {
    return sys::error(Errc::kOtherTimeNamespace, name,
                      "created in another time namespace: its deadlines would not agree with ours");
  }
  fenced_ = header().fenced != 0;
  if (!fenced_ && !sys::join_fences()) {
    return sys::error(Errc::kUnsupported, name,
                      "this process may not use membarrier, which the bus was created to use");
  }
  hazards_ = HazardBoard(&participant(0).hazards, sizeof(ParticipantRecord),
                         &header().participants_high, participants_max_);
  moves_ = MoveBoard(&participant(0).move, sizeof(ParticipantRecord), participants_max_);
  return {};
}

std::uint32_t BusFiles::participants_high() const noexcept {
  const std::uint32_t high = header().participants_high.load(std::memory_order_acquire);
  return high < participants_max_ ? high : participants_max_;
}

}  // namespace ringpost::shm
