// At least 50,000 images of logs that lost power, at the depth ci.
#include <gtest/gtest.h>

#include "log/powercut_themes.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::log_rig {
namespace {

#if !defined(RINGPOST_LOG_SHARE)
#define RINGPOST_LOG_SHARE 1  // one image of so many, for slow builds
#endif

struct Share {
  const Theme& theme;
  unsigned percent;  ///< of all images
};

constexpr Share kShares[] = {{kAll, 35},      {kPlain, 15},     {kDeaths, 15},
                             {kFailures, 15}, {kRetention, 10}, {kRecycling, 10}};

TEST(PowerCut, EveryAcknowledgedRecordIsGivenBackAndNothingElse) {
  const std::uint64_t images =
      rig::by_depth<std::uint64_t>(20'000, 120'000, 10'000'000) / RINGPOST_LOG_SHARE;
  const std::uint64_t seed = rig::base_seed();
  Tally tally;
  for (const Share& share : kShares) {
    const std::string broken = run_images(share.theme, seed, images * share.percent / 100, tally);
    ASSERT_EQ(broken, "");
  }
  tally.print();
  if (rig::depth() != rig::Depth::kFast && RINGPOST_LOG_SHARE == 1) {
    EXPECT_GE(tally.cuts.images, 50'000U);
    EXPECT_EQ(tally.never(), "") << "states that were never reached";
  } else {
    std::printf("note: never reached: %s\n", tally.never().c_str());
  }
}

}  // namespace
}  // namespace ringpost::log_rig
