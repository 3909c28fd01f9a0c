// How a bus carries very many topics and subscriptions: memory and time of each step.
//
//   ringpost_topic_scale                     100,000 topics with 10 subscriptions each, then one
//                                            topic with 100,000; 1 GiB of /dev/shm, a minute
//   ringpost_topic_scale --topics 1000 --subscribers 1000
//
// The subscriptions of the last topic are written into its log directly, as so many queues would
// take more memory than most machines have; ten lead to queues, and those get what is published.
#include <dirent.h>
#include <fmt/format.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "client/member.hpp"
#include "ringpost/ringpost.hpp"
#include "sys/file.hpp"
#include "topic/topic_file.hpp"

namespace ringpost::bench {
namespace {

constexpr std::uint32_t kQueues = 10;  // those that there are

struct Plan {
  std::uint32_t topics = 100'000;
  std::uint32_t subscribers = 100'000;
};

template <class Work>
void time(const char* what, std::size_t count, Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{:<52} {:>9.3f} s {:>10.2f} us each\n", what, took.count(),
             1e6 * took.count() / static_cast<double>(count));
  (void)std::fflush(stdout);
}

/// Of this process, in bytes: what it has allocated.
double allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

/// Memory of the files of a directory.
double memory_of(const std::string& path) {
  double bytes = 0;
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return 0;
  while (const dirent* const entry = ::readdir(directory)) {
    struct stat status {};
    const bool there = ::stat((path + "/" + entry->d_name).c_str(), &status) == 0;
    if (there && S_ISREG(status.st_mode)) bytes += 512.0 * static_cast<double>(status.st_blocks);
  }
  ::closedir(directory);
  return bytes;
}

void say(const char* what, double bytes, std::size_t count) {
  fmt::print("{:<52} {:>7.1f} MiB {:>8.0f} B each\n", what, bytes / (1 << 20),
             bytes / static_cast<double>(count));
}

std::string filter_of(std::uint32_t number) {
  return fmt::format(R"({{"symbol": ["s{}"]}})", number);
}

void publish_some(Topic& topic, std::uint32_t symbol, std::uint64_t expected) {
  const std::string value = fmt::format("s{}", symbol);
  const Attribute attributes[] = {{"symbol", value}};
  const PublishOptions options{.attributes = AttributeList(attributes)};
  const auto publish = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const auto published = topic.publish("a message", options);
      if (!published || published->delivered != expected) {
        fmt::print("NOT DELIVERED\n");
        std::exit(1);
      }
    }
  };
  time("  its first publish: opens the queues", 1, [&] { publish(1); });
  time("  then", 20, [&] { publish(20); });
}

void many_topics(Bus& bus, const std::string& directory, std::uint32_t topics) {
  const auto name_of = [](std::uint32_t number) { return fmt::format("topic-{}", number); };
  fmt::print("{} topics, {} subscriptions each\n", topics, kQueues);
  time("create", topics, [&] {
    for (std::uint32_t i = 0; i < topics; ++i) (void)bus.topic(name_of(i)).value();
  });
  time("subscribe", std::size_t{topics} * kQueues, [&] {
    for (std::uint32_t i = 0; i < topics; ++i) {
      Topic topic = bus.open_topic(name_of(i)).value();
      for (std::uint32_t queue = 0; queue < kQueues; ++queue) {
        const std::string name = fmt::format("queue-{}", queue);
        (void)topic.subscribe(name, {.filter = filter_of(i % 100)}).value();
      }
    }
  });
  say("memory of the topics", memory_of(directory + "/topics"), topics);
  time("list the names", topics, [&] { (void)bus.topic_names().value(); });
  time("open one after another", topics, [&] {
    for (std::uint32_t i = 0; i < topics; ++i) (void)bus.open_topic(name_of(i)).value();
  });
  std::vector<Topic> open;
  const std::uint32_t held = std::min(topics, 200u);  // of a process: one descriptor each
  const double before = allocated();
  for (std::uint32_t i = 0; i < held; ++i) open.push_back(bus.open_topic(name_of(i)).value());
  say("memory of a process for each that it has open", allocated() - before, held);
  publish_some(open.front(), 0, kQueues);
}

void many_subscriptions(Bus& bus, const std::string& directory, std::uint32_t count) {
  fmt::print("one topic, {} subscriptions\n", count);
  (void)bus.topic("big").value();
  shm::Participant& me = client::Member::of(bus).me();
  struct Reader final : topic::LogReader {
    void begin_anew() override { all.clear(); }
    void apply(const topic::LogEntry& entry) override { all.apply(entry); }
    [[nodiscard]] const topic::Subscriptions& subscriptions() const noexcept override {
      return all;
    }
    topic::Subscriptions all;
  };
  {
    Reader reader;
    topic::TopicFile file = topic::TopicFile::open(me.bus_pointer(), "big").value();
    const auto write = [&]() -> Result<std::vector<topic::LogEntry>> {
      std::vector<topic::LogEntry> entries(count - kQueues);
      for (std::uint32_t i = 0; i < entries.size(); ++i) {
        SubscriptionInfo& it = entries[i].subscription;
        it = {.id = sys::unique_id(),
              .queue = fmt::format("nowhere-{}", i),
              .queue_id = sys::unique_id(),
              .settings = {},
              .created = {}};
        it.settings = {.raw = true,
                       .filter = filter_of(1 + i / kQueues),
                       .filter_scope = FilterScope::kAttributes,
                       .when_full = WhenFull::kWait,
                       .dead_letter_queue = ""};
      }
      return entries;
    };
    (void)file.change(me, reader, write).value();
  }
  Topic first = bus.open_topic("big").value();
  time("subscribe ten more", kQueues, [&] {
    for (std::uint32_t queue = 0; queue < kQueues; ++queue) {
      (void)first.subscribe(fmt::format("queue-{}", queue), {.filter = filter_of(0)}).value();
    }
  });
  struct stat status {};
  (void)::stat((directory + "/topics/big").c_str(), &status);
  say("memory of the topic", 512.0 * static_cast<double>(status.st_blocks), count);
  const double before = allocated();
  std::optional<Topic> topic;
  time("open: read every subscription", count, [&] { topic = bus.open_topic("big").value(); });
  say("memory of a process that has it open", allocated() - before, count);
  publish_some(*topic, 0, kQueues);
  time("list the subscriptions", count, [&] { (void)topic->subscriptions().value(); });
}

int run(const Plan& plan) {
  std::string directory = "/dev/shm/ringpost-scale-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  const BusOptions options{.shm_dir = directory};
  {
    Bus bus = Bus::open("scale", options).value();
    std::vector<Queue> queues;
    for (std::uint32_t queue = 0; queue < kQueues; ++queue) {
      queues.push_back(bus.queue(fmt::format("queue-{}", queue)).value());
    }
    many_topics(bus, directory + "/scale", plan.topics);
    many_subscriptions(bus, directory + "/scale", plan.subscribers);
  }
  (void)Bus::remove("scale", options);
  return ::rmdir(directory.c_str()) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ringpost::bench

int main(int argc, char** argv) {
  ringpost::bench::Plan plan;
  CLI::App app("Memory and time of very many topics and subscriptions");
  app.add_option("--topics", plan.topics)->check(CLI::Range(1, 1'000'000));
  app.add_option("--subscribers", plan.subscribers)->check(CLI::Range(20, 10'000'000));
  CLI11_PARSE(app, argc, argv);
  return ringpost::bench::run(plan);
}
