#include "json.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

namespace ringpost::cli {
namespace {

void append(std::string& out, const JsonValue& value);

void append_object(std::string& out, const JsonObject& object) {
  out += '{';
  for (const auto& member : object) {
    if (out.back() != '{') out += ',';
    out += boost::json::serialize(member.key());
    out += ':';
    append(out, member.value());
  }
  out += '}';
}

void append_array(std::string& out, const JsonArray& array) {
  out += '[';
  bool first = true;
  for (const JsonValue& item : array) {
    if (!first) out += ',';
    first = false;
    append(out, item);
  }
  out += ']';
}

/// Without an exponent, as people write numbers.
std::string decimal(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find('e') == std::string::npos) return text;
  text = fmt::format("{:.12f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

/// Boost writes 0.5 as 5E-1, which is right and unreadable.
void append(std::string& out, const JsonValue& value) {
  if (value.is_object()) {
    append_object(out, value.get_object());
  } else if (value.is_array()) {
    append_array(out, value.get_array());
  } else if (value.is_double()) {
    out += decimal(value.get_double());
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

std::string json_line(const JsonValue& value) {
  std::string out;
  append(out, value);
  return out;
}

double json_seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

JsonObject json_latency(const Histogram& histogram, std::uint64_t late_ns) {
  JsonObject latency;
  const std::uint64_t count = histogram.count();
  latency["count"] = count;
  // Of nothing there is no percentile.
  const bool any = count != 0;
  const auto add = [&](const char* name, double percent) {
    latency[name] = any ? JsonValue(histogram.percentile(percent)) : JsonValue();
  };
  add("p50_ns", 50);
  add("p90_ns", 90);
  add("p99_ns", 99);
  add("p99_9_ns", 99.9);
  add("p99_99_ns", 99.99);
  add("max_ns", 100);
  latency["late_ns"] = late_ns;
  latency["share_late"] = any ? JsonValue(histogram.share_over(late_ns)) : JsonValue();
  return latency;
}

}  // namespace ringpost::cli
