// Random damage to each kind of file, at rest and under way. The seed of a round is printed when it
// fails, and RINGPOST_SEED repeats it.

#include <gtest/gtest.h>

#include "hostile/damage.hpp"
#include "hostile/victim.hpp"

namespace ringpost::hostile {
namespace {

using rig::by_depth;

enum class Kind : std::uint8_t { kBus, kQueue, kRing, kSegment, kFifoRing, kFairRing };
constexpr const char* kNames[] = {"bus", "queue", "ring", "segment", "fifo_ring", "fair_ring"};

QueueKind queue_of(Kind kind) {
  if (kind == Kind::kFairRing) return QueueKind::kFair;
  return kind == Kind::kFifoRing ? QueueKind::kFifo : QueueKind::kStandard;
}

std::string file_of(const Victim& victim, Kind kind, std::mt19937_64& random) {
  if (kind == Kind::kBus) return victim.bus_file();
  if (kind == Kind::kQueue) return victim.queue_file();
  const auto files = kind == Kind::kSegment ? victim.segment_files() : victim.ring_files();
  return files.empty() ? victim.bus_file() : files[random() % files.size()];
}

class RandomDamage : public ::testing::TestWithParam<Kind> {};

INSTANTIATE_TEST_SUITE_P(To, RandomDamage,
                         ::testing::Values(Kind::kBus, Kind::kQueue, Kind::kRing, Kind::kSegment,
                                           Kind::kFifoRing, Kind::kFairRing),
                         [](const auto& each) { return kNames[static_cast<int>(each.param)]; });

std::string file_name(Kind kind) { return std::string(kNames[static_cast<int>(kind)]) + " file"; }

TEST_P(RandomDamage, AtRestHarmsNobodyButTheBus) {
  repeat(by_depth(40, 120, 10'000), 0, "damage at rest to the " + file_name(GetParam()),
         [](std::uint64_t seed, std::mt19937_64& random) {
           Victim victim(seed, queue_of(GetParam()));
           victim.populate();
           use_at_rest(victim, test::RawFile(file_of(victim, GetParam(), random)), random);
         });
}

TEST_P(RandomDamage, UnderWayHarmsNobodyButTheBus) {
  repeat(by_depth(6, 20, 2'000), 1'000'000, "damage under way to the " + file_name(GetParam()),
         [](std::uint64_t seed, std::mt19937_64& random) {
           Victim victim(seed, queue_of(GetParam()));
           victim.populate();
           use_under_way(victim, test::RawFile(file_of(victim, GetParam(), random)), seed, 3);
         });
}

TEST(RandomDamageToAllFiles, LeavesAnotherBusUntouched) {
  const rig::Scratch scratch;
  Bus healthy = Bus::open("healthy", {.shm_dir = scratch.path("shm")}).value();
  Queue queue = healthy.queue("q", {.slots = 64}).value();
  int round = 0;
  repeat(by_depth(20, 60, 2'000), 2'000'000, "damage to all files",
         [&](std::uint64_t seed, std::mt19937_64& random) {
           Victim victim(seed, static_cast<QueueKind>(round++ % 3));
           victim.populate();
           for (const Kind kind : {Kind::kBus, Kind::kQueue, Kind::kRing, Kind::kSegment}) {
             const test::RawFile file(file_of(victim, kind, random));
             for (int i = 0; i < 10; ++i) damage_a_word(file, random);
           }
           ASSERT_TRUE(queue.send(std::string(300, 'h')));
           victim.use_old_handles();
           victim.use_new_handles();
           auto received = queue.receive();
           ASSERT_TRUE(received);
           ASSERT_EQ(received->front().text(), std::string(300, 'h'));
           ASSERT_EQ(received->front().acknowledge(), Errc::kOk);
         });
  EXPECT_EQ(examine(healthy).findings.size(), 0u);
}

}  // namespace
}  // namespace ringpost::hostile
