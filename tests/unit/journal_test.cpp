// A journal of a bus: its file, and the waits for what others do.
#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "client/member.hpp"
#include "journal/journal.hpp"
#include "journal/log_writer.hpp"
#include "journal/sweep.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/raw_journal.hpp"
#include "support/test_bus.hpp"
#include "sys/futex.hpp"

namespace ringpost::test {
namespace {

using journal::BusLiveness;
using journal::Claim;
using journal::Journal;
using journal::JournalFile;
using journal::JournalKind;
using journal::JournalOptions;
using journal::Seen;

using Lines = std::vector<std::string>;
constexpr std::uint64_t kNever = ~0ull;

shm::Participant& me(const Bus& bus) { return client::Member::of(bus).me(); }

/// One participant at a journal of the test's bus.
struct End {
  End(Bus its_bus, const std::shared_ptr<JournalFile>& file, FakeDisk* disk)
      : bus(std::move(its_bus)),
        alive(me(bus).bus_pointer()),
        journal(file, me(bus), alive,
                disk == nullptr ? nullptr : std::make_unique<FakeLog>(*disk)) {}
  Claim claim(std::string_view data) {
    Claim claim;
    EXPECT_EQ(journal.producer().claim(record_bytes(data.size()), claim), Errc::kOk);
    write_record(claim, data);
    return claim;
  }
  std::uint64_t put(std::string_view data) {
    const Claim claimed = claim(data);
    journal.producer().publish(claimed);
    return claimed.position;
  }

  Bus bus;
  BusLiveness alive;
  Journal journal;
};

class Journals : public ::testing::Test {
 protected:
  std::shared_ptr<JournalFile> file(const JournalOptions& options = {.cells_log2 = 10}) {
    return JournalFile::create(me(test_.bus()), options).value();
  }
  std::unique_ptr<End> end(const std::shared_ptr<JournalFile>& file, bool with_log = true) {
    return std::make_unique<End>(test_.attach(), file, with_log ? &disk_ : nullptr);
  }
  std::string path(const JournalFile& file) {
    return test_.path("journals/" + JournalFile::file_name(file.id()));
  }

