#include <cstring>

#include "client/doctor.hpp"
#include "client/streams.hpp"
#include "journal/walk.hpp"
#include "log/reader.hpp"
#include "stream/control_file.hpp"
#include "stream/settings.hpp"

namespace ringpost::client {
namespace {

constexpr char kDeleteStream[] =
    "a process wrote outside the protocol: what is in the log can be had again by ending all "
    "processes of the bus and removing its shared memory (ringpost bus remove)";

/// What a change that is under way leaves for an instant is no fault.
Verdict judge_state(const stream::ControlFile& control) {
  if (control.is_deleted()) return Complaint{"deleted, but only by half", {}};
  if (!control.is_being_changed()) return {};
  const std::string who = std::to_string(control.header().changer.load());
  return Complaint{"process " + who +
                       " is changing it and stands still: records can be put, its "
                       "settings and shards cannot be changed",
                   "let it go on (kill -CONT " + who + "), or end it"};
}

}  // namespace

void Doctor::examine_streams() {
  const auto names = sys::names_in(member_.files().streams());
  if (!names) add("streams", names.error().what, "give this process more descriptors or memory");
  for (const std::string& file : names ? *names : std::vector<std::string>()) {
    const auto name = stream::name_of(file);
    if (!name) {
      add("file streams/" + file, "no stream has this name", "remove it");
      continue;
    }
    examine_stream(*name);
  }
}

void Doctor::examine_stream(const std::string& name) {
  const std::string object = "stream " + name;
  auto control = stream::ControlFile::open(member_.me().bus_pointer(), name);
  if (!control) {
    if (control.error() == Errc::kNotFound) return;  // deleted meanwhile
    add(object, control.error().what,
        control.error() == Errc::kNewerFormat ? "use the newer version of Ringpost"
                                              : kDeleteStream);
    return;
  }
  ++report_.streams_checked;
  Verdict wrong = judge_state(*control);
  for (int looks = 1; looks < kLooks && wrong; ++looks) {
    wait_between_looks();
    auto again = stream::ControlFile::open(member_.me().bus_pointer(), name);
    wrong = again ? judge_state(*again) : Verdict{};
  }
  const bool deleted = control->is_deleted();
  if (wrong) add(object, std::move(*wrong));
  if (deleted) return;
  const auto meta = control->meta();
  if (!meta) {
    add(object, meta.error().what, kDeleteStream);
    return;
  }
  if (meta->name != name) add(object, "its settings are those of another stream", kDeleteStream);
  for (const stream::ShardRecord& shard : meta->shards) {
    examine_shard(*control, shard, object + ", " + ShardInfo::id_of(shard.number));
  }
}

void Doctor::examine_log(const stream::ControlFile& control, std::uint32_t shard,
                         const std::string& object) {
  if (control.storage() != StreamStorage::kLog) return;
  const auto state = stream_membership(member_).shared->state(false);
  const auto directory = state
                             ? (*state)->shard(control.name(), shard)
                             : Result<std::unique_ptr<disk::Directory>>(Unexpected(state.error()));
  if (!directory) return;  // there is none yet, or whoever uses it says why not
  const auto missing = log::missing_in_front(**directory);
  if (!missing || !*missing) return;
  add(object,
      "its log has lost positions " + std::to_string((*missing)->from) + " to " +
          std::to_string((*missing)->to - 1) + ": a file is gone that retention did not drop",
      "put the file back from a backup, or, with all processes of the bus ended: ringpost log "
      "salvage " +
          control.name());
}

void Doctor::examine_shard(stream::ControlFile& control, const stream::ShardRecord& shard,
                           const std::string& object) {
  const std::uint64_t id = control.entry(shard.number).journal.load(std::memory_order_acquire);
  if (!shard.end && !shard.children.empty() && !control.is_being_changed()) {
    add(object, "whoever was to close it has died", {});
  }
  examine_log(control, shard.number, object);
  if (id == 0) {
    if (!shard.end) add(object, "it has no journal", kDeleteStream);
    return;
  }
  const auto file = stream_membership(member_).shared->journal(id);
  if (!file) {
    const bool let_go = control.entry(shard.number).journal.load() != id;
    if (!let_go) add(object, file.error().what, kDeleteStream);
    return;
  }
  if ((*file)->owner_id() != control.stream_id() || (*file)->number() != shard.number) {
    add(object, "its journal is another shard's", kDeleteStream);
    return;
  }
  const journal::JournalHot& hot = (*file)->view().hot();
  if (const std::uint32_t code = hot.failed.load(std::memory_order_acquire); code != 0) {
    add(object, std::string("its log failed: ") + std::strerror(static_cast<int>(code)),
        "look after the disk, then: ringpost log recover " + control.name());
  }
  const std::uint64_t drain = hot.drain.load(std::memory_order_acquire);
  if (journal::look_at((*file)->view(), drain).kind == journal::Stop::Kind::kCorrupt) {
    add(object, "its journal is damaged at position " + std::to_string(drain), kDeleteStream);
  }
}

}  // namespace ringpost::client
