// The rigs of the log as scenarios, for the mutants.
#include <string>

#include "log/powercut_themes.hpp"
#include "log/sample_log.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::log_rig {
namespace {

constexpr std::uint64_t kImages = 30'000;
constexpr std::uint64_t kSegmentBytes = 64 * 1024;

std::string images_of(const Theme& theme) {
  Tally tally;
  return run_images(theme, 20'241'008, kImages, tally);
}

/// One bit of each batch of the last segment: recovery proves from what is behind it that more was
/// acknowledged.
std::string damage_below_the_end() {
  const SampleLog sample = make_sample_log(7, kSegmentBytes, 1, 600);
  const auto mount = sample.disk->mount();
  const SampleSegment& last = sample.segments.back();
  for (std::size_t i = 0; i + 1 < last.batches.size(); ++i) {
    const std::uint64_t offset = last.batches[i].offset + sizeof(log::BatchHeader) + 8;
    sample.disk->flip(last.name, offset, std::byte{1});
    const auto opened = log::Writer::open(*mount, sample.options);
    if (opened) {
      return "damage is cut off: the log ends at " + std::to_string((*opened)->end()) + ", not " +
             std::to_string(sample.model.durable_end);
    }
    sample.disk->flip(last.name, offset, std::byte{1});
  }
  return {};
}

}  // namespace
}  // namespace ringpost::log_rig

int main(int argc, char** argv) {
  using namespace ringpost;
  using log_rig::images_of;
  return rig::scenario_main(argc, argv,
                            {{"cut/all", [] { return images_of(log_rig::kAll); }},
                             {"cut/plain", [] { return images_of(log_rig::kPlain); }},
                             {"cut/deaths", [] { return images_of(log_rig::kDeaths); }},
                             {"cut/failures", [] { return images_of(log_rig::kFailures); }},
                             {"cut/retention", [] { return images_of(log_rig::kRetention); }},
                             {"cut/recycling", [] { return images_of(log_rig::kRecycling); }},
                             {"rot/end", log_rig::damage_below_the_end}});
}
