#include <fmt/format.h>

#include "../support/options.hpp"
#include "../support/task_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

/// A task's id, or the queue that it takes messages from.
TaskId find_task(const Context& context, const Bus& bus, const std::string& which) {
  if (const auto id = TaskId::parse(which)) return *id;
  const auto tasks = bus.move_tasks(which);
  require(tasks, context.subject(fmt::format("cancel the task of queue {}", which), which));
  if (!tasks->empty()) return tasks->front().id;
  throw Failure(ExitCode::kNotFound, name(Errc::kNoTask),
                fmt::format("no task takes messages from queue {}", which),
                "see those there are: ringpost redrive list");
}

ExitCode run(Context& context, const std::string& which) {
  Bus bus = open_bus(context);
  const TaskId id = find_task(context, bus, which);
  const auto moved = bus.cancel_move(id);
  require(moved, context.subject("cancel"));
  if (context.globals.json) {
    context.out.line(
        json_line(JsonObject{{"bus", bus.name()}, {"task", id.to_string()}, {"moved", *moved}}));
  } else {
    context.report(fmt::format("cancelled task {}: {} moved, which stay where they are",
                               id.to_string(), format_counted(*moved, "message")));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_redrive_cancel(CLI::App& redrive, Context& context) {
  auto& verb = add_verb(redrive, "cancel", "End a running message move task",
                        "  ringpost redrive cancel orders-dead\n"
                        "  ringpost redrive cancel dcb3d723-e525-4e99-0000-000000000001");
  auto which = std::make_shared<std::string>();
  verb.add_option("TASK", *which, "Its id, or the name of the queue it takes messages from")
      ->type_name("")
      ->required();
  on_run(verb, context, [&context, which] { return run(context, *which); });
}

}  // namespace ringpost::cli
