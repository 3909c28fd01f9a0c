// Power goes at any step of the disk, senders are killed: what a durable FIFO queue has afterwards.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>
#include <thread>

#include "process/rig/random.hpp"
#include "support/durable_bus.hpp"
#include "support/durable_machine.hpp"
#include "support/talking_child.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

/// What its user knows of a message, whose body is also its deduplication id.
enum class Known {
  kSending,  ///< maybe there
  kSent,     ///< there
  kEnded,    ///< acknowledged; maybe there
  kGone      ///< acknowledged, and the disk was waited for since
};
struct Fact {
  Known known = Known::kSending;
  MessageId id{};  ///< as its sender was told
};
using Model = std::map<std::uint32_t, Fact>;

[[nodiscard]] std::string group_of(std::uint32_t number) {
  return "g" + std::to_string(number % 5);
}

/// Sends each once more, with its id: whoever was told that it is sent is told so again. Then
/// receives everything, group by group in the order of sending.
void check(Queue& queue, const Model& model) {
  for (const auto& [number, fact] : model) {
    const std::string id = std::to_string(number);
    const auto again = queue.send(id, {.group = group_of(number), .dedup_id = id});
    ASSERT_TRUE(again);
    if (fact.id != MessageId{}) {
      EXPECT_EQ(*again, fact.id) << number << " is a duplicate";
    }
  }
  std::map<std::uint32_t, int> found;
  std::map<std::string, std::uint32_t> last;
  std::map<std::string, std::uint64_t> sequence;
  while (auto got = queue.receive({.max_messages = 10})) {
    for (Lease& lease : *got) {
      const auto number = static_cast<std::uint32_t>(std::stoul(std::string(lease.text())));
      const std::string group(lease.group());
      ++found[number];
      EXPECT_LT(sequence[group], lease.sequence() + 1) << group;
      sequence[group] = lease.sequence() + 1;
      const auto fact = model.find(number);
      ASSERT_TRUE(fact != model.end()) << number;
      if (fact->second.id != MessageId{}) {  // others may have been sent just now
        EXPECT_LT(last[group], number) << "the order of " << group;
        last[group] = number;
        EXPECT_EQ(lease.id(), fact->second.id);
      }
      ASSERT_EQ(lease.acknowledge(), Errc::kOk);
    }
  }
  for (const auto& [number, count] : found) EXPECT_EQ(count, 1) << number;
  for (const auto& [number, fact] : model) {
    const bool there = found.contains(number);
    EXPECT_TRUE(there || (fact.known != Known::kSent && fact.known != Known::kSending)) << number;
    EXPECT_TRUE(!there || fact.known != Known::kGone) << number;
  }
}

class DurableFifoPower : public testing::TestWithParam<std::uint64_t> {
 protected:
  [[nodiscard]] static QueueSettings settings() {
    return {.visibility_timeout = 1h,
            .message_bytes_max = 4096,
            .slots = 256,
            .fifo = true,
            .dedup = Dedup::kById,
            .dedup_entries = 1'024,
            .durability = Durability::kDurable,
            .log_segment_bytes = 64u << 10};
  }
  void waited_for_the_disk() {
    for (auto& [number, fact] : model_) {
      if (fact.known == Known::kEnded) fact.known = Known::kGone;
    }
  }
  void send(Queue& queue) {
    const std::uint32_t number = ++last_;
    const std::string id = std::to_string(number);
    const std::string body = random_.below(4) == 0 ? id + " " + std::string(3'000, 'x') : id;
    model_[number] = {};
    const auto sent = queue.send(body, {.group = group_of(number), .dedup_id = id});
    ASSERT_TRUE(sent);
    model_[number] = {Known::kSent, *sent};
    waited_for_the_disk();
  }
  void receive_and_acknowledge(Queue& queue) {
    auto got = queue.receive();
    if (!got) return;
    const auto number = static_cast<std::uint32_t>(std::stoul(std::string(got->front().text())));
    model_[number].known = Known::kEnded;
    ASSERT_EQ(got->front().acknowledge(), Errc::kOk);
  }
  void send_again(Queue& queue) {
    const auto number = static_cast<std::uint32_t>(1 + random_.below(last_));
    const std::string id = std::to_string(number);
    const auto again = queue.send(id, {.group = group_of(number), .dedup_id = id});
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, model_[number].id);
    waited_for_the_disk();
  }
  void work(Queue& queue, int steps) {
    send(queue);
    for (int i = 0; i < steps; ++i) {
      const std::uint64_t what = random_.below(10);
      if (what < 5) {
        send(queue);
      } else if (what < 9) {
        receive_and_acknowledge(queue);
      } else {
        send_again(queue);
      }
    }
  }

