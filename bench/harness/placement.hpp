// Where the host has put the two cores: the round trip of one cache line tells.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace ringpost::bench {

enum class Placement : unsigned {
  kSibling,  ///< two threads of one core, about 70 ns
  kNear,     ///< same L3 cache, 110 to 130 ns; 200 to 240 on large dies
  kFar,      ///< 450 to 530 ns
  kMixed,    ///< moved during the run, or not known
};
inline constexpr std::size_t kPlacementCount = 4;
inline constexpr std::array kAllPlacements = {Placement::kSibling, Placement::kNear,
                                              Placement::kFar, Placement::kMixed};

/// The only place of the thresholds. Measured on virtual machines of several hosts.
inline constexpr double kSiblingNsMax = 92;
inline constexpr double kNearNsMax = 330;

constexpr Placement placement_of(double round_trip_ns) noexcept {
  if (round_trip_ns <= kSiblingNsMax) return Placement::kSibling;
  return round_trip_ns <= kNearNsMax ? Placement::kNear : Placement::kFar;
}

/// The placement of a run: that of all its probes, or kMixed if they differ or there is none.
Placement placement_of_all(std::span<const double> probes_ns) noexcept;

std::string_view to_string(Placement placement) noexcept;

}  // namespace ringpost::bench
