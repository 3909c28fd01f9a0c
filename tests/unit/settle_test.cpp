// Acknowledge, release, extend; receipts in other hands, and stale ones.
#include <gtest/gtest.h>

#include "ring/settle.hpp"
#include "support/child.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

class Settle : public ::testing::Test {
 protected:
  Settle() { EXPECT_TRUE(queue_.send("x")); }
  [[nodiscard]] bool is_visible() { return !bodies(queue_).empty(); }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.visibility_timeout = 30s});
};

TEST_F(Settle, AcknowledgeRemovesTheMessageForEver) {
  auto received = queue_.receive().value();
  EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
  test_.clock().advance(1h);
  EXPECT_FALSE(is_visible());
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Settle, ADelayedReleaseIsNobodysAlsoWhenASenderRaisesTheLapMeanwhile) {
  static_cast<void>(receive_one(queue_));
  const RawRing raw(test_.bus(), "q");
  const ring::LeaseWord mine = raw.view().lease_word(0);
  ASSERT_TRUE(raw.view().move_lease(0, mine, mine.with_lap(mine.lap() + 3)));
  ring::leave_to_nobody(raw.view(), 0, mine);
  EXPECT_EQ(raw.view().lease_word(0).owner(), 0u);
  EXPECT_EQ(raw.view().lease_word(0).lap(), mine.lap() + 3);
  EXPECT_EQ(raw.view().lease_word(0).deadline(), mine.deadline());
}

TEST_F(Settle, AcknowledgeOfTheSameReceiptAgainIsStale) {
  const Receipt receipt = receive_one(queue_);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kOk);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kStaleReceipt);
}

TEST_F(Settle, AcknowledgeGoesOnBeingValidAfterTheTimeoutWhileNobodyElseHasTheMessage) {
  const Receipt receipt = receive_one(queue_);
  test_.clock().advance(31s);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kOk);
  EXPECT_FALSE(is_visible());
}

TEST_F(Settle, AcknowledgeRemovesAMessageThatHasBecomeVisibleAgain) {
  const Receipt receipt = receive_one(queue_);
  EXPECT_EQ(queue_.release(receipt), Errc::kOk);
  EXPECT_EQ(queue_.stats().visible, 1u);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kOk);
  EXPECT_FALSE(is_visible());
}

TEST_F(Settle, AStaleReceiptNeverActsOnANewerDelivery) {
  const Receipt old = receive_one(queue_);
  test_.clock().advance(31s);
  const Receipt current = receive_one(queue_);
  EXPECT_EQ(queue_.acknowledge(old), Errc::kStaleReceipt);
  EXPECT_EQ(queue_.release(old), Errc::kStaleReceipt);
  EXPECT_EQ(queue_.release(old, 10s), Errc::kStaleReceipt);
  EXPECT_EQ(queue_.extend(old, 10s), Errc::kStaleReceipt);
  EXPECT_FALSE(is_visible());
  EXPECT_EQ(queue_.acknowledge(current), Errc::kOk);
}

TEST_F(Settle, AStaleReceiptNeverActsOnALaterMessageInTheSameSlot) {
  Queue small = test_.queue("small", {.slots = 64, .fixed = true});
  ASSERT_TRUE(small.send("old"));
  const Receipt old = receive_one(small);
  ASSERT_EQ(small.acknowledge(old), Errc::kOk);
  std::vector<std::string> all;
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(small.send("new"));
  for (int i = 0; i < 64; ++i) static_cast<void>(receive_one(small));
  EXPECT_EQ(small.acknowledge(old), Errc::kStaleReceipt);
  EXPECT_EQ(small.extend(old, 1min), Errc::kStaleReceipt);
  EXPECT_EQ(small.stats().in_flight, 64u);
}

TEST_F(Settle, ReleaseMakesTheMessageVisibleAtOnceAndKeepsItsCount) {
  auto received = queue_.receive().value();
  EXPECT_EQ(received.front().release(), Errc::kOk);
  EXPECT_EQ(queue_.receive().value().front().receive_count(), 2u);
}

