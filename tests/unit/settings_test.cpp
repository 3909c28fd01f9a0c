// Creating, opening and changing queues: names, limits, comparison.
#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(QueueSettings, HaveTheDefaultsOfTheService) {
  TestBus test;
  const QueueSettings settings = test.queue().settings();
  EXPECT_EQ(settings.visibility_timeout, 30s);
  EXPECT_EQ(settings.delay, 0s);
  EXPECT_EQ(settings.retention, 96h);
  EXPECT_EQ(settings.receive_wait, 0s);
  EXPECT_EQ(settings.message_bytes_max, 256u * 1024);
  EXPECT_EQ(settings.in_flight_max, 120'000u);
  EXPECT_EQ(settings.slots, 1024u);
  EXPECT_EQ(settings.inline_bytes, 104u);
  EXPECT_EQ(settings.bytes_max, 64ull << 20);
  EXPECT_EQ(settings.fixed, false);
}

TEST(QueueSettings, AreKeptAsGiven) {
  TestBus test;
  const QueueSettings given{.visibility_timeout = 5s,
                            .delay = 6s,
                            .retention = 70s,
                            .receive_wait = 8s,
                            .message_bytes_max = 9'000,
                            .in_flight_max = 10,
                            .slots = 2048,
                            .inline_bytes = 40,
                            .bytes_max = 1u << 20,
                            .fixed = true};
  Queue queue = test.queue("q", given);
  Bus other_bus = test.attach();
  const QueueSettings found = other_bus.open_queue("q").value().settings();
  EXPECT_EQ(found.visibility_timeout, given.visibility_timeout);
  EXPECT_EQ(found.delay, given.delay);
  EXPECT_EQ(found.retention, given.retention);
  EXPECT_EQ(found.receive_wait, given.receive_wait);
  EXPECT_EQ(found.message_bytes_max, given.message_bytes_max);
  EXPECT_EQ(found.in_flight_max, given.in_flight_max);
  EXPECT_EQ(found.slots, given.slots);
  EXPECT_EQ(found.inline_bytes, given.inline_bytes);
  EXPECT_EQ(found.bytes_max, given.bytes_max);
  EXPECT_EQ(found.fixed, given.fixed);
}

