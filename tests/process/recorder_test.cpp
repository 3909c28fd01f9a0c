// The log of a process: complete records survive its SIGKILL, a torn one is noticed.

#include "process/history/recorder.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/history/body.hpp"
#include "process/rig/depth.hpp"
#include "process/rig/scratch.hpp"

namespace ringpost::history {
namespace {

Record numbered(std::uint64_t number) {
  Record record;
  record.event = Event::kInvoke;
  record.action = Action::kSend;
  record.ticket = number;
  record.set_key({1, number});
  return record;
}

class RecorderTest : public testing::Test {
 protected:
  rig::Scratch scratch_;
  std::string path_ = scratch_.path("log");
};

TEST_F(RecorderTest, GivesBackWhatWasAppended) {
  auto recorder = Recorder::create(path_, 7, 10);
  ASSERT_TRUE(recorder);
  for (std::uint64_t i = 1; i <= 3; ++i) recorder->append(numbered(i));
  const auto log = read_log(path_);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->process, 7u);
  ASSERT_EQ(log->records.size(), 3u);
  EXPECT_EQ(log->records[2].number, 3u);
  EXPECT_FALSE(log->torn);
  EXPECT_FALSE(log->damaged);
}

TEST_F(RecorderTest, RefusesAFileThatExists) {
  ASSERT_TRUE(Recorder::create(path_, 1, 10));
  EXPECT_FALSE(Recorder::create(path_, 1, 10));
}

TEST_F(RecorderTest, HasRoomForItsCapacityAndNoMore) {
  auto recorder = Recorder::create(path_, 1, 2);
  ASSERT_TRUE(recorder);
  EXPECT_TRUE(recorder->has_room(2));
  for (std::uint64_t i = 1; i <= 3; ++i) recorder->append(numbered(i));
  EXPECT_FALSE(recorder->has_room(1));
  EXPECT_EQ(recorder->read().records.size(), 2u);
}

TEST(ReadLog, LeavesOutARecordThatWasCutOffAnywhere) {
  std::vector<Record> records(3);
  for (std::uint64_t i = 0; i < 2; ++i) {
    records[i] = numbered(i + 1);
    records[i].check = check_of(records[i]);
  }
  Record next = numbered(3);
  next.check = check_of(next);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&next);
  // Every field but the check, as far as it was written; the check is written last.
  for (std::size_t written = 8; written <= sizeof(Record); ++written) {
    records[2] = Record{};
    auto* place = reinterpret_cast<unsigned char*>(&records[2]);
    std::copy(bytes + 8, bytes + written, place + 8);
    const Log log = read_log(records.data(), records.size(), 0);
    EXPECT_EQ(log.records.size(), 2u);
    EXPECT_FALSE(log.damaged);
  }
  records[2].check = next.check;
  EXPECT_EQ(read_log(records.data(), records.size(), 0).records.size(), 3u);
}

TEST(ReadLog, NoticesEveryChangedBit) {
  Record record = numbered(1);
  record.check = check_of(record);
  for (std::size_t bit = 0; bit < sizeof(Record) * 8; ++bit) {
    Record changed = record;
    reinterpret_cast<unsigned char*>(&changed)[bit / 8] ^=
        static_cast<unsigned char>(1u << (bit % 8));
    const Log log = read_log(&changed, 1, 0);
    EXPECT_TRUE(log.torn);
    EXPECT_TRUE(log.records.empty());
  }
}

TEST(ReadLog, CallsALogDamagedWhenARecordFollowsATornOne) {
  std::vector<Record> records(3);
  records[2] = numbered(3);
  records[2].check = check_of(records[2]);
  records[1] = numbered(2);  // without its check
  records[0] = numbered(1);
  records[0].check = check_of(records[0]);
  EXPECT_TRUE(read_log(records.data(), records.size(), 0).damaged);
}

TEST_F(RecorderTest, SurvivesSigkillAtAnyMoment) {
  const int kills = rig::by_depth(20, 200, 2000);
  std::uint64_t torn = 0;
  for (int kill_number = 0; kill_number < kills; ++kill_number) {
    auto recorder =
        Recorder::create(scratch_.path("log" + std::to_string(kill_number)), 3, 1'000'000);
    ASSERT_TRUE(recorder);
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      for (std::uint64_t i = 1; recorder->has_room(1); ++i) {
        recorder->append(numbered(i));
        if (i == 100 && write(pipe_ends[1], "x", 1) != 1) _exit(2);
      }
      pause();
    }
    char byte = 0;
    ASSERT_EQ(read(pipe_ends[0], &byte, 1), 1);  // it is in the middle of its work
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    const Log log = recorder->read();
    EXPECT_FALSE(log.damaged);
    ASSERT_GE(log.records.size(), 100u);
    for (std::size_t i = 0; i < log.records.size(); ++i) {
      ASSERT_EQ(log.records[i].number, i + 1);
    }
    torn += log.torn ? 1 : 0;
  }
  std::printf("note: %llu of %d logs ended with a torn record\n",
              static_cast<unsigned long long>(torn), kills);
}

TEST(Body, IsReadBackAtEveryLength) {
  for (std::size_t bytes = kBodyBytesMin; bytes < 300; ++bytes) {
    std::vector<std::byte> body(bytes);
    write_body(body, {5, bytes}, bytes % 2 == 0);
    const auto content = read_body(body);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->key, (MessageKey{5, bytes}));
    EXPECT_EQ(content->has_attribute, bytes % 2 == 0);
    EXPECT_FALSE(read_body(ByteSpan(body).first(bytes - 1)));
  }
}

TEST(Body, IsRefusedWithAnyBitChanged) {
  std::vector<std::byte> body(77);
  write_body(body, {5, 6}, false);
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    body[bit / 8] ^= std::byte(1u << (bit % 8));
    EXPECT_FALSE(read_body(body)) << "bit " << bit;
    body[bit / 8] ^= std::byte(1u << (bit % 8));
  }
}

}  // namespace
}  // namespace ringpost::history
