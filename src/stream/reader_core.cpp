#include "stream/reader_core.hpp"

#include <algorithm>
#include <cstring>

#include "base/unstable_read.hpp"
#include "journal/walk.hpp"
#include "stream/locate.hpp"
#include "sys/error.hpp"
#include "sys/futex.hpp"

namespace ringpost::detail {
namespace {

constexpr std::size_t kBlockBytes = 64u << 10;
constexpr std::uint32_t kLimitMax = 10'000;

/// Of bytes that a producer may be writing over: they count only if the ring says so afterwards.
RINGPOST_UNSTABLE_READ void copy_unstable(ByteSpan from, std::byte* to) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

RINGPOST_UNSTABLE_READ std::uint64_t load_big_endian(const std::byte* from) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<std::uint64_t>(from[i]);
  return value;
}

WallTime time_of(std::int64_t wall_ns) {
  return WallTime(
      std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(wall_ns)));
}

}  // namespace

void ShardReaderCore::move_to(std::uint64_t position, Follow follow) noexcept {
  follow_ = follow;
  position_ = position;
  last_arrival_ns_ = 0;
  last_in_ring_ = false;
  put_back_.reset();
  lost_.reset();
  // The ring wants the beginning of a record; the log takes any position.
  const bool in_log = stream_.has_log() && (shard_.journal == nullptr || position < extent().ring);
  source_ = in_log ? Source::kLog : Source::kRing;
}

Result<StreamRecord, Errc> ShardReaderCore::next(bool in_place) noexcept {
  in_place_ = in_place;
  if (const Errc code = stream_.begin(); code != Errc::kOk) return Unexpected(code);
  for (;;) {
    auto record = source_ == Source::kRing ? next_in_ring() : next_in_log();
    if (record || record.error() != Errc::kInterrupted) return record;  // from one to the other
  }
}

StreamRecord ShardReaderCore::give(const log::RecordHeader& header, ByteSpan bytes) noexcept {
  StreamRecord record;
  record.sequence = stream_.number_at(number_, header.position, header.arrival_ns);
  record.arrival = time_of(header.arrival_ns);
  const std::byte* at = bytes.data() + sizeof header;
  if ((header.flags & log::kHasHashKey) != 0) {
    record.explicit_hash_key = HashKey{load_big_endian(at), load_big_endian(at + 8)};
    at += log::kHashKeyBytes;
  }
  record.key = {reinterpret_cast<const char*>(at), header.key_bytes};
  record.data = {at + header.key_bytes, header.data_bytes};
  last_position_ = header.position;
  last_arrival_ns_ = header.arrival_ns;
  return record;
}

Result<StreamRecord, Errc> ShardReaderCore::next_in_ring() {
  const journal::Journal& journal = *shard_.journal;
  for (;;) {
    journal::Seen seen;
    const Errc code = journal.look(position_, seen);
    if (code == Errc::kLapped) {
      if (const Errc lapped = lapped_in_ring(); lapped != Errc::kOk) return Unexpected(lapped);
      continue;
    }
    if (code == Errc::kClosed) {
      position_ = seen.position;
      const Errc met = stream_.met_end(number_, seen.position);
      return Unexpected(met == Errc::kOk ? Errc::kClosed : met);
    }
    if (code == Errc::kEmpty && has_cleared_up(seen.position)) continue;
    if (code != Errc::kOk) return Unexpected(code);
    if (follow_ == Follow::kDurable && seen.position >= journal.durable()) {
      return Unexpected(Errc::kEmpty);
    }
    log::RecordHeader header;
    const bool good = journal::parse_record(seen.position, seen.bytes, header);
    const StreamRecord record = good ? give(header, seen.bytes) : StreamRecord{};
    if (!journal.still_there(seen.position)) {
      position_ = seen.position;
      continue;
    }
    if (!good) return Unexpected(Errc::kCorrupt);
    position_ = seen.next;
    if (header.kind != log::RecordKind::kStream || is_past_retention(header.arrival_ns)) continue;
    last_in_ring_ = true;
    return record;
  }
}

/// Nothing can be had. If that is because of a claim which has been there for a while, whoever made
/// it may be dead: then there may be more behind it. In most cases one more load.
bool ShardReaderCore::has_cleared_up(std::uint64_t position) noexcept {
  constexpr std::uint32_t kSightsAtLeast = 4;  // before the first look at the clock
  const journal::JournalView& view = shard_.journal->view();
  const auto is_claimed = [&] {
    return journal::look_at(view, position).kind == journal::Stop::Kind::kClaimed;
  };
  if (!is_claimed()) return false;
  if (position != obstacle_.position) obstacle_ = {position, 0, 0};
  if (++obstacle_.sights < kSightsAtLeast) return false;
  const std::uint64_t now = stream_.member().now_ns();
  if (obstacle_.sights == kSightsAtLeast) obstacle_.since_ns = now;
  if (now - obstacle_.since_ns < shm::kSleepSliceNs) return false;
  obstacle_ = {};
  stream_.member().clear_up();
  return !is_claimed();
}

