#include "stream_text.hpp"

#include <charconv>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "message_text.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

std::string hint_about(Errc code, const std::string& stream) {
  switch (code) {
    case Errc::kNotFound:
    case Errc::kDeleted:
      return fmt::format(
          "create it: ringpost stream create {0}   (those there are: ringpost stream list; its "
          "shards: ringpost stream show {0})",
          stream);
    case Errc::kExists:
      return fmt::format("look at it: ringpost stream show {}", stream);
    case Errc::kFull:
      return "the log does not keep up: give records more time with --wait 1m";
    case Errc::kThrottled:
      return fmt::format(
          "a shard takes 1,000 records and 1 MiB a second: slow down with --rate, or ringpost "
          "stream set {} --shard-limits off",
          stream);
    case Errc::kTooLarge:
      return fmt::format("send less, or ringpost stream set {} --record-bytes-max 10MiB", stream);
    case Errc::kNoSpace:
      return fmt::format(
          "make room on the disk of the log, or keep less: ringpost stream retention {} 24h",
          stream);
    case Errc::kLogFailed:
      return "the disk refused a write: nothing more is acknowledged; see the journal of the "
             "kernel, then start the writer again";
    case Errc::kDamaged:
      return fmt::format("see what is left: ringpost log verify {}", stream);
    case Errc::kClosed:
      return fmt::format("it was split or merged: ringpost stream show {}", stream);
    default:
      return {};
  }
}

std::optional<WallTime> parse_utc(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  double fraction = 0;
  if (*rest == '.') {
    char* end = nullptr;
    fraction = std::strtod(rest, &end);
    rest = end;
  }
  if (std::string_view(rest) != "Z" && *rest != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) +
         std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(fraction));
}

std::optional<WallTime> parse_seconds(std::string_view text) {
  double seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return WallTime(
      std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds)));
}

}  // namespace

CLI::Option* add_stream_name(CLI::App& app, std::string& target) {
  return app.add_option("STREAM", target, "Name of the stream")->required()->type_name("");
}

Failure failure_of_stream(const Context& context, const Error& error, const std::string& doing,
                          const std::string& stream) {
  const Failure plain = failure_of(error, context.subject(doing));
  const std::string hint = hint_about(error.code, stream);
  return {plain.exit_code(), plain.code(), plain.text(), hint.empty() ? plain.hint() : hint};
}

Failure failure_of_stream(const Context& context, Errc code, const std::string& doing,
                          const std::string& stream) {
  const Failure plain = failure_of(code, context.subject(doing));
  const std::string hint = hint_about(code, stream);
  return {plain.exit_code(), plain.code(), plain.text(), hint.empty() ? plain.hint() : hint};
}

Stream open_stream(const Context& context, Bus& bus, const std::string& name) {
  auto stream = bus.open_stream(name);
  require_of_stream(context, stream, fmt::format("open stream {}", name), name);
  return std::move(*stream);
}

void add_changeable_settings(CLI::App& app, StreamSettings& settings) {
  add_choice<std::optional<Durability>>(
      app, "--durability", settings.durability,
      {{"durable", Durability::kDurable}, {"memory", Durability::kMemory}},
      "What a put waits for: durable (safe when power is lost), memory (durable)");
  add_duration(app, "--retention", settings.retention,
               "How long records are kept: 24h to 8760h (24h)");
  add_size(app, "--log-bytes-max", settings.log_bytes_max,
           "Of each shard's log: the oldest go beyond it; 0: time alone decides (0)");
  add_size(app, "--record-bytes-max", settings.record_bytes_max,
           "Largest record, key and data: 1KiB to 10MiB (1MiB)");
  add_choice<std::optional<bool>>(
      app, "--shard-limits", settings.shard_limits, {{"on", true}, {"off", false}},
      "Each shard takes 1,000 records and 1 MiB a second, gives 2 MiB: on, off (off)");
  add_choice<std::optional<StreamMode>>(
      app, "--mode", settings.mode,
      {{"provisioned", StreamMode::kProvisioned}, {"on-demand", StreamMode::kOnDemand}},
      "Who chooses the number of shards: provisioned, on-demand");
}

void add_creation_settings(CLI::App& app, StreamSettings& settings) {
  const char* group = "At creation";
  add_count(app, "-n,--shards", settings.shards, "Shards: 1 to 4096 (4)")->group(group);
  add_choice<std::optional<StreamStorage>>(
      app, "--storage", settings.storage,
      {{"log", StreamStorage::kLog}, {"memory", StreamStorage::kMemory}},
      "Where records are kept: log (on disk), memory (the newest only) (log)")
      ->group(group);
  add_size(app, "--ring-bytes", settings.ring_bytes,
           "Shared memory of a shard, a power of two: 64KiB to 1GiB (8MiB)")
      ->group(group);
  add_size(app, "--segment-bytes", settings.segment_bytes,
           "Size of a segment of the log: 1MiB to 1GiB (64MiB)")
      ->group(group);
}

std::uint32_t shard_of(const std::string& text) {
  if (const auto number = ShardInfo::parse_id(text)) return *number;
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc{} && end == text.data() + text.size() && !text.empty()) return number;
  throw usage_failure(fmt::format("\"{}\" is no shard", printable(text)),
                      "write its number, 0, or its id, shardId-000000000000");
}

WallTime time_of(const std::string& text) {
  if (const auto time = parse_utc(text)) return *time;
  if (const auto time = parse_seconds(text)) return *time;
  if (const auto ago = parse_duration(text)) {
    return std::chrono::system_clock::now() - std::chrono::duration_cast<WallTime::duration>(*ago);
  }
  throw usage_failure(fmt::format("\"{}\" is no time", printable(text)),
                      "write 2026-01-31T12:00:00Z, Unix seconds, or how long ago: 10m");
}

