// Power goes at any step of the disk: what a durable queue has afterwards.
#include <gtest/gtest.h>

#include <map>

#include "process/rig/random.hpp"
#include "support/durable_machine.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

/// What its user knows of a message.
enum class Known {
  kSending,  ///< maybe there
  kSent,     ///< there
  kEnded,    ///< acknowledged; maybe there
  kGone      ///< acknowledged, and the disk was waited for since
};
using Model = std::map<std::string, Known>;

class DurablePower : public testing::TestWithParam<std::uint64_t> {
 protected:
  [[nodiscard]] static QueueSettings settings() {
    return {.visibility_timeout = 1h,
            .message_bytes_max = 4096,
            .durability = Durability::kDurable,
            .log_segment_bytes = 64u << 10};
  }
  /// Some bodies need a block.
  std::string next_body() {
    const std::string name = std::to_string(++bodies_) + " ";
    return name + std::string(random_.below(4) == 0 ? 3'000 : 20, 'x');
  }
  void waited_for_the_disk() {
    for (auto& [body, known] : model_) {
      if (known == Known::kEnded) known = Known::kGone;
    }
  }
  void send(Queue& queue) {
    const std::string body = next_body();
    model_[body] = Known::kSending;
    if (!queue.send(body)) return;
    model_[body] = Known::kSent;
    waited_for_the_disk();
  }
  void receive_and_acknowledge(Queue& queue) {
    auto got = queue.receive();
    if (!got) return;
    const std::string body(got->front().text());
    model_[body] = Known::kEnded;
    ASSERT_EQ(got->front().acknowledge(), Errc::kOk);
  }
  static void check(Queue& queue, const Model& model) {
    std::map<std::string, int> found;
    for (const std::string& body : drain(queue)) ++found[body];
    for (const auto& [body, count] : found) {
      EXPECT_EQ(count, 1) << body;
      EXPECT_TRUE(model.contains(body)) << body;
    }
    for (const auto& [body, known] : model) {
      const bool there = found.contains(body);
      EXPECT_TRUE(there || known != Known::kSent) << body;
      EXPECT_TRUE(!there || known != Known::kGone) << body;
    }
  }
  void work(Queue& queue) {
    for (int i = 0; i < 120; ++i) {
      if (random_.below(5) < 3) {
        send(queue);
      } else {
        receive_and_acknowledge(queue);
      }
    }
  }

  rig::Random random_{GetParam()};
  Model model_;
  int bodies_ = 0;
};

TEST_P(DurablePower, LosesNothingThatWasSentAndGivesNothingTwice) {
  cut_power(
      GetParam(), random_, model_, settings(), 40, [this](Bus&, Queue& queue) { work(queue); },
      [](Queue& queue, const Model& model) { check(queue, model); });
}

INSTANTIATE_TEST_SUITE_P(Seeds, DurablePower, testing::Range<std::uint64_t>(1, 5));

/// The simulated disk's directory, of a process that once does not come to its sync.
class Hasty final : public disk::Directory {
 public:
  Hasty(sim::Disk& disk, bool& skips_sync) : mount_(disk.mount()), skips_sync_(skips_sync) {}
  [[nodiscard]] const std::string& path() const noexcept override { return mount_->path(); }
  Result<std::vector<std::string>> names() override { return mount_->names(); }
  Result<std::unique_ptr<disk::File>> open(const std::string& name) override {
    return mount_->open(name);
  }
  Result<std::unique_ptr<disk::File>> create(const std::string& name,
                                             std::uint64_t bytes) override {
    return mount_->create(name, bytes);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return mount_->rename(from, to);
  }
  Result<void> remove(const std::string& name) override { return mount_->remove(name); }
  Result<void> sync() override {
    if (std::exchange(skips_sync_, false)) return Unexpected(Error{.code = Errc::kSystem});
    return mount_->sync();
  }
  Result<std::unique_ptr<disk::WriteQueue>> make_queue(unsigned depth) override {
    return mount_->make_queue(depth);
  }
  Result<std::uint64_t> free_bytes() override { return mount_->free_bytes(); }

 private:
  std::unique_ptr<sim::Mount> mount_;
  bool& skips_sync_;
};

TEST(DurableReclaim, LetsASegmentGoOnceTheOneBeforeIsSafelyGone) {
  sim::Disk disk(7);
  bool skips_sync = false;
  Machine machine(disk);
  std::vector<std::unique_ptr<sim::Disk>> images;
  {
    const QueueSettings settings{.message_bytes_max = 4096,
                                 .durability = Durability::kDurable,
                                 .log_segment_bytes = 64u << 10};
    Queue queue = machine
                      .boot(settings,
                            [&](const std::string&) {
                              return std::unique_ptr<disk::Directory>(new Hasty(disk, skips_sync));
                            })
                      .value();
    int removed = 0;
    disk.on_step = [&](sim::Step step) {
      if (step != sim::Step::kRemove) return;
      skips_sync = ++removed == 1;  // whoever removed it dies
      for (std::uint64_t seed = 0; seed < 20; ++seed)
        images.push_back(disk.power_cut(seed, nullptr));
    };
    for (int i = 0; removed < 3 && i < 500; ++i) {
      ASSERT_TRUE(queue.send(std::string(3'000, 'x')));
      ASSERT_EQ(drain(queue).size(), 1u);
      machine.bus().sweep();
    }
    ASSERT_EQ(removed, 3);
    disk.on_step = nullptr;
  }
  for (const auto& image : images) {
    Machine next(*image, machine);
    const auto queue = next.boot({});
    ASSERT_TRUE(queue) << queue.error().what;
  }
}

}  // namespace
}  // namespace ringpost::test
