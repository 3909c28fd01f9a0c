// Every bit of a segment flipped, every truncation: what was acknowledged is given as it was or
// reported as damaged, and never is a wrong record given.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "log/sample_log.hpp"
#include "log/verify.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::log_rig {
namespace {

#if !defined(RINGPOST_LOG_SHARE)
#define RINGPOST_LOG_SHARE 1
#endif

constexpr std::uint64_t kSegmentBytes = 64 * 1024;

class BitRot : public testing::Test {
 protected:
  BitRot() : sample_(make_sample_log(7, kSegmentBytes, 2, 600)), mount_(sample_.disk->mount()) {}

  [[nodiscard]] const SampleSegment& first() const { return sample_.segments[0]; }
  [[nodiscard]] const SampleSegment& sealed() const { return sample_.segments[1]; }
  [[nodiscard]] const SampleSegment& last() const { return sample_.segments[2]; }
  [[nodiscard]] std::uint64_t end() const { return sample_.model.durable_end; }

  [[nodiscard]] Reading read(std::uint64_t from, std::uint64_t to) {
    return read_damaged(*mount_, sample_.model, from, to);
  }
  /// What a writer says who finds the log so: the code, or kOk.
  Errc recover(bool knows_what_was_acknowledged) {
    log::LogOptions options = sample_.options;
    if (knows_what_was_acknowledged) options.acknowledged_end = end();
    const auto opened = log::Writer::open(*mount_, options);
    if (!opened) return opened.error().code;
    recovered_end_ = (*opened)->end();
    return Errc::kOk;
  }
  void flip(const SampleSegment& segment, std::uint64_t offset, unsigned bit) {
    sample_.disk->flip(segment.name, offset, std::byte{1} << bit);
  }
  /// Of one byte in so many the bits are tried.
  static std::uint64_t stride() {
    return rig::by_depth<std::uint64_t>(37, 1, 1) * RINGPOST_LOG_SHARE;
  }
  static std::string at(std::uint64_t offset, unsigned bit) {
    return "byte " + std::to_string(offset) + ", bit " + std::to_string(bit);
  }
  void everything_is_there() {
    const Reading reading = read(0, end());
    EXPECT_EQ(reading.wrong, "");
    EXPECT_FALSE(reading.has_reported);
    EXPECT_EQ(reading.records, sample_.model.entries.size());
  }

