#include "log/names.hpp"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace ringpost::log {
namespace {

constexpr std::string_view kSuffix = ".segment";
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kDroppedPrefix = "dropped-";
constexpr std::size_t kDigits = 20;

std::optional<std::uint64_t> parse_digits(std::string_view digits) noexcept {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, number);
  if (digits.size() != kDigits || failed != std::errc{} || stop != end) return std::nullopt;
  return number;
}

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

std::string dropped_name(std::uint64_t position) {
  std::string name = spare_name(position);
  return name.replace(0, kSparePrefix.size(), kDroppedPrefix);
}

bool is_spare(std::string_view name) noexcept { return name.starts_with(kSparePrefix); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  return parse_digits(name.substr(0, kDigits));
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
    } else if (name.starts_with(kDroppedPrefix)) {
      const auto position = parse_digits(std::string_view(name).substr(kDroppedPrefix.size()));
      files.dropped = std::max(files.dropped, position);
    }
  }
  return files;
}

}  // namespace ringpost::log
