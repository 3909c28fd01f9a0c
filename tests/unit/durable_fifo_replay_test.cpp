// What the log of a durable FIFO queue says of deduplication ids and positions.
#include <gtest/gtest.h>

#include <map>

#include "dedup/key.hpp"
#include "durable/replay.hpp"
#include "support/test_bus.hpp"

namespace ringpost::durable {
namespace {

/// A log in memory.
class DurableFifoReplay : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kRing = 77;
  static constexpr std::int64_t kNow = 1'000;
  static constexpr std::int64_t kLater = 2'000;

  void send(std::uint64_t position, std::string_view id, std::int64_t until_ns = kLater,
            std::uint64_t relocation = 0) {
    const std::string content = "bodygroup" + std::string(id);
    Message message;
    message.id = {kRing, position};
    message.relocation = relocation;
    message.body_bytes = 4;
    message.group_bytes = 5;
    message.dedup_id_bytes = static_cast<std::uint32_t>(id.size());
    message.id_until_ns = until_ns;
    message.content = as_bytes(std::string_view(content));
    add(send_bytes(content.size()), [&](auto into) { write_send(message, stamp_, into); });
  }
  void remove(std::uint64_t position) {
    add(kDeleteBytes, [&](auto into) { write_delete({kRing, position}, stamp_, into); });
  }
  void avoid(std::uint64_t position) {
    add(kDeleteBytes, [&](auto into) { write_void({kRing, position}, stamp_, into); });
  }
  void know(std::uint64_t position, std::string_view id, std::int64_t until_ns = kLater,
            std::uint64_t relocation = 0) {
    const KnownId known{dedup::key_of_id(kRing, id), {kRing, position}, until_ns, relocation};
    add(kKnownIdBytes, [&](auto into) { write_known_id(known, stamp_, into); });
  }
  void mark(Kind kind, std::uint64_t number) {
    add(kMarkBytes, [&](auto into) { write_mark(kind, {number}, stamp_, into); });
  }
  template <class Write>
  void add(std::size_t bytes, Write&& write) {
    std::vector<std::byte> record(bytes);
    write(std::span<std::byte>(record));
    records_.push_back(std::move(record));
    ++stamp_.position;
  }
  /// Replays the records from `first` on.
  Replay& replay(std::size_t first = 0) {
    replay_.emplace();
    replay_->keep_ids({kRing, false, kNow});
    for (std::size_t i = first; i < records_.size(); ++i) {
      EXPECT_EQ(replay_->add(log::RecordView::parse(records_[i]).value()), Errc::kOk);
    }
    return *replay_;
  }
  /// Position of the message that has the id; nothing if it is not known.
  std::optional<std::uint64_t> known(std::string_view id, std::size_t first = 0) {
    for (const KnownId& each : replay(first).fifo()->ids()) {
      if (each.key == dedup::key_of_id(kRing, id)) return each.id.position;
    }
    return std::nullopt;
  }
  std::size_t messages(std::size_t first = 0) { return replay(first).finish().size(); }

