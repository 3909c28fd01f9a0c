// Files that are not what they must be: each has a defined result.
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "queue/queue_layout.hpp"
#include "ring/layout.hpp"
#include "shm/bus_layout.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

class UnsafeFiles : public ::testing::Test {
 protected:
  UnsafeFiles() {
    Bus bus = Bus::open("b", options_).value();
    Queue queue = bus.queue("q").value();
    EXPECT_TRUE(queue.send("x"));
  }
  [[nodiscard]] Errc open_bus() { return code_of(Bus::open("b", options_)); }
  [[nodiscard]] Errc open_queue() {
    Bus bus = Bus::open("b", options_).value();
    return code_of(bus.open_queue("q"));
  }
  [[nodiscard]] std::string path(const std::string& file = {}) const {
    return scratch_.path("shm/b") + (file.empty() ? "" : "/" + file);
  }
  [[nodiscard]] std::string ring() const { return only_file_in(path("rings")); }
  void replace_by_link(const std::string& file) {
    const std::string target = scratch_.path("target");
    ASSERT_EQ(::rename(path(file).c_str(), target.c_str()), 0);
    ASSERT_EQ(::symlink(target.c_str(), path(file).c_str()), 0);
  }

  const rig::Scratch scratch_;
  const BusOptions options_{.shm_dir = scratch_.path("shm")};
};

TEST_F(UnsafeFiles, AnOlderFormatIsRefusedByName) {
  --RawFile(path("bus")).at<std::uint32_t>(offsetof(shm::BusHeader, format));
  const auto refused = Bus::open("b", options_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kOlderFormat);
  EXPECT_NE(std::string(refused.error().what).find("format 1"), std::string::npos);
}

TEST_F(UnsafeFiles, ANewerFormatIsRefusedByName) {
  ++RawFile(path("bus")).at<std::uint32_t>(offsetof(shm::BusHeader, format));
  EXPECT_EQ(open_bus(), Errc::kNewerFormat);
}

TEST_F(UnsafeFiles, AQueueOfAnotherFormatIsRefusedAndTheRestOfTheBusWorks) {
  ++RawFile(path("queues/q")).at<std::uint32_t>(offsetof(queue::QueueHeader, format));
  EXPECT_EQ(open_queue(), Errc::kNewerFormat);
  Bus bus = Bus::open("b", options_).value();
  EXPECT_EQ(code_of(bus.queue("q")), Errc::kNewerFormat);
  Queue other = bus.queue("other").value();
  EXPECT_TRUE(other.send("x"));
}

TEST_F(UnsafeFiles, AFileOfSomethingElseIsNoBus) {
  std::ofstream(path("bus")) << std::string(1u << 20, 'x');
  EXPECT_EQ(open_bus(), Errc::kWrongFormat);
}

TEST_F(UnsafeFiles, AHalfWrittenFileIsRefused) {
  for (const off_t bytes : {0, 1, 100, 4096, 5000}) {
    ASSERT_EQ(::truncate(path("bus").c_str(), bytes), 0);
    EXPECT_EQ(open_bus(), Errc::kWrongFormat) << bytes;
  }
}

TEST_F(UnsafeFiles, AFileThatWasNeverFinishedIsRefused) {
  RawFile(path("bus")).word(offsetof(shm::BusHeader, magic)) = 0;  // the magic is written last
  EXPECT_EQ(open_bus(), Errc::kWrongFormat);
}

TEST_F(UnsafeFiles, ABusFileThatIsShorterThanItsTableIsCorrupt) {
  RawFile(path("bus")).at<std::uint32_t>(offsetof(shm::BusHeader, participants_max)) = 16'000;
  EXPECT_EQ(open_bus(), Errc::kCorrupt);
  RawFile(path("bus")).at<std::uint32_t>(offsetof(shm::BusHeader, participants_max)) = 1u << 30;
  EXPECT_EQ(open_bus(), Errc::kCorrupt);
}

TEST_F(UnsafeFiles, AQueueFileThatIsTooShortIsRefused) {
  const off_t almost = static_cast<off_t>(queue::kQueueFileBytes) - 1;
  for (const off_t bytes : {off_t{0}, off_t{100}, off_t{4096}, almost}) {
    ASSERT_EQ(::truncate(path("queues/q").c_str(), bytes), 0);
    EXPECT_EQ(open_queue(), Errc::kWrongFormat) << bytes;
  }
}

