// Power cuts in the middle of programs, and what is found after them.
#include <algorithm>
#include <utility>

#include "log/powercut_run.hpp"
#include "log/reader.hpp"

namespace ringpost::log_rig {
namespace {

constexpr unsigned kDepthMax = 2;  ///< cuts one after another, without the last one
constexpr unsigned kCallsAfterCut = 5;
constexpr std::uint64_t kLooks = 8;  ///< one image of so many is looked at with eyes of our own

}  // namespace

void Run::on_step(sim::Step step) {
  if (examining_ || context_.is_over()) return;
  examining_ = true;
  const unsigned images = depth_ == 0 ? context_.theme.images_per_step : 1;
  for (unsigned i = 0; i < images && !context_.is_over(); ++i) {
    const std::uint64_t seed = random_.next();
    const auto image = disk_.power_cut(seed, &context_.tally.cuts);
    if (recovering_) context_.tally.note(Rare::kCutInRecovery);
    if (depth_ > 0) context_.tally.note(Rare::kCutAfterRecovery);
    examine(*image, seed);
    if (context_.is_over()) {
      context_.broken += std::string("\n  power cut at: ") + sim::name(step) + ", depth " +
                         std::to_string(depth_) + ", which left:" + describe(*image);
    }
  }
  examining_ = false;
  if (context_.is_over() || !context_.theme.deaths || depth_ > 0) return;
  if (now_.mount != nullptr && now_.mount->is_alive() && random_.one_in(80)) {
    trace("(killed)");
    context_.tally.note(Rare::kKilledInCall);
    now_.mount->kill();
  }
  if (disk_.late_writes() > 0 && random_.one_in(late_one_in_) && disk_.land_late_writes() > 0) {
    trace("(late write)");
    context_.tally.note(Rare::kLateWrite);
  }
}

void Run::examine(sim::Disk& image, std::uint64_t seed) {
  if (context_.tally.cuts.images % kLooks == 0) note_anatomy(image, context_.tally);
  const auto mount = image.mount();
  log::LogOptions options = context_.options;
  options.acknowledged_end = (seed & 1) != 0 ? model_.durable_end : 0;
  std::uint64_t end = 0;
  std::uint64_t seen_end = 0;
  std::uint64_t durable_end = 0;
  {
    auto opened = log::Writer::open(*mount, options);
    if (!opened && opened.error() == Errc::kNoSpace && full_) {
      context_.tally.note(Rare::kRefused);
      image.set_capacity(std::uint64_t{1} << 40);
      opened = log::Writer::open(*mount, options);
    }
    if (!opened) {
      broken(std::string("recovery refuses: ") + opened.error().what);
      return;
    }
    end = (*opened)->end();
    seen_end = (*opened)->seen_end();
    durable_end = (*opened)->progress().durable_end;
  }
  broken_if(judge_end(model_, end, model_.durable_end));
  const Look seen = look(*mount, model_, end);
  broken_if(seen.broken);
  context_.tally.records += seen.records;
  const auto missing = log::missing_in_front(*mount);
  if (!missing || *missing) broken("a segment is missing in front of the others");
  if (seen_end > end) context_.tally.note(Rare::kDiscardedTail);
  if (durable_end > end) broken("more is safe than there is");
  if (context_.is_over()) return;
  const auto reader = log::Reader::open(*mount);
  const auto found = reader ? (*reader)->find_end() : Result<std::uint64_t>(end + 1);
  if (!found || *found != end) {
    broken("recovery finds the end at " + std::to_string(end) + ", a reader does not");
    return;
  }
  if (depth_ >= kDepthMax || seed % 100 >= context_.theme.gone_on_percent) return;
  Model after = model_;
  after.cut_to(end);
  after.now_ns = clock_.wall_ns();
  after.durable_end = std::max(after.durable_end, durable_end);
  // A ring begins behind all that may have been claimed; the log itself asks for less.
  if (seed % 3 != 0) after.next = std::max(seen_end, model_.next) + seed % 1000;
  Run run(context_, image, std::move(after), seed, depth_ + 1);
  run.found_end_ = end;
  run.full_ = full_;
  run.go(kCallsAfterCut);
  if (context_.is_over()) context_.broken += "\n  after a power cut, after:" + trace_;
}

std::string run_program(const Theme& theme, std::uint64_t seed, Tally& tally) {
  rig::Random random(seed);
  Context context{tally, theme, {}, seed, 0, {}};
  constexpr std::uint64_t kSizes[] = {16, 32, 64, 64};
  context.options.segment_bytes = random.one_of(kSizes) * 1024;
  context.options.spare_segments = static_cast<std::uint32_t>(random.below(3));
  context.options.in_flight = static_cast<std::uint32_t>(1 + random.below(4));
  context.options.batch_bytes_max = static_cast<std::uint32_t>(4096 << random.below(3));
  context.options.log_id = random.next();
  sim::Disk disk(random.next());
  disk.set_lazy(random.one_in(2));
  Run(context, disk, {}, random.next(), 0).go(theme.calls);
  ++tally.programs;
  if (!context.is_over()) return {};
  return context.broken + "\n  theme " + theme.name + ", program " + std::to_string(seed);
}

std::string run_images(const Theme& theme, std::uint64_t seed, std::uint64_t images, Tally& tally) {
  const std::uint64_t enough = tally.cuts.images + images;
  for (std::uint64_t program = 0; tally.cuts.images < enough; ++program) {
    std::string what = run_program(theme, seed * 1'000'003 + program, tally);
    if (!what.empty()) return what;
  }
  return {};
}

}  // namespace ringpost::log_rig
