#include "log/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "log/recovery.hpp"

namespace ringpost::log {
namespace {

constexpr disk::Read kAttempts[] = {disk::Read::kCached, disk::Read::kDirect};

/// Of the batch that the walk has just passed: its first record that arrived so late.
std::uint64_t position_of_time(const BatchWalk& walk, std::int64_t arrival_ns) {
  ByteSpan rest = walk.records();
  for (std::uint32_t left = walk.header().records; left > 0; --left) {
    const auto record = RecordView::parse(rest);
    if (!record) break;
    if (record->header.arrival_ns >= arrival_ns) return record->header.position;
    rest = rest.subspan(padded(record->header.bytes));
  }
  return walk.header().end_position;
}

}  // namespace

namespace {

Result<std::optional<Gap>> gap_in_front(disk::Directory& directory, const LogFiles& files,
                                        std::uint64_t log_id) {
  if (files.segments.empty()) return std::optional<Gap>();
  const std::uint64_t front = files.segments.front();
  const std::uint64_t dropped = files.dropped.value_or(0);
  if (front <= dropped) return std::optional<Gap>();
  auto segment = open_segment(directory, front, log_id);
  if (!segment && segment.error() == Errc::kSystem) return Unexpected(segment.error());
  // One that cannot be opened is damaged itself, or dropped just now.
  if (!segment || segment->header.previous_epoch == 0) return std::optional<Gap>();
  return std::optional<Gap>({dropped, front});
}

}  // namespace

/// Looks twice: retention may be at it, and the names were not read in one instant.
Result<std::optional<Gap>> missing_in_front(disk::Directory& directory, const LogFiles& files,
                                            std::uint64_t log_id) {
  auto gap = gap_in_front(directory, files, log_id);
  if (!gap || !*gap) return gap;
  const auto again = list_files(directory);
  if (!again) return Unexpected(again.error());
  if (again->segments.empty() || again->segments.front() != (*gap)->to) {
    return std::optional<Gap>();  // whoever needs it looks again
  }
  return gap_in_front(directory, *again, log_id);
}

Result<std::optional<Gap>> missing_in_front(disk::Directory& directory, std::uint64_t log_id) {
  const auto files = list_files(directory);
  if (!files) return Unexpected(files.error());
  return missing_in_front(directory, *files, log_id);
}

Result<std::unique_ptr<Reader>> Reader::open(disk::Directory& directory, std::uint64_t log_id) {
  std::unique_ptr<Reader> reader(new Reader(directory, log_id));
  auto first = reader->first();
  if (!first) return Unexpected(first.error());
  reader->position_ = *first;
  return reader;
}

Result<void> Reader::list() {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  files_ = std::move(*files);
  return {};
}

Result<std::uint64_t> Reader::first() {
  if (auto listed = list(); !listed) return Unexpected(listed.error());
  return files_.segments.empty() ? 0 : files_.segments.front();
}

Result<std::uint64_t> Reader::find_end() {
  LogOptions options;
  options.log_id = log_id_;
  auto found = recover(directory_, options);
  if (!found) return Unexpected(found.error());
  return found->end;
}

void Reader::close_segment() noexcept {
  segment_ = {};
  window_.attach(nullptr);
  limit_ = UINT64_MAX;
  at_ = {};
}

void Reader::seek(std::uint64_t position) noexcept {
  close_segment();
  from_start_ = false;
  is_damaged_ = false;
  position_ = position;
}

std::uint64_t Reader::base_behind(std::uint64_t base) const noexcept {
  const auto behind = std::upper_bound(files_.segments.begin(), files_.segments.end(), base);
  return behind == files_.segments.end() ? UINT64_MAX : *behind;
}

/// Forgets segments that have their names, but were never begun, or were dropped meanwhile.
Result<std::uint64_t> Reader::begun_behind(std::uint64_t base) {
  for (;;) {
    const std::uint64_t behind = base_behind(base);
    if (behind == UINT64_MAX) return behind;
    auto segment = open_segment(directory_, behind, log_id_);
    if (segment || segment.error() == Errc::kDamaged) return behind;
    if (!(segment.error() == Errc::kNotFound)) return Unexpected(segment.error());
    std::erase(files_.segments, behind);
  }
}

Errc Reader::cannot_read(const Error& error) noexcept {
  sys_errno_ = error.sys_errno;
  const bool is_format = error == Errc::kWrongFormat || error == Errc::kNewerFormat;
  return is_format ? error.code : Errc::kSystem;
}

Errc Reader::lapped(std::uint64_t to) noexcept {
  gap_ = {position_, to};
  position_ = to;
  return Errc::kLapped;
}

Errc Reader::damaged(std::uint64_t to, std::optional<Place> behind) noexcept {
  gap_ = {position_, std::max(position_, to)};
  behind_damage_ = behind;
  is_damaged_ = true;
  return Errc::kDamaged;
}

void Reader::skip() noexcept {
  if (!is_damaged_) return;
  is_damaged_ = false;
  position_ = gap_.to;
  if (behind_damage_) {
    at_ = *behind_damage_;
  } else {
    close_segment();
  }
}

Result<RecordView, Errc> Reader::next_slowly(std::uint64_t bound) {
  for (;;) {
    Errc stopped = Errc::kOk;
    if (is_damaged_) return Unexpected(Errc::kDamaged);
    if (position_ >= bound) return Unexpected(Errc::kEmpty);
    if (segment_.file == nullptr) {
      stopped = enter_segment(bound);
    } else if (at_.records_left == 0) {
      stopped = enter_batch(bound);
    } else {
      auto record = read_record();
      if (record && record->header.position >= bound) {
        position_ = bound;
        return Unexpected(Errc::kEmpty);
      }
      if (record) {
        pass(record->header);
        if (record->header.position >= position_) {
          position_ = at_.floor;
          return *record;
        }
      } else {
        stopped = record.error() == Errc::kCorrupt ? explain(bound) : record.error();
      }
    }
    if (stopped != Errc::kOk) return Unexpected(stopped);
  }
}

/// kCorrupt: what is there does not verify, from the disk itself either.
Result<RecordView, Errc> Reader::read_record() {
  const std::uint64_t room = batch_.records_end - at_.offset;
  for (int attempt = -1; attempt < 2; ++attempt) {
    if (attempt >= 0) window_.forget(kAttempts[attempt]);
    auto front = window_.at(at_.offset, std::min<std::uint64_t>(sizeof(RecordHeader), room));
    if (!front) return Unexpected(cannot_read(front.error()));
    RecordHeader header{};
    if (front->size() < sizeof header) continue;
    std::memcpy(&header, front->data(), sizeof header);
    if (!is_well_formed(header)) continue;
    if (padded(header.bytes) > room) continue;
    auto whole = window_.at(at_.offset, header.bytes);
    if (!whole) return Unexpected(cannot_read(whole.error()));
    const auto record = verified_record(*whole, segment_.seed, at_.floor, batch_.end);
    window_.trust_cache();
    if (record) return *record;
  }
  window_.trust_cache();
  return Unexpected(Errc::kCorrupt);
}

Errc Reader::enter_batch(std::uint64_t bound) {
  position_ = std::max(position_, std::min(at_.floor, bound));
  if (position_ >= bound) return Errc::kOk;  // next() says that it is empty
  if (at_.floor >= limit_) {
    close_segment();
    return Errc::kOk;
  }
  if (at_.offset + disk::kBlockBytes > segment_.batches_end()) return explain(bound);
  for (int attempt = -1; attempt < 2; ++attempt) {
    if (attempt >= 0) window_.forget(kAttempts[attempt]);
    auto block = window_.at(at_.offset, sizeof(BatchHeader));
    if (!block) return cannot_read(block.error());
    const auto header = parse_batch(*block, segment_);
    if (!header || header->base_position != at_.floor) continue;
    const std::uint64_t bytes = batch_bytes(header->record_bytes);
    if (bytes > segment_.batches_end() - at_.offset) continue;
    window_.trust_cache();
    const std::uint64_t records = at_.offset + sizeof(BatchHeader);
    batch_ = {header->base_position, header->end_position, records + header->record_bytes,
              at_.offset + bytes};
    at_ = {records, header->base_position, header->records};
    if (header->records == 0) at_ = {batch_.batch_end, batch_.end, 0};
    const bool is_lost = (header->flags & kBatchLost) != 0 && position_ < batch_.end;
    return is_lost ? lapped(batch_.end) : Errc::kOk;
  }
  window_.trust_cache();
  return explain(bound);
}

Errc Reader::enter_segment(std::uint64_t bound) {
  constexpr int kTriesMax = 100;  // segments are dropped while we look, but not so many
  std::uint64_t missing = UINT64_MAX;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (auto listed = list(); !listed) return cannot_read(listed.error());
    std::erase(files_.segments, missing);  // its name is still there: it was never begun
    if (files_.segments.empty()) return Errc::kEmpty;
    const std::uint64_t front = files_.segments.front();
    if (position_ < front) {
      if (const Errc entered = enter_front(front); entered != Errc::kOk) return entered;
      if (position_ >= bound) return Errc::kOk;
    }
    const auto behind = std::upper_bound(files_.segments.begin(), files_.segments.end(), position_);
    auto segment = open_segment(directory_, *std::prev(behind), log_id_);
    if (!segment && segment.error() == Errc::kNotFound) {
      missing = *std::prev(behind);
      continue;
    }
    auto limit = begun_behind(*std::prev(behind));
    if (!limit) return cannot_read(limit.error());
    limit_ = *limit;
    if (!segment && segment.error() == Errc::kDamaged) {
      return damaged(std::min(limit_, bound), std::nullopt);
    }
    if (!segment) return cannot_read(segment.error());
    segment_ = std::move(*segment);
    window_.attach(segment_.file.get());
    from_start_ = false;
    const Errc found = find_batch();
    if (found != Errc::kOk) close_segment();
    return found;
  }
  sys_errno_ = ENOENT;
  return Errc::kSystem;
}

