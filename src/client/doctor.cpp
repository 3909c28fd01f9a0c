#include "client/doctor.hpp"

#include <chrono>
#include <thread>

#include "client/orphans.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::client {

Roll::Roll(shm::BusFiles& files)
    : files_(files), probe_(sys::open_file(files.directory(), "bus")) {}

Roll::Standing Roll::standing(std::uint32_t index) const {
  if (index == 0 || index >= files_.participants_max()) return Standing::kNobody;
  const auto& word = files_.participant(index).entry;
  if (!shm::EntryWord{word.load(std::memory_order_acquire)}.live()) return Standing::kNobody;
  const bool locked = !probe_ || sys::is_byte_locked(*probe_, shm::kLivenessByte + index);
  return locked ? Standing::kAlive : Standing::kDead;
}

bool Roll::is_moving(std::uint64_t block) const {
  for (std::uint32_t index = 1; index < files_.participants_high(); ++index) {
    const shm::MoveNote& note = files_.participant(index).move;
    if (!note.read().none() &&  // [moving]
        note.generation.load(std::memory_order_relaxed) != 0 &&
        note.block.load(std::memory_order_relaxed) == block) {
      return true;
    }
  }
  return false;
}

void wait_between_looks() { std::this_thread::sleep_for(std::chrono::milliseconds(4)); }

DoctorReport Doctor::examine() {
  examine_bus();
  examine_participants();
  const auto queues = sys::names_in(member_.files().queues());
  if (!queues) add("queues", queues.error().what, "give this process more descriptors or memory");
  for (const std::string& name : queues ? *queues : std::vector<std::string>()) {
    examine_queue(name);
  }
  examine_topics();
  examine_streams();
  examine_arena();
  count_waiting_deliveries();
  examine_files();
  return std::move(report_);
}

void Doctor::examine_bus() {
  const shm::BusFiles& files = member_.files();
  const shm::BusHeader& header = files.header();
  if (header.magic != shm::kBusMagic || header.format != shm::kBusFormat ||
      header.participants_max != files.participants_max() ||
      (header.fenced != 0) != files.fenced()) {
    add("bus file", "its header changed after the creation", kRemoveBus);
  }
  const std::uint32_t high = header.participants_high.load(std::memory_order_acquire);
  if (high == 0 || high > files.participants_max()) {
    add("bus file",
        "participants would end at " + std::to_string(high) + " of " +
            std::to_string(files.participants_max()),
        kRemoveBus);
  }
}

void Doctor::examine_participants() {
  std::vector<std::uint32_t> suspects;
  for (std::uint32_t index = 0; index < member_.files().participants_max(); ++index) {
    if (judge_participant(index)) suspects.push_back(index);
  }
  const auto judge = [&](std::uint32_t index) { return judge_participant(index); };
  look_again(suspects, judge);
  report(
      "participants", suspects,
      [](std::uint32_t index) { return "participant " + std::to_string(index); }, judge);
}

Verdict Doctor::judge_participant(std::uint32_t index) const {
  const shm::BusFiles& files = member_.files();
  const shm::ParticipantRecord& record = files.participant(index);
  const shm::EntryWord entry{record.entry.load(std::memory_order_acquire)};
  if (entry.live()) {
    if (index == 0) return Complaint{"entry 0 is in use, which means nobody", kRemoveBus};
    if (index >= files.participants_high()) {
      return Complaint{"it is attached, but beyond the end of those in use", kRemoveBus};
    }
    if (roll_.standing(index) != Roll::Standing::kDead) return {};
    return Complaint{"it died (process " + std::to_string(record.pid) + ") and was not swept yet",
                     {}};
  }
  if (!record.move.read().none()) {
    return Complaint{"nobody is attached here, but it moves a message", kRemoveBus};
  }
  for (const auto& hazard : record.hazards.entries) {
    if (hazard.load(std::memory_order_acquire) != 0) {
      return Complaint{"nobody is attached here, but it holds messages in place", kRemoveBus};
    }
  }
  return {};
}

void Doctor::examine_files() {
  FileIds known;
  for (const auto& [id, ring] : rings_) known.insert(id);
  const auto all = [&] { return find_orphans(member_, 0, known); };
  Orphans orphans = all();
  const auto add_all = [&](const char* folder, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      add(std::string("file ") + folder + "/" + name, "nobody uses it: its maker is gone");
    }
  };
  add_all("tmp", orphans.temporary);
  add_all("rings", orphans.rings);
  add_all("arena", orphans.arena);
  add_all("tags", orphans.tags);
  add_all("journals", orphans.journals);
}

void Doctor::add(std::string object, std::string what, std::string repair) {
  report_.findings.push_back({std::move(object), std::move(what), std::move(repair)});
}
void Doctor::add(std::string object, Complaint complaint) {
  add(std::move(object), std::move(complaint.what), std::move(complaint.repair));
}

}  // namespace ringpost::client
