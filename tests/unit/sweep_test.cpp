// What the dead leave behind, and that a sweep takes all of it away and nothing else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "shm/bus_layout.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Sweep : public ::testing::Test {
 protected:
  /// A child attaches, does its work with the queue, says so and is killed.
  template <class Work>
  void die_after(Work&& work) {
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test_.options()).value();
      Queue queue = bus.open_queue("q").value();
      work(bus, queue, line);
      line.tell("ready");
      static_cast<void>(line.hear());
    });
    ASSERT_EQ(child.hear(), "ready");
    child.kill();
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.visibility_timeout = 1h, .slots = 64, .fixed = true});
};

TEST_F(Sweep, OfAHealthyBusDoesNothing) {
  ASSERT_TRUE(queue_.send("x"));
  auto held = queue_.receive().value();
  ASSERT_TRUE(queue_.send(std::string(1'000, 'x')));
  Loan loan = queue_.loan(1'000).value();
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_TRUE(swept.elected);
  EXPECT_EQ(swept.dead_participants + swept.leases_returned + swept.claims_voided +
                swept.blocks_freed + swept.files_removed + swept.hints_repaired,
            0u);
  EXPECT_EQ(held.front().acknowledge(), Errc::kOk);
}

TEST_F(Sweep, ReturnsTheLeasesOfTheDead) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue_.send(std::to_string(i)));
  die_after([](Bus&, Queue& queue, const Line&) {
    static auto held = queue.receive({.max_messages = 4}).value();
    require(held[1].acknowledge() == Errc::kOk, "acknowledge");
    require(held[2].extend(2h) == Errc::kOk, "extend");
  });
  EXPECT_NE(test_.findings().find("died"), std::string::npos);
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_EQ(swept.dead_participants, 1u);
  EXPECT_EQ(swept.leases_returned, 3u);
  EXPECT_EQ(test_.findings(), "");
  auto received = queue_.receive({.max_messages = 10}).value();
  EXPECT_EQ(received.size(), 9u);
  EXPECT_EQ(received[0].text(), "0");
  EXPECT_EQ(received[0].receive_count(), 2u);
}

TEST_F(Sweep, ReturnsALeaseThatTheDeadOneExtendedForAnother) {
  ASSERT_TRUE(queue_.send("x"));
  const Receipt receipt = receive_one(queue_);
  die_after([&](Bus&, Queue& queue, const Line&) {
    require(queue.extend(receipt, 1h) == Errc::kOk, "extend");
  });
  EXPECT_EQ(test_.bus().sweep().leases_returned, 1u);
  EXPECT_EQ(queue_.acknowledge(receipt), Errc::kOk);  // nobody has received it since
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(Sweep, VoidsTheUnpublishedClaimsOfTheDead) {
  die_after([](Bus& bus, Queue& queue, const Line&) {
    require(bool{queue.send("before")}, "send");
    RawRing raw(bus, "q");
    for (int i = 0; i < 3; ++i) raw.claim();
    require(bool{queue.send("after")}, "send");
  });
  for (const char* text : {"before", "after"}) {
    auto received = queue_.receive().value();
    EXPECT_EQ(received.front().text(), text);
    EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
  }
  EXPECT_NE(test_.findings().find("died before the publish"), std::string::npos);
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_EQ(swept.claims_voided, 3u);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(fill(queue_), 64u);
  EXPECT_EQ(drain(queue_).size(), 64u);
}

TEST_F(Sweep, VoidsAClaimThatTheDeadOneHadDelayed) {
  die_after([](Bus& bus, Queue&, const Line&) {
    RawRing raw(bus, "q");
    ring::Sender sender(raw.ring(), raw.member().me().index());
    std::uint64_t position = 0;
    require(sender.claim(position) == ring::Sender::Claimed::kYes, "claim");
    sender.delay(position, ring::deadline_from_ns(2'000'000'000));
  });
  EXPECT_EQ(test_.bus().sweep().claims_voided, 1u);
  EXPECT_EQ(test_.findings(), "");
  test_.clock().advance(1h);
  EXPECT_EQ(code_of(queue_.receive()), Errc::kEmpty);
}

TEST_F(Sweep, FreesTheLoansOfTheDead) {
  die_after([](Bus&, Queue& queue, const Line&) {
    static std::vector<Loan> loans;
    for (int i = 0; i < 5; ++i) loans.push_back(queue.loan(1'000).value());
  });
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 5u);
  EXPECT_EQ(test_.bus().sweep().blocks_freed, 5u);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(Sweep, FreesTheBlockOfAMessageThatTheDeadOneNeverPublished) {
  die_after([](Bus& bus, Queue&, const Line&) {
    RawRing raw(bus, "q");
    shm::Block block;
    require(raw.member().arena().allocate(1'000, block) == Errc::kOk, "allocate");
    const std::uint64_t position = raw.claim();
    raw.member().arena().make_live(
        block.ref, {raw.ring_id(), raw.view().slot_of(position), raw.view().lap_of(position)});
  });
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_EQ(swept.claims_voided, 1u);
  EXPECT_EQ(swept.blocks_freed, 1u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Sweep, FreesTheBlockOfAMessageThatTheDeadOneHadAcknowledged) {
  // It died between the acknowledge and the free.
  ASSERT_TRUE(queue_.send(std::string(1'000, 'x')));
  RawRing raw(test_.bus(), "q");
  shm::BlockRef ref{};
  bool has_block = false;
  ring::read_block_ref(raw.view(), 0, ref, has_block);
  ASSERT_TRUE(has_block);
  const auto live = raw.member().arena().look(ref.block);
  static_cast<void>(drain(queue_));
  shm::Block block;
  ASSERT_EQ(raw.member().arena().allocate(1'000, block), Errc::kOk);
  raw.member().arena().make_live(block.ref, live->back);
  EXPECT_NE(test_.findings().find("its message is gone"), std::string::npos);
  EXPECT_EQ(test_.bus().sweep().blocks_freed, 1u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Sweep, KeepsTheMessagesThatTheDeadOneSent) {
  die_after([](Bus&, Queue& queue, const Line&) {
    require(bool{queue.send("small")}, "send");
    require(bool{queue.send(std::string(1'000, 'x'))}, "send");
    require(bool{queue.send("late", {.delay = 1min})}, "send");
    const std::vector<OutMessage> batch(3, OutMessage{as_bytes("batch"), {}});
    require(queue.send_batch(batch).value() == 3, "batch");
  });
  test_.bus().sweep();
  EXPECT_EQ(drain(queue_).size(), 5u);
  test_.clock().advance(61s);
  EXPECT_EQ(drain(queue_), std::vector<std::string>{"late"});
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Sweep, EndsTheReadingOfTheDeadSoThatTheirSlotsAreUsedAgain) {
  ASSERT_TRUE(queue_.send(std::string(1'000, 'x')));
  die_after([](Bus&, Queue& queue, const Line&) { static auto held = queue.receive().value(); });
  EXPECT_EQ(queue_.purge().value(), 1u);  // into limbo, because somebody may be reading it
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 1u);
  EXPECT_EQ(test_.findings_after_sweep(), "");
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(Sweep, LeavesTheStoppedAlone) {
  ASSERT_TRUE(queue_.send("x"));
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Queue queue = bus.open_queue("q").value();
    auto held = queue.receive().value();
    RawRing(bus, "q").claim();
    line.tell("ready");
    static_cast<void>(line.hear());
    line.tell(name(held.front().acknowledge()));
  });
  EXPECT_EQ(child.hear(), "ready");
  ::kill(child.pid(), SIGSTOP);
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_EQ(swept.dead_participants + swept.leases_returned + swept.claims_voided, 0u);
  ASSERT_TRUE(queue_.send("y"));
  EXPECT_EQ(drain(queue_), std::vector<std::string>{"y"});  // nobody waits for it
  EXPECT_EQ(test_.findings(), "");
  ::kill(child.pid(), SIGCONT);
  child.tell("go on");
  EXPECT_EQ(child.hear(), "Ok");
}

TEST_F(Sweep, IsDoneByOneAtATime) {
  client::Member& member = client::Member::of(test_.bus());
  const auto elected = shm::Sweeper::elect(member.files());
  ASSERT_NE(elected, nullptr);
  EXPECT_FALSE(test_.bus().sweep().elected);
  EXPECT_FALSE(test_.attach().sweep().elected);
}

TEST_F(Sweep, IsTakenOverFromASweeperThatDied) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(queue_.send("x"));
  die_after([](Bus&, Queue& queue, const Line&) {
    static auto held = queue.receive({.max_messages = 4}).value();
  });
  die_after([](Bus& bus, Queue&, const Line&) {
    client::Member& member = client::Member::of(bus);
    static auto sweeper = shm::Sweeper::elect(member.files());
    require(sweeper != nullptr, "elect");
    // Half of the work is done, the entry is not freed.
    RawRing raw(bus, "q");
    const ring::LeaseWord word = raw.view().lease_word(0);
    raw.ring().hints.set(0);
    require(raw.view().move_lease(0, word, ring::LeaseWord::returned(1, 1, false)), "return");
  });
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_EQ(swept.dead_participants, 2u);
  EXPECT_EQ(swept.leases_returned, 3u);
  EXPECT_EQ(drain(queue_).size(), 4u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Sweep, HappensInPassingWhileSomebodyWaits) {
  ASSERT_TRUE(queue_.send("x"));
  die_after([](Bus&, Queue& queue, const Line&) { static auto held = queue.receive().value(); });
  auto received = queue_.receive({.wait = kForever, .visibility_timeout = 1s});
  ASSERT_TRUE(received);
  EXPECT_EQ(received->front().receive_count(), 2u);
}

TEST_F(Sweep, HappensInPassingWhenAReceiveFindsNothing) {
  ASSERT_TRUE(queue_.send("x"));
  die_after([](Bus&, Queue& queue, const Line&) { static auto held = queue.receive().value(); });
  EXPECT_EQ(code_of(queue_.receive()), Errc::kEmpty);
  EXPECT_EQ(drain(queue_), std::vector<std::string>{"x"});
}

TEST_F(Sweep, HappensInPassingWhenASendFindsNoRoom) {
  die_after([](Bus& bus, Queue&, const Line&) {
    RawRing raw(bus, "q");
    for (int i = 0; i < 64; ++i) raw.claim();
  });
  EXPECT_EQ(code_of(queue_.send("x")), Errc::kFull);
  EXPECT_EQ(code_of(queue_.send("x")), Errc::kOk);
}

TEST_F(Sweep, HappensInPassingWhileAWaitSetWaits) {
  ASSERT_TRUE(queue_.send("x"));
  die_after([](Bus&, Queue& queue, const Line&) { static auto held = queue.receive().value(); });
  WaitSet set;
  ASSERT_TRUE(set.add(queue_));
  EXPECT_EQ(set.wait().value(), std::vector<std::size_t>{0});
}

TEST_F(Sweep, IsDoneBesideASweeperThatIsStopped) {
  ASSERT_TRUE(queue_.send("x"));
  die_after([](Bus&, Queue& queue, const Line&) { static auto held = queue.receive().value(); });
  shm::BusFiles& files = client::Member::of(test_.bus()).files();
  auto stopped = shm::Sweeper::elect(files);
  ASSERT_NE(stopped, nullptr);
  Bus other = test_.attach();
  stopped->for_each_dead([&](std::uint16_t /*index*/) {  // it holds the dead one's lock
    Queue queue = other.open_queue("q").value();
    EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);  // who was elected may be at work
    test_.clock().advance(2s);
    EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
    EXPECT_EQ(drain(queue), std::vector<std::string>{"x"});
    Bus late = test_.attach();  // not in the dead one's place while the stopped one is at it
    EXPECT_EQ(inspect(test_.bus()).participants.size(), 3u);
    return true;
  });
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(Sweep, RepairsHintsThatAreMissing) {
  ASSERT_TRUE(queue_.send("x"));
  ASSERT_EQ(queue_.release(receive_one(queue_)), Errc::kOk);
  RawRing raw(test_.bus(), "q");
  for (int level = 0; level < 3; ++level) {
    if (level == 0) raw.view().hint_cell(0).store(0);
    if (level == 1) raw.view().hint_middle(0).store(0);
    if (level == 2) raw.view().hot().hint_top.store(0);
    EXPECT_NE(test_.findings().find("no hint leads to it"), std::string::npos) << level;
    EXPECT_EQ(test_.bus().sweep().hints_repaired, 1u) << level;
    EXPECT_EQ(test_.findings(), "") << level;
  }
  EXPECT_EQ(drain(queue_), std::vector<std::string>{"x"});
}

TEST_F(Sweep, RepairsADueIndexThatForgot) {
  ASSERT_TRUE(queue_.send("x"));
  ASSERT_TRUE(queue_.receive({.visibility_timeout = 10s}));
  RawRing raw(test_.bus(), "q");
  raw.view().due_block(0).store(ring::kDeadlineNever);
  raw.view().hot().due_top.store(ring::kDeadlineNever);
  EXPECT_NE(test_.findings().find("due index"), std::string::npos);
  EXPECT_EQ(test_.findings_after_sweep(), "");
  test_.clock().advance(11s);
  EXPECT_EQ(drain(queue_), std::vector<std::string>{"x"});
}

TEST_F(Sweep, KeepsTheEntryOfTheDeadUntilItCouldLookAtEveryQueue) {
  // A sweeper without descriptors: it must not say that nothing names the dead one any more.
  Queue unseen = test_.queue("unseen");
  ASSERT_TRUE(unseen.send("x"));
  die_after([](Bus& bus, Queue&, const Line&) {
    static Queue queue = bus.open_queue("unseen").value();
    static auto held = queue.receive().value();
  });
  EXPECT_EQ(in_child([&] {
              Bus bus = Bus::open(TestBus::kName, test_.options()).value();
              const rlimit most{40, 40};
              require(::setrlimit(RLIMIT_NOFILE, &most) == 0, "limit");
              std::vector<int> taken;  // leaves enough to be elected and no more
              for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0;
                   fd = ::open("/dev/null", O_RDONLY)) {
                taken.push_back(fd);
              }
              for (std::size_t left = 0; left <= taken.size(); ++left) {
                const Bus::Swept swept = bus.sweep();
                const bool all_done = swept.leases_returned == 1;
                require((swept.dead_participants == 1) == all_done, "done, or not freed");
                if (all_done) return;
                ::close(taken.back());
                taken.pop_back();
              }
              require(false, "never swept");
            }),
            0);
  EXPECT_EQ(drain(unseen), std::vector<std::string>{"x"});
  EXPECT_EQ(test_.findings(), "");
}

class Orphans : public Sweep {
 protected:
  /// A copy of a file under another id, as if `creator` had made it.
  void copy(const std::string& from, const std::string& id, std::size_t creator_offset,
            std::uint64_t creator) {
    const std::string to = fs::path(from).parent_path().string() + "/" + id;
    fs::copy_file(from, to);
    RawFile(to).word(creator_offset) = creator;
  }
  [[nodiscard]] std::uint64_t my_creator_word() {
    return client::Member::of(test_.bus()).me().creator_word();
  }
  static constexpr std::uint64_t kOneIncarnation = 1u << 14;
};

TEST_F(Orphans, OfATemporaryKindAreRemovedWhenTheirMakerIsGone) {
  const std::string index = std::to_string(test_.bus().participant_index());
  const std::string incarnation =
      std::to_string(client::Member::of(test_.bus()).me().incarnation());
  const std::string mine = index + "-" + incarnation + "-123";
  for (const std::string& name : {mine, index + "-9-124", std::string("77-0-125"),
                                  std::string("16384-0-126"), std::string("bus-127")}) {
    std::ofstream(test_.path("tmp/" + name)) << "half";
  }
  EXPECT_NE(test_.findings().find("tmp/77-0-125"), std::string::npos);
  EXPECT_EQ(test_.bus().sweep().files_removed, 4u);
  EXPECT_EQ(files_in(test_.path("tmp")), std::vector<std::string>{mine});  // I may be at work
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Orphans, OfABusFileAreKeptWhileItsMakerIsAtWork) {
  std::ofstream(test_.path("tmp/bus-1")) << "half";
  const auto file =
      sys::open_file(client::Member::of(test_.bus()).files().temporary(), "bus-1").value();
  ASSERT_TRUE(sys::try_lock_byte(file, 0));
  EXPECT_EQ(test_.bus().sweep().files_removed, 0u);
  sys::unlock_byte(file, 0);
  EXPECT_EQ(test_.bus().sweep().files_removed, 1u);
}

TEST_F(Orphans, AmongTheRingsAreRemovedWhenNoQueueNamesThemAndTheirMakerIsGone) {
  const std::string ring = only_file_in(test_.path("rings"));
  constexpr std::size_t kCreator = offsetof(ring::RingHeader, creator);
  copy(ring, "1001", kCreator, my_creator_word());                    // at work on it, perhaps
  copy(ring, "1002", kCreator, my_creator_word() + kOneIncarnation);  // never lived
  copy(ring, "1003", kCreator, 99);
  copy(ring, "1004", kCreator, 0);
  EXPECT_EQ(test_.bus().sweep().files_removed, 3u);
  EXPECT_EQ(files_in(test_.path("rings")),
            (std::vector<std::string>{"1001", fs::path(ring).filename().string()}));
  ASSERT_TRUE(queue_.send("x"));
  EXPECT_EQ(drain(queue_).size(), 1u);
}

TEST_F(Orphans, AmongTheRingsAreKeptWhileAQueueCannotBeOpened) {
  const std::string ring = only_file_in(test_.path("rings"));
  copy(ring, "1002", offsetof(ring::RingHeader, creator), 99);
  std::ofstream(test_.path("queues/broken")) << "who knows which rings it names";
  EXPECT_EQ(test_.bus().sweep().files_removed, 0u);
  ASSERT_TRUE(test_.bus().delete_queue("broken"));
  EXPECT_EQ(test_.bus().sweep().files_removed, 1u);
}

TEST_F(Orphans, AmongTheSegmentsAreRemovedWhenTheTableDoesNotNameThem) {
  ASSERT_TRUE(queue_.send(std::string(1'000, 'x')));
  const std::string segment = only_file_in(test_.path("arena"));
  constexpr std::size_t kCreator = offsetof(shm::SegmentHeader, creator);
  copy(segment, "1001", kCreator, my_creator_word());
  copy(segment, "1002", kCreator, 99);
  EXPECT_NE(test_.findings().find("arena/1002"), std::string::npos);
  EXPECT_EQ(test_.bus().sweep().files_removed, 1u);
  EXPECT_EQ(files_in(test_.path("arena")).size(), 2u);
  EXPECT_EQ(drain(queue_).size(), 1u);
}

TEST_F(Orphans, OfADeadParticipantAreRemovedWithItsEntry) {
  die_after([&](Bus& bus, Queue&, const Line&) {
    shm::Participant& me = client::Member::of(bus).me();
    std::ofstream(test_.path("tmp/" + me.temporary_name())) << "half";
    copy(only_file_in(test_.path("rings")), "1001", offsetof(ring::RingHeader, creator),
         me.creator_word());
  });
  const Bus::Swept swept = test_.bus().sweep();
  EXPECT_EQ(swept.dead_participants, 1u);
  EXPECT_EQ(swept.files_removed, 2u);
  EXPECT_TRUE(files_in(test_.path("tmp")).empty());
  EXPECT_EQ(files_in(test_.path("rings")).size(), 1u);
}

TEST_F(Orphans, AreNeverARingThatALivingQueueUses) {
  {
    Bus maker = test_.attach();
    Queue theirs = maker.queue("theirs", {.slots = 64}).value();
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(theirs.send("x"));
  }  // the maker of all these rings is gone
  EXPECT_EQ(test_.bus().sweep().files_removed, 0u);
  Queue theirs = test_.bus().open_queue("theirs").value();
  EXPECT_EQ(drain(theirs).size(), 500u);
}

}  // namespace
}  // namespace ringpost::test