/// The position lies in front of all segments: they were dropped, or are missing.
Errc Reader::enter_front(std::uint64_t front) {
  auto missing = missing_in_front(directory_, files_, log_id_);
  if (!missing) return cannot_read(missing.error());
  if (*missing && position_ >= (*missing)->from) return damaged(front, std::nullopt);
  if (!from_start_) return lapped(*missing ? (*missing)->from : front);
  position_ = front;
  return Errc::kOk;
}

/// Stands in front of the batch that has position_, or where no batch can be read in front of it.
Errc Reader::find_batch() {
  at_ = {kDataOffset, segment_.base(), 0};
  if (position_ == segment_.base()) return Errc::kOk;
  BatchWalk walk(segment_);
  auto index = read_index(segment_);
  if (!index) return cannot_read(index.error());
  if (*index) {
    const auto& entries = (*index)->entries;
    const auto behind = std::upper_bound(
        entries.begin(), entries.end(), position_,
        [](std::uint64_t position, const IndexEntry& entry) { return position < entry.position; });
    if (behind != entries.begin()) {
      const IndexEntry& entry = *std::prev(behind);
      walk.move_to(entry.offset, entry.position, entry.arrival_max);
    }
  }
  for (;;) {
    at_ = {walk.offset(), walk.end(), 0};
    auto step = walk.next_header();
    if (!step) return cannot_read(step.error());
    if (*step == BatchWalk::Found::kBatch && walk.header().end_position > position_) break;
    if (*step == BatchWalk::Found::kBatch) continue;
    if (*step == BatchWalk::Found::kNoRoom) break;
    auto later = find_batch_behind(segment_, walk.offset(), walk.end());
    if (!later) return cannot_read(later.error());
    if (!*later || (*later)->base > position_) break;
    walk.move_to((*later)->offset, (*later)->base, INT64_MIN);
  }
  return Errc::kOk;
}

