#include "ringpost/bus.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "client/durable_queues.hpp"
#include "client/member.hpp"
#include "durable/owner.hpp"
#include "queue/policies.hpp"
#include "queue/setting_change.hpp"
#include "queue/settings.hpp"
#include "queue/tags.hpp"
#include "ring/settle.hpp"
#include "stream/membership.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost {
namespace {

Result<void> check_not_forked(const client::Member& member) {
  if (!member.me().is_forked()) return {};
  return sys::error(Errc::kForked, "bus", message(Errc::kForked));
}

std::string who_is_attached(std::string_view bus, BusOptions options) {
  options.create = false;
  const auto files = shm::BusFiles::open(std::string(bus), options);
  if (!files) return "a process";
  for (std::uint32_t index = 1; index < (*files)->participants_high(); ++index) {
    if (!shm::is_alive(**files, index)) continue;
    return "process " + std::to_string((*files)->participant(index).pid);
  }
  return "a process";
}

/// Where a bus lies from the moment of its removal until its files are gone.
std::string hidden_path(const BusOptions& options) {
  return shm::shm_directory(options) + "/.removed-";
}

/// A directory that holds nothing but what a bus has: a bus, or what a creator left who died
/// half-way. Whoever opens it completes it.
bool is_bus_directory(const std::string& path) {
  constexpr std::string_view kParts[] = {"bus",     "queues",   "rings",    "topics",
                                         "streams", "journals", "arena",    "tags",
                                         "tmp",     "push",     "consumers"};
  const auto directory = sys::open_directory(path, false, 0);
  if (!directory) return false;
  const auto names = sys::names_in(*directory);
  return names && std::all_of(names->begin(), names->end(), [&](const std::string& name) {
           return std::find(std::begin(kParts), std::end(kParts), name) != std::end(kParts);
         });
}

/// Also what an earlier remover left behind, who died.
void remove_hidden(const BusOptions& options) {
  std::error_code ignored;  // others' are theirs
  for (const auto& entry :
       std::filesystem::directory_iterator(shm::shm_directory(options), ignored)) {
    const std::string path = entry.path().string();
    if (path.starts_with(hidden_path(options))) std::filesystem::remove_all(path, ignored);
  }
}

/// Whether a call may go on that concerns the queue of that name.
Result<void> check(const client::Member& member, std::string_view queue) {
  if (!shm::is_valid_name(queue)) {
    return sys::error(Errc::kInvalidArgument, "queue name \"" + std::string(queue) + "\"",
                      "use 1 to 80 of A-Z a-z 0-9 - _");
  }
  return check_not_forked(member);
}

/// A queue that is not there yet. kExists: somebody else has made it.
Result<void> make_queue(client::Member& member, const std::string& name,
                        const QueueSettings& settings, const Tags& tags) {
  const QueueSettings all = queue::with_defaults(settings);
  if (*all.durability == Durability::kDurable) {
    return client::make_durable_queue(member, name, all, tags);
  }
  if (settings.log_segment_bytes) {
    return sys::error(Errc::kInvalidArgument, "log_segment_bytes",
                      "only a durable queue has a log");
  }
  auto created = member.context().queues.create(member.me(), name, all, tags);
  return created ? Result<void>() : Unexpected(created.error());
}

/// Of a queue that was taken off the bus: it must not come back after a reboot.
Result<void> check_forgotten(client::Member& member, const queue::QueueMapping& queue) {
  if (queue.journal() == 0) return {};
  const auto file = sys::open_file(member.files().queues(), queue.name());
  if (!file || !sys::is_same_file(*file, queue.file())) return {};
  return sys::error(
      Errc::kBusy, "queue \"" + queue.name() + "\"",
      "it is off the bus and still on disk, where somebody is at work: sweep the bus");
}

/// A file in place of a queue that is none, or not any more. Its rings, if it has any, are orphans.
Result<void> delete_damaged(client::Member& member, const std::string& queue, const Error& error) {
  switch (error.code) {
    case Errc::kWrongFormat:
    case Errc::kCorrupt:
    case Errc::kUnsafeFile:
      sys::remove_name(member.files().queues(), queue);
      return {};
    default:
      return Unexpected(error);
  }
}

}  // namespace

