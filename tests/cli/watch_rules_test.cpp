// Event documents of ringpost watch, and which changes of files it tells.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event_document.hpp"
#include "file_watch.hpp"

namespace ringpost::cli {
namespace {

FileFacts facts_of_a_file() {
  return {.change = FileChange::kCreated,
          .bucket = "in",
          .key = "a/red flower+1.jpg",
          .size = 12,
          .etag = "",
          .time = "2026-08-01T12:34:56.789Z",
          .sequencer = 0xabc};
}

TEST(EventDocument, IsARecordAsS3SendsIt) {
  EXPECT_EQ(event_document(facts_of_a_file()),
            R"({"Records":[{"eventVersion":"2.1","eventSource":"ringpost:watch",)"
            R"("awsRegion":"us-east-1","eventTime":"2026-08-01T12:34:56.789Z",)"
            R"("eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0",)"
            R"("configurationId":"created","bucket":{"name":"in","arn":"arn:aws:s3:::in"},)"
            R"("object":{"key":"a/red+flower%2B1.jpg","size":12,)"
            R"("sequencer":"0000000000000ABC"}}}]})");
}

TEST(EventDocument, OfARemovedFileHasNoSize) {
  FileFacts facts = facts_of_a_file();
  facts.change = FileChange::kRemoved;
  facts.size.reset();
  const std::string document = event_document(facts);
  EXPECT_NE(document.find(R"("eventName":"ObjectRemoved:Delete")"), std::string::npos);
  EXPECT_EQ(document.find("size"), std::string::npos);
}

TEST(EventDocument, HasTheDigestIfThereIsOne) {
  FileFacts facts = facts_of_a_file();
  facts.etag = "d41d8cd98f00b204e9800998ecf8427e";
  EXPECT_NE(event_document(facts).find(R"("eTag":"d41d8cd98f00b204e9800998ecf8427e")"),
            std::string::npos);
}

TEST(EventDocument, EncodesBytesThatAreNoText) {
  EXPECT_EQ(url_encoded("\xff\n%/ö*-_."), "%FF%0A%25/%C3%B6*-_.");
  FileFacts facts = facts_of_a_file();
  facts.bucket = "\xff";
  EXPECT_NE(event_document(facts).find(R"("name":"%FF")"), std::string::npos);
}

TEST(EventDocument, AttributesSayWhatFiltersAskFor) {
  const EventAttributes attributes(facts_of_a_file());
  std::string all;
  for (const Attribute& each : attributes.list()) {
    all +=
        std::string(each.name) + ":" + std::string(each.type) + "=" + std::string(each.value) + ";";
  }
  EXPECT_EQ(all,
            "eventName:String=ObjectCreated:Put;bucket:String=in;key:String=a/red flower+1.jpg;"
            "change:String=created;size:Number=12;");
}

/// A directory of its own, and a clock that is ahead of the files' by what the test says.
class FileWatching : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/dev/shm/ringpost-watch-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) FAIL() << "no directory in /dev/shm";
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void start(FileWatchOptions options = {}) {
    watch_ = std::make_unique<FileWatch>(
        std::vector<std::string>{directory_}, std::move(options), [this] {
          timespec now{};
          clock_gettime(CLOCK_REALTIME, &now);
          return now.tv_sec * 1'000'000'000 + now.tv_nsec + ahead_ns_;
        });
  }
  void write(const std::string& key, const std::string& bytes) const {
    std::ofstream(directory_ / key, std::ios::binary) << bytes;
  }
  /// "created a 1; removed b; "
  std::string changes() {
    last_ = watch_->look();
    std::string all;
    for (const FileEvent& each : last_.events) {
      all += std::string(name_of(each.change)) + " " + each.key;
      if (each.size) all += " " + std::to_string(*each.size);
      all += "; ";
    }
    return all;
  }

  std::filesystem::path directory_;
  std::unique_ptr<FileWatch> watch_;
  std::int64_t ahead_ns_ = 0;
  FileLook last_;
};

