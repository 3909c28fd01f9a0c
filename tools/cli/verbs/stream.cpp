// ringpost stream: making, listing, looking at and removing streams.
#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/stream_text.hpp"
#include "../support/table.hpp"
#include "../support/tag_text.hpp"
#include "../support/units.hpp"
#include "ringpost/consumer_group.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Creation {
  std::vector<std::string> names;
  StreamSettings settings;
  std::vector<std::string> tags;
};

ExitCode create(Context& context, const Creation& options) {
  const Tags tags = tags_of(options.tags);
  Bus bus = open_bus(context, IfMissing::kCreate);
  for (const std::string& name : options.names) {
    const bool existed = bus.open_stream(name).has_value();
    const auto stream = bus.stream(name, options.settings, tags);
    require_of_stream(context, stream, fmt::format("create stream {}", name), name);
    if (context.globals.json) {
      JsonObject object{{"bus", bus.name()}, {"stream", name}, {"created", !existed}};
      object["settings"] = json_settings(stream->settings());
      context.out.line(json_line(object));
    } else {
      context.report(existed ? fmt::format("stream {} is there already", name)
                             : fmt::format("created stream {} on bus {}", name, bus.name()));
    }
  }
  return ExitCode::kOk;
}

ExitCode list(Context& context, const std::string& prefix) {
  const Bus bus = open_bus(context);
  const auto names = bus.stream_names(prefix);
  require(names, context.subject("list streams"));
  for (const std::string& name : *names) {
    if (context.globals.json) {
      context.out.line(json_line(JsonObject{{"bus", bus.name()}, {"stream", name}}));
    } else {
      context.out.line(name);
    }
  }
  return ExitCode::kOk;
}

struct Group {
  std::string name;
  std::vector<LeaseInfo> leases;
};

/// Everything that there is to show.
struct Look {
  StreamSettings settings;
  StreamStats stats;
  Tags tags;
  std::vector<ShardInfo> shards;
  std::vector<Group> groups;
};

Look look_at(Context& context, Bus& bus, const std::string& name) {
  Stream stream = open_stream(context, bus, name);
  const std::string doing = fmt::format("look at stream {}", name);
  auto stats = stream.stats();
  require_of_stream(context, stats, doing, name);
  auto tags = stream.tags();
  require_of_stream(context, tags, doing, name);
  auto shards = stream.shards();
  require_of_stream(context, shards, doing, name);
  const auto names = Consumer::groups(bus, name);
  require_of_stream(context, names, doing, name);
  Look look{stream.settings(), std::move(*stats), std::move(*tags), std::move(*shards), {}};
  for (const std::string& group : *names) {
    auto leases = Consumer::leases(bus, name, group);
    if (leases) look.groups.push_back({group, std::move(*leases)});
  }
  return look;
}

std::string sizes_text(const StreamSettings& settings) {
  std::string text = "records up to " + format_size(*settings.record_bytes_max);
  text += ", rings of " + format_size(*settings.ring_bytes);
  if (*settings.storage == StreamStorage::kLog) {
    text += ", segments of " + format_size(*settings.segment_bytes);
  }
  return text;
}

std::string kept_text(const StreamSettings& settings) {
  if (*settings.storage == StreamStorage::kMemory) return "the newest, in memory only";
  std::string text = "for " + format_setting(*settings.retention);
  if (*settings.log_bytes_max != 0) {
    text += fmt::format(", up to {} a shard", format_size(*settings.log_bytes_max));
  }
  return text + fmt::format(", a put is {}", *settings.durability == Durability::kDurable
                                                 ? "safe on disk when it returns"
                                                 : "in memory when it returns");
}

std::string lineage_text(const ShardInfo& shard) {
  if (!shard.parent) return "";
  std::string text = std::to_string(*shard.parent);
  if (shard.adjacent_parent) text += " and " + std::to_string(*shard.adjacent_parent);
  return text;
}

