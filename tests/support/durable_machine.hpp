// A bus with a durable queue on a disk that loses power.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "client/member.hpp"
#include "support/sim_disk.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {

/// A bus whose one queue, "q", has its log on a simulated disk; all else is on the real one.
class Machine {
 public:
  explicit Machine(sim::Disk& disk) : disk_(disk) {}
  /// After the loss of shared memory: what `before` had beside the log.
  Machine(sim::Disk& disk, const Machine& before) : disk_(disk) {
    std::filesystem::copy(before.scratch_.path("state"), scratch_.path("state"),
                          std::filesystem::copy_options::recursive);
    std::filesystem::remove(scratch_.path("state") + "/test/owner");
  }
  Result<Queue> boot(const QueueSettings& settings) {
    bus_.emplace(Bus::open("test", {.shm_dir = scratch_.path("shm"),
                                    .state_dir = scratch_.path("state"),
                                    .clock = &clock_})
                     .value());
    client::Member::of(*bus_).context().queues.home().open_logs_with(
        [this](const std::string&) -> Result<std::unique_ptr<disk::Directory>> {
          return std::unique_ptr<disk::Directory>(disk_.mount());
        });
    return bus_->queue("q", settings);
  }
  [[nodiscard]] Bus& bus() noexcept { return *bus_; }

 private:
  sim::Disk& disk_;
  rig::Scratch scratch_;
  ManualClock clock_;
  std::optional<Bus> bus_;
};

}  // namespace ringpost::test
