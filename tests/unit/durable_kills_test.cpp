// Durable queues whose users are killed.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "support/durable_bus.hpp"
#include "support/talking_child.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

TEST_F(DurableQueue, HasWhatAKilledSenderWasToldToBeSent) {
  static_cast<void>(make());
  bus_.reset();
  in_a_child_that_dies([&] {
    Bus bus = Bus::open("test", options()).value();
    Queue queue = bus.open_queue("q").value();
    for (const char* body : {"a", "b", "c"}) {
      if (!queue.send(body)) ::_exit(1);
    }
    die();
  });
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), (Texts{"a", "b", "c"}));
}

TEST_F(DurableQueue, GoesOnWithoutARebootWhenASenderIsKilled) {
  Queue queue = make();
  ASSERT_TRUE(queue.send("a"));
  in_a_child_that_dies([&] {
    Bus bus = Bus::open("test", options()).value();
    Queue theirs = bus.open_queue("q").value();
    if (!theirs.send("b")) ::_exit(1);
    die();
  });
  bus_->sweep();
  ASSERT_TRUE(queue.send("c"));
  EXPECT_EQ(drain(queue), (Texts{"a", "b", "c"}));
}

/// What a child says before and after each of its calls.
struct Word {
  enum Kind : std::uint32_t { kSending, kSent, kAcknowledging } kind;
  std::uint32_t number;
};

class DurableQueueAndKills : public DurableQueue {
 protected:
  using Say = std::function<void(Word)>;
  /// Sends and acknowledges until it is killed.
  [[noreturn]] void work(std::uint32_t first, const Say& say) {
    Bus bus = Bus::open("test", options()).value();
    Queue queue = bus.open_queue("q").value();
    for (std::uint32_t number = first;; ++number) {
      say({Word::kSending, number});
      if (!queue.send(std::to_string(number))) ::_exit(1);
      say({Word::kSent, number});
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
          next_ = std::max(next_, word.number + 1);
          if (word.kind == Word::kSending) {
            known_.emplace(word.number, false);
          } else {
            known_[word.number] = word.kind == Word::kSent;  // else maybe there
          }
        });
  }
  void check_and_empty(Queue& queue) {
    std::map<std::uint32_t, int> found;
    for (const std::string& body : drain(queue)) {
      ++found[static_cast<std::uint32_t>(std::stoul(body))];
    }
    for (const auto& [number, count] : found) {
      EXPECT_EQ(count, 1) << number;
      EXPECT_TRUE(known_.contains(number)) << number;
    }
    for (const auto& [number, sure] : known_) {
      EXPECT_TRUE(!sure || found.contains(number)) << number;
    }
    known_.clear();
  }

  std::uint32_t next_ = 1;
  std::map<std::uint32_t, bool> known_;  ///< whether it must be there
};

TEST_F(DurableQueueAndKills, LoseNothingThatWasSentAndBringNothingTwice) {
  static_cast<void>(make("q", {.message_bytes_max = 16u << 10, .log_segment_bytes = 64u << 10}));
  for (int round = 0; round < 24; ++round) {
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
    check_and_empty(queue);
  }
}

}  // namespace
}  // namespace ringpost::test
