// Where reading begins, iterators, limits of an answer, and the end of a shard.
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

class ReadingOf : public testing::TestWithParam<StreamStorage> {
 protected:
  ReadingOf() {
    const bool log = GetParam() == StreamStorage::kLog;
    stream_ = test_.bus().stream("ticks", log ? logged_stream(2) : memory_stream(2)).value();
    for (int i = 0; i < 5; ++i) {
      puts_.push_back(put(std::to_string(i)));
      test_.clock().advance(1s);
    }
  }
  /// Into shard 0; the first one arrives at 1 s.
  Put put(std::string_view data) {
    return stream_.put("k", data, {.explicit_hash_key = HashKey{}}).value();
  }
  Texts from(const From& from) { return all_of(stream_, 0, from); }
  static WallTime at(Duration since_epoch) {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
  }
  Texts get(const ShardIterator& iterator, std::uint32_t limit = 10'000) {
    return texts_of(stream_.get(iterator, limit).value().records);
  }
  ShardIterator iterator(const From& from) { return stream_.iterator(0, from).value(); }

  TestBus test_;
  Stream stream_;
  std::vector<Put> puts_;
};
INSTANTIATE_TEST_SUITE_P(Of, ReadingOf,
                         testing::Values(StreamStorage::kLog, StreamStorage::kMemory),
                         [](const auto& info) {
                           return info.param == StreamStorage::kLog ? "Log" : "Memory";
                         });

TEST_P(ReadingOf, EitherKindBeginsAtTheOldestRecord) {
  EXPECT_EQ(from(From::trim_horizon()), (Texts{"0", "1", "2", "3", "4"}));
}

TEST_P(ReadingOf, EitherKindBeginsBehindTheNewestRecord) {
  ShardReader reader = stream_.reader(0, From::latest()).value();
  put("new");
  EXPECT_EQ(texts_of(reader.read().value()), Texts{"new"});
}

TEST_P(ReadingOf, EitherKindBeginsAtANumberOrBehindIt) {
  EXPECT_EQ(from(From::at(puts_[3].sequence)), (Texts{"3", "4"}));
  EXPECT_EQ(from(From::after(puts_[3].sequence)), Texts{"4"});
  EXPECT_EQ(from(From::after(puts_[4].sequence)), Texts{});
}

TEST_P(ReadingOf, EitherKindBeginsAtTheNextRecordIfTheNumberIsOfNone) {
  const std::string large(500, 'x');
  const Put put = this->put(large);
  this->put("next");
  SequenceNumber within = put.sequence;
  within.position += 2;
  EXPECT_EQ(from(From::at(within)), Texts{"next"});
  EXPECT_EQ(from(From::after(within)), Texts{"next"});
}

TEST_P(ReadingOf, EitherKindTakesTheStartingNumberOfTheShard) {
  const ShardInfo shard = stream_.shards().value()[0];
  EXPECT_EQ(from(From::at(shard.start)), from(From::trim_horizon()));
  EXPECT_EQ(from(From::after(shard.start)), from(From::trim_horizon()));
  EXPECT_LT(shard.start, puts_[0].sequence);
}

TEST_P(ReadingOf, EitherKindRefusesANumberOfAnotherShardOrStream) {
  const auto other = stream_.reader(1, From::at(puts_[0].sequence));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kInvalidArgument);
  EXPECT_NE(std::string(other.error().what)
                .find("It encodes shardId-000000000000, while it was used in a call to a shard "
                      "with shardId-000000000001"),
            std::string::npos);
  SequenceNumber foreign = puts_[0].sequence;
  foreign.shard_created_s += 5;
  const auto strange = stream_.reader(0, From::at(foreign));
  ASSERT_FALSE(strange);
  EXPECT_NE(std::string(strange.error().what).find("did not come from this stream"),
            std::string::npos);
  SequenceNumber later = puts_[4].sequence;
  later.position += 1'000'000;
  EXPECT_EQ(code_of(stream_.reader(0, From::at(later))), Errc::kInvalidArgument);
}

