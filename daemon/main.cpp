// ringpostd: parse, open, turn until told to stop, write what is pending, close.
#include <csignal>
#include <exception>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "conductor.hpp"
#include "config.hpp"
#include "ringpost/version.hpp"
#include "service.hpp"
#include "signals.hpp"
#include "units.hpp"

namespace ringpost::daemon {
namespace {

void log_to_standard_error(bool quiet) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("ringpostd"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(quiet ? spdlog::level::warn : spdlog::level::info);
}

void turn_until_stopped(Conductor& conductor, Signals& signals, Duration every) {
  while (true) {
    conductor.turn();
    if (conductor.totals().turns == 1) {
      spdlog::info("ready: {}", conductor.status());
      tell_ready(conductor.status());
    } else {
      tell_alive(conductor.status());
    }
    const int signal = signals.wait(every);
    if (signal == 0 || signal == SIGHUP) continue;
    spdlog::info("stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    return;
  }
}

int run(const Config& config) {
  log_to_standard_error(config.quiet);
  spdlog::info("ringpostd {}", library_version_text());
  Signals signals;
  Conductor conductor(config);
  if (const auto begun = conductor.begin(); !begun) {
    spdlog::error("{}", begun.error().what);
    return 1;
  }
  turn_until_stopped(conductor, signals, config.sweep_every);
  tell_stopping();
  conductor.end();
  const Totals& totals = conductor.totals();
  spdlog::info("swept {} ({} returned), moved {}",
               cli::format_counted(totals.dead_participants, "dead process"),
               cli::format_counted(totals.leases_returned, "message"),
               cli::format_counted(totals.messages_moved, "message"));
  return 0;
}

}  // namespace
}  // namespace ringpost::daemon

int main(int argc, char** argv) {
  using namespace ringpost::daemon;
  try {
    int status = 0;
    const auto config = read_config(argc, argv, status);
    return config ? run(*config) : status;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return 1;
  }
}
