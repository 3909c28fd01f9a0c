// The table of participants: entries, their reuse, and taking over from the dead.
#include <gtest/gtest.h>

#include <set>

#include "support/child.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(Participants, AreAsManyAsTheTableHasEntriesFor) {
  TestBus test({.participants_max = 5});  // entry 0 is nobody
  std::vector<Bus> buses;
  for (int i = 0; i < 3; ++i) buses.push_back(test.attach());
  EXPECT_EQ(code_of(Bus::open(TestBus::kName, test.options())), Errc::kTooManyAttached);
  EXPECT_EQ(code_of(test.bus().clone()), Errc::kTooManyAttached);
  buses.pop_back();
  EXPECT_EQ(code_of(Bus::open(TestBus::kName, test.options())), Errc::kOk);
}

TEST(Participants, HaveIndicesOfTheirOwn) {
  TestBus test;
  std::set<std::uint32_t> indices{test.bus().participant_index()};
  std::vector<Bus> buses;
  for (int i = 0; i < 100; ++i) {
    buses.push_back(i % 2 == 0 ? test.attach() : test.bus().clone().value());
    EXPECT_TRUE(indices.insert(buses.back().participant_index()).second);
  }
  EXPECT_EQ(indices.count(0), 0u);
}

TEST(Participants, RaiseTheIncarnationOfAnEntryAtEachUse) {
  TestBus test({.participants_max = 3});
  std::uint64_t before = 0;
  for (int i = 0; i < 5; ++i) {
    const Bus bus = test.attach();
    const auto participants = inspect(bus).participants;
    ASSERT_EQ(participants.size(), 2u);
    EXPECT_EQ(participants[1].index, 2u);
    EXPECT_TRUE(i == 0 || participants[1].incarnation > before);
    before = participants[1].incarnation;
  }
}

TEST(Participants, TakeOverTheEntryOfADeadOneWhenNoOtherIsLeft) {
  TestBus test({.participants_max = 3});
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("leased"));
  ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
  std::uint64_t incarnation = 0;
  {
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test.options()).value();
      Queue own = bus.open_queue("q").value();
      auto held = own.receive({.max_messages = 2}).value();
      Loan loan = own.loan(1'000).value();
      line.tell("ready");
      static_cast<void>(line.hear());
    });
    EXPECT_EQ(child.hear(), "ready");
    incarnation = inspect(test.bus()).participants[1].incarnation;
    EXPECT_EQ(code_of(Bus::open(TestBus::kName, test.options())), Errc::kTooManyAttached);
    child.kill();
  }
  const Bus heir = Bus::open(TestBus::kName, test.options()).value();
  EXPECT_EQ(heir.participant_index(), 2u);
  EXPECT_GT(inspect(heir).participants[1].incarnation, incarnation);
  EXPECT_EQ(inspect(heir).participants[1].messages_held, 0u);
  EXPECT_EQ(inspect(heir).arena.blocks_used, 1u);  // the loan is back, the message is there
  EXPECT_EQ(queue.stats().visible, 2u);            // its leases are back
  EXPECT_EQ(test.findings(), "");
  EXPECT_EQ(test.bus().sweep().dead_participants, 0u);
}

TEST(Participants, ThatWereKilledManyTimesLeaveRoomForOthers) {
  TestBus test({.participants_max = 4});
  Queue queue = test.queue();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(queue.send("x"));
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test.options()).value();
      Queue own = bus.open_queue("q").value();
      auto held = own.receive().value();
      line.tell("ready");
      static_cast<void>(line.hear());
    });
    EXPECT_EQ(child.hear(), "ready") << i;
    child.kill();
  }
  test.bus().sweep();
  EXPECT_EQ(drain(queue).size(), 20u);
  EXPECT_EQ(test.findings(), "");
}

TEST(Participants, AttachInManyProcessesAtOnceEachWithItsOwnEntry) {
  TestBus test({.participants_max = 20});
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 18; ++i) {
    children.push_back(std::make_unique<Child>([&](const Line& line) {
      line.tell("ready");
      for (int round = 0; round < 10; ++round) {
        static_cast<void>(line.hear());
        const Bus bus = Bus::open(TestBus::kName, test.options()).value();
        line.tell(std::to_string(bus.participant_index()));
        static_cast<void>(line.hear());
      }
    }));
  }
  for (auto& each : children) EXPECT_EQ(each->hear(), "ready");
  for (int round = 0; round < 10; ++round) {
    for (auto& each : children) each->tell("attach");
    std::set<std::string> indices;
    for (auto& each : children) indices.insert(each->hear());
    EXPECT_EQ(indices.size(), 18u);
    EXPECT_EQ(indices.count(""), 0u);
    for (auto& each : children) each->tell("detach");
  }
}

TEST(Participants, ThatLeaveCleanlyLeaveNothing) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 50; ++i) {
    Bus bus = test.attach();
    Queue own = bus.open_queue("q").value();
    ASSERT_TRUE(own.send(std::string(1'000, 'x')));
    auto held = own.receive().value();
    Loan loan = own.loan(500).value();
  }
  EXPECT_EQ(inspect(test.bus()).participants.size(), 1u);
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 50u);
  EXPECT_EQ(test.findings(), "");
  EXPECT_EQ(queue.purge().value(), 50u);
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
}

}  // namespace
}  // namespace ringpost::test
