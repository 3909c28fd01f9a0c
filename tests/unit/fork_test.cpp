// A fork: the child's handles answer kForked, and nothing that it does disturbs its parent.
#include <gtest/gtest.h>

#include "ringpost/wait_set.hpp"
#include "support/child.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(Fork, MakesEveryHandleOfTheParentAnswerForkedInTheChild) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  auto held = queue.receive().value();
  const Receipt receipt = held.front().receipt();
  Loan loan = queue.loan(100).value();
  EXPECT_EQ(in_child([&] {
              require(code_of(queue.send("y")) == Errc::kForked, "send");
              require(code_of(queue.send_batch({})) == Errc::kForked, "send_batch");
              require(code_of(queue.loan(10)) == Errc::kForked, "loan");
              require(code_of(queue.send(std::move(loan))) == Errc::kForked, "send a loan");
              require(code_of(queue.receive()) == Errc::kForked, "receive");
              require(code_of(queue.receive({.wait = kForever})) == Errc::kForked, "wait");
              require(queue.acknowledge(receipt) == Errc::kForked, "acknowledge");
              require(queue.release(receipt) == Errc::kForked, "release");
              require(queue.extend(receipt, 1s) == Errc::kForked, "extend");
              require(held.front().acknowledge() == Errc::kForked, "Lease::acknowledge");
              require(code_of(queue.set({.delay = 1s})) == Errc::kForked, "set");
              require(code_of(queue.purge()) == Errc::kForked, "purge");
              require(code_of(test.bus().clone()) == Errc::kForked, "clone");
              require(code_of(test.bus().queue("new")) == Errc::kForked, "queue");
              require(code_of(test.bus().open_queue("q")) == Errc::kForked, "open_queue");
              require(code_of(test.bus().delete_queue("q")) == Errc::kForked, "delete_queue");
              require(!test.bus().sweep().elected, "sweep");
            }),
            0);
  EXPECT_EQ(held.front().text(), "x");
  EXPECT_EQ(held.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(code_of(queue.send(std::move(loan))), Errc::kOk);
  EXPECT_EQ(test.findings(), "");
}

TEST(Fork, LetsTheChildDestroyWhatItInheritedWithoutHarm) {
  TestBus test;
  auto bus = std::make_unique<Bus>(test.attach());
  auto queue = std::make_unique<Queue>(bus->queue("q").value());
  ASSERT_TRUE(queue->send("x"));
  ASSERT_TRUE(queue->send(std::string(1'000, 'y')));
  auto held = std::make_unique<Leases>(queue->receive({.max_messages = 2}).value());
  auto loan = std::make_unique<Loan>(queue->loan(1'000).value());
  EXPECT_EQ(in_child([&] {
              held.reset();
              loan.reset();
              queue.reset();
              bus.reset();
            }),
            0);
  const Bus::Swept swept = test.bus().sweep();
  EXPECT_TRUE(swept.elected);
  EXPECT_EQ(swept.dead_participants, 0u);  // the parent's lock is still held
  EXPECT_EQ(inspect(test.bus()).participants.size(), 2u);
  EXPECT_EQ((*held)[0].text(), "x");
  EXPECT_EQ((*held)[0].acknowledge(), Errc::kOk);
  EXPECT_EQ((*held)[1].acknowledge(), Errc::kOk);
  EXPECT_EQ(code_of(queue->send(std::move(*loan))), Errc::kOk);
  EXPECT_EQ(queue->stats().sent, 3u);
  EXPECT_EQ(test.findings(), "");
}

TEST(Fork, LetsTheChildOpenTheBusAnew) {
  TestBus test;
  Queue queue = test.queue();
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test.options()).value();
    require(bus.participant_index() != test.bus().participant_index(), "index");
    Queue own = bus.open_queue("q").value();
    require(bool{own.send("from the child")}, "send");
    line.tell("sent");
    static_cast<void>(line.hear());
  });
  EXPECT_EQ(child.hear(), "sent");
  EXPECT_EQ(inspect(test.bus()).participants.size(), 2u);
  EXPECT_EQ(drain(queue), std::vector<std::string>{"from the child"});
  child.tell("end");
  EXPECT_EQ(child.finish(), 0);
  EXPECT_EQ(inspect(test.bus()).participants.size(), 1u);
}

TEST(Fork, DoesNotKeepADeadParentsParticipantAlive) {
  // The lock must go with the parent although its child, who inherited the descriptor, lives on.
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  Child parent([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test.options()).value();
    Queue own = bus.open_queue("q").value();
    auto held = own.receive().value();
    Child grandchild([&](const Line& inner) {
      inner.tell("running");
      static_cast<void>(inner.hear());
    });
    require(grandchild.hear() == "running", "grandchild");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  EXPECT_EQ(parent.hear(), "ready");
  parent.kill();
  const Bus::Swept swept = test.bus().sweep();
  EXPECT_EQ(swept.dead_participants, 1u);
  EXPECT_EQ(swept.leases_returned, 1u);
  EXPECT_EQ(drain(queue), std::vector<std::string>{"x"});
}

TEST(Fork, DoesNotKeepADeadParentsParticipantAliveThroughClones) {
  TestBus test;
  Child parent([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test.options()).value();
    Bus clone = bus.clone().value();
    Bus another = clone.clone().value();
    Child grandchild([&](const Line& inner) {
      inner.tell("running");
      static_cast<void>(inner.hear());
    });
    require(grandchild.hear() == "running", "grandchild");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  EXPECT_EQ(parent.hear(), "ready");
  EXPECT_EQ(inspect(test.bus()).participants.size(), 4u);
  parent.kill();
  EXPECT_EQ(test.bus().sweep().dead_participants, 3u);
}

}  // namespace
}  // namespace ringpost::test