TEST_F(UnsafeFiles, AQueueOfImpossibleGeometryIsCorrupt) {
  const std::pair<std::size_t, std::uint32_t> cases[] = {
      {offsetof(queue::QueueHeader, stride), 0},
      {offsetof(queue::QueueHeader, stride), 100},
      {offsetof(queue::QueueHeader, stride), 1u << 20},
      {offsetof(queue::QueueHeader, slots), 0},
      {offsetof(queue::QueueHeader, slots), 1000},
      {offsetof(queue::QueueHeader, slots), 1u << 30},
  };
  for (const auto& [offset, value] : cases) {
    RawFile file(path("queues/q"));
    const std::uint32_t before = std::exchange(file.at<std::uint32_t>(offset), value);
    EXPECT_EQ(open_queue(), Errc::kCorrupt) << offset << " " << value;
    file.at<std::uint32_t>(offset) = before;
  }
  EXPECT_EQ(open_queue(), Errc::kOk);
}

TEST_F(UnsafeFiles, AQueueWhoseRingIsNotRightIsCorrupt) {
  const std::string file = ring();
  RawFile(file).word(offsetof(ring::RingHeader, ring_id)) ^= 1;
  EXPECT_EQ(open_queue(), Errc::kCorrupt);
  RawFile(file).word(offsetof(ring::RingHeader, ring_id)) ^= 1;
  EXPECT_EQ(open_queue(), Errc::kOk);
  RawFile(file).at<std::uint32_t>(offsetof(ring::RingHeader, slots_log2)) = 20;
  EXPECT_EQ(open_queue(), Errc::kCorrupt);
  ASSERT_EQ(::truncate(file.c_str(), 8192), 0);
  EXPECT_EQ(open_queue(), Errc::kCorrupt);
  ASSERT_EQ(::unlink(file.c_str()), 0);
  EXPECT_EQ(open_queue(), Errc::kCorrupt);
}

TEST_F(UnsafeFiles, AQueueThatIsDamagedCanBeDeleted) {
  ASSERT_EQ(::unlink(ring().c_str()), 0);
  Bus bus = Bus::open("b", options_).value();
  EXPECT_TRUE(bus.delete_queue("q"));
  EXPECT_TRUE(bus.queue("q"));
}

TEST_F(UnsafeFiles, AQueueFileThatIsNoneCanBeDeleted) {
  std::ofstream(path("queues/q"), std::ios::trunc) << "nonsense";
  Bus bus = Bus::open("b", options_).value();
  EXPECT_EQ(code_of(bus.open_queue("q")), Errc::kWrongFormat);
  EXPECT_TRUE(bus.delete_queue("q"));
  EXPECT_TRUE(bus.queue("q"));
}

TEST_F(UnsafeFiles, AnotherTimeNamespaceIsRefused) {
  RawFile(path("bus")).word(offsetof(shm::BusHeader, time_namespace)) ^= 1;
  EXPECT_EQ(open_bus(), Errc::kOtherTimeNamespace);
}

TEST_F(UnsafeFiles, SymbolicLinksAreNotFollowed) {
  replace_by_link("bus");
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
}

TEST_F(UnsafeFiles, ASymbolicLinkInPlaceOfADirectoryIsNotFollowed) {
  replace_by_link("queues");
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
}

TEST_F(UnsafeFiles, ASymbolicLinkInPlaceOfTheBusIsNotFollowed) {
  const std::string target = scratch_.path("target");
  ASSERT_EQ(::rename(path().c_str(), target.c_str()), 0);
  ASSERT_EQ(::symlink(target.c_str(), path().c_str()), 0);
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
}

TEST_F(UnsafeFiles, ASymbolicLinkInPlaceOfAQueueIsNotFollowed) {
  replace_by_link("queues/q");
  EXPECT_EQ(open_queue(), Errc::kUnsafeFile);
}

TEST_F(UnsafeFiles, ASymbolicLinkInPlaceOfARingIsNotFollowed) {
  replace_by_link("rings/" + files_in(path("rings")).front());
  EXPECT_EQ(open_queue(), Errc::kCorrupt);
}

