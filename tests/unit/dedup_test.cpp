// The deduplication table of FIFO queues, alone: a table in plain memory over a small ring.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dedup/key.hpp"
#include "dedup/table.hpp"
#include "rig/dedup_ring.hpp"

namespace ringpost::test {
namespace {

using dedup::Key;
using dedup::SlotState;
using Outcome = dedup::Entered::Outcome;

constexpr std::uint64_t kWindow = 100;

/// Memory as of a new file: zeroed, and there only where it is touched.
class TableMemory {
 public:
  explicit TableMemory(std::uint32_t capacity) : bytes_(dedup::Table::bytes_for(capacity)) {
    memory_ = static_cast<std::byte*>(
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    dedup::Table::initialise(memory_, capacity);
  }
  ~TableMemory() { munmap(memory_, bytes_); }
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;

  [[nodiscard]] dedup::Table table() const { return dedup::Table::attach(memory_, bytes_).value(); }
  [[nodiscard]] std::byte* data() const { return memory_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] dedup::IdBucket& bucket(std::uint32_t number) const {
    return reinterpret_cast<dedup::IdBucket*>(memory_ + table().geometry().buckets_begin)[number];
  }

 private:
  std::size_t bytes_;
  std::byte* memory_;
};

/// What the ring would say, by position.
struct Positions {
  std::map<std::uint64_t, SlotState> states;
  int skipped = 0;
  bool skip_succeeds = true;  ///< else it is published just before
  std::uint64_t now = 1'000;