TEST_F(FileWatching, TellsAFileWhenItIsComplete) {
  start();
  std::ofstream file(directory_ / "a", std::ios::binary);
  file << "12" << std::flush;
  EXPECT_EQ(changes(), "");
  file << "345" << std::flush;
  EXPECT_EQ(changes(), "");
  file.close();
  EXPECT_EQ(changes(), "created a 5; ");
  write("a", "123");
  EXPECT_EQ(changes(), "written a 3; ");
  std::filesystem::remove(directory_ / "a");
  EXPECT_EQ(changes(), "removed a; ");
}

TEST_F(FileWatching, TellsMovesIntoOutOfAndWithinTheDirectory) {
  std::filesystem::create_directory(directory_ / "elsewhere");
  write("elsewhere/a", "1");
  start();
  std::filesystem::rename(directory_ / "elsewhere/a", directory_ / "a");
  EXPECT_EQ(changes(), "created a 1; ");
  std::filesystem::rename(directory_ / "a", directory_ / "b");
  EXPECT_EQ(changes(), "removed a; created b 1; ");
  std::filesystem::rename(directory_ / "b", directory_ / "elsewhere/b");
  EXPECT_EQ(changes(), "removed b; ");
}

TEST_F(FileWatching, TellsAFileThatReplacesAnotherAsWritten) {
  write("a", "1");
  start();
  write("new", "12");
  std::filesystem::rename(directory_ / "new", directory_ / "a");
  EXPECT_EQ(changes(), "created new; removed new; written a 2; ");
}

TEST_F(FileWatching, TellsFilesThatGetTheirNameByALink) {
  write("a", "1");
  start();
  std::filesystem::create_hard_link(directory_ / "a", directory_ / "b");
  EXPECT_EQ(changes(), "created b 1; ");
  const int nameless = open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(nameless, 0);
  ASSERT_EQ(::write(nameless, "123", 3), 3);
  const std::string source = "/proc/self/fd/" + std::to_string(nameless);
  ASSERT_EQ(
      linkat(AT_FDCWD, source.c_str(), AT_FDCWD, (directory_ / "c").c_str(), AT_SYMLINK_FOLLOW), 0);
  EXPECT_EQ(changes(), "");
  close(nameless);
  EXPECT_EQ(changes(), "created c 3; ");
}

TEST_F(FileWatching, TellsNothingOfWhatIsNoFile) {
  start({.recursive = true});
  std::filesystem::create_symlink("/etc/passwd", directory_ / "link");
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(directory_ / "below");
  std::filesystem::remove(directory_ / "below");
  EXPECT_EQ(changes(), "");
}

