#include "scaler.hpp"

#include <algorithm>

namespace ringpost::cli {

std::uint32_t Scaler::decide(const Load& load, TimePoint now) {
  const std::uint32_t need = needed(load);
  if (need >= wanted_) {
    spare_since_.reset();
    if (need > wanted_ && is_pressed(load)) grow(need, now);
  } else {
    shrink(need, now);
  }
  return wanted_;
}

std::uint64_t Scaler::batches(const Load& load) const {
  return load.backlog / policy_.batch + (load.backlog % policy_.batch != 0 ? 1 : 0);
}

/// As many as could be at work now, were there no limit but the policy's.
std::uint32_t Scaler::needed(const Load& load) const {
  const std::uint64_t free = policy_.max - std::min(load.busy, policy_.max);
  return std::min(load.busy, policy_.max) +
         static_cast<std::uint32_t>(std::min(batches(load), free));
}

bool Scaler::is_pressed(const Load& load) const {
  return batches(load) / wanted_ >= policy_.backlog || load.oldest_age >= policy_.age;
}

void Scaler::grow(std::uint32_t needed, TimePoint now) {
  if (grown_at_ && now - *grown_at_ < policy_.grow_interval) return;
  grown_at_ = now;
  wanted_ += std::min(needed - wanted_, wanted_);
}

void Scaler::shrink(std::uint32_t needed, TimePoint now) {
  if (!spare_since_) {
    spare_since_ = now;
    needed_since_ = needed;
  }
  needed_since_ = std::max(needed_since_, needed);
  if (now - *spare_since_ < policy_.shrink_after) return;
  wanted_ = std::max(policy_.min, needed_since_);
  spare_since_.reset();
}

}  // namespace ringpost::cli
