#include "queue/queue_mapping.hpp"

#include <algorithm>
#include <cstring>

#include "queue/setting_change.hpp"
#include "queue/settings.hpp"
#include "queue/tags.hpp"
#include "sys/error.hpp"

namespace ringpost::queue {
namespace {

std::uint32_t slot_count_of(std::uint32_t log2) noexcept {
  return log2 <= shm::kSlotBits ? 1u << log2 : 0;
}

/// A complete ring file under rings/, named by its id. Nothing names it yet: if its creator dies
/// here the sweeper removes it.
Result<std::uint64_t> make_ring_file(shm::BusFiles& bus, const shm::Participant& creator,
                                     std::uint64_t queue_id, const ring::RingGeometry& geometry) {
  const std::uint64_t ring_id = sys::unique_id();
  const std::string temporary = creator.temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  Result<void> done = sys::reserve(*file, geometry.file_bytes, ring_file_name(ring_id));
  if (done) {
    auto mapping = sys::Mapping::map(*file, geometry.file_bytes, temporary);
    if (mapping) {
      ring::initialise_ring(mapping->data(), geometry, ring_id, queue_id, creator.creator_word());
      done = sys::publish_name(bus.temporary(), temporary, bus.rings(), ring_file_name(ring_id));
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) {
    sys::remove_name(bus.temporary(), temporary);
    return Unexpected(done.error());
  }
  return ring_id;
}

}  // namespace

std::string ring_file_name(std::uint64_t ring_id) { return std::to_string(ring_id); }

Result<std::shared_ptr<QueueMapping>> QueueMapping::open(std::shared_ptr<shm::BusFiles> bus,
                                                         const std::string& name) {
  const sys::Fd& directory = bus->queues();
  return open_file(std::move(bus), directory, name, name);
}

Result<std::shared_ptr<QueueMapping>> QueueMapping::open_file(std::shared_ptr<shm::BusFiles> bus,
                                                              const sys::Fd& directory,
                                                              const std::string& file_name,
                                                              const std::string& name) {
  std::shared_ptr<QueueMapping> queue(new QueueMapping(std::move(bus), name));
  auto file = sys::open_file(directory, file_name);
  if (!file) {
    if (file.error() == Errc::kNotFound) {
      return sys::error(Errc::kNotFound, "queue \"" + name + "\"", "no such queue on this bus");
    }
    return Unexpected(file.error());
  }
  auto mapping = shm::map_checked(*file, queue->bus_->path() + "/queues/" + name, kQueueMagic,
                                  kQueueFormat, kQueueFileBytes);
  if (!mapping) return Unexpected(mapping.error());
  queue->file_ = std::move(*file);
  queue->mapping_ = std::move(*mapping);
  if (auto checked = queue->check_header(); !checked) return Unexpected(checked.error());
  return queue;
}

/// Geometry is copied once and checked; the copies alone are used.
Result<void> QueueMapping::check_header() {
  const QueueHeader& found = header();
  queue_id_ = found.queue_id;
  bytes_max_ = found.bytes_max;
  stride_ = found.stride;
  slots_ = found.slots;
  fixed_ = found.fixed != 0;
  journal_ = found.journal;
  lasting_id_ = found.lasting_id != 0 ? found.lasting_id : found.queue_id;
  log_segment_bytes_ = found.log_segment_bytes;
  kind_ = static_cast<ring::RingKind>(found.kind < ring::kRingKinds ? found.kind : 0);
  const bool sane = found.kind < ring::kRingKinds && (found.kind == 0 || fixed_) && stride_ >= 64 &&
                    stride_ <= 4096 && stride_ % 64 == 0 && slots_ >= 1 &&
                    slots_ <= ring::kSlotsMax && (slots_ & (slots_ - 1)) == 0;
  if (!sane) return sys::error(Errc::kCorrupt, "queue \"" + name_ + "\"", "impossible geometry");
  return find_tables();
}

/// Of a FIFO queue, behind the header: ids, if it keeps any, and receive attempts.
Result<void> QueueMapping::find_tables() {
  const QueueHeader& found = header();
  const std::string object = "queue \"" + name_ + "\"";
  const bool fifo = kind_ == ring::RingKind::kFifo;
  std::size_t end = kQueueFileBytes;
  if (found.dedup_entries != 0) {
    dedup_scope_ = found.dedup_scope == 0 ? DedupScope::kQueue : DedupScope::kGroup;
    if (mapping_.bytes() > end) {
      dedup_ = dedup::Table::attach(mapping_.data() + end, mapping_.bytes() - end);
    }
    if (!dedup_ || !fifo || found.dedup_scope > 1) {
      return sys::error(Errc::kCorrupt, object, "its table of ids is damaged");
    }
    end += dedup_->geometry().bytes;
  }
  if (!fifo) return {};
  if (mapping_.bytes() < end + kAttemptsBytes) {
    return sys::error(Errc::kCorrupt, object, "its table of receive attempts is not there");
  }
  attempts_ = reinterpret_cast<group::AttemptTable*>(mapping_.data() + end);
  return {};
}

Result<std::shared_ptr<QueueMapping>> QueueMapping::create(const shm::Participant& creator,
                                                           const std::string& name,
                                                           const QueueSettings& settings,
                                                           const Tags& tags,
                                                           const DurableParts& parts) {
  shm::BusFiles& bus = creator.bus();
  const std::uint64_t queue_id = sys::unique_id();
  const ring::RingKind kind = kind_of(settings);
  const std::uint32_t stride = stride_for(*settings.inline_bytes, kind);
  auto ring_id =
      make_ring_file(bus, creator, queue_id, ring::RingGeometry::of(*settings.slots, stride, kind));
  if (!ring_id) return Unexpected(ring_id.error());
  const auto tags_id = make_tags_file(creator, tags);
  if (!tags_id) {
    sys::remove_name(bus.rings(), ring_file_name(*ring_id));
    return Unexpected(tags_id.error());
  }
  const std::string temporary = creator.temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  const std::uint32_t ids = *settings.dedup == Dedup::kOff ? 0 : *settings.dedup_entries;
  const std::size_t bytes = kQueueFileBytes + (ids == 0 ? 0 : dedup::Table::bytes_for(ids)) +
                            (*settings.fifo ? kAttemptsBytes : 0);
  Result<void> done =
      file ? sys::reserve(*file, bytes, name) : Result<void>(Unexpected(file.error()));
  if (done) {
    auto mapping = sys::Mapping::map(*file, bytes, name);
    if (mapping) {
      auto& header = *reinterpret_cast<QueueHeader*>(mapping->data());
      header.format = kQueueFormat;
      header.stride = stride;
      header.queue_id = queue_id;
      header.created_wall_ns = bus.time().wall_ns();
      header.bytes_max = *settings.bytes_max;
      header.slots = *settings.slots;
      header.fixed = *settings.fixed ? 1 : 0;
      header.kind = static_cast<std::uint32_t>(kind);
      std::memcpy(header.name, name.data(), std::min(name.size(), sizeof header.name - 1));
      header.dedup_entries = ids;
      header.dedup_scope = static_cast<std::uint32_t>(*settings.dedup_scope);
      if (ids != 0) dedup::Table::initialise(mapping->data() + kQueueFileBytes, ids);
      initialise_settings(header, settings);
      header.chain[0].initialise({0, *ring_id});
      header.journal = parts.journal;
      header.lasting_id = parts.lasting_id;
      header.log_segment_bytes = parts.journal == 0 ? 0 : *settings.log_segment_bytes;
      header.tags.store(*tags_id, std::memory_order_relaxed);  // the name makes it visible
      header.magic = kQueueMagic;
      if (parts.restore) done = restore(creator, temporary, name, parts);
      if (done) done = sys::publish_name(bus.temporary(), temporary, bus.queues(), name);
      if (!done) remove_rings(bus, header);
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) {
    sys::remove_name(bus.temporary(), temporary);
    sys::remove_name(bus.rings(), ring_file_name(*ring_id));
    if (*tags_id != 0) sys::remove_name(bus.tags(), std::to_string(*tags_id));
    return Unexpected(done.error());
  }
  return open(creator.bus_pointer(), name);
}

/// Of a queue that did not come to be.
void QueueMapping::remove_rings(const shm::BusFiles& bus, const QueueHeader& header) noexcept {
  for (const base::Word128& entry : header.chain) {
    const std::uint64_t id = entry.load().high;
    if (id == ChainEntry::kNone || id == ChainEntry::kRetired) continue;
    sys::remove_name(bus.rings(), ring_file_name(id));
  }
}

/// Everything fits that was there before, and may take more room than it did then.
Result<void> QueueMapping::restore(const shm::Participant& creator, const std::string& file,
                                   const std::string& name, const DurableParts& parts) {
  auto queue = open_file(creator.bus_pointer(), creator.bus().temporary(), file, name);
  if (!queue) return Unexpected(queue.error());
  (*queue)->bytes_max_ = ~std::uint64_t{0} / 2;
  (*queue)->fixed_ = false;
  return parts.restore(std::move(*queue));
}

std::uint64_t QueueMapping::chain_id(std::uint64_t number) const noexcept {
  const base::Word128& word = header().chain[number % kChainEntries];  // [chain] acquire
  const base::Pair64 entry = word.load();
  // Two loads: the id is this number's only if the number is the same before and after it.
  if (entry.low != word.load_low()) return ChainEntry::kNone;
  if (entry.low != number) return number < entry.low ? ChainEntry::kRetired : ChainEntry::kNone;
  return entry.high;
}

std::shared_ptr<MappedRing> QueueMapping::ring(std::uint64_t number) {
  const std::lock_guard guard(rings_mutex_);
  for (const auto& ring : rings_) {
    if (ring->number == number) return ring;
  }
  const std::uint64_t id = chain_id(number);
  if (id == ChainEntry::kNone || id == ChainEntry::kRetired) return nullptr;
  const std::string name = ring_file_name(id);
  auto file = sys::open_file(bus_->rings(), name);
  if (!file) return nullptr;
  auto mapping =
      shm::map_checked(*file, name, ring::kRingMagic, ring::kRingFormat, base::kPageBytes);
  if (!mapping) return nullptr;
  ring::RingHeader found{};
  std::memcpy(&found, mapping->data(), sizeof found);
  const std::uint32_t slots = slot_count_of(found.slots_log2);
  const ring::RingGeometry geometry = ring::RingGeometry::of(slots, stride_, kind_);
  if (slots == 0 || found.stride != stride_ || found.queue_id != queue_id_ || found.ring_id != id ||
      found.kind != static_cast<std::uint32_t>(kind_) || geometry.file_bytes > mapping->bytes()) {
    return nullptr;
  }
  auto made = std::make_shared<MappedRing>();
  made->number = number;
  made->ring_id = id;
  // Positions of a durable FIFO queue go on after the loss of its ring, and so do the ids.
  made->ids = journal_ != 0 && kind_ == ring::RingKind::kFifo ? lasting_id_ : id;
  made->mapping = std::move(*mapping);
  made->view = ring::RingView(made->mapping.data(), geometry);
  rings_.push_back(made);
  return made;
}

Errc QueueMapping::add_ring(const shm::Participant& creator, std::uint64_t number,
                            std::uint32_t slots) {
  QueueHeader& shared = header();
  if (chain_id(number) == ChainEntry::kNone) {
    // The entry still holds a ring that went round the table: the chain is used up for now.
    if (number - shared.oldest.load(std::memory_order_acquire) >= kChainEntries) {
      return Errc::kFull;
    }
    const base::Pair64 seen = shared.chain[number % kChainEntries].load();
    if (seen == base::Pair64{} || seen.high == ChainEntry::kRetired) {
      auto ring_id =
          make_ring_file(*bus_, creator, queue_id_, ring::RingGeometry::of(slots, stride_, kind_));
      if (!ring_id) return Errc::kNoSpace;
      // [chain] A full barrier.
      // The file before the entry, the entry before write_ring. The loser deletes his own file.
      if (!shared.chain[number % kChainEntries].compare_exchange(seen, {number, *ring_id})) {
        sys::remove_name(bus_->rings(), ring_file_name(*ring_id));
      }
    }
    // Still the ring that went round; or else somebody was faster, perhaps between two loads.
    if (chain_id(number) == ChainEntry::kNone) return Errc::kFull;
  }
  // [write-ring] acq_rel: the entry comes before.
  // Whoever finds the entry taken moves write_ring himself: a stopped creator must not block.
  std::uint64_t before = number - 1;
  shared.write_ring.compare_exchange_strong(before, number, std::memory_order_acq_rel);
  return Errc::kOk;
}

void QueueMapping::retire(std::uint64_t number) {
  QueueHeader& shared = header();
  auto& entry = shared.chain[number % kChainEntries];
  const base::Pair64 seen = entry.load();
  if (seen.low == number && seen.high != ChainEntry::kRetired) {
    if (!entry.compare_exchange(seen, {number, ChainEntry::kRetired})) return;
    sys::remove_name(bus_->rings(), ring_file_name(seen.high));
  }
  forget_before(number + 1);
  std::uint64_t before = number;  // whoever meets a retired one at `oldest` moves it on [oldest]
  shared.oldest.compare_exchange_strong(before, number + 1, std::memory_order_acq_rel);
}

void QueueMapping::forget_before(std::uint64_t oldest) {
  const std::lock_guard guard(rings_mutex_);
  std::erase_if(rings_, [&](const auto& ring) { return ring->number < oldest; });
}

std::uint64_t QueueMapping::ring_bytes() const {
  std::uint64_t bytes = 0;
  const std::uint64_t last = header().write_ring.load(std::memory_order_acquire);
  for (std::uint64_t n = header().oldest.load(std::memory_order_acquire); n <= last; ++n) {
    const auto mapped = const_cast<QueueMapping*>(this)->ring(n);
    if (mapped != nullptr) bytes += mapped->view.geometry().file_bytes;
    if (last - n > kChainEntries) break;  // impossible distance: a peer's bytes
  }
  return bytes;
}

void drop_outdated(const std::shared_ptr<shm::BusFiles>& bus) {
  const auto names = sys::names_in(bus->queues());
  if (!names) return;
  for (const std::string& name : *names) {
    const auto queue = QueueMapping::open(bus, name);
    if (queue && (*queue)->journal() != 0) sys::remove_name(bus->queues(), name);
  }
}

Result<std::shared_ptr<QueueMapping>> QueueMappings::open(const std::string& name) {
  auto mapping = QueueMapping::open(bus_, name);
  if (!mapping) return mapping;
  return remember(std::move(*mapping));
}

Result<std::shared_ptr<QueueMapping>> QueueMappings::create(const shm::Participant& creator,
                                                            const std::string& name,
                                                            const QueueSettings& settings,
                                                            const Tags& tags,
                                                            const DurableParts& parts) {
  auto mapping = QueueMapping::create(creator, name, settings, tags, parts);
  if (!mapping) return mapping;
  return remember(std::move(*mapping));
}

std::shared_ptr<QueueMapping> QueueMappings::remember(std::shared_ptr<QueueMapping> mapping) {
  const std::lock_guard guard(mutex_);
  std::erase_if(open_, [](const auto& each) { return each.expired(); });
  for (const auto& each : open_) {
    auto known = each.lock();
    if (known != nullptr && known->queue_id() == mapping->queue_id()) return known;
  }
  open_.push_back(mapping);
  return mapping;
}

}  // namespace ringpost::queue
