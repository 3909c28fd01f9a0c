// Processes that put, split and merge are killed somewhere: what was acknowledged is there once, in
// order, and others go on.
#include <unistd.h>

#include <map>
#include <set>

#include "client/member.hpp"
#include "journal/journal_file.hpp"
#include "journal/producer.hpp"
#include "stream/control_file.hpp"
#include "stream/numbers.hpp"
#include "support/child.hpp"
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

std::vector<ShardInfo> open_shards(Stream& stream) {
  auto open = stream.shards({.kind = ShardFilter::Kind::kAtLatest}).value();
  std::sort(open.begin(), open.end(),
            [](const ShardInfo& a, const ShardInfo& b) { return a.first < b.first; });
  return open;
}

/// Two shards become three, and two again. A merge that somebody who died has left half done is
/// finished by the first try: then the shards are others than those that were listed.
void reshard(Stream& stream) {
  Errc code = Errc::kOk;
  for (int tries = 0; tries < 2; ++tries) {
    const auto open = open_shards(stream);
    code =
        open.size() < 3
            ? code_of(stream.split(open[0].number, stream::middle({open[0].first, open[0].last})))
            : code_of(stream.merge(open[0].number, open[1].number));
    if (code == Errc::kOk) return;
  }
  require(false, name(code));
}

/// "round-count" of one key, which therefore is in order; never ends.
void put_for_ever(const BusOptions& options, int round, const Line& line) {
  Bus bus = Bus::open(TestBus::kName, options).value();
  Stream stream = bus.open_stream("ticks").value();
  for (int count = 0;; ++count) {
    if (count % 3 == 2) reshard(stream);
    const std::string text = std::to_string(round) + "-" + std::to_string(count);
    const auto put =
        stream.put("k", text + std::string(static_cast<std::size_t>(count % 5) * 700, ' '));
    require(put.has_value(), "it can be put");
    line.tell(text);
  }
}

/// Claims room in the first shard, says so, and stands still.
void claim_and_stop(const BusOptions& options, const Line& line) {
  const Bus bus = Bus::open(TestBus::kName, options).value();
  client::Member& member = client::Member::of(bus);
  const auto control = stream::ControlFile::open(member.me().bus_pointer(), "ticks").value();
  const auto file =
      journal::JournalFile::open(member.files(), control.entry(0).journal.load()).value();
  journal::Producer producer(file->view(), member.me().index());
  journal::Claim claim;
  require(producer.claim(100, claim) == Errc::kOk, "it can be claimed");
  line.tell("claimed");
  for (;;) ::pause();
}

TEST(AKilledProducer, HidesWhatWasPutBehindItsClaimForAMomentOnly) {
  TestBus test;
  Stream stream = test.bus().stream("ticks", memory_stream()).value();
  ShardReader reader = stream.reader(0, From::trim_horizon()).value();
  Child child([&](const Line& line) { claim_and_stop(test.options(), line); });
  ASSERT_EQ(child.hear(), "claimed");
  stream.put("k", "behind").value();
  for (int look = 0; look < 20; ++look) {
    EXPECT_EQ(code_of(reader.next()), Errc::kEmpty);
    test.clock().advance(1s);  // it lives: that is its right
  }
  child.kill();
  Errc code = Errc::kEmpty;
  for (int look = 0; look < 20 && code == Errc::kEmpty; ++look) {
    test.clock().advance(20ms);
    const auto record = reader.next();
    code = code_of(record);
    EXPECT_TRUE(!record || as_text(record->data) == "behind");
  }
  EXPECT_EQ(code, Errc::kOk);
}

class KilledUsersOf : public testing::TestWithParam<StreamStorage> {};
INSTANTIATE_TEST_SUITE_P(Of, KilledUsersOf,
                         testing::Values(StreamStorage::kLog, StreamStorage::kMemory),
                         [](const auto& each) {
                           return each.param == StreamStorage::kLog ? "Log" : "Memory";
                         });

TEST_P(KilledUsersOf, EitherKindLoseNothingThatWasAcknowledged) {
  constexpr int kRounds = 12;
  TestBus test;
  StreamSettings settings = GetParam() == StreamStorage::kLog ? logged_stream(2) : memory_stream(2);
  settings.ring_bytes = 1 << 20;
  Stream stream = test.bus().stream("ticks", settings).value();
  std::set<std::string> acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    Child child([&](const Line& line) { put_for_ever(test.options(), round, line); });
    for (int heard = 0; heard < 1 + 2 * round; ++heard) acknowledged.insert(child.hear());
    child.kill();
    for (std::string word = child.hear(); !word.empty(); word = child.hear()) {
      acknowledged.insert(word);
    }
    if (round % 2 == 0) test.bus().sweep();
    EXPECT_EQ(code_of(stream.put("k", "parent " + std::to_string(round))), Errc::kOk);
  }
  test.bus().sweep();
  EXPECT_EQ(test.findings(), "");
  std::map<SequenceNumber, std::string> records;
  for (const ShardInfo& shard : stream.shards().value()) {
    const Records all = stream.reader(shard.number, From::trim_horizon()).value().read().value();
    EXPECT_EQ(all.at_end(), !shard.is_open()) << shard.id();
    for (const StreamRecord& each : all) {
      const std::string_view text = as_text(each.data);
      records[each.sequence] = text.substr(0, text.find_last_not_of(' ') + 1);
    }
  }
  std::map<std::string, int> last;  // of each round
  std::set<std::string> seen;
  for (const auto& [number, text] : records) {
    if (text.starts_with("parent")) continue;
    EXPECT_TRUE(seen.insert(text).second) << text << " stands twice";
    const std::size_t dash = text.find('-');
    const int count = std::stoi(text.substr(dash + 1));
    int& before = last.emplace(text.substr(0, dash), -1).first->second;
    EXPECT_EQ(count, before + 1) << text;
    before = count;
  }
  for (const std::string& text : acknowledged) EXPECT_TRUE(seen.contains(text)) << text;
}

}  // namespace
}  // namespace ringpost::test