Result<bool> Reader::is_still_there() {
  if (auto listed = list(); !listed) return Unexpected(listed.error());
  const auto& segments = files_.segments;
  if (!std::binary_search(segments.begin(), segments.end(), segment_.base())) return false;
  auto now = open_segment(directory_, segment_.base(), log_id_);
  if (now) return now->epoch() == segment_.epoch();
  if (now.error() == Errc::kNotFound) return false;
  if (now.error() == Errc::kDamaged) return true;
  return Unexpected(now.error());
}

/// What comes next does not verify: the segment has ended, or it was dropped, or it is damaged.
Errc Reader::explain(std::uint64_t bound) {
  auto is_there = is_still_there();
  if (!is_there) return cannot_read(is_there.error());
  if (!*is_there) {
    close_segment();
    return Errc::kOk;
  }
  auto limit = begun_behind(segment_.base());
  if (!limit) return cannot_read(limit.error());
  limit_ = *limit;
  const std::uint64_t base = at_.records_left != 0 ? batch_.base : at_.floor;
  if (base >= limit_) {
    close_segment();
    return Errc::kOk;
  }
  return at_.records_left != 0 ? explain_record() : explain_batch(bound);
}

/// One record may be bad between good ones; if its length cannot be believed, the batch ends here.
Errc Reader::explain_record() {
  const Place next_batch{batch_.batch_end, batch_.end, 0};
  RecordHeader header{};
  const ByteSpan rest = window_.rest(at_.offset, batch_.records_end);
  if (!rest.empty()) std::memcpy(&header, rest.data(), std::min(rest.size(), sizeof header));
  const bool last = at_.records_left == 1;
  if (last || rest.size() < sizeof header || !is_well_formed(header)) {
    return damaged(batch_.end, next_batch);
  }
  const std::uint64_t offset = at_.offset + padded(header.bytes);
  if (offset >= batch_.records_end) return damaged(batch_.end, next_batch);
  auto behind = window_.at(offset, batch_.records_end - offset);
  if (!behind) return cannot_read(behind.error());
  const auto record = verified_record(*behind, segment_.seed, at_.floor, batch_.end);
  if (!record) return damaged(batch_.end, next_batch);
  const std::uint64_t position = record->header.position;
  return damaged(position, Place{offset, position, at_.records_left - 1});
}

