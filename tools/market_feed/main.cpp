// ringpost-market-feed: the demo, and the processes that it starts. Run it through tools/demo.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <exception>

#include "orchestrator.hpp"
#include "role.hpp"

namespace {

using namespace ringpost::market_feed;

void add_role(CLI::App& program, const char* name, RoleOptions& role,
              int (*run)(const RoleOptions&), int& status) {
  CLI::App* const command = program.add_subcommand(name)->group("");
  command->add_option("--bus", role.bus)->required();
  command->add_option("--orchestrator", role.orchestrator)->required();
  command->add_option("--ledger", role.ledger_descriptor)->required();
  command->add_option("--feed", role.feed_descriptor)->required();
  command->add_option("--phase", role.phase);
  command->add_option("--worker", role.worker);
  command->callback([&role, &status, run] {
    become_child(role.orchestrator);
    status = run(role);
  });
}

int run(int argc, char** argv) {
  CLI::App program(
      "Sends a recorded market feed through a queue while processes are killed and "
      "stopped, and proves that nothing is lost.");
  program.require_subcommand(1);
  int status = 0;

  DemoOptions demo;
  CLI::App* const run_all = program.add_subcommand("run", "plays all phases and reports");
  run_all->add_option("FEED", demo.feed_path, "the recorded feed, a line a message, gzip")
      ->required();
  run_all->add_option("--svg", demo.svg_path, "draw the latencies of the second phase to a file");
  run_all->add_option("--json", demo.json_path, "write all figures and promises to a file");
  run_all->add_flag("--keep", demo.keep, "leave the bus when all is over");
  run_all->add_option("--lines", demo.lines_max, "only the first so many lines")
      ->check(CLI::Range(1000u, 1'000'000'000u));
  run_all->add_option("--forge", demo.forge)->group("");
  run_all->callback([&] { status = run_demo(demo); });

  RoleOptions role;
  add_role(program, "feed", role, run_feed, status);
  add_role(program, "worker", role, run_worker, status);
  add_role(program, "log-writer", role, run_log_writer, status);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ringpost-market-feed: {}\n", error.what());
    return 2;
  }
}
