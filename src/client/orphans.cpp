#include "client/orphans.hpp"

#include <charconv>

#include "queue/tags.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::client {
namespace {

/// Asks the participants' table and the kernel whether whoever made a file is still at work.
class Makers {
 public:
  Makers(shm::BusFiles& files, std::uint32_t dead)
      : files_(files), dead_(dead), probe_(sys::open_file(files.directory(), "bus")) {}

  [[nodiscard]] bool may_work(std::uint64_t index, std::uint64_t incarnation) const {
    if (index == 0 || index >= files_.participants_max() || index == dead_) return false;
    const auto& word = files_.participant(static_cast<std::uint32_t>(index)).entry;
    const shm::EntryWord entry{word.load(std::memory_order_acquire)};
    if (!entry.live() || entry.incarnation() != incarnation) return false;
    return !probe_ || sys::is_byte_locked(*probe_, shm::kLivenessByte + index);
  }
  [[nodiscard]] bool may_work(std::uint64_t creator_word) const {
    return may_work(creator_word & shm::kParticipantsMax, creator_word >> 14);
  }

 private:
  shm::BusFiles& files_;
  std::uint32_t dead_;
  Result<sys::Fd> probe_;
};

bool read_number(std::string_view& text, std::uint64_t& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end == text.data() + text.size() || *end != '-') return false;
  text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
  return true;
}

/// "<participant>-<incarnation>-<id>", or a bus file, which its maker keeps locked.
bool is_left_over(const shm::BusFiles& files, const Makers& makers, const std::string& name) {
  std::string_view rest = name;
  std::uint64_t index = 0;
  std::uint64_t incarnation = 0;
  if (read_number(rest, index) && read_number(rest, incarnation)) {
    return !makers.may_work(index, incarnation);
  }
  if (!name.starts_with(shm::kBusFilePrefix)) return false;
  const auto file = sys::open_file(files.temporary(), name);
  return file && !sys::is_byte_locked(*file, 0);
}

/// The creator's word in a complete file of that kind; nothing if it is not one.
template <class Header>
std::optional<std::uint64_t> creator_of(const sys::Fd& directory, const std::string& name,
                                        std::uint64_t magic) {
  const auto file = sys::open_file(directory, name);
  Header header{};
  if (!file || !sys::read_front(*file, &header, sizeof header) || header.magic != magic) {
    return std::nullopt;
  }
  return header.creator;
}

std::vector<std::string> names_or_none(const sys::Fd& directory) {
  return sys::names_in(directory).value_or(std::vector<std::string>());
}

std::uint64_t id_of(const std::string& name) {
  std::uint64_t id = 0;
  std::from_chars(name.data(), name.data() + name.size(), id);
  return id;
}

/// Every file of rings, tags and journals that a queue names now. Nothing if one cannot be opened:
/// who knows what it names.
std::optional<FileIds> named_files(Member& member) {
  FileIds named;
  const auto queues = sys::names_in(member.files().queues());
  if (!queues) return std::nullopt;
  for (const std::string& name : *queues) {
    const auto mapping = member.context().queues.open(name);
    if (!mapping && mapping.error() == Errc::kNotFound) continue;
    if (!mapping) return std::nullopt;
    for (const base::Word128& entry : (*mapping)->header().chain) named.insert(entry.load().high);
    named.insert((*mapping)->header().tags.load());
    named.insert((*mapping)->journal());
  }
  return named;
}

}  // namespace

Orphans find_orphans(Member& member, std::uint32_t dead, const FileIds& known) {
  shm::BusFiles& files = member.files();
  const Makers makers(files, dead);
  Orphans orphans;
  for (const std::string& name : names_or_none(files.temporary())) {
    if (is_left_over(files, makers, name)) orphans.temporary.push_back(name);
  }
  for (const std::string& name : names_or_none(files.arena())) {
    const auto creator = creator_of<shm::SegmentHeader>(files.arena(), name, shm::kSegmentMagic);
    if (!creator || makers.may_work(*creator)) continue;
    if (!member.context().segments->names_file(name)) orphans.arena.push_back(name);
  }
  for (const std::string& name : names_or_none(files.rings())) {
    if (known.contains(id_of(name))) continue;
    const auto creator = creator_of<ring::RingHeader>(files.rings(), name, ring::kRingMagic);
    if (creator && !makers.may_work(*creator)) orphans.rings.push_back(name);
  }
  for (const std::string& name : names_or_none(files.tags())) {
    if (known.contains(id_of(name))) continue;
    const auto creator = creator_of<queue::TagsHeader>(files.tags(), name, queue::kTagsMagic);
    if (creator && !makers.may_work(*creator)) orphans.tags.push_back(name);
  }
  for (const std::string& name : names_or_none(files.journals())) {
    if (known.contains(id_of(name))) continue;
    const auto file = sys::open_file(files.journals(), name);
    journal::JournalHeader header{};
    if (!file || !sys::read_front(*file, &header, sizeof header)) continue;
    if (header.number != journal::kOfQueue || makers.may_work(header.creator)) continue;
    orphans.journals.push_back(name);
  }
  if (orphans.rings.empty() && orphans.tags.empty() && orphans.journals.empty()) return orphans;
  const auto named = named_files(member);  // after the looks at the makers: now it is final
  const auto is_named = [&](const std::string& name) {
    return !named || named->contains(id_of(name));
  };
  std::erase_if(orphans.rings, is_named);
  std::erase_if(orphans.tags, is_named);
  std::erase_if(orphans.journals, is_named);
  return orphans;
}

std::uint64_t remove_orphans(Member& member, std::uint32_t dead, const FileIds& known) {
  const Orphans orphans = find_orphans(member, dead, known);
  shm::BusFiles& files = member.files();
  for (const std::string& name : orphans.temporary) sys::remove_name(files.temporary(), name);
  for (const std::string& name : orphans.rings) sys::remove_name(files.rings(), name);
  for (const std::string& name : orphans.arena) sys::remove_name(files.arena(), name);
  for (const std::string& name : orphans.tags) sys::remove_name(files.tags(), name);
  for (const std::string& name : orphans.journals) sys::remove_name(files.journals(), name);
  return orphans.temporary.size() + orphans.rings.size() + orphans.arena.size() +
         orphans.tags.size() + orphans.journals.size();
}

}  // namespace ringpost::client
