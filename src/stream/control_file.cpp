#include "stream/control_file.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/unstable_read.hpp"
#include "stream/settings.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::stream {
namespace {

std::string object_of(const std::string& name) { return "stream \"" + name + "\""; }

std::size_t file_bytes_for(std::size_t entries) noexcept {
  return base::round_up(kMapOffset + entries * sizeof(ShardEntry), base::kPageBytes);
}

RINGPOST_UNSTABLE_READ void copy_unstable(const std::byte* from, std::byte* to,
                                          std::size_t bytes) noexcept {
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    std::uint64_t word = 0;
    __builtin_memcpy(&word, from + i, sizeof word);
    __builtin_memcpy(to + i, &word, sizeof word);
  }
}

std::uint64_t children_word(const std::vector<std::uint32_t>& children) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < children.size() && i < 2; ++i) {
    word |= (std::uint64_t{children[i]} + 1) << (32 * i);
  }
  return word;
}

void fill(ShardEntry& entry, const ShardRecord& shard, const NamedJournal& journal) noexcept {
  entry.number = shard.number;
  entry.parent_plus_one = shard.parent ? *shard.parent + 1 : 0;
  entry.adjacent_plus_one = shard.adjacent_parent ? *shard.adjacent_parent + 1 : 0;
  entry.first_high = shard.range.first.high;
  entry.first_low = shard.range.first.low;
  entry.last_high = shard.range.last.high;
  entry.last_low = shard.range.last.low;
  entry.created_s = shard.created_s;
  entry.created_ns = shard.created_ns;
  entry.log_end = journal.log_end;
  entry.journal.store(journal.id, std::memory_order_relaxed);
  entry.children.store(children_word(shard.children), std::memory_order_relaxed);
  entry.expired.store(shard.expired ? 1 : 0, std::memory_order_relaxed);
  entry.closed_ns.store(shard.closed_ns, std::memory_order_relaxed);
  entry.end_plus_one.store(shard.end ? *shard.end + 1 : 0, std::memory_order_relaxed);
}

}  // namespace

Result<ControlFile> ControlFile::open(std::shared_ptr<shm::BusFiles> bus, const std::string& name) {
  ControlFile control(std::move(bus), name);
  auto file = sys::open_file(control.bus_->streams(), file_name_of(name));
  if (!file) {
    if (!(file.error() == Errc::kNotFound)) return Unexpected(file.error());
    return sys::error(Errc::kNotFound, object_of(name), "no such stream on this bus");
  }
  control.file_ = std::move(*file);
  if (auto mapped = control.map(); !mapped) return Unexpected(mapped.error());
  return control;
}

Result<void> ControlFile::map() {
  const std::string path = bus_->path() + "/streams/" + file_name_of(name_);
  if (!fixed_.is_mapped()) {
    auto checked = shm::map_checked(file_, path, kControlMagic, kControlFormat, kMapOffset);
    if (!checked) return Unexpected(checked.error());
    auto fixed = sys::Mapping::map(file_, kMapOffset, path);
    if (!fixed) return Unexpected(fixed.error());
    fixed_ = std::move(*fixed);
    whole_ = std::move(*checked);
    stream_id_ = header().stream_id;
    ring_bytes_ = header().ring_bytes;
    storage_ = static_cast<StreamStorage>(header().storage & 1);
    if (header().storage <= 1) return {};
    return sys::error(Errc::kCorrupt, object_of(name_), "impossible kind of storage");
  }
  auto whole = shm::map_checked(file_, path, kControlMagic, kControlFormat, kMapOffset);
  if (!whole) return Unexpected(whole.error());
  whole_ = std::move(*whole);
  return {};
}

