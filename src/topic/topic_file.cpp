#include "topic/topic_file.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::topic {
namespace {

constexpr std::size_t kReserveBytesMin = base::kPageBytes;
constexpr std::size_t kReserveStepMax = 1u << 20;
constexpr std::size_t kWorthReplacing = 16u << 10;  // bytes of log
constexpr std::size_t kUsualRecordBytes = 96;

/// Room for a log that ends at `end`, and for more. An empty one gets the rest of its page.
std::size_t file_bytes_for(std::size_t end) noexcept {
  if (end == kLogOffset) return base::round_up(end + 1, base::kPageBytes);
  const std::size_t more = std::clamp(end, kReserveBytesMin, kReserveStepMax);
  return base::round_up(end + more / 2, base::kPageBytes);
}

std::string object_of(const std::string& name) { return "topic \"" + name + "\""; }

Unexpected<Error> deleted(const std::string& name) {
  return sys::error(Errc::kDeleted, object_of(name), "it was deleted");
}

std::string text_of(const char* bytes, std::size_t most) { return {bytes, ::strnlen(bytes, most)}; }

/// Each file of a topic gives out numbers of its own: publishers may still be at the last one.
constexpr std::uint64_t first_number_after(std::uint64_t last) noexcept {
  return ((last >> 40) + 1) << 40;
}

/// A complete file of the topic in the bus's tmp directory, which gets its name by `publish`.
Result<void> make_file(const shm::Participant& creator, const TopicHeader& like,
                       const std::vector<std::byte>& records,
                       const std::function<Result<void>(const std::string&)>& publish) {
  shm::BusFiles& bus = creator.bus();
  const std::string temporary = creator.temporary_name();
  auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  const std::size_t end = kLogOffset + records.size();
  const std::size_t bytes = file_bytes_for(end);
  Result<void> done = sys::reserve(*file, bytes, temporary);
  if (done) {
    auto mapping = sys::Mapping::map(*file, bytes, temporary);
    if (mapping) {
      auto& header = *reinterpret_cast<TopicHeader*>(mapping->data());
      header.format = kTopicFormat;
      header.topic_id = like.topic_id;
      header.created_wall_ns = like.created_wall_ns;
      std::memcpy(header.name, like.name, sizeof header.name);
      std::memcpy(header.display_name, like.display_name, sizeof header.display_name);
      header.message_bytes_max = like.message_bytes_max;
      header.numbers.store(first_number_after(like.numbers.load(std::memory_order_relaxed)));
      header.fifo = like.fifo;
      header.dedup = like.dedup;
      header.dedup_scope = like.dedup_scope;
      header.dedup_window_ns = like.dedup_window_ns;
      header.dedup_entries = like.dedup_entries;
      for (std::uint32_t i = 0; i < kCounters; ++i) {
        header.stripes[kStripes - 1].counters[i].store(sum(like, static_cast<Counter>(i)));
      }
      std::copy(records.begin(), records.end(), mapping->data() + kLogOffset);
      header.end.store(end, std::memory_order_release);
      header.magic = kTopicMagic;
      done = publish(temporary);
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) sys::remove_name(bus.temporary(), temporary);
  return done;
}

}  // namespace

void TopicFile::begin_counting(const shm::Participant& me) {
  const auto is_dead = [this](std::uint64_t creator) {
    const std::uint64_t index = creator & shm::kParticipantsMax;
    if (index == 0 || index >= bus_->participants_max()) return true;
    const auto& word = bus_->participant(static_cast<std::uint32_t>(index)).entry;
    const shm::EntryWord entry{word.load(std::memory_order_acquire)};
    return !entry.live() || entry.incarnation() != creator >> 14;
  };
  counts_ = std::make_unique<shm::StripeOwner<PublisherCounts>>(header().stripes, kStripes,
                                                                me.creator_word(), is_dead);
}

std::uint64_t sum(const TopicHeader& header, Counter counter) noexcept {
  std::uint64_t all = 0;
  for (const PublisherCounts& each : header.stripes) {
    all += each.counters[counter].load(std::memory_order_relaxed);
  }
  return all;
}

Result<TopicFile> TopicFile::open(std::shared_ptr<shm::BusFiles> bus, const std::string& name) {
  TopicFile topic(std::move(bus), name);
  if (auto opened = topic.reopen(); !opened) return Unexpected(opened.error());
  topic.begin_log();
  return topic;
}

Result<TopicFile> TopicFile::create(const shm::Participant& creator, const std::string& name,
                                    const TopicSettings& settings, const Tags& tags) {
  TopicHeader like{};
  like.topic_id = sys::unique_id();
  like.created_wall_ns = creator.bus().time().wall_ns();
  like.message_bytes_max = *settings.message_bytes_max;
  like.fifo = *settings.fifo ? 1 : 0;
  like.dedup = static_cast<std::uint32_t>(*settings.dedup);
  like.dedup_scope = static_cast<std::uint32_t>(*settings.dedup_scope);
  like.dedup_window_ns = static_cast<std::uint64_t>(settings.dedup_window->count());
  like.dedup_entries = *settings.dedup_entries;
  std::memcpy(like.name, name.data(), std::min(name.size(), sizeof like.name - 1));
  std::memcpy(like.display_name, settings.display_name->data(),
              std::min(settings.display_name->size(), sizeof like.display_name - 1));
  const auto publish = [&](const std::string& temporary) {
    return sys::publish_name(creator.bus().temporary(), temporary, creator.bus().topics(), name);
  };
  std::vector<std::byte> records;
  if (!tags.empty() || !settings.delivery_policy->empty()) {
    write_changeable(
        {like.message_bytes_max, *settings.display_name, *settings.delivery_policy, tags}, records);
  }
  if (auto made = make_file(creator, like, records, publish); !made) {
    return Unexpected(made.error());
  }
  return open(creator.bus_pointer(), name);
}

/// The file that has the name now. One whose deleter died half-way is taken off the bus.
Result<void> TopicFile::reopen() {
  auto file = sys::open_file(bus_->topics(), name_);
  if (!file) {
    if (!(file.error() == Errc::kNotFound)) return Unexpected(file.error());
    return sys::error(Errc::kNotFound, object_of(name_), "no such topic on this bus");
  }
  file_ = std::move(*file);
  if (auto mapped = map(); !mapped) return mapped;
  const auto state = header().state.load(std::memory_order_acquire);
  if (state == static_cast<std::uint32_t>(TopicState::kDeleted)) {
    if (sys::try_lock_byte(file_, kWriterByte)) {
      if (has_the_name()) remove_names();
      sys::unlock_byte(file_, kWriterByte);
    }
    return sys::error(Errc::kNotFound, object_of(name_), "it was deleted");
  }
  if (state == static_cast<std::uint32_t>(TopicState::kReplaced) &&
      sys::try_lock_byte(file_, kWriterByte)) {
    const bool named = has_the_name();
    if (named) unmark();
    sys::unlock_byte(file_, kWriterByte);
    if (!named) return reopen();
  }
  return {};
}

/// The turn first: as long as the topic has its name somebody finds what is left to remove.
void TopicFile::remove_names() noexcept {
  if (is_fifo()) Turn::remove(*bus_, topic_id_);
  sys::remove_name(bus_->topics(), name_);
}

/// Of a FIFO topic. Whoever made the topic may have died before he made it. With the lock, so that
/// nobody deletes the topic meanwhile and leaves a turn without one.
Result<std::shared_ptr<Turn>> TopicFile::open_turn(const shm::Participant& me) {
  constexpr int kTriesMax = 100;  // against others that keep replacing the topic's file
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto turn = Turn::open(*bus_, topic_id_);
    if (turn || !(turn.error() == Errc::kNotFound)) return turn;
    const std::uint64_t id = topic_id_;
    if (auto locked = lock(); !locked) return Unexpected(locked.error());
    Result<void> made;
    if (header().state.load(std::memory_order_acquire) == 0 && has_the_name()) {
      made = Turn::make(me, id, dedup_ == Dedup::kOff ? 0 : header().dedup_entries,
                        header().dedup_window_ns);
    }
    sys::unlock_byte(file_, kWriterByte);
    if (!made) return Unexpected(made.error());
    if (header().state.load(std::memory_order_acquire) == 0) continue;
    if (auto opened = reopen(); !opened) return Unexpected(opened.error());
    if (topic_id_ != id) return deleted(name_);
  }
  return sys::error(Errc::kBusy, object_of(name_), "others keep replacing it");
}