Bus::Bus(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Bus::Bus(Bus&&) noexcept = default;
Bus& Bus::operator=(Bus&&) noexcept = default;
Bus::~Bus() = default;

Result<Bus> Bus::open(std::string_view name, const BusOptions& options) {
  const std::string bus(name);
  auto files = shm::BusFiles::open(bus, options);
  if (!files && files.error() == Errc::kNotFound && durable::remembers(bus, options)) {
    BusOptions again = options;  // after a reboot it is there as long as the disk has something
    again.create = true;
    files = shm::BusFiles::open(bus, again);
  }
  if (!files) return Unexpected(files.error());
  auto context = std::make_shared<client::Context>(*files);
  context->queues.home().when_taken([bus = *files] {
    stream::drop_outdated(bus);
    queue::drop_outdated(bus);
  });
  auto member = client::Member::attach(std::move(context));
  if (!member) return Unexpected(member.error());
  return Bus(std::make_unique<Impl>(Impl{std::move(*member)}));
}

Result<Bus> Bus::clone() const {
  if (auto usable = check_not_forked(*impl_->member); !usable) return Unexpected(usable.error());
  auto member = client::Member::attach(impl_->member->context_pointer());
  if (!member) return Unexpected(member.error());
  return Bus(std::make_unique<Impl>(Impl{std::move(*member)}));
}

Result<std::vector<std::string>> Bus::list(const BusOptions& options) {
  const std::string path = shm::shm_directory(options);
  auto directory = sys::open_directory(path, false, 0);
  if (!directory) {
    if (directory.error() == Errc::kNotFound) return std::vector<std::string>{};
    return Unexpected(directory.error());
  }
  const auto found = sys::names_in(*directory);
  if (!found) return found;
  std::vector<std::string> names;
  for (const std::string& name : *found) {
    if (shm::is_valid_name(name) && is_bus_directory(path + "/" + name)) names.push_back(name);
  }
  return names;
}

Result<void> Bus::remove(std::string_view name, const BusOptions& options) {
  if (!shm::is_valid_name(name)) {
    return sys::error(Errc::kNotFound, "bus \"" + std::string(name) + "\"", "no such bus");
  }
  const std::string path = shm::shm_directory(options) + "/" + std::string(name);
  auto directory = sys::open_directory(path, false, 0);
  if (!directory) return Unexpected(directory.error());
  if (!is_bus_directory(path)) {
    return sys::error(Errc::kUnsafeFile, path, "holds files that no bus has: look what they are");
  }
  // With every liveness lock in hand nobody is attached, and nobody attaches until all is gone. A
  // bus file that cannot be opened has no participants.
  const auto file = sys::open_file(*directory, "bus");
  if (file && !sys::try_lock_bytes(*file, shm::kLivenessByte, shm::kParticipantsMax)) {
    return sys::error(Errc::kBusy, path,
                      who_is_attached(name, options) + " is attached: stop it first");
  }
  const std::string hidden = hidden_path(options) + std::to_string(sys::unique_id());
  if (::rename(path.c_str(), hidden.c_str()) != 0) {
    return sys::system_error("cannot remove", path, errno);
  }
  std::error_code failure;
  std::filesystem::remove_all(hidden, failure);
  if (failure) return sys::system_error("cannot remove", hidden, failure.value());
  remove_hidden(options);
  return {};
}

Result<Queue> Bus::queue(std::string_view name, const QueueSettings& settings, const Tags& tags) {
  constexpr int kTriesMax = 100;  // against another process that keeps deleting it
  if (auto checked = queue::check_limits(settings); !checked) return Unexpected(checked.error());
  if (auto checked = queue::check_tags(tags); !checked) return Unexpected(checked.error());
  if (auto usable = check(*impl_->member, name); !usable) return Unexpected(usable.error());
  const std::string wanted(name);
  client::Member& member = *impl_->member;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto opened = open_queue(name);
    if (opened) {
      if (const char* difference = queue::first_difference(settings, opened->settings())) {
        return sys::error(Errc::kExists, "queue \"" + wanted + "\"",
                          std::string("exists with another value of ") + difference);
      }
      return opened;
    }
    if (!(opened.error() == Errc::kNotFound)) return opened;
    if (settings.redrive) member.bring_back(settings.redrive->dead_letter_queue);
    if (auto checked = queue::check_redrive(member.context().queues, wanted,
                                            settings.fifo.value_or(false), settings);
        !checked) {
      return Unexpected(checked.error());
    }
    auto made = make_queue(member, wanted, settings, tags);
    if (!made && !(made.error() == Errc::kExists)) return Unexpected(made.error());
  }
  return sys::error(Errc::kBusy, "queue \"" + wanted + "\"", "others keep deleting it");
}

Result<Queue> Bus::open_queue(std::string_view name) {
  if (auto usable = check(*impl_->member, name); !usable) return Unexpected(usable.error());
  client::Member& member = *impl_->member;
  queue::QueueMappings& queues = member.context().queues;
  auto mapping = queues.open(std::string(name));
  if (mapping && (*mapping)->journal() != 0) {
    // Whose the disk is, is known now; had another bus had it, the queue would be gone from here.
    if (auto opened = queues.home().open(false); !opened) return Unexpected(opened.error());
    mapping = queues.open(std::string(name));
  }
  if (!mapping && mapping.error() == Errc::kNotFound) {
    if (auto here = client::recover_queue(member, std::string(name)); !here) {
      return Unexpected(here.error());
    }
    mapping = queues.open(std::string(name));
  }
  if (!mapping) return Unexpected(mapping.error());
  if ((*mapping)->header().state.load(std::memory_order_acquire) != 0) {
    client::delete_queue_files(member, **mapping);  // its deleter died half-way
    return sys::error(Errc::kNotFound, "queue \"" + std::string(name) + "\"", "it was deleted");
  }
  queue::finish_settings((*mapping)->header());  // their setter died half-way
  auto core = detail::QueueCore::open(member.membership(), std::move(*mapping));
  if (!core) return Unexpected(core.error());
  return Queue(std::move(*core));
}

