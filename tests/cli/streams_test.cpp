// Streams at the command line: making and changing them, putting, reading, replaying.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliStreams : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    succeed({"stream", "create", "trades", "--shards", "2", "--ring-bytes", "4MiB",
             "--segment-bytes", "2MiB", "--durability", "memory"});
  }
  /// Three records, in one shard.
  void put_three() { succeed({"put", "trades", "--key", "BTC"}, "one\ntwo\nthree\n"); }
};

TEST_F(CliStreams, AreMadeListedAndRemoved) {
  EXPECT_EQ(succeed({"stream", "create", "trades"}), "stream trades is there already\n");
  const auto made = json({"stream", "create", "ticks", "--storage", "memory", "--shards", "1"});
  EXPECT_TRUE(made.at(0).at("created").as_bool());
  EXPECT_EQ(text_of(made.at(0).at("settings").at("storage")), "memory");
  EXPECT_EQ(succeed({"stream", "list"}), "ticks\ntrades\n");
  EXPECT_EQ(succeed({"stream", "list", "tr"}), "trades\n");
  EXPECT_EQ(succeed({"stream", "delete", "ticks"}), "deleted stream ticks\n");
  const auto missing = error_of({"stream", "show", "ticks"}, 5);
  EXPECT_EQ(text_of(missing.at("code")), "NotFound");
  EXPECT_NE(text_of(missing.at("hint")).find("ringpost stream create ticks"), std::string::npos);
  EXPECT_EQ(text_of(error_of({"stream", "create", "trades", "--retention", "48h"}, 1).at("code")),
            "Exists");
}

