#include "stream/sweep.hpp"

#include <charconv>
#include <unordered_map>
#include <unordered_set>

#include "journal/sweep.hpp"
#include "stream/life.hpp"
#include "stream/stream_core.hpp"

namespace ringpost::stream {
namespace {

std::uint64_t id_of(const std::string& name) {
  std::uint64_t id = 0;
  std::from_chars(name.data(), name.data() + name.size(), id);
  return id;
}

bool is_passing(const Error& error) noexcept {
  return error.code == Errc::kSystem || error.code == Errc::kNoSpace;
}

/// What the streams there are say of journals now.
struct Named {
  std::unordered_set<std::uint64_t> journals;
  std::unordered_map<std::uint64_t, std::uint32_t> shards;  ///< of each stream, by its id
};

/// Nothing if one cannot be read: who knows what it names.
std::optional<Named> look_at_names(const Membership& member) {
  Named named;
  const auto names = control_names(member.bus());
  if (!names) return std::nullopt;
  for (const std::string& name : *names) {
    auto control = ControlFile::open(member.me.bus_pointer(), name);
    if (!control && control.error() == Errc::kNotFound) continue;
    if (!control) return std::nullopt;
    const auto count = control->shards();
    if (!count) return std::nullopt;
    named.shards.emplace(control->stream_id(), *count);
    for (std::uint32_t number = 0; number < *count; ++number) {
      named.journals.insert(control->entry(number).journal.load(std::memory_order_acquire));
    }
  }
  return named;
}

}  // namespace

SweptStreams sweep_participant(shm::BusFiles& bus, std::uint16_t dead) {
  SweptStreams swept;
  const auto names = sys::names_in(bus.journals());
  if (!names) {
    swept.failure = names.error();
    return swept;
  }
  for (const std::string& name : *names) {
    const auto file = journal::JournalFile::open(bus, id_of(name));
    if (!file) {
      if (is_passing(file.error())) swept.failure = file.error();
      continue;
    }
    swept.claims_voided += journal::sweep_participant((*file)->view(), dead).claims_voided;
  }
  return swept;
}

std::uint64_t remove_orphans(const Membership& member, std::uint16_t dead) {
  const auto files = sys::names_in(member.bus().journals());
  if (!files || files->empty()) return 0;
  const journal::BusLiveness alive(member.me.bus_pointer());
  struct Journal {
    std::uint64_t id;
    std::uint64_t stream;
    std::uint32_t number;
    bool of_the_dead;
  };
  std::vector<Journal> journals;
  for (const std::string& name : *files) {
    const auto file = sys::open_file(member.bus().journals(), name);
    journal::JournalHeader header{};
    if (!file || !sys::read_front(*file, &header, sizeof header)) continue;
    if (header.magic != journal::kJournalMagic) continue;
    if (header.number == journal::kOfQueue) continue;  // client/orphans.hpp
    const bool of_the_dead = (header.creator & shm::kParticipantsMax) == dead;
    journals.push_back({id_of(name), header.owner_id, header.number,
                        of_the_dead || !alive.is_alive(header.creator)});
  }
  // After the looks at the makers: now it is final.
  const auto named = look_at_names(member);
  if (!named) return 0;
  std::uint64_t removed = 0;
  for (const Journal& each : journals) {
    if (named->journals.contains(each.id)) continue;
    // Its shard stands in the map, with another one or none: who let go of it died half-way.
    const auto shards = named->shards.find(each.stream);
    const bool let_go = shards != named->shards.end() && each.number < shards->second;
    if (!each.of_the_dead && !let_go) continue;
    journal::JournalFile::remove(member.bus(), each.id);
    ++removed;
  }
  return removed;
}

void tidy_up(const Membership& member) {
  const auto names = control_names(member.bus());
  if (!names) return;
  for (const std::string& name : *names) {
    auto control = open_stream(member, name);  // removes what was deleted half-way
    if (!control || control->is_being_changed()) continue;
    auto core = detail::StreamCore::open(member, std::move(*control));
    if (core) static_cast<void>((*core)->tidy_up());
  }
}

}  // namespace ringpost::stream
