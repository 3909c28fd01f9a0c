// Streams of both kinds of storage: making them, putting into them, what a reader of the beginning
// finds.
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

class StreamOf : public testing::TestWithParam<StreamStorage> {
 protected:
  StreamSettings settings(std::uint32_t shards = 1) {
    return GetParam() == StreamStorage::kLog ? logged_stream(shards) : memory_stream(shards);
  }
  Stream stream(std::uint32_t shards = 1) {
    return test_.bus().stream("ticks", settings(shards)).value();
  }
  TestBus test_;
};
INSTANTIATE_TEST_SUITE_P(Of, StreamOf, testing::Values(StreamStorage::kLog, StreamStorage::kMemory),
                         [](const auto& info) {
                           return info.param == StreamStorage::kLog ? "Log" : "Memory";
                         });

TEST_P(StreamOf, EitherKindGivesWhatWasPutInOrder) {
  Stream made = stream();
  const Put one = made.put("k", "one").value();
  const Put two = made.put("k", "two").value();
  EXPECT_LT(one.sequence, two.sequence);
  EXPECT_EQ(one.shard, 0u);
  EXPECT_EQ(all_of(made), (Texts{"one", "two"}));
}

TEST_P(StreamOf, EitherKindKeepsKeyHashKeyDataAndTimeOfARecord) {
  Stream made = stream();
  test_.clock().advance(5s);
  const HashKey key{1, 2};
  const Put put = made.put("\xc3\xa9", "", {.explicit_hash_key = key}).value();
  static_cast<void>(made.put("plain", "data").value());
  ShardReader reader = made.reader(0, From::trim_horizon()).value();
  const Records records = reader.read().value();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].key, "\xc3\xa9");
  EXPECT_EQ(records[0].explicit_hash_key, key);
  EXPECT_EQ(records[0].data.size(), 0u);
  EXPECT_EQ(records[0].sequence, put.sequence);
  EXPECT_EQ(records[0].arrival.time_since_epoch(), 6s);
  EXPECT_FALSE(records[1].explicit_hash_key);
}

TEST_P(StreamOf, EitherKindIsSeenByOthers) {
  Stream made = stream();
  static_cast<void>(made.put("k", "one").value());
  Bus other = test_.attach();
  Stream seen = other.open_stream("ticks").value();
  EXPECT_EQ(all_of(seen), Texts{"one"});
  static_cast<void>(seen.put("k", "two").value());
  EXPECT_EQ(all_of(made), (Texts{"one", "two"}));
}

TEST_P(StreamOf, EitherKindRoutesByTheHashOfTheKeyOrByAnExplicitOne) {
  Stream made = stream(4);
  EXPECT_EQ(made.put("a", "").value().shard, 0u);
  EXPECT_EQ(made.put("user-42", "").value().shard, 1u);
  EXPECT_EQ(made.put("partitionKey-03", "").value().shard, 2u);
  EXPECT_EQ(made.put("\xc3\xa9", "").value().shard, 1u);
  EXPECT_EQ(made.put("a", "", {.explicit_hash_key = HashKey::max()}).value().shard, 3u);
  EXPECT_EQ(made.shard_of(HashKey::of("user-42")).value(), 1u);
}

TEST_P(StreamOf, EitherKindTakesKeysOf1To256Characters) {
  Stream made = stream();
  EXPECT_EQ(code_of(made.put("", "x")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.put(std::string(256, 'k'), "x")), Errc::kOk);
  EXPECT_EQ(code_of(made.put(std::string(257, 'k'), "x")), Errc::kInvalidArgument);
  std::string wide;
  for (int i = 0; i < 256; ++i) wide += "\xf0\x9f\x98\x80";
  EXPECT_EQ(code_of(made.put(wide, "x")), Errc::kOk);
  EXPECT_EQ(code_of(made.put("\xff", "x")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.put("\xed\xa0\x80", "x")), Errc::kInvalidArgument);
}

TEST_P(StreamOf, EitherKindCountsTheKeyInTheSizeOfARecord) {
  Stream made = stream();
  const std::string most(16 * 1024 - 1, 'd');
  EXPECT_EQ(code_of(made.put("k", most)), Errc::kOk);
  EXPECT_EQ(code_of(made.put("kk", most)), Errc::kTooLarge);
  EXPECT_EQ(all_of(made), Texts{most});
}

TEST_P(StreamOf, EitherKindRefusesAnOrderingNumberOfAnotherStream) {
  Stream made = stream();
  const Put put = made.put("k", "one").value();
  EXPECT_LT(put.sequence, made.put("k", "two", {.after = put.sequence}).value().sequence);
  EXPECT_EQ(code_of(made.put("k", "x", {.after = SequenceNumber{}})), Errc::kOk);
  SequenceNumber foreign = put.sequence;
  foreign.shard_created_s += 1;
  EXPECT_EQ(code_of(made.put("k", "x", {.after = foreign})), Errc::kInvalidArgument);
  foreign = put.sequence;
  foreign.shard = 7;
  EXPECT_EQ(code_of(made.put("k", "x", {.after = foreign})), Errc::kInvalidArgument);
}