  SlotState judge(std::uint64_t position) {
    const auto found = states.find(position);
    return found == states.end() ? SlotState::kDead : found->second;
  }
  [[nodiscard]] std::uint64_t expiry() const { return now + kWindow; }
  void skip(std::uint64_t position) {
    ++skipped;
    states[position] = skip_succeeds ? SlotState::kDead : SlotState::kPublished;
  }
};

class Dedup : public testing::Test {
 protected:
  dedup::Entered enter(Key key, std::uint64_t position, std::uint16_t owner = 1) {
    positions_.states[position] = SlotState::kFilling;
    return table_.enter({key, position, owner, now_}, positions_);
  }
  /// A whole send that gets through.
  std::uint64_t accept(Key key, std::uint64_t position) {
    const dedup::Entered entered = enter(key, position);
    EXPECT_EQ(entered.outcome, Outcome::kEntered);
    positions_.states[position] = SlotState::kPublished;
    EXPECT_TRUE(table_.commit(entered.entry, position, now_ + kWindow));
    return entered.entry;
  }
  void expect_duplicate_of(Key key, std::uint64_t of) {
    const dedup::Entered entered = enter(key, 1'000 + next_++);
    EXPECT_EQ(entered.outcome, Outcome::kDuplicate);
    EXPECT_EQ(entered.position, of);
    EXPECT_EQ(table_.find(key, now_), of);
  }

  static constexpr Key kId{0x1111111111111111, 0x2222222222222222};
  TableMemory memory_{1};
  dedup::Table table_ = memory_.table();
  Positions positions_;
  std::uint64_t& now_ = positions_.now;
  std::uint64_t next_ = 0;
};

TEST_F(Dedup, SaysOfWhichMessageAnIdIsADuplicate) {
  EXPECT_EQ(table_.find(kId, now_), std::nullopt);
  accept(kId, 7);
  expect_duplicate_of(kId, 7);
  accept({kId.low, kId.high + 1}, 8);
  accept({kId.low + (1u << 20), kId.high}, 9);
  expect_duplicate_of(kId, 7);
  EXPECT_EQ(table_.count(now_), 3u);
}

TEST_F(Dedup, CountsTheWindowFromTheFirstSendAndNotFromDuplicates) {
  accept(kId, 7);
  now_ += kWindow - 1;
  expect_duplicate_of(kId, 7);
  now_ += 1;
  EXPECT_EQ(table_.find(kId, now_), std::nullopt);
  EXPECT_EQ(table_.count(now_), 0u);
  accept(kId, 8);
  expect_duplicate_of(kId, 8);
  EXPECT_EQ(table_.check(), (dedup::Table::Checked{.linked = 1}));
}

TEST_F(Dedup, CommitsForASenderThatPublishedAndStopped) {
  const dedup::Entered entered = enter(kId, 7);
  positions_.states[7] = SlotState::kPublished;
  now_ += 10;
  expect_duplicate_of(kId, 7);
  now_ += 10;
  EXPECT_TRUE(table_.commit(entered.entry, 7, now_ + kWindow));  // too late to count
  now_ += kWindow - 11;
  EXPECT_EQ(table_.find(kId, now_), 7u);
  now_ += 1;
  EXPECT_EQ(table_.find(kId, now_), std::nullopt);
}

TEST_F(Dedup, SkipsAPositionThatIsStillBeingFilled) {
  const dedup::Entered first = enter(kId, 7);
  const dedup::Entered second = enter(kId, 8);
  EXPECT_EQ(positions_.skipped, 1);
  ASSERT_EQ(second.outcome, Outcome::kEntered);
  positions_.states[8] = SlotState::kPublished;
  EXPECT_TRUE(table_.commit(second.entry, 8, now_ + kWindow));
  EXPECT_FALSE(table_.commit(first.entry, 7, now_ + kWindow));
  expect_duplicate_of(kId, 8);
}

TEST_F(Dedup, FindsAPublishThatCameBeforeTheSkip) {
  static_cast<void>(enter(kId, 7));
  positions_.skip_succeeds = false;
  const dedup::Entered second = enter(kId, 8);
  EXPECT_EQ(second.outcome, Outcome::kDuplicate);
  EXPECT_EQ(second.position, 7u);
}

TEST_F(Dedup, TakesOverFromASenderWhoseMessageNeverCame) {
  static_cast<void>(enter(kId, 7));
  positions_.states[7] = SlotState::kDead;
  EXPECT_EQ(table_.find(kId, now_), std::nullopt);
  accept(kId, 8);
  EXPECT_EQ(positions_.skipped, 0);
  expect_duplicate_of(kId, 8);
}

TEST_F(Dedup, EntersAPositionThatIsEnteredAlready) {
  const dedup::Entered first = enter(kId, 7);
  const dedup::Entered again = enter(kId, 7);
  EXPECT_EQ(again.outcome, Outcome::kEntered);
  EXPECT_EQ(again.entry, first.entry);
  EXPECT_EQ(table_.check(), (dedup::Table::Checked{.linked = 1}));
}

TEST_F(Dedup, LeavesNothingOfASendThatIsGivenUp) {
  const dedup::Entered entered = enter(kId, 7);
  table_.abandon(entered.entry, 7);
  EXPECT_EQ(table_.check(), dedup::Table::Checked{});
  const std::uint64_t entry = accept(kId, 8);
  table_.abandon(entry, 7);  // late: not its entry any more
  table_.abandon(0, 8);
  expect_duplicate_of(kId, 8);
}

TEST_F(Dedup, RefusesToCommitWhatIsNoEntry) {
  accept(kId, 7);
  for (const std::uint64_t entry : {std::uint64_t{0}, std::uint64_t{61}, ~std::uint64_t{0}}) {
    EXPECT_FALSE(table_.commit(entry, 7, now_ + kWindow)) << entry;
  }
}

TEST_F(Dedup, ForgetsOnlyWhatAPurgeCovers) {
  const Key other{5, 5};
  const Key undecided{6, 6};
  accept(kId, 7);
  static_cast<void>(enter(undecided, 8));
  accept(other, 9);
  positions_.states[8] = SlotState::kDead;
  EXPECT_EQ(table_.clear(9), 2u);
  EXPECT_EQ(table_.check(), (dedup::Table::Checked{.linked = 1}));
  expect_duplicate_of(other, 9);
  accept(kId, 10);
}

/// Ids of one bucket.
Key of_one_bucket(std::uint64_t number) { return {number * 0x9e3779b97f4a7c15, number}; }

/// A ring whose dead positions are noted before their ids are free.
struct NotedPositions : Positions {
  std::vector<std::uint64_t> buried;
  bool may_bury = true;
  bool bury(std::uint64_t position) {
    buried.push_back(position);
    return may_bury;
  }
  [[nodiscard]] bool is_over() const { return !may_bury; }
};

TEST_F(Dedup, BuriesADeadPositionBeforeAnotherOneGetsItsId) {
  EXPECT_EQ(enter(kId, 7).outcome, Outcome::kEntered);
  NotedPositions noted;
  noted.states[7] = SlotState::kDead;
  noted.may_bury = false;
  EXPECT_EQ(table_.enter({kId, 8, 1, now_}, noted).outcome, Outcome::kDamaged) << "it may not";
  noted.may_bury = true;
  EXPECT_EQ(table_.enter({kId, 8, 1, now_}, noted).outcome, Outcome::kEntered);
  EXPECT_EQ(noted.buried, (std::vector<std::uint64_t>{7, 7}));
  noted.states[8] = SlotState::kPublished;
  EXPECT_EQ(table_.enter({kId, 9, 1, now_}, noted).outcome, Outcome::kDuplicate);
  EXPECT_EQ(noted.buried.size(), 2u) << "a message is not dead";
}

TEST_F(Dedup, BuriesDeadPositionsWhoseEntriesAreNeeded) {
  NotedPositions noted;
  for (std::uint64_t i = 0; i < dedup::kEntriesPerBucket; ++i) {
    EXPECT_EQ(enter({i << 32, 1}, i).outcome, Outcome::kEntered);
    noted.states[i] = i == 5 ? SlotState::kDead : SlotState::kFilling;
  }
  EXPECT_EQ(table_.enter({kId, 100, 1, now_}, noted).outcome, Outcome::kEntered);
  EXPECT_EQ(noted.buried, std::vector<std::uint64_t>{5});
}

TEST_F(Dedup, ForgetsOnlyWhatWasAcceptedIfToldSo) {
  accept(kId, 7);
  EXPECT_EQ(enter({9, 9}, 8).outcome, Outcome::kEntered);
  EXPECT_EQ(table_.clear(100, false), 1u);
  EXPECT_EQ(table_.find(kId, now_), std::nullopt);
  EXPECT_EQ(table_.check().linked, 1u);
  EXPECT_EQ(table_.clear(100), 1u);
}

TEST_F(Dedup, IsFullWhenEveryEntryOfABucketIsInUse) {
  for (std::uint64_t i = 0; i < dedup::kEntriesPerBucket; ++i) accept(of_one_bucket(i), i);
  EXPECT_EQ(enter(kId, 100).outcome, Outcome::kFull);
  for (std::uint64_t i = 0; i < dedup::kEntriesPerBucket; ++i) {
    expect_duplicate_of(of_one_bucket(i), i);
  }
  EXPECT_EQ(table_.count(now_), dedup::kEntriesPerBucket);
}

TEST_F(Dedup, TakesEntriesThatAreOverInPassing) {
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    accept(of_one_bucket(i), i);
    now_ += kWindow / 50;
  }
  EXPECT_LE(table_.count(now_), 50u);
  EXPECT_EQ(table_.check().leftovers, 0u);
}

TEST_F(Dedup, TakesEntriesOfMessagesThatNeverCameWhenThereAreNoOthers) {
  for (std::uint64_t i = 0; i < dedup::kEntriesPerBucket; ++i) {
    static_cast<void>(enter(of_one_bucket(i), i));
  }
  EXPECT_EQ(enter(kId, 100).outcome, Outcome::kFull);
  positions_.states[30] = SlotState::kDead;
  positions_.states[31] = SlotState::kPublished;
  accept(kId, 101);
  EXPECT_EQ(enter({9, 9}, 102).outcome, Outcome::kFull);
  EXPECT_EQ(table_.find(of_one_bucket(31), now_), 31u);
  EXPECT_EQ(positions_.skipped, 0);
}

TEST_F(Dedup, SweepsWhatTheDeadLeft) {
  constexpr std::uint16_t kDead = 3;
  const Key published{1, 1};
  const Key filling{2, 2};
  static_cast<void>(enter(kId, 7, kDead));
  static_cast<void>(enter(published, 8, kDead));
  static_cast<void>(enter(filling, 9, kDead));
  static_cast<void>(enter({3, 3}, 10, 1));
  positions_.states[7] = SlotState::kDead;
  positions_.states[8] = SlotState::kPublished;
  positions_.states[10] = SlotState::kDead;
  // Died between taking an entry and linking it; and another between freeing one and unlinking it.
  dedup::IdBucket& bucket = memory_.bucket(0);
  bucket.entries[50].state.initialise(dedup::EntryWord{}.undecided(11, kDead).bits);
  bucket.entries[51].state.initialise(dedup::EntryWord{}.undecided(12, 1).freed().bits);
  dedup::Links links{bucket.links.load()};
  bucket.links.initialise(links.with(51).bits);

  const dedup::Table::Swept swept = table_.sweep(kDead, positions_);
  EXPECT_EQ(swept.freed, 2u);
  EXPECT_EQ(swept.committed, 1u);
  EXPECT_EQ(swept.left, 1u);
  EXPECT_EQ(table_.check(), (dedup::Table::Checked{.linked = 3}));
  expect_duplicate_of(published, 8);
}

TEST_F(Dedup, RepairsWhatNoCorrectProcessWrites) {
  accept(kId, 7);
  accept(of_one_bucket(1), 8);
  dedup::IdBucket& bucket = memory_.bucket(0);
  const auto put = [&](std::uint32_t index, Key key, std::uint64_t position, bool linked) {
    dedup::IdEntry& entry = bucket.entries[index];
    entry.state.initialise(dedup::EntryWord{}.undecided(position, 1).committed(5'000).bits);
    entry.key_low = key.low;
    entry.key_high = key.high;
    reinterpret_cast<std::uint8_t*>(bucket.prints)[index] = static_cast<std::uint8_t>(key.low);
    if (linked) bucket.links.initialise(dedup::Links{bucket.links.load()}.with(index).bits);
  };
  put(58, kId, 9, true);
  put(59, {1, 1}, 10, true);
  reinterpret_cast<std::uint8_t*>(bucket.prints)[59] = 2;  // nobody finds it
  const dedup::Table::Checked found = table_.check();
  EXPECT_EQ(found, (dedup::Table::Checked{.linked = 4, .misplaced = 1, .twice = 1}));
  EXPECT_EQ(table_.repair(), found);
  EXPECT_EQ(table_.check(), (dedup::Table::Checked{.linked = 2}));
  expect_duplicate_of(kId, 7);
}

TEST(DedupMemory, IsRefusedIfItIsNotATableOfThisSize) {
  TableMemory memory(1'000);
  auto& header = *reinterpret_cast<dedup::TableHeader*>(memory.data());
  const auto attaches = [&](std::size_t bytes) {
    return dedup::Table::attach(memory.data(), bytes).has_value();
  };
  EXPECT_TRUE(attaches(memory.bytes()));
  EXPECT_FALSE(attaches(memory.bytes() - 1));
  EXPECT_FALSE(attaches(8));
  for (const std::uint32_t capacity : {0u, 2'000u, dedup::kCapacityMax + 1, ~0u}) {
    header.capacity = capacity;
    EXPECT_FALSE(attaches(memory.bytes())) << capacity;
  }
  header.capacity = 1'000;
  ++header.format;
  EXPECT_FALSE(attaches(memory.bytes()));
  --header.format;
  ++header.magic;
  EXPECT_FALSE(attaches(memory.bytes()));
}

TEST(DedupMemory, EndsEveryCallWhateverItSays) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    TableMemory memory(100);
    const dedup::Table table = memory.table();
    const auto geometry = table.geometry();
    auto* words = reinterpret_cast<std::uint64_t*>(memory.data() + geometry.used_map);
    for (std::size_t i = 0; i < (memory.bytes() - geometry.used_map) / 8; ++i) {
      if (round % 3 == 0 || random() % 4 == 0) words[i] = random();
    }
    Positions positions;
    for (std::uint64_t i = 0; i < 200; ++i) {
      const Key key{random(), random()};
      const dedup::Entered entered = table.enter({key, i, 1, 0}, positions);
      if (entered.outcome != Outcome::kEntered) continue;
      positions.states[i] = SlotState::kPublished;
      table.commit(entered.entry, i, kWindow);
      table.abandon(random(), i);
    }
    static_cast<void>(table.sweep(1, positions));
    static_cast<void>(table.count(0));
    table.clear(random());
    static_cast<void>(table.repair());
    EXPECT_EQ(table.check().misplaced + table.check().twice, 0u);
  }
}

/// As the hash of ids is: 128 bits of which nobody knows the next ones.
Key random_key(std::mt19937_64& random) { return {random(), random()}; }

TEST(DedupCapacity, TakesAsManyIdsAsItWasMadeForWhateverTheyAre) {
  for (const std::uint32_t capacity : {1u, 20u, 1'000u, 200'000u}) {
    TableMemory memory(capacity);
    const dedup::Table table = memory.table();
    std::mt19937_64 random(capacity);
    Positions positions;
    for (std::uint64_t i = 0; i < capacity; ++i) {
      const Key key = random_key(random);
      ASSERT_EQ(table.enter({key, i, 1, 0}, positions).outcome, Outcome::kEntered)
          << i << " of " << capacity;
    }
    EXPECT_EQ(table.count(0), capacity);
    const auto estimate = static_cast<double>(table.estimate(0));
    EXPECT_NEAR(estimate, capacity, capacity * 0.2);
  }
}

TEST(DedupCapacity, FillsABucketOnlyWithAProbabilityThatCanBeLeftOut) {
  // Poisson: P(more than 60 | 20 on average), from the first term on.
  double term = std::exp(-double{dedup::kIdsPerBucket});
  for (std::uint32_t i = 1; i <= dedup::kEntriesPerBucket; ++i)
    term *= dedup::kIdsPerBucket / double(i);
  double overflow = 0;
  for (std::uint32_t i = dedup::kEntriesPerBucket + 1; i < 200; ++i) {
    term *= dedup::kIdsPerBucket / double(i);
    overflow += term;
  }
  EXPECT_LT(overflow, 1e-12);
  // And that ids spread like that: the fullest of 50,000 buckets, ten times.
  std::mt19937_64 random(7);
  const dedup::TableGeometry geometry = dedup::TableGeometry::of(1'000'000);
  std::uint32_t fullest = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<std::uint32_t> in_bucket(geometry.buckets);
    for (std::uint32_t i = 0; i < geometry.capacity; ++i) {
      fullest = std::max(fullest, ++in_bucket[(random() >> 32) * geometry.buckets >> 32]);
    }
  }
  EXPECT_LT(fullest, 52u);
}

TEST(DedupKey, IsSha256OfSeedGroupAndId) {
  // SHA-256 of nine zero bytes and "abc": 8bc289fd fb4bad08 236d31b5 082346c1 …
  EXPECT_EQ(dedup::key_of_id(0, "abc"), (Key{0x08ad4bfbfd89c28b, 0xc1462308b5316d23}));
  const std::string_view body = "abc";
  const dedup::ContentId content = dedup::content_id(std::as_bytes(std::span(body)));
  EXPECT_EQ(std::string(content.data(), content.size()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DedupKey, TellsSeedsGroupsAndIdsApart) {
  const std::vector<Key> keys = {dedup::key_of_id(1, "ab"),
                                 dedup::key_of_id(2, "ab"),
                                 dedup::key_of_id(1, "a"),
                                 dedup::key_of_id(1, "b", "a"),
                                 dedup::key_of_id(1, "", "ab"),
                                 dedup::key_of_id(1, "ab", "c"),
                                 dedup::key_of_id(1, "abc", ""),
                                 dedup::key_of_id(1, "bc", "a"),
                                 dedup::key_of_id(1, ""),
                                 dedup::key_of_id(1, std::string(128, 'x'), std::string(128, 'y')),
                                 dedup::key_of_id(1, std::string(128, 'x'), std::string(127, 'y'))};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(keys[i] == keys[j]) << i << " " << j;
  }
}

TEST(DedupKey, OfAContentIsThatOfTheSameText) {
  const dedup::ContentId content = dedup::content_id({});
  const std::string text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  EXPECT_EQ(dedup::key_of_id(3, {content.data(), content.size()}), dedup::key_of_id(3, text));
}

}  // namespace
}  // namespace ringpost::test