Result<ControlFile> ControlFile::create(const shm::Participant& creator, const Meta& meta,
                                        const std::vector<NamedJournal>& journals) {
  shm::BusFiles& bus = creator.bus();
  const std::string temporary = creator.temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  const std::size_t bytes = file_bytes_for(std::max<std::size_t>(meta.shards.size(), 1));
  Result<void> done = sys::reserve(*file, bytes, temporary);
  if (done) {
    auto mapping = sys::Mapping::map(*file, bytes, temporary);
    if (mapping) {
      auto& header = *reinterpret_cast<ControlHeader*>(mapping->data());
      header.format = kControlFormat;
      header.storage = static_cast<std::uint32_t>(*meta.settings.storage);
      header.stream_id = meta.stream_id;
      header.created_wall_ns = meta.created_ns;
      header.ring_bytes = *meta.settings.ring_bytes;
      meta.name.copy(header.name, sizeof header.name - 1);
      header.generation.store(meta.generation, std::memory_order_relaxed);
      Meta changeable = meta;
      changeable.shards.clear();
      const auto encoded = encode(changeable);
      std::copy(encoded.begin(), encoded.end(), mapping->data() + kChangeableOffset);
      auto* const entries = reinterpret_cast<ShardEntry*>(mapping->data() + kMapOffset);
      for (std::size_t i = 0; i < meta.shards.size(); ++i) {
        fill(entries[i], meta.shards[i], i < journals.size() ? journals[i] : NamedJournal{});
      }
      header.shards.store(meta.shards.size(), std::memory_order_release);
      header.changes.store(2, std::memory_order_release);
      header.magic = kControlMagic;
      done = sys::publish_name(bus.temporary(), temporary, bus.streams(), file_name_of(meta.name));
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) {
    sys::remove_name(bus.temporary(), temporary);
    return Unexpected(done.error());
  }
  return open(creator.bus_pointer(), meta.name);
}

void ControlFile::remove(const shm::BusFiles& bus, const std::string& name) noexcept {
  sys::remove_name(bus.streams(), file_name_of(name));
}

Result<Meta> ControlFile::changeable() const {
  constexpr int kTriesMax = 1'000;  // against others that keep changing them
  std::vector<std::byte> copy(kMetaBytesMax);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const std::uint64_t seen = changes();
    copy_unstable(place(seen), copy.data(), copy.size());
    std::atomic_thread_fence(std::memory_order_acquire);  // [stream-changes] the copy before this
    if (header().changes.load(std::memory_order_relaxed) != seen) continue;
    auto meta = decode(copy);
    if (!meta || meta->stream_id != stream_id_) {
      return sys::error(Errc::kCorrupt, object_of(name_), "its settings are damaged");
    }
    return std::move(*meta);
  }
  return sys::error(Errc::kBusy, object_of(name_), "others keep changing its settings");
}

Result<std::uint32_t> ControlFile::shards() {
  const std::uint64_t count = header().shards.load(std::memory_order_acquire);  // [stream-map]
  if (count != 0 && count <= kEntriesMax) {
    if (file_bytes_for(count) > whole_.bytes()) {
      if (auto mapped = map(); !mapped) return Unexpected(mapped.error());
    }
    if (file_bytes_for(count) <= whole_.bytes()) return static_cast<std::uint32_t>(count);
  }
  return sys::error(Errc::kCorrupt, object_of(name_), "its map ends outside its file");
}

std::optional<ShardRecord> ControlFile::shard(std::uint32_t number) const {
  const ShardEntry& entry = this->entry(number);
  ShardRecord shard;
  shard.number = entry.number;
  const auto known = [number](std::uint32_t plus_one) { return plus_one <= number; };
  const std::uint32_t parent = entry.parent_plus_one;
  const std::uint32_t adjacent = entry.adjacent_plus_one;
  if (shard.number != number || !known(parent) || !known(adjacent)) return std::nullopt;
  if (parent != 0) shard.parent = parent - 1;
  if (adjacent != 0) shard.adjacent_parent = adjacent - 1;
  shard.range = {{entry.first_high, entry.first_low}, {entry.last_high, entry.last_low}};
  if (shard.range.last < shard.range.first) return std::nullopt;
  shard.created_s = entry.created_s;
  shard.created_ns = entry.created_ns;
  // [stream-map] acquire: the end first; then the children are there, and when it was.
  const std::uint64_t end = entry.end_plus_one.load(std::memory_order_acquire);
  if (end != 0) shard.end = end - 1;
  shard.closed_ns = entry.closed_ns.load(std::memory_order_relaxed);
  shard.expired = entry.expired.load(std::memory_order_relaxed) != 0;
  const std::uint64_t children = entry.children.load(std::memory_order_acquire);
  for (const std::uint64_t plus_one : {children & 0xffffffffu, children >> 32}) {
    if (plus_one == 0) continue;
    if (plus_one - 1 <= number || plus_one > kEntriesMax) return std::nullopt;
    shard.children.push_back(static_cast<std::uint32_t>(plus_one - 1));
  }
  return shard;
}

Result<Meta> ControlFile::meta() {
  auto meta = changeable();
  const auto count = shards();
  if (!meta) return meta;
  if (!count) return Unexpected(count.error());
  meta->generation = header().generation.load(std::memory_order_acquire);
  for (std::uint32_t number = 0; number < *count; ++number) {
    auto shard = this->shard(number);
    if (!shard) {
      return sys::error(Errc::kCorrupt, object_of(name_),
                        "the map of its shards is damaged at " + ShardInfo::id_of(number));
    }
    meta->shards.push_back(std::move(*shard));
  }
  return meta;
}

bool ControlFile::is_being_changed() const noexcept {
  return sys::is_byte_locked(file_, kChangerByte);
}

