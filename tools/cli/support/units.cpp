#include "units.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

namespace ringpost::cli {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kMinute = 60e9;
constexpr double kHour = 3600e9;
constexpr double kDay = 86400e9;

constexpr Unit kTimeUnits[] = {{"ns", 1},      {"us", 1e3},  {"µs", 1e3},
                               {"ms", 1e6},    {"s", 1e9},   {"min", kMinute},
                               {"m", kMinute}, {"h", kHour}, {"d", kDay}};
constexpr double kKibi = 1024;
constexpr Unit kSizeUnits[] = {{"", 1},
                               {"B", 1},
                               {"K", kKibi},
                               {"k", kKibi},
                               {"KiB", kKibi},
                               {"KB", 1e3},
                               {"kB", 1e3},
                               {"M", kKibi* kKibi},
                               {"MiB", kKibi* kKibi},
                               {"MB", 1e6},
                               {"G", kKibi* kKibi* kKibi},
                               {"GiB", kKibi* kKibi* kKibi},
                               {"GB", 1e9}};
constexpr Unit kCountUnits[] = {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}};

struct Quantity {
  double value = 0;
  std::string_view unit;
};

/// Takes a number and the letters behind it from the front of `text`.
std::optional<Quantity> take_quantity(std::string_view& text) {
  Quantity quantity;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] =
      std::from_chars(text.data(), end, quantity.value, std::chars_format::fixed);
  if (failure != std::errc() || !std::isfinite(quantity.value) || quantity.value < 0 ||
      text.front() == '-') {
    return std::nullopt;
  }
  const char* unit_end = rest;
  while (unit_end != end && std::isdigit(static_cast<unsigned char>(*unit_end)) == 0) ++unit_end;
  quantity.unit = {rest, static_cast<std::size_t>(unit_end - rest)};
  text = {unit_end, static_cast<std::size_t>(end - unit_end)};
  return quantity;
}

template <std::size_t kCount>
std::optional<double> factor_of(std::string_view unit, const Unit (&units)[kCount]) {
  for (const Unit& known : units) {
    if (known.name == unit) return known.factor;
  }
  return std::nullopt;
}

std::string without_commas(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ',' && c != '_') digits += c;
  }
  return digits;
}

template <std::size_t kCount>
std::optional<std::uint64_t> parse_whole(std::string_view text, const Unit (&units)[kCount]) {
  const std::string digits = without_commas(text);
  std::string_view rest = digits;
  if (rest.empty()) return std::nullopt;
  const auto quantity = take_quantity(rest);
  if (!quantity || !rest.empty()) return std::nullopt;
  const auto factor = factor_of(quantity->unit, units);
  if (!factor) return std::nullopt;
  const double product = quantity->value * *factor;
  constexpr double kLimit = 9e18;
  if (product > kLimit || product != std::floor(product)) return std::nullopt;
  return static_cast<std::uint64_t>(product);
}

/// Three significant digits without an exponent, without zeros behind the point.
std::string three_digits(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  double total_ns = 0;
  while (!text.empty()) {
    const auto quantity = take_quantity(text);
    if (!quantity) return std::nullopt;
    const auto factor = factor_of(quantity->unit, kTimeUnits);
    if (!factor) return std::nullopt;
    total_ns += quantity->value * *factor;
  }
  constexpr double kLimitNs = 9e18;
  if (total_ns > kLimitNs) return std::nullopt;
  return Duration(static_cast<Duration::rep>(std::llround(total_ns)));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_whole(text, kSizeUnits);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  return parse_whole(text, kCountUnits);
}

std::optional<double> parse_rate(std::string_view text) {
  double seconds = 1;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view unit = text.substr(slash + 1);
    const auto factor = factor_of(unit, kTimeUnits);
    if (!factor) return std::nullopt;
    seconds = *factor / 1e9;
    text = text.substr(0, slash);
  }
  const std::string digits = without_commas(text);
  std::string_view rest = digits;
  if (rest.empty()) return std::nullopt;
  const auto quantity = take_quantity(rest);
  if (!quantity || !rest.empty()) return std::nullopt;
  const auto factor = factor_of(quantity->unit, kCountUnits);
  if (!factor || quantity->value <= 0) return std::nullopt;
  return quantity->value * *factor / seconds;
}

std::string format_latency(std::uint64_t ns) {
  const double value = static_cast<double>(ns);
  if (ns < 1000) return fmt::format("{} ns", ns);
  if (value < 999.5e3) return three_digits(value / 1e3) + " µs";
  if (value < 999.5e6) return three_digits(value / 1e6) + " ms";
  if (value < 60e9) return three_digits(value / 1e9) + " s";
  return format_age(Duration(static_cast<Duration::rep>(ns)));
}

std::string format_setting(Duration duration) {
  if (duration == kForever) return "forever";
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  struct Part {
    std::int64_t ns;
    const char* name;
  };
  constexpr Part kParts[] = {{86'400'000'000'000, "d"},
                             {3'600'000'000'000, "h"},
                             {60'000'000'000, "m"},
                             {1'000'000'000, "s"},
                             {1'000'000, "ms"},
                             {1'000, "us"},
                             {1, "ns"}};
  std::string text;
  for (const Part& part : kParts) {
    if (rest < part.ns) continue;
    text += fmt::format("{}{}", rest / part.ns, part.name);
    rest %= part.ns;
  }
  return text;
}

std::string format_age(Duration duration) {
  const double seconds = static_cast<double>(duration.count()) / 1e9;
  if (seconds < 0.0005) return "0 s";
  if (seconds < 0.9995) return three_digits(seconds * 1e3) + " ms";
  if (seconds < 59.95) return three_digits(seconds) + " s";
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  const auto two = [](std::uint64_t large, const char* large_unit, std::uint64_t small,
                      const char* small_unit) {
    return small == 0 ? fmt::format("{} {}", large, large_unit)
                      : fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
  };
  if (whole < 3600) return two(whole / 60, "min", whole % 60, "s");
  if (whole < 86400) return two(whole / 3600, "h", whole / 60 % 60, "min");
  return two(whole / 86400, "d", whole / 3600 % 24, "h");
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array kNames = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / kKibi;
  std::size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kNames.size()) {
    value /= kKibi;
    ++unit;
  }
  return fmt::format("{} {}", three_digits(value), kNames[unit]);
}

std::string format_count(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string format_counted(std::uint64_t count, std::string_view what) {
  const char* plural = what.ends_with('s') ? "es" : "s";  // processes, buses
  return fmt::format("{} {}{}", format_count(count), what, count == 1 ? "" : plural);
}

std::string format_rate(double per_second) {
  if (per_second <= 0) return "0/s";
  if (per_second < 9.95) return fmt::format("{:.1f}/s", per_second);
  // Three significant digits: the last ones of a rate are noise.
  const double step = std::pow(10.0, std::floor(std::log10(per_second)) - 2);
  const double rounded = per_second < 1000 ? per_second : std::round(per_second / step) * step;
  return format_count(static_cast<std::uint64_t>(std::llround(rounded))) + "/s";
}

std::string format_share(double share) {
  const double percent = share * 100;
  if (percent <= 0) return "0 %";
  if (percent >= 99.95) return percent >= 100 ? "100 %" : fmt::format("{:.3f} %", percent);
  if (percent >= 9.95) return fmt::format("{:.1f} %", percent);
  if (percent >= 0.995) return fmt::format("{:.2f} %", percent);
  return percent < 0.0001 ? "<0.0001 %" : fmt::format("{:.2g} %", percent);
}

}  // namespace ringpost::cli
