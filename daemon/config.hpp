// The command line and the configuration file of ringpostd.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ringpost/stream.hpp"

namespace ringpost::daemon {

struct Config {
  std::vector<std::string> buses;  ///< empty: every bus in the shared-memory directory
  std::string shm_dir;
  std::string state_dir;
  Duration sweep_every{std::chrono::seconds(1)};
  Duration flush_after{LogWriterOptions{}.flush_after};
  bool write_logs = true;
  bool quiet = false;

  [[nodiscard]] BusOptions bus_options() const;
};

/// Empty when the process is to end at once with `status`: help or version was asked for, or the
/// line is wrong, which has been said.
std::optional<Config> read_config(int argc, char** argv, int& status);

}  // namespace ringpost::daemon
