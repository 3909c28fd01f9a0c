#include "config.hpp"

#include <CLI/CLI.hpp>

#include "ringpost/version.hpp"
#include "units.hpp"

namespace ringpost::daemon {
namespace {

constexpr const char* kFooter = R"(Signals:
  SIGTERM, SIGINT  write what is pending, then end
  SIGHUP           look for new buses now

Examples:
  ringpostd                                # every bus of this machine that is this user's
  ringpostd --bus trading --bus risk       # these, and they are made if they are not there
  ringpostd --config /etc/ringpostd.toml   # bus = ["trading"]
                                           # sweep-every = "500ms"

Queues and topics need no daemon. It is for streams whose programs do not write their logs
themselves, and for buses on which nobody waits who would notice a death.)";

void read_duration(const char* option, const std::string& text, Duration& into) {
  constexpr Duration kLeast = std::chrono::milliseconds(10);
  constexpr Duration kMost = std::chrono::hours(1);
  const auto parsed = cli::parse_duration(text);
  if (!parsed || *parsed < kLeast || *parsed > kMost) {
    throw CLI::ValidationError(option, "must be 10ms to 1h, like 500ms or 5s");
  }
  into = *parsed;
}

void add_options(CLI::App& app, Config& config) {
  app.add_option("-b,--bus", config.buses, "Names of the buses to look after (all there are)")
      ->type_name("NAME");
  app.add_option("--shm-dir", config.shm_dir,
                 "Where buses lie ($RINGPOST_SHM_DIR, else /dev/shm/ringpost)")
      ->type_name("PATH");
  app.add_option("--state-dir", config.state_dir,
                 "Where logs lie ($RINGPOST_STATE_DIR, else /var/lib/ringpost for root)")
      ->type_name("PATH");
  app.add_option_function<std::string>(
         "--sweep-every",
         [&config](const std::string& text) {
           read_duration("--sweep-every", text, config.sweep_every);
         },
         "How often to look for the dead (1s)")
      ->type_name("DURATION");
  app.add_option_function<std::string>(
         "--flush-after",
         [&config](const std::string& text) {
           read_duration("--flush-after", text, config.flush_after);
         },
         "What nobody waits for is on disk so long after it was put (1s)")
      ->type_name("DURATION");
  app.add_flag("!--no-logs", config.write_logs, "Sweep only: others write the logs of streams");
  app.add_flag("-q,--quiet", config.quiet, "Report problems only");
  app.set_config("--config", "", "Read options from this file (TOML or INI)");
}

}  // namespace

BusOptions Config::bus_options() const {
  BusOptions options;
  options.shm_dir = shm_dir;
  options.state_dir = state_dir;
  return options;
}

std::optional<Config> read_config(int argc, char** argv, int& status) {
  Config config;
  CLI::App app("Ringpost's daemon: sweeps buses and writes the logs of their streams", "ringpostd");
  app.set_help_flag("-h,--help", "This help");
  app.set_version_flag("--version", library_version_text());
  app.footer(kFooter);
  add_options(app, config);
  try {
    app.parse(argc, argv);
    return config;
  } catch (const CLI::ParseError& error) {
    status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
}

}  // namespace ringpost::daemon
