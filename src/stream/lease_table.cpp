#include "stream/lease_table.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

constexpr char kDirectory[] = "/consumers";

std::string prefix_of(std::uint64_t stream_id) {
  char text[18];
  std::snprintf(text, sizeof text, "%016llx-", static_cast<unsigned long long>(stream_id));
  return text;
}

Result<sys::Fd> directory_of(const shm::BusFiles& bus, bool create) {
  struct stat status {};
  if (::fstat(bus.directory().get(), &status) != 0) {
    return sys::error(Errc::kNotFound, bus.path(), "the bus was removed meanwhile");
  }
  return sys::open_directory(bus.path() + kDirectory, create, status.st_mode & 0777);
}

/// The name of the group of that stream whose file it is: what follows the file's number.
std::optional<std::string_view> group_of(std::string_view file, std::uint64_t stream_id) {
  const std::string prefix = prefix_of(stream_id);
  if (!file.starts_with(prefix)) return std::nullopt;
  file.remove_prefix(prefix.size());
  const std::size_t end = file.find('-');
  if (end == std::string_view::npos) return std::nullopt;
  return file.substr(end + 1);
}

}  // namespace

bool is_valid_group(std::string_view name) noexcept {
  constexpr auto kIsAllowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= kGroupNameMax &&
         std::all_of(name.begin(), name.end(), kIsAllowed);
}

std::string LeaseTable::name_of(std::uint32_t file) const {
  return prefix_of(stream_id_) + std::to_string(file) + "-" + group_;
}

Result<void> LeaseTable::open_directory(bool create) {
  auto directory = directory_of(me_->bus(), create);
  if (!directory) return Unexpected(directory.error());
  directory_ = std::move(*directory);
  return {};
}

Result<LeaseTable> LeaseTable::open(const shm::Participant& me, std::uint64_t stream_id,
                                    const std::string& group) {
  LeaseTable table(me, stream_id, group);
  if (auto opened = table.open_directory(true); !opened) return Unexpected(opened.error());
  if (auto row = table.row(0); !row) return Unexpected(row.error());
  return table;
}

Result<LeaseTable> LeaseTable::open_existing(const shm::Participant& me, std::uint64_t stream_id,
                                             const std::string& group) {
  LeaseTable table(me, stream_id, group);
  auto opened = table.open_directory(false);
  if (opened) opened = table.map(0);
  if (opened) return table;
  if (!(opened.error() == Errc::kNotFound)) return Unexpected(opened.error());
  return sys::error(Errc::kNotFound, "consumer group \"" + group + "\"",
                    "no such group of this stream");
}

Result<LeaseRow*> LeaseTable::row(std::uint32_t shard) {
  constexpr int kTriesMax = 100;  // against others that keep removing it
  const std::uint32_t file = shard / kRowsInFile;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (LeaseRow* const made = row_if_made(shard)) return made;
    auto mapped = map(file);
    if (!mapped && mapped.error() == Errc::kNotFound) {
      mapped = make(file);
      if (!mapped && mapped.error() == Errc::kExists) continue;
    }
    if (!mapped) return Unexpected(mapped.error());
  }
  return sys::error(Errc::kBusy, "consumer group \"" + group_ + "\"", "others keep removing it");
}

LeaseRow* LeaseTable::row_if_made(std::uint32_t shard) noexcept {
  const std::uint32_t file = shard / kRowsInFile;
  if (file >= files_.size() || !files_[file].is_mapped()) return nullptr;
  return reinterpret_cast<LeaseRow*>(files_[file].data() + base::kPageBytes) + shard % kRowsInFile;
}

Result<void> LeaseTable::map(std::uint32_t number) {
  auto file = sys::open_file(directory_, name_of(number));
  if (!file) return Unexpected(file.error());
  auto mapping =
      shm::map_checked(*file, name_of(number), kLeaseMagic, kLeaseFormat, kLeaseFileBytes);
  if (!mapping) return Unexpected(mapping.error());
  const auto& header = *reinterpret_cast<const LeaseHeader*>(mapping->data());
  if (header.stream_id != stream_id_ || header.first_shard != number * kRowsInFile) {
    return sys::error(Errc::kCorrupt, name_of(number), "is of another stream");
  }
  if (files_.size() <= number) files_.resize(number + 1);
  files_[number] = std::move(*mapping);
  return {};
}

Result<void> LeaseTable::make(std::uint32_t number) {
  shm::BusFiles& bus = me_->bus();
  const std::string temporary = me_->temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  Result<void> done = sys::reserve(*file, kLeaseFileBytes, temporary);
  if (done) {
    auto mapping = sys::Mapping::map(*file, kLeaseFileBytes, temporary);
    if (mapping) {
      auto& header = *reinterpret_cast<LeaseHeader*>(mapping->data());
      header.format = kLeaseFormat;
      header.first_shard = number * kRowsInFile;
      header.stream_id = stream_id_;
      header.created_wall_ns = bus.time().wall_ns();
      std::memcpy(header.group, group_.data(), std::min(group_.size(), sizeof header.group));
      header.magic = kLeaseMagic;
      done = sys::publish_name(bus.temporary(), temporary, directory_, name_of(number));
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) sys::remove_name(bus.temporary(), temporary);
  return done;
}

Result<std::vector<std::string>> group_names(const shm::BusFiles& bus, std::uint64_t stream_id) {
  std::vector<std::string> groups;
  const auto directory = directory_of(bus, false);
  if (!directory && directory.error() == Errc::kNotFound) return groups;
  if (!directory) return Unexpected(directory.error());
  const auto files = sys::names_in(*directory);
  if (!files) return Unexpected(files.error());
  for (const std::string& file : *files) {
    if (const auto group = group_of(file, stream_id)) groups.emplace_back(*group);
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

void remove_groups(const shm::BusFiles& bus, std::uint64_t stream_id, std::string_view group) {
  const auto directory = directory_of(bus, false);
  const auto files = directory ? sys::names_in(*directory) : Result<std::vector<std::string>>({});
  if (!files) return;
  for (const std::string& file : *files) {
    const auto of = group_of(file, stream_id);
    if (of && (group.empty() || *of == group)) sys::remove_name(*directory, file);
  }
}

}  // namespace ringpost::stream
