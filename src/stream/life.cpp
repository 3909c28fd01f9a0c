#include "stream/life.hpp"

#include <time.h>

#include <algorithm>

#include "log/reader.hpp"
#include "stream/lease_table.hpp"
#include "stream/settings.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::stream {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::string object_of(const std::string& name) { return "stream \"" + name + "\""; }

Unexpected<Error> not_found(const std::string& name) {
  return sys::error(Errc::kNotFound, object_of(name), "no such stream on this bus");
}

/// Who makes, adopts or deletes streams: one at a time.
class Lock {
 public:
  Result<void> take(const shm::BusFiles& bus) {
    constexpr int kTriesMax = 2'000;
    constexpr timespec kBetween{0, 1'000'000};
    auto file = sys::open_file(bus.directory(), "bus");
    if (!file) return Unexpected(file.error());
    file_ = std::move(*file);  // a file description of its own: closing it unlocks
    for (int tries = 0; tries < kTriesMax; ++tries) {
      if (sys::try_lock_byte(file_, shm::kStreamsByte)) return {};
      ::nanosleep(&kBetween, nullptr);
    }
    return sys::error(Errc::kBusy, bus.path(), "a process is making a stream and stands still");
  }

 private:
  sys::Fd file_;
};

bool is_file_there(const shm::BusFiles& bus, const std::string& name) {
  const auto file = sys::open_file(bus.streams(), file_name_of(name));
  return file || !(file.error() == Errc::kNotFound);
}

void remove_journals(const shm::BusFiles& bus, const std::vector<NamedJournal>& journals) {
  for (const NamedJournal& each : journals) {
    if (each.id != 0) journal::JournalFile::remove(bus, each.id);
  }
}

/// Of every shard that is open. `log_ends`: of each shard, where its log ends.
Result<std::vector<NamedJournal>> make_journals(const Membership& member, const Meta& meta,
                                                const std::vector<std::uint64_t>& log_ends) {
  std::vector<NamedJournal> journals(meta.shards.size());
  for (const ShardRecord& shard : meta.shards) {
    if (shard.end) continue;
    const auto made = make_journal(member, meta.stream_id, shard.number, *meta.settings.storage,
                                   *meta.settings.ring_bytes, log_ends[shard.number]);
    if (!made) {
      remove_journals(member.bus(), journals);
      return Unexpected(made.error());
    }
    journals[shard.number] = *made;
  }
  return journals;
}

Result<ControlFile> make_control(const Membership& member, const Meta& meta,
                                 const std::vector<std::uint64_t>& log_ends) {
  const auto journals = make_journals(member, meta, log_ends);
  if (!journals) return Unexpected(journals.error());
  auto control = ControlFile::create(member.me, meta, *journals);
  if (!control) remove_journals(member.bus(), *journals);
  return control;
}

/// By whoever has the lock. Idempotent. The name last: as long as it is there somebody finds what
/// is left to be removed.
Result<void> finish_delete(const Membership& member, ControlFile& control) {
  control.mark_deleted();
  const auto count = control.shards();
  for (std::uint32_t number = 0; count && number < *count; ++number) {
    const std::uint64_t id = control.entry(number).journal.load(std::memory_order_acquire);
    if (id == 0) continue;
    if (const auto file = member.shared->journal(id)) {
      journal::JournalHot& hot = (*file)->view().hot();
      for (shm::WaitWord* const word : {&hot.published, &hot.settled, &hot.work}) word->wake_all();
    }
  }
  if (control.storage() == StreamStorage::kLog) {
    const auto state = member.shared->state(false);
    if (!state && !(state.error() == Errc::kNotFound)) return Unexpected(state.error());
    if (state && (*state)->has(control.name())) {
      if (auto removed = (*state)->remove_stream(control.name()); !removed) return removed;
    }
  }
  for (std::uint32_t number = 0; count && number < *count; ++number) {
    const std::uint64_t id = control.entry(number).journal.load(std::memory_order_acquire);
    if (id != 0) journal::JournalFile::remove(member.bus(), id);
  }
  remove_groups(member.bus(), control.stream_id());
  control.remove_name();
  return {};
}

/// Where each log ends; and what that says of shards that were being closed when power failed.
Result<std::vector<std::uint64_t>> look_at_logs(const StateDirectory& state, Meta& meta,
                                                std::uint64_t now_ns, bool& changed) {
  std::vector<std::uint64_t> ends(meta.shards.size());
  for (ShardRecord& shard : meta.shards) {
    if (shard.expired) continue;
    auto directory = state.shard(meta.name, shard.number);
    if (!directory) return Unexpected(directory.error());
    auto reader = log::Reader::open(**directory);
    if (!reader) return Unexpected(reader.error());
    const auto end = (*reader)->find_end();
    if (!end) return Unexpected(end.error());
    ends[shard.number] = *end;
    // It was to be closed, and its children may have records: what it has is all that it gets.
    if (shard.children.empty() || (shard.end && *shard.end <= *end)) continue;
    if (!shard.end) shard.closed_ns = now_ns;
    shard.end = *end;
    changed = true;
  }
  return ends;
}