TEST_F(CliStreams, AreChangedWhileInUse) {
  EXPECT_EQ(succeed({"stream", "set", "trades", "--record-bytes-max", "1KiB"}),
            "changed stream trades\n");
  error_of({"put", "trades", std::string(2000, 'x')}, 1);
  EXPECT_EQ(succeed({"stream", "retention", "trades"}), "1d\n");
  EXPECT_EQ(succeed({"stream", "retention", "trades", "7d"}), "changed stream trades\n");
  const auto kept = json({"stream", "retention", "trades"}).at(0);
  EXPECT_EQ(kept.at("retention_seconds").to_number<int>(), 7 * 86'400);
  error_of({"stream", "retention", "trades", "1h"}, 2);
  EXPECT_EQ(text_of(error_of({"stream", "set", "trades"}, 2).at("code")), "Usage");
}

TEST_F(CliStreams, HaveTags) {
  EXPECT_EQ(succeed({"stream", "tag", "trades", "team=desk", "cost=1"}), "tagged stream trades\n");
  const auto left = json({"stream", "untag", "trades", "team"}).at(0);
  EXPECT_EQ(left.at("tags").as_object().size(), 1u);
  EXPECT_NE(succeed({"stream", "show", "trades"}).find("cost=1"), std::string::npos);
}

TEST_F(CliStreams, TakeRecordsAndGiveThemAgain) {
  const std::string number = succeed({"put", "trades", "zero", "--key", "BTC"});
  EXPECT_GT(number.size(), 50u);
  put_three();
  EXPECT_EQ(succeed({"get", "trades"}), "zero\none\ntwo\nthree\n");
  EXPECT_EQ(succeed({"get", "trades", "-n", "2"}), "zero\none\n");
  const std::string first = number.substr(0, number.size() - 1);
  EXPECT_EQ(succeed({"get", "trades", "--from", "after:" + first, "-n", "1"}), "one\n");
  EXPECT_EQ(succeed({"get", "trades", "--from", "seq:" + first, "-n", "1"}), "zero\n");
  EXPECT_EQ(succeed({"get", "trades", "--from", "time:1h", "--format", "{key}={data}", "-n", "1"}),
            "BTC=zero\n");
  EXPECT_EQ(run({"get", "trades", "--until", "1h"}).status, 3);
  error_of({"get", "trades", "--from", "noon"}, 2);
  error_of({"get", "trades", "--from", "time:noon"}, 2);
  error_of({"get", "trades", "--from", "seq:x"}, 2);
  error_of({"get", "trades", "--shard", "x"}, 2);
  error_of({"get", "trades", "--shard", "7"}, 5);
}

TEST_F(CliStreams, GiveRecordsAsJson) {
  const auto put = json({"put", "trades", "--key", "BTC", "a"}).at(0);
  EXPECT_EQ(put.at("put").to_number<int>(), 1);
  const auto record = json({"get", "trades"}).at(0);
  EXPECT_EQ(text_of(record.at("data")), "a");
  EXPECT_EQ(text_of(record.at("key")), "BTC");
  EXPECT_EQ(text_of(record.at("sequence")), text_of(put.at("last_sequence")));
  EXPECT_EQ(text_of(record.at("shard")), text_of(put.at("last_shard")));
}

TEST_F(CliStreams, TakeLinesWithKeysOfTheirOwn) {
  succeed({"put", "trades", "--keyed"}, "BTC\t7\nETH\t8\t9\n");
  EXPECT_EQ(succeed({"get", "trades", "--format", "{key}:{data}"}), "BTC:7\nETH:8\t9\n");
  const auto refused = error_of({"put", "trades", "--keyed"}, 2, "BTC\t1\nno key\n");
  EXPECT_NE(text_of(refused.at("message")).find("record 2"), std::string::npos);
  EXPECT_EQ(succeed({"get", "trades", "--format", "{data}"}), "7\n8\t9\n1\n");
}

TEST_F(CliStreams, SpreadLinesWithoutKeys) {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += std::to_string(i) + "\n";
  succeed({"put", "trades"}, lines);
  EXPECT_NE(succeed({"get", "trades", "--shard", "0", "-n", "1"}), "");
  EXPECT_NE(succeed({"get", "trades", "--shard", "shardId-000000000001", "-n", "1"}), "");
  EXPECT_EQ(json({"get", "trades"}).size(), 50u);
}

TEST_F(CliStreams, AreSplitAndMerged) {
  put_three();
  EXPECT_EQ(succeed({"stream", "split", "trades", "0"}),
            "split shardId-000000000000 of stream trades: shardId-000000000002 and "
            "shardId-000000000003 in place\n");
  const auto merged = json({"stream", "merge", "trades", "2", "3"}).at(0);
  EXPECT_EQ(text_of(merged.at("shards").at(0)), "shardId-000000000004");
  put_three();
  EXPECT_EQ(succeed({"get", "trades"}), "one\ntwo\nthree\none\ntwo\nthree\n");
  EXPECT_EQ(succeed({"stream", "scale", "trades", "4"}), "stream trades has 4 shards open\n");
  const auto shown = json({"stream", "show", "trades"}).at(0);
  EXPECT_EQ(shown.at("open_shards").to_number<int>(), 4);
  EXPECT_EQ(shown.at("records").to_number<int>(), 6);
  EXPECT_NE(succeed({"stream", "show", "trades"}).find("closed"), std::string::npos);
  error_of({"stream", "split", "trades", "0"}, 1);
  error_of({"stream", "split", "trades", "99"}, 5);
  error_of({"stream", "split", "trades", "x"}, 2);
}

TEST_F(CliStreams, AreFollowedAsRecordsCome) {
  put_three();
  Child tail({"tail", "trades", "--from", "trim", "-n", "4"});
  EXPECT_EQ(tail.read_line(), "one");
  EXPECT_EQ(tail.read_line(), "two");
  EXPECT_EQ(tail.read_line(), "three");
  succeed({"put", "trades", "four", "--key", "BTC"});
  EXPECT_EQ(tail.read_line(), "four");
  EXPECT_EQ(tail.wait().status, 0);
}

TEST_F(CliStreams, AreFollowedUntilCtrlC) {
  put_three();
  Child tail({"--json", "tail", "trades", "--from", "trim"});
  for (int i = 0; i < 3; ++i) tail.read_line();
  tail.send_signal(SIGINT);
  const Outcome outcome = tail.wait();
  EXPECT_EQ(outcome.status, 130);
  const auto summary = boost::json::parse(outcome.err).at("summary");
  EXPECT_EQ(summary.at("read").to_number<int>(), 3);
  EXPECT_TRUE(summary.at("interrupted").as_bool());
}

TEST_F(CliStreams, AreReadByAGroupThatGoesOnWhereItWas) {
  put_three();
  EXPECT_EQ(succeed({"tail", "trades", "--from", "trim", "--group", "audit", "-n", "2"}),
            "one\ntwo\n");
  EXPECT_EQ(succeed({"tail", "trades", "--group", "audit", "-n", "1"}), "three\n");
  const auto group = json({"stream", "show", "trades"}).at(0).at("groups").at(0);
  EXPECT_EQ(text_of(group.at("group")), "audit");
  EXPECT_EQ(group.at("leases").as_array().size(), 2u);
  EXPECT_NE(succeed({"stream", "show", "trades"}).find("audit"), std::string::npos);
}

TEST_F(CliStreams, AreReplayedToAQueueOrToStandardOutput) {
  put_three();
  EXPECT_EQ(succeed({"replay", "trades"}), "one\ntwo\nthree\n");
  EXPECT_EQ(succeed({"replay", "trades", "--speed", "1000x"}), "one\ntwo\nthree\n");
  succeed({"queue", "create", "again"});
  const auto replayed = json({"replay", "trades", "--to", "queue:again"}).at(0);
  EXPECT_EQ(replayed.at("replayed").to_number<int>(), 3);
  EXPECT_EQ(succeed({"receive", "again", "--all"}), "one\ntwo\nthree\n");
  succeed({"queue", "create", "in-order", "--fifo"});
  succeed({"replay", "trades", "--to", "queue:in-order"});
  EXPECT_EQ(succeed({"receive", "in-order", "-n", "3", "--format", "{group} {body}"}),
            "BTC one\nBTC two\nBTC three\n");
  error_of({"replay", "trades", "--to", "nowhere"}, 2);
  error_of({"replay", "trades", "--speed", "fast"}, 2);
  error_of({"replay", "trades", "--to", "queue:none"}, 5);
}

TEST_F(CliStreams, HaveLogsThatAreVerifiedDumpedAndSalvaged) {
  put_three();
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += std::string(1'000, 'x') + "\n";
  succeed({"put", "trades", "--durability", "durable", "--key", "BTC"}, lines);
  const auto whole = json({"log", "verify", "trades"});
  ASSERT_FALSE(whole.empty());
  std::uint64_t records = 0;
  std::string directory;
  for (const auto& each : whole) {
    EXPECT_TRUE(each.at("findings").as_array().empty());
    records += each.at("records").to_number<std::uint64_t>();
    if (each.at("records").to_number<int>() != 0) directory = text_of(each.at("directory"));
  }
  EXPECT_EQ(records, 203u);
  EXPECT_NE(succeed({"log", "verify", directory}).find("203 records of 1 segment, whole"),
            std::string::npos);
  EXPECT_NE(succeed({"log", "dump", "trades", "-n", "1"}).find("BTC  one"), std::string::npos);
  EXPECT_EQ(text_of(json({"log", "dump", directory, "-n", "2"}).at(1).at("data")), "two");
  EXPECT_NE(succeed({"log", "salvage", directory}).find("nothing to do"), std::string::npos);

  std::string segment;
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    if (each.path().extension() == ".segment") segment = each.path();
  }
  std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100'000);
  file.write("damage", 6);
  file.close();
  const Outcome damaged = run({"log", "verify", "trades"});
  EXPECT_EQ(damaged.status, 6) << damaged.out << damaged.err;
  EXPECT_NE(damaged.err.find("ringpost log salvage trades"), std::string::npos);
  EXPECT_NE(succeed({"log", "salvage", "trades"}).find("lost"), std::string::npos);
  const auto after = json({"log", "verify", directory}).at(0);
  EXPECT_TRUE(after.at("findings").as_array().empty());
  EXPECT_EQ(after.at("lost_before").as_array().size(), 1u);
  EXPECT_LT(after.at("records").to_number<int>(), 203);
  error_of({"log", "verify", "nosuch"}, 5);
}

TEST_F(CliStreams, AreCountedInRecords) {
  EXPECT_NE(run({"put", "trades", "--key", "BTC"}, "one\n").err.find("put 1 record "),
            std::string::npos);
  const Outcome replayed = run({"replay", "trades"});
  EXPECT_NE(replayed.err.find("replayed 1 record "), std::string::npos) << replayed.err;
}

TEST_F(CliStreams, AreNamedWithTheirLogsByStatAndDoctor) {
  succeed({"stream", "create", "ticks", "--storage", "memory", "--shards", "1"});
  put_three();
  const auto stats = json({"stat", "--streams", "trades"}).at(0);
  EXPECT_EQ(text_of(stats.at("stream")), "trades");
  EXPECT_EQ(stats.at("records").to_number<int>(), 3);
  EXPECT_EQ(stats.at("shards").as_array().size(), 2u);
  EXPECT_EQ(stats.at("shards").at(0).at("log_errno").to_number<int>(), 0);
  EXPECT_TRUE(stats.at("shards").at(0).at("writer_pid").is_null());
  const std::string table = succeed({"stat", "--streams"});
  EXPECT_NE(table.find("whoever waits"), std::string::npos) << table;
  EXPECT_NE(table.find("ticks"), std::string::npos) << table;
  EXPECT_EQ(json({"stat", "--streams"}).size(), 2u);
  error_of({"stat", "--streams", "--topics"}, 2);
  EXPECT_NE(succeed({"doctor"}).find(", 2 streams, "), std::string::npos);
  EXPECT_EQ(json({"doctor"}).at(0).at("streams_checked").to_number<int>(), 2);
}

TEST_F(CliStreams, HaveLogsThatAreRecovered) {
  EXPECT_EQ(succeed({"log", "recover", "trades"}), "no log of stream trades has failed\n");
  EXPECT_TRUE(json({"log", "recover", "trades"}).empty());
  succeed({"stream", "create", "ticks", "--storage", "memory", "--shards", "1"});
  error_of({"log", "recover", "ticks"}, 2);
  error_of({"log", "recover", "nosuch"}, 5);
}

TEST_F(CliStreams, SayIfAFileOfTheirLogIsMissing) {
  succeed({"stream", "create", "long", "--shards", "1", "--segment-bytes", "1MiB",
           "--record-bytes-max", "100KiB"});
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += std::string(50'000, 'x') + "\n";
  succeed({"put", "long", "--key", "a"}, lines);
  const std::string directory = text_of(json({"log", "verify", "long"}).at(0).at("directory"));
  std::vector<std::string> segments;
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    if (each.path().extension() == ".segment") segments.push_back(each.path());
  }
  ASSERT_GT(segments.size(), 2u);
  std::filesystem::remove(*std::min_element(segments.begin(), segments.end()));
  const Outcome verified = run({"log", "verify", "long"});
  EXPECT_EQ(verified.status, 6);
  EXPECT_NE(verified.out.find("missing segment"), std::string::npos) << verified.out;
  const Outcome doctor = run({"doctor"});
  EXPECT_NE(doctor.out.find("its log has lost positions"), std::string::npos) << doctor.out;
  EXPECT_NE(run({"get", "long"}).status, 0);
}

TEST_F(CliStreams, DumpOfANewLogMissesNothing) {
  succeed({"stream", "create", "fresh", "--shards", "1"});
  succeed({"put", "fresh", "--key", "a", "one"});
  const Outcome outcome = run({"log", "dump", "fresh"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("a  one"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace ringpost::cli_test