/// kOk: look again.
Errc ShardReaderCore::lapped_in_ring() {
  if (stream_.has_log()) {
    source_ = Source::kLog;
    return Errc::kInterrupted;
  }
  std::uint64_t frontier = 0;
  const Errc code = shard_.journal->producer().frontier(frontier);
  if (code != Errc::kOk && code != Errc::kClosed) return code;
  const std::uint64_t to = stream::locate(shard_.journal->view(), position_, frontier);
  if (to == position_) return Errc::kOk;
  return lost(position_, to);
}

Errc ShardReaderCore::lost(std::uint64_t from, std::uint64_t to) {
  lost_ = LostRange{stream_.number_at(number_, from, last_arrival_ns_),
                    stream_.number_at(number_, to - 1, last_arrival_ns_)};
  position_ = to;
  stream_.count(stream::kLapped);
  return Errc::kLapped;
}

Errc ShardReaderCore::open_log() {
  if (log_ == nullptr) {
    auto directory = stream_.state()->shard(stream_.name(), number_);
    if (!directory) return directory.error().code;
    directory_ = std::move(*directory);
    auto opened = log::Reader::open(*directory_);
    if (!opened) return opened.error().code;
    log_ = std::move(*opened);
  }
  log_->in_place(in_place_);
  if (log_->position() != position_) log_->seek(position_);
  return Errc::kOk;
}

Result<StreamRecord, Errc> ShardReaderCore::next_in_log() {
  if (put_back_) {
    const StreamRecord record = *put_back_;
    put_back_.reset();
    position_ = log_->position();
    return record;
  }
  if (const Errc code = open_log(); code != Errc::kOk) return Unexpected(code);
  for (;;) {
    const StreamCore::Extent extent = this->extent();
    const auto record = position_ < extent.log
                            ? log_->next(extent.log)
                            : Result<log::RecordView, Errc>(Unexpected(Errc::kEmpty));
    if (record) {
      position_ = log_->position();
      if (record->header.kind == log::RecordKind::kEnd) {
        position_ = record->header.position;
        const Errc met = stream_.met_end(number_, position_);
        return Unexpected(met == Errc::kOk ? Errc::kClosed : met);
      }
      if (record->header.kind != log::RecordKind::kStream) continue;
      if (is_past_retention(record->header.arrival_ns)) continue;
      last_in_ring_ = false;
      return give(record->header, record->bytes);
    }
    if (record.error() == Errc::kEmpty) {
      position_ = std::max(position_, extent.ring);
      if (shard_.journal == nullptr) return Unexpected(Errc::kClosed);
      source_ = Source::kRing;
      return Unexpected(Errc::kInterrupted);
    }
    if (record.error() == Errc::kLapped) return Unexpected(lost(log_->gap().from, log_->gap().to));
    if (record.error() == Errc::kDamaged) {
      lost_ = LostRange{stream_.number_at(number_, log_->gap().from, 0),
                        stream_.number_at(number_, log_->gap().to - 1, 0)};
    }
    return Unexpected(record.error());
  }
}

void ShardReaderCore::skip() noexcept {
  if (log_ == nullptr) return;
  log_->skip();
  position_ = log_->position();
}

bool ShardReaderCore::intact() noexcept {
  if (!last_in_ring_ || shard_.journal->still_there(last_position_)) return true;
  position_ = last_position_;
  source_ = Source::kRing;
  return false;
}

void ShardReaderCore::put_back(const StreamRecord& record) noexcept {
  position_ = last_position_;
  if (!last_in_ring_) put_back_ = record;
}

/// False: it is gone meanwhile, and was put back.
bool ShardReaderCore::copy(const StreamRecord& record, Records& into, std::size_t& room) {
  const std::size_t bytes = record.key.size() + record.data.size();
  if (room < bytes || into.bytes_.empty()) {
    room = std::max(bytes, kBlockBytes);
    into.bytes_.push_back(std::make_unique<std::byte[]>(room));
    into.block_end_ = room;
  }
  std::byte* const at = into.bytes_.back().get() + (into.block_end_ - room);
  copy_unstable(as_bytes(record.key), at);
  copy_unstable(record.data, at + record.key.size());
  if (!intact()) return false;
  room -= bytes;
  StreamRecord& mine = into.records_.emplace_back(record);
  mine.key = {reinterpret_cast<const char*>(at), record.key.size()};
  mine.data = {at + record.key.size(), record.data.size()};
  return true;
}

