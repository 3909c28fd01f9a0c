// Opening, listing, cloning and removing buses.
#include "ringpost/bus.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <set>

#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777u;
}

TEST(OpenBus, CreatesIt) {
  const rig::Scratch scratch;
  const auto bus = Bus::open("fresh", {.shm_dir = scratch.path("shm")});
  ASSERT_TRUE(bus) << bus.error().what;
  EXPECT_EQ(bus->name(), "fresh");
  EXPECT_EQ(bus->directory(), scratch.path("shm/fresh"));
  EXPECT_EQ(examine(*bus).findings.size(), 0u);
}

TEST(OpenBus, CreatesNothingWhenItIsOnlyToOpen) {
  const rig::Scratch scratch;
  const BusOptions only_open{.create = false, .shm_dir = scratch.path("shm")};
  EXPECT_EQ(code_of(Bus::open("fresh", only_open)), Errc::kNotFound);
  EXPECT_TRUE(files_in(scratch.directory()).empty());
  ASSERT_TRUE(Bus::open("other", {.shm_dir = scratch.path("shm")}));
  EXPECT_EQ(code_of(Bus::open("fresh", only_open)), Errc::kNotFound);
  EXPECT_TRUE(Bus::open("other", only_open));
  EXPECT_EQ(files_in(scratch.path("shm")), std::vector<std::string>{"other"});
}

TEST(OpenBus, GivesTheDirectoryTheModeThatWasAskedForWhateverTheUmask) {
  const rig::Scratch scratch;
  const mode_t before = ::umask(0077);
  for (const unsigned mode : {0700u, 0750u, 0770u}) {
    const std::string name = "mode" + std::to_string(mode);
    ASSERT_TRUE(Bus::open(name, {.mode = mode, .shm_dir = scratch.path("shm")}));
    EXPECT_EQ(mode_of(scratch.path("shm/" + name)), mode);
    EXPECT_EQ(mode_of(scratch.path("shm/" + name + "/queues")), mode);
    EXPECT_EQ(mode_of(scratch.path("shm/" + name + "/bus")), mode == 0770 ? 0660u : 0600u);
  }
  ::umask(before);
}