/// By the only writer of the file that has the name: whoever meant to replace it has died.
void TopicFile::unmark() noexcept {
  auto replaced = static_cast<std::uint32_t>(TopicState::kReplaced);
  header().state.compare_exchange_strong(replaced, static_cast<std::uint32_t>(TopicState::kOpen));
}

Result<void> TopicFile::map() {
  auto mapping = shm::map_checked(file_, bus_->path() + "/topics/" + name_, kTopicMagic,
                                  kTopicFormat, kReserveBytesMin);
  if (!mapping) return Unexpected(mapping.error());
  counts_.reset();  // before what it points into
  mapping_ = std::move(*mapping);
  return check_header();
}

Result<void> TopicFile::check_header() {
  topic_id_ = header().topic_id;
  is_fifo_ = header().fifo != 0;
  dedup_ = static_cast<Dedup>(header().dedup);
  dedup_scope_ = static_cast<DedupScope>(header().dedup_scope);
  const std::uint32_t ids = header().dedup_entries;
  const std::uint64_t most = header().message_bytes_max;
  const bool sane = most >= 1024 && most <= 64u << 20 && dedup_ <= Dedup::kByContent &&
                    dedup_scope_ <= DedupScope::kGroup && ids >= 1 && ids <= dedup::kCapacityMax;
  if (sane) return {};
  return sys::error(Errc::kCorrupt, object_of(name_), "impossible limits");
}