Result<Records> ShardReaderCore::read(const ReadOptions& options) {
  const std::string object = ShardInfo::id_of(number_) + " of stream \"" + stream_.name() + "\"";
  if (options.limit < 1 || options.limit > kLimitMax) {
    return sys::error(Errc::kInvalidArgument, object, "limit must be 1 to 10,000");
  }
  if (options.wait > Duration::zero()) {
    ShardReaderCore* const me = this;
    const Errc code = wait_any({&me, 1}, options.wait);
    if (code != Errc::kOk && code != Errc::kTimedOut) {
      return sys::error(code, object, message(code));
    }
  }
  Records records;
  std::size_t room = 0;
  std::size_t bytes = 0;
  bool helped = false;
  while (records.size() < options.limit) {
    const auto record = next(false);  // it is copied anyhow
    if (!record) {
      const Errc code = record.error();
      if (code == Errc::kLapped) {
        records.lost_ = LostRange{records.lost_ ? records.lost_->first : lost_->first, lost_->last};
        continue;
      }
      if (code == Errc::kClosed) {
        auto children = this->children();
        if (!children) return Unexpected(children.error());
        records.children_ = std::move(*children);
        records.at_end_ = true;
      } else if (code == Errc::kEmpty && records.empty() && !helped) {
        helped = true;
        if (look_ahead(true) == Errc::kOk) continue;
      } else if (code != Errc::kEmpty && records.empty()) {
        return sys::error(code, object, message(code));
      }
      break;
    }
    const std::size_t more = record->key.size() + record->data.size();
    if (!records.empty() && bytes + more > options.bytes_max) {
      put_back(*record);
      break;
    }
    if (copy(*record, records, room)) bytes += more;
  }
  if (!records.empty()) {
    last_arrival_ns_ = std::chrono::duration_cast<std::chrono::nanoseconds>(
                           records.records_.back().arrival.time_since_epoch())
                           .count();
    stream_.count(stream::kRecordsRead, records.size());
    stream_.count(stream::kBytesRead, bytes);
  }
  records.behind_ = records.at_end_ ? Duration::zero() : behind_latest();
  return records;
}

/// Without moving. With `help` nothing is left for a writer that nobody is.
Errc ShardReaderCore::look_ahead(bool help) noexcept {
  if (const Errc code = stream_.begin(); code != Errc::kOk) return code;
  if (source_ == Source::kLog) {
    if (put_back_ || shard_.journal == nullptr || position_ < extent().ring) return Errc::kOk;
  }
  journal::Seen seen;
  const Errc code = shard_.journal->look(position_, seen);
  if (code != Errc::kOk) return code == Errc::kEmpty ? code : Errc::kOk;
  if (follow_ == Follow::kPublished || seen.position < shard_.journal->durable()) return Errc::kOk;
  if (!help) return Errc::kEmpty;
  // There is something, and nobody may be about to make it durable: then I do, for all.
  static_cast<void>(shard_.journal->wait_durable(seen.position, 0));
  return seen.position < shard_.journal->durable() ? Errc::kOk : Errc::kEmpty;
}

shm::WaitWord* ShardReaderCore::wait_word() noexcept {
  if (shard_.journal == nullptr) return nullptr;
  journal::JournalHot& hot = shard_.journal->view().hot();
  if (follow_ == Follow::kPublished) return &hot.published;
  journal::Seen seen;
  const bool published = shard_.journal->look(position_, seen) == Errc::kOk;
  return published ? &hot.settled : &hot.published;
}

Errc ShardReaderCore::wait_any(std::span<ShardReaderCore* const> readers, Duration wait) noexcept {
  if (readers.empty() || readers.size() > sys::kFutexWaitMax) return Errc::kInvalidArgument;
  const stream::Membership& member = readers.front()->stream_.member();
  const std::uint64_t begin = member.now_ns();
  const auto length = static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0));
  const std::uint64_t deadline =
      length > ~std::uint64_t{0} - begin ? ~std::uint64_t{0} : begin + length;
  for (;;) {
    std::array<sys::FutexAt, sys::kFutexWaitMax> words;
    std::size_t count = 0;
    bool changed = false;
    for (ShardReaderCore* const reader : readers) {
      shm::WaitWord* const word = reader->wait_word();
      if (word != nullptr) words[count++] = {&word->sequence, word->arm()};
      const Errc code = reader->look_ahead(true);
      if (code != Errc::kEmpty) return code;
      changed |= reader->wait_word() != word;  // by now it is durability that is waited for
    }
    if (changed) continue;
    const std::uint64_t now = member.now_ns();
    if (now >= deadline) return Errc::kTimedOut;
    const std::uint64_t slice = std::min(deadline - now, shm::kSleepSliceNs);
    if (count == 1) {
      sys::futex_wait(*words[0].word, words[0].expected, slice);
    } else if (!sys::futex_wait_any({words.data(), count}, slice)) {
      // This kernel cannot sleep on several: a short sleep, and another look.
      sys::futex_wait(*words[0].word, words[0].expected, std::min<std::uint64_t>(slice, 1'000'000));
    }
    member.clear_up();
  }
}

Duration ShardReaderCore::behind_latest() noexcept {
  if (last_arrival_ns_ == 0 || look_ahead(false) == Errc::kEmpty) return Duration::zero();
  journal::Seen seen;
  if (shard_.journal != nullptr && shard_.journal->look(position_, seen) == Errc::kClosed) {
    return Duration::zero();
  }
  const auto now = static_cast<std::int64_t>(stream_.member().wall_ns());
  return Duration(std::max<std::int64_t>(0, now - last_arrival_ns_));
}

}  // namespace ringpost::detail
