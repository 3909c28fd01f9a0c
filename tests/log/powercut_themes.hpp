// What the programs of the power-cut rig are about.
#pragma once

#include "log/powercut_run.hpp"

namespace ringpost::log_rig {

inline constexpr Theme kAll{};
/// Nothing but appends and power cuts: these go deepest.
inline constexpr Theme kPlain{.name = "plain",
                              .deaths = false,
                              .retention = false,
                              .hand_over = false,
                              .full_disk = false,
                              .failures_percent = 0,
                              .gone_on_percent = 8};
inline constexpr Theme kDeaths{
    .name = "deaths", .retention = false, .full_disk = false, .failures_percent = 0, .calls = 60};
inline constexpr Theme kFailures{.name = "failures", .failures_percent = 100};
inline constexpr Theme kRetention{.name = "retention",
                                  .deaths = false,
                                  .hand_over = false,
                                  .failures_percent = 20,
                                  .calls = 120,
                                  .images_per_step = 1};

/// Files that live again, while the dead still write to them.
inline constexpr Theme kRecycling{.name = "recycling",
                                  .hand_over = false,
                                  .failures_percent = 0,
                                  .calls = 150,
                                  .images_per_step = 1,
                                  .gone_on_percent = 1};

}  // namespace ringpost::log_rig
