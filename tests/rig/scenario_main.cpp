#include "rig/scenario_main.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace ringpost::rig {

int scenario_main(int argc, char** argv, const std::vector<NamedScenario>& scenarios) {
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  if (wanted.size() == 1 && wanted.front() == "--list") {
    for (const NamedScenario& scenario : scenarios) std::puts(scenario.name.c_str());
    return 0;
  }
  std::size_t ran = 0;
  std::size_t broken = 0;
  for (const NamedScenario& scenario : scenarios) {
    const bool chosen = wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](auto& w) {
                          return scenario.name.compare(0, w.size(), w) == 0;
                        });
    if (!chosen) continue;
    ++ran;
    const std::string what = scenario.run();
    if (what.empty()) continue;
    ++broken;
    std::printf("BROKEN %s\n%s\n", scenario.name.c_str(), what.c_str());
  }
  if (ran == 0) {
    std::fprintf(stderr, "no scenario of that name; --list shows them\n");
    return 2;
  }
  std::printf("%zu scenarios, %zu broken\n", ran, broken);
  return broken == 0 ? 0 : 1;
}

}  // namespace ringpost::rig
