#include <cstring>

#include "client/doctor.hpp"
#include "journal/journal_file.hpp"
#include "queue/setting_change.hpp"
#include "queue/settings.hpp"
#include "queue/tags.hpp"

namespace ringpost::client {

using queue::ChainEntry;

void Doctor::examine_queue(const std::string& name) {
  const std::string object = "queue " + name;
  auto mapping = member_.context().queues.open(name);
  if (!mapping) {
    if (mapping.error() == Errc::kNotFound) return;  // deleted meanwhile
    add(object, mapping.error().what,
        mapping.error() == Errc::kNewerFormat ? "use the newer version of Ringpost" : kRemoveBus);
    return;
  }
  ++report_.queues_checked;
  queue::QueueMapping& found = **mapping;
  const std::uint32_t state = found.header().state.load(std::memory_order_acquire);
  if (state == static_cast<std::uint32_t>(queue::QueueState::kDeleted)) {
    wait_between_looks();
    if (sys::open_file(member_.files().queues(), name)) add(object, "deleted, but only by half");
    return;
  }
  queue_names_.emplace(found.queue_id(), name);
  if (state != 0) add(object, "its state, " + std::to_string(state) + ", does not exist");
  examine_header(found, object);
  examine_stripes(found, object);
  if (const auto tags = queue::read_tags(found); !tags && tags.error().code != Errc::kBusy) {
    add(object, std::string("its tags cannot be read: ") + tags.error().what,
        "set them anew (ringpost queue tag)");
  }
  if (found.journal() != 0) examine_queue_log(found, object);
  examine_redrive(found, object);
  examine_tasks(found, object);
  examine_chain(*mapping, object);
}

/// Identity and settings.
void Doctor::examine_header(queue::QueueMapping& mapping, const std::string& object) {
  const queue::QueueHeader& header = mapping.header();
  char name[sizeof header.name + 1] = {};
  std::memcpy(name, header.name, sizeof header.name);
  if (object != std::string("queue ") + name) {
    add(object, "its header says that it is another queue", kDeleteQueue);
  }
  if (header.queue_id != mapping.queue_id() || header.stride != mapping.stride() ||
      header.slots != mapping.first_slots() || header.bytes_max != mapping.bytes_max() ||
      (header.fixed != 0) != mapping.fixed() || header.magic != queue::kQueueMagic ||
      header.format != queue::kQueueFormat) {
    add(object, "its header changed after the creation", kDeleteQueue);
    return;
  }
  const auto checked = queue::check_limits(queue::settings_in_force(header));
  if (!checked)
    add(object, std::string("setting ") + checked.error().what,
        "set it again (ringpost queue set)");
}

void Doctor::examine_queue_log(const queue::QueueMapping& queue, const std::string& object) {
  const auto file = journal::JournalFile::open(member_.files(), queue.journal());
  if (!file) {
    if (sys::open_file(member_.files().queues(), queue.name())) {
      add(object, file.error().what, kDeleteQueue);
    }
    return;
  }
  const std::uint32_t code = (*file)->view().hot().failed.load(std::memory_order_acquire);
  if (code == 0) return;
  add(object, std::string("its log failed: ") + std::strerror(static_cast<int>(code)),
      "look after the disk, then: ringpost log recover " + queue.name());
}

/// A stripe of counters belongs to a participant or to nobody.
void Doctor::examine_stripes(queue::QueueMapping& mapping, const std::string& object) {
  const auto judge = [&](std::uint32_t stripe) -> Verdict {
    const std::uint64_t owner = mapping.stripes()[stripe].owner.load(std::memory_order_acquire);
    if (owner == 0) return {};
    const bool possible = owner <= shm::kParticipantsMax;
    switch (possible ? roll_.standing(static_cast<std::uint32_t>(owner))
                     : Roll::Standing::kNobody) {
      case Roll::Standing::kAlive:
        return {};
      case Roll::Standing::kDead:
        return Complaint{"counters of participant " + std::to_string(owner) + ", who is dead", {}};
      case Roll::Standing::kNobody:
        break;
    }
    return Complaint{"counters of participant " + std::to_string(owner) + ", whom nobody knows",
                     "nothing is lost: fewer participants count without a locked operation"};
  };
  std::vector<std::uint32_t> suspects;
  for (std::uint32_t i = 0; i < queue::kStripes; ++i) {
    if (judge(i)) suspects.push_back(i);
  }
  look_again(suspects, judge);
  report(
      object, suspects, [&](std::uint32_t) { return object; }, judge);
}

/// The table of rings: entries oldest to write_ring name files, perhaps one beyond, others nothing.
void Doctor::examine_chain(const std::shared_ptr<queue::QueueMapping>& mapping,
                           const std::string& object) {
  const queue::QueueHeader& header = mapping->header();
  const std::uint64_t oldest = header.oldest.load(std::memory_order_acquire);
  const std::uint64_t newest = header.write_ring.load(std::memory_order_acquire);
  if (newest < oldest || newest - oldest >= queue::kChainEntries) {
    add(object,
        "its rings would be " + std::to_string(oldest) + " to " + std::to_string(newest) +
            ": the table has " + std::to_string(queue::kChainEntries) + " entries",
        kDeleteQueue);
    return;
  }
  const auto judge = [&](std::uint32_t index) { return judge_entry(*mapping, index); };
  std::vector<std::uint32_t> suspects;
  for (std::uint32_t i = 0; i < queue::kChainEntries; ++i) {
    if (judge(i)) suspects.push_back(i);
  }
  look_again(suspects, judge);
  report(
      object, suspects,
      [&](std::uint32_t index) { return object + ", entry " + std::to_string(index); }, judge);
  for (std::uint64_t n = oldest; n - oldest <= newest - oldest + 1; ++n) {
    auto mapped = mapping->ring(n);
    if (mapped == nullptr) continue;  // judged with its entry
    const KnownRing known{mapping, std::move(mapped)};
    rings_.emplace(known.mapped->ring_id, known);
    examine_ring(known);
  }
}

Verdict Doctor::judge_entry(queue::QueueMapping& mapping, std::uint32_t index) const {
  const queue::QueueHeader& header = mapping.header();
  const std::uint64_t oldest = header.oldest.load(std::memory_order_acquire);
  const base::Pair64 entry = header.chain[index].load();
  const std::uint64_t newest = header.write_ring.load(std::memory_order_acquire);
  const std::uint64_t number = entry.low;
  const std::string ring = "ring " + std::to_string(number);
  const bool in_use = number >= oldest && number - oldest <= newest - oldest;
  if (number % queue::kChainEntries != index && !(entry == base::Pair64{})) {
    return Complaint{ring + " has the wrong entry", kDeleteQueue};
  }
  if (entry.high == ChainEntry::kNone || entry.high == ChainEntry::kRetired) {
    const bool retired = entry.high == ChainEntry::kRetired;
    if (retired && number == oldest && oldest < newest) return {};  // whoever meets it moves on
    const std::uint64_t wanted = oldest + (index - oldest) % queue::kChainEntries;
    if (wanted - oldest <= newest - oldest) {
      return Complaint{"ring " + std::to_string(wanted) + " is missing", kDeleteQueue};
    }
    if (!retired || number < oldest) return {};
    return Complaint{ring + " is retired before an older one", kDeleteQueue};
  }
  if (!in_use && number != newest + 1) {
    return Complaint{ring + " is named, though the rings are " + std::to_string(oldest) + " to " +
                         std::to_string(newest),
                     kDeleteQueue};
  }
  if (mapping.ring(number) != nullptr) return {};
  const auto file = sys::open_file(member_.files().rings(), queue::ring_file_name(entry.high));
  return Complaint{file ? "the file of " + ring + " is damaged" : file.error().what, kDeleteQueue};
}

void Doctor::examine_ring(const KnownRing& known) {
  const ring::RingView& view = known.mapped->view;
  const base::TimeSource& time = member_.files().time();
  RingExam exam(
      {*known.mapped, known.queue->header(), member_.arena(), member_.files().hazards(), roll_});
  const std::string object =
      "queue " + known.queue->name() + ", ring " + std::to_string(known.mapped->number);
  const auto judge = [&](std::uint32_t slot) {
    return exam.judge(slot, time.precise_ns() / ring::kDeadlineUnitNs);
  };
  std::vector<std::uint32_t> suspects;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    if (judge(slot)) suspects.push_back(slot);
  }
  look_again(suspects, judge);
  report(
      object, suspects,
      [&](std::uint32_t slot) { return object + ", slot " + std::to_string(slot); }, judge);
  if (Verdict wrong = exam.judge_cursors()) add(object, std::move(*wrong));
  if (view.geometry().kind != ring::RingKind::kStandard) examine_groups(known, object);
  report_.slots_checked += view.slots();
}

}  // namespace ringpost::client
