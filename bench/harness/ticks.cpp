#include "harness/ticks.hpp"

#include <time.h>

#include <algorithm>
#include <array>

namespace ringpost::bench {
namespace {

struct Instant {
  double ns = 0;
  Ticks ticks = 0;
};

// The pair whose two clock reads lie closest together: nobody interrupted it.
Instant instant() {
  Instant best;
  Ticks narrowest = ~Ticks{0};
  for (int i = 0; i < 50; ++i) {
    timespec now{};
    const Ticks before = ticks_now();
    clock_gettime(CLOCK_MONOTONIC, &now);
    const Ticks after = ticks_now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = {static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec),
            before + (after - before) / 2};
  }
  return best;
}

double calibrate() {
  std::array<double, 3> rates{};
  for (double& rate : rates) {
    const Instant begin = instant();
    timespec pause{.tv_sec = 0, .tv_nsec = 10'000'000};
    nanosleep(&pause, nullptr);
    const Instant end = instant();
    rate = static_cast<double>(end.ticks - begin.ticks) / (end.ns - begin.ns);
  }
  std::sort(rates.begin(), rates.end());
  return rates[1];
}

}  // namespace

double ticks_per_ns() {
  static const double rate = calibrate();
  return rate;
}

}  // namespace ringpost::bench