  Stamp stamp_{64, 1'000};
  std::vector<std::vector<std::byte>> records_;
  std::optional<Replay> replay_;
};

TEST_F(DurableFifoReplay, KnowsAnIdUntilItsTimeIsOverAlsoWhenItsMessageIsGone) {
  send(1, "a");
  send(2, "b");
  send(3, "over", kNow);
  send(4, "none", 0);
  remove(1);
  EXPECT_EQ(known("a"), 1u);
  EXPECT_EQ(known("b"), 2u);
  EXPECT_EQ(known("over"), std::nullopt);
  EXPECT_EQ(known("none"), std::nullopt);
  EXPECT_EQ(messages(), 3u);
}

TEST_F(DurableFifoReplay, TakesAVoidPositionForNoMessage) {
  send(1, "a");
  avoid(1);
  EXPECT_EQ(known("a"), std::nullopt);
  EXPECT_EQ(messages(), 0u);
  send(2, "a");
  EXPECT_EQ(known("a"), 2u);
  EXPECT_EQ(messages(), 1u);
  send(1, "a", kLater, 9);  // whoever relocated it looked before it was void
  EXPECT_EQ(known("a"), 2u);
  mark(Kind::kRelocated, 9);
  EXPECT_EQ(messages(), 1u);
}

TEST_F(DurableFifoReplay, GivesAnIdToTheLastMessageThatWasAcceptedWithIt) {
  send(7, "a");
  remove(7);
  send(3, "a");
  EXPECT_EQ(known("a"), 7u);
  know(9, "a");
  EXPECT_EQ(known("a"), 9u);
}

TEST_F(DurableFifoReplay, KnowsAnIdWhoseMessageHasLeftTheLog) {
  send(1, "a");
  remove(1);
  know(1, "a");
  EXPECT_EQ(known("a", 1), 1u);
  know(1, "a", 0);
  EXPECT_EQ(known("a"), std::nullopt) << "a purge came while it was copied";
}

TEST_F(DurableFifoReplay, ForgetsWhatAPurgeForgot) {
  send(1, "a");
  send(2, "b");
  know(0, "c");
  mark(Kind::kForgotten, 2);
  EXPECT_EQ(known("a"), std::nullopt);
  EXPECT_EQ(known("c"), std::nullopt);
  EXPECT_EQ(known("b"), 2u);
  send(3, "a");
  EXPECT_EQ(known("a"), 3u);
}

TEST_F(DurableFifoReplay, TakesIdsOfARelocationWithItsEnd) {
  know(1, "a", kLater, 9);
  EXPECT_EQ(known("a"), std::nullopt) << "its writer died before he looked again";
  know(2, "b", kLater, 9);
  know(2, "b", 0, 9);
  know(5, "c", kLater, 9);
  mark(Kind::kForgotten, 2);
  mark(Kind::kRelocated, 9);
  EXPECT_EQ(known("a"), std::nullopt) << "a purge came between";
  EXPECT_EQ(known("b"), std::nullopt);
  EXPECT_EQ(known("c"), 5u);
}

TEST_F(DurableFifoReplay, SaysWherePositionsEnd) {
  EXPECT_EQ(replay().fifo()->positions_end(), 0u);
  send(5, "a");
  EXPECT_EQ(replay().fifo()->positions_end(), 6u);
  remove(9);
  EXPECT_EQ(replay().fifo()->positions_end(), 10u);
  avoid(11);
  EXPECT_EQ(replay().fifo()->positions_end(), 12u);
  mark(Kind::kPositions, 100);
  EXPECT_EQ(replay(3).fifo()->positions_end(), 100u);
  EXPECT_EQ(messages(), 1u) << "nothing of it is a message";
}

TEST_F(DurableFifoReplay, KeepsEverythingOfAMessageOfAFifoQueue) {
  const std::string_view content = "bodygroupid";
  const Message message{.id = {kRing, 2},
                        .original = {7, 8},
                        .original_sent_ns = 9,
                        .body_bytes = 4,
                        .group_bytes = 5,
                        .dedup_id_bytes = 2,
                        .renamed = true,
                        .undelayed = true,
                        .id_until_ns = 10,
                        .content = as_bytes(content)};
  std::vector<std::byte> bytes(send_bytes(content.size()));
  write_send(message, {64, 11}, bytes);
  const Message read = read_send(log::RecordView::parse(bytes).value()).value();
  EXPECT_EQ(read.original, message.original);
  EXPECT_EQ(read.original_sent_ns, 9);
  EXPECT_TRUE(read.renamed);
  EXPECT_TRUE(read.undelayed);
  EXPECT_FALSE(read.has_history);
  EXPECT_EQ(read.id_until_ns, 10);
  EXPECT_EQ(as_text(read.content), content);
}

TEST_F(DurableFifoReplay, ReadsForPeople) {
  send(5, "a");
  avoid(5);
  know(5, "a");
  know(5, "a", 0);
  mark(Kind::kForgotten, 6);
  mark(Kind::kPositions, 7);
  std::string text;
  for (const auto& record : records_) {
    text += text_of(log::RecordView::parse(record).value()) + "; ";
  }
  EXPECT_EQ(text,
            "send 77-5; void 77-5; known id of 77-5; forgotten id of 77-5; forgotten ids before 6; "
            "positions before 7; ");
}

}  // namespace
}  // namespace ringpost::durable
