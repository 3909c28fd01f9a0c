// The disk that the log's rigs lose power on keeps what it must and loses everything else.
#include "support/sim_disk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace ringpost::sim {
namespace {

constexpr std::size_t kBlock = disk::kBlockBytes;

struct alignas(kBlock) Blocks {
  std::array<std::byte, 4 * kBlock> bytes{};
  explicit Blocks(int value) { bytes.fill(static_cast<std::byte>(value)); }
  [[nodiscard]] ByteSpan first(std::size_t count) const {
    return ByteSpan(bytes).first(count * kBlock);
  }
};

/// What one block holds, as single values of its sectors.
std::vector<int> sectors_of(const Disk& disk, const std::string& name, std::size_t block) {
  const auto content = disk.content(name);
  std::vector<int> values;
  for (std::size_t at = block * kBlock; at < std::min(content.size(), (block + 1) * kBlock);
       at += kSectorBytes) {
    values.push_back(std::to_integer<int>(content[at]));
  }
  return values;
}

bool is_all(const std::vector<int>& sectors, int value) {
  return !sectors.empty() &&
         std::all_of(sectors.begin(), sectors.end(), [&](int one) { return one == value; });
}

class SimDisk : public testing::Test {
 protected:
  void SetUp() override {
    mount_ = disk_.mount();
    file_ = mount_->create("a", 8 * kBlock).value();
    ASSERT_TRUE(file_->sync());
    ASSERT_TRUE(mount_->sync());
  }
  template <class Check>
  void after_cuts(Check check) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const auto after = disk_.power_cut(seed, &counts_);
      check(*after);
    }
  }

  Disk disk_{1};
  std::unique_ptr<Mount> mount_;
  std::unique_ptr<disk::File> file_;
  CutCounts counts_;
};

TEST_F(SimDisk, KeepsWhatASyncCovers) {
  ASSERT_TRUE(file_->write(0, Blocks(1).first(2), disk::Sync::kNone));
  ASSERT_TRUE(file_->sync());
  after_cuts([](Disk& after) {
    EXPECT_TRUE(is_all(sectors_of(after, "a", 0), 1));
    EXPECT_TRUE(is_all(sectors_of(after, "a", 1), 1));
    EXPECT_TRUE(is_all(sectors_of(after, "a", 2), 0));
  });
}

TEST_F(SimDisk, ASafeWriteMakesItsOwnBlocksSafeAndNoOthers) {
  ASSERT_TRUE(file_->write(0, Blocks(1).first(1), disk::Sync::kNone));
  ASSERT_TRUE(file_->write(kBlock, Blocks(2).first(1), disk::Sync::kData));
  int lost = 0;
  after_cuts([&](Disk& after) {
    EXPECT_TRUE(is_all(sectors_of(after, "a", 1), 2));
    lost += is_all(sectors_of(after, "a", 0), 0);
  });
  EXPECT_GT(lost, 10);
}

TEST_F(SimDisk, LosesTearsAndReordersWhatWasNotSynced) {
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(file_->write(i * kBlock, Blocks(1).first(1), disk::Sync::kNone));
  }
  int kept = 0;
  int torn = 0;
  after_cuts([&](Disk& after) {
    const auto sectors = sectors_of(after, "a", 0);
    kept += is_all(sectors, 1);
    torn += !is_all(sectors, 1) && !is_all(sectors, 0);
  });
  EXPECT_GT(kept, 10);
  EXPECT_GT(torn, 10);
  EXPECT_GT(counts_.blocks_lost, 10U);
  EXPECT_GT(counts_.later_without_earlier, 10U);
}