TEST_F(FileWatching, TellsNothingOfAFileThatWasOpenedAndNotChanged) {
  start();
  write("a", "1");
  EXPECT_EQ(changes(), "created a 1; ");
  ahead_ns_ += 1'000'000'000;
  EXPECT_EQ(changes(), "");
  close(open((directory_ / "a").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(changes(), "");
}

TEST_F(FileWatching, KnowsWhatWasThereAtTheStart) {
  write("old", "1");
  start();
  EXPECT_EQ(changes(), "");
  write("old", "12");
  EXPECT_EQ(changes(), "written old 2; ");
}

TEST_F(FileWatching, TellsExistingFilesOnRequest) {
  write("old", "1");
  ahead_ns_ = FileWatch::kQuietNs;
  start({.existing = true});
  EXPECT_EQ(changes(), "created old 1; ");
  EXPECT_EQ(changes(), "");
}

TEST_F(FileWatching, WaitsForExistingFilesThatMayBeBeingWritten) {
  write("young", "1");
  start({.existing = true});
  EXPECT_EQ(changes(), "");
  EXPECT_TRUE(watch_->has_found_files());
  ahead_ns_ = FileWatch::kQuietNs;
  EXPECT_EQ(changes(), "created young 1; ");
  EXPECT_FALSE(watch_->has_found_files());
}

TEST_F(FileWatching, LooksIntoNewDirectories) {
  start({.recursive = true});
  std::filesystem::create_directories(directory_ / "a/b");
  write("a/b/before", "1");
  EXPECT_EQ(changes(), "") << "found, and young";
  write("a/b/after", "12");
  EXPECT_EQ(changes(), "created a/b/after 2; ");
  ahead_ns_ = FileWatch::kQuietNs;
  EXPECT_EQ(changes(), "created a/b/before 1; ");
  std::filesystem::rename(directory_ / "a/b", directory_ / "c");
  EXPECT_EQ(changes(),
            "removed a/b/after; removed a/b/before; created c/after 2; created c/before 1; ");
  write("c/late", "1");
  EXPECT_EQ(changes(), "created c/late 1; ");
  std::filesystem::remove_all(directory_ / "c");
  EXPECT_EQ(watch_->files_known(), 3u);
  const std::string gone = changes();
  EXPECT_NE(gone.find("removed c/late; "), std::string::npos) << gone;
  EXPECT_EQ(watch_->files_known(), 0u);
  EXPECT_EQ(watch_->directories_watched(), 2u);
}

TEST_F(FileWatching, LooksAtPrefixAndSuffixOfThePathBelow) {
  std::filesystem::create_directories(directory_ / "in/x");
  std::filesystem::create_directories(directory_ / "out");
  start({.recursive = true, .prefix = "in/", .suffix = ".csv"});
  EXPECT_EQ(watch_->directories_watched(), 3u) << "not the one that can hold nothing of it";
  write("in/a.csv", "1");
  write("in/b.txt", "1");
  write("out/a.csv", "1");
  write("in/x/c.csv", "1");
  EXPECT_EQ(changes(), "created in/a.csv 1; created in/x/c.csv 1; ");
}

TEST_F(FileWatching, FindsEverythingAgainWhenTheKernelDroppedEvents) {
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  std::size_t most = 0;
  if (!(limit >> most) || most > 50'000) GTEST_SKIP() << "the queue of events is too long to fill";
  std::filesystem::create_directory(directory_ / "below");
  write("gone", "1");
  write("changed", "1");
  write("same", "1");
  ahead_ns_ = FileWatch::kQuietNs;
  start({.recursive = true});
  for (std::size_t i = 0; i <= most / 2; ++i) {  // each is created and closed
    write("many", "");
    std::filesystem::remove(directory_ / "many");
  }
  std::filesystem::remove(directory_ / "gone");
  write("changed", "12");
  write("below/new", "1");
  std::filesystem::create_directory(directory_ / "later");
  write("later/new", "1");
  std::string all;
  bool lost = false;
  for (std::string some = changes(); !some.empty() || !last_.lost_events; some = changes()) {
    lost |= last_.lost_events;
    if (lost && some.empty()) break;
    for (std::size_t at = some.find("many"); at != std::string::npos; at = some.find("many")) {
      const std::size_t begin = at - std::string("created ").size();
      some.erase(begin, some.find("; ", at) + 2 - begin);
    }
    all += some;
  }
  EXPECT_TRUE(lost);
  EXPECT_EQ(all, "created below/new 1; written changed 2; created later/new 1; removed gone; ");
  write("later/more", "1");
  EXPECT_EQ(changes(), "created later/more 1; ");
}

TEST_F(FileWatching, SaysThatTheDirectoryIsGone) {
  std::filesystem::create_directory(directory_ / "root");
  write("root/a", "1");
  directory_ /= "root";
  start({.existing = true});
  ahead_ns_ = FileWatch::kQuietNs;
  EXPECT_EQ(changes(), "created a 1; ");
  std::filesystem::rename(directory_, directory_.parent_path() / "moved");
  EXPECT_EQ(changes(), "removed a; ");
  EXPECT_EQ(last_.roots_gone, std::vector<std::size_t>{0});
  directory_ = directory_.parent_path();
}

TEST_F(FileWatching, RefusesADirectoryThatIsNotThere) {
  directory_ /= "nosuch";
  EXPECT_THROW(start(), std::system_error);
  directory_ = directory_.parent_path();
}

}  // namespace
}  // namespace ringpost::cli
