// One mapped ring: typed access to its words, with every index within bounds by construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/word128.hpp"
#include "ring/layout.hpp"
#include "ring/words.hpp"

namespace ringpost::ring {

/// A view of a ring file in memory. Geometry is the mapper's checked copy, never re-read from the
/// file, so a hostile file cannot move an access out of the mapping.
class RingView {
 public:
  RingView() noexcept = default;
  /// `memory` holds geometry.file_bytes bytes and outlives the view.
  RingView(std::byte* memory, const RingGeometry& geometry) noexcept
      : memory_(memory),
        geometry_(geometry),
        mask_(geometry.slots - 1),
        log2_(static_cast<std::uint32_t>(__builtin_ctz(geometry.slots))),
        payload_begin_(geometry.slots_begin + geometry.head_bytes) {}

  [[nodiscard]] std::uint32_t slots() const noexcept { return geometry_.slots; }
  [[nodiscard]] std::uint32_t slot_of(std::uint64_t position) const noexcept {
    return static_cast<std::uint32_t>(position) & mask_;
  }
  [[nodiscard]] std::uint64_t lap_of(std::uint64_t position) const noexcept {
    return 1 + (position >> log2_);
  }
  [[nodiscard]] std::uint64_t position_of(std::uint32_t slot, std::uint64_t lap) const noexcept {
    return ((lap - 1) << log2_) | slot;
  }
  [[nodiscard]] std::uint32_t inline_bytes() const noexcept {
    return geometry_.stride - geometry_.head_bytes;
  }
  [[nodiscard]] const RingGeometry& geometry() const noexcept { return geometry_; }

  [[nodiscard]] RingHeader& header() const noexcept { return at<RingHeader>(0); }
  [[nodiscard]] RingHotWords& hot() const noexcept { return at<RingHotWords>(kHotWordsOffset); }
  [[nodiscard]] std::atomic<std::uint64_t>& claim(std::uint32_t slot) const noexcept {
    return at<std::atomic<std::uint64_t>>(geometry_.claims + slot * 8ul);
  }
  [[nodiscard]] base::Word128& lease(std::uint32_t slot) const noexcept {
    return at<base::Word128>(geometry_.leases + slot * 16ul);
  }
  /// [lease] acquire: what its last mover did before the CAS is behind us.
  [[nodiscard]] LeaseWord lease_word(std::uint32_t slot) const noexcept {
    return {lease(slot).load()};
  }
  /// [lease] A full barrier: hints, hazards and deadlines stand before the state that needs them.
  [[nodiscard]] bool move_lease(std::uint32_t slot, LeaseWord from, LeaseWord to) const noexcept {
    return lease(slot).compare_exchange(from.bits, to.bits);
  }
  [[nodiscard]] std::atomic<std::uint64_t>& first_received(std::uint32_t slot) const noexcept {
    return at<std::atomic<std::uint64_t>>(geometry_.first + slot * 8ul);
  }
  [[nodiscard]] std::uint32_t hint_count() const noexcept { return geometry_.hints; }
  [[nodiscard]] std::atomic<std::uint32_t>& hint_cell(std::uint32_t slot) const noexcept {
    return at<std::atomic<std::uint32_t>>(geometry_.hint_cells + slot * 4ul);
  }
  [[nodiscard]] std::atomic<std::uint64_t>& hint_middle(std::uint32_t index) const noexcept {
    return at<std::atomic<std::uint64_t>>(geometry_.hint_middle + index * 8ul);
  }
  [[nodiscard]] std::atomic<std::uint64_t>& due_block(std::uint32_t block) const noexcept {
    return at<std::atomic<std::uint64_t>>(geometry_.due + block * 8ul);
  }
  [[nodiscard]] SlotHead& slot(std::uint32_t slot) const noexcept {
    return at<SlotHead>(geometry_.slots_begin + std::size_t{slot} * geometry_.stride);
  }
  [[nodiscard]] std::byte* payload(std::uint32_t slot) const noexcept {
    return memory_ + payload_begin_ + std::size_t{slot} * geometry_.stride;
  }
  /// FIFO: which message of its group comes after the one in this slot.
  [[nodiscard]] std::atomic<std::uint64_t>& next(std::uint32_t slot) const noexcept {
    return at<std::atomic<std::uint64_t>>(geometry_.next + slot * 8ul);
  }
  [[nodiscard]] std::byte* buckets() const noexcept { return memory_ + geometry_.buckets_begin; }
  /// Fair: what the tenants of this cell have in flight, see fair/tenants.hpp.
  [[nodiscard]] std::atomic<std::uint64_t>& tenant(std::uint32_t cell) const noexcept {
    return at<std::atomic<std::uint64_t>>(geometry_.tenants_begin + cell * 8ul);
  }
  [[nodiscard]] std::byte* memory() const noexcept { return memory_; }

 private:
  template <class T>
  [[nodiscard]] T& at(std::size_t offset) const noexcept {
    return *reinterpret_cast<T*>(memory_ + offset);
  }
  std::byte* memory_ = nullptr;
  RingGeometry geometry_;
  std::uint32_t mask_ = 0;
  std::uint32_t log2_ = 0;
  std::size_t payload_begin_ = 0;
};

/// Writes a new ring into zeroed memory of geometry.file_bytes bytes.
void initialise_ring(std::byte* memory, const RingGeometry& geometry, std::uint64_t ring_id,
                     std::uint64_t queue_id, std::uint64_t creator) noexcept;

}  // namespace ringpost::ring
