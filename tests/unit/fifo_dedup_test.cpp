// Deduplication in FIFO queues. The rules are those of sqs.md, section 7 ("Deduplication").
#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

QueueSettings with_ids(Dedup dedup = Dedup::kById) {
  return {.slots = 64, .fifo = true, .dedup = dedup, .dedup_entries = 64};
}
Result<MessageId, Errc> send(Queue& queue, std::string_view body, std::string_view id,
                             std::string_view group = "g") {
  return queue.send(body, {.group = group, .dedup_id = id});
}
using Texts = std::vector<std::string>;

TEST(FifoDedup, TakesAnIdOnceAndNamesTheFirstMessageAfterwards) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  const MessageId first = send(queue, "one", "id").value();
  const MessageId other = send(queue, "two", "other").value();
  EXPECT_EQ(send(queue, "again", "id").value(), first);
  EXPECT_NE(first, other);
  EXPECT_EQ(queue.stats().duplicates, 1u);
  EXPECT_EQ(drain(queue), (Texts{"one", "two"}));
}

TEST(FifoDedup, RemembersAnIdAfterItsMessageIsAcknowledged) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  const MessageId first = send(queue, "one", "id").value();
  EXPECT_EQ(drain(queue), Texts{"one"});
  for (int i = 0; i < 200; ++i) {  // its slot is used again meanwhile
    ASSERT_TRUE(send(queue, "x", "n" + std::to_string(i % 20)));
    static_cast<void>(drain(queue));
  }
  EXPECT_EQ(send(queue, "again", "id").value(), first);
  EXPECT_EQ(drain(queue), Texts{});
}

TEST(FifoDedup, ForgetsAnIdAfterTheWindowWhichDuplicatesDoNotExtend) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  const MessageId first = send(queue, "one", "id").value();
  test.clock().advance(4min);
  EXPECT_EQ(send(queue, "again", "id").value(), first);
  test.clock().advance(61s);
  EXPECT_NE(send(queue, "new", "id").value(), first);
  EXPECT_EQ(drain(queue), (Texts{"one", "new"}));
}

TEST(FifoDedup, TakesAWindowOfItsOwn) {
  TestBus test;
  QueueSettings settings = with_ids();
  settings.dedup_window = 10s;
  Queue queue = test.queue("q", settings);
  const MessageId first = send(queue, "one", "id").value();
  test.clock().advance(11s);
  EXPECT_NE(send(queue, "two", "id").value(), first);
  ASSERT_TRUE(queue.set({.dedup_window = 60s}));
  const MessageId third = send(queue, "three", "third").value();
  test.clock().advance(50s);
  EXPECT_EQ(send(queue, "three", "third").value(), third);
}

TEST(FifoDedup, IsTheSameIdInAnotherGroupUnlessTheScopeIsTheGroup) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  EXPECT_EQ(send(queue, "x", "id", "a").value(), send(queue, "y", "id", "b").value());
  QueueSettings settings = with_ids();
  settings.dedup_scope = DedupScope::kGroup;
  Queue grouped = test.queue("r", settings);
  const MessageId in_a = send(grouped, "x", "id", "a").value();
  EXPECT_NE(send(grouped, "y", "id", "b").value(), in_a);
  EXPECT_EQ(send(grouped, "z", "id", "a").value(), in_a);
}

TEST(FifoDedup, ByContentMakesTheIdOfTheBodyUnlessOneIsGiven) {
  TestBus test;
  Queue queue = test.queue("q", with_ids(Dedup::kByContent));
  const auto send_plain = [&](std::string_view body) {
    return queue.send(body, {.attributes = {{"n", "1"}}, .group = "g"}).value();
  };
  const MessageId first = send_plain("same");
  EXPECT_EQ(queue.send("same", {.group = "g"}).value(), first);  // attributes do not count
  EXPECT_NE(send_plain("different"), first);
  EXPECT_NE(send(queue, "same", "explicit").value(), first);
  // The id is compared literally: SHA-256 of "same".
  const auto leases = queue.receive().value();
  const std::string id(const_cast<Leases&>(leases).front().dedup_id());
  EXPECT_EQ(id, "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5");
  EXPECT_EQ(send(queue, "other body", id).value(), first);
}

