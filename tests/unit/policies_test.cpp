// Dead-letter policies as settings, and changes of settings that a death interrupts.
#include <gtest/gtest.h>

#include "queue/setting_change.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Permission = RedriveAllow::Permission;

QueueSettings dead_letters_to(const std::string& name, std::uint32_t receives = 3) {
  return {.redrive = RedrivePolicy{name, receives}};
}
QueueSettings allowing(Permission permission, std::vector<std::string> sources = {}) {
  return {.redrive_allow = RedriveAllow{permission, std::move(sources)}};
}

TEST(RedrivePolicy, IsNoneAtFirstAndAllowsAll) {  // T07, T08
  TestBus test;
  const QueueSettings settings = test.queue().settings();
  EXPECT_EQ(settings.redrive, RedrivePolicy{});
  EXPECT_EQ(settings.redrive_allow, RedriveAllow{});
  EXPECT_EQ(settings.redrive->max_receive_count, 10u);
}

TEST(RedrivePolicy, IsKeptAsGivenAtCreationAndLater) {
  TestBus test;
  const std::string longest(80, 'd');
  const Queue dead = test.queue(longest);
  Queue made = test.queue("made", dead_letters_to(longest, 1));
  EXPECT_EQ(made.settings().redrive, (RedrivePolicy{longest, 1}));
  Queue changed = test.queue("changed");
  ASSERT_TRUE(changed.set(dead_letters_to(longest, 1'000)));
  EXPECT_EQ(test.attach().open_queue("changed").value().settings().redrive,
            (RedrivePolicy{longest, 1'000}));
}

TEST(RedrivePolicy, IsTakenAwayByAnEmptyName) {  // Q13
  TestBus test;
  const Queue dead = test.queue("dead");
  Queue queue = test.queue("q", dead_letters_to("dead"));
  ASSERT_TRUE(queue.set({.redrive = RedrivePolicy{}}));
  EXPECT_EQ(queue.settings().redrive, RedrivePolicy{});
}

TEST(RedrivePolicy, IsRefusedWithAReason) {  // L02
  TestBus test;
  const Queue dead = test.queue("dead");
  Queue queue = test.queue("q");
  const struct {
    RedrivePolicy policy;
    Errc code;
    const char* why;
  } cases[] = {{{"dead", 0}, Errc::kInvalidArgument, "1 to 1,000"},
               {{"dead", 1'001}, Errc::kInvalidArgument, "1 to 1,000"},
               {{"no name", 3}, Errc::kInvalidArgument, "no name of a queue"},
               {{"q", 3}, Errc::kInvalidArgument, "is the queue itself"},
               {{"nowhere", 3}, Errc::kNotFound, "create it first"}};
  for (const auto& each : cases) {
    const auto done = queue.set({.visibility_timeout = 5s, .redrive = each.policy});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, each.code);
    EXPECT_NE(std::string(done.error().what).find(each.why), std::string::npos)
        << done.error().what;
    if (each.policy.dead_letter_queue == "q") continue;
    EXPECT_EQ(code_of(test.bus().queue("other", {.redrive = each.policy})), each.code);
  }
  EXPECT_EQ(queue.settings().redrive, RedrivePolicy{});
  EXPECT_EQ(queue.settings().visibility_timeout, 30s);
}

TEST(RedrivePolicy, IsComparedWhenAQueueIsOpenedWithIt) {  // Q04
  TestBus test;
  const Queue dead = test.queue("dead");
  const Queue queue = test.queue("q", dead_letters_to("dead", 3));
  EXPECT_EQ(code_of(test.bus().queue("q", dead_letters_to("dead", 3))), Errc::kOk);
  EXPECT_EQ(code_of(test.bus().queue("q", dead_letters_to("dead", 4))), Errc::kExists);
  EXPECT_EQ(code_of(test.bus().queue("q", allowing(Permission::kDenyAll))), Errc::kExists);
}

TEST(RedriveAllowPolicy, DecidesWhoMayHaveTheQueue) {  // L03
  TestBus test;
  Queue dead = test.queue("dead", allowing(Permission::kDenyAll));
  EXPECT_EQ(code_of(test.bus().queue("a", dead_letters_to("dead"))), Errc::kInvalidArgument);
  ASSERT_TRUE(dead.set(allowing(Permission::kByQueue, {"b", "c"})));
  EXPECT_EQ(code_of(test.bus().queue("a", dead_letters_to("dead"))), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test.bus().queue("b", dead_letters_to("dead"))), Errc::kOk);
  ASSERT_TRUE(dead.set(allowing(Permission::kAllowAll)));
  EXPECT_EQ(code_of(test.bus().queue("a", dead_letters_to("dead"))), Errc::kOk);
}

TEST(RedriveAllowPolicy, IsRefusedWhereItMakesNoSense) {  // T08
  TestBus test;
  Queue queue = test.queue();
  std::vector<std::string> ten;
  for (int i = 0; i < 10; ++i) ten.push_back("source-" + std::to_string(i) + std::string(70, 'x'));
  ASSERT_TRUE(queue.set(allowing(Permission::kByQueue, ten)));
  EXPECT_EQ(queue.settings().redrive_allow, (RedriveAllow{Permission::kByQueue, ten}));
  ten.emplace_back("eleventh");
  for (const QueueSettings& bad :
       {allowing(Permission::kByQueue, ten), allowing(Permission::kByQueue),
        allowing(Permission::kByQueue, {"no name"}), allowing(Permission::kAllowAll, {"a"}),
        allowing(Permission::kDenyAll, {"a"})}) {
    EXPECT_EQ(code_of(queue.set(bad)), Errc::kInvalidArgument);
  }
}

/// As if whoever made the last change had died before he carried it out.
class HalfDoneChange : public testing::Test {
 protected:
  HalfDoneChange() : queue_(test_.queue("q", {.visibility_timeout = 1s, .retention = 100s})) {
    EXPECT_TRUE(queue_.set({.visibility_timeout = 2s, .retention = 200s}));
    queue::QueueHeader& header = RawRing(test_.bus(), "q").header();
    header.settings.visibility_ns.word().store(1'000'000'000ull << queue::SettingWord::kTagBits);
    const queue::SettingsChange made{header.settings_change.load()};
    header.settings_change.store(
        queue::SettingsChange::of(made.number(), made.record(), true).word);
  }
  [[nodiscard]] bool is_done() {
    const auto found = queue::settings_in_force(RawRing(test_.bus(), "q").header());
    return found.visibility_timeout == 2s && found.retention == 200s;
  }
  TestBus test_;
  Queue queue_;
};

TEST_F(HalfDoneChange, IsFinishedByWhoeverOpensTheQueue) {
  EXPECT_FALSE(is_done());
  const Queue opened = test_.queue("q");
  EXPECT_TRUE(is_done());
}

TEST_F(HalfDoneChange, IsFinishedByTheNextOneWhoChangesSomething) {
  ASSERT_TRUE(queue_.set({.delay = 3s}));
  EXPECT_TRUE(is_done());
  EXPECT_EQ(queue_.settings().delay, 3s);
}

TEST_F(HalfDoneChange, IsFinishedByASweep) {
  test_.bus().sweep();
  EXPECT_TRUE(is_done());
}

TEST(ChangeOfSettings, GoesOnBesideOthersWhoStandStillAsLongAsARecordIsLeft) {
  TestBus test;
  Queue queue = test.queue();
  Bus other = test.attach();
  queue::QueueHeader& header = RawRing(test.bus(), "q").header();
  std::uint32_t stopped = 0;
  for (std::uint32_t i = 0; i < queue::kSettingsRecords; ++i) {
    if (queue.set({.delay = 1s})) ++stopped;
    for (std::uint32_t record = 0; record < queue::kSettingsRecords; ++record) {
      std::uint64_t nobody = 0;
      const queue::SettingsChange change{header.settings_change.load()};
      if (record == change.record()) continue;
      auto& owner = queue::settings_records(header)[record].owner;
      if (owner.compare_exchange_strong(nobody, other.participant_index())) break;
    }
  }
  EXPECT_EQ(stopped, queue::kSettingsRecords - 1);
  EXPECT_EQ(code_of(queue.set({.delay = 2s})), Errc::kBusy);
  queue::sweep_settings(header, static_cast<std::uint16_t>(other.participant_index()));
  EXPECT_EQ(code_of(queue.set({.delay = 2s})), Errc::kOk);
}

TEST(ChangeOfSettings, KeepsWhatItIsNotAbout) {
  TestBus test;
  const Queue dead = test.queue("dead");
  Queue queue = test.queue("q", dead_letters_to("dead", 7));
  for (int i = 1; i < 20; ++i) {
    ASSERT_TRUE(queue.set({.delay = std::chrono::seconds(i)}));
    EXPECT_EQ(queue.settings().redrive, (RedrivePolicy{"dead", 7}));
    EXPECT_EQ(queue.settings().delay, std::chrono::seconds(i));
    EXPECT_EQ(queue.settings().retention, 96h);
  }
}

}  // namespace
}  // namespace ringpost::test
