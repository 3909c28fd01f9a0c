// Names of files in the directory of a log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/disk.hpp"

namespace ringpost::log {

/// "00000000000000001234.segment": sorted by name they are sorted by position.
[[nodiscard]] std::string segment_name(std::uint64_t base_position);
/// Of a file that becomes a segment later.
[[nodiscard]] std::string spare_name(std::uint64_t number);
/// Of a file without a header that nothing proves to have been a segment; for people to look at.
[[nodiscard]] std::string lost_name(std::uint64_t base_position);
/// Of a note: what lay in front of that position was dropped on purpose.
[[nodiscard]] std::string dropped_name(std::uint64_t position);
[[nodiscard]] bool is_spare(std::string_view name) noexcept;
/// The base position that the name of a segment says; of other names nothing.
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;

/// What is in a directory now.
struct LogFiles {
  std::vector<std::uint64_t> segments;  ///< base positions, ascending
  std::vector<std::string> spares;
  std::optional<std::uint64_t>
      dropped;  ///< positions below were dropped on purpose; the newest note
};
Result<LogFiles> list_files(disk::Directory& directory);

}  // namespace ringpost::log
