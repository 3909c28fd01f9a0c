// Streams on disk: what is there after a reboot, and whose a state directory is.
#include "client/streams.hpp"
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

class AfterAReboot : public testing::Test {
 protected:
  Stream make(std::uint32_t shards = 1) {
    return bus_.bus().stream("ticks", logged_stream(shards), {{"team", "blue"}}).value();
  }
  Stream open() { return bus_.bus().open_stream("ticks").value(); }
  RebootingBus bus_;
};

TEST_F(AfterAReboot, AStreamIsListedAndHasItsRecordsSettingsAndTags) {
  {
    Stream made = make(2);
    ASSERT_TRUE(made.set({.retention = 48h}));
    for (const char* data : {"a", "b"}) static_cast<void>(made.put("k", data, into(made, 1)));
  }
  bus_.reboot();
  EXPECT_EQ(bus_.bus().stream_names().value(), Texts{"ticks"});
  Stream again = open();
  EXPECT_EQ(all_of(again, 1), (Texts{"a", "b"}));
  EXPECT_EQ(again.settings().retention, 48h);
  EXPECT_EQ(again.settings().shards, 2u);
  EXPECT_EQ(again.tags().value(), (Tags{{"team", "blue"}}));
}

TEST_F(AfterAReboot, NumbersGoOnRising) {
  Put before;
  {
    Stream made = make();
    before = made.put("k", "before").value();
  }
  bus_.reboot();
  {
    Stream again = open();
    EXPECT_GT(again.put("k", "after").value().sequence, before.sequence);
    EXPECT_EQ(all_of(again), (Texts{"before", "after"}));
    EXPECT_EQ(all_of(again, 0, From::after(before.sequence)), Texts{"after"});
  }
  bus_.reboot();
  Stream again = open();
  EXPECT_EQ(all_of(again), (Texts{"before", "after"}));
}

TEST_F(AfterAReboot, AnIteratorGoesOnWhereItWas) {
  ShardIterator at;
  {
    Stream made = make();
    static_cast<void>(made.put("k", "a").value());
    at = made.iterator(0, From::latest()).value();
  }
  bus_.reboot();
  Stream again = open();
  static_cast<void>(again.put("k", "b").value());
  EXPECT_EQ(texts_of(again.get(at).value().records), Texts{"b"});
}

TEST_F(AfterAReboot, ClosedShardsAreClosedAndTheirChildrenGoOn) {
  constexpr HashKey kHalf{1ull << 63, 0};
  {
    Stream made = make();
    static_cast<void>(made.put("k", "parent").value());
    ASSERT_TRUE(made.split(0, kHalf));
    static_cast<void>(made.put("k", "child", into(made, 2)).value());
  }
  bus_.reboot();
  Stream again = open();
  EXPECT_EQ(again.shards().value().size(), 3u);
  const Records records = again.reader(0, From::trim_horizon()).value().read().value();
  EXPECT_EQ(texts_of(records), Texts{"parent"});
  EXPECT_TRUE(records.at_end());
  EXPECT_EQ(records.children().size(), 2u);
  EXPECT_EQ(all_of(again, 2), Texts{"child"});
  EXPECT_EQ(again.put("k", "more", into(again, 2)).value().shard, 2u);
  EXPECT_EQ(code_of(again.split(0, kHalf)), Errc::kClosed);
}

TEST_F(AfterAReboot, AMemoryStreamIsGone) {
  {
    Stream made = bus_.bus().stream("m", memory_stream()).value();
    static_cast<void>(made.put("k", "x").value());
  }
  bus_.reboot();
  EXPECT_EQ(bus_.bus().stream_names().value(), Texts{});
  EXPECT_EQ(code_of(bus_.bus().open_stream("m")), Errc::kNotFound);
}

TEST_F(AfterAReboot, AStreamCanBeDeletedThatNobodyHasOpened) {
  make();
  bus_.reboot();
  ASSERT_TRUE(bus_.bus().delete_stream("ticks"));
  EXPECT_EQ(bus_.bus().stream_names().value(), Texts{});
  EXPECT_TRUE(std::filesystem::is_empty(bus_.state() + "/streams"));
}

TEST_F(AfterAReboot, WhatWasNotDurableMayBeGoneAndNothingElse) {
  {
    Stream made = make();
    static_cast<void>(made.put("k", "durable").value());
    static_cast<void>(made.put("k", "memory", {.durability = Durability::kMemory}).value());
  }
  bus_.reboot();
  Stream again = open();
  EXPECT_EQ(all_of(again), Texts{"durable"});
}

TEST_F(AfterAReboot, WhatNobodyWaitedForIsThereIfASweepHasComeBetween) {
  {
    Stream made = make();
    static_cast<void>(made.put("k", "memory", {.durability = Durability::kMemory}).value());
    bus_.bus().sweep();
  }
  bus_.reboot();
  Stream again = open();
  EXPECT_EQ(all_of(again), Texts{"memory"});
}