Result<void> ControlFile::lock() {
  constexpr int kTriesMax = 2'000;
  constexpr timespec kBetween{0, 1'000'000};
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (sys::try_lock_byte(file_, kChangerByte)) {
      if (is_deleted()) {
        unlock();
        return sys::error(Errc::kDeleted, object_of(name_), "it was deleted");
      }
      header().changer.store(::getpid(), std::memory_order_relaxed);
      return {};
    }
    ::nanosleep(&kBetween, nullptr);
  }
  const std::int32_t pid = header().changer.load(std::memory_order_relaxed);
  return sys::error(Errc::kBusy, object_of(name_),
                    "process " + std::to_string(pid) + " is changing it and stands still");
}

void ControlFile::unlock() noexcept { sys::unlock_byte(file_, kChangerByte); }

void ControlFile::tell_changed() noexcept {
  // [stream-changes] release: whoever sees it sees what has changed. One writer, by the lock.
  header().changes.store(header().changes.load(std::memory_order_relaxed) + 2,
                         std::memory_order_release);
}

/// Into the place that nobody reads now; one store makes it hold.
void ControlFile::write_changeable(const Meta& meta) noexcept {
  Meta changeable = meta;
  changeable.shards.clear();
  const auto encoded = encode(changeable);
  const std::uint64_t next = (header().changes.load(std::memory_order_relaxed) + 2) ^ 1;
  std::atomic_thread_fence(std::memory_order_release);
  std::copy(encoded.begin(), encoded.end(), place(next));
  header().changes.store(next, std::memory_order_release);  // [stream-changes]
}

Result<void> ControlFile::append(const Meta& meta, const std::vector<NamedJournal>& journals) {
  const auto count = shards();
  if (!count) return Unexpected(count.error());
  if (meta.shards.size() > kEntriesMax) {
    return sys::error(Errc::kInvalidArgument, object_of(name_), "it has had too many shards");
  }
  if (file_bytes_for(meta.shards.size()) > whole_.bytes()) {
    const std::size_t entries = meta.shards.size() + meta.shards.size() / 2;
    if (auto reserved = sys::reserve(file_, file_bytes_for(entries), object_of(name_)); !reserved) {
      return reserved;
    }
    if (auto mapped = map(); !mapped) return mapped;
  }
  for (std::size_t number = *count; number < meta.shards.size(); ++number) {
    fill(entry(static_cast<std::uint32_t>(number)), meta.shards[number],
         number < journals.size() ? journals[number] : NamedJournal{});
  }
  // [stream-map] release: whoever sees so many sees them complete.
  header().shards.store(meta.shards.size(), std::memory_order_release);
  return {};
}

Result<void> ControlFile::apply(const Meta& meta, const std::vector<NamedJournal>& journals) {
  if (auto appended = append(meta, journals); !appended) return appended;
  for (const ShardRecord& shard : meta.shards) {
    ShardEntry& entry = this->entry(shard.number);
    entry.children.store(children_word(shard.children), std::memory_order_release);  // [stream-map]
    if (!shard.end) continue;
    entry.expired.store(shard.expired ? 1 : 0, std::memory_order_relaxed);
    entry.closed_ns.store(shard.closed_ns, std::memory_order_relaxed);
    entry.end_plus_one.store(*shard.end + 1, std::memory_order_release);  // [stream-map]
  }
  write_changeable(meta);
  header().generation.store(meta.generation, std::memory_order_release);  // [stream-changes]
  return {};
}

void ControlFile::mark_deleted() noexcept {
  // [stream-state] seq_cst: before anything is taken away, and before the sleepers are woken.
  header().state.store(static_cast<std::uint32_t>(ControlState::kDeleted),
                       std::memory_order_seq_cst);
}

void ControlFile::remove_name() noexcept {
  const std::string name = file_name_of(name_);
  const auto named = sys::open_file(bus_->streams(), name);
  if (named && sys::is_same_file(*named, file_)) sys::remove_name(bus_->streams(), name);
}

void ControlFile::begin_counting(const shm::Participant& me) {
  const auto is_dead = [this](std::uint64_t creator) {
    const std::uint64_t index = creator & shm::kParticipantsMax;
    if (index == 0 || index >= bus_->participants_max()) return true;
    const auto& word = bus_->participant(static_cast<std::uint32_t>(index)).entry;
    const shm::EntryWord entry{word.load(std::memory_order_acquire)};
    return !entry.live() || entry.incarnation() != creator >> 14;
  };
  counts_ = std::make_unique<shm::StripeOwner<UserCounts>>(header().stripes, kStripes,
                                                           me.creator_word(), is_dead);
}

std::uint64_t ControlFile::sum(Counter counter) const noexcept {
  std::uint64_t all = 0;
  for (const UserCounts& each : header().stripes) {
    all += each.counters[counter].load(std::memory_order_relaxed);
  }
  return all;
}

Result<std::vector<std::string>> control_names(const shm::BusFiles& bus) {
  const auto files = sys::names_in(bus.streams());
  if (!files) return files;
  std::vector<std::string> names;
  for (const std::string& file : *files) {
    if (auto name = name_of(file)) names.push_back(std::move(*name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ringpost::stream
