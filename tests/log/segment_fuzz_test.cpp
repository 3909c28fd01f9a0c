// Random damage to the files of a log: reader, recovery, verify and salvage never crash, never go
// round for ever, never give a wrong record, and what is lost somebody says.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "log/salvage.hpp"
#include "log/sample_log.hpp"
#include "log/verify.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::log_rig {
namespace {

#if !defined(RINGPOST_LOG_SHARE)
#define RINGPOST_LOG_SHARE 1
#endif

constexpr std::uint64_t kSegmentBytes = 32 * 1024;

using Bytes = std::vector<std::byte>;

/// Some bytes that may or may not be there.
void spoil(Bytes& file, const Bytes& other, rig::Random& random) {
  const auto place = [&](std::uint64_t bytes) {
    return static_cast<std::ptrdiff_t>(random.below(file.size() - bytes + 1));
  };
  constexpr std::ptrdiff_t kBlock = disk::kBlockBytes;
  const auto block = [&] {
    return static_cast<std::ptrdiff_t>(random.below(file.size() / disk::kBlockBytes)) * kBlock;
  };
  switch (random.below(7)) {
    case 0:
      file[random.below(file.size())] ^= std::byte{1} << random.below(8);
      return;
    case 1: {  // a word
      const std::uint64_t word = random.one_in(2) ? random.next() : ~std::uint64_t{0};
      std::memcpy(&file[random.below(file.size() - sizeof word)], &word, sizeof word);
      return;
    }
    case 2:  // zeros
      std::fill_n(file.begin() + block(), kBlock, std::byte{0});
      return;
    case 3:  // a block is where it does not belong
      std::copy_n(file.begin() + block(), kBlock, file.begin() + block());
      return;
    case 4: {  // of another file
      const std::ptrdiff_t at = block();
      if (other.size() == file.size()) {
        std::copy_n(other.begin() + at, kBlock, file.begin() + at);
      }
      return;
    }
    case 5: {  // some bytes moved
      const Bytes copy = file;
      std::copy_n(copy.begin() + place(512), 512, file.begin() + place(512));
      return;
    }
    default:
      file.resize(random.below(file.size()) + 1);
      file.resize(std::max<std::size_t>(file.size(), disk::kBlockBytes));
      return;
  }
}

/// A field of a batch header is changed, and its checksum made to fit: what follows is forged.
void forge(Bytes& file, rig::Random& random) {
  if (file.size() < kSegmentBytes) return;
  const auto header = [&] {
    log::SegmentHeader value;
    std::memcpy(&value, file.data(), sizeof value);
    return value;
  }();
  const std::uint64_t at = (1 + random.below(5)) * disk::kBlockBytes;
  log::BatchHeader batch;
  std::memcpy(&batch, &file[at], sizeof batch);
  std::uint64_t words[sizeof batch / sizeof(std::uint64_t)];
  std::memcpy(words, &batch, sizeof batch);
  std::uint64_t& word = words[1 + random.below(8)];
  word = random.one_in(2) ? random.next() : word + random.below(5) - 2;
  std::memcpy(&batch, words, sizeof batch);
  const ByteSpan bytes = std::as_bytes(std::span(&batch, 1)).subspan(sizeof batch.crc);
  batch.crc = base::crc32c(bytes, log::seed_of(header.epoch));
  std::memcpy(&file[at], &batch, sizeof batch);
}

class SegmentFuzz : public testing::Test {
 protected:
  SegmentFuzz() : sample_(make_sample_log(11, kSegmentBytes, 2, 500)) {}

  /// Damages one or two files.
  void damage(sim::Disk& disk, bool forged) {
    for (std::uint64_t left = 1 + random_.below(3); left > 0; --left) {
      const std::string& name = sample_.segments[random_.below(sample_.segments.size())].name;
      const std::string& other = sample_.segments[random_.below(sample_.segments.size())].name;
      Bytes file = disk.content(name);
      if (forged && random_.one_in(2)) {
        forge(file, random_);
      } else {
        spoil(file, disk.content(other), random_);
      }
      disk.put(name, file);
    }
  }

  static std::uint64_t rounds() {
    return rig::by_depth<std::uint64_t>(1'500, 5'000, 1'000'000) / RINGPOST_LOG_SHARE;
  }
  [[nodiscard]] Result<log::VerifyReport> verify(disk::Directory& directory) const {
    log::VerifyOptions options;
    options.bound = end();
    return log::verify(directory, options);
  }
  [[nodiscard]] std::uint64_t end() const { return sample_.model.durable_end; }

  SampleLog sample_;
  rig::Random random_{rig::base_seed()};
};

TEST_F(SegmentFuzz, WhatIsDamagedIsReportedAndSalvageKeepsTheRest) {
  std::uint64_t salvaged = 0;
  std::uint64_t untouched = 0;
  for (std::uint64_t round = 0; round < rounds(); ++round) {
    const auto disk = sample_.disk->copy(round);
    damage(*disk, false);
    const auto mount = disk->mount();
    const Reading before = read_damaged(*mount, sample_.model, 0, end());
    ASSERT_EQ(before.wrong, "") << "round " << round;
    log::LogOptions options = sample_.options;
    options.acknowledged_end = end();
    {
      const auto opened = log::Writer::open(*mount, options);
      if (opened) {
        ASSERT_EQ((*opened)->end(), end()) << "round " << round;
      }
    }
    const auto report = verify(*mount);
    if (before.has_reported && report) {
      ASSERT_FALSE(report->is_whole()) << "round " << round;
    }
    const auto saved = log::salvage(*mount, options);
    if (!saved) continue;  // of another format, it says
    const Reading after = read_damaged(*mount, sample_.model, 0, end());
    ASSERT_EQ(after.wrong, "") << "after salvage, round " << round;
    ASSERT_GE(after.records, before.records) << "salvage has lost records, round " << round;
    const auto opened = log::Writer::open(*mount, options);
    ASSERT_TRUE(opened) << "after salvage, round " << round << ": " << opened.error().what;
    ASSERT_GE((*opened)->end(), end()) << "round " << round;
    ++(before.has_reported ? salvaged : untouched);
  }
  std::printf("note: %llu damaged logs salvaged, %llu in which nothing was lost\n",
              static_cast<unsigned long long>(salvaged),
              static_cast<unsigned long long>(untouched));
  EXPECT_GT(salvaged, 0U);
}

/// With checksums that fit: nobody can tell that it is wrong, but nobody falls over it either.
TEST_F(SegmentFuzz, ForgedHeadersHarmNobody) {
  for (std::uint64_t round = 0; round < rounds(); ++round) {
    const auto disk = sample_.disk->copy(round);
    damage(*disk, true);
    const auto mount = disk->mount();
    auto reader = log::Reader::open(*mount);
    std::uint64_t turns = 0;
    for (bool more = bool(reader); more; ++turns) {
      ASSERT_LT(turns, 10'000U) << "the reader does not come to an end, round " << round;
      const auto record = (*reader)->next(end());
      if (record || record.error() == Errc::kLapped) continue;
      more = record.error() == Errc::kDamaged;
      if (more) (*reader)->skip();
    }
    static_cast<void>(log::Writer::open(*mount, sample_.options));
    static_cast<void>(verify(*mount));
    static_cast<void>(log::salvage(*mount, sample_.options));
    ASSERT_EQ(disk->breach(), "") << "round " << round;
  }
}

}  // namespace
}  // namespace ringpost::log_rig