TEST_P(StreamOf, EitherKindPutsABatchInItsOrder) {
  Stream made = stream(2);
  std::vector<PutEntry> entries;
  for (const char* data : {"a", "b", "c"}) {
    entries.push_back({.key = "k", .data = as_bytes(data), .explicit_hash_key = HashKey{}});
  }
  entries.push_back({.key = "k", .data = as_bytes("d"), .explicit_hash_key = HashKey::max()});
  const auto results = made.put_batch(entries).value();
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[3]->shard, 1u);
  EXPECT_LT(results[0]->sequence, results[1]->sequence);
  EXPECT_EQ(all_of(made, 0), (Texts{"a", "b", "c"}));
  EXPECT_EQ(all_of(made, 1), Texts{"d"});
}

TEST_P(StreamOf, EitherKindRefusesABatchOutOfItsLimitsAsAWhole) {
  Stream made = stream();
  const PutEntry good{.key = "k", .data = as_bytes("x")};
  EXPECT_EQ(code_of(made.put_batch({})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.put_batch(std::vector<PutEntry>(501, good))), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.put_batch(std::vector<PutEntry>{good, {.key = "", .data = {}}})),
            Errc::kInvalidArgument);
  const std::string large(16 * 1024, 'x');
  EXPECT_EQ(code_of(made.put_batch(std::vector<PutEntry>{good, {"k", as_bytes(large)}})),
            Errc::kTooLarge);
  EXPECT_EQ(all_of(made), Texts{});
}

TEST_P(StreamOf, EitherKindHasNumbersThatRiseWhenTheClockGoesBack) {
  Stream made = stream();
  test_.clock().advance(1h);
  const Put one = made.put("k", "one").value();
  test_.clock().advance(-30min);
  EXPECT_LT(one.sequence, made.put("k", "two").value().sequence);
}

TEST_P(StreamOf, EitherKindCounts) {
  Stream made = stream(2);
  static_cast<void>(made.put("ab", "xyz", into(made, 1)).value());
  static_cast<void>(all_of(made, 1));
  const StreamStats stats = made.stats().value();
  EXPECT_EQ(stats.records, 1u);
  EXPECT_EQ(stats.bytes, 5u);
  EXPECT_EQ(stats.records_read, 1u);
  EXPECT_EQ(stats.bytes_read, 5u);
  EXPECT_EQ(stats.open_shards, 2u);
  EXPECT_EQ(stats.shards.size(), 2u);
  EXPECT_GT(stats.memory_bytes, 128u * 1024);
}

TEST_P(StreamOf, EitherKindIsMadeOnceAndListed) {
  const Stream made = stream();
  const Stream again = stream();
  EXPECT_EQ(test_.bus().stream_names().value(), Texts{"ticks"});
  EXPECT_EQ(test_.bus().stream_names("x").value(), Texts{});
  EXPECT_EQ(again.id(), made.id());
  EXPECT_EQ(again.arn(), "arn:aws:kinesis:us-east-1:000000000000:stream/ticks");
  EXPECT_EQ(made.created().time_since_epoch(), 1s);
}

TEST_P(StreamOf, EitherKindThatIsDeletedSaysSoToWhoHasItOpen) {
  Stream made = stream();
  static_cast<void>(made.put("k", "one").value());
  ShardReader reader = made.reader(0, From::latest()).value();
  const ShardIterator iterator = made.iterator(0, From::trim_horizon()).value();
  ASSERT_TRUE(test_.bus().delete_stream("ticks"));
  EXPECT_EQ(code_of(made.put("k", "two")), Errc::kDeleted);
  EXPECT_EQ(code_of(reader.next()), Errc::kDeleted);
  EXPECT_EQ(reader.wait(1h), Errc::kDeleted);
  EXPECT_EQ(code_of(made.shards()), Errc::kDeleted);
  EXPECT_EQ(code_of(made.set({.retention = 48h})), Errc::kDeleted);
  EXPECT_EQ(code_of(test_.bus().open_stream("ticks")), Errc::kNotFound);
  EXPECT_EQ(code_of(test_.bus().delete_stream("ticks")), Errc::kNotFound);
  EXPECT_EQ(test_.bus().stream_names().value(), Texts{});
  Stream next = stream();
  EXPECT_EQ(all_of(next), Texts{});
  EXPECT_EQ(code_of(next.get(iterator)), Errc::kInvalidArgument);  // of the one before
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST(StreamNames, AreUpTo128OfTheirCharacters) {
  TestBus test;
  for (const std::string& name :
       {std::string(128, 'n'), std::string(".hidden"), std::string("a.b")}) {
    EXPECT_EQ(code_of(test.bus().stream(name, memory_stream())), Errc::kOk) << name;
    EXPECT_EQ(code_of(test.bus().open_stream(name)), Errc::kOk) << name;
  }
  EXPECT_EQ(test.bus().stream_names().value(), (Texts{".hidden", "a.b", std::string(128, 'n')}));
  for (const std::string& name :
       {std::string(129, 'n'), std::string(""), std::string("."), std::string(".."),
        std::string("a/b"), std::string("%hidden"), std::string("~new-1")}) {
    EXPECT_EQ(code_of(test.bus().stream(name, memory_stream())), Errc::kInvalidArgument) << name;
  }
}

TEST(MemoryStream, IsNeverDurable) {
  TestBus test;
  Stream made = test.bus().stream("m", memory_stream()).value();
  EXPECT_EQ(code_of(made.put("k", "x", {.durability = Durability::kDurable})),
            Errc::kInvalidArgument);
  EXPECT_EQ(made.wait_durable({}, 1s), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.writer()), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(made.set({.durability = Durability::kDurable})), Errc::kInvalidArgument);
}

