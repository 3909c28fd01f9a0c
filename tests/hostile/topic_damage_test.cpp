// Damage to topics: their files, the shares of what they publish, references to those in slots.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>

#include "base/cache_line.hpp"
#include "hostile/damage.hpp"
#include "hostile/watchdog.hpp"
#include "process/rig/depth.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/ringpost.hpp"
#include "support/corruption.hpp"
#include "support/raw_ring.hpp"
#include "topic/log.hpp"
#include "topic/turn.hpp"

namespace ringpost::hostile {
namespace {

using namespace std::chrono_literals;
using rig::base_seed;
using rig::by_depth;
using test::RawFile;
using test::RawRing;

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr const char* kQueues[] = {"plain", "filtered", "json", "full"};
const QueueSettings kSettings{.visibility_timeout = 1ms, .slots = 64, .bytes_max = 512 * 1024};
const QueueSettings kFifoSettings{.visibility_timeout = 1ms, .slots = 64, .fifo = true};
const TopicSettings kFifoTopic{.fifo = true, .dedup = Dedup::kById, .dedup_entries = 64};

enum class TopicKind : bool { kStandard, kFifo };

/// Publishes and subscribes in every way there is, and receives what comes of it. Expects nothing
/// of the results.
class TopicVictim {
 public:
  explicit TopicVictim(std::uint64_t seed, TopicKind kind = TopicKind::kStandard)
      : random_(seed),
        settings_(kind == TopicKind::kFifo ? kFifoTopic : TopicSettings{}),
        options_{
            .participants_max = 8, .arena_bytes_max = 4u << 20, .shm_dir = scratch_.path("shm")},
        bus_(Bus::open("victim", options_).value()),
        other_bus_(bus_.clone().value()) {
    for (const char* name : kQueues) bus_.queue(name, kSettings).value();
    bus_.queue("dead", kSettings).value();
    bus_.queue("ordered", kFifoSettings).value();
    topic_ = make("t");
    other_ = other_bus_.open_topic("t").value();
  }