/// The meta file as split() leaves it on disk before anything else.
void split_on_disk_only(Bus& bus) {
  const stream::Membership member = client::stream_membership(client::Member::of(bus));
  const auto directory = member.shared->state(false).value()->stream("ticks").value();
  stream::Meta meta = stream::read_meta(*directory).value();
  const HashKey half{1ull << 63, 0};
  for (const stream::Range& range :
       {stream::Range{HashKey{}, stream::before(half)}, stream::Range{half, HashKey::max()}}) {
    stream::ShardRecord child;
    child.number = static_cast<std::uint32_t>(meta.shards.size());
    child.range = range;
    child.parent = 0;
    child.created_s = meta.shards[0].created_s + 1;
    meta.shards[0].children.push_back(child.number);
    meta.shards.push_back(child);
    ASSERT_TRUE(member.shared->state(false).value()->make_shard("ticks", child.number));
  }
  ++meta.generation;
  ASSERT_TRUE(stream::write_meta(*directory, meta));
}

TEST_F(AfterAReboot, ASplitThatIsOnDiskOnlyIsMade) {
  {
    Stream made = make();
    static_cast<void>(made.put("k", "parent").value());
    split_on_disk_only(bus_.bus());
  }
  bus_.reboot();
  Stream again = open();
  EXPECT_EQ(again.put("k", "child", into(again, 1)).value().shard, 1u);
  const Records records = again.reader(0, From::trim_horizon()).value().read().value();
  EXPECT_EQ(texts_of(records), Texts{"parent"});
  EXPECT_TRUE(records.at_end());
}

TEST(ASplitThatIsOnDiskOnly, IsMadeByTheNextOneWhoChangesTheStream) {
  TestBus test;
  Stream made = test.bus().stream("ticks", logged_stream()).value();
  static_cast<void>(made.put("k", "parent").value());
  split_on_disk_only(test.bus());
  EXPECT_EQ(made.put("k", "parent").value().shard, 0u);
  ASSERT_TRUE(made.set({.retention = 48h}));
  EXPECT_EQ(made.put("k", "child", into(made, 2)).value().shard, 2u);
  EXPECT_EQ(all_of(made, 0), (Texts{"parent", "parent"}));
  EXPECT_EQ(made.settings().shards, 2u);
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST_F(AfterAReboot, ADamagedMetaFileIsToldAndNothingIsTouched) {
  make();
  bus_.reboot();
  const std::string path = bus_.state() + "/streams/ticks/stream.meta";
  {
    std::FILE* const file = std::fopen(path.c_str(), "r+");
    std::fseek(file, 100, SEEK_SET);
    std::fputc('X', file);
    std::fclose(file);
  }
  EXPECT_EQ(code_of(bus_.bus().open_stream("ticks")), Errc::kDamaged);
  EXPECT_EQ(code_of(bus_.bus().stream("ticks", logged_stream())), Errc::kDamaged);
  EXPECT_EQ(bus_.bus().stream_names().value(), Texts{"ticks"});
}

TEST(StateDirectory, OfALivingBusIsRefusedToAnother) {
  TestBus test;
  Stream made = test.bus().stream("ticks", logged_stream()).value();
  BusOptions other = test.options();
  other.shm_dir = test.scratch().path("other");
  Bus second = Bus::open(TestBus::kName, other).value();
  const auto refused = second.stream("ticks", logged_stream());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kBusy);
  EXPECT_NE(std::string(refused.error().what).find("it belongs to the bus"), std::string::npos);
  EXPECT_EQ(second.stream_names().value(), Texts{});
  EXPECT_EQ(code_of(second.stream("m", memory_stream())), Errc::kOk);
}

TEST(StateDirectory, IsTakenOverFromABusThatIsGone) {
  rig::Scratch scratch;
  const auto options = [&](const char* shm) {
    return BusOptions{.shm_dir = scratch.path(shm), .state_dir = scratch.path("state")};
  };
  {
    Bus first = Bus::open("b", options("one")).value();
    Stream made = first.stream("ticks", logged_stream()).value();
    static_cast<void>(made.put("k", "x").value());
  }
  {
    Bus second = Bus::open("b", options("two")).value();
    EXPECT_EQ(code_of(second.open_stream("ticks")), Errc::kBusy);  // its shared memory is there
  }
  ASSERT_TRUE(Bus::remove("b", options("one")));
  Bus second = Bus::open("b", options("two")).value();
  Stream taken = second.open_stream("ticks").value();
  EXPECT_EQ(all_of(taken), Texts{"x"});
}

TEST(DeletingAStream, RemovesItsFiles) {
  TestBus test;
  Stream made = test.bus().stream("ticks", logged_stream()).value();
  ASSERT_EQ(code_of(made.put("k", "x")), Errc::kOk);
  ASSERT_TRUE(test.bus().delete_stream("ticks"));
  EXPECT_TRUE(std::filesystem::is_empty(test.scratch().path("state") + "/test/streams"));
  EXPECT_TRUE(std::filesystem::is_empty(test.path("journals")));
  EXPECT_TRUE(std::filesystem::is_empty(test.path("streams")));
}

}  // namespace
}  // namespace ringpost::test
