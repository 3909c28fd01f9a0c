// How many shards a stream has: splitting and merging them while it is in use.
#include <fmt/format.h>

#include "../support/options.hpp"
#include "../support/stream_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> shards;
  std::string at;
  std::uint32_t count = 0;
};

ExitCode report(Context& context, const Bus& bus, const Options& options, std::string_view done,
                const std::vector<std::uint32_t>& made) {
  JsonArray ids;
  std::string names;
  for (const std::uint32_t shard : made) {
    ids.push_back(JsonValue(ShardInfo::id_of(shard)));
    names += (names.empty() ? "" : " and ") + ShardInfo::id_of(shard);
  }
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"stream", options.name}};
    object["shards"] = std::move(ids);
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("{} of stream {}: {} in place", done, options.name, names));
  }
  return ExitCode::kOk;
}

ShardInfo find(Context& context, Stream& stream, std::uint32_t number) {
  const auto shards = stream.shards();
  require_of_stream(context, shards, "list the shards of stream " + stream.name(), stream.name());
  for (const ShardInfo& each : *shards) {
    if (each.number == number) return each;
  }
  throw failure_of_stream(context, Errc::kNotFound,
                          fmt::format("find {}", ShardInfo::id_of(number)), stream.name());
}

/// Halfway between both.
HashKey middle_of(const HashKey& first, const HashKey& last) {
  __extension__ using Whole = unsigned __int128;
  const Whole low = Whole{first.high} << 64 | first.low;
  const Whole high = Whole{last.high} << 64 | last.low;
  const Whole middle = low + (high - low) / 2 + 1;
  return {static_cast<std::uint64_t>(middle >> 64), static_cast<std::uint64_t>(middle)};
}

ExitCode split(Context& context, const Options& options) {
  const std::uint32_t shard = shard_of(options.shards.front());
  std::optional<HashKey> at;
  if (!options.at.empty()) {
    at = HashKey::parse(options.at);
    if (!at) {
      throw usage_failure(fmt::format("\"{}\" is no hash key", options.at),
                          "write a decimal number below 2^128, or drop --at: in the middle");
    }
  }
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  if (!at) {
    const ShardInfo info = find(context, stream, shard);
    at = middle_of(info.first, info.last);
  }
  const auto made = stream.split(shard, *at);
  require_of_stream(context, made, fmt::format("split {}", ShardInfo::id_of(shard)), options.name);
  return report(context, bus, options, "split " + ShardInfo::id_of(shard), *made);
}

ExitCode merge(Context& context, const Options& options) {
  const std::uint32_t lower = shard_of(options.shards.at(0));
  const std::uint32_t upper = shard_of(options.shards.at(1));
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  const std::string both =
      fmt::format("merge {} and {}", ShardInfo::id_of(lower), ShardInfo::id_of(upper));
  const auto made = stream.merge(lower, upper);
  require_of_stream(context, made, both, options.name);
  return report(context, bus, options,
                fmt::format("merged {} and {}", ShardInfo::id_of(lower), ShardInfo::id_of(upper)),
                {*made});
}

ExitCode scale(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  require_of_stream(context, stream.scale(options.count),
                    fmt::format("scale stream {}", options.name), options.name);
  if (context.globals.json) {
    context.out.line(json_line(
        JsonObject{{"bus", bus.name()}, {"stream", options.name}, {"open_shards", options.count}}));
  } else {
    context.report(
        fmt::format("stream {} has {} open", options.name, format_counted(options.count, "shard")));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_stream_split(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "split", "Put two shards in place of one",
                        "  ringpost stream split trades 0   # in the middle\n"
                        "  ringpost stream split trades shardId-000000000000 --at 1234567890");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  verb.add_option("SHARD", options->shards, "Its number or id")
      ->required()
      ->expected(1)
      ->type_name("");
  verb.add_option("--at", options->at, "First hash key of the upper one (the middle)")
      ->type_name("HASHKEY");
  on_run(verb, context, [&context, options] { return split(context, *options); });
}

void add_stream_merge(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "merge", "Put one shard in place of two neighbours",
                        "  ringpost stream merge trades 1 2");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  verb.add_option("SHARD", options->shards, "The lower one, then the upper one")
      ->required()
      ->expected(2)
      ->type_name("");
  on_run(verb, context, [&context, options] { return merge(context, *options); });
}

void add_stream_scale(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "scale", "Split and merge until so many shards are open",
                        "  ringpost stream scale trades 8");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  verb.add_option("SHARDS", options->count, "At most twice as many as now, at least half")
      ->required()
      ->type_name("");
  on_run(verb, context, [&context, options] { return scale(context, *options); });
}

}  // namespace ringpost::cli
