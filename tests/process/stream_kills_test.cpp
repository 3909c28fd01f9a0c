// Real kills of whoever uses a stream: producers, and the process that writes its log, die at
// random points of their work. Every record that was acknowledged is there, once, in its producer's
// order; nothing is invented. Then the shared memory is lost, as by a loss of power, and what was
// acknowledged as durable is there still.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>

#include "process/rig/depth.hpp"
#include "process/rig/random.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/ringpost.hpp"
#include "support/child.hpp"

namespace ringpost::rig {
namespace {

using test::Child;
using test::Line;

constexpr std::uint32_t kProducers = 3;
constexpr std::uint32_t kLivesMax = 256;  // of all producers together
constexpr std::uint32_t kAcksMax = 1 << 16;
constexpr char kStream[] = "ticks";

/// One life of a producer: it puts the numbers 0, 1, 2, …, each when the one before has returned.
struct Life {
  std::atomic<std::uint32_t> begun{0};    ///< numbers below may be there
  std::atomic<std::uint32_t> acked{0};    ///< numbers below are there
  std::atomic<std::uint32_t> durable{0};  ///< numbers below survive the loss of power
};

/// In memory that outlives whoever writes it.
struct Ledger {
  std::array<Life, kLivesMax> lives;
  std::atomic<std::uint64_t> puts{0};
};

struct Unmap {
  void operator()(Ledger* ledger) const noexcept { munmap(ledger, sizeof(Ledger)); }
};
std::unique_ptr<Ledger, Unmap> make_ledger() {
  void* memory =
      mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  return std::unique_ptr<Ledger, Unmap>(new (memory) Ledger);
}

std::string text_of(std::uint32_t life, std::uint32_t number) {
  return std::to_string(life) + ":" + std::to_string(number) + std::string(number % 300, '.');
}

class StreamKills : public ::testing::Test {
 protected:
  StreamKills() {
    options_.shm_dir = scratch_.path("shm");
    options_.state_dir = scratch_.path("state");
    StreamSettings settings;
    settings.shards = 2;
    settings.ring_bytes = 64 * 1024;  // it is full again and again
    settings.record_bytes_max = 1024;
    settings.segment_bytes = 1 << 20;
    Bus::open("test", options_).value().stream(kStream, settings).value();
  }

  /// Puts until it is killed. Every other record waits for durability.
  void produce(std::uint32_t life) {
    Bus bus = Bus::open("test", options_).value();
    Stream stream = bus.open_stream(kStream).value();
    Life& mine = ledger_->lives[life];
    const std::string key = "key " + std::to_string(life);
    for (std::uint32_t number = 0;; ++number) {
      mine.begun = number + 1;
      PutOptions how;
      how.durability = number % 2 == 0 ? Durability::kMemory : Durability::kDurable;
      how.wait = kForever;
      const auto put = stream.put(key, text_of(life, number), how);
      test::require(put.has_value(), put ? "" : name(put.error()));
      mine.acked = number + 1;
      if (*how.durability == Durability::kDurable) mine.durable = number + 1;
      ++ledger_->puts;
    }
  }

  void write_logs(const Line& line) {
    Bus bus = Bus::open("test", options_).value();
    Stream stream = bus.open_stream(kStream).value();
    const LogWriter writer = stream.writer().value();
    line.tell("ready");
    static_cast<void>(line.hear());  // until the parent goes, or kills me
  }

  std::unique_ptr<Child> start_producer() {
    const std::uint32_t life = lives_++;
    return std::make_unique<Child>([this, life](const Line&) { produce(life); });
  }
  std::unique_ptr<Child> start_writer() {
    auto child = std::make_unique<Child>([this](const Line& line) { write_logs(line); });
    EXPECT_EQ(child->hear(), "ready");
    return child;
  }

  void await_puts(std::uint64_t more) const {
    for (const std::uint64_t until = ledger_->puts + more; ledger_->puts < until;) sched_yield();
  }

  /// What each life has in the stream, by number; checks order within a life.
  std::map<std::uint32_t, std::uint32_t> read_all() {
    std::map<std::uint32_t, std::uint32_t> found;
    Bus bus = Bus::open("test", options_).value();
    bus.sweep();  // claims of the dead are in the way of what is behind them
    Stream stream = bus.open_stream(kStream).value();
    for (const ShardInfo& shard : stream.shards().value()) {
      ShardReader reader =
          stream.reader(shard.number, From::trim_horizon(), Follow::kPublished).value();
      SequenceNumber last{};
      while (true) {
        const Records records = reader.read().value();
        EXPECT_FALSE(records.lost().has_value());
        for (const StreamRecord& record : records) {
          EXPECT_LT(last, record.sequence);
          last = record.sequence;
          take(record, found);
        }
        if (records.empty()) break;
      }
    }
    return found;
  }

  static void take(const StreamRecord& record, std::map<std::uint32_t, std::uint32_t>& found) {
    const auto life = static_cast<std::uint32_t>(
        std::stoul(std::string(record.key.substr(std::string_view("key ").size()))));
    std::uint32_t& next = found[life];
    ASSERT_EQ(as_text(record.data), text_of(life, next)) << "of life " << life;
    ++next;
  }

  /// `least`: what of a life must be there.
  void expect_all(std::atomic<std::uint32_t> Life::*least, const char* what) {
    auto found = read_all();
    for (std::uint32_t life = 0; life < lives_; ++life) {
      const Life& told = ledger_->lives[life];
      EXPECT_GE(found[life], (told.*least).load()) << what << ", life " << life;
      EXPECT_LE(found[life], told.begun.load()) << what << ", life " << life;
    }
  }

  Scratch scratch_;
  BusOptions options_;
  std::unique_ptr<Ledger, Unmap> ledger_ = make_ledger();
  std::uint32_t lives_ = 0;
};

TEST_F(StreamKills, AcknowledgedRecordsOutliveProducersWritersAndThenTheSharedMemory) {
  const auto kills = by_depth<std::uint32_t>(12, 60, 1'000);
  Random random(base_seed());
  std::vector<std::unique_ptr<Child>> producers;
  for (std::uint32_t i = 0; i < kProducers; ++i) producers.push_back(start_producer());
  std::unique_ptr<Child> writer;  // at times nobody but the producers writes
  std::uint32_t writer_deaths = 0;
  for (std::uint32_t kill = 0; kill < kills && lives_ < kLivesMax; ++kill) {
    await_puts(random.below(200));
    if (random.one_in(2)) {
      std::unique_ptr<Child>& victim = producers[random.below(kProducers)];
      victim->kill();
      victim = start_producer();
    } else if (writer != nullptr) {
      writer->kill();
      writer = nullptr;
      ++writer_deaths;
    } else {
      writer = start_writer();
    }
  }
  await_puts(100);
  for (auto& each : producers) each->kill();
  if (writer != nullptr) writer->kill();
  EXPECT_GT(writer_deaths, 0U);
  expect_all(&Life::acked, "after the kills");

  std::filesystem::remove_all(options_.shm_dir);
  expect_all(&Life::durable, "after the loss of shared memory");
  std::printf("%llu puts, %u lives of producers, %u deaths of the log's writer\n",
              static_cast<unsigned long long>(ledger_->puts.load()), lives_, writer_deaths);
}

}  // namespace
}  // namespace ringpost::rig
