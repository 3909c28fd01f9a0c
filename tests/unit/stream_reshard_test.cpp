// Split, merge and scale; lists of shards; and those who died or stopped while they did it.
#include "client/streams.hpp"
#include "journal/producer.hpp"
#include "stream/control_file.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

using Numbers = std::vector<std::uint32_t>;

class Resharding : public testing::TestWithParam<StreamStorage> {
 protected:
  Resharding() {
    const bool log = GetParam() == StreamStorage::kLog;
    stream_ = test_.bus().stream("ticks", log ? logged_stream(2) : memory_stream(2)).value();
  }
  Numbers numbers(const ShardFilter& filter = {}) {
    Numbers numbers;
    for (const ShardInfo& each : stream_.shards(filter).value()) numbers.push_back(each.number);
    return numbers;
  }
  ShardInfo shard(std::uint32_t number) {
    for (const ShardInfo& each : stream_.shards().value()) {
      if (each.number == number) return each;
    }
    ADD_FAILURE() << "no shard " << number;
    return {};
  }
  Put put(const HashKey& key, std::string_view data) {
    return stream_.put("k", data, {.explicit_hash_key = key}).value();
  }

  TestBus test_;
  Stream stream_;
};
INSTANTIATE_TEST_SUITE_P(Of, Resharding,
                         testing::Values(StreamStorage::kLog, StreamStorage::kMemory),
                         [](const auto& each) {
                           return each.param == StreamStorage::kLog ? "Log" : "Memory";
                         });

constexpr HashKey kQuarter{1ull << 62, 0};
constexpr HashKey kHalf{1ull << 63, 0};

TEST_P(Resharding, SplitsAShardIntoTwoThatTakeItsPlace) {
  put(HashKey{}, "before");
  EXPECT_EQ(stream_.split(0, kQuarter).value(), (Numbers{2, 3}));
  EXPECT_EQ(numbers(), (Numbers{0, 1, 2, 3}));
  EXPECT_FALSE(shard(0).is_open());
  EXPECT_EQ(shard(2).parent, 0u);
  EXPECT_FALSE(shard(2).adjacent_parent);
  EXPECT_EQ(shard(2).first, HashKey{});
  EXPECT_EQ(shard(3).first, kQuarter);
  EXPECT_EQ(shard(3).last, shard(0).last);
  EXPECT_GT(shard(2).start, *shard(0).end);
  EXPECT_EQ(put(HashKey{}, "low").shard, 2u);
  EXPECT_EQ(put(kQuarter, "high").shard, 3u);
  EXPECT_EQ(put(kHalf, "other").shard, 1u);
  EXPECT_EQ(all_of(stream_, 0), Texts{"before"});
  EXPECT_EQ(all_of(stream_, 2), Texts{"low"});
  EXPECT_EQ(stream_.settings().shards, 3u);
}

TEST_P(Resharding, MergesNeighboursIntoOne) {
  const Put below = put(HashKey{}, "a");
  const Put above = put(kHalf, "b");
  EXPECT_EQ(stream_.merge(0, 1).value(), 2u);
  EXPECT_EQ(shard(2).parent, 0u);
  EXPECT_EQ(shard(2).adjacent_parent, 1u);
  EXPECT_EQ(shard(2).last, HashKey::max());
  const Put child = put(kHalf, "c");
  EXPECT_EQ(child.shard, 2u);
  EXPECT_GT(child.sequence, below.sequence);
  EXPECT_GT(child.sequence, above.sequence);
}

TEST_P(Resharding, MergesTheChildrenOfASplitIntoTheirParentsRange) {
  const ShardInfo parent = shard(0);
  ASSERT_TRUE(stream_.split(0, kQuarter));
  EXPECT_EQ(stream_.merge(2, 3).value(), 4u);
  EXPECT_EQ(shard(4).first, parent.first);
  EXPECT_EQ(shard(4).last, parent.last);
}

TEST_P(Resharding, RefusesToSplitOutsideOfARange) {
  for (const HashKey& wrong : {HashKey{}, HashKey{0, 1}, shard(0).last, kHalf, HashKey::max()}) {
    const auto refused = stream_.split(0, wrong);
    ASSERT_FALSE(refused) << wrong.to_string();
    EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
    EXPECT_NE(std::string(refused.error().what).find("is not both greater than one plus"),
              std::string::npos);
  }
  EXPECT_EQ(numbers(), (Numbers{0, 1}));
  EXPECT_TRUE(stream_.split(0, HashKey{0, 2}));
  EXPECT_EQ(code_of(stream_.split(2, HashKey{0, 1})), Errc::kInvalidArgument);  // two wide
}

