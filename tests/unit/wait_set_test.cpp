// Waiting on several queues at once, and descriptors for epoll.
#include "ringpost/wait_set.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <future>

#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Indices = std::vector<std::size_t>;

class WaitSetTest : public ::testing::Test {
 protected:
  WaitSetTest() {
    for (Queue* each : {&a_, &b_, &c_}) EXPECT_TRUE(set_.add(*each));
  }
  TestBus test_;
  Queue a_ = test_.queue("a", {.visibility_timeout = 30s});
  Queue b_ = test_.queue("b", {.visibility_timeout = 30s});
  Queue c_ = test_.queue("c", {.visibility_timeout = 30s});
  WaitSet set_;
};

TEST_F(WaitSetTest, SaysWhichQueuesHaveAMessage) {
  ASSERT_TRUE(b_.send("x"));
  EXPECT_EQ(set_.wait().value(), Indices{1});
  ASSERT_TRUE(c_.send("x"));
  EXPECT_EQ(set_.wait().value(), (Indices{1, 2}));
  static_cast<void>(drain(b_));
  EXPECT_EQ(set_.wait().value(), Indices{2});
}

TEST_F(WaitSetTest, SleepsBesideAMessageThatIsNeverFinished) {
  Bus stopped = test_.attach();
  RawRing raw(stopped, "a");
  raw.claim();
  EXPECT_EQ(code_of(a_.receive()), Errc::kEmpty);  // goes past it
  EXPECT_EQ(code_of(set_.wait(1ms)), Errc::kTimedOut);
}

TEST_F(WaitSetTest, EndsWhenTheTimeIsOver) {
  EXPECT_EQ(code_of(set_.wait(0s)), Errc::kTimedOut);
  EXPECT_EQ(code_of(set_.wait(1ms)), Errc::kTimedOut);
}

TEST_F(WaitSetTest, WakesOnASendToAnyOfThem) {
  for (Queue* each : {&a_, &c_}) {
    auto found = std::async(std::launch::async, [&] { return set_.wait().value(); });
    test_.wait_for_sleeping_receiver("a");
    ASSERT_TRUE(each->send("x"));
    EXPECT_EQ(found.get(), Indices{each == &a_ ? 0u : 2u});
    static_cast<void>(drain(*each));
  }
}

TEST_F(WaitSetTest, WakesWhenADelayEnds) {
  ASSERT_TRUE(b_.send("x", {.delay = 10s}));
  auto found = std::async(std::launch::async, [&] { return set_.wait().value(); });
  test_.wait_for_sleeping_receiver("b");
  test_.clock().advance(11s);
  EXPECT_EQ(found.get(), Indices{1});
  EXPECT_EQ(drain(b_), std::vector<std::string>{"x"});
}

TEST_F(WaitSetTest, WakesWhenALeaseEnds) {
  ASSERT_TRUE(b_.send("x"));
  static_cast<void>(receive_one(b_));
  auto found = std::async(std::launch::async, [&] { return set_.wait().value(); });
  test_.wait_for_sleeping_receiver("b");
  test_.clock().advance(31s);
  EXPECT_EQ(found.get(), Indices{1});
  EXPECT_EQ(drain(b_), std::vector<std::string>{"x"});
}

TEST_F(WaitSetTest, WakesOnARelease) {
  ASSERT_TRUE(c_.send("x"));
  const Receipt receipt = receive_one(c_);
  auto found = std::async(std::launch::async, [&] { return set_.wait().value(); });
  test_.wait_for_sleeping_receiver("c");
  ASSERT_EQ(c_.release(receipt), Errc::kOk);
  EXPECT_EQ(found.get(), Indices{2});
}

TEST_F(WaitSetTest, EndsWhenItIsInterruptedFromAnotherThread) {
  auto code = std::async(std::launch::async, [&] { return code_of(set_.wait()); });
  test_.wait_for_sleeping_receiver("c");
  set_.interrupt();
  EXPECT_EQ(code.get(), Errc::kInterrupted);
}

TEST_F(WaitSetTest, EndsWhenOneOfTheQueuesIsDeleted) {
  auto code = std::async(std::launch::async, [&] { return code_of(set_.wait()); });
  test_.wait_for_sleeping_receiver("c");
  ASSERT_TRUE(test_.bus().delete_queue("b"));
  EXPECT_EQ(code.get(), Errc::kDeleted);
}

