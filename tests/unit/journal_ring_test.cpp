// The ring of claims: claim, publish, read, close, sweep.
#include <gtest/gtest.h>

#include <optional>

#include "journal/drain_role.hpp"
#include "journal/sweep.hpp"
#include "journal/walk.hpp"
#include "support/raw_journal.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using journal::CellState;
using journal::Claim;
using journal::Descriptor;
using journal::JournalKind;
using journal::Producer;
using journal::Seen;

constexpr std::uint16_t kMe = 1;
constexpr std::uint16_t kOther = 2;
constexpr std::size_t kOneCell = journal::kCellBytes;

/// Claims, writes, publishes; the position, nothing if there was no room.
std::optional<std::uint64_t> put(Producer& producer, std::string_view data) {
  Claim claim;
  if (producer.claim(record_bytes(data.size()), claim) != Errc::kOk) return std::nullopt;
  write_record(claim, data);
  producer.publish(claim);
  return claim.position;
}

/// Data of the records from `position` on, and then what ended it.
std::vector<std::string> read_from(const RawJournal& journal, std::uint64_t position) {
  std::vector<std::string> all;
  Seen seen;
  Errc code = Errc::kOk;
  while ((code = journal::look(journal.view(), position, seen)) == Errc::kOk) {
    all.push_back(data_of(seen.bytes));
    position = seen.next;
  }
  all.emplace_back(name(code));
  return all;
}

/// As a writer that has everything on disk.
void drain_to(const RawJournal& journal, std::uint64_t position) {
  journal.hot().durable = journal.hot().drain = position;
}

using Lines = std::vector<std::string>;

