#include "log/segment_store.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ringpost::log {
namespace {

std::string free_spare_name(const LogFiles& files) {
  std::uint64_t number = 0;
  std::string name = spare_name(number);
  while (std::find(files.spares.begin(), files.spares.end(), name) != files.spares.end()) {
    name = spare_name(++number);
  }
  return name;
}

/// Safe when it returns.
Result<void> write_spare_header(disk::File& file) {
  const Buffer block(disk::kBlockBytes);
  encode_spare({block.data(), disk::kBlockBytes});
  return file.write(0, {block.data(), disk::kBlockBytes}, disk::Sync::kData);
}

}  // namespace

Result<void> SegmentStore::noted(Result<void> synced) noexcept {
  if (!synced) sync_errno_ = synced.error().sys_errno != 0 ? synced.error().sys_errno : EIO;
  return synced;
}

Result<SegmentStore::Spare> SegmentStore::make_spare(LogFiles& files) {
  Spare spare{free_spare_name(files), nullptr};
  auto file = directory_.create(spare.name, options_.segment_bytes);
  if (!file) return Unexpected(file.error());
  spare.file = std::move(*file);
  if (auto written = write_spare_header(*spare.file); !written) {
    return Unexpected(written.error());
  }
  if (auto synced = noted(spare.file->sync()); !synced) return Unexpected(synced.error());
  if (auto synced = noted(directory_.sync()); !synced) return Unexpected(synced.error());
  return spare;
}

Result<SegmentStore::Spare> SegmentStore::take_spare(LogFiles& files) {
  while (!files.spares.empty()) {
    Spare spare{std::move(files.spares.back()), nullptr};
    files.spares.pop_back();
    auto file = directory_.open(spare.name);
    if (file && (*file)->bytes() == options_.segment_bytes && (*file)->try_reuse()) {
      spare.file = std::move(*file);
      if (std::erase(safe_spares_, spare.name) != 0) return spare;
      // Whoever made it a spare one, or a segment, may have died before he was done.
      auto written = write_spare_header(*spare.file);
      if (!written) return Unexpected(written.error());
      if (auto synced = noted(spare.file->sync()); !synced) return Unexpected(synced.error());
      return spare;
    }
    // Of another size since the options changed, or half made when the power went, or a reader has
    // still views of what it was: to that one it stays until it is closed.
    if (auto gone = directory_.remove(spare.name); !gone) return Unexpected(gone.error());
  }
  return make_spare(files);
}

Result<Segment> SegmentStore::begin(const SegmentHeader& header) {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  auto spare = take_spare(*files);
  if (!spare) return Unexpected(spare.error());
  const Buffer block(disk::kBlockBytes);
  encode_header(header, {block.data(), disk::kBlockBytes});
  // In place of an empty one it may be all that says how far the log had come.
  const bool replaces =
      std::binary_search(files->segments.begin(), files->segments.end(), header.base_position);
  const disk::Sync sync = replaces ? disk::Sync::kData : disk::Sync::kNone;
  auto written = spare->file->write(0, {block.data(), disk::kBlockBytes}, sync);
  if (!written) return Unexpected(written.error());
  auto named = directory_.rename(spare->name, segment_name(header.base_position));
  if (!named) return Unexpected(named.error());
  spare->file->end_reuse();  // who gets at it by an old name now finds another's header
  return Segment{std::move(spare->file), header, seed_of(header.epoch)};
}

Result<void> SegmentStore::discard(const std::vector<std::uint64_t>& segments) {
  for (auto base = segments.rbegin(); base != segments.rend(); ++base) {
    if (auto gone = directory_.remove(segment_name(*base)); !gone) return gone;
    if (auto synced = noted(directory_.sync()); !synced) return synced;
  }
  return {};
}

Result<void> SegmentStore::put_aside(std::uint64_t base) {
  if (auto named = directory_.rename(segment_name(base), lost_name(base)); !named) return named;
  return directory_.sync();
}

Result<void> SegmentStore::make_spares() {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  while (files->spares.size() < options_.spare_segments) {
    auto made = make_spare(*files);
    if (!made) return Unexpected(made.error());
    safe_spares_.push_back(made->name);
    files->spares.push_back(std::move(made->name));
  }
  return {};
}