Table shards_table(const Look& look) {
  Table table({{"SHARD"},
               {"STATE"},
               {"FROM", Align::kRight},
               {"FIRST HASH KEY", Align::kRight},
               {"LAST HASH KEY", Align::kRight},
               {"LOG", Align::kRight},
               {"SEGMENTS", Align::kRight}});
  for (const ShardInfo& shard : look.shards) {
    const auto& all = look.stats.shards;
    const auto of = std::find_if(
        all.begin(), all.end(), [&](const ShardStats& each) { return each.shard == shard.number; });
    table.add({shard.id(), shard.is_open() ? "open" : "closed", lineage_text(shard),
               shard.first.to_string(), shard.last.to_string(),
               of == all.end() ? "" : format_size(of->log_bytes),
               of == all.end() ? "" : format_count(of->segments)});
  }
  return table;
}

Table groups_table(const Look& look) {
  Table table({{"GROUP"}, {"SHARD"}, {"CONSUMER"}, {"PID", Align::kRight}, {"GOES ON"}});
  for (const Group& group : look.groups) {
    for (const LeaseInfo& lease : group.leases) {
      const std::string owner = lease.participant == 0 ? "nobody"
                                : lease.owner_lives    ? lease.command
                                                       : "a dead one";
      std::string where = "at the oldest record";
      if (lease.finished) {
        where = "finished";
      } else if (lease.from->kind == From::Kind::kAfter) {
        where = "after " + lease.from->sequence.to_string();
      } else if (lease.from->kind == From::Kind::kAt) {
        where = "at " + lease.from->sequence.to_string();
      } else if (lease.from->kind == From::Kind::kTime) {
        where = "at " + iso_time(lease.from->when);
      }
      table.add({group.name, ShardInfo::id_of(lease.shard), owner,
                 lease.owner_lives ? std::to_string(lease.pid) : "", where});
    }
  }
  return table;
}

void print_for_people(Context& context, const std::string& name, const Look& look) {
  const Paint paint = context.paint_for_output();
  context.out.line(paint.bold(fmt::format("stream {} on bus {}", name, context.globals.bus)));
  const auto line = [&context](const char* what, const std::string& value) {
    context.out.line(fmt::format("  {:<20} {}", what, value));
  };
  line("kept", kept_text(look.settings));
  line("sizes", sizes_text(look.settings));
  line("mode", fmt::format("{}{}", name_of(*look.settings.mode),
                           *look.settings.shard_limits ? ", with the limits of shards" : ""));
  context.out.write(tag_lines(look.tags));
  line("put", fmt::format("{} ({}), {} throttled, {} found no room",
                          format_count(look.stats.records), format_size(look.stats.bytes),
                          format_count(look.stats.throttled), format_count(look.stats.full)));
  line("read",
       fmt::format("{} ({}), {} too late", format_count(look.stats.records_read),
                   format_size(look.stats.bytes_read), format_counted(look.stats.lapped, "time")));
  line("takes", fmt::format("{} of memory, {} on disk", format_size(look.stats.memory_bytes),
                            format_size(look.stats.log_bytes)));
  context.out.write(shards_table(look).render(paint));
  if (!look.groups.empty()) context.out.write(groups_table(look).render(paint));
}

JsonObject json_group(const Group& group) {
  JsonArray leases;
  for (const LeaseInfo& lease : group.leases) {
    JsonObject object{{"shard", ShardInfo::id_of(lease.shard)},
                      {"finished", lease.finished},
                      {"participant", lease.participant},
                      {"pid", lease.pid},
                      {"lives", lease.owner_lives},
                      {"counter", lease.counter},
                      {"switches", lease.switches}};
    const bool has_number = lease.from && (lease.from->kind == From::Kind::kAfter ||
                                           lease.from->kind == From::Kind::kAt);
    object["checkpoint"] = has_number ? JsonValue(lease.from->sequence.to_string()) : JsonValue();
    leases.push_back(std::move(object));
  }
  JsonObject object{{"group", group.name}};
  object["leases"] = std::move(leases);
  return object;
}

