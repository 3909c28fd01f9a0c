// Random programs of calls on the library and on the model: the same answers, messages and counts.
//
// Method    sequences of 5 to 40 calls from a seed, on queues of three kinds, by two participants
//           in turns, with injected time. A queue is used for many sequences, so that its rings go
//           round and grow. Everything a call gives is compared at once.
// Failure   the program is made smaller by leaving calls out, and printed with its seed.
// Not here  threads, deaths, waiting: see docs/testing.md.
#include <gtest/gtest.h>

#include "model/search.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::model {
namespace {

constexpr Kind kKinds[] = {{.name = "Crowded",
                            .slots = 64,
                            .inline_bytes = 104,
                            .fixed = true,
                            .one_participant = false,
                            .seed = 0},
                           {.name = "Growing",
                            .slots = 64,
                            .inline_bytes = 40,
                            .fixed = false,
                            .one_participant = false,
                            .seed = 1},
                           {.name = "Alone",
                            .slots = 1024,
                            .inline_bytes = 104,
                            .fixed = true,
                            .one_participant = true,
                            .seed = 2}};

class StandardQueueModel : public ::testing::TestWithParam<const Kind*> {};

TEST_P(StandardQueueModel, AndTheLibraryGiveTheSame) {
  const auto sequences = rig::by_depth<std::uint64_t>(40'000, 340'000, 10'000'000);
  EXPECT_EQ(run_sequences(*GetParam(), sequences), "");
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
constexpr int kEnd = static_cast<int>(Flaw::kGroupsAreNotLocked);
static_assert(std::size(kFlaws) == kEnd);

class FlawedModel : public ::testing::TestWithParam<int> {};

TEST_P(FlawedModel, IsFoundAndShrunkToAFewCalls) {
  EXPECT_EQ(search_flaw(kKinds[2], static_cast<Flaw>(GetParam())), "");
}

INSTANTIATE_TEST_SUITE_P(Of, FlawedModel, ::testing::Range(1, kEnd),
                         [](const auto& test) { return kFlaws[test.param]; });

}  // namespace
}  // namespace ringpost::model
