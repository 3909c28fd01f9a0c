#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "disk/open.hpp"
#include "log/buffer.hpp"
#include "process/rig/scratch.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;
using Strings = std::vector<std::string>;

/// In memory, and on a disk if that is where temporary files are: O_DIRECT is for disks.
enum class Place { kMemory, kTemporary };

class Disk : public testing::TestWithParam<std::tuple<Place, disk::Backend>> {
 protected:
  Disk() : temporary_(std::filesystem::temp_directory_path() / "ringpost-disk-XXXXXX") {
    if (std::get<0>(GetParam()) == Place::kTemporary) {
      if (::mkdtemp(temporary_.data()) == nullptr) throw std::runtime_error(temporary_);
      path_ = temporary_;
    } else {
      path_ = scratch_.directory();
    }
    path_ += "/log";
    directory_ = open(disk::Access::kCreate).value();
  }
  ~Disk() override {
    if (std::get<0>(GetParam()) == Place::kTemporary) std::filesystem::remove_all(temporary_);
  }
  Result<std::unique_ptr<disk::Directory>> open(disk::Access access) {
    return disk::open_directory(path_, {access, std::get<1>(GetParam()), 0700});
  }
  log::Buffer filled(std::size_t bytes, int with) {
    log::Buffer buffer(bytes);
    std::memset(buffer.data(), with, bytes);
    return buffer;
  }
  std::string read(disk::File& file, std::uint64_t offset, std::size_t bytes, disk::Read how) {
    const log::Buffer buffer(log::round_up_to_block(bytes));
    const std::size_t got = file.read(offset, {buffer.data(), bytes}, how).value();
    return {reinterpret_cast<const char*>(buffer.data()), got};
  }

  rig::Scratch scratch_;
  std::string temporary_;
  std::string path_;
  std::unique_ptr<disk::Directory> directory_;
};

TEST_P(Disk, WhatIsWrittenIsReadBothWays) {
  const auto file = directory_->create("a", 4 * kBlockBytes).value();
  EXPECT_EQ(file->bytes(), 4 * kBlockBytes);
  const log::Buffer two = filled(2 * kBlockBytes, 'x');
  file->write(kBlockBytes, {two.data(), 2 * kBlockBytes}, disk::Sync::kNone).value();
  file->write(kBlockBytes, {two.data(), kBlockBytes}, disk::Sync::kData).value();
  file->sync().value();
  const std::string zeros(kBlockBytes, '\0');
  const std::string expected = zeros + std::string(2 * kBlockBytes, 'x') + zeros;
  EXPECT_EQ(read(*file, 0, 4 * kBlockBytes, disk::Read::kCached), expected);
  EXPECT_EQ(read(*file, 0, 4 * kBlockBytes, disk::Read::kDirect), expected);
  EXPECT_EQ(read(*file, 100, 5000, disk::Read::kCached), expected.substr(100, 5000));
}

TEST_P(Disk, ReadingEndsWithTheFile) {
  const auto file = directory_->create("a", 2 * kBlockBytes).value();
  EXPECT_EQ(read(*file, kBlockBytes, 2 * kBlockBytes, disk::Read::kCached).size(), kBlockBytes);
  EXPECT_EQ(read(*file, kBlockBytes, 2 * kBlockBytes, disk::Read::kDirect).size(), kBlockBytes);
  EXPECT_EQ(read(*file, 4 * kBlockBytes, kBlockBytes, disk::Read::kCached).size(), 0u);
}

TEST_P(Disk, NamesComeAndGo) {
  directory_->create("b", kBlockBytes).value();
  directory_->create("a", kBlockBytes).value();
  EXPECT_EQ(directory_->names().value(), (Strings{"a", "b"}));
  EXPECT_EQ(directory_->create("a", kBlockBytes).error().code, Errc::kExists);
  const auto open = directory_->open("a").value();
  directory_->rename("b", "a").value();
  EXPECT_EQ(directory_->names().value(), Strings{"a"});
  EXPECT_EQ(read(*open, 0, 10, disk::Read::kCached).size(), 10u) << "the file that lost its name";
  directory_->remove("a").value();
  directory_->remove("a").value();
  directory_->sync().value();
  EXPECT_EQ(directory_->open("a").error().code, Errc::kNotFound);
  EXPECT_EQ(directory_->rename("a", "b").error().code, Errc::kNotFound);
}

TEST_P(Disk, QueuesReportEachWriteAndSync) {
  const auto file = directory_->create("a", 8 * kBlockBytes).value();
  const auto queue = directory_->make_queue(4).value();
  EXPECT_EQ(queue->depth(), 4u);
  std::vector<log::Buffer> buffers;
  for (int i = 0; i < 4; ++i) buffers.push_back(filled(2 * kBlockBytes, 'a' + i));
  for (unsigned i = 0; i < 4; ++i) {
    const ByteSpan bytes(buffers[i].data(), 2 * kBlockBytes);
    ASSERT_EQ(queue->submit(*file, i * 2 * kBlockBytes, bytes, 100 + i), Errc::kOk);
  }
  std::vector<std::uint64_t> tokens;
  while (tokens.size() < 4) {
    disk::Completion done[4];
    const std::size_t count = queue->reap(done, true);
    ASSERT_GT(count, 0u);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(done[i].sys_errno, 0);
      tokens.push_back(done[i].token);
    }
  }
  std::sort(tokens.begin(), tokens.end());
  EXPECT_EQ(tokens, (std::vector<std::uint64_t>{100, 101, 102, 103}));
  disk::Completion none{};
  EXPECT_EQ(queue->reap({&none, 1}, true), 0u) << "nothing is under way: nothing to wait for";
  ASSERT_EQ(queue->sync(*file, 7), Errc::kOk);
  ASSERT_EQ(queue->reap({&none, 1}, true), 1u);
  EXPECT_EQ(none.token, 7u);
  EXPECT_EQ(none.sys_errno, 0);
  const std::string all = read(*file, 0, 8 * kBlockBytes, disk::Read::kDirect);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], 'a' + i / (2 * kBlockBytes));
}

