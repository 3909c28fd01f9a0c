// Settings of streams: limits, defaults, changes in use; tags; retention; limits of a shard.
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class StreamSetting : public testing::Test {
 protected:
  Errc make(const StreamSettings& settings) { return code_of(test_.bus().stream("x", settings)); }
  TestBus test_;
};

TEST_F(StreamSetting, HasItsDefaults) {
  const Stream made = test_.bus().stream("x").value();
  const StreamSettings all = made.settings();
  EXPECT_EQ(all.durability, Durability::kDurable);
  EXPECT_EQ(all.retention, 24h);
  EXPECT_EQ(all.log_bytes_max, 0u);
  EXPECT_EQ(all.record_bytes_max, kMiB);
  EXPECT_EQ(all.shard_limits, false);
  EXPECT_EQ(all.mode, StreamMode::kOnDemand);
  EXPECT_EQ(all.shards, 4u);
  EXPECT_EQ(all.storage, StreamStorage::kLog);
  EXPECT_EQ(all.ring_bytes, 8 * kMiB);
  EXPECT_EQ(all.segment_bytes, 64 * kMiB);
}

TEST_F(StreamSetting, OfShardsMakesItProvisioned) {
  const Stream made = test_.bus().stream("x", {.shards = 2, .ring_bytes = 4 * kMiB}).value();
  EXPECT_EQ(made.settings().mode, StreamMode::kProvisioned);
  EXPECT_EQ(make({.mode = StreamMode::kOnDemand}), Errc::kExists);
  ASSERT_TRUE(test_.bus().delete_stream("x"));
  EXPECT_EQ(make({.mode = StreamMode::kOnDemand, .shards = 2}), Errc::kInvalidArgument);
  EXPECT_EQ(make({.mode = StreamMode::kProvisioned}), Errc::kInvalidArgument);
}

TEST_F(StreamSetting, OutOfItsLimitsIsRefused) {
  const StreamSettings small = logged_stream();
  const auto with = [&](auto member, auto value) {
    StreamSettings settings = small;
    settings.*member = value;
    return make(settings);
  };
  EXPECT_EQ(with(&StreamSettings::shards, 0u), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::shards, 4'097u), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::record_bytes_max, 1'023u), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::record_bytes_max, 10 * kMiB + 1), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::record_bytes_max, 16 * 1024u + 1), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::ring_bytes, 32 * 1024u), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::ring_bytes, 96 * 1024u), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::segment_bytes, kMiB + 4096), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::segment_bytes, 2048 * kMiB), Errc::kInvalidArgument);
  EXPECT_EQ(with(&StreamSettings::log_bytes_max, kMiB), Errc::kInvalidArgument);
  EXPECT_EQ(make(small), Errc::kOk);
}