TEST_P(ReadingOf, EitherKindBeginsAtATime) {
  EXPECT_EQ(from(From::time(at(3s))), (Texts{"2", "3", "4"}));
  EXPECT_EQ(from(From::time(at(2500ms))), (Texts{"2", "3", "4"}));
  EXPECT_EQ(from(From::time(at(0s))), (Texts{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(from(From::time(at(6s))), Texts{});
  ShardReader reader = stream_.reader(0, From::time(at(6s))).value();
  put("new");
  EXPECT_EQ(texts_of(reader.read().value()), Texts{"new"});
}

TEST_P(ReadingOf, EitherKindDoesNotBeginInTheFuture) {
  const auto future = stream_.iterator(0, From::time(at(6001ms)));
  ASSERT_FALSE(future);
  EXPECT_NE(std::string(future.error().what)
                .find("timestampInMillis: 6001, currentTimestampInMillis: 6000"),
            std::string::npos);
}

TEST_P(ReadingOf, EitherKindKnowsNoOtherShards) {
  EXPECT_EQ(code_of(stream_.reader(9, From::latest())), Errc::kNotFound);
  EXPECT_EQ(code_of(stream_.iterator(9, From::latest())), Errc::kNotFound);
}

TEST_P(ReadingOf, EitherKindGivesTheSameAnswerForTheSameIterator) {
  const ShardIterator first = iterator(From::trim_horizon());
  EXPECT_EQ(get(first, 2), (Texts{"0", "1"}));
  EXPECT_EQ(get(first, 2), (Texts{"0", "1"}));
  EXPECT_EQ(get(ShardIterator::parse(first.to_string()).value(), 1), Texts{"0"});
}

TEST_P(ReadingOf, EitherKindGoesOnWithTheNextIteratorWhichIsAlwaysAnother) {
  ShardIterator at = iterator(From::trim_horizon());
  Texts all;
  for (int i = 0; i < 8; ++i) {
    GetResult result = stream_.get(at, 2).value();
    for (const std::string& text : texts_of(result.records)) all.push_back(text);
    ASSERT_TRUE(result.next);
    EXPECT_NE(result.next->to_string(), at.to_string());
    at = *result.next;
  }
  EXPECT_EQ(all, (Texts{"0", "1", "2", "3", "4"}));
  put("5");
  EXPECT_EQ(get(at), Texts{"5"});
}

TEST_P(ReadingOf, EitherKindReadsWithALatestIteratorWhatWasPutAfterIt) {
  const ShardIterator latest = iterator(From::latest());
  put("5");
  EXPECT_EQ(get(latest), Texts{"5"});
}

TEST_P(ReadingOf, EitherKindTakesAnIteratorForFiveMinutes) {
  const ShardIterator at = iterator(From::trim_horizon());
  test_.clock().advance(5min);
  EXPECT_EQ(get(at, 1), Texts{"0"});
  test_.clock().advance(1ns);
  const auto expired = stream_.get(at);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, Errc::kExpired);
  EXPECT_NE(std::string(expired.error().what)
                .find("was created at time Thu Jan 01 00:00:06 UTC 1970 while right now it is "
                      "Thu Jan 01 00:05:06 UTC 1970"),
            std::string::npos)
      << expired.error().what;
}

TEST_P(ReadingOf, EitherKindTakesALimitOf1To10000) {
  const ShardIterator at = iterator(From::trim_horizon());
  EXPECT_EQ(code_of(stream_.get(at, 0)), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(stream_.get(at, 10'001)), Errc::kInvalidArgument);
}

TEST_P(ReadingOf, EitherKindSaysHowFarBehindAnAnswerIs) {
  test_.clock().advance(10s);
  const GetResult some = stream_.get(iterator(From::trim_horizon()), 2).value();
  EXPECT_EQ(some.records.behind_latest(), 14s);  // from the one that arrived at 2 s
  const GetResult rest = stream_.get(*some.next).value();
  EXPECT_EQ(rest.records.behind_latest(), 0s);
}

TEST_P(ReadingOf, EitherKindNeverTakesABytesLimitExceptForOneRecord) {
  ShardReader reader = stream_.reader(0, From::trim_horizon()).value();
  EXPECT_EQ(texts_of(reader.read({.bytes_max = 5}).value()), (Texts{"0", "1"}));  // key and data
  EXPECT_EQ(texts_of(reader.read({.bytes_max = 1}).value()), Texts{"2"});
  EXPECT_EQ(texts_of(reader.read().value()), (Texts{"3", "4"}));
}

TEST_P(ReadingOf, EitherKindGivesInPlaceWhatIsIntact) {
  ShardReader reader = stream_.reader(0, From::after(puts_[3].sequence)).value();
  const StreamRecord record = reader.next().value();
  EXPECT_EQ(as_text(record.data), "4");
  EXPECT_TRUE(reader.intact());
  EXPECT_EQ(code_of(reader.next()), Errc::kEmpty);
  EXPECT_EQ(reader.behind_latest(), 0s);
  ShardReader next = stream_.reader(0, From::at(reader.position())).value();
  put("5");
  EXPECT_EQ(as_text(next.next().value().data), "5");
}

TEST_P(ReadingOf, EitherKindWaitsForTheFirstOfSeveralShards) {
  ShardReader one = stream_.reader(0, From::latest()).value();
  ShardReader two = stream_.reader(1, From::latest()).value();
  ShardReader* const both[] = {&one, &two};
  EXPECT_EQ(ShardReader::wait_any(both, Duration::zero()), Errc::kTimedOut);
  static_cast<void>(stream_.put("k", "x", {.explicit_hash_key = HashKey::max()}).value());
  EXPECT_EQ(ShardReader::wait_any(both, 1h), Errc::kOk);
  EXPECT_EQ(code_of(one.next()), Errc::kEmpty);
  EXPECT_EQ(code_of(two.next()), Errc::kOk);
}

}  // namespace
}  // namespace ringpost::test
