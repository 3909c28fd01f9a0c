#include <algorithm>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/options.hpp"
#include "../support/progress.hpp"
#include "../support/task_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string queue;
  MoveOptions move;
};

/// With --json standard error is for errors.
void say(const Context& context, const std::string& text) {
  if (!context.globals.json) context.note(text);
}

/// Until the task has ended. Says once what it waits for.
void work(const Context& context, MoveRunner& runner, Progress& progress, const Subject& subject) {
  Errc said = Errc::kOk;
  while (true) {
    stop_if_interrupted();
    const auto step = runner.step();
    require(step, subject);
    progress.add(step->moved, 0, step->moved);
    if (step->ended) return;
    if (step->hindrance != Errc::kOk && step->hindrance != said) {
      progress.clear();
      say(context,
          fmt::format("waiting: {}", step->hindrance == Errc::kFull ? "the destination is full"
                                                                    : message(step->hindrance)));
    }
    said = step->hindrance;
    sleep_or_stop(std::min(step->wait, kInterruptSlice));
  }
}

ExitCode result_of(Context& context, const Bus& bus, const MoveTask& task) {
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}};
    for (const auto& field : json_task(task)) object[field.key()] = field.value();
    object["interrupted"] = interrupted();
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("moved {} of {} from queue {} {}", format_count(task.moved),
                               format_counted(task.to_move, "message"), task.source,
                               direction_text(task)));
  }
  if (interrupted()) {
    context.note(
        fmt::format("interrupted: the task is {}; what was moved stays", name(task.status)));
    return ExitCode::kSignal;
  }
  if (task.status == TaskStatus::kCompleted) return ExitCode::kOk;
  const std::string again =
      fmt::format("start again: ringpost redrive start {} --to QUEUE", task.source);
  if (task.status == TaskStatus::kFailed) {
    throw Failure(task.failure == Errc::kDeleted ? ExitCode::kNotFound : ExitCode::kError,
                  name(task.failure), "the task failed: " + task.failure_reason, again);
  }
  throw Failure(ExitCode::kError, "Cancelled", "the task was cancelled by another process",
                fmt::format("start again: ringpost redrive start {}", task.source));
}

ExitCode run(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  const Subject subject =
      context.subject(fmt::format("redrive queue {}", options.queue), options.queue);
  auto runner = bus.start_move(options.queue, options.move);
  if (!runner && runner.error() == Errc::kNotFound) {
    throw Failure(ExitCode::kNotFound, name(Errc::kNotFound), runner.error().what,
                  "those there are: ringpost queue list");
  }
  require(runner, subject);
  const auto begun = runner->info();
  require(begun, subject);
  say(context, fmt::format("task {}: {} to move", begun->id.to_string(),
                           format_counted(begun->to_move, "message")));
  Progress progress("moved", !context.globals.quiet && !context.globals.json, begun->to_move);
  try {
    work(context, *runner, progress, subject);
  } catch (const Interrupted&) {
    static_cast<void>(runner->cancel());  // it may have ended just now
    static_cast<void>(runner->step());
  }
  progress.clear();
  const auto ended = runner->info();
  require(ended, subject);
  return result_of(context, bus, *ended);
}

}  // namespace

void add_redrive_start(CLI::App& redrive, Context& context) {
  auto& verb = add_verb(redrive, "start",
                        "Move what came into a dead-letter queue back, or to another queue",
                        "  ringpost redrive start orders-dead\n"
                        "  ringpost redrive start orders-dead --to orders-again --rate 50\n"
                        "  ringpost redrive start orders-dead --json | jq .moved");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->queue);
  verb.add_option("--to", options->move.destination,
                  "All to this queue (each message to the queue it came from)")
      ->type_name("QUEUE");
  verb.add_option("--rate", options->move.per_second,
                  "At most so many messages a second, 1 to 500 (as fast as possible)")
      ->type_name("N")
      ->check(CLI::Range(1, 500));
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
