#include <new>

#include "shm/arena.hpp"
#include "sys/error.hpp"

namespace ringpost::shm {
namespace {

constexpr std::size_t kFirstSegmentBytes = 128 * 1024;
constexpr std::size_t kDescriptorsOffset = base::kPageBytes;

std::size_t bitmap_offset(std::uint32_t blocks) noexcept {
  return base::round_up(kDescriptorsOffset + blocks * sizeof(BlockDescriptor), base::kHotLineBytes);
}
std::size_t data_offset(std::uint32_t blocks) noexcept {
  return base::round_up(bitmap_offset(blocks) + (blocks + 63) / 64 * 8, base::kPageBytes);
}
std::string segment_name(std::uint64_t id) { return std::to_string(id); }

}  // namespace

BlockDescriptor& ArenaSegments::Segment::descriptor(std::uint32_t index) const noexcept {
  return reinterpret_cast<BlockDescriptor*>(mapping.data() + kDescriptorsOffset)[index];
}
std::atomic<std::uint64_t>& ArenaSegments::Segment::bitmap(std::uint32_t word) const noexcept {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(mapping.data() +
                                                       bitmap_offset(blocks))[word];
}

std::uint32_t ArenaSegments::blocks_in(std::uint32_t size_class, std::uint32_t number) noexcept {
  const std::size_t block = block_bytes(size_class);
  const std::size_t first = kFirstSegmentBytes > 4 * block ? kFirstSegmentBytes / block : 4;
  return static_cast<std::uint32_t>(first << number);
}
std::size_t ArenaSegments::file_bytes(std::uint32_t size_class, std::uint32_t number) noexcept {
  const std::uint32_t blocks = blocks_in(size_class, number);
  return data_offset(blocks) + block_bytes(size_class) * blocks;
}

std::uint64_t ArenaSegments::reserved_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (std::uint32_t c = 0; c < kBlockClasses; ++c) {
    for (std::uint32_t n = 0; n < kSegmentsPerClass; ++n) {
      if (bus_->header().segments[c][n].load(std::memory_order_relaxed) != 0) {
        bytes += file_bytes(c, n);
      }
    }
  }
  return bytes;
}

const ArenaSegments::Segment* ArenaSegments::segment(std::uint32_t size_class,
                                                     std::uint32_t number) noexcept {
  // [mapped] acquire, pairs with map_segment() in another thread of this process.
  const Segment* mapped = mapped_[size_class][number].load(std::memory_order_acquire);
  if (mapped != nullptr) [[likely]]
    return mapped;
  // [segment] acquire, pairs with grow(): the file has its name before the table names it.
  if (bus_->header().segments[size_class][number].load(std::memory_order_acquire) == 0) {
    return nullptr;
  }
  return map_segment(size_class, number);
}

const ArenaSegments::Segment* ArenaSegments::map_segment(std::uint32_t size_class,
                                                         std::uint32_t number) noexcept {
  const std::lock_guard guard(mapping_mutex_);
  if (const Segment* mapped = mapped_[size_class][number].load(std::memory_order_acquire)) {
    return mapped;
  }
  const std::uint64_t id =
      bus_->header().segments[size_class][number].load(std::memory_order_acquire);
  const std::string name = segment_name(id);
  auto file = sys::open_file(bus_->arena(), name);
  if (!file) return nullptr;
  auto mapping =
      map_checked(*file, name, kSegmentMagic, kSegmentFormat, file_bytes(size_class, number));
  if (!mapping) return nullptr;
  auto made = std::make_unique<Segment>();
  made->mapping = std::move(*mapping);
  made->size_class = size_class;
  made->blocks = blocks_in(size_class, number);
  made->data = made->mapping.data() + data_offset(made->blocks);
  owned_[size_class][number] = std::move(made);  // before its address is stored [mapped]
  mapped_[size_class][number].store(owned_[size_class][number].get(), std::memory_order_release);
  return owned_[size_class][number].get();
}

Errc ArenaSegments::grow(std::uint32_t size_class, std::uint64_t creator,
                         const std::string& temporary_name) noexcept {
  std::uint32_t number = 0;
  auto& table = bus_->header().segments[size_class];
  while (number < kSegmentsPerClass && table[number].load(std::memory_order_acquire) != 0) {
    ++number;
  }
  if (number == kSegmentsPerClass) return Errc::kNoSpace;
  // A table with an entry that is wrong would go on growing without anybody's finding a block.
  if (number > 0 && segment(size_class, number - 1) == nullptr) return Errc::kNoSpace;
  const std::size_t bytes = file_bytes(size_class, number);
  if (reserved_bytes() + bytes > bus_->header().arena_bytes_max) return Errc::kNoSpace;
  auto file = sys::create_file(bus_->temporary(), temporary_name);
  if (!file) return Errc::kNoSpace;
  const std::uint64_t id = sys::unique_id();
  Errc code = Errc::kNoSpace;
  if (sys::reserve(*file, bytes, temporary_name)) {
    if (auto mapping = sys::Mapping::map(*file, bytes, temporary_name)) {
      auto& header = *reinterpret_cast<SegmentHeader*>(mapping->data());
      header.format = kSegmentFormat;
      header.size_class = size_class;
      header.blocks = blocks_in(size_class, number);
      header.segment_id = id;
      header.creator = creator;
      auto* bitmap = reinterpret_cast<std::atomic<std::uint64_t>*>(mapping->data() +
                                                                   bitmap_offset(header.blocks));
      for (std::uint32_t block = 0; block < header.blocks; ++block) {
        bitmap[block / 64].fetch_or(std::uint64_t{1} << block % 64, std::memory_order_relaxed);
      }
      header.magic = kSegmentMagic;
      code = Errc::kOk;
    }
  }
  if (code == Errc::kOk &&
      !sys::publish_name(bus_->temporary(), temporary_name, bus_->arena(), segment_name(id))) {
    code = Errc::kNoSpace;
  }
  std::uint64_t none = 0;  // [segment] acq_rel: complete and named before
  if (code == Errc::kOk &&
      !table[number].compare_exchange_strong(none, id, std::memory_order_acq_rel)) {
    sys::remove_name(bus_->arena(), segment_name(id));  // another one was faster: use his
  }
  sys::remove_name(bus_->temporary(), temporary_name);
  return code;
}

bool ArenaSegments::names_file(const std::string& name) const noexcept {
  for (const auto& of_class : bus_->header().segments) {
    for (const auto& id : of_class) {
      if (segment_name(id.load(std::memory_order_acquire)) == name) return true;
    }
  }
  return false;
}

}  // namespace ringpost::shm
