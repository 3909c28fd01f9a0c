// No shared memory left: an error where it is asked for, never a signal later.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

/// A small tmpfs of the test's own.
class FullMemory : public ::testing::Test {
 protected:
  static constexpr std::size_t kBytes = 2u << 20;
  void SetUp() override {
    ASSERT_EQ(::mkdir(mount_.c_str(), 0700), 0);
    if (::geteuid() != 0) GTEST_SKIP() << "only root may mount a small tmpfs";
    const std::string size = "size=" + std::to_string(kBytes) + ",mode=0700";
    if (::mount("tmpfs", mount_.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      GTEST_SKIP() << "mounting a tmpfs is not allowed here: " << std::strerror(errno);
    }
    mounted_ = true;
  }
  ~FullMemory() override {
    if (mounted_) ::umount2(mount_.c_str(), MNT_DETACH);
  }
  /// Leaves so many bytes free.
  void fill_up_to(std::size_t bytes_left) {
    const auto space = std::filesystem::space(mount_);
    std::ofstream(mount_ + "/ballast") << std::string(space.free - bytes_left, 'x');
  }
  void empty() { ::unlink((mount_ + "/ballast").c_str()); }

  const rig::Scratch scratch_;
  const std::string mount_ = scratch_.path("small");
  const BusOptions options_{.participants_max = 16, .shm_dir = mount_};
  bool mounted_ = false;
};

TEST_F(FullMemory, StopsTheCreationOfABusAndLeavesNothingOfIt) {
  fill_up_to(16 * 1024);
  EXPECT_EQ(code_of(Bus::open("b", options_)), Errc::kNoSpace);
  EXPECT_TRUE(files_in(mount_ + "/b/tmp").empty());
  empty();
  EXPECT_EQ(code_of(Bus::open("b", options_)), Errc::kOk);
}

TEST_F(FullMemory, StopsTheCreationOfAQueueAndLeavesNothingOfIt) {
  Bus bus = Bus::open("b", options_).value();
  for (const std::size_t bytes_left : {0u, 50'000u, 200'000u}) {
    fill_up_to(bytes_left);
    EXPECT_EQ(code_of(bus.queue("q")), Errc::kNoSpace) << bytes_left;
    EXPECT_TRUE(files_in(mount_ + "/b/tmp").empty());
    EXPECT_TRUE(files_in(mount_ + "/b/rings").empty());
    EXPECT_TRUE(files_in(mount_ + "/b/queues").empty());
    empty();
  }
  EXPECT_EQ(code_of(bus.queue("q")), Errc::kOk);
}

TEST_F(FullMemory, RefusesLargeMessagesAndGoesOnWithSmallOnes) {
  Bus bus = Bus::open("b", options_).value();
  Queue queue = bus.queue("q").value();
  fill_up_to(8 * 1024);
  EXPECT_EQ(code_of(queue.send(std::string(1'000, 'x'))), Errc::kNoSpace);
  EXPECT_EQ(code_of(queue.loan(1'000)), Errc::kNoSpace);
  EXPECT_EQ(code_of(queue.send("small")), Errc::kOk);
  EXPECT_EQ(drain(queue).size(), 1u);
  EXPECT_TRUE(files_in(mount_ + "/b/tmp").empty());
  empty();
  EXPECT_EQ(code_of(queue.send(std::string(1'000, 'x'))), Errc::kOk);
}

TEST_F(FullMemory, StopsGrowthWithAnErrorAndLosesNothing) {
  Bus bus = Bus::open("b", options_).value();
  Queue queue = bus.queue("q", {.slots = 64}).value();
  fill_up_to(8 * 1024);
  EXPECT_EQ(fill(queue), 64u);
  EXPECT_EQ(code_of(queue.send("x")), Errc::kNoSpace);
  empty();
  EXPECT_EQ(code_of(queue.send("x")), Errc::kOk);
  EXPECT_EQ(drain(queue).size(), 65u);
  EXPECT_EQ(examine(bus).findings.size(), 0u);
}

TEST_F(FullMemory, LeavesEveryByteOfAFileUsable) {
  Bus bus = Bus::open("b", options_).value();
  Queue queue = bus.queue("q", {.slots = 64, .fixed = true}).value();
  ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
  fill_up_to(0);
  for (int lap = 0; lap < 3; ++lap) {
    while (queue.send(std::string(100, 'y'))) {
    }
    EXPECT_GE(drain(queue).size(), 64u);
  }
}

TEST(FileSizeLimit, IsAnErrorLikeFullMemory) {
  const rig::Scratch scratch;
  EXPECT_EQ(in_child([&] {
              std::signal(SIGXFSZ, SIG_IGN);  // else the kernel ends the process
              const rlimit limit{64 * 1024, 64 * 1024};
              require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, "limit");
              const BusOptions options{.participants_max = 16, .shm_dir = scratch.path("shm")};
              auto bus = Bus::open("b", options);
              require(bool{bus}, "open");
              require(code_of(bus->queue("large")) == Errc::kNoSpace, "large queue");
              auto queue = bus->queue("q", {.slots = 64});
              require(bool{queue}, "small queue");
              require(code_of(queue->send(std::string(1'000, 'x'))) == Errc::kNoSpace, "block");
              require(code_of(queue->send("x")) == Errc::kOk, "send");
            }),
            0);
}

}  // namespace
}  // namespace ringpost::test