From from_of(const std::string& text) {
  if (text == "trim") return From::trim_horizon();
  if (text == "latest") return From::latest();
  const std::size_t colon = text.find(':');
  const std::string word = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (word == "time") return From::time(time_of(rest));
  if (word == "seq" || word == "after") {
    const auto number = SequenceNumber::parse(rest);
    if (number) return word == "seq" ? From::at(*number) : From::after(*number);
    throw usage_failure(fmt::format("\"{}\" is no sequence number", printable(rest)),
                        "take one that put or get has printed");
  }
  throw usage_failure(fmt::format("\"{}\" is no place to begin", printable(text)),
                      "write trim, latest, seq:NUMBER, after:NUMBER or time:TIME");
}

const char* name_of(Durability durability) {
  return durability == Durability::kDurable ? "durable" : "memory";
}
const char* name_of(StreamStorage storage) {
  return storage == StreamStorage::kLog ? "log" : "memory";
}
const char* name_of(StreamMode mode) {
  return mode == StreamMode::kProvisioned ? "provisioned" : "on-demand";
}

JsonObject json_settings(const StreamSettings& settings) {
  return {{"durability", name_of(*settings.durability)},
          {"retention_seconds", json_seconds(*settings.retention)},
          {"log_bytes_max", *settings.log_bytes_max},
          {"record_bytes_max", *settings.record_bytes_max},
          {"shard_limits", *settings.shard_limits},
          {"mode", name_of(*settings.mode)},
          {"storage", name_of(*settings.storage)},
          {"ring_bytes", *settings.ring_bytes},
          {"segment_bytes", *settings.segment_bytes}};
}

JsonObject json_shard(const ShardInfo& shard) {
  JsonObject object{{"shard", shard.id()},
                    {"first_hash_key", shard.first.to_string()},
                    {"last_hash_key", shard.last.to_string()},
                    {"start", shard.start.to_string()}};
  object["end"] = shard.end ? JsonValue(shard.end->to_string()) : JsonValue();
  object["parent"] = shard.parent ? JsonValue(ShardInfo::id_of(*shard.parent)) : JsonValue();
  object["adjacent_parent"] =
      shard.adjacent_parent ? JsonValue(ShardInfo::id_of(*shard.adjacent_parent)) : JsonValue();
  object["created"] = iso_time(shard.created);
  return object;
}

void add_counters(JsonObject& object, const StreamStats& stats) {
  object["records"] = stats.records;
  object["bytes"] = stats.bytes;
  object["full"] = stats.full;
  object["throttled"] = stats.throttled;
  object["records_read"] = stats.records_read;
  object["bytes_read"] = stats.bytes_read;
  object["lapped"] = stats.lapped;
  object["open_shards"] = stats.open_shards;
  object["memory_bytes"] = stats.memory_bytes;
  object["log_bytes"] = stats.log_bytes;
}

JsonObject json_record(const StreamRecord& record, const std::string& stream) {
  JsonObject object{{"stream", stream},
                    {"shard", ShardInfo::id_of(record.sequence.shard)},
                    {"sequence", record.sequence.to_string()},
                    {"arrival", iso_time(record.arrival)},
                    {"key", record.key}};
  if (record.explicit_hash_key) object["hash_key"] = record.explicit_hash_key->to_string();
  const std::string_view data = as_text(record.data);
  if (is_utf8(data)) {
    object["data"] = data;
  } else {
    object["data_base64"] = base64(data);
  }
  object["bytes"] = data.size();
  return object;
}

RecordFormat::RecordFormat(std::string_view text) {
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) pieces_.push_back({Field::kText, std::move(plain)});
    plain.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == 't' || next == 'n' || next == '0' || next == '\\')) {
      plain += next == 't' ? '\t' : next == 'n' ? '\n' : next == '0' ? '\0' : '\\';
      ++i;
    } else if (const std::size_t end = text.find('}', i);
               text[i] == '{' && end != std::string_view::npos) {
      end_plain();
      add_field(text.substr(i + 1, end - i - 1));
      i = end;
    } else {
      plain += text[i];
    }
  }
  end_plain();
}

void RecordFormat::add_field(std::string_view name) {
  static constexpr std::pair<std::string_view, Field> kFields[] = {
      {"sequence", Field::kSequence}, {"shard", Field::kShard},     {"key", Field::kKey},
      {"hash_key", Field::kHashKey},  {"arrival", Field::kArrival}, {"data", Field::kData},
      {"bytes", Field::kBytes}};
  for (const auto& [known, field] : kFields) {
    if (known == name) return pieces_.push_back({field, {}});
  }
  throw usage_failure(fmt::format("--format knows no {{{}}}", printable(name)),
                      "use {sequence} {shard} {key} {hash_key} {arrival} {data} {bytes}, with \\t "
                      "\\n \\0");
}

void RecordFormat::append(std::string& out, const StreamRecord& record) const {
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::kText:
        out += piece.text;
        break;
      case Field::kSequence:
        out += record.sequence.to_string();
        break;
      case Field::kShard:
        out += ShardInfo::id_of(record.sequence.shard);
        break;
      case Field::kKey:
        out += record.key;
        break;
      case Field::kHashKey:
        out += record.explicit_hash_key.value_or(HashKey::of(record.key)).to_string();
        break;
      case Field::kArrival:
        out += iso_time(record.arrival);
        break;
      case Field::kData:
        out += as_text(record.data);
        break;
      case Field::kBytes:
        out += std::to_string(record.data.size());
        break;
    }
  }
}

}  // namespace ringpost::cli