TEST(QueueSettings, ReachTheirLimitsAndNoFurther) {
  struct Case {
    const char* name;
    QueueSettings good[2];
    QueueSettings bad[2];
  };
  const Case cases[] = {
      {"visibility_timeout",
       {{.visibility_timeout = 0s}, {.visibility_timeout = 12h}},
       {{.visibility_timeout = -1ns}, {.visibility_timeout = 12h + 1ns}}},
      {"delay", {{.delay = 0s}, {.delay = 15min}}, {{.delay = -1ns}, {.delay = 15min + 1ns}}},
      {"retention",
       {{.retention = 60s}, {.retention = 336h}},
       {{.retention = 60s - 1ns}, {.retention = 336h + 1ns}}},
      {"receive_wait",
       {{.receive_wait = 0s}, {.receive_wait = 20s}},
       {{.receive_wait = -1ns}, {.receive_wait = 20s + 1ns}}},
      {"message_bytes_max",
       {{.message_bytes_max = 1024}, {.message_bytes_max = 64u << 20}},
       {{.message_bytes_max = 1023}, {.message_bytes_max = (64u << 20) + 1}}},
      {"in_flight_max",
       {{.in_flight_max = 1}, {.in_flight_max = 10'000'000}},
       {{.in_flight_max = 0}, {.in_flight_max = 10'000'001}}},
      {"slots", {{.slots = 64}, {.slots = 4096}}, {{.slots = 32}, {.slots = 1u << 23}}},
      {"slots", {{.slots = 128}, {.slots = 256}}, {{.slots = 100}, {.slots = 65}}},
      {"inline_bytes",
       {{.inline_bytes = 40}, {.slots = 64, .inline_bytes = 4'072}},
       {{.inline_bytes = 39}, {.inline_bytes = 4'073}}},
      {"bytes_max",
       {{.bytes_max = 1u << 20}, {.bytes_max = 1ull << 40}},
       {{.bytes_max = 1000}, {.bytes_max = (1ull << 40) + 1}}},
  };
  TestBus test;
  int number = 0;
  for (const Case& each : cases) {
    for (const QueueSettings& good : each.good) {
      const auto made = test.bus().queue("q" + std::to_string(number++), good);
      EXPECT_TRUE(made) << each.name << ": " << made.error().what;
    }
    for (const QueueSettings& bad : each.bad) {
      const auto refused = test.bus().queue("bad", bad);
      ASSERT_FALSE(refused) << each.name;
      EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
      EXPECT_NE(std::string(refused.error().what).find(each.name), std::string::npos)
          << refused.error().what;
    }
  }
  EXPECT_EQ(code_of(test.bus().open_queue("bad")), Errc::kNotFound);
}

TEST(QueueSettings, HoldEachPayloadUpToTheInlineBytesInTheSlot) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .inline_bytes = 1'000});
  ASSERT_TRUE(queue.send(std::string(1'000, 'x')));
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
}

TEST(Create, IsIdempotentWhenEveryGivenSettingIsTheSame) {
  TestBus test;
  Queue first = test.queue("q", {.visibility_timeout = 5s, .slots = 128});
  EXPECT_TRUE(test.bus().queue("q"));
  EXPECT_TRUE(test.bus().queue("q", {.visibility_timeout = 5s}));
  EXPECT_TRUE(test.bus().queue("q", {.visibility_timeout = 5s, .slots = 128, .fixed = false}));
}

TEST(Create, NamesTheSettingThatDiffers) {
  TestBus test;
  Queue first = test.queue("q", {.visibility_timeout = 5s});
  const std::pair<const char*, QueueSettings> cases[] = {
      {"visibility_timeout", {.visibility_timeout = 6s}},
      {"delay", {.visibility_timeout = 5s, .delay = 1s}},
      {"retention", {.retention = 61s}},
      {"receive_wait", {.receive_wait = 1s}},
      {"message_bytes_max", {.message_bytes_max = 2'000}},
      {"in_flight_max", {.in_flight_max = 1}},
      {"slots", {.slots = 64}},
      {"inline_bytes", {.inline_bytes = 400}},
      {"bytes_max", {.bytes_max = 1u << 20}},
      {"fixed", {.fixed = true}},
  };
  for (const auto& [name, settings] : cases) {
    const auto refused = test.bus().queue("q", settings);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::kExists);
    EXPECT_NE(std::string(refused.error().what).find(name), std::string::npos)
        << refused.error().what;
  }
}

TEST(Create, ComparesWithTheSettingsInForceNow) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 5s});
  ASSERT_TRUE(queue.set({.visibility_timeout = 7s}));
  EXPECT_EQ(code_of(test.bus().queue("q", {.visibility_timeout = 5s})), Errc::kExists);
  EXPECT_TRUE(test.bus().queue("q", {.visibility_timeout = 7s}));
}

TEST(QueueName, IsOneToEightyOfTheAllowedCharacters) {
  TestBus test;
  const std::string longest(80, 'n');
  for (const std::string& good :
       {std::string("a"), std::string("A-z_09"), std::string("-"), longest}) {
    EXPECT_TRUE(test.bus().queue(good)) << good;
    EXPECT_TRUE(test.bus().open_queue(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("a.b"), std::string("a/b"), std::string(".."),
        std::string("a b"), std::string("ä"), std::string("a\0b", 3), longest + "n"}) {
    EXPECT_EQ(code_of(test.bus().queue(bad)), Errc::kInvalidArgument) << bad;
    EXPECT_EQ(code_of(test.bus().open_queue(bad)), Errc::kInvalidArgument) << bad;
    EXPECT_NE(code_of(test.bus().delete_queue(bad)), Errc::kOk) << bad;
  }
}

TEST(QueueName, TellsUpperFromLowerCase) {
  TestBus test;
  Queue lower = test.queue("name");
  Queue upper = test.queue("NAME");
  ASSERT_TRUE(lower.send("x"));
  EXPECT_EQ(upper.stats().visible, 0u);
  EXPECT_EQ(test.bus().queue_names().value(), (std::vector<std::string>{"NAME", "name"}));
}

TEST(QueueNames, AreListedInOrderByPrefix) {
  TestBus test;
  for (const char* name : {"b2", "a", "b1", "c"}) static_cast<void>(test.queue(name));
  EXPECT_EQ(test.bus().queue_names().value(), (std::vector<std::string>{"a", "b1", "b2", "c"}));
  EXPECT_EQ(test.bus().queue_names("b").value(), (std::vector<std::string>{"b1", "b2"}));
  EXPECT_TRUE(test.bus().queue_names("B").value().empty());
}

TEST(ChangeOfSettings, ConcernsOtherHandlesAtOnce) {
  TestBus test;
  Queue queue = test.queue();
  Bus other_bus = test.attach();
  Queue other = other_bus.open_queue("q").value();
  ASSERT_TRUE(queue.set({.visibility_timeout = 5s, .message_bytes_max = 1024}));
  EXPECT_EQ(code_of(other.send(std::string(1025, 'x'))), Errc::kTooLarge);
  ASSERT_TRUE(other.send("x"));
  EXPECT_EQ(bodies(other).size(), 1u);
  test.clock().advance(6s);
  EXPECT_EQ(bodies(other).size(), 1u);
}

TEST(ChangeOfSettings, LeavesRunningLeasesAsTheyAre) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 60s});
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(bodies(queue).size(), 1u);
  ASSERT_TRUE(queue.set({.visibility_timeout = 1s}));
  test.clock().advance(30s);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(ChangeOfSettings, IsAllOrNothing) {
  TestBus test;
  Queue queue = test.queue();
  const auto refused = queue.set({.visibility_timeout = 5s, .retention = 1s});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(queue.settings().visibility_timeout, 30s);
}

TEST(ChangeOfSettings, RefusesWhatIsFixedAtCreation) {
  TestBus test;
  Queue queue = test.queue();
  for (const QueueSettings& fixed :
       {QueueSettings{.slots = 2048}, QueueSettings{.inline_bytes = 40},
        QueueSettings{.bytes_max = 1u << 20}, QueueSettings{.fixed = true}}) {
    EXPECT_EQ(code_of(queue.set(fixed)), Errc::kInvalidArgument);
  }
}

TEST(ChangeOfSettings, LeavesMessagesThatAreLargerThanTheNewLimit) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send(std::string(5'000, 'x')));
  ASSERT_TRUE(queue.set({.message_bytes_max = 1024}));
  EXPECT_EQ(drain(queue).size(), 1u);
}

}  // namespace
}  // namespace ringpost::test
