// Settings of streams: defaults, limits, comparison; names.
#pragma once

#include "ringpost/stream.hpp"

namespace ringpost::stream {

inline constexpr std::uint32_t kShardsMax = 4'096;  ///< that are open
inline constexpr std::size_t kKeyBytesMax = 1'024;  ///< 256 characters of UTF-8
inline constexpr std::size_t kKeyCharactersMax = 256;

/// [A-Za-z0-9_.-], 1 to 128, not "." or "..".
[[nodiscard]] bool is_valid_name(std::string_view name) noexcept;
/// The name of its files: what begins with a dot would be hidden.
[[nodiscard]] std::string file_name_of(std::string_view name);
/// The other way round. Nothing: that is no stream's.
[[nodiscard]] std::optional<std::string> name_of(std::string_view file_name);

/// 1 to 256 characters of UTF-8.
[[nodiscard]] bool is_valid_key(std::string_view key) noexcept;

/// Complete.
[[nodiscard]] StreamSettings with_defaults(const StreamSettings& given);
/// What was given, each by itself; kInvalidArgument names the setting and its limits.
[[nodiscard]] Result<void> check_given(const StreamSettings& given);
/// Complete settings, one with the other.
[[nodiscard]] Result<void> check_complete(const StreamSettings& all);
/// The name of the first given setting that differs, or null. How many shards there are is not
/// compared.
[[nodiscard]] const char* first_difference(const StreamSettings& given,
                                           const StreamSettings& existing) noexcept;
/// Complete settings with those that are given. kInvalidArgument: one that is fixed, or a value out
/// of its limits.
[[nodiscard]] Result<StreamSettings> changed(const StreamSettings& existing,
                                             const StreamSettings& given);

}  // namespace ringpost::stream
