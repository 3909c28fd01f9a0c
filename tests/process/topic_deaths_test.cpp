// The crash matrix of changes of topics: each is made by a process that is killed before and after
// each of its system calls, where it writes to the topic's header, and at instructions in between
// that the seed chooses. Meanwhile another process publishes to that topic. Whatever the dead one
// left: the change is made or is not, no acknowledged message is lost or doubled, nobody waits, and
// nothing is left over.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <set>

#include "client/member.hpp"
#include "process/rig/depth.hpp"
#include "process/rig/require.hpp"
#include "process/rig/traced.hpp"
#include "support/corruption.hpp"
#include "support/test_bus.hpp"
#include "topic/topic_file.hpp"
#include "topic/topic_look.hpp"

namespace ringpost::rig {
namespace {

using test::files_in;
using test::TestBus;

constexpr char kTopic[] = "prices";
constexpr char kEndpoint[] = "exec:cat";
constexpr const char* kFolders[] = {"topics", "tmp", "queues", "rings", "tags"};
constexpr char kFilter[] = R"({"a": ["no"]})";  // no publish passes it

/// A filter of so many bytes, for a log that grows fast.
std::string filter_of(std::size_t bytes, const char* value) {
  return R"({"a": [")" + std::string(value) + R"(", ")" + std::string(bytes, 'x') + R"("]})";
}

/// Where somebody dies: after so many stops at system calls; then, if it is so, when it has written
/// to the topic's header; then after so many instructions.
struct Moment {
  std::size_t calls = 0;
  std::size_t instructions = 0;
  bool has_written = false;
};

/// Who comes first after the death.
enum class Next { kPublisher, kSweep, kWriter };
constexpr Next kEach[] = {Next::kPublisher, Next::kSweep, Next::kWriter};

std::string describe(const Moment& moment, Next next) {
  std::string text = killed_at(moment.calls);
  if (moment.has_written) text += ", when it had written,";
  text += " and " + std::to_string(moment.instructions) + " instructions; then comes ";
  if (next == Next::kPublisher) return text + "a publisher";
  return text + (next == Next::kSweep ? "a sweep" : "another writer");
}

/// The queue that a topic has for that endpoint, or of that name; with id 0: not subscribed.
SubscriptionInfo subscription_of(Topic& topic, const std::string& target) {
  for (SubscriptionInfo& each : require(topic.subscriptions())) {
    if ((each.endpoint.empty() ? each.queue : each.endpoint) == target) return std::move(each);
  }
  return {};
}

/// One kind of change.
struct Change {
  const char* name;
  bool fifo = false;
  const char* target = "extra";  ///< the subscription that it is about
  /// Before it; null: there is no topic yet.
  void (*arrange)(Topic&) = nullptr;
  void (*by_topic)(Topic&) = nullptr;  ///< null: by the bus
  void (*by_bus)(Bus&, const TopicSettings&) = nullptr;
  std::size_t writes = 1;  ///< to the header of the topic
  /// Endpoints: the queue is gone before the subscription is.
  bool has_steps = false;
};

void subscribe_extra(Topic& topic) { require(topic.subscribe("extra", {.raw = true})); }
void subscribe_endpoint(Topic& topic) { require(topic.subscribe(kEndpoint, {.raw = true})); }
void create(Bus& bus, const TopicSettings& settings) {
  require(bus.topic(kTopic, settings, {{"desk", "7"}}));
}
void remove(Bus& bus, const TopicSettings& /*settings*/) {
  require_or(bus.delete_topic(kTopic), Errc::kNotFound);
}
void unsubscribe(Topic& topic, const char* target) {
  const std::uint64_t id = subscription_of(topic, target).id;
  if (id != 0) require(topic.unsubscribe(id));
}
void nothing(Topic& /*topic*/) {}

const Change kChanges[] = {
    {.name = "CreateTopic", .by_bus = create, .writes = 0},
    {.name = "CreateFifoTopic", .fifo = true, .by_bus = create, .writes = 0},
    {.name = "Subscribe", .arrange = nothing, .by_topic = subscribe_extra},
    {.name = "SubscribeToFifoTopic", .fifo = true, .arrange = nothing, .by_topic = subscribe_extra},
    {.name = "SubscribeEndpoint",
     .target = kEndpoint,
     .arrange = nothing,
     .by_topic = subscribe_endpoint},
    {.name = "SetSubscription",
     .arrange = subscribe_extra,
     .by_topic =
         [](Topic& topic) {
           require(topic.set_subscription(subscription_of(topic, "extra").id,
                                          {.filter = kFilter, .when_full = WhenFull::kFail}));
         }},
    {.name = "SetTopic",
     .arrange = subscribe_extra,
     .by_topic =
         [](Topic& topic) {
           require(topic.set({.message_bytes_max = 4096, .display_name = "Prices"}));
         }},
    {.name = "WriteListAnew",
     .arrange =
         [](Topic& topic) {
           require(topic.subscribe("extra", {.raw = true, .filter = filter_of(64'600, "yes")}));
         },
     .by_topic =
         [](Topic& topic) {
           require(topic.set_subscription(subscription_of(topic, "extra").id,
                                          {.filter = filter_of(1'000, "no")}));
         },
     .writes = 2},
    {.name = "Unsubscribe",
     .arrange = subscribe_extra,
     .by_topic = [](Topic& topic) { unsubscribe(topic, "extra"); }},
    {.name = "UnsubscribeEndpoint",
     .target = kEndpoint,
     .arrange = subscribe_endpoint,
     .by_topic = [](Topic& topic) { unsubscribe(topic, kEndpoint); }},
    {.name = "DeleteTopic", .arrange = subscribe_extra, .by_bus = remove},
    {.name = "DeleteFifoTopic", .fifo = true, .arrange = subscribe_extra, .by_bus = remove},
    {.name = "DeleteTopicWithEndpoint",
     .target = kEndpoint,
     .arrange = subscribe_endpoint,
     .by_bus = remove,
     .has_steps = true},
};

class DeathsAtChangesOfTopics : public testing::TestWithParam<Change> {
 protected:
  void SetUp() override {
    static const bool allowed = tracing_is_allowed();
    if (!allowed) GTEST_SKIP() << "no process may trace another here";
    if (GetParam().fifo) settings_ = {.fifo = true, .dedup = Dedup::kById, .dedup_entries = 64};
    files_ = files();
  }

  [[nodiscard]] std::string files() const {
    std::string all;
    for (const char* folder : kFolders) {
      for (const std::string& name : files_in(test_.path(folder))) {
        all += std::string(folder) + "/" + name + "\n";
      }
    }
    return all;
  }

  [[nodiscard]] std::unique_ptr<Traced> victim() const {
    return std::make_unique<Traced>([&]() -> Traced::Work {
      auto bus = std::make_shared<Bus>(test_.attach());
      if (GetParam().by_bus != nullptr) return [this, bus] { GetParam().by_bus(*bus, settings_); };
      auto topic = std::make_shared<Topic>(require(bus->open_topic(kTopic)));
      return [bus, topic] { GetParam().by_topic(*topic); };
    });
  }
  void change_here() {
    if (GetParam().by_bus != nullptr) return GetParam().by_bus(test_.bus(), settings_);
    Topic topic = require(test_.bus().open_topic(kTopic));
    GetParam().by_topic(topic);
  }

  /// Everything that can be seen of a topic; of none, or one that is deleted, nothing.
  static std::string state_of(Topic& topic) {
    auto all = topic.subscriptions();
    if (!all && all.error() == Errc::kDeleted) return "";
    std::vector<std::string> lines;
    for (const SubscriptionInfo& each : require(std::move(all))) {
      lines.push_back((each.endpoint.empty() ? each.queue : each.endpoint) + " " +
                      *each.settings.filter + std::to_string(*each.settings.raw) +
                      std::to_string(static_cast<int>(*each.settings.when_full)) + "\n");
    }
    std::sort(lines.begin(), lines.end());
    const TopicSettings settings = topic.settings();
    std::string text = "topic " + std::to_string(*settings.message_bytes_max) + " " +
                       *settings.display_name + " " + std::to_string(*settings.fifo) +
                       std::to_string(require(topic.tags()).size()) + "\n";
    for (const std::string& line : lines) text += line;
    return text;
  }
  [[nodiscard]] std::string state_of_new_handle() {
    auto topic = test_.bus().open_topic(kTopic);
    if (!topic && topic.error() == Errc::kNotFound) return "";
    Topic opened = require(std::move(topic));
    return state_of(opened);
  }

  struct Sent {
    std::string body;
    bool accepted = false;
    std::uint64_t delivered = 0;
  };
  [[nodiscard]] Sent publish(Topic& topic, const std::string& body) const {
    const Attribute attributes[] = {{"a", "yes"}};
    PublishOptions options{.attributes = attributes};
    if (GetParam().fifo) options.group = "g", options.dedup_id = body;
    const auto done = topic.publish(body, options);
    if (!done && done.error() != Errc::kDeleted) ADD_FAILURE() << body << ": " << done.error();
    return {body, done.has_value(), done ? done->delivered : 0};
  }

  /// What a change writes in place.
  [[nodiscard]] std::pair<std::uint64_t, std::uint32_t> words() const {
    if (!watched_) return {};
    return {watched_->header().end.load(), watched_->header().state.load()};
  }
  /// What a death has left, roughly: equal ones need not be looked at in all ways.
  [[nodiscard]] std::string remains() const {
    std::string text = std::to_string(words().first) + " " + std::to_string(words().second);
    for (const char* folder : kFolders) {
      text += " " + std::to_string(files_in(test_.path(folder)).size());
    }
    return text;
  }

  void begin();
  void run_to_its_end();
  void lead(Traced& child, const Moment& moment) const;
  void die_at(const Moment& moment, Next next);
  void die_in_each_way(const Moment& moment, Next first);
  void judge_messages(const std::vector<Sent>& sent);
  void end(bool is_done, bool again);

  TestBus test_;
  Queue book_ = test_.queue("book", {.slots = 64, .fixed = true});
  Queue extra_ = test_.queue("extra", {.slots = 64, .fixed = true});
  TopicSettings settings_;
  std::string files_;  ///< when there is no topic
  std::optional<Topic> publisher_;
  std::optional<topic::TopicFile> watched_;     ///< to see when the victim writes
  std::string before_, after_;                  ///< states
  std::uint64_t before_to_ = 0, after_to_ = 0;  ///< so many queues a publish goes
  std::size_t stops_ = 0;                       ///< at system calls
  std::vector<std::size_t> writes_;             ///< after these the header is written
  std::string remains_;                         ///< of the last death
  std::set<std::pair<std::string, Next>> seen_;
};

/// The topic, if the change is none that makes it, and its publisher.
void DeathsAtChangesOfTopics::begin() {
  if (GetParam().arrange == nullptr) return;
  publisher_.emplace(require(test_.bus().topic(kTopic, settings_)));
  require(publisher_->subscribe("book", {.raw = true}));
  GetParam().arrange(*publisher_);
  const auto& me = client::Member::of(test_.bus()).me();
  watched_.emplace(require(topic::TopicFile::open(me.bus_pointer(), kTopic)));
}

/// Without a death: learns how many stops there are, and the state before and after.
void DeathsAtChangesOfTopics::run_to_its_end() {
  begin();
  before_ = state_of_new_handle();
  if (publisher_) before_to_ = publish(*publisher_, "before").delivered;
  const auto child = victim();
  for (auto last = words(); child->to_next_call(); ++stops_) {
    if (words() != last) writes_.push_back(stops_);
    last = words();
  }
  child->kill();
  after_ = state_of_new_handle();
  if (publisher_) after_to_ = publish(*publisher_, "after").delivered;
  EXPECT_NE(before_, after_);
  EXPECT_EQ(writes_.size(), GetParam().writes);
  static_cast<void>(test::drain(book_));
  static_cast<void>(test::drain(extra_));
  end(false, true);
}

void DeathsAtChangesOfTopics::lead(Traced& child, const Moment& moment) const {
  constexpr std::size_t kInstructionsMax = 100'000;
  for (std::size_t calls = 0; calls < moment.calls && child.to_next_call();) ++calls;
  if (moment.has_written) {
    const auto before = words();
    std::size_t steps = 0;
    while (words() == before && steps < kInstructionsMax && child.step()) ++steps;
    EXPECT_NE(words(), before) << "nothing was written";
  }
  for (std::size_t steps = 0; steps < moment.instructions && child.step();) ++steps;
}

/// Every acknowledged message is where it must be, once.
void DeathsAtChangesOfTopics::judge_messages(const std::vector<Sent>& sent) {
  std::vector<std::string> accepted;
  std::vector<std::string> further;
  for (const Sent& each : sent) {
    if (!each.accepted) continue;
    accepted.push_back(each.body);
    if (each.delivered > 1) further.push_back(each.body);
  }
  EXPECT_EQ(test::drain(book_), accepted);
  if (std::string_view(GetParam().target) != kEndpoint) {
    EXPECT_EQ(test::drain(extra_), further);
    return;
  }
  if (!publisher_) return;
  if (!publisher_->subscriptions()) return;  // deleted, and the queue of its endpoint with it
  const SubscriptionInfo endpoint = subscription_of(*publisher_, kEndpoint);
  auto queue =
      endpoint.id == 0 ? test_.bus().open_queue("none") : test_.bus().open_queue(endpoint.queue);
  if (queue) {
    EXPECT_EQ(test::drain(*queue), further);
  } else {
    EXPECT_TRUE(endpoint.id == 0 || GetParam().has_steps) << "a subscription without its queue";
  }
}

void DeathsAtChangesOfTopics::die_at(const Moment& moment, Next next) {
  SCOPED_TRACE(describe(moment, next));
  begin();
  std::vector<Sent> sent;
  const auto say = [&](const char* body) {
    if (publisher_) sent.push_back(publish(*publisher_, body));
  };
  say("before");
  const auto child = victim();
  lead(*child, moment);
  say("between");
  const std::string seen = publisher_ ? state_of(*publisher_) : "";
  child->kill();
  remains_ = remains();
  if (const auto look = topic::look_at(client::Member::of(test_.bus()).files(), kTopic)) {
    EXPECT_FALSE(look->is_locked) << "the next writer would wait";
  }
  if (next == Next::kSweep) {
    test_.bus().sweep();
    if (!GetParam().has_steps) {
      EXPECT_EQ(test_.findings(), "");
    }
  }
  if (next == Next::kWriter) change_here();
  say("after");
  const std::string left = state_of_new_handle();
  EXPECT_TRUE(left == after_ || (left == before_ && next != Next::kWriter)) << left;
  if (publisher_) {
    EXPECT_EQ(state_of(*publisher_), left) << "two see different things";
    EXPECT_TRUE(seen != after_ || left == after_) << "it was made, and then was not";
    if (!GetParam().has_steps) {
      EXPECT_EQ(sent[0].delivered, before_to_);
      EXPECT_EQ(sent[1].delivered, seen == after_ ? after_to_ : before_to_);
      EXPECT_EQ(sent[2].delivered, left == after_ ? after_to_ : before_to_);
    }
  }
  judge_messages(sent);
  end(next == Next::kWriter, next == Next::kSweep);
}

/// The next writer, the sweep, the doctor; then the topic goes, comes again and goes.
void DeathsAtChangesOfTopics::end(bool is_done, bool again) {
  if (!is_done) change_here();
  EXPECT_EQ(state_of_new_handle(), after_);
  if (publisher_ && !after_.empty()) {
    require(require(test_.bus().open_topic(kTopic)).set_tags({{"team", "risk"}}));
    EXPECT_EQ(state_of(*publisher_), state_of_new_handle()) << "it reads another file";
  }
  EXPECT_EQ(test_.findings_after_sweep(), "");
  publisher_.reset();
  watched_.reset();
  remove(test_.bus(), settings_);
  EXPECT_EQ(files(), files_);
  if (!again) return;
  {
    Topic made = require(test_.bus().topic(kTopic, settings_));
    require(made.subscribe("book", {.raw = true}));
    EXPECT_EQ(publish(made, "again").delivered, 1u);
    EXPECT_EQ(test::drain(book_), std::vector<std::string>{"again"});
  }
  remove(test_.bus(), settings_);
  EXPECT_EQ(files(), files_);
}

/// Once, and if it leaves what none has left before, once for everybody who may come first.
void DeathsAtChangesOfTopics::die_in_each_way(const Moment& moment, Next first) {
  die_at(moment, first);
  seen_.emplace(remains_, first);
  for (const Next next : kEach) {
    if (!HasFailure() && !seen_.contains({remains_, next})) {
      die_at(moment, next);
      seen_.emplace(remains_, next);
    }
  }
}

TEST_P(DeathsAtChangesOfTopics, BeforeAndAfterEachSystemCall) {
  run_to_its_end();
  ASSERT_GT(stops_, 4u);
  for (std::size_t calls = 0; calls <= stops_ && !HasFailure(); ++calls) {
    die_in_each_way({.calls = calls}, kEach[calls % 3]);
  }
}

TEST_P(DeathsAtChangesOfTopics, AtTheInstructionsThatDecide) {
  run_to_its_end();
  std::mt19937_64 random(base_seed());
  std::uniform_int_distribution<std::size_t> further(1, 64);
  const std::size_t rounds = by_depth<std::size_t>(1, 2, 50);
  for (const std::size_t calls : writes_) {
    for (std::size_t round = 0; round <= rounds && !HasFailure(); ++round) {
      const std::size_t steps = round == 0 ? 0 : further(random);
      die_at({calls, steps, true}, kEach[round % 3]);
    }
  }
}

TEST_P(DeathsAtChangesOfTopics, AtInstructionsInBetween) {
  constexpr double kInstructionsMax = 1'024;
  run_to_its_end();
  std::mt19937_64 random(base_seed());
  std::uniform_int_distribution<std::size_t> calls(0, stops_);
  std::uniform_real_distribution<double> magnitude(0, std::log2(kInstructionsMax));
  const std::size_t rounds = by_depth<std::size_t>(10, 30, 1'000);
  for (std::size_t round = 0; round < rounds && !HasFailure(); ++round) {
    const std::size_t after = calls(random);
    const auto steps = static_cast<std::size_t>(std::exp2(magnitude(random)));
    die_at({after, steps}, kEach[round % 3]);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, DeathsAtChangesOfTopics, testing::ValuesIn(kChanges),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ringpost::rig
