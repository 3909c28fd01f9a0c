// Messages that are left are read from the log once more.
#include <gtest/gtest.h>

#include <map>

#include "durable/replay.hpp"
#include "support/log_stage.hpp"

namespace ringpost::durable {
namespace {

class MessagesThatAreLeft : public testing::Test {
 protected:
  /// A message of so many bytes, in the log at once.
  Left put(std::uint64_t id, std::size_t bytes) {
    const std::string body(bytes, static_cast<char>('a' + id % 26));
    Message message;
    message.id = {1, id};
    message.receives = 2;
    message.body_bytes = static_cast<std::uint32_t>(bytes);
    message.content = as_bytes(body);
    std::vector<std::byte> record(send_bytes(bytes));
    write_send(message, {position_, 1'000}, record);
    const std::uint64_t at = position_;
    EXPECT_EQ(writer_->add(at, record), Errc::kOk);
    position_ += (record.size() + 63) / 64;
    EXPECT_EQ(writer_->submit(disk::Sync::kData, position_), Errc::kOk);
    EXPECT_EQ(writer_->flush(), Errc::kOk);
    return {.id = message.id, .record = at, .bytes = message.body_bytes};
  }
  /// Ids in the order in which they are given.
  std::vector<std::uint64_t> read(const std::vector<Left>& messages, Errc expected = Errc::kOk) {
    std::vector<std::uint64_t> ids;
    const auto reader = stage_.reader();
    EXPECT_EQ(read_again(*reader, messages,
                         [&](const Message& message) {
                           const std::uint64_t id = message.id.position;
                           EXPECT_EQ(
                               as_text(message.content),
                               std::string(message.body_bytes, static_cast<char>('a' + id % 26)));
                           receives_[id] = message.receives;
                           ids.push_back(id);
                           return Errc::kOk;
                         }),
              expected);
    return ids;
  }

  test::LogStage stage_;
  std::unique_ptr<log::Writer> writer_ = stage_.open();
  std::uint64_t position_ = 0;
  std::map<std::uint64_t, std::uint32_t> receives_;
};

TEST_F(MessagesThatAreLeft, AreGivenInTheOrderInWhichTheyAreWanted) {
  std::vector<Left> all;
  std::vector<std::uint64_t> wanted;
  constexpr std::uint64_t kCount = 300;  // of more bytes than are held
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const std::uint64_t id = i % 100 == 99 ? i : i ^ 1;  // neighbours have changed places
    all.push_back(put(id, i % 7 * 1'000));
  }
  std::sort(all.begin(), all.end(),
            [](const Left& a, const Left& b) { return a.id.position < b.id.position; });
  // Those that were written again last come first.
  std::rotate(all.begin(), all.end() - 50, all.end());
  for (const Left& each : all) wanted.push_back(each.id.position);
  EXPECT_EQ(read(all), wanted);
}

TEST_F(MessagesThatAreLeft, HaveTheHighestCountOfReceives) {
  std::vector<Left> all{put(0, 10), put(1, 10)};
  all[1].receives = 7;
  EXPECT_EQ(read(all).size(), 2u);
  EXPECT_EQ(receives_[0], 2u);
  EXPECT_EQ(receives_[1], 7u);
}

TEST_F(MessagesThatAreLeft, AreThoseThatWereSeenOrElseTheLogIsDamaged) {
  const Left first = put(0, 10);
  const Left second = put(1, 10);
  Left other = first;
  other.id.position = 5;
  EXPECT_TRUE(read({other, second}, Errc::kDamaged).empty());
  other = first;
  other.record += 1;
  EXPECT_TRUE(read({other}, Errc::kDamaged).empty());
  other = first;
  other.bytes = 5;
  EXPECT_TRUE(read({other}, Errc::kDamaged).empty());
}

}  // namespace
}  // namespace ringpost::durable
