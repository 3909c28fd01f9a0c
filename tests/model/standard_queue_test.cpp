// Random programs of calls on the library and on the model: the same answers, messages and counts.
//
// Method    sequences of 5 to 40 calls from a seed, on queues of three kinds, by two participants
//           in turns, with injected time. A queue is used for many sequences, so that its rings go
//           round and grow. Everything a call gives is compared at once.
// Failure   the program is made smaller by leaving calls out, and printed with its seed.
// Not here  threads, deaths, waiting: see docs/testing.md.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "model/shrink.hpp"
#include "model/trial.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::model {
namespace {

constexpr Kind kKinds[] = {
    {.name = "Crowded", .slots = 64, .inline_bytes = 104, .fixed = true, .one_participant = false},
    {.name = "Growing", .slots = 64, .inline_bytes = 40, .fixed = false, .one_participant = false},
    {.name = "Alone", .slots = 1024, .inline_bytes = 104, .fixed = true, .one_participant = true}};
constexpr std::uint64_t kSequencesOfAQueue = 2'000;
constexpr std::uint64_t kSequencesOfABus = 20'000;  // its clock must not pass 5 years: kLapBits

struct Failure {
  std::string difference;  ///< empty: none
  Program program;
};

std::uint64_t seed_of(const Kind& kind, std::uint64_t sequence) {
  const auto which = static_cast<std::uint64_t>(&kind - kKinds);
  return rig::base_seed() * 1'000'003 + sequence * std::size(kKinds) + which;
}

std::string difference_of(Bench& bench, const Kind& kind, Flaw flaw, const Program& program) {
  return Trial(bench, kind, flaw).run(program);
}

/// The sequence that failed may need some of those that ran on the same queue before it.
Failure shortest(Bench& bench, const Kind& kind, Flaw flaw, std::uint64_t first,
                 std::uint64_t failed) {
  const auto fails = [&](const Program& program) {
    return !difference_of(bench, kind, flaw, program).empty();
  };
  for (std::uint64_t back = 0;; back = back * 2 + 1) {
    const std::uint64_t begin = failed - std::min(failed - first, back);
    Program program;
    for (std::uint64_t i = begin; i <= failed; ++i) {
      const Program more = random_sequence(seed_of(kind, i));
      program.insert(program.end(), more.begin(), more.end());
    }
    if (fails(program)) {
      program = shrink(std::move(program), fails);
      return {difference_of(bench, kind, flaw, program), program};
    }
    if (begin == first) return {"it did not fail a second time", program};
  }
}

/// Runs sequences first … first + count − 1 on one queue.
Failure run_on_one_queue(Bench& bench, const Kind& kind, Flaw flaw, std::uint64_t first,
                         std::uint64_t count) {
  std::uint64_t failed = first;
  {
    Trial trial(bench, kind, flaw);
    while (failed < first + count && trial.run(random_sequence(seed_of(kind, failed))).empty()) {
      ++failed;
    }
  }
  if (failed == first + count) return {};
  return shortest(bench, kind, flaw, first, failed);
}

std::string text_of(const Failure& failure, const Kind& kind) {
  return std::string("queue ") + kind.name + ": " + failure.difference + "\n" +
         to_string(failure.program);
}

class StandardQueueModel : public ::testing::TestWithParam<const Kind*> {};

TEST_P(StandardQueueModel, AndTheLibraryGiveTheSame) {
  const Kind& kind = *GetParam();
  const auto sequences = rig::by_depth<std::uint64_t>(40'000, 340'000, 10'000'000);
  static_cast<void>(rig::base_seed());
  std::optional<Bench> bench;
  for (std::uint64_t first = 0; first < sequences; first += kSequencesOfAQueue) {
    if (first % kSequencesOfABus == 0) bench.emplace();
    const Failure failure = run_on_one_queue(*bench, kind, Flaw::kNone, first, kSequencesOfAQueue);
    ASSERT_EQ(failure.difference, "") << text_of(failure, kind);
    ASSERT_EQ(bench->bus().findings_after_sweep(), "");
  }
  std::printf("note: %llu sequences on queues of kind %s\n",
              static_cast<unsigned long long>(sequences), kind.name);
}

INSTANTIATE_TEST_SUITE_P(Of, StandardQueueModel,
                         ::testing::Values(&kKinds[0], &kKinds[1], &kKinds[2]),
                         [](const auto& test) { return test.param->name; });

constexpr const char* kFlaws[] = {"",
                                  "ExtensionsAddUp",
                                  "ReleaseForgetsTheCount",
                                  "ReturnedOnesGoLast",
                                  "ZeroDelayIsTheQueues",
                                  "ReceiveRefreshesRetention",
                                  "StaleReceiptsDelete",
                                  "PurgeSparesTheReceived",
                                  "NoLimitInFlight",
                                  "DelayShiftsTheSend"};
static_assert(std::size(kFlaws) == static_cast<std::size_t>(Flaw::kCountOf));

class FlawedModel : public ::testing::TestWithParam<int> {};

TEST_P(FlawedModel, IsFoundAndShrunkToAFewCalls) {
  Bench bench;
  const Kind& alone = kKinds[2];
  const Failure failure =
      run_on_one_queue(bench, alone, static_cast<Flaw>(GetParam()), 0, kSequencesOfAQueue);
  EXPECT_NE(failure.difference, "");
  EXPECT_LE(failure.program.size(), 8u) << text_of(failure, alone);
  EXPECT_EQ(difference_of(bench, alone, Flaw::kNone, failure.program), "");
}

INSTANTIATE_TEST_SUITE_P(Of, FlawedModel, ::testing::Range(1, static_cast<int>(Flaw::kCountOf)),
                         [](const auto& test) { return kFlaws[test.param]; });

}  // namespace
}  // namespace ringpost::model