ExitCode show(Context& context, const std::string& name) {
  Bus bus = open_bus(context);
  const Look look = look_at(context, bus, name);
  if (!context.globals.json) {
    print_for_people(context, name, look);
    return ExitCode::kOk;
  }
  JsonObject object{{"bus", bus.name()}, {"stream", name}};
  object["settings"] = json_settings(look.settings);
  object["tags"] = json_tags(look.tags);
  add_counters(object, look.stats);
  JsonArray shards;
  for (const ShardInfo& each : look.shards) shards.push_back(json_shard(each));
  object["shards"] = std::move(shards);
  JsonArray groups;
  for (const Group& each : look.groups) groups.push_back(json_group(each));
  object["groups"] = std::move(groups);
  context.out.line(json_line(object));
  return ExitCode::kOk;
}

ExitCode remove(Context& context, const std::vector<std::string>& names) {
  Bus bus = open_bus(context);
  for (const std::string& name : names) {
    require_of_stream(context, bus.delete_stream(name), fmt::format("delete stream {}", name),
                      name);
    if (context.globals.json) {
      context.out.line(
          json_line(JsonObject{{"bus", bus.name()}, {"stream", name}, {"deleted", true}}));
    } else {
      context.report(fmt::format("deleted stream {}", name));
    }
  }
  return ExitCode::kOk;
}

void add_create(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "create", "Make streams, and their bus if there is none",
                        "  ringpost stream create trades\n"
                        "  ringpost stream create trades --shards 8 --retention 7d\n"
                        "  ringpost stream create ticks --storage memory --ring-bytes 64MiB");
  auto options = std::make_shared<Creation>();
  verb.add_option("STREAM", options->names, "Names: letters, digits, - _ and ., up to 128")
      ->required()
      ->type_name("");
  add_changeable_settings(verb, options->settings);
  add_creation_settings(verb, options->settings);
  verb.add_option("--tag", options->tags,
                  "KEY=VALUE, once for each; a stream that is there already must have them")
      ->type_name("TAG")
      ->allow_extra_args(false);
  on_run(verb, context, [&context, options] { return create(context, *options); });
}

}  // namespace

void add_stream(CLI::App& app, Context& context) {
  CLI::App& stream = *app.add_subcommand("stream", "Make, change, list and remove streams");
  stream.group("Streams")->require_subcommand(1);
  add_create(stream, context);

  auto& list_verb = add_verb(stream, "list", "Names of the streams on the bus, one a line",
                             "  ringpost stream list\n"
                             "  ringpost stream list market- --json");
  auto prefix = std::make_shared<std::string>();
  list_verb.add_option("PREFIX", *prefix, "Only names that begin so")->type_name("");
  on_run(list_verb, context, [&context, prefix] { return list(context, *prefix); });

  auto& show_verb =
      add_verb(stream, "show", "Settings, counters, shards and consumer groups of a stream",
               "  ringpost stream show trades\n"
               "  ringpost stream show trades --json | jq .shards");
  auto name = std::make_shared<std::string>();
  add_stream_name(show_verb, *name);
  on_run(show_verb, context, [&context, name] { return show(context, *name); });

  add_stream_set(stream, context);
  add_stream_retention(stream, context);
  add_stream_tag(stream, context);
  add_stream_untag(stream, context);
  add_stream_split(stream, context);
  add_stream_merge(stream, context);
  add_stream_scale(stream, context);

  auto& delete_verb = add_verb(stream, "delete", "Remove streams with all their records",
                               "  ringpost stream delete trades");
  auto names = std::make_shared<std::vector<std::string>>();
  delete_verb.add_option("STREAM", *names, "Names of the streams")->required()->type_name("");
  on_run(delete_verb, context, [&context, names] { return remove(context, *names); });
}

}  // namespace ringpost::cli
