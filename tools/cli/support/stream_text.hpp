// Streams on the command line: names, errors, settings, positions, text and JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json.hpp"
#include "options.hpp"
#include "ringpost/stream.hpp"

namespace ringpost::cli {

/// The positional STREAM.
CLI::Option* add_stream_name(CLI::App& app, std::string& target);
/// Throws Failure with a hint when it does not open.
Stream open_stream(const Context& context, Bus& bus, const std::string& name);
/// The failure for an error of the library about a stream.
Failure failure_of_stream(const Context& context, const Error& error, const std::string& doing,
                          const std::string& stream);
Failure failure_of_stream(const Context& context, Errc code, const std::string& doing,
                          const std::string& stream);
template <class T, class E>
void require_of_stream(const Context& context, const Result<T, E>& result, const std::string& doing,
                       const std::string& stream) {
  if (!result) throw failure_of_stream(context, result.error(), doing, stream);
}

/// Those that may be changed.
void add_changeable_settings(CLI::App& app, StreamSettings& settings);
/// Those that are chosen when the stream is made.
void add_creation_settings(CLI::App& app, StreamSettings& settings);

/// "0" or "shardId-000000000000". Throws the usage error of what is neither.
[[nodiscard]] std::uint32_t shard_of(const std::string& text);
/// "trim", "latest", "seq:N", "after:N", "time:T". Throws the usage error of anything else.
[[nodiscard]] From from_of(const std::string& text);
/// "2026-01-31T12:00:00.5Z", Unix seconds, or how long ago: "10m".
[[nodiscard]] WallTime time_of(const std::string& text);

[[nodiscard]] const char* name_of(Durability durability);
[[nodiscard]] const char* name_of(StreamStorage storage);
[[nodiscard]] const char* name_of(StreamMode mode);
JsonObject json_settings(const StreamSettings& settings);
JsonObject json_shard(const ShardInfo& shard);
/// Adds "records", "bytes", "full", "throttled", "records_read", "bytes_read", "lapped",
/// "open_shards", "memory_bytes", "log_bytes".
void add_counters(JsonObject& object, const StreamStats& stats);
JsonObject json_record(const StreamRecord& record, const std::string& stream);

/// A template such as "{sequence}\t{data}", parsed once.
class RecordFormat {
 public:
  /// Throws Failure (usage) for an unknown field, naming those there are.
  explicit RecordFormat(std::string_view text);
  void append(std::string& out, const StreamRecord& record) const;

 private:
  enum class Field { kText, kSequence, kShard, kKey, kHashKey, kArrival, kData, kBytes };
  struct Piece {
    Field field = Field::kText;
    std::string text;  ///< of kText
  };
  void add_field(std::string_view name);
  std::vector<Piece> pieces_;
};

}  // namespace ringpost::cli