TEST_F(Settle, ReleaseWithADelayMakesItVisibleThen) {
  auto received = queue_.receive().value();
  EXPECT_EQ(received.front().release(60s), Errc::kOk);
  test_.clock().advance(59s);
  EXPECT_FALSE(is_visible());
  test_.clock().advance(2s);
  EXPECT_TRUE(is_visible());
}

TEST_F(Settle, ReleaseOfAReleasedMessageChangesNothing) {
  const Receipt receipt = receive_one(queue_);
  EXPECT_EQ(queue_.release(receipt), Errc::kOk);
  EXPECT_EQ(queue_.release(receipt), Errc::kOk);
  EXPECT_EQ(queue_.receive({.max_messages = 10}).value().size(), 1u);
}

TEST_F(Settle, ExtendCountsFromTheCallAndIsNotAdded) {
  const Receipt receipt = receive_one(queue_);
  test_.clock().advance(20s);
  EXPECT_EQ(queue_.extend(receipt, 40s), Errc::kOk);
  test_.clock().advance(39s);
  EXPECT_FALSE(is_visible());
  test_.clock().advance(2s);
  EXPECT_TRUE(is_visible());
}

TEST_F(Settle, ExtendMayAlsoShorten) {
  const Receipt receipt = receive_one(queue_);
  EXPECT_EQ(queue_.extend(receipt, 5s), Errc::kOk);
  test_.clock().advance(6s);
  EXPECT_TRUE(is_visible());
}

TEST_F(Settle, ExtendByZeroMakesTheMessageVisibleAndKeepsItsCount) {
  auto received = queue_.receive().value();
  EXPECT_EQ(received.front().extend(0s), Errc::kOk);
  test_.clock().advance(1ms);
  EXPECT_EQ(queue_.receive().value().front().receive_count(), 2u);
}

TEST_F(Settle, ExtendAffectsThatReceiveOnly) {
  const Receipt receipt = receive_one(queue_);
  EXPECT_EQ(queue_.extend(receipt, 2h), Errc::kOk);
  test_.clock().advance(2h + 1s);
  ASSERT_TRUE(is_visible());
  test_.clock().advance(31s);
  EXPECT_TRUE(is_visible());
}

TEST_F(Settle, ExtendKeepsALeaseBelowTwelveHoursInAll) {
  auto received = queue_.receive().value();
  Lease& lease = received.front();
  EXPECT_EQ(lease.extend(12h + 1ms), Errc::kInvalidArgument);
  EXPECT_EQ(lease.extend(12h), Errc::kOk);
  test_.clock().advance(5h);
  EXPECT_EQ(lease.extend(7h + 1ms), Errc::kInvalidArgument);
  EXPECT_EQ(lease.extend(7h), Errc::kOk);
  EXPECT_EQ(lease.extend(-1ns), Errc::kInvalidArgument);
}

TEST_F(Settle, ExtendOfAnExpiredLeaseHidesTheMessageAgainWhileNobodyElseHasReceivedIt) {
  const Receipt receipt = receive_one(queue_);
  EXPECT_EQ(queue_.release(receipt), Errc::kOk);  // visible, as after the timeout
  EXPECT_EQ(queue_.extend(receipt, 60s), Errc::kOk);
  EXPECT_FALSE(is_visible());
  EXPECT_EQ(test_.findings(), "");
  test_.clock().advance(61s);
  EXPECT_EQ(queue_.receive().value().front().receive_count(), 2u);
}

TEST_F(Settle, ExtendOfAnAcknowledgedMessageIsStale) {
  const Receipt receipt = receive_one(queue_);
  ASSERT_EQ(queue_.acknowledge(receipt), Errc::kOk);
  EXPECT_EQ(queue_.extend(receipt, 10s), Errc::kStaleReceipt);
  EXPECT_EQ(queue_.release(receipt), Errc::kStaleReceipt);
}

TEST_F(Settle, AReceiptWorksFromAnotherParticipant) {
  const Receipt receipt = receive_one(queue_);
  Bus other_bus = test_.attach();
  Queue other = other_bus.open_queue("q").value();
  EXPECT_EQ(other.extend(receipt, 60s), Errc::kOk);
  EXPECT_EQ(other.acknowledge(receipt), Errc::kOk);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kStaleReceipt);
}