  TestBus test_;
  FakeDisk disk_;
};

TEST_F(Journals, AreFoundAgainUnderTheirIds) {
  const auto made = file({.cells_log2 = 11,
                          .kind = JournalKind::kMemory,
                          .start = 4'096,
                          .owner_id = 77,
                          .number = 3});
  const auto found = JournalFile::open(me(test_.bus()).bus(), made->id()).value();
  EXPECT_EQ(found->id(), made->id());
  EXPECT_EQ(found->start(), 4'096u);
  EXPECT_EQ(found->owner_id(), 77u);
  EXPECT_EQ(found->number(), 3u);
  EXPECT_EQ(found->view().cells(), 2'048u);
  EXPECT_EQ(found->view().kind(), JournalKind::kMemory);
  JournalFile::remove(me(test_.bus()).bus(), made->id());
  EXPECT_EQ(code_of(JournalFile::open(me(test_.bus()).bus(), made->id())), Errc::kNotFound);
  EXPECT_TRUE(files_in(test_.path("tmp")).empty());
}

TEST_F(Journals, HaveSizesWithinLimits) {
  for (const std::uint32_t log2 : {0u, 9u, 25u, 64u}) {
    EXPECT_EQ(code_of(JournalFile::create(me(test_.bus()), {.cells_log2 = log2})),
              Errc::kInvalidArgument);
  }
}

TEST_F(Journals, AreRefusedIfTheirFileIsNotWhatItMustBe) {
  const auto made = file();
  const auto open = [&] { return code_of(JournalFile::open(me(test_.bus()).bus(), made->id())); };
  const auto with = [&](std::size_t offset, std::uint64_t value) {
    RawFile raw(path(*made));
    const std::uint64_t before = std::exchange(raw.word(offset), value);
    const Errc code = open();
    raw.word(offset) = before;
    return code;
  };
  using journal::JournalHeader;
  EXPECT_EQ(with(offsetof(JournalHeader, magic), 1), Errc::kWrongFormat);
  EXPECT_EQ(with(offsetof(JournalHeader, format), 10ull << 32 | 99), Errc::kNewerFormat);
  EXPECT_EQ(with(offsetof(JournalHeader, format), 24ull << 32 | 1), Errc::kCorrupt);
  EXPECT_EQ(with(offsetof(JournalHeader, format), 60ull << 32 | 1), Errc::kCorrupt);
  EXPECT_EQ(with(offsetof(JournalHeader, journal_id), made->id() + 1), Errc::kCorrupt);
  EXPECT_EQ(with(offsetof(JournalHeader, kind), 2), Errc::kCorrupt);
  EXPECT_EQ(open(), Errc::kOk);
}

TEST_F(Journals, OfALostRingStartAboveWhatItCanHaveClaimed) {
  EXPECT_EQ(journal::start_after(0, 10), 1'024u);
  EXPECT_EQ(journal::start_after(1, 10), 2'048u);
  EXPECT_EQ(journal::start_after(5'000, 10), 6'144u);
}

TEST_F(Journals, KnowWhoIsAlive) {
  const BusLiveness alive(me(test_.bus()).bus_pointer());
  EXPECT_TRUE(alive.is_alive(me(test_.bus()).creator_word()));
  EXPECT_FALSE(alive.is_alive(me(test_.bus()).creator_word() + (1 << 14)));
  EXPECT_FALSE(alive.is_alive(0));
  EXPECT_FALSE(alive.is_alive(kNever));
  std::uint64_t gone = 0;
  {
    const Bus other = test_.attach();
    gone = me(other).creator_word();
    EXPECT_TRUE(alive.is_alive(gone));
  }
  EXPECT_FALSE(alive.is_alive(gone));
  Child child([&](const Line& line) {
    const Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    line.tell(std::to_string(me(bus).creator_word()));
    static_cast<void>(line.hear());
  });
  const std::uint64_t childs = std::stoull(child.hear());
  EXPECT_TRUE(alive.is_alive(childs));
  child.kill();
  EXPECT_FALSE(alive.is_alive(childs));
}

TEST_F(Journals, AreDrainedForAllByWhoWaits) {
  const auto shared = file();
  const auto one = end(shared);
  const auto other = end(shared);
  const std::uint64_t first = one->put("a");
  const std::uint64_t second = other->put("b");
  EXPECT_EQ(one->journal.wait_durable(first, kNever), Errc::kOk);
  EXPECT_EQ(other->journal.wait_durable(second, 0), Errc::kOk);
  EXPECT_EQ(disk_.batches, 1);
  EXPECT_EQ(disk_.data(), (Lines{"a", "b"}));
  const std::uint64_t third = other->put("c");
  EXPECT_EQ(other->journal.wait_durable(third, 0), Errc::kOk);
  EXPECT_EQ(disk_.opens, 1);
  EXPECT_EQ(disk_.resumes, 1);
}

TEST_F(Journals, NameTheProducerThatKeepsAWaiterWaiting) {
  const auto shared = file();
  const auto stopped = end(shared);
  const auto waiter = end(shared);
  const auto third = end(shared);
  const Claim claim = stopped->claim("late");
  const std::uint64_t position = waiter->put("x");
  EXPECT_EQ(waiter->journal.wait_durable(position, 0), Errc::kTimedOut);
  const auto blocker = waiter->journal.who_blocks(position);
  EXPECT_EQ(blocker.participant, me(stopped->bus).index());
  EXPECT_FALSE(blocker.is_writer);
  const std::uint64_t others = third->put("y");  // nobody is kept from claiming
  stopped->journal.producer().publish(claim);
  EXPECT_EQ(third->journal.wait_durable(others, 0), Errc::kOk);
  EXPECT_EQ(disk_.data(), (Lines{"late", "x", "y"}));
}

TEST_F(Journals, NameTheWriterThatKeepsAWaiterWaiting) {
  const auto shared = file();
  const auto writer = end(shared);
  const auto waiter = end(shared);
  FakeLog log(disk_);
  journal::DrainRole role(shared->view(), me(writer->bus).creator_word(), writer->alive, log);
  ASSERT_EQ(role.take(), Errc::kOk);
  const std::uint64_t position = waiter->put("x");
  EXPECT_EQ(waiter->journal.wait_durable(position, 0), Errc::kTimedOut);
  const auto blocker = waiter->journal.who_blocks(position);
  EXPECT_EQ(blocker.participant, me(writer->bus).index());
  EXPECT_TRUE(blocker.is_writer);
  EXPECT_EQ(shared->view().hot().wanted, position + 1);
  role.release();
  EXPECT_EQ(waiter->journal.wait_durable(position, 0), Errc::kOk);
}

TEST_F(Journals, AreTakenOverFromAWriterThatWasKilled) {
  const auto shared = file();
  const auto waiter = end(shared);
  const std::uint64_t position = waiter->put("x");
  Child child([&](const Line& line) {
    End writer(Bus::open(TestBus::kName, test_.options()).value(),
               JournalFile::open(me(test_.bus()).bus(), shared->id()).value(), nullptr);
    FakeDisk none;
    FakeLog log(none);
    journal::DrainRole role(shared->view(), me(writer.bus).creator_word(), writer.alive, log);
    require(role.take() == Errc::kOk, "take");
    line.tell("taken");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "taken");
  EXPECT_EQ(waiter->journal.wait_durable(position, 0), Errc::kTimedOut);
  child.kill();
  EXPECT_EQ(waiter->journal.wait_durable(position, 0), Errc::kOk);
  EXPECT_EQ(disk_.opens, 1);
}

TEST_F(Journals, GiveRoomToWhoWaitsForIt) {
  const auto shared = file();
  const auto one = end(shared);
  const std::string half(400 * 64, 'h');
  one->put(half);
  one->put(half);
  Claim claim;
  ASSERT_EQ(one->journal.producer().claim(record_bytes(half.size()), claim), Errc::kFull);
  EXPECT_EQ(one->journal.wait_room(record_bytes(half.size()), 0), Errc::kOk);
  EXPECT_EQ(one->journal.producer().claim(record_bytes(half.size()), claim), Errc::kOk);
  EXPECT_EQ(claim.position, 1'024u);
  EXPECT_EQ(one->journal.wait_room(1ull << 40, 0), Errc::kTooLarge);
}

TEST_F(Journals, WithoutALogWaitForRoomUntilTheOldestClaimIsPublished) {
  const auto shared = file({.cells_log2 = 10, .kind = JournalKind::kMemory});
  const auto stopped = end(shared, false);
  const auto one = end(shared, false);
  const Claim claim = stopped->claim("late");
  const std::string half(500 * 64, 'h');
  one->put(half);
  one->put(half);
  EXPECT_EQ(one->journal.wait_room(record_bytes(half.size()), 0), Errc::kTimedOut);
  std::thread waiter(
      [&] { EXPECT_EQ(one->journal.wait_room(record_bytes(half.size()), kNever), Errc::kOk); });
  stopped->journal.producer().publish(claim);
  waiter.join();
  one->put(half);
}

TEST_F(Journals, WakeReadersAtTheEnd) {
  const auto shared = file();
  const auto reader = end(shared);
  const auto producer = end(shared);
  EXPECT_EQ(reader->journal.wait_published(0, 0), Errc::kTimedOut);
  std::string read;
  std::thread follower([&] {
    EXPECT_EQ(reader->journal.wait_published(0, kNever), Errc::kOk);
    Seen seen;
    EXPECT_EQ(reader->journal.look(0, seen), Errc::kOk);
    read = data_of(seen.bytes);
    EXPECT_EQ(reader->journal.wait_published(seen.next, kNever), Errc::kOk);
    EXPECT_EQ(reader->journal.look(seen.next, seen), Errc::kClosed);
  });
  producer->put("x");
  std::uint64_t position = 0;
  EXPECT_EQ(producer->journal.producer().close(position), Errc::kOk);
  follower.join();
  EXPECT_EQ(read, "x");
}

TEST_F(Journals, TellEveryWaiterThatTheLogHasFailed) {
  const auto shared = file();
  const auto one = end(shared);
  const auto other = end(shared);
  const std::uint64_t position = one->put("x");
  disk_.error = EIO;
  EXPECT_EQ(one->journal.wait_durable(position, kNever), Errc::kLogFailed);
  EXPECT_EQ(other->journal.wait_durable(position, kNever), Errc::kLogFailed);
  EXPECT_EQ(other->journal.failed(), EIO);
}

TEST_F(Journals, SayAtTheDeadlineThatTheLogHasNoRoom) {
  const auto shared = file();
  const auto one = end(shared);
  const std::uint64_t position = one->put("x");
  disk_.is_full = true;
  EXPECT_EQ(one->journal.wait_durable(position, 0), Errc::kNoSpace);
  disk_.is_full = false;
  EXPECT_EQ(one->journal.wait_durable(position, 0), Errc::kOk);
}

TEST_F(Journals, SayThatTheirLogIsDamaged) {
  const auto shared = file();
  const auto one = end(shared);
  const std::uint64_t position = one->put("x");
  disk_.is_damaged = true;
  EXPECT_EQ(one->journal.wait_durable(position, kNever), Errc::kDamaged);
  disk_.is_damaged = false;
  EXPECT_EQ(one->journal.wait_durable(position, 0), Errc::kOk);
}

/// Several producers, each a thread with a participant of its own; every eighth record is waited
/// for. With a dedicated writer, or without one.
class ThreadsAtAJournal : public Journals, public ::testing::WithParamInterface<bool> {};

TEST_P(ThreadsAtAJournal, LoseNothingAndWriteNothingTwice) {
  constexpr int kProducers = 3;
  constexpr int kRecords = 2'000;
  const auto shared = file();
  std::vector<std::unique_ptr<End>> ends;
  for (int i = 0; i < kProducers; ++i) ends.push_back(end(shared));
  const auto writing = end(shared);
  FakeLog log(disk_);
  journal::LogWriter writer(shared->view(), me(writing->bus).creator_word(), writing->alive, log);
  std::atomic<std::uint32_t> stopping{0};
  std::thread dedicated([&] {
    journal::LogWriter* const all[] = {&writer};
    while (GetParam() && stopping.load() == 0) {
      if (!journal::step_all(all)) journal::sleep_on_all(all, stopping);
    }
    writer.release();
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kProducers; ++i) {
    threads.emplace_back([&, i] {
      Journal& journal = ends[static_cast<std::size_t>(i)]->journal;
      for (int n = 0; n < kRecords; ++n) {
        const std::string data = std::to_string(i) + ":" + std::to_string(n) +
                                 std::string(static_cast<std::size_t>(n) % 300, '.');
        Claim claim;
        Errc code = Errc::kOk;
        while ((code = journal.producer().claim(record_bytes(data.size()), claim)) == Errc::kFull) {
          ASSERT_EQ(journal.wait_room(record_bytes(data.size()), kNever), Errc::kOk);
        }
        ASSERT_EQ(code, Errc::kOk);
        write_record(claim, data);
        journal.producer().publish(claim);
        if (n % 8 == 0) {
          ASSERT_EQ(journal.wait_durable(claim.position, kNever), Errc::kOk);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t last = 0;
  ASSERT_EQ(writing->journal.producer().close(last), Errc::kOk);
  if (GetParam()) writing->journal.want(last + 1);
  while (GetParam() && writing->journal.durable() <= last) std::this_thread::yield();
  stopping.store(1);
  sys::futex_wake(stopping, 1);
  dedicated.join();
  EXPECT_EQ(writer.failure(), Errc::kOk);
  EXPECT_EQ(writing->journal.wait_durable(last, kNever), Errc::kOk);
  std::vector<int> next(kProducers, 0);
  std::uint64_t position = 0;
  for (const FakeDisk::Record& record : disk_.records) {
    ASSERT_TRUE(position == 0 || record.position > position);
    position = record.position;
    if (record.is_end) continue;
    const auto producer = static_cast<std::size_t>(record.data[0] - '0');
    ASSERT_EQ(std::stoi(record.data.substr(2)), next[producer]++);
  }
  EXPECT_EQ(next, std::vector<int>(kProducers, kRecords));
  EXPECT_TRUE(disk_.records.back().is_end);
}

INSTANTIATE_TEST_SUITE_P(Writer, ThreadsAtAJournal, ::testing::Bool(), [](const auto& which) {
  return which.param ? "Dedicated" : "WhoeverWaits";
});

}  // namespace
}  // namespace ringpost::test