TopicSettings TopicFile::settings() const {
  return {.message_bytes_max = changeable_.message_bytes_max,
          .display_name = changeable_.display_name,
          .delivery_policy = changeable_.delivery_policy,
          .fifo = is_fifo_,
          .dedup = dedup_,
          .dedup_scope = dedup_scope_,
          .dedup_window = Duration(static_cast<std::int64_t>(header().dedup_window_ns)),
          .dedup_entries = header().dedup_entries};
}

/// To read from its beginning: before it, what the header says holds.
void TopicFile::begin_log() {
  read_ = kLogOffset;
  changeable_ = {.message_bytes_max = header().message_bytes_max,
                 .display_name = text_of(header().display_name, sizeof header().display_name)};
}

/// Where the log ends, after mapping what has been added.
Result<std::uint64_t> TopicFile::mapped_end() {
  const std::uint64_t end = header().end.load(std::memory_order_acquire);  // [topic-log]
  if (end > mapping_.bytes()) {
    if (auto mapped = map(); !mapped) return Unexpected(mapped.error());
  }
  if (end >= kLogOffset && end <= mapping_.bytes()) return end;
  return sys::error(Errc::kCorrupt, object_of(name_), "its log ends outside its file");
}

Result<void> TopicFile::replay(LogReader& reader) {
  const auto state = header().state.load(std::memory_order_acquire);
  if (state == static_cast<std::uint32_t>(TopicState::kDeleted)) return deleted(name_);
  if (state != 0) {
    const sys::Fd before = std::move(file_);
    const std::uint64_t id = topic_id_;
    if (auto opened = reopen(); !opened) {
      return opened.error() == Errc::kNotFound ? deleted(name_) : opened;
    }
    if (topic_id_ != id) return deleted(name_);
    if (!sys::is_same_file(before, file_)) {
      begin_log();
      reader.begin_anew();
    }
  }
  const auto end = mapped_end();
  if (!end) return Unexpected(end.error());
  while (read_ < *end) {
    const auto entry = read_record({mapping_.data() + read_, mapping_.data() + *end});
    if (!entry) {
      return sys::error(Errc::kCorrupt, object_of(name_), "its list of subscriptions is damaged");
    }
    if (entry->topic) {
      changeable_ = *entry->topic;
    } else {
      reader.apply(*entry);
    }
    read_ += entry->bytes;
  }
  return {};
}

/// For the writer: waits for another one, who is at work for some microseconds unless it stands
/// still.
Result<void> TopicFile::lock() const {
  constexpr int kTriesMax = 2'000;
  constexpr timespec kBetween{0, 1'000'000};
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (sys::try_lock_byte(file_, kWriterByte)) return {};
    ::nanosleep(&kBetween, nullptr);
  }
  const std::int32_t pid = header().writer.load(std::memory_order_relaxed);
  return sys::error(Errc::kBusy, object_of(name_),
                    "process " + std::to_string(pid) + " is changing it and stands still");
}

bool TopicFile::has_the_name() const {
  const auto named = sys::open_file(bus_->topics(), name_);
  return named && sys::is_same_file(*named, file_);
}

