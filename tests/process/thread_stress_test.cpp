// Property: threads over one mapping neither lose nor double a message, settle each once, and leave
// every slot free to be claimed again. Method: random calls, bodies that carry producer, number and
// hash, a log for each thread without any order between them (it would hide races from the thread
// sanitizer), and rules that need none.

#include <gtest/gtest.h>

#include "process/rig/bus_client.hpp"
#include "process/rig/depth.hpp"
#include "process/rig/scratch.hpp"
#include "process/rig/thread_run.hpp"

namespace ringpost::rig {
namespace {

constexpr history::Policy kWithoutOrder{.one_order = false};

class ThreadStress : public testing::Test {
 protected:
  ThreadStress() : control_(make_shared_control()), clock_(*control_) {}

  RunOutcome run(Plan plan) {
    plan.purge_one_in = 0;
    plan.mail = false;
    BusOptions options;
    options.shm_dir = scratch_.path("shm");
    options.participants_max = 32;
    options.arena_bytes_max = plan.arena_bytes_max;
    options.clock = &clock_;
    auto bus = Bus::open("stress", options);
    if (!bus) {
      ADD_FAILURE() << bus.error().what;
      return {};
    }
    bus_.emplace(*std::move(bus));
    control_->operations.store(0);
    return run_threads(plan, *control_, clock_, [&] { return client(plan.settings); },
                       {.own_tickets = true});
  }

  std::unique_ptr<Client> client(const QueueSettings& settings) {
    auto participant = bus_->clone();
    if (!participant) return nullptr;
    auto client = BusClient::over(*std::move(participant), settings);
    return client ? *std::move(client) : nullptr;
  }

  const Scratch scratch_;
  SharedControl control_;
  OperationClock clock_;
  std::optional<Bus> bus_;
};

void expect_every_slot_claimable(Queue& queue, std::uint32_t slots, const char* group = "") {
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < slots; ++i) {
      const auto sent = queue.send("x", {.group = group});
      ASSERT_TRUE(sent) << "slot " << i << " of round " << round << ": " << name(sent.error());
    }
    EXPECT_EQ(queue.send("x", {.group = group}).error(), Errc::kFull);
    for (std::uint32_t i = 0; i < slots; ++i) {
      auto received = queue.receive();
      ASSERT_TRUE(received);
      EXPECT_EQ(received->front().acknowledge(), Errc::kOk);
    }
  }
}

TEST_F(ThreadStress, LosesAndDoublesNothingOnAFixedRing) {
  Plan plan;
  plan.seed = base_seed();
  plan.operations = by_depth<std::uint64_t>(20'000, 300'000, 3'000'000);
  plan.settings.slots = 64;
  plan.settings.fixed = true;
  const RunOutcome outcome = run(plan);
  EXPECT_EQ(faults_of(outcome, kWithoutOrder), "") << "seed " << plan.seed;
  auto queue = bus_->open_queue("work");
  ASSERT_TRUE(queue);
  expect_every_slot_claimable(*queue, 64);
}

TEST_F(ThreadStress, LosesAndDoublesNothingOnAQueueThatGrows) {
  Plan plan;
  plan.seed = base_seed() + 1;
  plan.operations = by_depth<std::uint64_t>(20'000, 300'000, 3'000'000);
  plan.roles = {Role::kMixed, Role::kMixed, Role::kMixed, Role::kMixed};
  plan.settings.slots = 64;
  plan.settings.bytes_max = 1ull << 20;
  EXPECT_EQ(faults_of(run(plan), kWithoutOrder), "") << "seed " << plan.seed;
}

TEST_F(ThreadStress, KeepsGroupsInOrder) {
  Plan plan;
  plan.seed = base_seed() + 2;
  plan.operations = by_depth<std::uint64_t>(20'000, 300'000, 3'000'000);
  plan.roles = {Role::kMixed, Role::kMixed, Role::kMixed, Role::kMixed};
  plan.groups = 7;
  plan.settings.slots = 64;
  plan.settings.fifo = true;
  EXPECT_EQ(faults_of(run(plan), kWithoutOrder), "") << "seed " << plan.seed;
  auto queue = bus_->open_queue("work");
  ASSERT_TRUE(queue);
  expect_every_slot_claimable(*queue, 64, "g");
}

}  // namespace
}  // namespace ringpost::rig
