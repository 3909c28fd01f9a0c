// Files read where the page cache has them.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "disk/open.hpp"
#include "log/names.hpp"
#include "log/reader.hpp"
#include "log/writer.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/clock.hpp"
#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;

class DiskViews : public testing::Test {
 protected:
  std::unique_ptr<disk::File> file() { return directory_->open("a").value(); }

  rig::Scratch scratch_;
  std::unique_ptr<disk::Directory> directory_ =
      disk::open_directory(scratch_.directory() + "/log", {.access = disk::Access::kCreate})
          .value();
};

TEST_F(DiskViews, ShowWhatIsWrittenBeforeAndAfter) {
  const auto written = directory_->create("a", 4 * kBlockBytes).value();
  log::Buffer block(kBlockBytes);
  std::memset(block.data(), 'x', kBlockBytes);
  written->write(kBlockBytes, {block.data(), kBlockBytes}, disk::Sync::kNone).value();
  const auto read = file();
  const ByteSpan view = read->view(kBlockBytes - 1, 2 * kBlockBytes);
  ASSERT_EQ(view.size(), 2 * kBlockBytes);
  EXPECT_EQ(as_text(view.first(3)), std::string_view("\0xx", 3));
  EXPECT_EQ(view.back(), std::byte{0});
  written->write(2 * kBlockBytes, {block.data(), kBlockBytes}, disk::Sync::kData).value();
  EXPECT_EQ(view.back(), std::byte{'x'});
}

TEST_F(DiskViews, EndWithTheFile) {
  (void)directory_->create("a", 2 * kBlockBytes).value();
  const auto read = file();
  EXPECT_EQ(read->view(kBlockBytes, 3 * kBlockBytes).size(), kBlockBytes);
  EXPECT_TRUE(read->view(2 * kBlockBytes, 1).empty());
}

TEST_F(DiskViews, KeepTheFileFromReuseUntilItIsClosed) {
  (void)directory_->create("a", 2 * kBlockBytes).value();
  auto read = file();
  const auto reused = file();
  ASSERT_FALSE(read->view(0, 1).empty());
  EXPECT_FALSE(reused->try_reuse());
  read.reset();
  EXPECT_TRUE(reused->try_reuse());
  EXPECT_TRUE(file()->view(0, 1).empty());
  reused->end_reuse();
  EXPECT_FALSE(file()->view(0, 1).empty());
}

TEST_F(DiskViews, ADroppedSegmentStaysWhatItWasForItsReader) {
  ManualClock clock{1'000};
  log::LogOptions options;
  options.segment_bytes = 64 * 1024;
  options.spare_segments = 1;
  options.time = base::TimeSource(&clock);
  const auto writer = log::Writer::open(*directory_, options).value();
  std::uint64_t position = 0;
  const auto fill_segment = [&] {
    for (int i = 0; i < 13; ++i) {
      const auto record = test::make_record(position, 1'000, "key", std::to_string(position));
      ASSERT_EQ(writer->add(position, record), Errc::kOk);
      ASSERT_EQ(writer->write_now(disk::Sync::kData, ++position), Errc::kOk);
    }
  };
  fill_segment();
  fill_segment();
  const auto reader = log::Reader::open(*directory_).value();
  const auto record = reader->next(position);
  ASSERT_TRUE(record);
  EXPECT_GT(writer->drop_expired({INT64_MIN, options.segment_bytes}).value(), 0u);
  for (int i = 0; i < 4; ++i) fill_segment();
  EXPECT_EQ(as_text(record->data()), "0");
  EXPECT_EQ(record->header.position, 0u);
}

/// A log of one segment whose file somebody shortens while it is read.
class AShortenedSegment : public DiskViews {
 protected:
  static constexpr std::uint64_t kRecords = 200;
  void SetUp() override {
    log::LogOptions options;
    options.segment_bytes = 1 << 20;
    options.time = base::TimeSource(&clock_);
    const auto writer = log::Writer::open(*directory_, options).value();
    for (std::uint64_t position = 0; position < kRecords; ++position) {
      const auto record = test::make_record(position, 1'000, "key", std::to_string(position));
      ASSERT_EQ(writer->add(position, record), Errc::kOk);
      ASSERT_EQ(writer->write_now(disk::Sync::kNone, position + 1), Errc::kOk);
    }
  }
  void shorten(std::uintmax_t bytes) {
    std::filesystem::resize_file(scratch_.directory() + "/log/" + log::segment_name(0), bytes);
  }
  ManualClock clock_{1'000};
};

TEST_F(AShortenedSegment, IsDamagedForWhoReadsCopies) {
  const auto reader = log::Reader::open(*directory_).value();
  reader->in_place(false);
  ASSERT_TRUE(reader->next(kRecords));
  shorten(kBlockBytes + 1);
  std::uint64_t position = 1;
  auto record = reader->next(kRecords);
  for (; record; record = reader->next(kRecords)) {  // what was read already is good
    EXPECT_EQ(as_text(record->data()), std::to_string(position++));
  }
  EXPECT_EQ(record.error(), Errc::kDamaged);
  EXPECT_EQ(reader->gap().from, position);
  EXPECT_EQ(reader->gap().to, kRecords);
}

TEST_F(AShortenedSegment, IsDamagedForWhoLooksAnew) {
  shorten(20 * kBlockBytes);
  const auto reader = log::Reader::open(*directory_).value();
  const auto record = reader->next(kRecords);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error(), Errc::kDamaged);
}

TEST_F(AShortenedSegment, IsDamagedBehindWhatWasLookedAtInPlace) {
  const auto read = directory_->open(log::segment_name(0)).value();
  ASSERT_FALSE(read->view(kBlockBytes, kBlockBytes).empty());
  shorten(20 * kBlockBytes + 1);
  EXPECT_FALSE(read->view(kBlockBytes, kBlockBytes).empty());
  EXPECT_TRUE(read->view(30 * kBlockBytes, kBlockBytes).empty());  // and read() says why
  log::Buffer block(kBlockBytes);
  EXPECT_EQ(read->read(30 * kBlockBytes, {block.data(), kBlockBytes}).value(), 0u);
}

}  // namespace
}  // namespace ringpost