TEST_F(UnsafeFiles, SpecialFilesAreRefusedWithoutWaitingOnThem) {
  ASSERT_EQ(::unlink(path("bus").c_str()), 0);
  ASSERT_EQ(::mkfifo(path("bus").c_str(), 0600), 0);
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
  ASSERT_EQ(::unlink(path("bus").c_str()), 0);
  ASSERT_EQ(::mkdir(path("bus").c_str(), 0700), 0);
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
  ASSERT_EQ(::rmdir(path("bus").c_str()), 0);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path("bus").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
  ::close(listener);
}

TEST_F(UnsafeFiles, WhatEverybodyMayWriteIsRefused) {
  ASSERT_EQ(::chmod(path().c_str(), 0702), 0);
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
  ASSERT_EQ(::chmod(path().c_str(), 0700), 0);
  ASSERT_EQ(::chmod(path("bus").c_str(), 0606), 0);
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
  ASSERT_EQ(::chmod(path("bus").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(path("queues/q").c_str(), 0606), 0);
  EXPECT_EQ(open_queue(), Errc::kUnsafeFile);
  ASSERT_EQ(::chmod(path("queues/q").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(scratch_.path("shm").c_str(), 0777), 0);  // and not sticky
  EXPECT_EQ(open_bus(), Errc::kUnsafeFile);
  ASSERT_EQ(::chmod(scratch_.path("shm").c_str(), 01777), 0);
  EXPECT_EQ(open_queue(), Errc::kOk);
}

class OtherUsers : public UnsafeFiles {
 protected:
  static constexpr uid_t kOther = 54'321;
  static constexpr gid_t kGroup = 54'322;
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may give files to another user";
    ASSERT_EQ(::chmod(scratch_.directory().c_str(), 0755), 0);
  }
  /// What another user, a member of kGroup, gets.
  template <class Call>
  [[nodiscard]] std::string as_other(Call&& call) {
    Child child([&](const Line& line) {
      require(::setgroups(0, nullptr) == 0 && ::setgid(kGroup) == 0 && ::setuid(kOther) == 0,
              "become");
      line.tell(name(call()));
    });
    return child.hear();
  }
};

TEST_F(OtherUsers, TheirDirectoryIsRefused) {
  ASSERT_EQ(::chown(path().c_str(), kOther, 0), 0);
  EXPECT_EQ(open_bus(), Errc::kForeignOwner);
}

TEST_F(OtherUsers, TheirFilesAreRefused) {
  ASSERT_EQ(::chown(path("bus").c_str(), kOther, 0), 0);
  EXPECT_EQ(open_bus(), Errc::kForeignOwner);
  ASSERT_EQ(::chown(path("bus").c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(path("queues/q").c_str(), kOther, 0), 0);
  EXPECT_EQ(open_queue(), Errc::kForeignOwner);
  ASSERT_EQ(::chown(path("queues/q").c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(ring().c_str(), kOther, 0), 0);
  EXPECT_EQ(open_queue(), Errc::kCorrupt);
}

TEST_F(OtherUsers, TheyAreKeptOutOfAPrivateBus) {
  EXPECT_EQ(as_other([&] { return open_bus(); }), "Permission");
}

TEST_F(OtherUsers, TheyMayUseABusOfTheirGroup) {
  const BusOptions shared{.mode = 0770, .shm_dir = scratch_.path("shm")};
  Bus bus = Bus::open("shared", shared).value();
  for (const char* part : {"", "/queues", "/rings", "/topics", "/streams", "/journals", "/arena",
                           "/tags", "/tmp", "/bus"}) {
    ASSERT_EQ(::chown((bus.directory() + part).c_str(), 0, kGroup), 0);
  }
  Queue queue = bus.queue("q").value();
  ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
  EXPECT_EQ(as_other([&] {
              Bus theirs = Bus::open("shared", shared).value();
              Queue same = theirs.open_queue("q").value();
              if (drain(same).size() != 1) return Errc::kEmpty;
              return code_of(theirs.queue("theirs").value().send("y"));
            }),
            "Ok");
  Queue theirs = bus.open_queue("theirs").value();
  EXPECT_EQ(drain(theirs), std::vector<std::string>{"y"});
  EXPECT_EQ(examine(bus).findings.size(), 0u);
}

}  // namespace
}  // namespace ringpost::test