TEST(JournalLength, IsRoundedUpToItsUnit) {
  for (const std::uint32_t cells : {1u, 2u, 2'047u})
    EXPECT_EQ(journal::cells_for(cells * 64), cells);
  EXPECT_EQ(journal::cells_for(2'048 * 64), 2'048u);
  EXPECT_EQ(journal::cells_for(2'048 * 64 + 1), 2'050u);
  EXPECT_EQ(journal::cells_for(1), 1u);
  EXPECT_EQ(journal::cells_for(65), 2u);
  std::uint32_t before = 0;
  for (std::uint32_t cells = 1; cells <= journal::kRecordCellsMax; cells += 1 + cells / 100) {
    const std::uint32_t length = journal::unscale_cells(journal::scale_cells(cells));
    EXPECT_GE(length, cells);
    EXPECT_LE(length - cells, cells / 1'024);
    EXPECT_GE(length, before);
    EXPECT_EQ(journal::unscale_cells(journal::scale_cells(length)), length);
    before = length;
  }
  EXPECT_EQ(journal::unscale_cells(journal::scale_cells(journal::kRecordCellsMax)),
            journal::kRecordCellsMax);
}

TEST(JournalDescriptor, KeepsItsFieldsApart) {
  const std::uint64_t lap = (1ull << 34) - 1;
  const Descriptor full = Descriptor::of(lap, 0x3fff, 0x3fff, CellState::kEnd);
  EXPECT_EQ(full.word, ~0ull);
  const Descriptor one = Descriptor::of(7, 5, 3, CellState::kVoid);
  EXPECT_EQ(one.lap(), 7u);
  EXPECT_EQ(one.owner(), 5u);
  EXPECT_EQ(one.scaled(), 3u);
  EXPECT_EQ(one.state(), CellState::kVoid);
}

TEST(JournalRing, GivesRecordsInTheOrderOfTheirClaims) {
  RawJournal journal(4);
  Producer one(journal.view(), kMe);
  Producer other(journal.view(), kOther);
  EXPECT_EQ(put(one, "a"), 0u);
  EXPECT_EQ(put(other, "b"), 1u);
  EXPECT_EQ(put(one, std::string(100, 'c')), 2u);
  EXPECT_EQ(put(other, "d"), 5u);
  EXPECT_EQ(read_from(journal, 0), (Lines{"a", "b", std::string(100, 'c'), "d", "Empty"}));
  EXPECT_EQ(read_from(journal, 5), (Lines{"d", "Empty"}));
}

TEST(JournalRing, ShowsNothingBehindAClaimThatIsNotPublished) {
  RawJournal journal(4);
  Producer one(journal.view(), kMe);
  Producer other(journal.view(), kOther);
  Claim claim;
  ASSERT_EQ(one.claim(record_bytes(1), claim), Errc::kOk);
  ASSERT_EQ(put(other, "later"), 1u);
  EXPECT_EQ(read_from(journal, 0), (Lines{"Empty"}));
  EXPECT_EQ(journal::who_blocks(journal.view(), 1).participant, kMe);
  EXPECT_FALSE(journal::who_blocks(journal.view(), 1).is_writer);
  write_record(claim, "x");
  one.publish(claim);
  EXPECT_EQ(read_from(journal, 0), (Lines{"x", "later", "Empty"}));
}

TEST(JournalRing, PassesOverWhatWasAbandoned) {
  RawJournal journal(4);
  Producer producer(journal.view(), kMe);
  Claim claim;
  ASSERT_EQ(producer.claim(record_bytes(200), claim), Errc::kOk);
  producer.abandon(claim);
  EXPECT_EQ(put(producer, "next"), 4u);
  EXPECT_EQ(read_from(journal, 0), (Lines{"next", "Empty"}));
}

TEST(JournalRing, LeavesTheEndOfALapVoidIfTheRecordDoesNotFit) {
  RawJournal journal(3);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(put(producer, "x"));
  drain_to(journal, 6);
  EXPECT_EQ(put(producer, std::string(150, 'y')), 8u);
  EXPECT_EQ(read_from(journal, 5), (Lines{"x", std::string(150, 'y'), "Empty"}));
  EXPECT_GE(journal.hot().low, 3u);
  EXPECT_LE(journal.hot().low, 6u);
}

TEST(JournalRing, ClaimsNoEndOfALapWithoutRoomForTheRecord) {
  RawJournal journal(3);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(put(producer, "x"));
  drain_to(journal, 2);
  EXPECT_FALSE(put(producer, std::string(150, 'y')));
  EXPECT_EQ(put(producer, "small"), 6u);
}

TEST(JournalRing, IsFullUntilTheWriterHasDrainedIt) {
  RawJournal journal(3);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(producer, "x"));
  Claim claim;
  EXPECT_EQ(producer.claim(record_bytes(1), claim), Errc::kFull);
  drain_to(journal, 1);
  EXPECT_EQ(put(producer, "y"), 8u);
  EXPECT_EQ(producer.claim(record_bytes(1), claim), Errc::kFull);
}

TEST(JournalRing, TakesNoRecordLargerThanHalfOfIt) {
  RawJournal journal(3);
  Producer producer(journal.view(), kMe);
  Claim claim;
  EXPECT_EQ(producer.claim(4 * kOneCell, claim), Errc::kOk);
  producer.abandon(claim);
  EXPECT_EQ(producer.claim(4 * kOneCell + 1, claim), Errc::kTooLarge);
  EXPECT_EQ(producer.claim(0, claim), Errc::kTooLarge);
}

TEST(JournalRing, TakesLargeRecordsInUnitsOfSeveralCells) {
  RawJournal journal(14);
  Producer producer(journal.view(), kMe);
  ASSERT_EQ(put(producer, "x"), 0u);
  const std::string large(5'001 * kOneCell, 'l');
  ASSERT_EQ(put(producer, large), 1u);
  ASSERT_EQ(put(producer, "y"), 1u + 5'004u);
  EXPECT_EQ(read_from(journal, 0), (Lines{"x", large, "y", "Empty"}));
}

TEST(JournalRing, TellsAReaderThatItIsLapped) {
  RawJournal journal(3);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(producer, std::to_string(i)));
  Seen seen;
  ASSERT_EQ(journal::look(journal.view(), 0, seen), Errc::kOk);
  EXPECT_TRUE(journal::still_there(journal.view(), 0));
  drain_to(journal, 8);
  Claim claim;
  ASSERT_EQ(producer.claim(record_bytes(1), claim), Errc::kOk);
  EXPECT_FALSE(journal::still_there(journal.view(), 0));
  EXPECT_EQ(journal::look(journal.view(), 0, seen), Errc::kLapped);
  EXPECT_EQ(read_from(journal, 2), (Lines{"2", "3", "4", "5", "6", "7", "Empty"}));
}

TEST(JournalRing, TellsAReaderWithinALaterRecordThatItIsLapped) {
  RawJournal journal(3);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(producer, std::to_string(i)));
  drain_to(journal, 8);
  ASSERT_EQ(put(producer, std::string(150, 'l')), 8u);
  Seen seen;
  EXPECT_EQ(journal::look(journal.view(), 2, seen), Errc::kLapped);  // its descriptor is as before
}

TEST(JournalRing, NeverCallsLappedWhatTheWriterMayNotHave) {
  RawJournal journal(6);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(put(producer, "x"));
  for (std::uint64_t drain = 1; drain < 300; ++drain) {
    drain_to(journal, drain);
    ASSERT_TRUE(put(producer, "y"));
    ASSERT_LE(journal.hot().low, drain);
  }
}

TEST(JournalRing, FindsTheTailFromAnywhere) {
  RawJournal journal(4);
  Producer producer(journal.view(), kMe);
  Producer idle(journal.view(), kOther);
  ASSERT_EQ(put(idle, "i"), 0u);
  for (std::uint64_t position = 1; position < 100; ++position) {
    drain_to(journal, position);
    ASSERT_EQ(put(producer, "x"), position);
  }
  journal.hot().tail = 3;  // somebody stored it late
  drain_to(journal, 95);
  EXPECT_EQ(put(idle, "back"), 100u);
  Producer fresh(journal.view(), 3);
  std::uint64_t tail = 0;
  EXPECT_EQ(fresh.frontier(tail), Errc::kOk);
  EXPECT_EQ(tail, 101u);
}

TEST(JournalRing, BeginsWhereItIsTold) {
  RawJournal journal(3, 805);
  Producer producer(journal.view(), kMe);
  EXPECT_EQ(put(producer, "first"), 805u);
  EXPECT_EQ(read_from(journal, 805), (Lines{"first", "Empty"}));
  EXPECT_EQ(read_from(journal, 800), (Lines{"Lapped"}));
}

TEST(JournalRing, WithoutALogGoesOverWhatIsPublished) {
  RawJournal journal(4, 0, JournalKind::kMemory);
  Producer producer(journal.view(), kMe);
  for (std::uint64_t position = 0; position < 200; ++position) {
    ASSERT_EQ(put(producer, std::to_string(position)), position);
    ASSERT_LE(journal.hot().drain, position + 1);
    ASSERT_LE(journal.hot().low, journal.hot().drain);
  }
  const Lines last = read_from(journal, 190);
  ASSERT_EQ(last.size(), 11u);
  EXPECT_EQ(last.front(), "190");
}

TEST(JournalRing, WithoutALogIsFullBehindAClaimThatIsNotPublished) {
  RawJournal journal(3, 0, JournalKind::kMemory);
  Producer stopped(journal.view(), kMe);
  Producer producer(journal.view(), kOther);
  Claim claim;
  ASSERT_EQ(stopped.claim(record_bytes(1), claim), Errc::kOk);
  for (int i = 1; i < 8; ++i) ASSERT_TRUE(put(producer, "x"));
  EXPECT_FALSE(put(producer, "x"));
  EXPECT_EQ(journal::sweep_participant(journal.view(), kMe).claims_voided, 1u);
  EXPECT_EQ(put(producer, "x"), 8u);
}

TEST(JournalRing, OfADeadOneIsFreedFromItsClaims) {
  RawJournal journal(4);
  Producer dead(journal.view(), kMe);
  Producer producer(journal.view(), kOther);
  Claim claim;
  ASSERT_TRUE(put(dead, "published"));
  ASSERT_EQ(dead.claim(record_bytes(100), claim), Errc::kOk);
  ASSERT_TRUE(put(producer, "a"));
  ASSERT_EQ(dead.claim(record_bytes(1), claim), Errc::kOk);
  Claim others;
  ASSERT_EQ(producer.claim(record_bytes(1), others), Errc::kOk);
  const auto swept = journal::sweep_participant(journal.view(), kMe);
  EXPECT_EQ(swept.claims_voided, 2u);
  EXPECT_FALSE(swept.role_freed);
  EXPECT_EQ(read_from(journal, 0), (Lines{"published", "a", "Empty"}));
  write_record(others, "b");
  producer.publish(others);
  EXPECT_EQ(read_from(journal, 0), (Lines{"published", "a", "b", "Empty"}));
  EXPECT_EQ(journal::sweep_participant(journal.view(), kMe).claims_voided, 0u);
}

TEST(JournalRing, ThatIsClosedTakesNothingMore) {
  RawJournal journal(3);
  Producer one(journal.view(), kMe);
  Producer other(journal.view(), kOther);
  Claim claim;
  ASSERT_EQ(one.claim(record_bytes(1), claim), Errc::kOk);
  std::uint64_t end = 0;
  ASSERT_EQ(other.close(end), Errc::kOk);
  EXPECT_EQ(end, 1u);
  ASSERT_EQ(one.close(end), Errc::kOk);  // again, and the end is the same
  EXPECT_EQ(end, 1u);
  Claim more;
  EXPECT_EQ(one.claim(record_bytes(1), more), Errc::kClosed);
  EXPECT_EQ(other.claim(record_bytes(1), more), Errc::kClosed);
  write_record(claim, "x");
  one.publish(claim);
  EXPECT_EQ(read_from(journal, 0), (Lines{"x", "Closed"}));
  std::uint64_t frontier = 0;
  EXPECT_EQ(one.frontier(frontier), Errc::kOk);
  EXPECT_EQ(frontier, end);
}

TEST(JournalRing, ThatIsFullCannotBeClosedYet) {
  RawJournal journal(2);
  Producer producer(journal.view(), kMe);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(put(producer, "x"));
  std::uint64_t end = 0;
  EXPECT_EQ(producer.close(end), Errc::kFull);
  drain_to(journal, 1);
  EXPECT_EQ(producer.close(end), Errc::kOk);
  EXPECT_EQ(end, 4u);
}

TEST(JournalRing, PublishesInAFencedBus) {
  RawJournal journal(3, 0, JournalKind::kLog, true);
  Producer producer(journal.view(), kMe);
  ASSERT_EQ(put(producer, "x"), 0u);
  EXPECT_EQ(read_from(journal, 0), (Lines{"x", "Empty"}));
}

TEST(JournalRecord, IsBelievedOnlyIfItFitsItsPlace) {
  RawJournal journal(4);
  Producer producer(journal.view(), kMe);
  ASSERT_TRUE(put(producer, std::string(100, 'x')));
  Seen seen;
  ASSERT_EQ(journal::look(journal.view(), 0, seen), Errc::kOk);
  log::RecordHeader header{};
  ASSERT_TRUE(journal::parse_record(0, seen.bytes, header));
  EXPECT_EQ(header.data_bytes, 100u);
  EXPECT_FALSE(journal::parse_record(1, seen.bytes, header));
  EXPECT_FALSE(journal::parse_record(0, seen.bytes.first(39), header));
  EXPECT_FALSE(journal::parse_record(0, seen.bytes.first(128), header));
  auto& stored = *reinterpret_cast<log::RecordHeader*>(journal.view().cell(0));
  const log::RecordHeader good = stored;
  const auto refuses = [&](auto change) {
    stored = good;
    change(stored);
    return !journal::parse_record(0, seen.bytes, header);
  };
  EXPECT_TRUE(refuses([](log::RecordHeader& h) { h.bytes = 39; }));
  EXPECT_TRUE(refuses([](log::RecordHeader& h) { h.bytes = ~0u; }));
  EXPECT_TRUE(refuses([](log::RecordHeader& h) { h.data_bytes = ~0u; }));
  EXPECT_TRUE(refuses([](log::RecordHeader& h) { ++h.key_bytes; }));
  EXPECT_TRUE(refuses([](log::RecordHeader& h) { h.flags = log::kHasHashKey; }));
  EXPECT_TRUE(refuses([](log::RecordHeader& h) { h.bytes = 64, h.data_bytes = 24; }));
}

TEST(JournalHostile, LapsThatCannotBeAreCorrupt) {
  RawJournal journal(3);
  journal.hot().tail = ~0ull;
  Producer producer(journal.view(), kMe);
  Claim claim;
  EXPECT_EQ(producer.claim(record_bytes(1), claim), Errc::kCorrupt);
  Seen seen;
  EXPECT_EQ(journal::look(journal.view(), ~0ull - 5, seen), Errc::kCorrupt);
}

TEST(JournalHostile, LengthsThatCannotBeAreCorrupt) {
  for (const auto state : {CellState::kClaimed, CellState::kPublished, CellState::kVoid}) {
    for (const std::uint32_t scaled : {0u, 9u, 0x3fffu}) {
      RawJournal journal(3);
      journal.view().descriptor(0) = Descriptor::of(1, kOther, scaled, state).word;
      Producer producer(journal.view(), kMe);
      Claim claim;
      Seen seen;
      const bool is_rest = scaled == 0 && state == CellState::kVoid;
      EXPECT_EQ(producer.claim(record_bytes(1), claim), is_rest ? Errc::kFull : Errc::kCorrupt);
      EXPECT_EQ(journal::look(journal.view(), 0, seen), is_rest ? Errc::kEmpty : Errc::kCorrupt);
    }
  }
}

TEST(JournalHostile, ALaterLapWithoutADrainBehindItIsCorrupt) {
  RawJournal journal(3);
  journal.view().descriptor(0) = Descriptor::of(5, kOther, 1, CellState::kPublished).word;
  Producer producer(journal.view(), kMe);
  Claim claim;
  EXPECT_EQ(producer.claim(record_bytes(1), claim), Errc::kCorrupt);
}

/// Any bytes at all: every call returns, and stays within the memory.
TEST(JournalHostile, AnyBytesAreSurvived) {
  std::uint64_t random = 1;
  const auto next = [&] {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  };
  for (int round = 0; round < 2'000; ++round) {
    const JournalKind kind = round % 2 == 0 ? JournalKind::kLog : JournalKind::kMemory;
    RawJournal journal(3, 0, kind);
    auto& hot = journal.hot();
    const std::uint64_t mask = round % 3 == 0 ? ~0ull : 0x3f;
    for (auto* word : {&hot.tail, &hot.drain, &hot.durable, &hot.low, &hot.writer}) {
      if (next() % 2 == 0) *word = next() & mask;
    }
    for (std::uint64_t cell = 0; cell < 8; ++cell) {
      const std::uint64_t lap = next() % (round % 5 == 0 ? 1ull << 34 : 10);
      journal.view().descriptor(cell) =
          round % 7 == 0 ? next()
                         : Descriptor::of(lap, static_cast<std::uint16_t>(next() % 4),
                                          static_cast<std::uint32_t>(next() % 6),
                                          static_cast<CellState>(next() % 4))
                               .word;
    }
    Producer producer(journal.view(), kMe);
    for (int i = 0; i < 20; ++i) {
      Claim claim;
      if (producer.claim(1 + next() % 256, claim) != Errc::kOk) continue;
      ASSERT_GE(claim.bytes.data(), journal.view().cell(0));
      ASSERT_LE(claim.bytes.data() + claim.bytes.size(), journal.view().cell(0) + 8 * kOneCell);
      std::memset(claim.bytes.data(), 'x', claim.bytes.size());
      producer.publish(claim);
    }
    for (std::uint64_t position = 0; position < 80; ++position) {
      Seen seen;
      log::RecordHeader header;
      if (journal::look(journal.view(), position, seen) == Errc::kOk) {
        static_cast<void>(journal::parse_record(seen.position, seen.bytes, header));
      }
      static_cast<void>(journal::who_blocks(journal.view(), position));
    }
    std::uint64_t end = 0;
    static_cast<void>(producer.close(end));
    static_cast<void>(producer.frontier(end));
    FakeDisk disk;
    FakeLog log(disk);
    FakeLiveness alive;
    journal::DrainRole role(journal.view(), 1 << 14 | kMe, alive, log);
    disk.end = next() % 20;
    if (role.take() == Errc::kOk) {
      for (int i = 0; i < 20 && role.is_mine(); ++i) static_cast<void>(role.drain_once());
      role.release();
    }
    journal::sweep_participant(journal.view(), static_cast<std::uint16_t>(1 + next() % 3));
  }
}

}  // namespace
}  // namespace ringpost::test
