#include "model/topic_program.hpp"

#include "process/rig/random.hpp"

namespace ringpost::model {
namespace {

using rig::Random;

struct Share {
  TopicCall call;
  const char* name;
  std::uint32_t of_thousand;
};
constexpr Share kShares[] = {{TopicCall::kSubscribe, "subscribe", 80},
                             {TopicCall::kSetSubscription, "set subscription", 40},
                             {TopicCall::kUnsubscribe, "unsubscribe", 20},
                             {TopicCall::kSetTopic, "set topic", 15},
                             {TopicCall::kRemakeTopic, "delete and make topic", 6},
                             {TopicCall::kPublish, "publish", 336},
                             {TopicCall::kPublishBatch, "publish a batch", 50},
                             {TopicCall::kSend, "send", 40},
                             {TopicCall::kReceive, "receive", 180},
                             {TopicCall::kAcknowledge, "acknowledge", 60},
                             {TopicCall::kRelease, "release", 40},
                             {TopicCall::kPurge, "purge", 10},
                             {TopicCall::kDeleteQueue, "delete queue", 8},
                             {TopicCall::kMakeQueue, "make queue", 40},
                             {TopicCall::kPass, "pass", 40},
                             {TopicCall::kDeath, "publish, receive, die", 3},
                             {TopicCall::kSweep, "sweep", 10},
                             {TopicCall::kStats, "stats", 22}};
static_assert(std::size(kShares) == static_cast<std::size_t>(TopicCall::kCountOf));
constexpr std::uint32_t kPassing[] = {1, 1, 2, 3, 61, 301};

std::uint8_t below(Random& random, std::uint64_t limit) {
  return static_cast<std::uint8_t>(random.below(limit));
}

TopicCall random_call(Random& random) {
  std::uint64_t at = random.below(1'000);
  for (const Share& share : kShares) {
    if (at < share.of_thousand) return share.call;
    at -= share.of_thousand;
  }
  return TopicCall::kPass;
}

TopicStep random_step(Random& random, TopicCall call) {
  TopicStep step;
  step.call = call;
  step.actor = below(random, kActors);
  step.topic = below(random, kTopics);
  step.queue = below(random, kQueues);
  if (!random.one_in(4)) step.dead_letters = below(random, kQueues + 1);
  if (random.one_in(2)) step.filter = below(random, kFilters);
  step.when_full = random.one_in(5) ? 2 : below(random, 2);
  step.which = below(random, 16);
  step.count = random.one_in(3) ? 1 : static_cast<std::uint8_t>(1 + random.below(10));
  if (call == TopicCall::kSend) {
    step.count = static_cast<std::uint8_t>(random.one_in(3) ? 1 + random.below(8) : 64);
  }
  step.key = static_cast<std::uint8_t>(1 + random.below(3));
  step.attribute = below(random, 3);
  if (random.one_in(2)) step.group = below(random, 4);
  step.id = below(random, 6);
  if (random.one_in(4)) step.twin = static_cast<std::uint8_t>(1 + random.below(3));
  step.json = random.one_in(3);
  step.other_kind = random.one_in(4);
  step.large = random.one_in(12);
  step.plain = random.one_in(8);
  step.seconds = random.one_of(kPassing);
  return step;
}

}  // namespace

TopicProgram random_topic_program(std::uint64_t seed) {
  Random random(seed);
  TopicProgram program;
  for (int i = 0; i < 5; ++i) program.push_back(random_step(random, TopicCall::kSubscribe));
  const std::uint64_t calls = 20 + random.below(500);
  for (std::uint64_t i = 0; i < calls; ++i) {
    program.push_back(random_step(random, random_call(random)));
  }
  return program;
}

std::string to_string(const TopicStep& step) {
  std::string text = kShares[static_cast<std::size_t>(step.call)].name;
  const auto add = [&text](const char* what, std::uint32_t value) {
    text += std::string(", ") + what + " " + std::to_string(value);
  };
  add("actor", step.actor);
  add("topic", step.topic);
  add("queue", step.queue);
  if (step.dead_letters != 0) add("dead letters to", step.dead_letters - 1u);
  if (step.filter != 0) add("filter", step.filter);
  if (step.when_full != 0) add("when full", step.when_full);
  add("which", step.which);
  add("count", step.count);
  add("key", step.key);
  if (step.attribute != 0) add("attribute", step.attribute);
  if (step.group != 0) add("group", step.group);
  if (step.id != 0) add("id", step.id);
  if (step.twin != 0) add("twin", step.twin);
  if (step.call == TopicCall::kPass) add("seconds", step.seconds);
  for (const auto& [is, name] : {std::pair{step.json, ", json"},
                                 {step.other_kind, ", other kind"},
                                 {step.large, ", large"},
                                 {step.plain, ", plain"}}) {
    if (is) text += name;
  }
  return text;
}

std::string to_string(const TopicProgram& program) {
  std::string text;
  for (const TopicStep& step : program) text += "  " + to_string(step) + "\n";
  return text;
}

}  // namespace ringpost::model
