// The ringpost command: parse, run the verb, say what went wrong.
#include <algorithm>
#include <csignal>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "support/context.hpp"
#include "support/interrupt.hpp"
#include "support/usage.hpp"
#include "verbs/verbs.hpp"

namespace ringpost::cli {
namespace {

constexpr const char* kFooter =
    R"(Times are written 10ms, 30s, 5m, 12h; sizes 512, 64KiB, 1M; rates 100, 10k, 30/m.

Exit codes:
  0  done                    5  no such bus, queue, …
  1  error                   6  doctor found something
  2  wrong usage             7  bench: over the latency budget
  3  no message in time      8  stale receipt
  4  queue or memory full    9  work, deliver: messages came back
  126, 127  work: the command cannot be run, there is no such command
  128+N     ended by signal N (130: Ctrl-C)
  141       the reader of the output has gone

Examples:
  ringpost queue create orders
  ringpost send orders hello
  ringpost receive orders
Each verb has more: ringpost send --help)";

void add_global_options(CLI::App& app, Globals& globals) {
  app.add_option("-b,--bus", globals.bus, "Name of the bus (default)")
      ->envname("RINGPOST_BUS")
      ->type_name("NAME");
  app.add_option("--shm-dir", globals.shm_dir,
                 "Where buses lie ($RINGPOST_SHM_DIR, else /dev/shm/ringpost)")
      ->type_name("PATH");
  app.add_flag("--json", globals.json, "Print JSON, one object a line; errors too");
  app.add_flag("-q,--quiet", globals.quiet, "Print results and errors only");
  app.add_flag("--no-color", globals.no_color, "No colours, also on a terminal");
}

void add_verbs(CLI::App& app, Context& context) {
  add_send(app, context);
  add_receive(app, context);
  add_acknowledge(app, context);
  add_release(app, context);
  add_extend(app, context);
  add_peek(app, context);
  add_work(app, context);

  CLI::App& queue = *app.add_subcommand("queue", "Make, change, list and remove queues");
  queue.group("Queues and buses")->require_subcommand(1);
  add_queue_create(queue, context);
  add_queue_list(queue, context);
  add_queue_show(queue, context);
  add_queue_set(queue, context);
  add_queue_tag(queue, context);
  add_queue_untag(queue, context);
  add_queue_purge(queue, context);
  add_queue_delete(queue, context);

  CLI::App& redrive = *app.add_subcommand("redrive", "Move messages out of a dead-letter queue");
  redrive.group("Queues and buses")->require_subcommand(1);
  add_redrive_start(redrive, context);
  add_redrive_list(redrive, context);
  add_redrive_cancel(redrive, context);
  add_redrive_sources(redrive, context);

  add_topic(app, context);
  add_subscribe(app, context);
  add_unsubscribe(app, context);
  add_publish(app, context);
  add_watch(app, context);
  add_deliver(app, context);

  add_stream(app, context);
  add_put(app, context);
  add_get(app, context);
  add_tail(app, context);
  add_replay(app, context);
  add_log(app, context);

  CLI::App& bus = *app.add_subcommand("bus", "List, look at and remove buses");
  bus.group("Queues and buses")->require_subcommand(1);
  add_bus_list(bus, context);
  add_bus_show(bus, context);
  add_bus_remove(bus, context);

  add_stat(app, context);
  add_top(app, context);
  add_bench(app, context);
  add_doctor(app, context);
  add_version(app, context);
}

ExitCode run(Context& context) {
  try {
    catch_interrupts();
    const ExitCode exit_code = context.action();
    context.out.flush();
    return exit_code;
  } catch (const Failure&) {
    context.out.flush();
    throw;
  } catch (const Interrupted&) {
    return ExitCode::kSignal;
  }
}

int status_of(ExitCode exit_code) {
  return exit_code == ExitCode::kSignal ? static_cast<int>(exit_code) + interrupting_signal()
                                        : static_cast<int>(exit_code);
}

int run_command_line(int argc, char** argv) {
  Context context;
  CLI::App app("Ringpost: message queues in shared memory that survive crashes", "ringpost");
  app.fallthrough();
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("SUBCOMMAND", "VERB");
  app.set_help_flag("-h,--help", "This help");
  app.require_subcommand(1);
  app.footer(kFooter);
  add_global_options(app, context.globals);
  add_verbs(app, context);
  char** const dashes = std::find(argv + 1, argv + argc, std::string_view("--"));
  if (dashes != argv + argc) context.after_dashes.assign(dashes + 1, argv + argc);
  // Looked for before the line is parsed: it may not parse.
  const bool json = std::find(argv + 1, dashes, std::string_view("--json")) != dashes;
  if (argc == 1) {
    write_quietly(STDERR_FILENO, app.help());
    return static_cast<int>(ExitCode::kUsage);
  }
  try {
    app.parse(argc, argv);
    return status_of(run(context));
  } catch (const CLI::Success& request) {
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    print_failure(usage_failure_of(app, error), json, context.paint_for_errors());
    return static_cast<int>(ExitCode::kUsage);
  } catch (const Failure& failure) {
    print_failure(failure, json, context.paint_for_errors());
    return static_cast<int>(failure.exit_code());
  }
}

}  // namespace
}  // namespace ringpost::cli

int main(int argc, char** argv) {
  using namespace ringpost::cli;
  // A reader that has gone is an error of write(), not a sudden end: messages can be given back.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run_command_line(argc, argv);
  } catch (const ClosedPipe&) {
    return static_cast<int>(ExitCode::kClosedPipe);
  } catch (const std::exception& error) {
    write_quietly(STDERR_FILENO,
                  fmt::format("error: {}\n hint: run ringpost doctor\n", error.what()));
    return static_cast<int>(ExitCode::kError);
  }
}