TEST_F(StreamSetting, OfRetentionIs24To8760Hours) {
  const auto refused = test_.bus().stream("x", {.retention = 23h});
  ASSERT_FALSE(refused);
  EXPECT_STREQ(
      refused.error().what,
      "retention: Minimum allowed retention period is 24 hours. Requested retention period "
      "(23 hours) is too short.");
  const auto longer = test_.bus().stream("x", {.retention = 8'761h});
  ASSERT_FALSE(longer);
  EXPECT_STREQ(longer.error().what,
               "retention: Maximum allowed retention period is 8760 hours. Requested retention "
               "period (8761 hours) is too long.");
}

TEST_F(StreamSetting, ThatDiffersIsNamed) {
  ASSERT_EQ(make(memory_stream()), Errc::kOk);
  const auto other = test_.bus().stream("x", {.ring_bytes = 128 * 1024});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kExists);
  EXPECT_STREQ(other.error().what, "stream \"x\": exists with another value of ring_bytes");
  EXPECT_EQ(make({.shards = 7}), Errc::kOk);  // how many there are is not compared
}

TEST_F(StreamSetting, ChangesForOtherHandlesAtOnce) {
  Stream made = test_.bus().stream("x", memory_stream()).value();
  Bus other = test_.attach();
  Stream theirs = other.open_stream("x").value();
  EXPECT_EQ(code_of(theirs.put("k", std::string(2'000, 'x'))), Errc::kOk);
  ASSERT_TRUE(made.set({.retention = 48h, .record_bytes_max = 1'024}));
  EXPECT_EQ(code_of(theirs.put("k", std::string(2'000, 'x'))), Errc::kTooLarge);
  EXPECT_EQ(theirs.settings().retention, 48h);
}

TEST_F(StreamSetting, ThatIsFixedCannotChange) {
  Stream made = test_.bus().stream("x", memory_stream()).value();
  for (const StreamSettings& fixed :
       {StreamSettings{.shards = 2}, StreamSettings{.storage = StreamStorage::kLog},
        StreamSettings{.ring_bytes = 128 * 1024}, StreamSettings{.segment_bytes = kMiB},
        StreamSettings{.record_bytes_max = 32 * 1024}, StreamSettings{.retention = 1h}}) {
    EXPECT_EQ(code_of(made.set(fixed)), Errc::kInvalidArgument);
  }
}

TEST_F(StreamSetting, OfOnDemandIsKept) {
  Stream made = test_.bus().stream("x", memory_stream()).value();
  ASSERT_TRUE(made.set({.mode = StreamMode::kOnDemand}));
  EXPECT_EQ(made.settings().mode, StreamMode::kOnDemand);
}

TEST_F(StreamSetting, GivesARecordOfTenMegabytesRoom) {
  StreamSettings large{
      .record_bytes_max = 10 * kMiB, .shards = 1, .storage = StreamStorage::kMemory};
  Stream made = test_.bus().stream("x", large).value();
  EXPECT_EQ(made.settings().ring_bytes, 64 * kMiB);
  const std::string data(10 * kMiB - 1, 'x');
  ASSERT_EQ(code_of(made.put("k", data)), Errc::kOk);
  ASSERT_EQ(code_of(made.put("k", data)), Errc::kOk);
  EXPECT_EQ(all_of(made), (Texts{data, data}));
}

TEST(StreamTags, AreAddedReplacedAndRemoved) {
  TestBus test;
  Stream made = test.bus().stream("x", memory_stream(), {{"a", "1"}}).value();
  ASSERT_TRUE(made.set_tags({{"a", "2"}, {"b", "3"}}));
  EXPECT_EQ(made.tags().value(), (Tags{{"a", "2"}, {"b", "3"}}));
  const std::string gone[] = {"a", "never"};
  ASSERT_TRUE(made.remove_tags(gone));
  EXPECT_EQ(made.tags().value(), (Tags{{"b", "3"}}));
  EXPECT_EQ(code_of(test.bus().stream("x", {}, {{"b", "4"}})), Errc::kExists);
  EXPECT_EQ(code_of(test.bus().stream("x", {}, {{"b", "3"}})), Errc::kOk);
}

TEST(StreamTags, AreFiftyAtMostWithKeysOf128AndValuesOf256Characters) {
  TestBus test;
  Stream made = test.bus().stream("x", memory_stream()).value();
  std::string wide;
  for (int i = 0; i < 256; ++i) wide += "\xf0\x9f\x98\x80";
  Tags fifty;
  for (int i = 0; i < 50; ++i) fifty[std::to_string(i) + wide.substr(0, 4 * 126)] = wide;
  ASSERT_TRUE(made.set_tags(fifty));
  EXPECT_EQ(made.tags().value(), fifty);
  EXPECT_EQ(code_of(made.set_tags({{"one more", ""}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.set_tags({{std::string(129, 'k'), ""}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.set_tags({{"k", wide + "x"}})), Errc::kInvalidArgument);
}

class RetentionOf : public testing::TestWithParam<StreamStorage> {
 protected:
  RetentionOf() {
    const bool log = GetParam() == StreamStorage::kLog;
    stream_ = test_.bus().stream("ticks", log ? logged_stream() : memory_stream()).value();
  }
  void put(std::string_view data) { static_cast<void>(stream_.put("k", data).value()); }
  TestBus test_;
  Stream stream_;
};
INSTANTIATE_TEST_SUITE_P(Of, RetentionOf,
                         testing::Values(StreamStorage::kLog, StreamStorage::kMemory),
                         [](const auto& info) {
                           return info.param == StreamStorage::kLog ? "Log" : "Memory";
                         });

TEST_P(RetentionOf, EitherKindIsExactToTheRecord) {
  put("old");
  test_.clock().advance(1s);
  put("young");
  const ShardIterator oldest =
      stream_.iterator(0, From::at(stream_.shards()->front().start)).value();
  test_.clock().advance(24h - 1s - 1ns);
  EXPECT_EQ(all_of(stream_), (Texts{"old", "young"}));
  test_.clock().advance(1ns);  // at exactly that age
  EXPECT_EQ(all_of(stream_), Texts{"young"});
  test_.clock().advance(1s);
  EXPECT_EQ(all_of(stream_), Texts{});
  EXPECT_EQ(code_of(stream_.get(oldest)), Errc::kExpired);
}

TEST_P(RetentionOf, EitherKindJumpsForwardForAReaderThatLags) {
  ShardReader reader = stream_.reader(0, From::trim_horizon()).value();
  const Put first = stream_.put("k", "old").value();
  test_.clock().advance(23h);
  put("young");
  test_.clock().advance(2h);
  EXPECT_EQ(texts_of(reader.read().value()), Texts{"young"});
  EXPECT_EQ(all_of(stream_, 0, From::at(first.sequence)), Texts{"young"});
  EXPECT_EQ(all_of(stream_, 0, From::time(WallTime{})), Texts{"young"});
}

TEST_P(RetentionOf, EitherKindThatIsRaisedKeepsWhatIsThere) {
  put("old");
  test_.clock().advance(23h);
  ASSERT_TRUE(stream_.set({.retention = 48h}));
  test_.clock().advance(2h);
  EXPECT_EQ(all_of(stream_), Texts{"old"});
  ASSERT_TRUE(stream_.set({.retention = 24h}));
  EXPECT_EQ(all_of(stream_), Texts{});
}

TEST_P(RetentionOf, EitherKindTakesAClosedShardOffTheListWhenAllIsPast) {
  constexpr HashKey kHalf{1ull << 63, 0};
  put("old");
  ASSERT_TRUE(stream_.split(0, kHalf));
  test_.clock().advance(24h - 1ns);
  EXPECT_EQ(stream_.shards().value().size(), 3u);
  test_.clock().advance(1ns);
  EXPECT_EQ(stream_.shards().value().size(), 2u);
  EXPECT_FALSE(stream_.shards().value().front().parent);
  EXPECT_EQ(code_of(stream_.iterator(0, From::trim_horizon())), Errc::kNotFound);
  test_.bus().sweep();
  ASSERT_TRUE(stream_.set({.retention = 48h}));
  EXPECT_EQ(stream_.shards().value().size(), 2u);  // gone for ever
}

TEST(RetentionOfALog, DropsWholeSegments) {
  TestBus test;
  Stream stream = test.bus().stream("l", logged_stream()).value();
  const std::string large(15 * 1024, 'x');
  for (int i = 0; i < 200; ++i) static_cast<void>(stream.put("k", large).value());
  EXPECT_GE(stream.stats()->shards[0].segments, 3u);
  test.clock().advance(25h);
  static_cast<void>(stream.put("k", "new").value());
  test.bus().sweep();
  EXPECT_LE(stream.stats()->shards[0].segments, 1u);
  EXPECT_EQ(all_of(stream), Texts{"new"});
}

TEST(RetentionOfALog, ByBytesDropsTheOldestSegments) {
  TestBus test;
  StreamSettings settings = logged_stream();
  settings.log_bytes_max = 2 * kMiB;
  Stream stream = test.bus().stream("l", settings).value();
  const std::string large(15 * 1024, 'x');
  ShardReader slow = stream.reader(0, From::trim_horizon()).value();
  for (int i = 0; i < 400; ++i) static_cast<void>(stream.put("k", large).value());
  test.bus().sweep();
  EXPECT_LE(stream.stats()->log_bytes, 3 * kMiB);
  EXPECT_EQ(code_of(slow.next()), Errc::kLapped);
  EXPECT_TRUE(slow.lost());
  EXPECT_EQ(code_of(slow.next()), Errc::kOk);
}

class ShardLimits : public testing::Test {
 protected:
  ShardLimits() {
    StreamSettings settings{.record_bytes_max = 10 * kMiB,
                            .shard_limits = true,
                            .shards = 1,
                            .storage = StreamStorage::kMemory};
    stream_ = test_.bus().stream("x", settings).value();
  }
  TestBus test_;
  Stream stream_;
};

TEST_F(ShardLimits, TakeAThousandRecordsASecond) {
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(code_of(stream_.put("k", "x")), Errc::kOk) << i;
  EXPECT_EQ(code_of(stream_.put("k", "x")), Errc::kThrottled);
  test_.clock().advance(1ms);
  EXPECT_EQ(code_of(stream_.put("k", "x")), Errc::kOk);
  EXPECT_EQ(code_of(stream_.put("k", "x")), Errc::kThrottled);
  EXPECT_EQ(stream_.stats()->throttled, 2u);
}

TEST_F(ShardLimits, TakeOneMegabyteASecond) {
  const std::string half(512 * 1024 - 1, 'x');
  EXPECT_EQ(code_of(stream_.put("k", half)), Errc::kOk);
  EXPECT_EQ(code_of(stream_.put("k", half)), Errc::kOk);
  EXPECT_EQ(code_of(stream_.put("k", "x")), Errc::kThrottled);
  test_.clock().advance(500ms);
  EXPECT_EQ(code_of(stream_.put("k", half)), Errc::kOk);
}

TEST_F(ShardLimits, FailTheEntriesOfABatchThatAreTooMany) {
  std::vector<PutEntry> entries(500, PutEntry{.key = "k", .data = as_bytes("x")});
  static_cast<void>(stream_.put_batch(entries).value());
  static_cast<void>(stream_.put("k", "x").value());
  const auto results = stream_.put_batch(entries).value();
  EXPECT_EQ(code_of(results[498]), Errc::kOk);
  EXPECT_EQ(code_of(results[499]), Errc::kThrottled);
}

TEST_F(ShardLimits, GiveFiveAnswersASecondAndTwoMegabytes) {
  const ShardIterator at = stream_.iterator(0, From::trim_horizon()).value();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(stream_.get(at)), Errc::kOk);
  EXPECT_EQ(code_of(stream_.get(at)), Errc::kThrottled);
}

TEST_F(ShardLimits, GiveFiveIteratorsASecond) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(code_of(stream_.iterator(0, From::latest())), Errc::kOk);
  }
  EXPECT_EQ(code_of(stream_.iterator(0, From::latest())), Errc::kThrottled);
  test_.clock().advance(200ms);
  EXPECT_EQ(code_of(stream_.iterator(0, From::latest())), Errc::kOk);
}

TEST_F(ShardLimits, KeepEverybodyAwayForFiveSecondsAfterTenMegabytes) {
  ASSERT_EQ(code_of(stream_.put("k", std::string(10 * kMiB - 1, 'x'))), Errc::kOk);
  const ShardIterator at = stream_.iterator(0, From::trim_horizon()).value();
  EXPECT_EQ(stream_.get(at)->records.size(), 1u);
  test_.clock().advance(5s - 1ms);
  EXPECT_EQ(code_of(stream_.get(at)), Errc::kThrottled);
  test_.clock().advance(2ms);
  EXPECT_EQ(code_of(stream_.get(at)), Errc::kOk);
}

TEST_F(ShardLimits, AreOffAtFirstAndCanBeTurnedOff) {
  ASSERT_TRUE(stream_.set({.shard_limits = false}));
  for (int i = 0; i < 1'100; ++i) ASSERT_EQ(code_of(stream_.put("k", "x")), Errc::kOk) << i;
}

}  // namespace
}  // namespace ringpost::test