  /// A topic with a subscription of each kind.
  Topic make(const std::string& name) {
    Topic topic = bus_.topic(name, settings_).value();
    if (is_fifo()) static_cast<void>(topic.subscribe("ordered"));
    static_cast<void>(topic.subscribe("plain"));
    static_cast<void>(topic.subscribe("filtered", {.filter = R"({"kind": ["x", "y"]})"}));
    static_cast<void>(topic.subscribe("json", {.raw = false,
                                               .filter = R"({"n": [{"numeric": [">", 2]}]})",
                                               .filter_scope = FilterScope::kBody}));
    static_cast<void>(
        topic.subscribe("full", {.when_full = WhenFull::kDeadLetter, .dead_letter_queue = "dead"}));
    return topic;
  }
  void populate() {
    for (int i = 0; i < 12; ++i) publish(topic_);
    Queue plain = other_bus_.open_queue("plain").value();
    Queue filtered = bus_.open_queue("filtered").value();
    auto held = plain.receive({.max_messages = 3});
    static_cast<void>(filtered.receive({.max_messages = 2}));
  }
  void use_old_handles() {
    use(bus_, topic_);
    use(other_bus_, other_);
  }
  void use_new_handles() {
    auto bus = Bus::open("victim", options_);
    if (!bus) return;
    if (auto topic = bus->open_topic("t")) use(*bus, *topic);
    if (auto fresh = bus->topic("fresh", settings_)) use(*bus, *fresh);
    static_cast<void>(bus->delete_topic("fresh"));
  }
  void use(Bus& bus, Topic& topic) {
    for (int turn = 0; turn < 4; ++turn) {
      publish(topic);
      if (any(3) == 0) change(topic);
      receive_some(bus);
    }
    if (const auto stats = topic.stats()) sum_ += stats->published;
    sum_ += topic.settings().message_bytes_max.value_or(0);
    static_cast<void>(bus.topic_names());
  }
  void tidy_up() {
    sum_ += examine(bus_).findings.size();
    sum_ += bus_.sweep().blocks_freed;
    static_cast<void>(bus_.delete_topic("t"));
    static_cast<void>(bus_.topic("t", settings_));
  }
  void purge() {
    for (const char* name : {"plain", "filtered", "json", "full", "dead", "ordered"}) {
      static_cast<void>(bus_.open_queue(name).value().purge());
    }
  }
  void publish(Topic& topic) {
    static constexpr std::string_view kGroups[] = {"a", "b"};
    const std::string id = std::to_string(any(20));
    static constexpr Attribute kAttributes[] = {{"kind", "x"}, {"n", "3", "Number"}};
    const std::string padding(any(3) == 0 ? any(5'000) : any(100), 'x');
    const std::string body = R"({"n": 3, "padding": ")" + padding + "\"}";
    const auto published = topic.publish(
        body, {.attributes = any(2) == 0 ? AttributeList(kAttributes) : AttributeList{},
               .wait = any(4) == 0 ? Duration(1ms) : Duration::zero(),
               .group = is_fifo() ? kGroups[any(2)] : std::string_view(),
               .dedup_id = is_fifo() ? std::string_view(id) : std::string_view()});
    if (published) sum_ += published->delivered;
  }

  void receive_some(Bus& bus) {
    static constexpr const char* kReceived[] = {"plain", "filtered", "json", "dead", "ordered"};
    auto queue = bus.open_queue(kReceived[any(std::size(kReceived))]);  // not "full"
    if (!queue) return;
    auto received = queue->receive({.max_messages = static_cast<std::uint32_t>(1 + any(10))});
    if (!received) return;
    for (Lease& each : *received) {
      for (const std::byte byte : each.body()) sum_ += std::to_integer<std::uint64_t>(byte);
      for (const Attribute& attribute : each.attributes()) sum_ += attribute.value.size();
      if (any(4) != 0) static_cast<void>(each.acknowledge());
    }
    for (const PeekedMessage& each : queue->peek(10)) sum_ += each.body.size();
  }

  [[nodiscard]] Bus& bus() noexcept { return bus_; }
  [[nodiscard]] std::string path(const std::string& name) const {
    return bus_.directory() + "/" + name;
  }

 private:
  void change(Topic& topic) {
    const auto all = topic.subscriptions().value_or(std::vector<SubscriptionInfo>());
    for (const SubscriptionInfo& each : all) {
      sum_ += each.queue.size() + each.settings.filter->size();
      if (any(4) == 0) static_cast<void>(topic.unsubscribe(each.id));
      if (any(4) == 0) {
        static_cast<void>(topic.set_subscription(each.id, {.filter = R"({"kind": ["z"]})"}));
      }
    }
    static_cast<void>(topic.subscribe(kQueues[any(std::size(kQueues))]));
  }
  [[nodiscard]] bool is_fifo() const { return settings_.fifo.value_or(false); }
  [[nodiscard]] std::size_t any(std::size_t below) { return random_() % below; }

  std::mt19937_64 random_;
  const TopicSettings settings_;
  const rig::Scratch scratch_;
  const BusOptions options_;
  Bus bus_;
  Bus other_bus_;
  Topic topic_;
  Topic other_;
  std::uint64_t sum_ = 0;  ///< of what was read, so that it is
};

/// That what was damaged did no harm to anybody else.
void expect_that_a_topic_works(TopicVictim& victim) {
  Queue queue = victim.bus().queue("healthy", kSettings).value();
  Topic topic = victim.bus().topic("healthy").value();
  topic.subscribe("healthy").value();
  ASSERT_EQ(topic.publish("hello").value().delivered, 1u);
  auto received = queue.receive().value();
  ASSERT_EQ(received.front().text(), "hello");
  ASSERT_EQ(received.front().acknowledge(), Errc::kOk);
}

// The topic's file.

TEST(TopicDamage, ToAnyWordOfATopicsFileHarmsNoOtherTopic) {
  TopicVictim victim(1);
  const Watchdog watchdog("damage to each word of a topic's file");
  const std::uint64_t values[] = {0, kMost, std::uint64_t{1} << 33, topic::kLogOffset + 8};
  const std::size_t header_bytes =  // with one stripe of counters
      offsetof(topic::TopicHeader, stripes) + sizeof(topic::PublisherCounts);
  const std::size_t end = topic::kLogOffset + 4 * 96;  // of a record or so each
  int number = 0;
  for (std::size_t at = 0; at < end; at += 8) {
    if (at >= header_bytes && at < topic::kLogOffset) continue;
    for (const std::uint64_t value : values) {
      SCOPED_TRACE("offset " + std::to_string(at));
      const std::string name = "t" + std::to_string(++number);
      Topic topic = victim.make(name);
      {
        const RawFile file(victim.path("topics/" + name));
        file.word(at) = value;
      }
      victim.publish(topic);
      static_cast<void>(topic.subscribe("dead"));
      if (auto again = victim.bus().open_topic(name)) {
        victim.publish(*again);
        static_cast<void>(again->subscriptions());
        static_cast<void>(again->unsubscribe(1));
      }
      static_cast<void>(victim.bus().delete_topic(name));
      victim.purge();
    }
  }
  expect_that_a_topic_works(victim);
}

TEST(TopicDamage, ToAnyWordOfATurnHarmsNoOtherTopic) {
  TopicVictim victim(6, TopicKind::kFifo);
  const Watchdog watchdog("damage to each word of a FIFO topic's turn");
  const std::uint64_t values[] = {0, kMost, 3, std::uint64_t{1} << 63 | 1};
  int number = 0;
  for (std::size_t at = 0; at < base::kPageBytes + 256; at += 8) {
    if (at >= sizeof(topic::TurnHeader) && at < base::kPageBytes) continue;
    for (const std::uint64_t value : values) {
      SCOPED_TRACE("offset " + std::to_string(at));
      const std::string name = "t" + std::to_string(++number);
      Topic topic = victim.make(name);
      victim.publish(topic);
      const RawFile file(victim.path("topics/" + name));
      const std::uint64_t id = file.at<topic::TopicHeader>(0).topic_id;
      RawFile(victim.path("topics/." + std::to_string(id))).word(at) = value;
      for (int i = 0; i < 2; ++i) victim.publish(topic);
      if (auto again = victim.bus().open_topic(name)) victim.publish(*again);
      victim.receive_some(victim.bus());
      static_cast<void>(victim.bus().delete_topic(name));
      victim.purge();
    }
  }
  expect_that_a_topic_works(victim);
}

topic::LogEntry entry_of(std::uint64_t id) {
  topic::LogEntry entry;
  entry.subscription.id = id;
  entry.subscription.queue = "plain";
  entry.subscription.settings = {.raw = true,
                                 .filter = "",
                                 .filter_scope = FilterScope::kAttributes,
                                 .when_full = WhenFull::kWait,
                                 .dead_letter_queue = "",
                                 .delivery_policy = ""};
  return entry;
}

struct Forgery {
  const char* name;
  std::function<std::vector<topic::LogEntry>(std::uint64_t queue_id)> make;
};

topic::LogEntry changed(std::uint64_t id, const std::function<void(SubscriptionInfo&)>& change) {
  topic::LogEntry entry = entry_of(id);
  change(entry.subscription);
  return entry;
}

const Forgery kForgeries[] = {
    {"one subscription a thousand times",
     [](std::uint64_t queue) {
       return std::vector<topic::LogEntry>(
           1'000, changed(7, [&](SubscriptionInfo& of) { of.queue_id = queue; }));
     }},
    {"one queue under a thousand ids",
     [](std::uint64_t queue) {
       std::vector<topic::LogEntry> all;
       for (std::uint64_t id = 1; id <= 1'000; ++id) {
         all.push_back(changed(id, [&](SubscriptionInfo& of) { of.queue_id = queue; }));
       }
       return all;
     }},
    {"filters that are none",
     [](std::uint64_t queue) {
       std::vector<topic::LogEntry> all;
       for (const char* filter : {"{", "[]", "{\"a\": []}", "\xff", "null"}) {
         all.push_back(changed(all.size() + 1, [&](SubscriptionInfo& of) {
           of.queue_id = queue;
           of.settings.filter = filter;
         }));
       }
       return all;
     }},
    {"names that lead elsewhere",
     [](std::uint64_t) {
       std::vector<topic::LogEntry> all;
       for (const std::string& name :
            {std::string("../bus"), std::string("/etc/passwd"), std::string(), std::string("."),
             std::string("a\0b", 3), std::string(255, 'x')}) {
         all.push_back(changed(all.size() + 1, [&](SubscriptionInfo& of) {
           of.queue = name;
           of.settings.dead_letter_queue = name;
         }));
       }
       return all;
     }},
    {"its own queue as dead-letter queue",
     [](std::uint64_t queue) {
       return std::vector<topic::LogEntry>{changed(1, [&](SubscriptionInfo& of) {
         of.queue_id = queue;
         of.settings.dead_letter_queue = of.queue;
       })};
     }},
    {"removals of what never was",
     [](std::uint64_t) {
       std::vector<topic::LogEntry> all;
       for (std::uint64_t id = 1; id <= 100; ++id) {
         all.push_back(entry_of(id * 77));
         all.back().kind = topic::RecordKind::kRemove;
       }
       return all;
     }},
};

TEST(TopicDamage, ByRecordsThatNobodyWouldWriteHarmsNoOtherTopic) {
  for (const Forgery& forgery : kForgeries) {
    SCOPED_TRACE(forgery.name);
    const Watchdog watchdog(forgery.name);
    TopicVictim victim(2);
    const std::uint64_t queue = RawRing(victim.bus(), "plain").mapping().queue_id();
    std::vector<std::byte> records;
    for (const topic::LogEntry& each : forgery.make(queue)) topic::write_record(each, records);
    {
      RawFile file(victim.path("topics/t"));
      // As much as the file has room for: whole records.
      const std::size_t room = file.bytes() - topic::kLogOffset;
      const std::size_t one = records.size() <= room ? records.size() : room / 96 * 96;
      std::memcpy(file.data() + topic::kLogOffset, records.data(), std::min(one, records.size()));
      file.at<topic::TopicHeader>(0).end.store(topic::kLogOffset + std::min(one, records.size()));
    }
    victim.use_new_handles();
    victim.use_old_handles();
    victim.tidy_up();
    expect_that_a_topic_works(victim);
  }
}

// Shares, and the references to them.

struct ShareDamage {
  const char* name;
  std::function<void(const shm::ShareLook&, shm::Share&)> inflict;
};

const ShareDamage kShareDamages[] = {
    {"payloads that are shares",
     [](const shm::ShareLook& look, shm::Share& share) {
       share.payload.store(look.ref.block);
       share.payload_generation.store(look.ref.generation);
     }},
    {"payloads that do not exist",
     [](const shm::ShareLook& look, shm::Share& share) {
       share.payload.store(look.ref.block % 2 == 0 ? kMost : std::uint64_t{25} << 40);
     }},
    {"payloads of other uses",
     [](const shm::ShareLook&, shm::Share& share) { share.payload_generation.store(kMost); }},
    {"lengths of four gigabytes",
     [](const shm::ShareLook&, shm::Share& share) {
       for (auto& each : share.lengths) each.store(kMost);
     }},
    {"lengths of nothing",
     [](const shm::ShareLook&, shm::Share& share) {
       for (auto& each : share.lengths) each.store(0);
     }},
    {"a second form behind the end",
     [](const shm::ShareLook&, shm::Share& share) {
       share.second.store(kMost);
       share.second_offset.store(kMost - 7);
     }},
    {"too many deliveries",
     [](const shm::ShareLook&, shm::Share& share) { share.count.store(~0u); }},
    {"no deliveries", [](const shm::ShareLook&, shm::Share& share) { share.count.store(0); }},
    {"bits that do not exist",
     [](const shm::ShareLook&, shm::Share& share) { share.bit.store(~0u); }},
    {"targets that do not exist",
     [](const shm::ShareLook&, shm::Share& share) {
       for (auto& each : share.targets) each.store(kMost);
     }},
    {"entries that were never set",
     [](const shm::ShareLook& look, shm::Share& share) {
       for (auto& each : share.entries) {
         each.initialise(shm::ShareEntry::unset(look.ref.generation).word);
       }
     }},
    {"entries that name rings that do not exist",
     [](const shm::ShareLook&, shm::Share& share) {
       for (auto& each : share.entries) each.initialise({kMost, kMost});
     }},
    {"entries that name the first slot of the last lap",
     [](const shm::ShareLook&, shm::Share& share) {
       for (auto& each : share.entries) {
         base::Pair64 word = each.load();
         word.high = kMost << shm::kSlotBits;
         each.initialise(word);
       }
     }},
    {"everything at once",
     [](const shm::ShareLook&, shm::Share& share) {
       std::memset(static_cast<void*>(&share), 0xff, sizeof share);
     }},
};

/// Lets the damage be met by consumers, by a sweeper, and, the shares being nobody's, by a sweeper
/// that finishes the publishes.
void suffer(const char* name, TopicKind kind, const std::function<void(shm::Arena&)>& inflict) {
  SCOPED_TRACE(name);
  const Watchdog watchdog(name);
  for (const bool orphaned : {false, true}) {
    TopicVictim victim(3, kind);
    victim.populate();
    shm::Arena& arena = client::Member::of(victim.bus()).arena();
    if (orphaned) {
      arena.for_each_share([&](const shm::ShareLook& look) { arena.orphan_share(look); });
      client::Member::of(victim.bus()).files().header().deliveries_wait.store(1);
      inflict(arena);
      static_cast<void>(victim.bus().sweep());
    } else {
      inflict(arena);
    }
    victim.use_old_handles();
    victim.use_new_handles();
    victim.tidy_up();
    victim.use_old_handles();
  }
}

TEST(TopicDamage, ToSharesHarmsNobodyButTheBus) {
  auto kind = TopicKind::kStandard;
  for (const ShareDamage& each : kShareDamages) {
    kind = kind == TopicKind::kFifo ? TopicKind::kStandard : TopicKind::kFifo;
    suffer(each.name, kind, [&](shm::Arena& arena) {
      arena.for_each_share([&](const shm::ShareLook& look) { each.inflict(look, *look.share); });
    });
  }
}

TEST(TopicDamage, ToDescriptorsOfSharesHarmsNobodyButTheBus) {
  for (const std::uint64_t word : {std::uint64_t{0}, kMost, std::uint64_t{1} << 62 | 5,
                                   std::uint64_t{2} << 62, std::uint64_t{3} << 62}) {
    const Watchdog watchdog("descriptors of shares");
    TopicVictim victim(4);
    victim.populate();
    for (const std::string& name : test::files_in(victim.path("arena"))) {
      const RawFile file(victim.path("arena/" + name));
      for (std::size_t at = base::kPageBytes; at + 8 <= 2 * base::kPageBytes; at += 8) {
        file.word(at) = word;
      }
    }
    victim.use_old_handles();
    victim.use_new_handles();
    victim.tidy_up();
  }
}

TEST(TopicDamage, ToReferencesInSlotsHarmsNobodyButTheQueue) {
  const std::uint64_t values[] = {0, kMost, std::uint64_t{shm::kShareClass} << 40,
                                  std::uint64_t{1} << 40 | 3};
  for (std::size_t word = 0; word < 5; ++word) {  // payload, share, bit, offset
    SCOPED_TRACE("word " + std::to_string(word));
    const Watchdog watchdog("references in slots");
    TopicVictim victim(5);
    victim.populate();
    for (const char* queue : {"plain", "json", "full"}) {
      const RawRing raw(victim.bus(), queue);
      for (std::uint32_t slot = 0; slot < raw.view().slots(); ++slot) {
        auto* const words = reinterpret_cast<std::uint64_t*>(raw.view().payload(slot));
        words[word] = values[slot % std::size(values)];
      }
    }
    victim.use_old_handles();
    victim.use_new_handles();
    victim.tidy_up();
  }
}

// Random bytes.

enum class Kind : std::uint8_t { kTopic, kArena, kRing };
constexpr const char* kNames[] = {"topic", "arena", "ring"};
constexpr const char* kFolders[] = {"topics", "arena", "rings"};

class RandomTopicDamage : public ::testing::TestWithParam<Kind> {
 protected:
  static std::string any_file(const TopicVictim& victim, std::mt19937_64& random) {
    const std::string folder = victim.path(kFolders[static_cast<int>(GetParam())]);
    const auto files = test::files_in(folder);  // also the turns of FIFO topics
    return files.empty() ? victim.path("bus") : folder + "/" + files[random() % files.size()];
  }
};

INSTANTIATE_TEST_SUITE_P(To, RandomTopicDamage,
                         ::testing::Values(Kind::kTopic, Kind::kArena, Kind::kRing),
                         [](const auto& each) { return kNames[static_cast<int>(each.param)]; });

TEST_P(RandomTopicDamage, AtRestHarmsNobodyButTheBus) {
  const int rounds = by_depth(10, 20, 5'000);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t seed = base_seed() + 3'000'000 + static_cast<std::uint64_t>(round);
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Watchdog watchdog("damage at rest to topics, seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TopicVictim victim(seed, static_cast<TopicKind>(round % 2));
    victim.populate();
    const RawFile file(any_file(victim, random));
    for (std::uint64_t i = 0; i <= random() % 20; ++i) damage_a_word(file, random);
    if (random() % 4 == 0) damage_a_range(file, random);
    victim.use_old_handles();
    victim.use_new_handles();
    victim.tidy_up();
    victim.use_old_handles();
  }
}

TEST_P(RandomTopicDamage, UnderWayHarmsNobodyButTheBus) {
  const int rounds = by_depth(3, 6, 1'000);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t seed = base_seed() + 4'000'000 + static_cast<std::uint64_t>(round);
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Watchdog watchdog("damage under way to topics, seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TopicVictim victim(seed, static_cast<TopicKind>(round % 2));
    victim.populate();
    const RawFile file(any_file(victim, random));
    std::atomic<bool> stop{false};
    std::thread villain([&] {
      std::mt19937_64 own(seed);
      while (!stop.load()) {
        damage_a_word(file, own);
        std::this_thread::yield();
      }
    });
    for (int i = 0; i < 3; ++i) {
      victim.use_old_handles();
      victim.use_new_handles();
    }
    victim.tidy_up();
    stop.store(true);
    villain.join();
  }
}

}  // namespace
}  // namespace ringpost::hostile
