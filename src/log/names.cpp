#include "log/names.hpp"

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace ringpost::log {
namespace {

constexpr std::string_view kSuffix = ".segment";
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::size_t kDigits = 20;

}  // namespace

std::string segment_name(std::uint64_t base_position) {
  char name[kDigits + 1];
  std::snprintf(name, sizeof name, "%020" PRIu64, base_position);
  return std::string(name) += kSuffix;
}

std::string spare_name(std::uint64_t number) {
  char name[kDigits + 1];
  std::snprintf(name, sizeof name, "%020" PRIu64, number);
  return std::string(kSparePrefix) += name;
}

std::string lost_name(std::uint64_t base_position) { return "lost-" + segment_name(base_position); }

bool is_spare(std::string_view name) noexcept { return name.starts_with(kSparePrefix); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t position = 0;
  const char* const end = name.data() + kDigits;
  const auto [stop, failed] = std::from_chars(name.data(), end, position);
  if (failed != std::errc{} || stop != end) return std::nullopt;
  return position;
}

Result<LogFiles> list_files(disk::Directory& directory) {
  auto names = directory.names();
  if (!names) return Unexpected(names.error());
  LogFiles files;
  for (std::string& name : *names) {
    if (const auto base = parse_segment_name(name)) {
      files.segments.push_back(*base);
    } else if (is_spare(name)) {
      files.spares.push_back(std::move(name));
    }
  }
  return files;
}

}  // namespace ringpost::log