  SampleLog sample_;
  std::unique_ptr<sim::Mount> mount_;
  std::uint64_t recovered_end_ = 0;
};

TEST_F(BitRot, TheSampleIsWhole) {
  ASSERT_EQ(sample_.segments.size(), 3U);
  EXPECT_GT(sealed().data_end(), kSegmentBytes * 3 / 4);
  EXPECT_GT(last().batches.size(), 3U);
  everything_is_there();
  EXPECT_EQ(recover(true), Errc::kOk);
  EXPECT_EQ(recovered_end_, end());
}

TEST_F(BitRot, EveryBitOfASealedSegmentIsNoticedAndNoRecordIsWrong) {
  constexpr std::uint64_t kWhole = 61;  // one flip in so many: the whole segment is read
  std::uint64_t tried = 0;
  std::uint64_t noticed = 0;
  for (std::uint64_t offset = 0; offset < sealed().data_end(); offset += stride()) {
    const Batch* batch = sealed().batch_at(offset);
    for (unsigned bit = 0; bit < 8; ++bit, ++tried) {
      flip(sealed(), offset, bit);
      const bool whole = batch == nullptr || tried % kWhole == 0;
      const Reading reading =
          whole ? read(sealed().base, sealed().end()) : read(batch->base, batch->end);
      flip(sealed(), offset, bit);
      ASSERT_EQ(reading.wrong, "") << at(offset, bit);
      ASSERT_EQ(reading.has_reported, sealed().counts[offset]) << at(offset, bit);
      noticed += reading.has_reported;
    }
  }
  std::printf("note: %llu bits flipped, %llu noticed, the others are padding\n",
              static_cast<unsigned long long>(tried), static_cast<unsigned long long>(noticed));
  everything_is_there();
}

/// Also what nobody misses: padding, copies of the header, the index.
TEST_F(BitRot, EveryBitOfASegmentThatIsUsedIsNoticedByVerify) {
  ASSERT_TRUE(log::verify(*mount_)->is_whole());
  const std::uint64_t stride_here = rig::by_depth<std::uint64_t>(3, 17, 1) * stride();
  const std::vector<std::byte> file = sample_.disk->content(sealed().name);
  log::SegmentFooter footer;
  std::memcpy(&footer, &file[log::footer_offset(kSegmentBytes)], sizeof footer);
  const std::uint64_t index = log::index_offset(kSegmentBytes);
  const std::uint64_t index_end = index + footer.entries * sizeof(log::IndexEntry);
  for (std::uint64_t offset = 0; offset < kSegmentBytes; offset += stride_here) {
    const bool is_unused = (offset >= sealed().data_end() && offset < index) ||
                           (offset >= index_end && offset < log::footer_offset(kSegmentBytes));
    for (unsigned bit = 0; bit < 8 && !is_unused; ++bit) {
      flip(sealed(), offset, bit);
      const auto report = log::verify(*mount_);
      flip(sealed(), offset, bit);
      ASSERT_TRUE(report) << at(offset, bit);
      ASSERT_FALSE(report->is_whole()) << at(offset, bit);
    }
  }
}

/// Seeking does not believe what is damaged either.
TEST_F(BitRot, EveryBitOfIndexAndFooterLeadsNobodyAstray) {
  const std::size_t some[] = {sample_.model.index_of(sealed().base),
                              sample_.model.index_of(sealed().batches[3].base) + 1,
                              sample_.model.index_of(sealed().end()) - 1};
  for (std::uint64_t offset = sealed().data_end(); offset < kSegmentBytes; offset += stride()) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      flip(sealed(), offset, bit);
      auto reader = log::Reader::open(*mount_).value();
      const Entry& entry = *sample_.model.entries[some[(offset + bit) % 3]];
      reader->seek(entry.position);
      const auto by_position = reader->next(end());
      ASSERT_TRUE(by_position) << at(offset, bit);
      ASSERT_EQ(difference(*by_position, entry), "") << at(offset, bit);
      ASSERT_TRUE(reader->seek_time(entry.arrival_ns, end())) << at(offset, bit);
      const auto by_time = reader->next(end());
      ASSERT_TRUE(by_time) << at(offset, bit);
      ASSERT_EQ(difference(*by_time, entry), "") << at(offset, bit);
      flip(sealed(), offset, bit);
    }
  }
}

/// Of what was acknowledged nothing is cut off silently, whether the caller knows it or the log.
TEST_F(BitRot, EveryBitOfTheLastSegmentIsNoticedByRecovery) {
  std::uint64_t refused = 0;
  const std::uint64_t stride_here = rig::by_depth<std::uint64_t>(1, 5, 1) * stride();
  for (std::uint64_t offset = 0; offset < kSegmentBytes; offset += stride_here) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      flip(last(), offset, bit);
      const bool knows = (offset + bit) % 2 == 0;
      const Errc code = recover(knows);
      flip(last(), offset, bit);
      refused += code != Errc::kOk;
      if (code == Errc::kOk) {
        ASSERT_EQ(recovered_end_, end()) << at(offset, bit);
      } else {
        ASSERT_EQ(code, Errc::kDamaged) << at(offset, bit);
      }
      // The last batch has no record: it says what was safe, and is not missed.
      const bool matters = last().counts[offset] && offset < last().batches.back().offset;
      ASSERT_EQ(code != Errc::kOk, matters) << at(offset, bit);
    }
  }
  EXPECT_GT(refused, 0U);
}

/// Every block, and every byte near the edges of what is in the file.
std::set<std::uint64_t> lengths_of(const SampleSegment& segment) {
  std::set<std::uint64_t> edges = {0, sizeof(log::SegmentHeader), log::index_offset(kSegmentBytes),
                                   log::footer_offset(kSegmentBytes), kSegmentBytes};
  for (std::uint64_t at = 0; at < kSegmentBytes; at += disk::kBlockBytes) edges.insert(at);
  for (const Batch& batch : segment.batches) edges.insert(batch.offset + sizeof(log::BatchHeader));
  std::set<std::uint64_t> lengths;
  constexpr std::uint64_t kNear = 20;
  for (const std::uint64_t edge : edges) {
    for (std::uint64_t i = edge - std::min(edge, kNear); i <= edge + kNear; ++i) {
      if (i < kSegmentBytes) lengths.insert(i);
    }
  }
  return lengths;
}