TEST_F(Settle, AReceiptWorksFromAnotherProcessAsText) {
  const std::string text = receive_one(queue_).to_string();
  EXPECT_EQ(in_child([&] {
              Bus bus = Bus::open(TestBus::kName, test_.options()).value();
              Queue queue = bus.open_queue("q").value();
              require(queue.acknowledge(*Receipt::parse(text)) == Errc::kOk, "acknowledge");
            }),
            0);
  EXPECT_EQ(queue_.stats().in_flight, 0u);
}

TEST_F(Settle, AReceiptOutlivesTheParticipantThatReceived) {
  Receipt receipt;
  {
    Bus other_bus = test_.attach();
    Queue other = other_bus.open_queue("q").value();
    receipt = receive_one(other);
  }
  EXPECT_FALSE(is_visible());  // a clean end is not a death: the lease goes on
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(queue_.extend(receipt, 60s), Errc::kOk);
  test_.clock().advance(59s);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kOk);
}

TEST_F(Settle, LeasesAreHandedOverAtACloseAlsoWhenOthersReceiptsWereSettled) {
  ASSERT_TRUE(queue_.send("theirs"));
  ASSERT_TRUE(queue_.send("mine"));
  const Receipt theirs = receive_one(queue_);
  {
    Bus bus = test_.attach();
    Queue queue = bus.open_queue("q").value();
    static_cast<void>(receive_one(queue));
    EXPECT_EQ(queue.acknowledge(theirs), Errc::kOk);
  }
  EXPECT_EQ(test_.findings(), "");  // no lease word names an entry that is free
}

TEST_F(Settle, AReceiptOfAnotherQueueIsRefused) {
  const Receipt receipt = receive_one(queue_);
  Queue other = test_.queue("other");
  ASSERT_TRUE(other.send("y"));
  static_cast<void>(receive_one(other));
  EXPECT_EQ(other.acknowledge(receipt), Errc::kInvalidArgument);
  EXPECT_EQ(other.release(receipt), Errc::kInvalidArgument);
  EXPECT_EQ(other.extend(receipt, 10s), Errc::kInvalidArgument);
  EXPECT_EQ(other.stats().in_flight, 1u);
}

TEST_F(Settle, AReceiptOfAnEarlierQueueOfTheSameNameIsRefused) {
  const Receipt receipt = receive_one(queue_);
  ASSERT_TRUE(test_.bus().delete_queue("q"));
  Queue again = test_.queue("q");
  EXPECT_EQ(again.acknowledge(receipt), Errc::kInvalidArgument);
}

TEST_F(Settle, AReceiptWithImpossiblePartsIsRefused) {
  const Receipt good = receive_one(queue_);
  Receipt bad = good;
  bad.slot = 1u << 20;
  EXPECT_EQ(queue_.acknowledge(bad), Errc::kInvalidArgument);
  bad = good;
  bad.ring = 12'345;
  EXPECT_EQ(queue_.acknowledge(bad), Errc::kStaleReceipt);
  bad = good;
  bad.lap = ~0ull;
  EXPECT_EQ(queue_.acknowledge(bad), Errc::kStaleReceipt);
  bad = good;
  bad.receive_count = 2;
  EXPECT_EQ(queue_.acknowledge(bad), Errc::kStaleReceipt);
  bad = good;
  bad.lap = 0;
  bad.slot = 5;  // never used
  bad.receive_count = 0;
  EXPECT_EQ(queue_.acknowledge(bad), Errc::kStaleReceipt);
  EXPECT_EQ(queue_.acknowledge(good), Errc::kOk);
}

TEST_F(Settle, ALeaseKeepsItsReceiptAfterItWasDropped) {
  Receipt receipt;
  {
    auto received = queue_.receive().value();
    receipt = received.front().receipt();
    EXPECT_EQ(receipt.receive_count, 1u);
  }
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kOk);
}

}  // namespace
}  // namespace ringpost::test