TEST_F(SimDisk, AWriteUnderWayMayBePartlyThere) {
  disk_.set_lazy(true);
  auto queue = mount_->make_queue(2).value();
  const Blocks blocks(3);
  ASSERT_EQ(queue->submit(*file_, 0, blocks.first(4), 7), Errc::kOk);
  int partly = 0;
  after_cuts([&](Disk& after) {
    partly += is_all(sectors_of(after, "a", 0), 3) != is_all(sectors_of(after, "a", 3), 3);
  });
  EXPECT_GT(partly, 10);

  disk::Completion done[2];
  EXPECT_EQ(queue->reap(done, false), 0U);
  ASSERT_EQ(queue->reap(done, true), 1U);
  EXPECT_EQ(done[0].token, 7U);
  EXPECT_EQ(done[0].sys_errno, 0);
  ASSERT_EQ(queue->sync(*file_, 8), Errc::kOk);
  ASSERT_EQ(queue->reap(done, true), 1U);
  after_cuts([](Disk& after) { EXPECT_TRUE(is_all(sectors_of(after, "a", 3), 3)); });
}

TEST_F(SimDisk, ASyncOfAQueueCoversNothingThatWasWrittenAfterItWasBegun) {
  auto queue = mount_->make_queue(2).value();
  ASSERT_TRUE(file_->write(0, Blocks(1).first(1), disk::Sync::kNone));
  ASSERT_EQ(queue->sync(*file_, 8), Errc::kOk);
  ASSERT_TRUE(file_->write(kBlock, Blocks(2).first(1), disk::Sync::kNone));
  disk::Completion done[1];
  ASSERT_EQ(queue->reap(done, true), 1U);
  EXPECT_EQ(done[0].token, 8U);
  int lost = 0;
  after_cuts([&](Disk& after) {
    EXPECT_TRUE(is_all(sectors_of(after, "a", 0), 1));
    lost += !is_all(sectors_of(after, "a", 1), 2);
  });
  EXPECT_GT(lost, 10);
}

TEST_F(SimDisk, WritesCompleteInAnyOrder) {
  auto queue = mount_->make_queue(4).value();
  const Blocks blocks(3);
  bool reversed = false;
  for (int round = 0; round < 50; ++round) {
    for (std::uint64_t token = 0; token < 4; ++token) {
      ASSERT_EQ(queue->submit(*file_, token * kBlock, blocks.first(1), token), Errc::kOk);
    }
    std::vector<std::uint64_t> order;
    while (order.size() < 4) {
      disk::Completion done[4];
      const std::size_t count = queue->reap(done, true);
      for (std::size_t i = 0; i < count; ++i) order.push_back(done[i].token);
    }
    reversed |= !std::is_sorted(order.begin(), order.end());
  }
  EXPECT_TRUE(reversed);
  EXPECT_EQ(disk_.breach(), "");
}

TEST_F(SimDisk, NamesThatWereNotSyncedMayBeThereOrNotEachByItself) {
  disk_.put("b", Blocks(2).first(1));
  ASSERT_TRUE(mount_->create("c", kBlock));
  ASSERT_TRUE(mount_->rename("a", "d"));
  ASSERT_TRUE(mount_->remove("b"));
  std::map<std::vector<std::string>, int> found;
  after_cuts([&](Disk& after) { ++found[after.names()]; });
  EXPECT_EQ(found.size(), 8U);

  ASSERT_TRUE(mount_->sync());
  after_cuts([&](Disk& after) { EXPECT_EQ(after.names(), (std::vector<std::string>{"c", "d"})); });
}

TEST_F(SimDisk, TheLengthOfANewFileIsSafeOnlyWhenTheFileWasSynced) {
  auto file = mount_->create("b", 2 * kBlock).value();
  ASSERT_TRUE(mount_->sync());
  int empty = 0;
  after_cuts([&](Disk& after) { empty += after.content("b").empty(); });
  EXPECT_GT(empty, 10);
  ASSERT_TRUE(file->sync());
  after_cuts([&](Disk& after) { EXPECT_EQ(after.content("b").size(), 2 * kBlock); });
}