  rig::Random random_{GetParam()};
  Model model_;
  std::uint32_t last_ = 0;
};

TEST_P(DurableFifoPower, LosesNothingAndGivesNothingTwiceAndKnowsWhatWasSent) {
  cut_power(
      GetParam(), random_, model_, settings(), 60, [this](Bus&, Queue& queue) { work(queue, 300); },
      [](Queue& queue, const Model& model) { check(queue, model); });
}

INSTANTIATE_TEST_SUITE_P(Seeds, DurableFifoPower, testing::Range<std::uint64_t>(1, 5));

/// Texts of what is there.
[[nodiscard]] std::multiset<std::string> drained(Queue& queue) {
  std::multiset<std::string> texts;
  while (auto got = queue.receive({.max_messages = 10})) {
    for (Lease& lease : *got) {
      texts.emplace(lease.text());
      EXPECT_EQ(lease.acknowledge(), Errc::kOk);
    }
  }
  return texts;
}

TEST(DurableFifoMove, LosesNothingIfTheDiskOfTheDeadLetterQueueFails) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    sim::Disk dead_disk(seed);
    sim::Disk source_disk(seed + 100);
    const auto disks = [](sim::Disk& of_source, sim::Disk& of_dead) {
      return [&of_source, &of_dead](const std::string& path) {
        return (path.find("source") != std::string::npos ? of_source : of_dead).mount();
      };
    };
    const QueueSettings of_dead{.fifo = true, .durability = Durability::kDurable};
    QueueSettings of_source = of_dead;
    of_source.redrive = RedrivePolicy{.dead_letter_queue = "q", .max_receive_count = 1};
    Machine machine(dead_disk);
    {
      Queue dead = machine.boot(of_dead, disks(source_disk, dead_disk)).value();
      Queue source = machine.bus().queue("source", of_source).value();
      ASSERT_TRUE(source.send("poison", {.group = "g", .dedup_id = "1"}));
      ASSERT_EQ(source.receive().value()[0].release(), Errc::kOk);
      dead_disk.fail(sim::Step::kWrite, 1, EIO);
      EXPECT_FALSE(source.receive()) << "it has been received once";
      ASSERT_TRUE(dead_disk.has_failed(sim::Step::kWrite));
      ASSERT_TRUE(source.send("next", {.group = "g", .dedup_id = "2"})) << "flushes";
    }
    const auto dead_after = dead_disk.power_cut(seed, nullptr);
    const auto source_after = source_disk.power_cut(seed, nullptr);
    Machine next(*dead_after, machine);
    Queue dead = next.boot(of_dead, disks(*source_after, *dead_after)).value();
    Queue source = next.bus().queue("source", of_source).value();
    std::multiset<std::string> there = drained(source);
    there.merge(drained(dead));
    EXPECT_GE(there.count("poison"), 1u) << "seed " << seed;
    EXPECT_EQ(there.count("next"), 1u) << "seed " << seed;
  }
}

/// What a child says before and after each of its calls.
struct Word {
  enum Kind : std::uint32_t { kSending, kSent, kAcknowledging } kind;
  std::uint32_t number;
  MessageId id{};
};