TEST(OpenBus, RefusesOptionsBeyondTheirLimits) {
  const rig::Scratch scratch;
  const std::string shm_dir = scratch.path("shm");
  for (const std::uint32_t participants : {0u, 1u, 16'384u}) {
    EXPECT_EQ(code_of(Bus::open("b", {.participants_max = participants, .shm_dir = shm_dir})),
              Errc::kInvalidArgument);
  }
  for (const std::uint32_t mode : {0u, 0600u, 0777u, 0755u, 01770u, 0707u}) {
    EXPECT_EQ(code_of(Bus::open("b", {.mode = mode, .shm_dir = shm_dir})), Errc::kInvalidArgument);
  }
  for (const std::string& bad : {std::string(), std::string("a/b"), std::string(".."),
                                 std::string("a.b"), std::string(81, 'n')}) {
    EXPECT_EQ(code_of(Bus::open(bad, {.shm_dir = shm_dir})), Errc::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(files_in(scratch.directory()).empty());
  EXPECT_TRUE(Bus::open(std::string(80, 'n'), {.shm_dir = shm_dir}));
}

TEST(OpenBus, TakesTheDirectoryFromTheEnvironment) {
  const rig::Scratch scratch;
  EXPECT_EQ(in_child([&] {
              ::setenv("RINGPOST_SHM_DIR", scratch.path("elsewhere").c_str(), 1);
              const auto bus = Bus::open("b");
              require(bool{bus}, "open");
              require(bus->directory() == scratch.path("elsewhere/b"), "directory");
            }),
            0);
  EXPECT_EQ(files_in(scratch.path("elsewhere")), std::vector<std::string>{"b"});
}

TEST(OpenBus, SaysNotFoundWhereTheDirectoryAboveIsMissing) {
  const rig::Scratch scratch;
  EXPECT_EQ(code_of(Bus::open("b", {.shm_dir = scratch.path("no/such/place")})), Errc::kNotFound);
}

TEST(OpenBus, KeepsWhatTheCreatorChose) {
  const rig::Scratch scratch;
  Bus first =
      Bus::open(
          "b", {.participants_max = 7, .arena_bytes_max = 1u << 20, .shm_dir = scratch.path("shm")})
          .value();
  const Bus second =
      Bus::open("b", {.participants_max = 100, .shm_dir = scratch.path("shm")}).value();
  EXPECT_EQ(inspect(second).participants_max, 7u);
  EXPECT_EQ(inspect(second).arena.bytes_max, 1u << 20);
}

TEST(OpenBus, ByManyProcessesAtOnceGivesOneBus) {
  const rig::Scratch scratch;
  std::vector<std::unique_ptr<Child>> children;
  constexpr int kProcesses = 12;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<Child>([&](const Line& line) {
      line.tell("ready");
      std::vector<Bus> buses;
      for (int round = 0; round < 10; ++round) {
        static_cast<void>(line.hear());
        const std::string name = "b" + std::to_string(round);
        buses.push_back(Bus::open(name, {.shm_dir = scratch.path("shm")}).value());
        line.tell(std::to_string(buses.back().participant_index()));
      }
      static_cast<void>(line.hear());
    }));
  }
  for (auto& each : children) EXPECT_EQ(each->hear(), "ready");
  for (int round = 0; round < 10; ++round) {
    for (auto& each : children) each->tell("go");
    std::set<std::string> indices;
    for (auto& each : children) indices.insert(each->hear());
    EXPECT_EQ(indices.size(), static_cast<std::size_t>(kProcesses));  // all in the same table
    EXPECT_EQ(indices.count(""), 0u);
    const std::string directory = scratch.path("shm/b" + std::to_string(round));
    EXPECT_TRUE(files_in(directory + "/tmp").empty());
  }
  for (auto& each : children) each->tell("end");
  for (auto& each : children) EXPECT_EQ(each->finish(), 0);
}

TEST(OpenBus, FinishesWhatADeadCreatorBegan) {
  const rig::Scratch scratch;
  const std::string bus = scratch.path("shm/b");
  ASSERT_EQ(::mkdir(scratch.path("shm").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(bus.c_str(), 0700), 0);
  ASSERT_EQ(::mkdir((bus + "/queues").c_str(), 0700), 0);  // and died
  EXPECT_EQ(code_of(Bus::open("b", {.create = false, .shm_dir = scratch.path("shm")})),
            Errc::kNotFound);
  EXPECT_TRUE(Bus::open("b", {.shm_dir = scratch.path("shm")}));
}

TEST(ListBuses, GivesTheirNamesInOrder) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  EXPECT_TRUE(Bus::list(options).value().empty());
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(Bus::open(name, options));
  ASSERT_EQ(::mkdir(scratch.path("shm/other").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(scratch.path("shm/other/things").c_str(), 0700), 0);
  EXPECT_EQ(Bus::list(options).value(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(ListBuses, AlsoNamesOneWhoseCreatorDiedHalfWay) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  ASSERT_TRUE(Bus::open("whole", options));
  ASSERT_EQ(::mkdir(scratch.path("shm/half").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(scratch.path("shm/half/queues").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(scratch.path("shm/mere").c_str(), 0700), 0);
  EXPECT_EQ(Bus::list(options).value(), (std::vector<std::string>{"half", "mere", "whole"}));
  EXPECT_TRUE(Bus::remove("half", options));
  EXPECT_TRUE(Bus::open("mere", options));
}

TEST(RemoveBus, DoesNotTouchADirectoryWithOtherFiles) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  ASSERT_TRUE(Bus::open("b", options));
  ASSERT_EQ(::mkdir(scratch.path("shm/b/letters").c_str(), 0700), 0);
  EXPECT_EQ(code_of(Bus::remove("b", options)), Errc::kUnsafeFile);
  EXPECT_EQ(::access(scratch.path("shm/b/bus").c_str(), F_OK), 0);
}

TEST(RemoveBus, RemovesItWithAllThatIsInIt) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  {
    Bus bus = Bus::open("b", options).value();
    Queue queue = bus.queue("q").value();
    ASSERT_TRUE(queue.send(std::string(10'000, 'x')));
  }
  EXPECT_TRUE(Bus::remove("b", options));
  EXPECT_TRUE(files_in(scratch.path("shm")).empty());
  EXPECT_EQ(code_of(Bus::remove("b", options)), Errc::kNotFound);
  Bus again = Bus::open("b", options).value();
  EXPECT_TRUE(again.queue_names().value().empty());
}

TEST(RemoveBus, IsRefusedWhileAnybodyIsAttachedAndNamesTheProcess) {
  TestBus test;
  const auto refused = Bus::remove(TestBus::kName, test.options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kBusy);
  EXPECT_NE(std::string(refused.error().what).find(std::to_string(::getpid())), std::string::npos)
      << refused.error().what;
  EXPECT_TRUE(test.queue().send("still there"));
}

TEST(RemoveBus, IsNotHinderedByTheDead) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  Child child([&](const Line& line) {
    Bus bus = Bus::open("b", options).value();
    line.tell("attached");
    static_cast<void>(line.hear());
  });
  EXPECT_EQ(child.hear(), "attached");
  EXPECT_EQ(code_of(Bus::remove("b", options)), Errc::kBusy);
  child.kill();
  EXPECT_TRUE(Bus::remove("b", options));
}

TEST(RemoveBus, ClearsAwayWhatADeadRemoverLeft) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  ASSERT_TRUE(Bus::open("a", options));
  ASSERT_TRUE(Bus::open("b", options));
  // As far as a remover gets that dies after its first step.
  ASSERT_EQ(::rename(scratch.path("shm/a").c_str(), scratch.path("shm/.removed-123").c_str()), 0);
  EXPECT_EQ(Bus::list(options).value(), std::vector<std::string>{"b"});
  EXPECT_TRUE(Bus::remove("b", options));
  EXPECT_TRUE(files_in(scratch.path("shm")).empty());
}

TEST(RemoveBus, AlsoRemovesOneThatCannotBeOpened) {
  const rig::Scratch scratch;
  const BusOptions options{.shm_dir = scratch.path("shm")};
  ASSERT_TRUE(Bus::open("b", options));
  RawFile(scratch.path("shm/b/bus")).word(0) = 0x1234;
  EXPECT_EQ(code_of(Bus::open("b", options)), Errc::kWrongFormat);
  EXPECT_TRUE(Bus::remove("b", options));
  EXPECT_TRUE(Bus::open("b", options));
}

TEST(CloneBus, IsAParticipantOfItsOwnOverTheSameQueues) {
  TestBus test;
  Queue queue = test.queue();
  Bus clone = test.bus().clone().value();
  EXPECT_NE(clone.participant_index(), test.bus().participant_index());
  Queue other = clone.open_queue("q").value();
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(drain(other), std::vector<std::string>{"x"});
}

TEST(CloneBus, OutlivesWhatItWasClonedFrom) {
  const rig::Scratch scratch;
  auto original = std::make_unique<Bus>(Bus::open("b", {.shm_dir = scratch.path("shm")}).value());
  Bus clone = original->clone().value();
  original.reset();
  Queue queue = clone.queue("q").value();
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(drain(queue).size(), 1u);
}

TEST(Bus, MayBeClosedBeforeItsQueues) {
  const rig::Scratch scratch;
  auto bus = std::make_unique<Bus>(Bus::open("b", {.shm_dir = scratch.path("shm")}).value());
  Queue queue = bus->queue("q").value();
  bus.reset();
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(drain(queue).size(), 1u);
}

TEST(Bus, CanBeMoved) {
  TestBus test;
  Bus first = test.attach();
  Bus second = std::move(first);
  EXPECT_TRUE(second.queue("q"));
  first = std::move(second);
  EXPECT_TRUE(first.open_queue("q"));
}

TEST(Inspect, TellsWhoIsAttachedAndWhatTheArenaHolds) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
  Loan loan = queue.loan(1'000).value();
  auto received = queue.receive({.max_messages = 2}).value();
  Bus other = test.attach();
  const BusInfo info = inspect(other);
  EXPECT_EQ(info.name, TestBus::kName);
  EXPECT_EQ(info.directory, test.bus().directory());
  EXPECT_EQ(info.participants_max, 512u);
  ASSERT_EQ(info.participants.size(), 2u);
  EXPECT_EQ(info.participants[0].index, test.bus().participant_index());
  EXPECT_EQ(info.participants[0].pid, ::getpid());
  EXPECT_EQ(info.participants[0].command, "ringpost_unit");
  EXPECT_TRUE(info.participants[0].alive);
  EXPECT_EQ(info.participants[0].messages_held, 2u);
  EXPECT_EQ(info.participants[1].messages_held, 0u);
  EXPECT_EQ(info.arena.blocks_used, 4u);
  EXPECT_EQ(info.arena.bytes_used, 4u * 1024);
  EXPECT_GE(info.arena.bytes, info.arena.bytes_used);
}

}  // namespace
}  // namespace ringpost::test
