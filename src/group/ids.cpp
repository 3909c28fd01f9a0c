#include "group/ids.hpp"

#include "base/pause.hpp"

namespace ringpost::group {

using dedup::SlotState;
using ring::Claim;

namespace {

#if defined(RINGPOST_RIG)
constexpr int kFillingSpins = 2;
#else
constexpr int kFillingSpins = 64;
#endif

}  // namespace

/// Publish, then claim, then lease: each of the later ones says dead only of a position that was
/// not published when the one before was read, or whose entry has been committed since.
SlotState Ids::judge(std::uint64_t position) const noexcept {
  const ring::RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(position);
  const std::uint64_t lap = view.lap_of(position);
  const std::uint64_t publish =
      view.slot(slot).publish.load(std::memory_order_acquire);  // [publish]
  if (publish == lap) return SlotState::kPublished;
  if (publish == (lap | ring::kSkipped)) return SlotState::kDead;
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};  // [claim]
  if (claim.sealed() || claim.lap() != lap) return SlotState::kDead;
  const ring::LeaseWord word = view.lease_word(slot);
  const bool is_void = !word.held() && word.lap() > lap;
  return is_void ? SlotState::kDead : SlotState::kFilling;
}

void Ids::skip(std::uint64_t position) const noexcept {
  for (int i = 0; i < kFillingSpins; ++i) {
    if (judge(position) != SlotState::kFilling) return;
    base::cpu_pause();
  }
  const std::uint64_t lap = ring_.view.lap_of(position);
  auto& publish = ring_.view.slot(ring_.view.slot_of(position)).publish;
  std::uint64_t seen = publish.load(std::memory_order_acquire);
  // [publish] acq_rel: decides between its producer and me. Lost: published, or skipped, or dead.
  while (judge(position) == SlotState::kFilling &&
         !publish.compare_exchange_weak(seen, lap | ring::kSkipped, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
  }
}

}  // namespace ringpost::group
