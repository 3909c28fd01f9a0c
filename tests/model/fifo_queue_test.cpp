// The same for FIFO queues: order and locks of groups, receipts that end with their lease,
// deduplication. Method and limits: standard_queue_test.cpp.
#include <gtest/gtest.h>

#include "model/search.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::model {
namespace {

constexpr Kind kKinds[] = {{.name = "Fifo",
                            .slots = 64,
                            .inline_bytes = 104,
                            .fixed = true,
                            .one_participant = false,
                            .fifo = true,
                            .seed = 3},
                           {.name = "WithIds",
                            .slots = 64,
                            .inline_bytes = 128,
                            .fixed = true,
                            .one_participant = false,
                            .fifo = true,
                            .dedup = Dedup::kById,
                            .seed = 4},
                           {.name = "WithIdsOfGroups",
                            .slots = 1024,
                            .inline_bytes = 40,
                            .fixed = true,
                            .one_participant = true,
                            .fifo = true,
                            .dedup = Dedup::kByContent,
                            .dedup_scope = DedupScope::kGroup,
                            .seed = 5}};

class FifoQueueModel : public ::testing::TestWithParam<const Kind*> {};

TEST_P(FifoQueueModel, AndTheLibraryGiveTheSame) {
  const auto sequences = rig::by_depth<std::uint64_t>(5'000, 100'000, 3'000'000);
  EXPECT_EQ(run_sequences(*GetParam(), sequences), "");
}

INSTANTIATE_TEST_SUITE_P(Of, FifoQueueModel, ::testing::Values(&kKinds[0], &kKinds[1], &kKinds[2]),
                         [](const auto& test) { return test.param->name; });

constexpr const char* kFlaws[] = {
    "GroupsAreNotLocked",      "OneOfAGroupInABatch", "FifoReceiptsOutliveLeases",
    "FifoDelayMayBeGiven",     "FifoLimitFails",      "DuplicatesExtendTheWindow",
    "AcknowledgeForgetsTheId", "ScopeIsTheOther",     "ContentIdWins",
    "PurgeKeepsTheIds"};
constexpr int kBegin = static_cast<int>(Flaw::kGroupsAreNotLocked);
constexpr int kEnd = static_cast<int>(Flaw::kCountOf);
static_assert(std::size(kFlaws) == kEnd - kBegin);

class FlawedFifoModel : public ::testing::TestWithParam<int> {};

TEST_P(FlawedFifoModel, IsFoundAndShrunkToAFewCalls) {
  EXPECT_EQ(search_flaw(kKinds[2], static_cast<Flaw>(GetParam())), "");
}

INSTANTIATE_TEST_SUITE_P(Of, FlawedFifoModel, ::testing::Range(kBegin, kEnd),
                         [](const auto& test) { return kFlaws[test.param - kBegin]; });

}  // namespace
}  // namespace ringpost::model
