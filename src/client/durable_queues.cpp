#include "client/durable_queues.hpp"

#include "durable/replay.hpp"
#include "log/reader.hpp"
#include "queue/settings.hpp"
#include "sys/error.hpp"

namespace ringpost::client {
namespace {

bool is_here(Member& member, const std::string& name) {
  const auto file = sys::open_file(member.files().queues(), name);
  return file || !(file.error() == Errc::kNotFound);
}

struct Found {
  std::unique_ptr<log::Reader> reader;
  durable::Replay replay;
  std::uint64_t end = 0;  ///< of the log
  bool is_empty = true;
};

/// What the log has.
Result<Found> read_log(disk::Directory& directory, const std::optional<durable::IdRules>& rules) {
  auto reader = log::Reader::open(directory);
  if (!reader) return Unexpected(reader.error());
  const auto end = (*reader)->find_end();
  if (!end) return Unexpected(end.error());
  Found found;
  found.reader = std::move(*reader);
  durable::Replay& replay = found.replay;
  if (rules) replay.keep_ids(*rules);
  found.end = *end;
  for (;;) {
    const auto record = found.reader->next(*end);
    Errc code = record ? replay.add(*record) : record.error();
    if (code == Errc::kEmpty) break;
    if (code == Errc::kLapped) continue;  // what salvage has given up
    if (code != Errc::kOk) return sys::error(code, directory.path(), message(code));
    found.is_empty = false;
  }
  return found;
}

/// With the queue's lock: from the disk into shared memory. A new one has nothing there.
Result<void> bring_up(Member& member, const durable::Meta& meta, bool is_new) {
  auto directory = member.context().queues.home().log(meta.name);
  if (!directory) return Unexpected(directory.error());
  const QueueSettings settings = queue::with_defaults(meta.settings);
  std::optional<durable::IdRules> rules;
  if (*settings.fifo) {
    rules.emplace(durable::IdRules{meta.lasting_id, *settings.dedup_scope == DedupScope::kGroup,
                                   static_cast<std::int64_t>(member.files().time().wall_ns())});
  }
  auto found = read_log(**directory, rules);
  if (!found) return Unexpected(found.error());
  // Everything that could have been claimed in the lost ring lies below.
  const std::uint64_t start =
      found->end == 0 ? 0 : journal::start_after(found->end, durable::kCellsLog2);
  const auto journal = durable::QueueLog::make_journal(member.me(), start);
  if (!journal) return Unexpected(journal.error());
  queue::DurableParts parts{.journal = (*journal)->id(), .lasting_id = meta.lasting_id};
  // A FIFO queue's positions go on, also if nothing is left.
  if (!found->is_empty || (*settings.fifo && !is_new)) {
    parts.restore = [&](std::shared_ptr<queue::QueueMapping> mapping) -> Result<void> {
      auto core = detail::QueueCore::open(member.membership(), std::move(mapping));
      if (!core) return Unexpected(core.error());
      auto messages = found->replay.finish();
      if (!rules) return (*core)->restore(messages, *found->reader, found->replay.backlog());
      return (*core)->restore_groups(std::move(messages), *found->reader, *found->replay.fifo());
    };
  }
  auto created = member.context().queues.create(member.me(), meta.name, settings, meta.tags, parts);
  if (created) return {};
  journal::JournalFile::remove(member.files(), (*journal)->id());
  return Unexpected(created.error());
}

}  // namespace

Result<void> make_durable_queue(Member& member, const std::string& name,
                                const QueueSettings& settings, const Tags& tags) {
  durable::Home& home = member.context().queues.home();
  if (auto opened = home.open(true); !opened) return opened;
  auto lock = home.lock(name);
  if (!lock) return Unexpected(lock.error());
  if (is_here(member, name)) {
    return sys::error(Errc::kExists, "queue \"" + name + "\"", "somebody has made it just now");
  }
  const durable::Meta meta{.name = name,
                           .lasting_id = sys::unique_id(),
                           .created_ns = member.files().time().wall_ns(),
                           .settings = settings,
                           .tags = tags};
  if (auto made = home.make(meta); !made) return made;
  auto done = bring_up(member, meta, true);
  if (!done) static_cast<void>(home.remove(name));
  return done;
}

Result<void> recover_queue(Member& member, const std::string& name) {
  durable::Home& home = member.context().queues.home();
  const Result<void> none =
      sys::error(Errc::kNotFound, "queue \"" + name + "\"", "no such queue on this bus");
  if (!home.has(name)) return none;
  std::string dead_letters;
  {
    auto lock = home.lock(name);
    if (!lock) return Unexpected(lock.error());
    if (is_here(member, name)) return {};
    if (!home.has(name)) return none;
    auto meta = home.read(name);
    if (!meta) return Unexpected(meta.error());
    if (meta->name != name) return sys::error(Errc::kDamaged, name, "is another queue's directory");
    if (auto done = bring_up(member, *meta, false); !done) return done;
    dead_letters = meta->settings.redrive->dead_letter_queue;
  }
  // It is needed as soon as a message has been tried too often. What fails is met there again.
  if (!dead_letters.empty()) static_cast<void>(recover_queue(member, dead_letters));
  return {};
}

bool recover_all(Member& member) {
  bool all = true;
  for (const std::string& name : member.context().queues.home().names()) {
    if (is_here(member, name)) continue;
    const auto recovered = recover_queue(member, name);
    all = all && (recovered || recovered.error() == Errc::kNotFound);
  }
  return all;
}

void Member::bring_back(const std::string& queue) {
  if (!shm::is_valid_name(queue) || !context_->queues.home().has(queue)) return;
  if (is_here(*this, queue)) return;
  static_cast<void>(recover_queue(*this, queue));  // what is wrong is met by whoever opens it
}

Result<sys::Fd> forget_on_disk(Member& member, const std::string& name) {
  durable::Home& home = member.context().queues.home();
  if (!home.has(name)) return sys::Fd();
  auto lock = home.lock(name);
  if (!lock) return lock;
  if (auto removed = home.remove(name); !removed) return Unexpected(removed.error());
  return lock;
}

/// First all are written: what a dead mover has brought to one must be there before reclaim drops
/// it from another one.
namespace {

/// Those that are here; another one needs nothing.
std::vector<std::unique_ptr<detail::QueueCore>> durable_queues_here(Member& member) {
  std::vector<std::unique_ptr<detail::QueueCore>> queues;
  for (const std::string& name : member.context().queues.home().names()) {
    auto mapping = member.context().queues.open(name);
    if (!mapping || (*mapping)->journal() == 0) continue;
    auto core = detail::QueueCore::open(member.membership(), std::move(*mapping));
    if (core && (*core)->usable() == Errc::kOk) queues.push_back(std::move(*core));
  }
  return queues;
}

}  // namespace

bool Member::flush_logs() {
  bool all = true;
  for (const auto& each : durable_queues_here(*this)) {
    durable::QueueLog& log = *each->log();
    log.include_others();
    all = log.wait_durable(log.deadline_ns({})) == Errc::kOk && all;
  }
  return all;
}

void tend_logs(Member& member) {
  for (const auto& each : durable_queues_here(member)) each->tend_log();
}

}  // namespace ringpost::client