class DurableFifoAndKills : public DurableQueue {
 protected:
  [[nodiscard]] static QueueSettings settings() {
    return {.visibility_timeout = 1s,
            .message_bytes_max = 16u << 10,
            .fifo = true,
            .dedup = Dedup::kById,
            .durability = Durability::kDurable,
            .log_segment_bytes = 64u << 10};
  }
  using Say = std::function<void(Word)>;
  /// Sends and acknowledges until it is killed. Begins with what the one before was sending.
  [[noreturn]] void work(std::uint32_t first, const Say& say) {
    Bus bus = Bus::open("test", options()).value();
    Queue queue = bus.open_queue("q").value();
    for (std::uint32_t number = first;; ++number) {
      const std::string id = std::to_string(number);
      say({Word::kSending, number});
      const auto sent = queue.send(id, {.group = group_of(number), .dedup_id = id});
      if (!sent) ::_exit(1);
      say({Word::kSent, number, *sent});
      if (number % 3 == 0) continue;
      auto got = queue.receive({.visibility_timeout = 12h});
      if (!got) continue;
      say({Word::kAcknowledging,
           static_cast<std::uint32_t>(std::stoul(std::string(got->front().text())))});
      if (got->front().acknowledge() != Errc::kOk) ::_exit(1);
    }
  }
  void let_one_work(int words) {
    let_a_child_work<Word>(
        words, [this](const Say& say) { work(next_, say); },
        [this](const Word& word) {
          next_ = std::max(next_, word.number);
          Fact& fact = model_[word.number];
          if (word.kind == Word::kAcknowledging) fact.known = Known::kEnded;
          if (word.kind != Word::kSent) return;
          fact.id = word.id;
          if (fact.known == Known::kSending) fact.known = Known::kSent;
        });
  }

  std::uint32_t next_ = 1;
  Model model_;
};

/// All send the same, each in its own time, while one receives.
TEST_F(DurableFifoAndKills, TakeEachIdOnceFromManySendersAtATime) {
  constexpr std::uint32_t kIds = 150;
  static_cast<void>(make("q", settings()));
  std::map<std::uint32_t, int> received;
  std::vector<std::vector<MessageId>> told(3);
  {
    std::vector<std::thread> threads;
    for (auto& mine : told) {
      threads.emplace_back([this, &mine] {
        Bus bus = Bus::open("test", options()).value();
        Queue queue = bus.open_queue("q").value();
        for (std::uint32_t number = 1; number <= kIds; ++number) {
          const std::string id = std::to_string(number);
          // Some lie in a block, and take long.
          const std::string body = id + std::string(number % 8 == 0 ? 10'000 : 1, ' ');
          mine.push_back(queue.send(body, {.group = group_of(number), .dedup_id = id}).value());
        }
      });
    }
    threads.emplace_back([this, &received] {
      Bus bus = Bus::open("test", options()).value();
      Queue queue = bus.open_queue("q").value();
      while (received.size() < kIds / 2) {
        auto got = queue.receive();
        if (!got) continue;
        ++received[static_cast<std::uint32_t>(std::stoul(std::string(got->front().text())))];
        ASSERT_EQ(got->front().acknowledge(), Errc::kOk);
      }
    });
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(told[0], told[1]);
  EXPECT_EQ(told[0], told[2]);
  reboot();
  Queue queue = open();
  for (const std::string& body : drain(queue)) {
    ++received[static_cast<std::uint32_t>(std::stoul(body))];
  }
  EXPECT_EQ(received.size(), kIds);
  for (const auto& [number, count] : received) EXPECT_EQ(count, 1) << number;
}

TEST_F(DurableFifoAndKills, LoseNothingThatWasSentAndBringNothingTwice) {
  static_cast<void>(make("q", settings()));
  for (int round = 0; round < 20; ++round) {
    bus_.reset();
    let_one_work(7 * round);
    if (round % 3 == 0) {
      reboot();
    } else {
      bus_.emplace(Bus::open("test", options()).value());
      bus_->sweep();
    }
    if (round % 2 != 0) continue;  // another one goes on where this one was killed
    Queue queue = open();
    check(queue, model_);
    model_.clear();
    ++next_;
  }
}

}  // namespace
}  // namespace ringpost::test
