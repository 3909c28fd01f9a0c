// The power-cut rig as scenarios, for the mutants.
#include "log/powercut_themes.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::log_rig {
namespace {

std::string images_of(const Theme& theme) {
  Tally tally;
  return run_images(theme, 20'241'008, 6'000, tally);
}

}  // namespace
}  // namespace ringpost::log_rig

int main(int argc, char** argv) {
  using namespace ringpost;
  using log_rig::images_of;
  return rig::scenario_main(argc, argv,
                            {{"cut/plain", [] { return images_of(log_rig::kPlain); }},
                             {"cut/deaths", [] { return images_of(log_rig::kDeaths); }},
                             {"cut/failures", [] { return images_of(log_rig::kFailures); }},
                             {"cut/retention", [] { return images_of(log_rig::kRetention); }}});
}
