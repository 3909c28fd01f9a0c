#include "stream/membership.hpp"

#include <bit>

#include "queue/queue_mapping.hpp"

namespace ringpost::stream {

void drop_outdated(const std::shared_ptr<shm::BusFiles>& bus) {
  const auto names = control_names(*bus);
  if (!names) return;
  for (const std::string& name : *names) {
    auto control = ControlFile::open(bus, name);
    if (!control || control->storage() != StreamStorage::kLog) continue;
    control->mark_deleted();
    control->remove_name();
  }
}

Result<std::shared_ptr<StateDirectory>> Shared::state(bool create) {
  const std::lock_guard guard(mutex_);
  if (state_ == nullptr) {
    auto opened = StateDirectory::open(*bus_, create);
    if (!opened) return opened;
    if ((*opened)->was_taken()) {
      drop_outdated(bus_);
      queue::drop_outdated(bus_);
    }
    state_ = std::move(*opened);
  }
  return state_;
}

Result<std::shared_ptr<journal::JournalFile>> Shared::journal(std::uint64_t id) {
  const std::lock_guard guard(mutex_);
  std::weak_ptr<journal::JournalFile>& known = journals_[id];
  if (auto file = known.lock()) return file;
  auto file = journal::JournalFile::open(*bus_, id);
  if (file) known = *file;
  std::erase_if(journals_, [](const auto& each) { return each.second.expired(); });
  return file;
}

Result<NamedJournal> make_journal(const Membership& member, std::uint64_t stream_id,
                                  std::uint32_t number, StreamStorage storage,
                                  std::uint64_t ring_bytes, std::uint64_t log_end) {
  const std::uint64_t cells = ring_bytes / journal::kCellBytes;
  journal::JournalOptions options;
  options.cells_log2 = static_cast<std::uint32_t>(std::bit_width(cells) - 1);
  options.kind =
      storage == StreamStorage::kLog ? journal::JournalKind::kLog : journal::JournalKind::kMemory;
  // Never 0: the number before a shard's first record is its own.
  options.start = journal::start_after(log_end, options.cells_log2);
  options.owner_id = stream_id;
  options.number = number;
  auto made = journal::JournalFile::create(member.me, options);
  if (!made) return Unexpected(made.error());
  return NamedJournal{(*made)->id(), log_end};
}

}  // namespace ringpost::stream
