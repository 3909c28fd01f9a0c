// Going on with logs that have failed, and writers of all logs of a bus.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "client/member.hpp"
#include "client/streams.hpp"
#include "stream/control_file.hpp"
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

/// What the writer leaves when a write or a sync has failed.
void let_the_log_fail(Bus& bus, const std::string& stream, int sys_errno = EIO) {
  client::Member& member = client::Member::of(bus);
  const auto control = stream::ControlFile::open(member.me().bus_pointer(), stream).value();
  const auto shared = client::stream_membership(member).shared;
  const auto file = shared->journal(control.entry(0).journal.load()).value();
  file->view().hot().failed.store(static_cast<std::uint32_t>(sys_errno));
}

void wait_until(const std::function<bool()>& is_so) {
  while (!is_so()) std::this_thread::yield();
}

TEST(AFailedLog, GoesOnOnceItIsRecovered) {
  RebootingBus test;
  Stream stream = test.bus().stream("ticks", logged_stream()).value();
  stream.put("k", "acknowledged").value();
  let_the_log_fail(test.bus(), "ticks");
  EXPECT_EQ(code_of(stream.put("k", "refused")), Errc::kLogFailed);
  EXPECT_EQ(code_of(stream.put("k", "in memory", {.durability = Durability::kMemory})), Errc::kOk);
  const auto recovered = stream.recover_logs().value();
  ASSERT_EQ(recovered.size(), 1u);
  EXPECT_EQ(recovered[0].shard, 0u);
  EXPECT_EQ(recovered[0].log_errno, EIO);
  EXPECT_EQ(recovered[0].on_disk, recovered[0].acknowledged);
  EXPECT_EQ(recovered[0].records, 2u);
  EXPECT_EQ(code_of(stream.put("k", "later")), Errc::kOk);
  const Texts all{"acknowledged", "refused", "in memory", "later"};
  EXPECT_EQ(all_of(stream), all);
  stream = Stream();
  test.reboot();
  Stream again = test.bus().open_stream("ticks").value();
  EXPECT_EQ(all_of(again), all);
}

TEST(AFailedLog, StaysAsItIsIfSomethingThatWasAcknowledgedIsMissing) {
  RebootingBus test;
  Stream stream = test.bus().stream("ticks", logged_stream()).value();
  stream.put("k", "acknowledged").value();
  let_the_log_fail(test.bus(), "ticks");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test.state())) {
    if (entry.path().extension() == ".segment") std::filesystem::remove(entry.path());
  }
  EXPECT_EQ(code_of(stream.recover_logs()), Errc::kDamaged);
  EXPECT_EQ(code_of(stream.put("k", "refused")), Errc::kLogFailed);
}

TEST(RecoveringLogs, IsOfStreamsThatHaveThem) {
  TestBus test;
  Stream ticks = test.bus().stream("ticks", memory_stream()).value();
  EXPECT_EQ(code_of(ticks.recover_logs()), Errc::kInvalidArgument);
  Stream trades = test.bus().stream("trades", logged_stream()).value();
  EXPECT_TRUE(trades.recover_logs().value().empty());
}

/// A writer of all logs of a bus.
class WriterOfABus : public testing::Test {
 protected:
  bool writes(const std::string& name) const {
    const auto logs = writer_.logs();
    return std::any_of(logs.begin(), logs.end(), [&](const WrittenLog& log) {
      return log.name == name && log.failure == Errc::kOk;
    });
  }
  static bool is_durable(Stream& stream) {
    const auto shards = stream.stats().value().shards;
    return std::all_of(shards.begin(), shards.end(),
                       [](const ShardStats& shard) { return shard.durable >= shard.published; });
  }
  Stream make(const std::string& name, StreamSettings settings = logged_stream(2)) {
    settings.durability = settings.storage == StreamStorage::kMemory
                              ? std::nullopt
                              : std::optional(Durability::kMemory);
    return test_.bus().stream(name, settings).value();
  }
  TestBus test_;
  LogWriter writer_;
};

TEST_F(WriterOfABus, WritesWhatNobodyWaitsForInAllStreams) {
  Stream ticks = make("ticks");
  Stream trades = make("trades");
  make("memory", memory_stream());
  writer_ = test_.bus().log_writer().value();
  for (int i = 0; i < 10; ++i) {
    ticks.put(std::to_string(i), "a").value();
    trades.put(std::to_string(i), "b").value();
  }
  wait_until([&] { return is_durable(ticks) && is_durable(trades); });
  EXPECT_TRUE(writes("stream ticks"));
  EXPECT_TRUE(writes("stream trades"));
  EXPECT_EQ(writer_.logs().size(), 2u);
  EXPECT_EQ(writer_.failure(), Errc::kOk);
  EXPECT_EQ(ticks.stats().value().shards[0].writer_pid, ::getpid());
}

TEST_F(WriterOfABus, FindsStreamsThatAreMadeLaterAndForgetsThoseThatAreGone) {
  writer_ = test_.bus().log_writer().value();
  Stream ticks = make("ticks");
  ticks.put("k", "a").value();
  wait_until([&] {
    test_.clock().advance(1s);
    return writes("stream ticks");
  });
  wait_until([&] { return is_durable(ticks); });
  test_.bus().delete_stream("ticks").value();
  wait_until([&] {
    test_.clock().advance(1s);
    return writer_.logs().empty();
  });
  EXPECT_EQ(writer_.failure(), Errc::kOk);
}

TEST_F(WriterOfABus, HasWrittenEverythingWhenItEnds) {
  Stream ticks = make("ticks");
  writer_ = test_.bus().log_writer().value();
  wait_until([&] { return writes("stream ticks"); });
  for (int i = 0; i < 100; ++i) ticks.put(std::to_string(i), std::string(100, 'x')).value();
  writer_ = LogWriter();
  EXPECT_TRUE(is_durable(ticks));
}

TEST_F(WriterOfABus, GoesOnWithALogThatFailedAndWasRecovered) {
  Stream ticks = make("ticks", logged_stream());
  let_the_log_fail(test_.bus(), "ticks");
  writer_ = test_.bus().log_writer().value();
  wait_until([&] { return writer_.failure() == Errc::kLogFailed; });
  ticks.put("k", "a").value();
  EXPECT_EQ(ticks.recover_logs().value().size(), 1u);
  ticks.put("k", "b").value();
  wait_until([&] { return is_durable(ticks) && writer_.failure() == Errc::kOk; });
}

}  // namespace
}  // namespace ringpost::test
