// ringpost watch: files that come and go, as messages in the queues that asked for them.
#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class CliWatch : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    in_ = directory_ / "in";
    std::filesystem::create_directory(in_);
    succeed({"queue", "create", "all", "big"});
    succeed({"topic", "create", "files"});
    succeed({"subscribe", "files", "all"});
  }
  /// A file below the watched directory, which is closed when this returns.
  void write(const std::string& key, const std::string& bytes) const {
    EXPECT_EQ(file("in/" + key, bytes), in_ / key);
  }
  /// The next document in the queue; waits for it.
  static boost::json::value next(const std::string& queue) {
    const std::string body = succeed({"receive", queue, "--wait", "1m"});
    return boost::json::parse(body).at("Records").at(0);
  }
  static std::string name_and_key(const boost::json::value& record) {
    return text_of(record.at("eventName")) + " " + text_of(record.at("s3").at("object").at("key"));
  }

  std::filesystem::path in_;
};

TEST_F(CliWatch, PublishesChangesToEachQueueThatAskedForThem) {
  succeed({"subscribe", "files", "big", "--filter", R"({"size": [{"numeric": [">=", 1000]}]})"});
  succeed({"queue", "create", "removed"});
  succeed({"subscribe", "files", "removed", "--filter-on", "body", "--filter",
           R"({"Records": {"eventName": [{"prefix": "ObjectRemoved:"}]}})"});
  Child watch({"watch", in_, "--topic", "files", "--etag"});
  EXPECT_NE(watch.read_line().find("watching"), std::string::npos);
  write("a b.txt", "hello");
  write("large", std::string(1000, 'x'));
  std::filesystem::remove(in_ / "a b.txt");
  const auto record = next("all");
  EXPECT_EQ(name_and_key(record), "ObjectCreated:Put a+b.txt");
  EXPECT_EQ(text_of(record.at("s3").at("bucket").at("name")), "in");
  EXPECT_EQ(name_and_key(next("all")), "ObjectCreated:Put large");
  EXPECT_EQ(name_and_key(next("all")), "ObjectRemoved:Delete a+b.txt");
  const auto large = next("big").at("s3").at("object");
  EXPECT_EQ(large.at("size").to_number<int>(), 1000);
  EXPECT_EQ(text_of(large.at("eTag")), "398533d48111e9f664b1f64cb10c4b63");
  EXPECT_EQ(name_and_key(next("removed")), "ObjectRemoved:Delete a+b.txt");
  watch.send_signal(SIGINT);
  const Outcome end = watch.wait();
  EXPECT_EQ(end.status, 130);
  EXPECT_NE(end.err.find("2 created, 0 written, 1 removed; 5 delivered"), std::string::npos)
      << end.err;
}

TEST_F(CliWatch, WatchesNewDirectoriesAndTellsAsJson) {
  Child watch({"--json", "watch", in_, "-t", "files", "-r", "--events", "created,removed",
               "--suffix", ".csv", "--bucket", "inbox"});
  const auto begin = boost::json::parse(watch.read_line());
  EXPECT_EQ(text_of(begin.at("event")), "watching");
  EXPECT_EQ(begin.at("directories_watched").to_number<int>(), 1);
  std::filesystem::create_directories(in_ / "2026/08");
  write("2026/08/a.csv", "1");
  write("2026/08/b.txt", "1");
  const auto told = boost::json::parse(watch.read_line());
  EXPECT_EQ(text_of(told.at("event")), "created");
  EXPECT_EQ(text_of(told.at("bucket")), "inbox");
  EXPECT_EQ(text_of(told.at("key")), "2026/08/a.csv");
  EXPECT_EQ(told.at("delivered").to_number<int>(), 1);
  EXPECT_EQ(name_and_key(next("all")), "ObjectCreated:Put 2026/08/a.csv");
  watch.send_signal(SIGTERM);
  const Outcome end = watch.wait();
  EXPECT_EQ(end.status, 143);
  EXPECT_EQ(boost::json::parse(end.err).at("summary").at("written").to_number<int>(), 0);
}

TEST_F(CliWatch, FindsWhatHappenedWhileItStoodStill) {
  Child watch({"--json", "watch", in_, "--topic", "files"});
  watch.read_line();
  watch.send_signal(SIGSTOP);
  write("a", "1");
  write("b", "1");
  std::filesystem::remove(in_ / "b");
  watch.send_signal(SIGCONT);
  EXPECT_EQ(name_and_key(next("all")), "ObjectCreated:Put a");
  EXPECT_EQ(name_and_key(next("all")), "ObjectCreated:Put b");
  EXPECT_EQ(name_and_key(next("all")), "ObjectRemoved:Delete b");
}

TEST_F(CliWatch, WaitsForAQueueThatMustNotMissAnything) {
  succeed({"queue", "create", "small", "--slots", "64", "--fixed"});
  succeed({"subscribe", "files", "small", "--when-full", "fail"});
  succeed({"unsubscribe", "files", "all"});
  succeed({"send", "small"}, numbers(64));
  Child watch({"watch", in_, "--topic", "files"});
  watch.read_line();
  write("a", "1");
  EXPECT_EQ(watch.read_error_line(), "topic files: a queue is full; waiting for room");
  succeed({"receive", "small", "-n", "64"});
  EXPECT_EQ(watch.read_line(), "created  in/a  1 queue");
  EXPECT_EQ(name_and_key(next("small")), "ObjectCreated:Put a");
}

TEST_F(CliWatch, EndsWhenTheDirectoryIsGone) {
  Child watch({"watch", in_, "--topic", "files"});
  watch.read_line();
  std::filesystem::remove(in_);
  const Outcome end = watch.wait();
  EXPECT_EQ(end.status, 5);
  EXPECT_NE(end.err.find("is gone"), std::string::npos) << end.err;
}

TEST_F(CliWatch, SaysWhatItCannotWatch) {
  EXPECT_EQ(text_of(error_of({"watch", directory_ / "nosuch", "-t", "files"}, 5).at("code")),
            "File");
  EXPECT_EQ(text_of(error_of({"watch", in_, "-t", "nosuch"}, 5).at("code")), "NotFound");
  EXPECT_EQ(text_of(error_of({"watch", in_, in_, "-t", "files"}, 2).at("code")), "Usage");
  EXPECT_EQ(text_of(error_of({"watch", in_, "-t", "files", "--events", "x"}, 2).at("code")),
            "Usage");
}

}  // namespace
}  // namespace ringpost::cli_test