Result<bool> SegmentStore::write_spare_ahead(std::size_t bytes) {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  for (const std::string& name : files->spares) {
    auto file = directory_.open(name);
    if (!file) return Unexpected(file.error());
    const std::uint64_t from = (*file)->written_end() / disk::kBlockBytes * disk::kBlockBytes;
    if (from == 0 || from >= (*file)->bytes()) continue;  // nobody knows, or all of it
    const std::size_t size = std::min<std::uint64_t>(bytes, (*file)->bytes() - from);
    const Buffer zeros = Buffer::of_zeros(size);
    auto written = (*file)->write(from, {zeros.data(), size}, disk::Sync::kNone);
    if (!written) return Unexpected(written.error());
    return true;
  }
  return false;
}

Result<std::size_t> SegmentStore::count_spares() {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  return files->spares.size();
}

Result<std::uint64_t> SegmentStore::drop_expired(const Retention& retention) {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  if (files->segments.empty()) return options_.first_position;
  std::size_t count = 0;
  while (count + 1 < files->segments.size()) {
    auto old = may_go(*files, count, retention);
    if (!old) return Unexpected(old.error());
    if (!*old) break;
    ++count;
  }
  const std::uint64_t first = files->segments[count];
  if (count == 0) return first;
  auto note = note_dropped(first, *files);
  const bool has_no_room = !note && note.error() == Errc::kNoSpace;  // then they make some
  if (!note && !has_no_room) return Unexpected(note.error());
  for (std::size_t i = 0; i < count; ++i) {
    if (auto done = drop(files->segments[i], *files); !done) return Unexpected(done.error());
  }
  if (has_no_room) note = note_dropped(first, *files);
  return note ? Result<std::uint64_t>(first) : Unexpected(note.error());
}

/// So that whatever else is missing in front is known to be lost. Safe when it returns.
Result<void> SegmentStore::note_dropped(std::uint64_t position, const LogFiles& files) {
  if (files.dropped && *files.dropped >= position) return {};
  const std::string name = dropped_name(position);
  if (files.dropped) {
    if (auto named = directory_.rename(dropped_name(*files.dropped), name); !named) return named;
  } else {
    auto made = directory_.create(name, 0);
    if (!made && !(made.error() == Errc::kExists)) return Unexpected(made.error());
  }
  return noted(directory_.sync());
}

Result<bool> SegmentStore::may_go(const LogFiles& files, std::size_t dropped,
                                  const Retention& retention) {
  const std::uint64_t bytes = (files.segments.size() - dropped) * options_.segment_bytes;
  if (retention.bytes_max != 0 && bytes > retention.bytes_max) return true;
  if (retention.oldest_ns == INT64_MIN) return false;
  auto behind = open_segment(directory_, files.segments[dropped + 1], options_.log_id);
  if (!behind) return Unexpected(behind.error());
  const SegmentHeader& header = behind->header;
  return std::min(header.arrival_max, header.created_ns) < retention.oldest_ns;
}

Result<bool> SegmentStore::is_reusable(std::uint64_t base) {
  auto segment = open_segment(directory_, base, options_.log_id);
  // A damaged one goes too when its time has come.
  if (!segment && segment.error() == Errc::kSystem) return Unexpected(segment.error());
  if (!segment || segment->header.segment_bytes != options_.segment_bytes) return false;
  // Whoever did not seal it died, and may still have writes under way to it.
  auto footer = read_footer(*segment);
  if (!footer) return Unexpected(footer.error());
  return footer->has_value();
}

Result<void> SegmentStore::drop(std::uint64_t base, LogFiles& files) {
  const std::string name = segment_name(base);
  bool reuse = files.spares.size() < options_.spare_segments;
  if (reuse) {
    auto reusable = is_reusable(base);
    if (!reusable) return Unexpected(reusable.error());
    reuse = *reusable;
  }
  std::string spare = free_spare_name(files);
  auto done = reuse ? directory_.rename(name, spare) : directory_.remove(name);
  if (!done) return done;
  // Each by itself: a hole among the segments would look like damage after a loss of power.
  if (auto synced = noted(directory_.sync()); !synced || !reuse) return synced;
  auto file = directory_.open(spare);
  if (!file) return Unexpected(file.error());
  (*file)->forget_cached();
  if (auto written = write_spare_header(**file); !written) return written;
  safe_spares_.push_back(spare);
  files.spares.push_back(std::move(spare));
  return {};
}

}  // namespace ringpost::log