TEST_F(SimDisk, AfterAFailedSyncASecondOneSucceedsAndTheDataMayBeLost) {
  ASSERT_TRUE(file_->write(0, Blocks(1).first(1), disk::Sync::kNone));
  int lost = 0;
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(file_->write(0, Blocks(round + 1).first(1), disk::Sync::kNone));
    disk_.fail(Step::kSync, 1, EIO);
    const auto failed = file_->sync();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().sys_errno, EIO);
    ASSERT_TRUE(file_->sync());
    EXPECT_TRUE(is_all(sectors_of(disk_, "a", 0), round + 1));
    const auto after = disk_.power_cut(1, nullptr);
    lost += !is_all(sectors_of(*after, "a", 0), round + 1);
  }
  EXPECT_GT(lost, 3);
}

TEST_F(SimDisk, TheDeadDoNothingMoreButTheirWritesUnderWayMayLandLate) {
  disk_.set_lazy(true);
  auto queue = mount_->make_queue(2).value();
  Blocks blocks(5);
  ASSERT_EQ(queue->submit(*file_, 0, blocks.first(4), 7), Errc::kOk);
  mount_->kill();
  blocks.bytes.fill(std::byte{9});
  disk::Completion done[2];
  ASSERT_EQ(queue->reap(done, true), 1U);
  EXPECT_EQ(done[0].sys_errno, EIO);
  EXPECT_FALSE(file_->write(0, blocks.first(1), disk::Sync::kNone));
  EXPECT_FALSE(mount_->remove("a"));

  EXPECT_EQ(disk_.late_writes(), 1U);
  EXPECT_TRUE(is_all(sectors_of(disk_, "a", 0), 0));
  const std::size_t landed = disk_.land_late_writes();
  EXPECT_EQ(is_all(sectors_of(disk_, "a", 0), 5), landed > 0);
  EXPECT_EQ(disk_.late_writes(), 0U);
  EXPECT_EQ(disk_.breach(), "");
}

TEST_F(SimDisk, NoMoreFilesThanTheDiskHolds) {
  disk_.set_capacity(10 * kBlock);
  EXPECT_EQ(mount_->free_bytes().value(), 2 * kBlock);
  const auto refused = mount_->create("b", 3 * kBlock);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kNoSpace);
  EXPECT_TRUE(mount_->create("b", 2 * kBlock));
}

TEST_F(SimDisk, ShortFilesAreReadShort) {
  disk_.put("b", Blocks(1).first(1).first(100));
  auto file = mount_->open("b").value();
  std::array<std::byte, 200> into{};
  EXPECT_EQ(file->read(60, into).value(), 40U);
  EXPECT_EQ(file->read(100, into).value(), 0U);
}

TEST_F(SimDisk, WhatOnlyTheCacheGotWrongADirectReadGetsRight) {
  ASSERT_TRUE(file_->write(0, Blocks(1).first(1), disk::Sync::kData));
  disk_.flip_cached("a", 5, std::byte{1});
  Blocks into(0);
  ASSERT_TRUE(file_->read(0, std::span(into.bytes).first(kBlock)));
  EXPECT_EQ(into.bytes[5], std::byte{0});
  ASSERT_TRUE(file_->read(0, std::span(into.bytes).first(kBlock), disk::Read::kDirect));
  EXPECT_EQ(into.bytes[5], std::byte{1});
}

TEST_F(SimDisk, SaysWhoBreaksTheContract) {
  Blocks blocks(1);
  EXPECT_FALSE(file_->write(100, blocks.first(1), disk::Sync::kNone));
  EXPECT_EQ(disk_.breach(), "a write is not of whole blocks");

  Disk other(2);
  other.set_lazy(true);
  auto mount = other.mount();
  auto file = mount->create("a", 8 * kBlock).value();
  auto queue = mount->make_queue(1).value();
  ASSERT_EQ(queue->submit(*file, 0, blocks.first(1), 1), Errc::kOk);
  blocks.bytes[0] = std::byte{2};
  disk::Completion done[1];
  ASSERT_EQ(queue->reap(done, true), 1U);
  EXPECT_EQ(other.breach(), "bytes were changed while their write was under way");
}

}  // namespace
}  // namespace ringpost::sim
