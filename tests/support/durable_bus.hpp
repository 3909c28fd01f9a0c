// A bus with durable queues that can lose its shared memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "client/member.hpp"
#include "journal/journal_file.hpp"
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
  void boot() noexcept {
    up_ns_ = 1'000'000'000;
    wall_ns_ += 60'000'000'000;
  }

 private:
  std::uint64_t up_ns_ = 5'000'000'000'000;
  std::uint64_t wall_ns_ = 1'700'000'000'000'000'000;
};

class DurableQueue : public testing::Test {
 protected:
  [[nodiscard]] BusOptions options() const {
    return {.shm_dir = scratch_.path("shm"), .state_dir = scratch_.path("state"), .clock = &clock_};
  }
  static QueueSettings durable(QueueSettings settings = {}) {
    settings.durability = Durability::kDurable;
    return settings;
  }
  /// Everything in shared memory is gone; no handle of the test may be open.
  void reboot(BusOptions options) {
    bus_.reset();
    std::filesystem::remove_all(scratch_.path("shm"));
    clock_.boot();
    bus_.emplace(Bus::open("test", options).value());
  }
  void reboot() { reboot(options()); }
  template <class CloseHandles>
  void reboot_with(CloseHandles&& close) {
    close();
    reboot();
  }
  [[nodiscard]] Queue make(const std::string& name = "q", QueueSettings settings = {}) {
    return bus_->queue(name, durable(std::move(settings))).value();
  }
  [[nodiscard]] Queue open(const std::string& name = "q") { return bus_->open_queue(name).value(); }
  [[nodiscard]] std::size_t segments(const std::string& name = "q") const {
    const std::filesystem::directory_iterator log(scratch_.path("state") + "/test/queues/" + name +
                                                  "/log");
    return static_cast<std::size_t>(std::count_if(begin(log), end(log), [](const auto& entry) {
      return entry.path().extension() == ".segment";
    }));
  }
  /// What the writer leaves when a write or a sync has failed.
  void let_the_log_fail(const std::string& name = "q") {
    client::Member& member = client::Member::of(*bus_);
    const auto mapping = member.context().queues.open(name).value();
    const auto file = journal::JournalFile::open(member.files(), mapping->journal()).value();
    file->view().hot().failed.store(EIO);
  }
  [[nodiscard]] std::string findings() {
    bus_->sweep();
    std::string text;
    for (const Finding& finding : examine(*bus_).findings) {
      text += finding.object + ": " + finding.what + "\n";
    }
    return text;
  }
  void TearDown() override { EXPECT_EQ(findings(), ""); }

  rig::Scratch scratch_;
  BootClock clock_;
  std::optional<Bus> bus_{Bus::open("test", options()).value()};
};

}  // namespace ringpost::test
