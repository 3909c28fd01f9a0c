// What a durable queue's log says, and what is left of it.
#include <gtest/gtest.h>

#include <cstring>

#include "durable/replay.hpp"
#include "support/test_bus.hpp"

namespace ringpost::durable {
namespace {

/// A log in memory.
class DurableReplay : public ::testing::Test {
 protected:
  void send(std::uint64_t position, std::string_view body, std::uint64_t relocation = 0,
            std::uint32_t ring_number = 0) {
    Message message;
    message.id = {kRing + ring_number, position};
    message.ring_number = ring_number;
    message.relocation = relocation;
    message.body_bytes = static_cast<std::uint32_t>(body.size());
    message.content = as_bytes(body);
    add(send_bytes(body.size()), [&](auto into) { write_send(message, stamp_, into); });
  }
  void remove(std::uint64_t position, std::uint64_t ring = kRing) {
    add(kDeleteBytes, [&](auto into) { write_delete({ring, position}, stamp_, into); });
  }
  void receive(std::uint64_t position, std::uint32_t count) {
    add(kReceivedBytes, [&](auto into) {
      write_received({{kRing, position}, count}, stamp_, into);
    });
  }
  void relocate(std::uint64_t position, std::string_view body) {
    send(position, body, 9);
    mark(Kind::kRelocated, 9);
  }
  void overflow(std::uint64_t position) {
    Message message;
    message.id = {kRing, position};
    message.is_overflow = true;
    add(send_bytes(0), [&](auto into) { write_send(message, stamp_, into); });
  }
  void refill(std::uint64_t position, std::uint64_t from) {
    Message message;
    message.id = {kRing, position};
    message.replaces = from;
    message.has_history = true;
    message.original = {kJournal, from};
    message.body_bytes = 1;
    message.content = as_bytes("m");
    add(send_bytes(1), [&](auto into) { write_send(message, stamp_, into); });
  }
  Replay::Backlog backlog() {
    Replay replay;
    for (const auto& record : records_) {
      EXPECT_EQ(replay.add(log::RecordView::parse(record).value()), Errc::kOk);
    }
    return replay.backlog();
  }
  void mark(Kind kind, std::uint64_t number, std::uint64_t floor = 0) {
    add(kMarkBytes, [&](auto into) { write_mark(kind, {number, floor}, stamp_, into); });
  }
  template <class Write>
  void add(std::size_t bytes, Write&& write) {
    std::vector<std::byte> record(bytes);
    write(std::span<std::byte>(record));
    records_.push_back(std::move(record));
    ++stamp_.position;
  }

  /// The bodies that are left of the records from `first` on.
  std::string left(std::size_t first = 0) {
    Replay replay;
    for (std::size_t i = first; i < records_.size(); ++i) {
      EXPECT_EQ(replay.add(log::RecordView::parse(records_[i]).value()), Errc::kOk);
    }
    std::string text;
    for (const Left& each : replay.finish()) {
      const auto record = log::RecordView::parse(records_[each.record - kFirst]).value();
      const Message message = read_send(record).value();
      EXPECT_EQ(message.id, each.id);
      EXPECT_EQ(message.content.size(), each.bytes);
      text += as_text(message.content);
      if (each.receives != 0) text += std::to_string(each.receives);
      text += ' ';
    }
    return text;
  }

