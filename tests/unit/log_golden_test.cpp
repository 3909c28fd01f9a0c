// A segment of version 1 that stands in the repository: it is read, and written again, byte for
// byte. If a change makes this fail, it changes the format: that needs a new version.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "log/segment.hpp"
#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using test::LogStage;

constexpr std::uint64_t kEpoch = 0x0123'4567'89ab'cdef;
constexpr std::int64_t kArrivalNs = 1'700'000'000'000'000'000;
constexpr std::uint64_t kBase = 4096;

constexpr char kGoldenPath[] = RINGPOST_GOLDEN "/log_v1.segment";

test::MemoryDirectory::Bytes golden() {
  std::ifstream file(kGoldenPath, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  test::MemoryDirectory::Bytes segment(bytes.size());
  if (!bytes.empty()) std::memcpy(segment.data(), bytes.data(), bytes.size());
  return segment;
}

struct Known {
  std::uint64_t position;
  std::int64_t arrival_ns;
  std::string key;
  std::string data;
  bool has_hash_key = false;
};

/// A record each batch or several, one with a hash key, one without data, one of several blocks.
std::vector<std::vector<Known>> known_batches() {
  return {{{kBase, kArrivalNs, "first", "hello"}},
          {{kBase + 1, kArrivalNs + 10, "a", "one", true},
           {kBase + 3, kArrivalNs + 5, "b", ""},
           {kBase + 10, kArrivalNs + 20, "c", std::string(64, '\xff')}},
          {},
          {{kBase + 100, kArrivalNs + 30, "long", std::string(9000, 'x')}}};
}

std::vector<std::byte> bytes_of(const Known& known) {
  std::string body = known.data;
  auto record = test::make_record(known.position, known.arrival_ns, known.key, body);
  if (!known.has_hash_key) return record;
  std::vector<std::byte> with(record.size() + log::kHashKeyBytes);
  std::memcpy(with.data(), record.data(), sizeof(log::RecordHeader));
  for (std::size_t i = 0; i < log::kHashKeyBytes; ++i) {
    with[sizeof(log::RecordHeader) + i] = static_cast<std::byte>(i);
  }
  std::memcpy(with.data() + sizeof(log::RecordHeader) + log::kHashKeyBytes,
              record.data() + sizeof(log::RecordHeader), record.size() - sizeof(log::RecordHeader));
  auto* header = reinterpret_cast<log::RecordHeader*>(with.data());
  header->bytes += log::kHashKeyBytes;
  header->flags = log::kHasHashKey;
  return with;
}

/// The same segment, written now. The next one seals it.
test::MemoryDirectory::Bytes written_now() {
  LogStage stage;
  ManualClock clock(static_cast<std::uint64_t>(kArrivalNs));
  std::uint64_t epoch = kEpoch;
  stage.options.log_id = 0xfeed;
  stage.options.segment_bytes = 36 * 1024;
  stage.options.first_position = kBase;
  stage.options.time = base::TimeSource(&clock);
  stage.options.new_epoch = [&epoch] { return epoch++; };
  const auto writer = stage.open();
  std::uint64_t end = kBase;
  for (const auto& batch : known_batches()) {
    for (const Known& known : batch) {
      const auto record = bytes_of(known);
      EXPECT_EQ(writer->add(known.position, record), Errc::kOk);
      end = known.position + log::cells_of(record.size());
    }
    if (batch.empty()) end = kBase + 50;
    EXPECT_EQ(writer->write_now(disk::Sync::kData, end), Errc::kOk);
  }
  const auto more = test::make_record(end, kArrivalNs, "next", std::string(10'000, 'y'));
  EXPECT_EQ(writer->add(end, more), Errc::kOk);
  return stage.directory.file(log::segment_name(kBase));
}

TEST(LogGolden, TheSegmentIsWrittenByteForByte) {
  const auto now = written_now();
  if (std::getenv("RINGPOST_WRITE_GOLDEN") != nullptr) {
    std::ofstream file(kGoldenPath, std::ios::binary);
    file.write(reinterpret_cast<const char*>(now.data()), static_cast<std::streamsize>(now.size()));
  }
  const auto then = golden();
  ASSERT_EQ(now.size(), then.size());
  for (std::size_t i = 0; i < now.size(); ++i) ASSERT_EQ(now[i], then[i]) << "offset " << i;
}

TEST(LogGolden, TheSegmentIsReadRecordByRecord) {
  LogStage stage;
  stage.directory.create(log::segment_name(kBase), 36 * 1024).value();
  stage.directory.file(log::segment_name(kBase)) = golden();
  const auto reader = log::Reader::open(stage.directory, 0xfeed).value();
  const std::uint64_t end = reader->find_end().value();
  for (const auto& batch : known_batches()) {
    for (const Known& known : batch) {
      const auto record = reader->next(end);
      ASSERT_TRUE(record);
      EXPECT_EQ(record->header.position, known.position);
      EXPECT_EQ(record->header.arrival_ns, known.arrival_ns);
      EXPECT_EQ(record->header.kind, log::RecordKind::kStream);
      EXPECT_EQ(record->key(), known.key);
      EXPECT_EQ(as_text(record->data()), known.data);
      EXPECT_EQ(record->hash_key().size(), known.has_hash_key ? 16u : 0u);
    }
  }
  const auto nothing = reader->next(end);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error(), Errc::kEmpty);
}

TEST(LogGolden, TheSegmentLiesAsTheFormatSays) {
  LogStage stage;
  stage.directory.create(log::segment_name(kBase), 36 * 1024).value();
  stage.directory.file(log::segment_name(kBase)) = golden();
  const log::Segment segment = log::open_segment(stage.directory, kBase, 0xfeed).value();
  EXPECT_EQ(segment.epoch(), kEpoch);
  log::BatchWalk walk(segment);
  std::string shown;
  std::uint64_t offset = walk.offset();
  while (walk.next().value() == log::BatchWalk::Found::kBatch) {
    const log::BatchHeader& header = walk.header();
    shown += std::to_string(offset) + ": " + std::to_string(header.base_position) + "-" +
             std::to_string(header.end_position);
    std::uint64_t at = offset + sizeof header;
    ByteSpan rest = walk.records();
    for (std::uint32_t left = header.records; left > 0; --left) {
      const log::RecordView record = log::RecordView::parse(rest).value();
      shown += " " + std::to_string(at) + "=" + std::string(record.key());
      at += log::padded(record.bytes.size());
      rest = rest.subspan(log::padded(record.bytes.size()));
    }
    shown += " | ";
    offset = walk.offset();
  }
  EXPECT_EQ(shown + "end " + std::to_string(offset),
            "4096: 4096-4097 4224=first | 8192: 4097-4108 8320=a 8384=b 8432=c | "
            "12288: 4108-4146 | 16384: 4146-4338 16512=long | end 28672");
}

}  // namespace
}  // namespace ringpost