TEST(MemoryStream, LosesTheOldestAndTellsASlowReaderWhichOnes) {
  TestBus test;
  Stream made = test.bus().stream("m", memory_stream()).value();
  ShardReader reader = made.reader(0, From::trim_horizon()).value();
  const std::string large(8 * 1024, 'x');
  std::vector<Put> puts;
  for (int i = 0; i < 20; ++i) puts.push_back(made.put("k", large + std::to_string(i)).value());
  EXPECT_EQ(code_of(reader.next()), Errc::kLapped);
  ASSERT_TRUE(reader.lost());
  EXPECT_LE(reader.lost()->first.position, puts[0].sequence.position);
  const auto next = reader.next();
  ASSERT_TRUE(next);
  EXPECT_LT(reader.lost()->last.position, next->sequence.position);
  Texts rest = all_of(made);
  EXPECT_EQ(rest.back(), large + "19");
  const Records again = made.reader(0, From::at(puts[0].sequence)).value().read().value();
  EXPECT_EQ(again.size(), rest.size());
  EXPECT_GE(made.stats()->lapped, 1u);
}

TEST(LoggedStream, KeepsWhatTheRingHasLost) {
  TestBus test;
  Stream made = test.bus().stream("l", logged_stream()).value();
  ShardReader reader = made.reader(0, From::trim_horizon()).value();
  Texts wanted;
  for (int i = 0; i < 40; ++i) {
    wanted.push_back(std::string(8 * 1024, 'x') + std::to_string(i));
    static_cast<void>(made.put("k", wanted.back()).value());
  }
  EXPECT_EQ(all_of(made), wanted);
  Texts read;
  while (const auto record = reader.next()) read.emplace_back(as_text(record->data));
  EXPECT_EQ(read, wanted);
  EXPECT_EQ(code_of(reader.next()), Errc::kEmpty);
  EXPECT_FALSE(reader.lost());
}

TEST(LoggedStream, GivesAPublishedRecordAtOnceOnlyToWhoWantsThat) {
  TestBus test;
  Stream made = test.bus().stream("l", logged_stream()).value();
  ShardReader eager = made.reader(0, From::latest(), Follow::kPublished).value();
  ShardReader patient = made.reader(0, From::latest()).value();
  const Put put = made.put("k", "x", {.durability = Durability::kMemory}).value();
  EXPECT_EQ(code_of(patient.next()), Errc::kEmpty);
  EXPECT_EQ(code_of(eager.next()), Errc::kOk);
  EXPECT_EQ(made.wait_durable({&put, 1}, 1h), Errc::kOk);
  EXPECT_EQ(code_of(patient.next()), Errc::kOk);
}

TEST(LoggedStream, IsMadeDurableByAReaderThatWaitsForIt) {
  TestBus test;
  Stream made = test.bus().stream("l", logged_stream()).value();
  ShardReader reader = made.reader(0, From::latest()).value();
  static_cast<void>(made.put("k", "x", {.durability = Durability::kMemory}).value());
  EXPECT_EQ(reader.wait(1h), Errc::kOk);
  EXPECT_EQ(code_of(reader.next()), Errc::kOk);
  EXPECT_EQ(reader.wait(Duration::zero()), Errc::kTimedOut);
}

TEST(LoggedStream, IsWrittenByAWriterOfItsOwn) {
  TestBus test;
  Stream made = test.bus().stream("l", logged_stream(2)).value();
  const LogWriter writer = made.writer().value();
  Texts wanted;
  for (int i = 0; i < 50; ++i) {
    wanted.push_back(std::string(4 * 1024, 'x') + std::to_string(i));
    ASSERT_EQ(code_of(made.put("k", wanted.back(), into(made, 1))), Errc::kOk);
  }
  EXPECT_EQ(all_of(made, 1), wanted);
  EXPECT_EQ(writer.failure(), Errc::kOk);
}

}  // namespace
}  // namespace ringpost::test
