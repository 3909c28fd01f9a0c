#include "ringpost/bus.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "client/member.hpp"
#include "queue/settings.hpp"
#include "ring/settle.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost {

struct Bus::Impl {
  std::shared_ptr<client::Member> member;
};

Bus::Bus(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Bus::Bus(Bus&&) noexcept = default;
Bus& Bus::operator=(Bus&&) noexcept = default;
Bus::~Bus() = default;

Result<Bus> Bus::open(std::string_view name, const BusOptions& options) {
  auto files = shm::BusFiles::open(std::string(name), options);
  if (!files) return Unexpected(files.error());
  auto member = client::Member::attach(std::make_shared<client::Context>(std::move(*files)));
  if (!member) return Unexpected(member.error());
  return Bus(std::make_unique<Impl>(Impl{std::move(*member)}));
}

Result<Bus> Bus::clone() const {
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
  std::vector<std::string> names;
  for (const std::string& name : sys::names_in(*directory)) {
    struct stat status {};
    if (::stat((path + "/" + name + "/bus").c_str(), &status) == 0) names.push_back(name);
  }
  return names;
}

Result<void> Bus::remove(std::string_view name, const BusOptions& options) {
  BusOptions existing = options;
  existing.create = false;
  auto files = shm::BusFiles::open(std::string(name), existing);
  if (!files) return Unexpected(files.error());
  for (std::uint32_t index = 1; index < (*files)->participants_high(); ++index) {
    if (!shm::is_alive(**files, index)) continue;
    return sys::error(Errc::kBusy, (*files)->path(),
                      "process " + std::to_string((*files)->participant(index).pid) +
                          " is attached: stop it first");
  }
  // Out of sight first, so that nobody attaches to half a bus.
  const std::string hidden =
      shm::shm_directory(options) + "/.removed-" + std::to_string(sys::unique_id());
  if (::rename((*files)->path().c_str(), hidden.c_str()) != 0) {
    return sys::system_error("cannot remove", (*files)->path(), errno);
  }
  std::error_code failure;
  std::filesystem::remove_all(hidden, failure);
  if (failure) return sys::system_error("cannot remove", hidden, failure.value());
  return {};
}

Result<Queue> Bus::queue(std::string_view name, const QueueSettings& settings) {
  constexpr int kTriesMax = 100;  // against another process that keeps deleting it
  if (auto checked = queue::check_limits(settings); !checked) return Unexpected(checked.error());
  if (!shm::is_valid_name(name)) {
    return sys::error(Errc::kInvalidArgument, "queue name \"" + std::string(name) + "\"",
                      "use 1 to 80 of A-Z a-z 0-9 - _");
  }
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
    auto created =
        member.context().queues.create(member.me(), wanted, queue::with_defaults(settings));
    if (!created && !(created.error() == Errc::kExists)) return Unexpected(created.error());
  }
  return sys::error(Errc::kBusy, "queue \"" + wanted + "\"", "others keep deleting it");
}

Result<Queue> Bus::open_queue(std::string_view name) {
  if (!shm::is_valid_name(name)) {
    return sys::error(Errc::kInvalidArgument, "queue name \"" + std::string(name) + "\"",
                      "use 1 to 80 of A-Z a-z 0-9 - _");
  }
  client::Member& member = *impl_->member;
  auto mapping = member.context().queues.open(std::string(name));
  if (!mapping) return Unexpected(mapping.error());
  if ((*mapping)->header().state.load(std::memory_order_acquire) != 0) {
    client::delete_queue_files(member, **mapping);  // its deleter died half-way
    return sys::error(Errc::kNotFound, "queue \"" + std::string(name) + "\"", "it was deleted");
  }
  auto core = detail::QueueCore::open(member.membership(), std::move(*mapping));
  if (!core) return Unexpected(core.error());
  return Queue(std::move(*core));
}

Result<void> Bus::delete_queue(std::string_view name) {
  client::Member& member = *impl_->member;
  auto mapping = member.context().queues.open(std::string(name));
  if (!mapping) return Unexpected(mapping.error());
  queue::QueueHeader& header = (*mapping)->header();
  std::uint32_t open = 0;
  const bool mine = header.state.compare_exchange_strong(
      open, static_cast<std::uint32_t>(queue::QueueState::kDeleted), std::memory_order_seq_cst);
  header.receivers.wake_all();
  header.senders.wake_all();
  client::delete_queue_files(member, **mapping);
  if (!mine) return sys::error(Errc::kNotFound, "queue \"" + std::string(name) + "\"", "deleted");
  return {};
}

Result<std::vector<std::string>> Bus::queue_names(std::string_view prefix) const {
  std::vector<std::string> names = sys::names_in(impl_->member->files().queues());
  std::erase_if(names, [&](const std::string& name) { return !name.starts_with(prefix); });
  return names;
}

Bus::Swept Bus::sweep() { return impl_->member->sweep(true); }
const std::string& Bus::name() const noexcept { return impl_->member->files().name(); }
const std::string& Bus::directory() const noexcept { return impl_->member->files().path(); }
std::uint32_t Bus::participant_index() const noexcept { return impl_->member->me().index(); }

}  // namespace ringpost

namespace ringpost::client {

Result<std::shared_ptr<Member>> Member::attach(std::shared_ptr<Context> context) {
  auto me = shm::Participant::attach(context->files);
  if (!me) return Unexpected(me.error());
  std::shared_ptr<Member> member(new Member(std::move(context), std::move(*me)));
  if (const auto& before = member->me().heir_of()) {
    member->clear_up_after(*before);
    member->me().begin_own_life();
  }
  return member;
}

void delete_queue_files(Member& member, queue::QueueMapping& mapping) {
  shm::BusFiles& files = member.files();
  queue::QueueHeader& header = mapping.header();
  // One at a time: the second sees that the name is gone, or is another queue's by now.
  auto file = sys::open_file(files.queues(), mapping.name());
  if (!file || !sys::try_lock_byte(*file, 0)) return;
  if (!sys::is_same_file(*file, mapping.file())) return;
  const ring::Surroundings surroundings{header.senders, header.receivers, files.hazards(),
                                        member.arena(), files.fenced()};
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
  sys::remove_name(files.queues(), mapping.name());
}

}  // namespace ringpost::client
