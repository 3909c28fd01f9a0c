#include "ringpost/admin.hpp"

#include <cstring>

#include "client/doctor.hpp"

namespace ringpost {
namespace {

/// Bytes of a peer, for a terminal.
std::string printable(const char* bytes, std::size_t most) {
  std::string text(bytes, ::strnlen(bytes, most));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::uint32_t messages_held(const shm::HazardRecord& record) noexcept {
  std::uint32_t held = 0;
  for (const auto& entry : record.entries) {
    if (entry.load(std::memory_order_relaxed) != 0) ++held;
  }
  return held;
}

}  // namespace

BusInfo inspect(const Bus& bus) {
  client::Member& member = client::Member::of(bus);
  shm::BusFiles& files = member.files();
  const client::Roll roll(files);
  BusInfo info;
  info.name = files.name();
  info.directory = files.path();
  info.format_version = shm::kBusFormat;
  info.participants_max = files.participants_max();
  for (std::uint32_t index = 1; index < files.participants_high(); ++index) {
    const auto standing = roll.standing(index);
    if (standing == client::Roll::Standing::kNobody) continue;
    const shm::ParticipantRecord& record = files.participant(index);
    const shm::EntryWord entry{record.entry.load(std::memory_order_acquire)};
    info.participants.push_back(
        {index, entry.incarnation(), record.pid, printable(record.command, sizeof record.command),
         standing == client::Roll::Standing::kAlive, messages_held(record.hazards)});
  }
  const shm::Arena::Usage usage = member.arena().usage();
  info.arena.bytes = member.context().segments->reserved_bytes();
  info.arena.bytes_used = usage.bytes_used;
  info.arena.bytes_max = files.header().arena_bytes_max;
  info.arena.blocks = usage.blocks;
  info.arena.blocks_used = usage.blocks_used;
  return info;
}

std::vector<std::string> durable_queues(const Bus& bus) {
  return client::Member::of(bus).context().queues.home().names();
}

DoctorReport examine(const Bus& bus) { return client::Doctor(client::Member::of(bus)).examine(); }

}  // namespace ringpost