TEST_P(Disk, QueuesWriteFromMemoryThatWasMadeReadyAndFromOther) {
  const auto file = directory_->create("a", 3 * kBlockBytes).value();
  const auto queue = directory_->make_queue(3).value();
  const log::Buffer ready = log::Buffer::huge(2 * kBlockBytes);
  const log::Buffer other = filled(kBlockBytes, 'c');
  std::memset(ready.data(), 'a', kBlockBytes);
  std::memset(ready.data() + kBlockBytes, 'b', kBlockBytes);
  queue->use_memory({ready.data(), 2 * kBlockBytes});
  const std::byte* const from[] = {ready.data(), ready.data() + kBlockBytes, other.data()};
  for (unsigned i = 0; i < 3; ++i) {
    ASSERT_EQ(queue->submit(*file, i * kBlockBytes, {from[i], kBlockBytes}, i), Errc::kOk);
  }
  disk::Completion done[3];
  for (std::size_t count = 0; count < 3;) {
    const std::size_t some = queue->reap(done, true);
    ASSERT_GT(some, 0u);
    for (std::size_t i = 0; i < some; ++i) EXPECT_EQ(done[i].sys_errno, 0);
    count += some;
  }
  const std::string all = read(*file, 0, 3 * kBlockBytes, disk::Read::kDirect);
  EXPECT_EQ(all, std::string(kBlockBytes, 'a') + std::string(kBlockBytes, 'b') +
                     std::string(kBlockBytes, 'c'));
}

TEST_P(Disk, AFileKnowsHowMuchOfItWasWritten) {
  const auto file = directory_->create("a", 8 * kBlockBytes).value();
  const log::Buffer two = filled(2 * kBlockBytes, 'x');
  file->write(0, {two.data(), 2 * kBlockBytes}, disk::Sync::kNone).value();
  EXPECT_GE(file->written_end(), 2 * kBlockBytes);
  EXPECT_LE(file->written_end(), 8 * kBlockBytes);
}

TEST_P(Disk, WhatThePageCacheForgetsIsStillThere) {
  const auto file = directory_->create("a", kBlockBytes).value();
  const log::Buffer one = filled(kBlockBytes, 'x');
  file->write(0, {one.data(), kBlockBytes}, disk::Sync::kNone).value();
  const std::string expected(kBlockBytes, 'x');
  EXPECT_EQ(read(*file, 0, kBlockBytes, disk::Read::kCached), expected);
  file->forget_cached();
  EXPECT_EQ(read(*file, 0, kBlockBytes, disk::Read::kCached), expected);
}

TEST_P(Disk, AFailedWriteSaysWhy) {
  directory_->create("a", kBlockBytes).value();
  directory_ = open(disk::Access::kRead).value();
  const auto file = directory_->open("a").value();
  const log::Buffer block = filled(kBlockBytes, 'x');
  const auto failed = file->write(0, {block.data(), kBlockBytes}, disk::Sync::kNone);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().sys_errno, EBADF);
  const auto queue = directory_->make_queue(1).value();
  ASSERT_EQ(queue->submit(*file, 0, {block.data(), kBlockBytes}, 9), Errc::kOk);
  disk::Completion done;
  ASSERT_EQ(queue->reap({&done, 1}, true), 1u);
  EXPECT_EQ(done.token, 9u);
  EXPECT_EQ(done.sys_errno, EBADF);
}

TEST_P(Disk, FilesThatAreNoneAreRefused) {
  ASSERT_EQ(::symlink("/etc/passwd", (path_ + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((path_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(directory_->open("link").error().code, Errc::kUnsafeFile);
  EXPECT_EQ(directory_->open("fifo").error().code, Errc::kUnsafeFile);
  EXPECT_EQ(disk::open_directory(path_ + "/none").error().code, Errc::kNotFound);
}

TEST_P(Disk, ThereIsRoom) { EXPECT_GT(directory_->free_bytes().value(), 0u); }

std::string name_of(const testing::TestParamInfo<Disk::ParamType>& info) {
  const auto [place, backend] = info.param;
  return std::string(place == Place::kMemory ? "Memory" : "Temporary") +
         (backend == disk::Backend::kPlain ? "Plain" : "Best");
}
INSTANTIATE_TEST_SUITE_P(, Disk,
                         testing::Combine(testing::Values(Place::kMemory, Place::kTemporary),
                                          testing::Values(disk::Backend::kPlain,
                                                          disk::Backend::kBest)),
                         name_of);

}  // namespace
}  // namespace ringpost
