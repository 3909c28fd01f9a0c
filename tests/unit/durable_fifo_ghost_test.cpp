// A sender dies between the record of its message in the log and the message itself.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "client/member.hpp"
#include "dedup/key.hpp"
#include "group/publish.hpp"
#include "support/durable_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

enum class Dies {
  kBeforeThePublish,  ///< the record is on disk
  kBeforeTheWait,     ///< it is not, but the message is in the queue
};

/// A send until there.
void send_and_die(Bus& bus, std::string_view id, Dies dies) {
  client::Member& member = client::Member::of(bus);
  auto mapping = member.context().queues.open("q").value();
  auto core = detail::QueueCore::open(member.membership(), mapping).value();
  detail::QueueCore::Claim claim;
  if (core->claim_delivery_for_the_dead(claim) != Errc::kOk) ::_exit(1);
  const group::Ids& ids = *claim.lane->fifo->ids;
  const dedup::Key key = dedup::key_of_id(mapping->lasting_id(), id);
  const auto entered =
      ids.table().enter({key, claim.position, member.me().index(), ids.now()}, ids);
  if (entered.outcome != dedup::Entered::Outcome::kEntered) ::_exit(1);
  const std::string content = "ghostg" + std::string(id);
  const auto now_ns = static_cast<std::int64_t>(core->time().wall_ns());
  const durable::Message message{.id = {claim.lane->mapped->ids, claim.position},
                                 .sent_ns = now_ns,
                                 .body_bytes = 5,
                                 .group_bytes = 1,
                                 .dedup_id_bytes = static_cast<std::uint32_t>(id.size()),
                                 .id_until_ns = now_ns + 3'600'000'000'000,
                                 .content = as_bytes(std::string_view(content))};
  durable::QueueLog& log = *core->log();
  if (log.send(message, log.deadline_ns({})) != Errc::kOk) ::_exit(1);
  if (dies == Dies::kBeforeThePublish) {
    if (log.wait_durable(log.deadline_ns({})) != Errc::kOk) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  const ring::RingView& view = claim.lane->ring.view;
  const std::uint32_t slot = view.slot_of(claim.position);
  std::memcpy(view.payload(slot), content.data(), content.size());
  view.slot(slot).lengths.store(ring::Lengths::of(5, 0, 0).word);
  view.slot(slot).sent_ns.store(core->time().precise_ns());
  group::FifoHead& head = group::head(view, slot);
  head.key.store(group::key_of("g", mapping->lasting_id()));
  head.lengths.store(group::IdLengths::of(1, id.size()).word);
  head.entry.store(entered.entry);
  if (!group::publish(claim.lane->ring, claim.lane->sender, claim.position)) ::_exit(1);
  ::kill(::getpid(), SIGKILL);
}

class DurableFifoGhost : public DurableQueue {
 protected:
  void SetUp() override {
    Queue queue = make("q", {.message_bytes_max = 16u << 10,
                             .fifo = true,
                             .dedup = Dedup::kById,
                             .dedup_window = 1h,
                             .log_segment_bytes = 64u << 10});
    send(queue, "before", "other");
  }
  static MessageId send(Queue& queue, std::string_view body, std::string_view id) {
    return queue.send(body, {.group = "g", .dedup_id = id}).value();
  }
  void die_in_a_send(std::string_view id, Dies dies = Dies::kBeforeThePublish) {
    bus_.reset();
    const pid_t child = ::fork();
    if (child == 0) {
      Bus bus = Bus::open("test", options()).value();
      send_and_die(bus, id, dies);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it failed";
    bus_.emplace(Bus::open("test", options()).value());
  }
  /// Nothing twice, and everything known.
  void expect_after_a_reboot(const Texts& bodies) {
    reboot();
    Queue queue = open();
    EXPECT_EQ(findings(), "");
    send(queue, "a duplicate", "id");
    EXPECT_EQ(drain(queue), bodies);
  }
};

TEST_F(DurableFifoGhost, ComesBackIfNobodySendsItAgain) {
  die_in_a_send("id");
  expect_after_a_reboot({"before", "ghost"});
}

TEST_F(DurableFifoGhost, IsVoidOnceAnotherOneIsSentWithItsId) {
  die_in_a_send("id");
  {
    Queue queue = open();
    send(queue, "again", "id");
  }
  expect_after_a_reboot({"before", "again"});
}

TEST_F(DurableFifoGhost, IsVoidAlsoAfterASweep) {
  die_in_a_send("id");
  bus_->sweep();
  EXPECT_EQ(findings(), "");
  {
    Queue queue = open();
    send(queue, "again", "id");
  }
  expect_after_a_reboot({"before", "again"});
}

TEST_F(DurableFifoGhost, IsVoidAlsoWhenConsumersHaveGonePast) {
  die_in_a_send("id");
  {
    Queue queue = open();
    EXPECT_EQ(drain(queue), Texts{"before"});
    send(queue, "again", "id");
  }
  expect_after_a_reboot({"again"});
}

TEST_F(DurableFifoGhost, IsVoidAlsoAfterAPurge) {
  die_in_a_send("id");
  {
    Queue queue = open();
    EXPECT_EQ(queue.purge().value(), 1u);
    send(queue, "again", "id");
  }
  expect_after_a_reboot({"again"});
}

TEST_F(DurableFifoGhost, IsVoidWhenItsIdWasSentAgainAndAcknowledged) {
  die_in_a_send("id");
  {
    Queue queue = open();
    send(queue, "again", "id");
    EXPECT_EQ(drain(queue), (Texts{"before", "again"}));
  }
  expect_after_a_reboot({});
}

TEST_F(DurableFifoGhost, IsOnDiskBeforeADuplicateIsAnswered) {
  die_in_a_send("id", Dies::kBeforeTheWait);
  Queue queue = open();
  const std::uint64_t written = queue.stats().log_written;
  send(queue, "a duplicate", "id");
  EXPECT_GT(queue.stats().log_written, written);
  const OutMessage batch[] = {{.body = as_bytes("one too"), .group = "g", .dedup_id = "id"}};
  EXPECT_EQ(queue.send_batch(batch).value(), 1u);
  EXPECT_EQ(queue.stats().duplicates, 2u);
  queue = Queue();
  expect_after_a_reboot({"before", "ghost"});
}

TEST_F(DurableFifoGhost, LeavesTheLogWithItsSegment) {
  for (const bool is_swept : {false, true}) {
    die_in_a_send(is_swept ? "id" : "id-2");
    if (is_swept) bus_->sweep();
    Queue queue = open();
    static_cast<void>(drain(queue));
    const std::string body(4'000, 'x');
    for (int i = 0; i < 300; ++i) {
      send(queue, body, std::to_string(i) + (is_swept ? "-" : "+"));
      EXPECT_EQ(drain(queue), Texts{body});
    }
    EXPECT_LE(segments(), 12u);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{});
  send(queue, "again", "id");
  send(queue, "again 2", "id-2");
  EXPECT_EQ(drain(queue), (Texts{"again", "again 2"})) << "they were never accepted";
}

}  // namespace
}  // namespace ringpost::test