TEST_F(WaitSetTest, SeesMessagesInEveryRingOfAQueueThatHasGrown) {
  Queue grown = test_.queue("grown", {.slots = 64});
  WaitSet set;
  ASSERT_TRUE(set.add(grown));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(grown.send("x"));
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(set.wait(0s)) << i;
    auto received = grown.receive();
    ASSERT_TRUE(received);
    ASSERT_EQ(received->front().acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(code_of(set.wait(0s)), Errc::kTimedOut);
}

TEST_F(WaitSetTest, Holds127Queues) {
  WaitSet set;
  for (int i = 0; i < 127; ++i) ASSERT_TRUE(set.add(a_)) << i;
  EXPECT_EQ(code_of(set.add(a_)), Errc::kInvalidArgument);
  ASSERT_TRUE(a_.send("x"));
  EXPECT_EQ(set.wait().value().size(), 127u);
}

TEST_F(WaitSetTest, CanBeMoved) {
  WaitSet moved = std::move(set_);
  ASSERT_TRUE(a_.send("x"));
  EXPECT_EQ(moved.wait().value(), Indices{0});
}

TEST_F(WaitSetTest, DescriptorBecomesReadableOnASendAndOncePerRearm) {
  const int descriptor = set_.descriptor().value();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
  ASSERT_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), 0);
  EXPECT_EQ(::epoll_wait(epoll, &event, 1, 0), 0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(b_.send(std::to_string(i)));
    EXPECT_EQ(::epoll_wait(epoll, &event, 1, -1), 1);
    EXPECT_EQ(event.data.fd, descriptor);
    EXPECT_EQ(drain(b_), std::vector<std::string>{std::to_string(i)});
    set_.rearm();
    EXPECT_EQ(::epoll_wait(epoll, &event, 1, 0), 0);
  }
  ::close(epoll);
}

TEST_F(WaitSetTest, DescriptorIsReadableAgainAfterARearmWhileAMessageIsLeft) {
  const int descriptor = set_.descriptor().value();
  ASSERT_TRUE(a_.send("1"));
  ASSERT_TRUE(a_.send("2"));
  pollfd poll{descriptor, POLLIN, 0};
  ASSERT_EQ(::poll(&poll, 1, -1), 1);
  static_cast<void>(receive_one(a_));
  set_.rearm();
  EXPECT_EQ(::poll(&poll, 1, -1), 1);
}

TEST_F(WaitSetTest, DescriptorBecomesReadableWhenALeaseEndsAndWhenAQueueGoes) {
  const int descriptor = set_.descriptor().value();
  ASSERT_TRUE(a_.send("x"));
  pollfd poll{descriptor, POLLIN, 0};
  ASSERT_EQ(::poll(&poll, 1, -1), 1);
  static_cast<void>(receive_one(a_));
  set_.rearm();
  test_.clock().advance(31s);
  ASSERT_EQ(::poll(&poll, 1, -1), 1);
  static_cast<void>(drain(a_));
  set_.rearm();
  ASSERT_TRUE(test_.bus().delete_queue("c"));
  EXPECT_EQ(::poll(&poll, 1, -1), 1);
  EXPECT_EQ(code_of(set_.wait(0s)), Errc::kDeleted);
}

TEST_F(WaitSetTest, TakesNoMoreQueuesOnceItHasADescriptor) {
  EXPECT_EQ(set_.descriptor().value(), set_.descriptor().value());
  EXPECT_EQ(code_of(set_.add(a_)), Errc::kInvalidArgument);
}

TEST_F(WaitSetTest, EndsWithItsThreadAtAnyTime) {
  for (int i = 0; i < 20; ++i) {
    WaitSet set;
    ASSERT_TRUE(set.add(a_));
    static_cast<void>(set.descriptor().value());
    if (i % 3 == 0) set.rearm();
    if (i % 4 == 0) set.interrupt();
  }
}

TEST_F(WaitSetTest, WithADescriptorStillWaitsByItself) {
  const int descriptor = set_.descriptor().value();
  ASSERT_TRUE(a_.send("x"));
  EXPECT_EQ(set_.wait().value(), Indices{0});
  pollfd poll{descriptor, POLLIN, 0};
  EXPECT_EQ(::poll(&poll, 1, -1), 1);
}

TEST(WaitSet, OfNothingOnlyEndsByTimeOrInterrupt) {
  WaitSet set;
  EXPECT_EQ(code_of(set.wait(1ms)), Errc::kTimedOut);
}

}  // namespace
}  // namespace ringpost::test