TEST(FifoDedup, ByContentCountsTheIdOfALoanTowardsTheRoomInItsBlock) {
  TestBus test;
  Queue queue = test.queue("q", with_ids(Dedup::kByContent));
  int refused = 0;
  for (std::size_t bytes = 1; bytes < 400; bytes += 20) {  // of attributes behind a body of 760
    auto loan = queue.loan(760).value();
    std::fill(loan.bytes().begin(), loan.bytes().end(), static_cast<std::byte>(bytes));
    const std::string value(bytes, 'v');
    const auto id = queue.send(std::move(loan), {.attributes = {{"k", value}}, .group = "g"});
    if (!id) {
      EXPECT_EQ(code_of(id), Errc::kTooLarge);
      ++refused;
      continue;
    }
    auto leases = queue.receive();
    ASSERT_TRUE(leases) << "gone with an attribute of " << bytes << " bytes";
    EXPECT_EQ(leases->front().dedup_id().size(), 64u);
    EXPECT_EQ(leases->front().acknowledge(), Errc::kOk);
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20);
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(FifoDedup, AResendAfterTheWindowWaitsBehindItsGroup) {
  TestBus test;
  QueueSettings settings = with_ids();
  settings.visibility_timeout = 10min;
  Queue queue = test.queue("q", settings);
  const MessageId first = send(queue, "one", "id").value();
  auto held = queue.receive().value();
  test.clock().advance(5min + 1s);
  EXPECT_NE(send(queue, "again", "id").value(), first);
  EXPECT_EQ(drain(queue), Texts{});
  EXPECT_EQ(held.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(drain(queue), Texts{"again"});
}

TEST(FifoDedup, ByIdNeedsAnId) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  EXPECT_EQ(code_of(queue.send("x", {.group = "g"})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(send(queue, "x", "no space")), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(send(queue, "x", std::string(129, 'i'))), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(send(queue, "x", std::string(128, 'i'))), Errc::kOk);
}

TEST(FifoDedup, OfARefusedMessageIsNotRemembered) {
  TestBus test;
  QueueSettings settings = with_ids();
  settings.message_bytes_max = 1'024;
  Queue queue = test.queue("q", settings);
  EXPECT_EQ(code_of(send(queue, std::string(2'000, 'x'), "id")), Errc::kTooLarge);
  EXPECT_TRUE(send(queue, "small", "id"));
  EXPECT_EQ(drain(queue), Texts{"small"});
}

TEST(FifoDedup, OfAMessageThatFoundNoRoomIsNotRemembered) {
  TestBus test;
  QueueSettings settings = with_ids();
  settings.dedup_entries = 1'000;
  Queue queue = test.queue("q", settings);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(send(queue, "x", std::to_string(i)));
  EXPECT_EQ(code_of(send(queue, "late", "late")), Errc::kFull);
  EXPECT_EQ(drain(queue).size(), 64u);
  EXPECT_TRUE(send(queue, "late", "late"));
  EXPECT_EQ(drain(queue), Texts{"late"});
}

TEST(FifoDedup, AnswersTooManyIdsWhenTheTableIsFull) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  Errc code = Errc::kOk;
  int sent = 0;
  for (; sent < 10'000 && code == Errc::kOk; ++sent) {
    code = code_of(send(queue, "x", "id" + std::to_string(sent)));
    static_cast<void>(drain(queue));
  }
  EXPECT_EQ(code, Errc::kTooManyIds);
  EXPECT_GT(sent, 64);
  test.clock().advance(6min);
  EXPECT_TRUE(send(queue, "x", "later"));
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(FifoDedup, IsClearedByAPurge) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  ASSERT_TRUE(send(queue, "one", "id"));
  ASSERT_TRUE(queue.purge());
  ASSERT_TRUE(send(queue, "two", "id"));
  EXPECT_EQ(drain(queue), Texts{"two"});
}

TEST(FifoDedup, CollapsesDuplicatesInsideABatch) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  const OutMessage messages[] = {
      {as_bytes("1"), {}, "g", "a"}, {as_bytes("2"), {}, "g", "b"}, {as_bytes("3"), {}, "g", "a"}};
  EXPECT_EQ(queue.send_batch(messages).value(), 3u);
  EXPECT_EQ(drain(queue), (Texts{"1", "2"}));
}

TEST(FifoDedup, KeepsTheBlocksOfDuplicatesFromLeaking) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  const std::string body(5'000, 'x');
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(send(queue, body, "id"));
  EXPECT_EQ(drain(queue).size(), 1u);
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(FifoDedup, IsOffByDefaultAndThenAnIdIsOnlyCarried) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fifo = true});
  EXPECT_EQ(queue.settings().dedup, Dedup::kOff);
  EXPECT_NE(send(queue, "a", "id").value(), send(queue, "b", "id").value());
  EXPECT_EQ(queue.receive().value().front().dedup_id(), "id");
  EXPECT_EQ(code_of(queue.set({.dedup = Dedup::kById})), Errc::kInvalidArgument);
}

TEST(FifoDedup, ChangesBetweenIdAndContentInUse) {
  TestBus test;
  Queue queue = test.queue("q", with_ids());
  ASSERT_TRUE(queue.set({.dedup = Dedup::kByContent}));
  EXPECT_TRUE(queue.send("x", {.group = "g"}));
  EXPECT_EQ(code_of(queue.set({.dedup = Dedup::kOff})), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace ringpost::test
