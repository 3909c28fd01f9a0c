#include "journal/journal_file.hpp"

#include <cstring>

#include "base/cache_line.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::journal {

std::uint64_t start_after(std::uint64_t log_end, std::uint32_t cells_log2) noexcept {
  const std::uint64_t cells = std::uint64_t{1} << cells_log2;
  return base::round_up(log_end + cells, cells);
}

Result<std::shared_ptr<JournalFile>> JournalFile::create(const shm::Participant& creator,
                                                         const JournalOptions& options) {
  shm::BusFiles& bus = creator.bus();
  if (options.cells_log2 < kFileCellsLog2Min || options.cells_log2 > kCellsLog2Max) {
    return sys::error(Errc::kInvalidArgument, "size of a journal", "64 KiB to 1 GiB");
  }
  const auto geometry = JournalGeometry::of(options.cells_log2);
  const std::uint64_t id = sys::unique_id();
  const std::string temporary = creator.temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  Result<void> done = sys::reserve(*file, geometry.file_bytes, file_name(id));
  if (done) {
    auto mapping = sys::Mapping::map(*file, geometry.file_bytes, temporary);
    if (mapping) {
      initialise_journal(mapping->data(), geometry,
                         {.journal_id = id,
                          .owner_id = options.owner_id,
                          .creator = creator.creator_word(),
                          .start = options.start,
                          .created_wall_ns = bus.time().wall_ns(),
                          .kind = options.kind,
                          .number = options.number});
      done = sys::publish_name(bus.temporary(), temporary, bus.journals(), file_name(id));
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) {
    sys::remove_name(bus.temporary(), temporary);
    return Unexpected(done.error());
  }
  return open(bus, id);
}

Result<std::shared_ptr<JournalFile>> JournalFile::open(const shm::BusFiles& bus, std::uint64_t id) {
  const std::string name = bus.path() + "/journals/" + file_name(id);
  auto file = sys::open_file(bus.journals(), file_name(id));
  if (!file) return Unexpected(file.error());
  auto mapping = shm::map_checked(*file, name, kJournalMagic, kJournalFormat, kDescriptorsOffset);
  if (!mapping) return Unexpected(mapping.error());
  JournalHeader found{};
  std::memcpy(&found, mapping->data(), sizeof found);
  const bool sane = found.cells_log2 >= kFileCellsLog2Min && found.cells_log2 <= kCellsLog2Max &&
                    found.kind < kJournalKinds && found.journal_id == id;
  if (!sane || JournalGeometry::of(found.cells_log2).file_bytes > mapping->bytes()) {
    return sys::error(Errc::kCorrupt, name, "impossible geometry, or not the file of this name");
  }
  std::shared_ptr<JournalFile> journal(new JournalFile);
  journal->mapping_ = std::move(*mapping);
  journal->view_ = JournalView(journal->mapping_.data(), JournalGeometry::of(found.cells_log2),
                               static_cast<JournalKind>(found.kind), found.start, bus.fenced());
  journal->id_ = id;
  journal->owner_id_ = found.owner_id;
  journal->number_ = found.number;
  return journal;
}

void JournalFile::remove(const shm::BusFiles& bus, std::uint64_t id) noexcept {
  sys::remove_name(bus.journals(), file_name(id));
}

BusLiveness::BusLiveness(std::shared_ptr<const shm::BusFiles> bus) : bus_(std::move(bus)) {
  if (auto probe = sys::open_file(bus_->directory(), "bus")) probe_ = std::move(*probe);
}

bool BusLiveness::is_alive(std::uint64_t creator_word) const noexcept {
  const std::uint64_t index = creator_word & shm::kParticipantsMax;
  if (index == 0 || index >= bus_->participants_max()) return false;
  const auto& word = bus_->participant(static_cast<std::uint32_t>(index)).entry;
  const shm::EntryWord entry{word.load(std::memory_order_acquire)};  // [entry]
  if (!entry.live() || entry.incarnation() != creator_word >> 14) return false;
  // Who cannot ask the kernel takes nothing away from anybody.
  return !probe_.is_open() || sys::is_byte_locked(probe_, shm::kLivenessByte + index);
}

}  // namespace ringpost::journal
