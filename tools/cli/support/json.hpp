// JSON as the verbs print it: one object a line, fields in a stable order, plain decimal numbers.
#pragma once

#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "ringpost/stats.hpp"
#include "ringpost/types.hpp"

namespace ringpost::cli {

using JsonObject = boost::json::object;
using JsonArray = boost::json::array;
using JsonValue = boost::json::value;

/// On one line, without a newline.
std::string json_line(const JsonValue& value);

/// Seconds as a number: fields that end in _seconds.
double json_seconds(Duration duration);
/// {"count", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns", "late_ns",
///  "share_late"}; null where nothing was measured.
JsonObject json_latency(const Histogram& histogram, std::uint64_t late_ns);

}  // namespace ringpost::cli