Result<void> TopicFile::change(const shm::Participant& writer, LogReader& reader,
                               const Decide& decide) {
  constexpr int kTriesMax = 100;  // against others that keep replacing it
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (auto read = replay(reader); !read) return read;
    if (auto locked = lock(); !locked) return locked;
    if (has_the_name()) {
      unmark();
      auto changed = change_as_writer(writer, reader, decide);
      sys::unlock_byte(file_, kWriterByte);
      return changed ? replay(reader) : changed;
    }
    sys::unlock_byte(file_, kWriterByte);
    if (header().state.load(std::memory_order_acquire) == 0) return deleted(name_);
  }
  return sys::error(Errc::kBusy, object_of(name_), "others keep replacing it");
}

Result<void> TopicFile::change_as_writer(const shm::Participant& writer, LogReader& reader,
                                         const Decide& decide) {
  header().writer.store(::getpid(), std::memory_order_relaxed);
  if (auto read = replay(reader); !read) return read;
  auto decided = decide();
  if (!decided) return Unexpected(decided.error());
  std::vector<std::byte> records;
  for (const LogEntry& entry : *decided) write_record(entry, records);
  if (records.empty()) return {};
  if (auto appended = append(records); !appended) return appended;
  if (auto read = replay(reader); !read) return read;
  return replace_if_worth(writer, reader);
}

Result<void> TopicFile::append(const std::vector<std::byte>& records) {
  const auto end = mapped_end();
  if (!end) return Unexpected(end.error());
  if (*end + records.size() > mapping_.bytes()) {
    const std::size_t bytes = file_bytes_for(*end + records.size());
    if (auto reserved = sys::reserve(file_, bytes, object_of(name_)); !reserved) return reserved;
    if (auto mapped = map(); !mapped) return mapped;
  }
  std::memcpy(mapping_.data() + *end, records.data(), records.size());
  // [topic-log] release: whoever sees the new end sees the records.
  header().end.store(*end + records.size(), std::memory_order_release);
  return {};
}

/// Into a file with nothing but what holds, if most of this one is outdated: worth it when the log
/// has doubled since the last time that this was looked at.
Result<void> TopicFile::replace_if_worth(const shm::Participant& writer, const LogReader& reader) {
  const std::uint64_t log_bytes = header().end.load(std::memory_order_relaxed) - kLogOffset;
  const Subscriptions& all = reader.subscriptions();
  const std::uint64_t needed = std::max(kWorthReplacing, all.count() * kUsualRecordBytes);
  if (log_bytes < 4 * needed) return {};
  std::vector<std::byte> records;
  write_changeable(changeable_, records);
  for (Subscriptions::Place place = 0; place < all.places(); ++place) {
    if (all.at(place).id != 0) write_record({RecordKind::kSet, all.at(place), 0}, records);
  }
  if (records.size() > log_bytes / 2) return {};
  return make_file(writer, header(), records, [&](const std::string& temporary) -> Result<void> {
    // The mark first: whoever has the old file mapped looks at it and not at the name.
    header().state.store(static_cast<std::uint32_t>(TopicState::kReplaced));
    return sys::replace_name(bus_->temporary(), temporary, bus_->topics(), name_);
  });
}

Result<void> TopicFile::remove(const std::function<void()>& first) {
  constexpr int kTriesMax = 100;  // against others that keep replacing it
  const auto gone = sys::error(Errc::kNotFound, object_of(name_), "others have deleted it");
  const std::uint64_t id = topic_id_;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (auto locked = lock(); !locked) return locked;
    const bool mine = has_the_name();
    if (mine) {
      first();
      header().state.store(static_cast<std::uint32_t>(TopicState::kDeleted));
      remove_names();
    }
    sys::unlock_byte(file_, kWriterByte);
    if (mine) return {};
    const auto state = header().state.load(std::memory_order_acquire);
    if (state != static_cast<std::uint32_t>(TopicState::kReplaced)) return gone;
    if (auto opened = reopen(); !opened) return opened;
    if (topic_id_ != id) return gone;
  }
  return sys::error(Errc::kBusy, object_of(name_), "others keep replacing it");
}

Result<std::vector<std::string>> topic_names(const shm::BusFiles& bus) {
  return sys::names_in(bus.topics());
}

}  // namespace ringpost::topic
