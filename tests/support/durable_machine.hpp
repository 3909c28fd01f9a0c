// A bus with a durable queue on a disk that loses power, and what is left of it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/member.hpp"
#include "process/rig/random.hpp"
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
    return boot(settings, [this](const std::string&) { return disk_.mount(); });
  }
  /// Of the log that would be at a path.
  using Mount = std::function<std::unique_ptr<disk::Directory>(const std::string&)>;
  Result<Queue> boot(const QueueSettings& settings, Mount mount) {
    bus_.emplace(Bus::open("test", {.shm_dir = scratch_.path("shm"),
                                    .state_dir = scratch_.path("state"),
                                    .clock = &clock_})
                     .value());
    client::Member::of(*bus_).context().queues.home().open_logs_with(
        [mount = std::move(mount)](const std::string& path)
            -> Result<std::unique_ptr<disk::Directory>> { return mount(path); });
    return bus_->queue("q", settings);
  }
  [[nodiscard]] Bus& bus() noexcept { return *bus_; }

 private:
  sim::Disk& disk_;
  rig::Scratch scratch_;
  ManualClock clock_;
  std::optional<Bus> bus_;
};

/// A disk as power left it, and what was known then.
template <class Model>
struct Image {
  std::unique_ptr<sim::Disk> disk;
  Model model;
};

/// From now on the disk is photographed at about one of `every` steps. `model`: what is known.
template <class Model>
void photograph(sim::Disk& disk, const Model& model, rig::Random& random, std::uint32_t every,
                std::vector<Image<Model>>& images) {
  disk.on_step = [&disk, &model, &random, every, &images](sim::Step) {
    if (random.below(every) != 0) return;
    images.push_back({disk.power_cut(random.next(), nullptr), model});
  };
}

/// Power goes at some steps of the disk while `work` goes on, and then while the queue is
/// recovered. Each time it comes back, and `check(queue, model)` looks at it.
template <class Model, class Work, class Check>
void cut_power(std::uint64_t seed, rig::Random& random, Model& model, const QueueSettings& settings,
               std::uint32_t every, Work&& work, Check&& check) {
  constexpr std::uint32_t kEveryOfRecovery = 15;
  sim::Disk disk(seed);
  Machine machine(disk);
  std::vector<Image<Model>> images;
  {
    Queue queue = machine.boot(settings).value();
    photograph(disk, model, random, every, images);
    work(machine.bus(), queue);
    disk.on_step = nullptr;
  }
  ASSERT_EQ(disk.breach(), "");
  ASSERT_FALSE(images.empty());
  for (Image<Model>& image : images) {
    std::vector<Image<Model>> again;
    photograph(*image.disk, image.model, random, kEveryOfRecovery, again);
    Machine next(*image.disk, machine);
    {
      auto queue = next.boot(settings);
      image.disk->on_step = nullptr;
      ASSERT_TRUE(queue) << queue.error().what;
      check(*queue, image.model);
    }
    for (Image<Model>& each : again) {
      Machine last(*each.disk, machine);
      auto queue = last.boot(settings);
      ASSERT_TRUE(queue) << queue.error().what;
      check(*queue, each.model);
    }
  }
}

}  // namespace ringpost::test
