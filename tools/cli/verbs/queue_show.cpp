#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/settings_text.hpp"
#include "../support/tag_text.hpp"
#include "../support/task_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context, const std::string& name) {
  Bus bus = open_bus(context);
  const Queue queue = open_queue(context, bus, name);
  const QueueStats stats = queue.stats();
  const auto task = latest_task(bus, name);
  const auto tags = queue.tags();
  require(tags, context.subject(fmt::format("read the tags of queue {}", name), name));
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"queue", name}};
    object["settings"] = json_settings(queue.settings());
    object["tags"] = json_tags(*tags);
    add_state(object, stats);
    object["move_task"] = task ? JsonValue(json_task(*task)) : JsonValue(nullptr);
    context.out.line(json_line(object));
    return ExitCode::kOk;
  }
  const Paint paint = context.paint_for_output();
  context.out.line(paint.bold(fmt::format("queue {} on bus {}", name, bus.name())));
  context.out.write(settings_lines(queue.settings()));
  context.out.write(tag_lines(*tags));
  context.out.line(fmt::format("  {:<20} {} visible, {} in flight, {} delayed", "messages",
                               format_count(stats.visible), format_count(stats.in_flight),
                               format_count(stats.delayed)));
  context.out.line(fmt::format("  {:<20} {} in {} of {}", "memory", format_size(stats.memory_bytes),
                               format_counted(stats.slots, "slot"),
                               format_counted(stats.rings, "ring")));
  if (stats.log_bytes != 0) {
    context.out.line(
        fmt::format("  {:<20} {}{}", "on disk", format_size(stats.log_bytes),
                    stats.beyond_memory == 0
                        ? std::string()
                        : ", " + format_count(stats.beyond_memory) + " messages there alone"));
  }
  if (task) context.out.line(fmt::format("  {:<20} {}", "redrive", task_text(*task)));
  return ExitCode::kOk;
}

}  // namespace

void add_queue_show(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "show", "Settings of a queue, and what is in it",
                        "  ringpost queue show orders\n"
                        "  ringpost queue show orders --json | jq .settings");
  auto name = std::make_shared<std::string>();
  add_queue_name(verb, *name);
  on_run(verb, context, [&context, name] { return run(context, *name); });
}

}  // namespace ringpost::cli