TEST_P(Resharding, RefusesToMergeWhatIsNotAdjacent) {
  ASSERT_TRUE(stream_.split(1, HashKey{3ull << 62, 0}));
  const auto refused = stream_.merge(0, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_NE(std::string(refused.error().what)
                .find("are not an adjacent pair of shards eligible for merging"),
            std::string::npos);
  EXPECT_EQ(code_of(stream_.merge(2, 0)), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(stream_.merge(0, 0)), Errc::kInvalidArgument);
}

TEST_P(Resharding, RefusesWhatIsClosedOrDoesNotExist) {
  ASSERT_TRUE(stream_.split(0, kQuarter));
  EXPECT_EQ(code_of(stream_.split(0, kQuarter)), Errc::kClosed);
  EXPECT_EQ(code_of(stream_.merge(0, 1)), Errc::kClosed);
  EXPECT_EQ(code_of(stream_.split(9, kQuarter)), Errc::kNotFound);
}

TEST_P(Resharding, LetsOthersWhoHaveTheOldMapGoOnInTheChildren) {
  Bus other = test_.attach();
  Stream theirs = other.open_stream("ticks").value();
  static_cast<void>(theirs.put("k", "a", {.explicit_hash_key = HashKey{}}).value());
  ASSERT_TRUE(stream_.split(0, kQuarter));
  EXPECT_EQ(theirs.put("k", "b", {.explicit_hash_key = HashKey{}}).value().shard, 2u);
  EXPECT_EQ(all_of(stream_, 2), Texts{"b"});
}

TEST_P(Resharding, EndsTheParentForReadersWhoAreToldItsChildren) {
  put(HashKey{}, "last");
  ShardReader reader = stream_.reader(0, From::trim_horizon()).value();
  ASSERT_TRUE(stream_.split(0, kQuarter));
  const Records records = reader.read().value();
  EXPECT_EQ(texts_of(records), Texts{"last"});
  EXPECT_TRUE(records.at_end());
  ASSERT_EQ(records.children().size(), 2u);
  EXPECT_EQ(records.children()[0].number, 2u);
  EXPECT_EQ(code_of(reader.next()), Errc::kClosed);
  EXPECT_EQ(reader.wait(1h), Errc::kOk);
  EXPECT_EQ(reader.children().value().size(), 2u);
}

TEST_P(Resharding, EndsTheIteratorsOfTheParent) {
  put(HashKey{}, "last");
  const ShardIterator before = stream_.iterator(0, From::trim_horizon()).value();
  ASSERT_TRUE(stream_.split(0, kQuarter));
  const GetResult all = stream_.get(before).value();
  EXPECT_EQ(texts_of(all.records), Texts{"last"});
  EXPECT_FALSE(all.next);
  EXPECT_EQ(all.records.children().size(), 2u);
  const GetResult latest = stream_.get(stream_.iterator(0, From::latest()).value()).value();
  EXPECT_TRUE(latest.records.empty());
  EXPECT_FALSE(latest.next);
  EXPECT_EQ(latest.records.children().size(), 2u);
  EXPECT_EQ(latest.records.behind_latest(), 0s);
  EXPECT_EQ(all_of(stream_, 0, From::at(shard(0).start)), Texts{"last"});
  EXPECT_EQ(all_of(stream_, 0, From::after(*shard(0).end)), Texts{});
}

TEST_P(Resharding, ListsShardsByWhenTheyWereOpen) {
  using Kind = ShardFilter::Kind;
  test_.clock().advance(9s);  // 10 s
  ASSERT_TRUE(stream_.split(0, kQuarter));
  test_.clock().advance(10s);
  const auto at = [](Duration when) {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(when));
  };
  EXPECT_EQ(numbers({.kind = Kind::kAtLatest}), (Numbers{1, 2, 3}));
  EXPECT_EQ(numbers({.kind = Kind::kAtTrimHorizon}), (Numbers{0, 1}));
  EXPECT_EQ(numbers({.kind = Kind::kAtTime, .time = at(5s)}), (Numbers{0, 1}));
  EXPECT_EQ(numbers({.kind = Kind::kAtTime, .time = at(15s)}), (Numbers{1, 2, 3}));
  EXPECT_EQ(numbers({.kind = Kind::kFromTime, .time = at(5s)}), (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(numbers({.kind = Kind::kFromTime, .time = at(15s)}), (Numbers{1, 2, 3}));
  EXPECT_EQ(numbers({.kind = Kind::kAfterShard, .shard = 1}), (Numbers{2, 3}));
}

TEST_P(Resharding, ScalesByHalvesAndDoubles) {
  EXPECT_EQ(code_of(stream_.scale(5)), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(stream_.scale(0)), Errc::kInvalidArgument);
  ASSERT_TRUE(stream_.scale(4));
  EXPECT_EQ(stream_.settings().shards, 4u);
  const auto open = stream_.shards({.kind = ShardFilter::Kind::kAtLatest}).value();
  for (const ShardInfo& each : open) {
    EXPECT_EQ(each.last.high - each.first.high, (1ull << 62) - 1) << each.id();
  }
  ASSERT_TRUE(stream_.scale(4));
  ASSERT_TRUE(stream_.scale(2));
  EXPECT_EQ(stream_.settings().shards, 2u);
  EXPECT_EQ(code_of(stream_.put("k", "x")), Errc::kOk);
}

TEST_P(Resharding, OfWhoStoppedBeforeTheParentWasClosedHoldsUpNobodysPut) {
  // As split() leaves it: the children are in the map, the parent is open.
  client::Member& member = client::Member::of(test_.bus());
  const stream::Membership membership = client::stream_membership(member);
  {
    auto control = stream::ControlFile::open(member.me().bus_pointer(), "ticks").value();
    ASSERT_TRUE(control.lock());
    stream::Meta meta = control.meta().value();
    std::vector<stream::NamedJournal> journals(2);
    for (const stream::Range& range : {stream::Range{HashKey{}, stream::before(kQuarter)},
                                       stream::Range{kQuarter, stream::before(kHalf)}}) {
      stream::ShardRecord child;
      child.number = static_cast<std::uint32_t>(meta.shards.size());
      child.range = range;
      child.parent = 0;
      child.created_s = meta.shards[0].created_s + 1;
      meta.shards[0].children.push_back(child.number);
      meta.shards.push_back(child);
      if (GetParam() == StreamStorage::kLog) {
        const auto state = membership.shared->state(false).value();
        ASSERT_TRUE(state->make_shard("ticks", child.number));
      }
      journals.push_back(stream::make_journal(membership, control.stream_id(), child.number,
                                              control.storage(), control.ring_bytes(), 0)
                             .value());
    }
    ASSERT_TRUE(control.apply(meta, journals));
    EXPECT_EQ(put(HashKey{}, "parent").shard, 0u);
    EXPECT_EQ(numbers(), (Numbers{0, 1}));
    // And as it leaves it a step later: the parent is closed and nobody has said so.
    const std::uint64_t id = control.entry(0).journal.load();
    const auto file = membership.shared->journal(id).value();
    journal::Producer closer(file->view(), member.me().index());
    std::uint64_t end = 0;
    ASSERT_EQ(closer.close(end), Errc::kOk);
    EXPECT_EQ(put(HashKey{}, "child").shard, 2u);
    EXPECT_EQ(put(kQuarter, "child").shard, 3u);
    EXPECT_EQ(all_of(stream_, 0), Texts{"parent"});
    EXPECT_EQ(numbers(), (Numbers{0, 1, 2, 3}));
    EXPECT_EQ(code_of(stream_.set({.retention = 48h})), Errc::kBusy);
    control.unlock();
  }
  // It has died: the next one who changes the stream finishes it.
  ASSERT_TRUE(stream_.set({.retention = 48h}));
  auto control = stream::ControlFile::open(member.me().bus_pointer(), "ticks").value();
  EXPECT_TRUE(control.shard(0)->end);
  EXPECT_EQ(put(HashKey{}, "more").shard, 2u);
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_P(Resharding, LeavesNoJournalBehindWhoseLetterGoDied) {
  ASSERT_TRUE(stream_.split(0, kQuarter));
  {
    // As tidying up leaves it when it dies: the map names the journal no more, its file is there,
    // and who has made it lives.
    auto control =
        stream::ControlFile::open(client::Member::of(test_.bus()).me().bus_pointer(), "ticks")
            .value();
    control.entry(0).journal.store(0);
  }
  Child child([&](const Line& line) {
    const Bus dies = test_.attach();
    line.tell("is there");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "is there");
  child.kill();
  test_.bus().sweep();
  EXPECT_EQ(files_in(test_.path("journals")).size(), 3u);
}

TEST_P(Resharding, LeavesNoJournalOfAClosedShardBehind) {
  put(HashKey{}, "kept");
  ASSERT_TRUE(stream_.split(0, kQuarter));
  ASSERT_TRUE(stream_.merge(2, 3));
  test_.bus().sweep();
  std::size_t journals = 0;
  for (const auto& each : std::filesystem::directory_iterator(test_.path("journals"))) {
    journals += each.is_regular_file() ? 1u : 0u;
  }
  EXPECT_EQ(journals, GetParam() == StreamStorage::kLog ? 2u : 5u);
  EXPECT_EQ(all_of(stream_, 0), Texts{"kept"});
  Bus other = test_.attach();
  Stream theirs = other.open_stream("ticks").value();
  const Records records = theirs.reader(0, From::trim_horizon()).value().read().value();
  EXPECT_EQ(texts_of(records), Texts{"kept"});
  EXPECT_TRUE(records.at_end());
}

}  // namespace
}  // namespace ringpost::test
