#include <unistd.h>

#include <fmt/format.h>

#include "../support/options.hpp"
#include "../support/table.hpp"
#include "../support/task_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

void add_row(Table& table, const MoveTask& task) {
  const auto age = std::chrono::system_clock::now() - task.started;
  table.add({task.source, task.id.to_string(), name(task.status), format_count(task.moved),
             format_count(task.to_move),
             task.per_second ? fmt::format("{}/s", *task.per_second) : "–",
             task.destination.empty() ? "each its own" : task.destination,
             format_age(std::chrono::duration_cast<Duration>(age)), task.failure_reason});
}

ExitCode run(Context& context, std::vector<std::string> names) {
  Bus bus = open_bus(context);
  const bool all = names.empty();
  if (all) {
    auto found = bus.queue_names();
    require(found, context.subject("list queues"));
    names = std::move(*found);
  }
  Table table({{"QUEUE"},
               {"TASK"},
               {"STATUS"},
               {"MOVED", Align::kRight},
               {"OF", Align::kRight},
               {"RATE", Align::kRight},
               {"TO"},
               {"STARTED", Align::kRight},
               {"FAILURE"}});
  bool failed = false;
  for (const std::string& name : names) {
    const auto tasks = bus.move_tasks(name);
    if (!tasks && all && tasks.error() == Errc::kNotFound) continue;  // deleted meanwhile
    require(tasks, context.subject(fmt::format("list the tasks of queue {}", name), name));
    for (const MoveTask& task : *tasks) {
      failed = failed || !task.failure_reason.empty();
      if (context.globals.json) {
        context.out.line(json_line(json_task(task)));
      } else {
        add_row(table, task);
      }
    }
  }
  if (!failed) table.drop("FAILURE");
  if (!table.empty()) {
    context.out.write(table.render(context.paint_for_output()));
  } else if (!context.globals.json && is_terminal(STDERR_FILENO)) {
    context.note("no message move tasks: ringpost redrive start QUEUE");
  }
  return ExitCode::kOk;
}

}  // namespace

void add_redrive_list(CLI::App& redrive, Context& context) {
  auto& verb = add_verb(redrive, "list", "Message move tasks, of each queue the last ten",
                        "  ringpost redrive list\n"
                        "  ringpost redrive list orders-dead\n"
                        "  ringpost redrive list --json | jq 'select(.status == \"RUNNING\")'");
  auto names = std::make_shared<std::vector<std::string>>();
  verb.add_option("QUEUE", *names, "Names of dead-letter queues (all of the bus)")->type_name("");
  on_run(verb, context, [&context, names] { return run(context, *names); });
}

}  // namespace ringpost::cli