Result<void> Bus::delete_queue(std::string_view name) {
  if (auto usable = check(*impl_->member, name); !usable) return usable;
  client::Member& member = *impl_->member;
  auto mapping = member.context().queues.open(std::string(name));
  if (!mapping) {
    const bool on_disk = member.context().queues.home().has(std::string(name));
    auto forgotten = client::forget_on_disk(member, std::string(name));
    if (!forgotten) return Unexpected(forgotten.error());
    if (on_disk && mapping.error() == Errc::kNotFound) return {};
    return delete_damaged(member, std::string(name), mapping.error());
  }
  if (!client::take_off_the_bus(member, **mapping)) {
    return sys::error(Errc::kNotFound, "queue \"" + std::string(name) + "\"", "deleted");
  }
  return check_forgotten(member, **mapping);
}

Result<std::vector<std::string>> Bus::queue_names(std::string_view prefix) const {
  if (auto usable = check_not_forked(*impl_->member); !usable) return Unexpected(usable.error());
  auto names = sys::names_in(impl_->member->files().queues());
  if (!names) return names;
  // Those that nobody has opened since shared memory was lost are there, too.
  for (std::string& name : impl_->member->context().queues.home().names()) {
    if (std::find(names->begin(), names->end(), name) == names->end()) {
      names->push_back(std::move(name));
    }
  }
  std::sort(names->begin(), names->end());
  std::erase_if(*names, [&](const std::string& name) { return !name.starts_with(prefix); });
  return names;
}

Bus::Swept Bus::sweep() {
  if (!check_not_forked(*impl_->member)) return {};
  Swept swept = impl_->member->sweep(true);
  swept.messages_moved = impl_->member->carry_on_tasks();
  client::tend_logs(*impl_->member);
  return swept;
}
const std::string& Bus::name() const noexcept { return impl_->member->files().name(); }
const std::string& Bus::directory() const noexcept { return impl_->member->files().path(); }
std::uint32_t Bus::participant_index() const noexcept { return impl_->member->me().index(); }

}  // namespace ringpost

namespace ringpost::client {

Result<std::shared_ptr<Member>> Member::attach(std::shared_ptr<Context> context) {
  auto me = shm::Participant::attach(context->files);
  if (!me) return Unexpected(me.error());
  std::shared_ptr<Member> member(new Member(std::move(context), std::move(*me)));
  if (member->me().heir_of()) {
    if (auto done = member->clear_up_inheritance(); !done) return Unexpected(done.error());
    member->me().begin_own_life();
  }
  return member;
}

bool take_off_the_bus(Member& member, queue::QueueMapping& mapping) {
  queue::QueueHeader& header = mapping.header();
  std::uint32_t open = 0;
  // [deleted] seq_cst: before anything is taken away, and before the sleepers are woken.
  const bool mine = header.state.compare_exchange_strong(
      open, static_cast<std::uint32_t>(queue::QueueState::kDeleted), std::memory_order_seq_cst);
  header.receivers.wake_all();
  header.senders.wake_all();
  delete_queue_files(member, mapping);
  return mine;
}

void Member::delete_queue(queue::QueueMapping& mapping) { take_off_the_bus(*this, mapping); }

void delete_queue_files(Member& member, queue::QueueMapping& mapping) {
  shm::BusFiles& files = member.files();
  queue::QueueHeader& header = mapping.header();
  // One at a time: the second sees that the name is gone, or is another queue's by now.
  auto file = sys::open_file(files.queues(), mapping.name());
  if (!file || !sys::try_lock_byte(*file, 0)) return;
  if (!sys::is_same_file(*file, mapping.file())) return;
  Result<sys::Fd> disk_lock{sys::Fd()};
  if (mapping.journal() != 0) {  // the disk first: else it would be recovered
    disk_lock = forget_on_disk(member, mapping.name());
    if (!disk_lock) return;
    journal::JournalFile::remove(files, mapping.journal());
  }
  const ring::Surroundings surroundings{header.senders, header.receivers, files.hazards(),
                                        member.arena(), files.fenced(),   files.moves()};
  const std::uint64_t oldest = header.oldest.load(std::memory_order_acquire);
  for (std::uint64_t n = oldest; n < oldest + queue::kChainEntries; ++n) {
    const std::uint64_t id = mapping.chain_id(n);
    if (id == queue::ChainEntry::kNone) break;
    if (id == queue::ChainEntry::kRetired) continue;
    if (auto mapped = mapping.ring(n)) {
      ring::Ring ring(mapped->view, surroundings);
      for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
        ring::discard(ring, slot, ring.view.slot(slot).publish.load(std::memory_order_acquire));
      }
    }
    sys::remove_name(files.rings(), queue::ring_file_name(id));
  }
  queue::remove_tags_file(mapping);
  sys::remove_name(files.queues(), mapping.name());
}

}  // namespace ringpost::client