  static constexpr std::uint64_t kRing = 77;
  static constexpr std::uint64_t kJournal = 78;
  static constexpr std::uint64_t kFirst = 64;
  Stamp stamp_{kFirst, 1'000};
  std::vector<std::vector<std::byte>> records_;
};

TEST_F(DurableReplay, GivesWhatWasSentAndNotDeletedInTheOrderOfSending) {
  send(1, "b");
  send(0, "a");
  send(2, "c");
  remove(1);
  EXPECT_EQ(left(), "a c ");
}

TEST_F(DurableReplay, PutsMessagesOfEarlierRingsFirst) {
  send(0, "young", 0, 1);
  send(9, "old");
  EXPECT_EQ(left(), "old young ");
}

TEST_F(DurableReplay, TakesARelocatedMessageOnce) {
  send(0, "a");
  send(1, "b");
  relocate(0, "a");
  EXPECT_EQ(left(), "a b ");
  EXPECT_EQ(left(1), "a b ") << "the segment of the first record is gone";
}

TEST_F(DurableReplay, IgnoresCopiesOfARelocationWithoutItsEnd) {
  send(0, "a");
  remove(0);
  send(0, "a", 8);  // its maker died before he looked again whether the message is gone
  send(1, "b");
  EXPECT_EQ(left(), "b ");
  EXPECT_EQ(left(2), "b ") << "the segment that says so is gone";
  mark(Kind::kRelocated, 7);
  EXPECT_EQ(left(2), "b ") << "an end of another one";
}

TEST_F(DurableReplay, CountsWhatHappensToAMessageWhileItIsRelocated) {
  send(0, "a");
  send(1, "b");
  send(0, "a", 8);
  send(1, "b", 8);
  receive(0, 4);
  remove(1);
  mark(Kind::kRelocated, 8);
  EXPECT_EQ(left(), "a4 ");
  EXPECT_EQ(left(2), "a4 ");
}

TEST_F(DurableReplay, LeavesAMessageGoneThatWasRelocatedBehindItsDelete) {
  send(0, "a");
  remove(0);
  send(0, "a", 8);
  remove(0);  // by the copier, who has looked again
  mark(Kind::kRelocated, 8);
  EXPECT_EQ(left(), "");
  EXPECT_EQ(left(1), "");
  EXPECT_EQ(left(2), "");
}

TEST_F(DurableReplay, HoldsNothingOfWhatIsGoneOrWaitsInTheLogAlone) {
  Replay replay;
  std::size_t most = 0;
  const auto take_all = [&] {
    for (const auto& record : records_) {
      EXPECT_EQ(replay.add(log::RecordView::parse(record).value()), Errc::kOk);
      most = std::max(most, replay.held());
    }
    records_.clear();
  };
  constexpr std::uint64_t kMany = 10'000;
  for (std::uint64_t i = 0; i < kMany; ++i) overflow(i + 1);
  take_all();
  EXPECT_EQ(most, 0u);
  for (std::uint64_t i = 0; i < kMany; ++i) {
    refill(i, i + 1);
    remove(i + 1, kJournal);
  }
  take_all();
  EXPECT_EQ(most, 1u);
  for (std::uint64_t i = 0; i < 10; ++i) send(kMany + i, std::string(1'000, 'x'));
  send(kMany, std::string(1'000, 'x'), 9);
  take_all();
  EXPECT_EQ(most, 11u);
  mark(Kind::kRelocated, 9);
  take_all();
  EXPECT_EQ(replay.held(), 10u);
  static_assert(sizeof(Left) <= 48, "whatever the messages have in them");
}

TEST_F(DurableReplay, KeepsTheHighestReceiveCount) {
  send(0, "a");
  receive(0, 3);
  receive(0, 2);
  EXPECT_EQ(left(), "a3 ");
  relocate(0, "a");
  EXPECT_EQ(left(), "a3 ");
}

TEST_F(DurableReplay, ForgetsWhatStandsBeforeACompleteSnapshot) {
  send(0, "old");
  mark(Kind::kSnapshotBegin, 5);
  send(100, "new");
  mark(Kind::kSnapshotEnd, 5);
  send(101, "next");
  EXPECT_EQ(left(), "new next ");
  EXPECT_EQ(left(2), "new next ") << "its begin is gone with the first segment";
}

TEST_F(DurableReplay, IgnoresASnapshotWithoutItsEnd) {
  send(0, "old");
  mark(Kind::kSnapshotBegin, 5);
  send(100, "half");
  EXPECT_EQ(left(), "old ");
  mark(Kind::kSnapshotBegin, 6);
  send(200, "again");
  mark(Kind::kSnapshotEnd, 5);
  EXPECT_EQ(left(), "old ") << "an end of another one";
  mark(Kind::kSnapshotEnd, 6);
  EXPECT_EQ(left(), "again ");
}

TEST_F(DurableReplay, LeavesABacklogWhereItIsFromWhatCameIntoSlotsOn) {
  for (std::uint64_t position = 10; position < 14; ++position) overflow(position);
  EXPECT_EQ(backlog().count, 4u);
  refill(100, 10);
  refill(101, 11);
  EXPECT_EQ(left(), "m m ");
  EXPECT_EQ(backlog().from, 12u);
  EXPECT_EQ(backlog().count, 2u);
  mark(Kind::kSnapshotBegin, 5, 12);
  mark(Kind::kSnapshotEnd, 5, 12);
  EXPECT_EQ(left(), "");
  EXPECT_EQ(backlog().from, 12u);
  mark(Kind::kBacklogGone, 0, 14);
  EXPECT_EQ(backlog().count, 0u);
}

TEST_F(DurableReplay, TakesAMessageOnceThatSeveralWereBringingIntoSlots) {
  overflow(13);
  refill(100, 13);
  refill(101, 13);  // by somebody who died before he knew that the other one was faster
  EXPECT_EQ(left(), "m ");
  EXPECT_EQ(left(2), "m ") << "the segment of the first one is gone";
  remove(13, kJournal);
  EXPECT_EQ(left(), "");
  EXPECT_EQ(left(2), "") << "it is gone for both";
}

TEST_F(DurableReplay, RefusesRecordsThatNoQueueWrites) {
  send(0, "a");
  Replay replay;
  std::vector<std::byte> record = records_.front();
  record[offsetof(log::RecordHeader, kind)] = std::byte{99};
  EXPECT_EQ(replay.add(log::RecordView::parse(record).value()), Errc::kNewerFormat);
  record = records_.front();
  record.pop_back();
  std::uint32_t bytes = static_cast<std::uint32_t>(record.size());
  std::memcpy(record.data() + offsetof(log::RecordHeader, bytes), &bytes, sizeof bytes);
  bytes -= static_cast<std::uint32_t>(sizeof(log::RecordHeader));
  std::memcpy(record.data() + offsetof(log::RecordHeader, data_bytes), &bytes, sizeof bytes);
  EXPECT_EQ(replay.add(log::RecordView::parse(record).value()), Errc::kDamaged);
}

TEST(DurableRecord, KeepsEverythingOfAMessage) {
  const std::string_view content = "bodyattrgid";
  const Message message{.id = {1, 2},
                        .ring_number = 3,
                        .relocation = 12,
                        .replaces = 13,
                        .sent_ns = 4,
                        .due_ns = 5,
                        .receives = 6,
                        .has_history = true,
                        .original = {7, 8},
                        .source = 9,
                        .received_before = 10,
                        .body_bytes = 4,
                        .attribute_bytes = 4,
                        .group_bytes = 1,
                        .dedup_id_bytes = 2,
                        .content = as_bytes(content)};
  std::vector<std::byte> bytes(send_bytes(content.size()));
  write_send(message, {64, 11}, bytes);
  const auto record = log::RecordView::parse(bytes).value();
  EXPECT_EQ(record.header.position, 64u);
  EXPECT_EQ(record.header.arrival_ns, 11);
  const Message read = read_send(record).value();
  EXPECT_EQ(read.id, message.id);
  EXPECT_EQ(read.ring_number, 3u);
  EXPECT_EQ(read.relocation, 12u);
  EXPECT_EQ(read.replaces, 13u);
  EXPECT_FALSE(read.is_overflow);
  EXPECT_EQ(read.sent_ns, 4);
  EXPECT_EQ(read.due_ns, 5);
  EXPECT_EQ(read.receives, 6u);
  EXPECT_TRUE(read.has_history);
  EXPECT_EQ(read.original, message.original);
  EXPECT_EQ(read.source, 9u);
  EXPECT_EQ(read.received_before, 10u);
  EXPECT_EQ(read.body_bytes, 4u);
  EXPECT_EQ(read.group_bytes, 1u);
  EXPECT_EQ(read.dedup_id_bytes, 2u);
  EXPECT_EQ(as_text(read.content), content);
}

}  // namespace
}  // namespace ringpost::durable