Errc Reader::explain_batch(std::uint64_t bound) {
  auto later = find_batch_behind(segment_, at_.offset, at_.floor);
  if (!later) return cannot_read(later.error());
  if (*later && (*later)->base < limit_) {
    const Place behind{(*later)->offset, (*later)->base, 0};
    if (behind.floor > position_) return damaged(behind.floor, behind);
    at_ = behind;  // nothing was in it
    return Errc::kOk;
  }
  return damaged(std::min(limit_, bound), std::nullopt);
}

/// The last segment may have its name, but nothing else yet.
Result<void> Reader::forget_unbegun() {
  while (!files_.segments.empty()) {
    auto last = open_segment(directory_, files_.segments.back(), log_id_);
    if (last) return {};
    if (!(last.error() == Errc::kNotFound)) return Unexpected(last.error());
    files_.segments.pop_back();
  }
  return {};
}

Result<void> Reader::seek_time(std::int64_t arrival_ns, std::uint64_t bound) {
  if (auto listed = list(); !listed) return listed;
  if (auto begun = forget_unbegun(); !begun) return begun;
  // The last segment in front of which nothing is so late has it, or the first one.
  std::size_t low = 0;
  std::size_t high = files_.segments.size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    auto segment = open_segment(directory_, files_.segments[middle], log_id_);
    if (!segment && segment.error() == Errc::kNotFound) {  // dropped meanwhile
      low = middle;
      continue;
    }
    if (!segment) return Unexpected(segment.error());
    (segment->header.arrival_max < arrival_ns ? low : high) = middle;
  }
  if (files_.segments.empty()) {
    seek(bound);
    return {};
  }
  if (low == 0) {
    // It may be among those that are missing in front.
    auto missing = missing_in_front(directory_, files_, log_id_);
    if (!missing) return Unexpected(missing.error());
    auto front = *missing ? open_segment(directory_, files_.segments.front(), log_id_)
                          : Result<Segment>(Segment{});
    if (*missing && front && front->header.arrival_max >= arrival_ns) {
      seek(std::min((*missing)->from, bound));
      return {};
    }
  }
  auto position = place_of_time(files_.segments[low], arrival_ns, bound);
  if (!position) return Unexpected(position.error());
  seek(std::min(*position, bound));
  return {};
}

/// Within the segment that begins at `base`, or behind it.
Result<std::uint64_t> Reader::place_of_time(std::uint64_t base, std::int64_t arrival_ns,
                                            std::uint64_t bound) {
  auto segment = open_segment(directory_, base, log_id_);
  // Dropped meanwhile: whoever reads on learns it.
  if (!segment && segment.error() == Errc::kNotFound) return base;
  if (!segment) return Unexpected(segment.error());
  BatchWalk walk(*segment);
  auto index = read_index(*segment);
  if (!index) return Unexpected(index.error());
  if (*index) {
    for (const IndexEntry& entry : (*index)->entries) {
      if (entry.arrival_max >= arrival_ns) break;
      walk.move_to(entry.offset, entry.position, entry.arrival_max);
    }
  }
  while (walk.end() < bound) {
    const std::uint64_t offset = walk.offset();
    const std::uint64_t batch_base = walk.end();
    const std::int64_t arrival_max = walk.arrival_max();
    if (batch_base >= base_behind(base)) return place_of_time(base_behind(base), arrival_ns, bound);
    auto step = walk.next_header();
    if (!step) return Unexpected(step.error());
    if (*step != BatchWalk::Found::kBatch) {
      // The end of what this segment has, or damage: next() tells them apart.
      if (auto listed = list(); !listed) return Unexpected(listed.error());
      if (batch_base < base_behind(base)) return batch_base;
      continue;
    }
    if (walk.header().arrival_max < arrival_ns) continue;
    walk.move_to(offset, batch_base, arrival_max);
    step = walk.next();
    if (!step) return Unexpected(step.error());
    if (*step != BatchWalk::Found::kBatch) return batch_base;
    return position_of_time(walk, arrival_ns);
  }
  return bound;
}

}  // namespace ringpost::log
