// Checkpoints of a consumer group on disk: two slots a shard, and what a torn write leaves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "stream/checkpoint_file.hpp"
#include "support/test_bus.hpp"
#include "sys/error.hpp"

namespace ringpost::test {
namespace {

using stream::Checkpoint;
using stream::CheckpointFile;
using stream::CheckpointKind;

using Bytes = std::shared_ptr<std::vector<std::byte>>;

class MemoryFile final : public disk::File {
 public:
  MemoryFile(Bytes bytes, const int& writes_left) : bytes_(bytes), writes_left_(writes_left) {}
  std::uint64_t bytes() const noexcept override { return bytes_->size(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into, disk::Read) override {
    const std::size_t count = std::min(into.size(), bytes_->size() - offset);
    std::memcpy(into.data(), bytes_->data() + offset, count);
    return count;
  }
  Result<void> write(std::uint64_t offset, ByteSpan bytes, disk::Sync sync) override {
    EXPECT_EQ(offset % disk::kBlockBytes, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % disk::kBlockBytes, 0u);
    EXPECT_EQ(sync, disk::Sync::kData);
    if (writes_left_ == 0) return sys::error(Errc::kSystem, "file", "no more");
    std::memcpy(bytes_->data() + offset, bytes.data(), bytes.size());
    return {};
  }
  Result<void> sync() override { return {}; }

 private:
  Bytes bytes_;
  const int& writes_left_;
};

class MemoryDirectory final : public disk::Directory {
 public:
  const std::string& path() const noexcept override { return path_; }
  Result<std::vector<std::string>> names() override {
    std::vector<std::string> all;
    for (const auto& each : files) all.push_back(each.first);
    return all;
  }
  Result<std::unique_ptr<disk::File>> open(const std::string& name) override {
    if (!files.contains(name)) return sys::error(Errc::kNotFound, name, "is not there");
    return std::unique_ptr<disk::File>(new MemoryFile(files.at(name), writes_left));
  }
  Result<std::unique_ptr<disk::File>> create(const std::string& name,
                                             std::uint64_t bytes) override {
    if (files.contains(name)) return sys::error(Errc::kExists, name, "is there");
    files[name] = std::make_shared<std::vector<std::byte>>(bytes);
    return open(name);
  }
  Result<void> rename(const std::string&, const std::string&) override { return {}; }
  Result<void> remove(const std::string& name) override {
    return files.erase(name), Result<void>();
  }
  Result<void> sync() override { return {}; }
  Result<std::unique_ptr<disk::WriteQueue>> make_queue(unsigned) override {
    return sys::error(Errc::kUnsupported, "queue", "is not needed");
  }
  Result<std::uint64_t> free_bytes() override { return 0; }

  std::map<std::string, Bytes> files;
  int writes_left = -1;

 private:
  std::string path_ = "memory";
};

constexpr std::uint64_t kStream = 7;

class ACheckpointFile : public testing::Test {
 protected:
  CheckpointFile open(std::uint64_t stream = kStream) { return {directory_, stream, "g"}; }
  std::optional<Checkpoint> kept(std::uint32_t shard) { return open().read(shard).value(); }
  void damage(std::uint32_t shard, unsigned slot) {
    auto& bytes = *directory_.files.at("consumers-" + std::to_string(shard / 64) + "-g");
    bytes[disk::kBlockBytes * (1 + 2 * (shard % 64) + slot) + 1'000] ^= std::byte{1};
  }
  static Checkpoint after(std::uint64_t position) { return {CheckpointKind::kAfter, position}; }

  MemoryDirectory directory_;
};

TEST_F(ACheckpointFile, ThatIsNotThereHasNothing) {
  EXPECT_EQ(kept(3), std::nullopt);
  EXPECT_TRUE(directory_.files.empty());
}

TEST_F(ACheckpointFile, KeepsTheLastOneOfEachShard) {
  CheckpointFile file = open();
  for (const std::uint32_t shard : {0u, 63u, 64u, 200u}) {
    for (std::uint64_t position = 1; position <= 5; ++position) {
      ASSERT_TRUE(file.write(shard, after(shard + position), 1));
      EXPECT_EQ(kept(shard), after(shard + position));
    }
  }
  EXPECT_EQ(kept(0), after(5));
  EXPECT_EQ(kept(1), std::nullopt);
  EXPECT_EQ(directory_.files.size(), 3u);
}

TEST_F(ACheckpointFile, GoesBackByOneWhenTheLastWriteWasTorn) {
  CheckpointFile file = open();
  ASSERT_TRUE(file.write(2, after(10), 1));
  ASSERT_TRUE(file.write(2, after(20), 1));
  ASSERT_TRUE(file.write(2, after(30), 1));
  damage(2, 0);  // 10, then 30
  EXPECT_EQ(kept(2), after(20));
  CheckpointFile again = open();
  ASSERT_TRUE(again.read(2));
  ASSERT_TRUE(again.write(2, after(40), 1));
  EXPECT_EQ(kept(2), after(40));
  damage(2, 0);
  EXPECT_EQ(kept(2), after(20));  // which was not written over
}

TEST_F(ACheckpointFile, WhoseFirstWriteWasTornHasNothing) {
  ASSERT_TRUE(open().write(2, after(10), 1));
  damage(2, 0);
  EXPECT_EQ(kept(2), std::nullopt);
}

TEST_F(ACheckpointFile, WithTwoDamagedSlotsBeginsAtTheTrimHorizon) {
  CheckpointFile file = open();
  ASSERT_TRUE(file.write(2, after(10), 1));
  ASSERT_TRUE(file.write(2, after(20), 1));
  damage(2, 0);
  damage(2, 1);
  EXPECT_EQ(kept(2), (Checkpoint{CheckpointKind::kTrimHorizon, 0}));
}

TEST_F(ACheckpointFile, UsesTheSameSlotAgainAfterAnError) {
  CheckpointFile file = open();
  ASSERT_TRUE(file.write(0, after(10), 1));
  directory_.writes_left = 0;
  EXPECT_FALSE(file.write(0, after(20), 1));
  directory_.writes_left = -1;
  ASSERT_TRUE(file.write(0, after(30), 1));
  damage(0, 1);
  EXPECT_EQ(kept(0), after(10));
}

TEST_F(ACheckpointFile, WhoseMakerDiedBeforeTheHeaderIsCompleted) {
  ASSERT_TRUE(directory_.create("consumers-0-g", disk::kBlockBytes * 129));
  EXPECT_EQ(kept(0), std::nullopt);
  ASSERT_TRUE(open().write(0, after(10), 1));
  EXPECT_EQ(kept(0), after(10));
}

TEST_F(ACheckpointFile, OfAnotherStreamIsRefused) {
  ASSERT_TRUE(open().write(0, after(10), 1));
  EXPECT_EQ(code_of(open(8).read(0)), Errc::kCorrupt);
  EXPECT_EQ(code_of(open(8).write(0, after(1), 1)), Errc::kCorrupt);
}

TEST_F(ACheckpointFile, IsRemovedWithItsGroupOnly) {
  CheckpointFile other(directory_, kStream, "1-g");
  ASSERT_TRUE(other.write(0, after(1), 1));
  ASSERT_TRUE(open().write(0, after(1), 1));
  ASSERT_TRUE(open().write(64, after(1), 1));
  ASSERT_TRUE(CheckpointFile::remove(directory_, "g"));
  ASSERT_EQ(directory_.files.size(), 1u);
  EXPECT_EQ(directory_.files.begin()->first, "consumers-0-1-g");
}

}  // namespace
}  // namespace ringpost::test
