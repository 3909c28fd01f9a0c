#include "ring/ring_view.hpp"

#include "ring/due_index.hpp"

namespace ringpost::ring {

void initialise_ring(std::byte* memory, const RingGeometry& geometry, std::uint64_t ring_id,
                     std::uint64_t queue_id, std::uint64_t creator) noexcept {
  const RingView view(memory, geometry);
  RingHeader& header = view.header();
  header.format = kRingFormat;
  header.slots_log2 = static_cast<std::uint32_t>(__builtin_ctz(geometry.slots));
  header.stride = geometry.stride;
  header.kind = static_cast<std::uint32_t>(geometry.kind);
  header.ring_id = ring_id;
  header.queue_id = queue_id;
  header.file_bytes = geometry.file_bytes;
  header.creator = creator;
  for (std::uint32_t slot = 0; slot < geometry.slots; ++slot) {
    view.lease(slot).initialise(LeaseWord::idle(1).bits);
  }
  DueIndex(view).initialise();
  header.magic = kRingMagic;
}

}  // namespace ringpost::ring
