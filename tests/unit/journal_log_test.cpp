// A journal that is drained into a log of segments.
#include <gtest/gtest.h>

#include <cerrno>

#include "journal/drain_role.hpp"
#include "journal/segment_log.hpp"
#include "log/reader.hpp"
#include "support/memory_disk.hpp"
#include "support/raw_journal.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using journal::Claim;
using journal::DrainRole;
using journal::Producer;
using journal::SegmentLog;

using Lines = std::vector<std::string>;
constexpr std::uint64_t kOne = 1 << 14 | 1;
constexpr std::uint64_t kTwo = 1 << 14 | 2;

class JournalWithLog : public ::testing::Test {
 protected:
  struct Writer {
    Writer(JournalWithLog& test, std::uint64_t me)
        : log(test.disk_, test.options_), role(test.journal_.view(), me, test.alive_, log) {}
    SegmentLog log;
    DrainRole role;
  };

  std::uint64_t put(std::string_view data) {
    Claim claim;
    EXPECT_EQ(producer_.claim(record_bytes(data.size()), claim), Errc::kOk);
    write_record(claim, data);
    producer_.publish(claim);
    return claim.position;
  }
  /// "position data" of what the log has below the durable position.
  Lines logged() {
    Lines all;
    const auto reader = log::Reader::open(disk_, options_.log_id).value();
    for (;;) {
      const auto record = reader->next(journal_.hot().durable);
      if (!record) break;
      const auto& header = record->header;
      all.push_back(std::to_string(header.position) + " " +
                    (header.kind == log::RecordKind::kEnd ? "(end)" : data_of(record->bytes)));
    }
    return all;
  }

  MemoryDirectory disk_;
  log::LogOptions options_{.log_id = 7, .segment_bytes = 64 << 10, .batch_bytes_max = 16 << 10};
  RawJournal journal_{10};
  Producer producer_{journal_.view(), 9};
  FakeLiveness alive_;
};

TEST_F(JournalWithLog, HasEveryRecordUnderItsPosition) {
  put("a");
  put(std::string(100, 'b'));
  Claim claim;
  ASSERT_EQ(producer_.claim(record_bytes(1), claim), Errc::kOk);
  producer_.abandon(claim);
  put("c");
  Writer writer(*this, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(logged(), (Lines{"0 a", "1 " + std::string(100, 'b'), "5 c"}));
}

TEST_F(JournalWithLog, IsHandedOverWithinOneSegment) {
  Writer one(*this, kOne);
  Writer two(*this, kTwo);
  for (int turn = 0; turn < 6; ++turn) {
    Writer& writer = turn % 2 == 0 ? one : two;
    put(std::to_string(turn));
    ASSERT_EQ(writer.role.take(), Errc::kOk);
    ASSERT_EQ(writer.role.drain_once(), Errc::kOk);
    writer.role.release();
  }
  EXPECT_EQ(logged(), (Lines{"0 0", "1 1", "2 2", "3 3", "4 4", "5 5"}));
  const auto files = disk_.list();
  EXPECT_EQ(std::count_if(files.begin(), files.end(),
                          [](const auto& name) { return name.ends_with(".segment"); }),
            1);
}

TEST_F(JournalWithLog, IsTakenOverFromTheDead) {
  put("a");
  {
    Writer one(*this, kOne);
    ASSERT_EQ(one.role.take(), Errc::kOk);
    ASSERT_EQ(one.role.drain_once(), Errc::kOk);
  }
  journal_.hot().durable = journal_.hot().drain = 0;  // it died before it said so
  alive_.dead.insert(kOne);
  put("b");
  Writer two(*this, kTwo);
  ASSERT_EQ(two.role.take(), Errc::kOk);
  EXPECT_EQ(journal_.hot().durable, 1u);
  EXPECT_EQ(two.role.drain_once(), Errc::kOk);
  EXPECT_EQ(logged(), (Lines{"0 a", "1 b"}));
}

TEST_F(JournalWithLog, EndsWithItsEnd) {
  put("a");
  std::uint64_t end = 0;
  ASSERT_EQ(producer_.close(end), Errc::kOk);
  Writer one(*this, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_EQ(one.role.drain_once(), Errc::kOk);
  EXPECT_EQ(logged(), (Lines{"0 a", "1 (end)"}));
  one.role.release();
  Writer two(*this, kTwo);
  ASSERT_EQ(two.role.take(), Errc::kOk);
  EXPECT_EQ(two.role.drain_once(), Errc::kEmpty);
}

TEST_F(JournalWithLog, GoesThroughManySegments) {
  Writer writer(*this, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  Lines expected;
  for (int i = 0; i < 500; ++i) {
    const std::string data = std::to_string(i) + std::string(900, '.');
    expected.push_back(std::to_string(put(data)) + " " + data);
    ASSERT_EQ(writer.role.drain_once(), Errc::kOk);
  }
  EXPECT_EQ(logged(), expected);
}

TEST_F(JournalWithLog, IsNotWrittenAgainAfterAnError) {
  put("a");
  Writer one(*this, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  disk_.faults.write_errno = EIO;
  EXPECT_EQ(one.role.drain_once(), Errc::kLogFailed);
  EXPECT_EQ(journal_.hot().failed, static_cast<std::uint32_t>(EIO));
  EXPECT_EQ(journal_.hot().durable, 0u);
  disk_.faults.write_errno = 0;
  Writer two(*this, kTwo);
  EXPECT_EQ(two.role.take(), Errc::kLogFailed);
}

TEST_F(JournalWithLog, WaitsForRoomOnTheDisk) {
  Writer writer(*this, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  put("a");
  disk_.faults.bytes_max = 0;
  EXPECT_EQ(writer.role.drain_once(), Errc::kNoSpace);
  disk_.faults.bytes_max = UINT64_MAX;
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(logged(), (Lines{"0 a"}));
}

}  // namespace
}  // namespace ringpost::test