Result<ControlFile> adopt(const Membership& member, const StateDirectory& state,
                          const std::string& name) {
  auto directory = state.stream(name);
  if (!directory) return Unexpected(directory.error());
  auto meta = read_meta(**directory);
  if (!meta) return Unexpected(meta.error());
  if (meta->name != name) {
    return sys::error(Errc::kDamaged, object_of(name), "its directory is of another stream");
  }
  bool changed = false;
  const auto ends = look_at_logs(state, *meta, member.wall_ns(), changed);
  if (!ends) return Unexpected(ends.error());
  if (changed) {
    ++meta->generation;
    if (auto written = write_meta(**directory, *meta); !written) return Unexpected(written.error());
  }
  return make_control(member, *meta, *ends);
}

}  // namespace

Result<ControlFile> create_stream(const Membership& member, const std::string& name,
                                  const StreamSettings& settings, const Tags& tags) {
  Lock lock;
  if (auto taken = lock.take(member.bus()); !taken) return Unexpected(taken.error());
  if (is_file_there(member.bus(), name)) {
    return sys::error(Errc::kExists, object_of(name), "it exists");
  }
  Meta meta{.generation = 1,
            .stream_id = sys::unique_id(),
            .created_ns = member.wall_ns(),
            .name = name,
            .settings = settings,
            .tags = tags,
            .shards = {}};
  for (const Range& range : equal_ranges(*settings.shards)) {
    ShardRecord shard;
    shard.number = static_cast<std::uint32_t>(meta.shards.size());
    shard.range = range;
    shard.created_s = meta.created_ns / kSecondNs;
    shard.created_ns = meta.created_ns;
    meta.shards.push_back(std::move(shard));
  }
  std::shared_ptr<StateDirectory> state;
  if (*settings.storage == StreamStorage::kLog) {
    auto opened = member.shared->state(true);
    if (!opened) return Unexpected(opened.error());
    state = std::move(*opened);
    state->remove_leftovers();
    if (auto made = state->make_stream(meta); !made) return Unexpected(made.error());
  }
  auto control = make_control(member, meta, std::vector<std::uint64_t>(meta.shards.size()));
  if (!control && state != nullptr) static_cast<void>(state->remove_stream(name));
  return control;
}

Result<ControlFile> open_stream(const Membership& member, const std::string& name) {
  auto control = ControlFile::open(member.me.bus_pointer(), name);
  if (control && !control->is_deleted()) return control;
  if (!control && !(control.error() == Errc::kNotFound)) return control;
  std::shared_ptr<StateDirectory> state;
  if (!control) {
    const auto opened = member.shared->state(false);
    if (!opened && opened.error() == Errc::kNotFound) return not_found(name);
    if (!opened) return Unexpected(opened.error());
    state = *opened;
    if (!state->has(name)) return not_found(name);
  }
  Lock lock;
  if (auto taken = lock.take(member.bus()); !taken) return Unexpected(taken.error());
  auto again = ControlFile::open(member.me.bus_pointer(), name);  // by somebody else, meanwhile
  if (again && !again->is_deleted()) return again;
  if (again) {
    // Its deleter died half-way.
    if (auto done = finish_delete(member, *again); !done) return Unexpected(done.error());
    return not_found(name);
  }
  if (!(again.error() == Errc::kNotFound)) return again;
  if (state == nullptr || !state->has(name)) return not_found(name);
  return adopt(member, *state, name);
}

Result<void> delete_stream(const Membership& member, const std::string& name) {
  Lock lock;
  if (auto taken = lock.take(member.bus()); !taken) return taken;
  auto control = ControlFile::open(member.me.bus_pointer(), name);
  if (control) {
    const bool was_deleted = control->is_deleted();
    if (!was_deleted) {
      if (auto locked = control->lock(); !locked) return locked;
    }
    auto done = finish_delete(member, *control);
    if (!was_deleted) control->unlock();
    if (!done || !was_deleted) return done;
    return not_found(name);
  }
  const bool damaged = !(control.error() == Errc::kNotFound);
  if (damaged && !(control.error() == Errc::kWrongFormat || control.error() == Errc::kCorrupt ||
                   control.error() == Errc::kUnsafeFile)) {
    return Unexpected(control.error());
  }
  const auto state = member.shared->state(false);
  if (!state && !(state.error() == Errc::kNotFound)) return Unexpected(state.error());
  const bool on_disk = state && (*state)->has(name);
  if (!damaged && !on_disk) return not_found(name);
  if (on_disk) {
    if (auto removed = (*state)->remove_stream(name); !removed) return removed;
  }
  ControlFile::remove(member.bus(), name);
  return {};
}

Result<std::vector<std::string>> stream_names(const Membership& member) {
  auto names = control_names(member.bus());
  if (!names) return names;
  const auto state = member.shared->state(false);
  if (!state) return names;  // there are none on disk, or they are not ours
  const auto on_disk = (*state)->stream_names();
  if (!on_disk) return on_disk;
  names->insert(names->end(), on_disk->begin(), on_disk->end());
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  return names;
}

}  // namespace ringpost::stream