TEST_F(BitRot, EveryTruncationIsNoticed) {
  for (const SampleSegment& segment : sample_.segments) {
    const std::vector<std::byte> whole = sample_.disk->content(segment.name);
    for (const std::uint64_t length : lengths_of(segment)) {
      sample_.disk->truncate(segment.name, length);
      const Reading reading = read(0, end());
      ASSERT_EQ(reading.wrong, "") << segment.name << ", " << length << " bytes";
      ASSERT_TRUE(reading.has_reported) << segment.name << ", " << length << " bytes";
      if (&segment == &last()) {
        ASSERT_EQ(recover(length % 2 == 0), Errc::kDamaged) << length << " bytes";
      }
      sample_.disk->put(segment.name, whole);
    }
  }
  everything_is_there();
}

TEST_F(BitRot, AMissingSegmentIsNoticed) {
  for (const SampleSegment* segment : {&sealed(), &last()}) {
    const std::vector<std::byte> whole = sample_.disk->content(segment->name);
    sample_.disk->drop(segment->name);
    const Reading reading = read(0, end());
    EXPECT_EQ(reading.wrong, "");
    EXPECT_TRUE(reading.has_reported);
    if (segment == &last()) {
      EXPECT_EQ(recover(true), Errc::kDamaged);
    }
    sample_.disk->put(segment->name, whole);
  }
}

/// The same records, from another life of the file: what a recycled one may hold.
TEST_F(BitRot, BatchesOfAnotherEpochDoNotCount) {
  const SampleLog other = make_sample_log(7, kSegmentBytes, 2, 600, 1);
  for (const SampleSegment* segment : {&sealed(), &last()}) {
    const std::vector<std::byte> whole = sample_.disk->content(segment->name);
    for (const Batch& batch : segment->batches) {
      if (batch.base == batch.end) continue;
      for (const std::uint64_t skip : {std::uint64_t{0}, std::uint64_t{disk::kBlockBytes}}) {
        if (skip >= batch.bytes) continue;
        splice(*sample_.disk, segment->name, *other.disk, segment->name, batch.offset + skip,
               batch.bytes - skip);
        const Reading reading = read(0, end());
        EXPECT_EQ(reading.wrong, "") << batch.offset;
        EXPECT_TRUE(reading.has_reported) << batch.offset;
        if (segment == &last()) {
          EXPECT_EQ(recover(true), Errc::kDamaged) << batch.offset;
        }
        sample_.disk->put(segment->name, whole);
      }
    }
  }
}

/// The page cache got it wrong, the disk has it right.
TEST_F(BitRot, WhatOnlyTheCacheHasWrongIsReadAgain) {
  for (std::uint64_t offset = 1; offset < sealed().data_end(); offset += 401) {
    sample_.disk->flip_cached(sealed().name, offset, std::byte{4});
    const Reading reading = read(sealed().base, sealed().end());
    sample_.disk->flip_cached(sealed().name, offset, std::byte{4});
    ASSERT_EQ(reading.wrong, "") << offset;
    ASSERT_FALSE(reading.has_reported) << offset;
  }
}

TEST_F(BitRot, AReadThatFailsIsNoDamage) {
  for (unsigned in = 1; in < 12; ++in) {
    auto reader = log::Reader::open(*mount_).value();
    sample_.disk->fail(sim::Step::kRead, in, EIO);
    std::size_t given = 0;
    for (unsigned failures = 0;;) {
      const auto record = reader->next(end());
      if (record) {
        ASSERT_EQ(difference(*record, *sample_.model.entries[given++]), "");
      } else if (record.error() == Errc::kSystem && failures++ == 0) {
        ASSERT_EQ(reader->sys_errno(), EIO);
      } else {
        ASSERT_EQ(record.error(), Errc::kEmpty);
        break;
      }
    }
    ASSERT_EQ(given, sample_.model.entries.size());
    sample_.disk->fail(sim::Step::kRead, 0, 0, 0);
  }
}

}  // namespace
}  // namespace ringpost::log_rig
