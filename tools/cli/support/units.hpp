// Durations, sizes, rates and counts as people write and read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/types.hpp"

namespace ringpost::cli {

/// "10ms", "30s", "1.5h", "1h30m", "0". Units ns, us, ms, s, m (or min), h, d. Empty when
/// malformed.
std::optional<Duration> parse_duration(std::string_view text);
/// "512", "64KiB", "64K", "1M", "1MB". K, M, G and KiB … count 1024s; KB, MB, GB count 1000s.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// "100", "100/s", "6k/s", "30/m", "5/h": messages a second.
std::optional<double> parse_rate(std::string_view text);
/// "1000", "1,000", "100k", "2M".
std::optional<std::uint64_t> parse_count(std::string_view text);

/// Three significant digits and a unit: "512 ns", "1.02 µs", "10 ms", "2.5 s".
std::string format_latency(std::uint64_t ns);
/// Exact, and readable by parse_duration(): "30s", "1h30m", "4d", "0s".
std::string format_setting(Duration duration);
/// Rounded to what matters at that length: "0.4 s", "12 s", "3 min 5 s", "4 d 2 h".
std::string format_age(Duration duration);
/// "104 B", "64 KiB", "1.2 MiB".
std::string format_size(std::uint64_t bytes);
/// "1,234,567".
std::string format_count(std::uint64_t count);
/// "1 finding", "1,234 findings".
std::string format_counted(std::uint64_t count, std::string_view what);
/// "45,200/s", "0.4/s".
std::string format_rate(double per_second);
/// A share of 0 to 1 with as many digits as it needs: "41.2 %", "0.04 %", "0 %".
std::string format_share(double share);

}  // namespace ringpost::cli
