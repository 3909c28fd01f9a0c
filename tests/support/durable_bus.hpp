// A bus whose shared memory can be lost, or whose disk is a simulated one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "client/member.hpp"
#include "support/sim_disk.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {

/// Monotonic time begins anew with each boot; the time of day goes on.
class BootClock final : public Clock {
 public:
  [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override { return up_ns_; }
  [[nodiscard]] std::uint64_t wall_ns() const noexcept override { return wall_ns_; }
  void advance(Duration by) noexcept {
    up_ns_ += static_cast<std::uint64_t>(by.count());
    wall_ns_ += static_cast<std::uint64_t>(by.count());
  }
  /// Takes a minute.
  void boot() noexcept {
    up_ns_ = 1'000'000'000;
    wall_ns_ += 60'000'000'000;
  }

 private:
  std::uint64_t up_ns_ = 5'000'000'000'000;
  std::uint64_t wall_ns_ = 1'700'000'000'000'000'000;
};

class BootBus {
 public:
  [[nodiscard]] Bus& bus() noexcept { return *bus_; }
  [[nodiscard]] BootClock& clock() noexcept { return clock_; }
  [[nodiscard]] BusOptions options() const {
    return {.shm_dir = scratch_.path("shm"), .state_dir = scratch_.path("state"), .clock = &clock_};
  }
  /// Everything in shared memory is gone; no handle of the test may be open.
  void reboot() {
    bus_.reset();
    std::filesystem::remove_all(scratch_.path("shm"));
    clock_.boot();
    bus_.emplace(Bus::open("test", options()).value());
  }
  /// No handle is open while `act` runs.
  template <class Act>
  void without(Act&& act) {
    bus_.reset();
    act();
    bus_.emplace(Bus::open("test", options()).value());
  }
  [[nodiscard]] std::string path(const std::string& file) const { return scratch_.path(file); }

 private:
  rig::Scratch scratch_;
  BootClock clock_;
  std::optional<Bus> bus_{Bus::open("test", options()).value()};
};

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
