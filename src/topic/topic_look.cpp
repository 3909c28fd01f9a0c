#include "topic/topic_look.hpp"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <unordered_set>

#include "sys/file_lock.hpp"
#include "topic/log.hpp"
#include "topic/topic_file.hpp"

namespace ringpost::topic {
namespace {

/// Of ".<id>", the turn of a FIFO topic; 0: another file.
std::uint64_t topic_of_turn(const std::string& name) noexcept {
  std::uint64_t id = 0;
  if (!name.starts_with('.')) return 0;
  const auto read = std::from_chars(name.data() + 1, name.data() + name.size(), id);
  return read.ec == std::errc() && read.ptr == name.data() + name.size() ? id : 0;
}

}  // namespace

Result<TopicLook> look_at(const shm::BusFiles& bus, const std::string& name) {
  const auto file = sys::open_file(bus.topics(), name);
  if (!file) return Unexpected(file.error());
  const auto mapping = shm::map_checked(*file, bus.path() + "/topics/" + name, kTopicMagic,
                                        kTopicFormat, kLogOffset);
  if (!mapping) return Unexpected(mapping.error());
  const auto& header = *reinterpret_cast<const TopicHeader*>(mapping->data());
  TopicLook look;
  look.topic_id = header.topic_id;
  look.is_fifo = header.fifo != 0;
  look.header_name.assign(header.name, ::strnlen(header.name, sizeof header.name));
  look.state = header.state.load(std::memory_order_acquire);
  look.is_locked = sys::is_byte_locked(*file, kWriterByte);
  look.writer = header.writer.load(std::memory_order_relaxed);
  look.end = header.end.load(std::memory_order_acquire);  // [topic-log]
  look.is_damaged = look.end < kLogOffset || look.end > mapping->bytes();
  for (std::uint64_t at = kLogOffset; !look.is_damaged && at < look.end;) {
    const auto entry = read_record({mapping->data() + at, mapping->data() + look.end});
    look.is_damaged = !entry;
    if (!entry) break;
    if (entry->kind != RecordKind::kChangeable) look.subscriptions.apply(*entry);
    at += entry->bytes;
  }
  return look;
}

std::vector<std::uint64_t> turns_without_topic(const shm::BusFiles& bus) {
  std::vector<std::uint64_t> turns;
  std::error_code error;
  std::filesystem::directory_iterator each(bus.path() + "/topics", error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    if (const auto id = topic_of_turn(each->path().filename())) turns.push_back(id);
  }
  if (turns.empty()) return {};
  // After the turns: a topic is there before its turn is, and goes after it.
  const auto names = sys::names_in(bus.topics());
  if (!names) return {};
  std::unordered_set<std::uint64_t> topics;
  for (const std::string& name : *names) {
    const auto file = sys::open_file(bus.topics(), name);
    if (!file && file.error() == Errc::kNotFound) continue;
    TopicHeader header{};
    if (!file || !sys::read_front(*file, &header, sizeof header) || header.magic != kTopicMagic) {
      return {};  // who knows whose turns there are
    }
    topics.insert(header.topic_id);
  }
  std::erase_if(turns, [&](std::uint64_t id) { return topics.contains(id); });
  return turns;
}

std::uint64_t finish_for_the_dead(const std::shared_ptr<shm::BusFiles>& bus) {
  const auto names = sys::names_in(bus->topics());
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const auto file = sys::open_file(bus->topics(), name);
    TopicHeader header{};
    if (!file || !sys::read_front(*file, &header, sizeof header)) continue;
    if (header.magic != kTopicMagic || header.state.load() == 0) continue;
    static_cast<void>(TopicFile::open(bus, name));  // does it, unless somebody holds the lock
  }
  const auto turns = turns_without_topic(*bus);
  for (const std::uint64_t id : turns) Turn::remove(*bus, id);
  return turns.size();
}

}  // namespace ringpost::topic
