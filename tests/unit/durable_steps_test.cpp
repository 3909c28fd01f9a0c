// A user of a durable queue is killed at any instruction: then everything is there once.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>

#include "process/rig/depth.hpp"
#include "process/rig/random.hpp"
#include "support/durable_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Counts = std::map<std::string, int>;

/// What a child does: `prepare`, and then, watched instruction by instruction, `act`.
struct Work {
  std::function<void(Bus&)> prepare;
  std::function<void(Bus&)> act;
};

class DurableQueueAndSteps : public DurableQueue {
 protected:
  void SetUp() override {
    static_cast<void>(make("dead", {.message_bytes_max = 16u << 10}));
    Queue queue = make("q", {.visibility_timeout = 1s,
                             .message_bytes_max = 16u << 10,
                             .redrive = RedrivePolicy{"dead", 1},
                             .log_segment_bytes = 64u << 10});
    send_the_others(queue);
  }
  /// Which nobody touches.
  static void send_the_others(Queue& queue) {
    for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(queue.send(body, {.delay = 15min}));
  }

  /// Kills the child so many system calls and then instructions after it has begun to act. True: it
  /// was ready before. Nothing: nobody may be watched here.
  std::optional<bool> kill_at(const Work& work, std::uint64_t calls, std::uint64_t instructions) {
    const pid_t child = ::fork();
    if (child == 0) {
      Bus bus = Bus::open("test", options()).value();
      work.prepare(bus);
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
      ::raise(SIGSTOP);
      work.act(bus);
      ::_exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return std::nullopt;
    const auto go = [&](auto how) {
      return ::ptrace(how, child, nullptr, nullptr) == 0 && ::waitpid(child, &status, 0) == child &&
             WIFSTOPPED(status);
    };
    bool alive = true;
    for (std::uint64_t i = 0; i < 2 * calls && alive; ++i) alive = go(PTRACE_SYSCALL);
    for (std::uint64_t i = 0; i < instructions && alive; ++i) alive = go(PTRACE_SINGLESTEP);
    if (!alive) return true;
    ::kill(child, SIGKILL);
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return false;
  }

  /// Kills it in many places, and looks each time, with and without a reboot. Each child has a
  /// message of its own, `body_`.
  void kill_everywhere(const Work& work,
                       const std::function<void(const Counts& found, bool was_rebooted)>& check) {
    rig::Random random(1);
    const std::uint64_t kills = rig::by_depth<std::uint64_t>(10, 14, 200);
    bool ready = false;
    for (std::uint64_t n = 0, calls = 0; n < kills && !ready; ++n, calls += 1 + calls / 4) {
      body_ = "x" + std::to_string(n);
      bus_.reset();
      const auto ended = kill_at(work, calls, random.below(kInstructionsMax));
      if (!ended) GTEST_SKIP() << "no process may watch another one here";
      ready = *ended;
      const bool reboots = n % 2 != 0;
      if (reboots) {
        reboot();
      } else {
        bus_.emplace(Bus::open("test", options()).value());
        bus_->sweep();
      }
      const Counts found = all_of("q");
      for (const char* body : {"a", "b", "c"}) EXPECT_EQ(of(found, body), 1) << body;
      check(found, reboots);
      if (HasFailure()) FAIL() << calls << " system calls, rebooted: " << reboots;
      begin_anew();
    }
  }
  void begin_anew() {
    clock_.advance(2s);
    for (const char* name : {"q", "dead"}) {
      Queue queue = open(name);
      EXPECT_TRUE(queue.purge());
    }
    Queue queue = open();
    send_the_others(queue);
  }

  Counts all_of(const std::string& name) {
    Counts found;
    Queue queue = open(name);
    for (const PeekedMessage& each : queue.peek(1'000)) ++found[each.body];
    return found;
  }
  static int of(const Counts& counts, const std::string& body) {
    return counts.contains(body) ? counts.at(body) : 0;
  }

  static constexpr std::uint64_t kInstructionsMax = 3'000;
  std::string body_;
};

TEST_F(DurableQueueAndSteps, ASendHappensOrDoesNot) {
  const Work work{[](Bus&) {},
                  [&](Bus& bus) { static_cast<void>(bus.open_queue("q").value().send(body_)); }};
  kill_everywhere(work, [&](const Counts& found, bool) { EXPECT_LE(of(found, body_), 1); });
}

TEST_F(DurableQueueAndSteps, AnAcknowledgeHappensOrDoesNot) {
  std::optional<Queue> queue;
  std::optional<Leases> leases;
  const Work work{[&](Bus& bus) {
                    queue.emplace(bus.open_queue("q").value());
                    if (!queue->send(body_)) ::_exit(3);
                    leases.emplace(queue->receive().value());
                  },
                  [&](Bus&) {
                    static_cast<void>((*leases)[0].acknowledge());
                    static_cast<void>(queue->send("after " + body_));
                  }};
  kill_everywhere(work, [&](const Counts& found, bool) {
    EXPECT_LE(of(found, body_), 1);
    EXPECT_LE(of(found, "after " + body_), 1);
  });
}

TEST_F(DurableQueueAndSteps, AMessageThatBecomesADeadLetterIsSomewhere) {
  std::optional<Queue> queue;
  const Work work{[&](Bus& bus) {
                    queue.emplace(bus.open_queue("q").value());
                    if (!queue->send(body_)) ::_exit(3);
                    if (!queue->receive({.visibility_timeout = 0s})) ::_exit(3);
                  },
                  [&](Bus&) { static_cast<void>(queue->receive()); }};
  kill_everywhere(work, [&](const Counts& found, bool was_rebooted) {
    const int copies = of(found, body_) + of(all_of("dead"), body_);
    EXPECT_GE(copies, 1);
    EXPECT_LE(copies, was_rebooted ? 2 : 1);
  });
}

TEST_F(DurableQueueAndSteps, RoomIsMadeInALogWithoutLosingWhatIsInIt) {
  std::optional<Queue> queue;
  const std::string body(12'000, 'x');
  const Work work{[&](Bus& bus) {
                    queue.emplace(bus.open_queue("q").value());
                    for (int i = 0; i < 20; ++i) {
                      if (!queue->send(body)) ::_exit(3);
                      if (queue->receive().value()[0].acknowledge() != Errc::kOk) ::_exit(3);
                    }
                  },
                  [&](Bus& bus) { bus.sweep(); }};
  kill_everywhere(work, [&](const Counts&, bool) {});
}

TEST_F(DurableQueueAndSteps, ARecoveryThatIsKilledIsMadeAgain) {
  const Work work{[&](Bus&) { std::filesystem::remove(scratch_.path("shm") + "/test/queues/q"); },
                  [](Bus& bus) { static_cast<void>(bus.open_queue("q")); }};
  kill_everywhere(work, [](const Counts&, bool) {});
}

TEST_F(DurableQueueAndSteps, APublishReachesAllSubscribersOrNone) {
  std::optional<Topic> topic;
  const Work work{[&](Bus& bus) {
                    topic.emplace(bus.topic("t").value());
                    static_cast<void>(bus.queue("memory").value());
                    for (const char* name : {"q", "memory"}) {
                      topic->subscribe(name, {.raw = true}).value();
                    }
                    if (!topic->publish("first " + body_)) ::_exit(3);
                  },
                  [&](Bus&) { static_cast<void>(topic->publish(body_)); }};
  kill_everywhere(work, [&](const Counts& found, bool was_rebooted) {
    EXPECT_EQ(of(found, "first " + body_), 1);
    EXPECT_LE(of(found, body_), 1);
    if (was_rebooted) return;
    EXPECT_EQ(of(found, body_), of(all_of("memory"), body_));
  });
}

/// Memory that a child shares with its parent: what it did with each message.
class Notes {
 public:
  explicit Notes(std::size_t count)
      : bytes_(count),
        notes_(static_cast<char*>(
            ::mmap(nullptr, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Notes() { ::munmap(notes_, bytes_); }
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;
  char& operator[](std::size_t at) { return notes_[at]; }
  void clear() { std::fill_n(notes_, bytes_, 0); }

 private:
  std::size_t bytes_;
  char* notes_;
};

TEST_F(DurableQueueAndSteps, ABacklogBeyondMemoryComesIntoItOnce) {
  constexpr std::size_t kMessages = 400;
  constexpr std::uint64_t kSteps = 20'000;
  Notes acknowledged(kMessages);
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < kMessages; ++i) bodies.push_back(std::to_string(i));
  std::vector<OutMessage> batch;
  for (const std::string& body : bodies) batch.push_back({.body = as_bytes(body)});
  std::optional<Queue> queue;
  const Work work{[&](Bus& bus) {
                    queue.emplace(bus.open_queue("big").value());
                    if (queue->send_batch(batch).value_or(0) != kMessages) ::_exit(3);
                  },
                  [&](Bus&) {
                    for (int i = 0; i < 200; ++i) {
                      auto got = queue->receive({.max_messages = 1});
                      if (!got) continue;
                      const std::string body(got->front().text());
                      acknowledged[std::stoul(body)] = 1;
                      static_cast<void>(got->front().acknowledge());
                    }
                  }};
  rig::Random random(2);
  const std::uint64_t kills = rig::by_depth<std::uint64_t>(8, 12, 200);
  for (std::uint64_t n = 0; n < kills; ++n) {
    static_cast<void>(
        make("big", {.message_bytes_max = 16u << 10, .slots = 64, .bytes_max = 64u << 10}));
    bus_.reset();
    acknowledged.clear();
    const std::uint64_t calls = random.below(24);
    if (!kill_at(work, calls, random.below(kSteps))) {
      GTEST_SKIP() << "no process may watch another one here";
    }
    if (n % 2 != 0) {
      reboot();
    } else {
      bus_.emplace(Bus::open("test", options()).value());
      bus_->sweep();
    }
    Counts found;
    {
      Queue left = open("big");
      for (const std::string& body : drain(left)) ++found[body];
    }
    for (std::size_t i = 0; i < kMessages; ++i) {
      EXPECT_LE(of(found, bodies[i]), 1) << bodies[i];
      EXPECT_GE(of(found, bodies[i]) + acknowledged[i], 1) << bodies[i];
    }
    if (HasFailure()) FAIL() << "kill " << n << ", " << calls << " system calls";
    ASSERT_TRUE(bus_->delete_queue("big"));
  }
}

TEST_F(DurableQueueAndSteps, APublishToABacklogBeyondMemoryReachesAllSubscribersOrNone) {
  constexpr int kPublishes = 4;
  constexpr std::uint64_t kSteps = 12'000;
  std::optional<Topic> topic;
  const Work work{[&](Bus& bus) {
                    topic.emplace(bus.open_topic("t").value());
                    if (!topic->publish("the way is open")) ::_exit(3);
                  },
                  [&](Bus&) {
                    for (int i = 0; i < kPublishes; ++i) {
                      static_cast<void>(topic->publish(std::to_string(i)));
                    }
                  }};
  rig::Random random(3);
  const std::uint64_t kills = rig::by_depth<std::uint64_t>(4, 8, 200);
  for (std::uint64_t n = 0; n < kills; ++n) {
    {
      Queue big =
          make("big", {.message_bytes_max = 16u << 10, .slots = 64, .bytes_max = 64u << 10});
      while (big.stats().beyond_memory == 0) ASSERT_TRUE(big.send("before"));
      Topic made = bus_->topic("t").value();
      static_cast<void>(bus_->queue("memory").value());
      for (const char* name : {"big", "memory"}) made.subscribe(name, {.raw = true}).value();
    }
    bus_.reset();
    const std::uint64_t calls = random.below(3);
    if (!kill_at(work, calls, random.below(kSteps))) {
      GTEST_SKIP() << "no process may watch another one here";
    }
    const bool reboots = n % 4 == 3;
    if (reboots) {
      reboot();
    } else {
      bus_.emplace(Bus::open("test", options()).value());
      bus_->sweep();
    }
    Counts found;
    Counts in_memory;
    {
      Queue big = open("big");
      for (int looks = 0; looks < 2; ++looks) {
        for (const std::string& body : drain(big)) ++found[body];
        bus_->sweep();  // what could not be delivered comes once there is room
      }
      if (!reboots) {
        Queue memory = open("memory");
        for (const std::string& body : drain(memory)) ++in_memory[body];
      }
    }
    for (int i = 0; i < kPublishes; ++i) {
      const std::string body = std::to_string(i);
      EXPECT_LE(of(found, body), 1) << body;
      EXPECT_TRUE(reboots || of(found, body) == of(in_memory, body)) << body;
    }
    if (HasFailure()) FAIL() << "kill " << n << ", " << calls << " system calls";
    ASSERT_TRUE(bus_->delete_queue("big"));
    if (reboots) continue;  // they are gone
    ASSERT_TRUE(bus_->delete_queue("memory"));
    ASSERT_TRUE(bus_->delete_topic("t"));
  }
}

}  // namespace
}  // namespace ringpost::test
