#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/table.hpp"
#include "../support/units.hpp"
#include "ringpost/admin.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

void print_json(Context& context, const BusInfo& info, std::size_t queues) {
  JsonObject object{{"bus", info.name},
                    {"directory", info.directory},
                    {"format_version", info.format_version},
                    {"queues", queues},
                    {"participants_max", info.participants_max}};
  object["arena"] = JsonObject{{"bytes", info.arena.bytes},
                               {"bytes_used", info.arena.bytes_used},
                               {"bytes_max", info.arena.bytes_max},
                               {"blocks", info.arena.blocks},
                               {"blocks_used", info.arena.blocks_used}};
  JsonArray participants;
  for (const ParticipantInfo& one : info.participants) {
    participants.push_back(JsonObject{{"index", one.index},
                                      {"incarnation", one.incarnation},
                                      {"pid", one.pid},
                                      {"command", one.command},
                                      {"alive", one.alive},
                                      {"messages_held", one.messages_held}});
  }
  object["participants"] = std::move(participants);
  context.out.line(json_line(object));
}

void print_text(Context& context, const BusInfo& info, std::size_t queues) {
  const Paint paint = context.paint_for_output();
  const auto line = [&context](const char* name, const std::string& value) {
    context.out.line(fmt::format("  {:<14} {}", name, value));
  };
  context.out.line(paint.bold("bus " + info.name));
  line("directory", info.directory);
  line("format", fmt::format("version {}", info.format_version));
  line("queues", format_count(queues));
  line("arena",
       fmt::format("{} used of {}, up to {}; {} of {} blocks", format_size(info.arena.bytes_used),
                   format_size(info.arena.bytes), format_size(info.arena.bytes_max),
                   format_count(info.arena.blocks_used), format_count(info.arena.blocks)));
  line("attached", fmt::format("{} of at most {}", info.participants.size(),
                               format_count(info.participants_max)));
  Table table({{"  INDEX", Align::kRight},
               {"PID", Align::kRight},
               {"STATE"},
               {"HOLDS", Align::kRight},
               {"COMMAND"}});
  for (const ParticipantInfo& one : info.participants) {
    table.add({std::to_string(one.index), std::to_string(one.pid),
               one.alive ? "alive" : "dead, to be swept", std::to_string(one.messages_held),
               one.command});
  }
  if (!table.empty()) context.out.write(table.render(paint));
}

ExitCode run(Context& context) {
  const Bus bus = open_bus(context);
  const BusInfo info = inspect(bus);
  const auto names = bus.queue_names();
  require(names, context.subject("list queues"));
  if (context.globals.json) {
    print_json(context, info, names->size());
  } else {
    print_text(context, info, names->size());
  }
  return ExitCode::kOk;
}

}  // namespace

void add_bus_show(CLI::App& bus, Context& context) {
  auto& verb = add_verb(bus, "show", "Who is attached to the bus, and its memory",
                        "  ringpost bus show\n"
                        "  ringpost bus show tests --json");
  verb.add_option("BUS", context.globals.bus, "Name of the bus (that of --bus)")->type_name("");
  on_run(verb, context, [&context] { return run(context); });
}

}  // namespace ringpost::cli
