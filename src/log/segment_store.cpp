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

}  // namespace

Result<void> SegmentStore::noted(Result<void> synced) noexcept {
  if (!synced) sync_errno_ = synced.error().sys_errno != 0 ? synced.error().sys_errno : EIO;
  return synced;
}

Result<std::string> SegmentStore::make_spare(LogFiles& files) {
  std::string name = free_spare_name(files);
  auto file = directory_.create(name, options_.segment_bytes);
  if (!file) return Unexpected(file.error());
  if (auto synced = noted((*file)->sync()); !synced) return Unexpected(synced.error());
  if (auto synced = noted(directory_.sync()); !synced) return Unexpected(synced.error());
  files.spares.push_back(name);
  return name;
}

Result<std::unique_ptr<disk::File>> SegmentStore::take_spare(LogFiles& files, std::string& name) {
  while (!files.spares.empty()) {
    name = std::move(files.spares.back());
    files.spares.pop_back();
    auto file = directory_.open(name);
    if (file && (*file)->bytes() == options_.segment_bytes && (*file)->try_reuse()) return file;
    // Of another size since the options changed, or half made when the power went, or a reader has
    // still views of what it was: to that one it stays until it is closed.
    if (auto gone = directory_.remove(name); !gone) return Unexpected(gone.error());
  }
  auto made = make_spare(files);
  if (!made) return Unexpected(made.error());
  name = std::move(*made);
  return directory_.open(name);
}

Result<Segment> SegmentStore::begin(const SegmentHeader& header) {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  std::string name;
  auto file = take_spare(*files, name);
  if (!file) return Unexpected(file.error());
  const Buffer block(disk::kBlockBytes);
  encode_header(header, {block.data(), disk::kBlockBytes});
  auto written = (*file)->write(0, {block.data(), disk::kBlockBytes}, disk::Sync::kData);
  if (!written) return Unexpected(written.error());
  auto named = directory_.rename(name, segment_name(header.base_position));
  if (!named) return Unexpected(named.error());
  if (auto synced = noted(directory_.sync()); !synced) return Unexpected(synced.error());
  (*file)->end_reuse();  // who finds an old name only now finds that the header is another's
  return Segment{std::move(*file), header, seed_of(header.epoch)};
}

Result<void> SegmentStore::make_spares() {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  while (files->spares.size() < options_.spare_segments) {
    if (auto made = make_spare(*files); !made) return Unexpected(made.error());
  }
  return {};
}

Result<std::size_t> SegmentStore::count_spares() {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  return files->spares.size();
}

Result<std::uint64_t> SegmentStore::drop_expired(const Retention& retention) {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  std::size_t dropped = 0;
  while (dropped + 1 < files->segments.size()) {
    auto old = may_go(*files, dropped, retention);
    if (!old) return Unexpected(old.error());
    if (!*old) break;
    if (auto done = drop(files->segments[dropped], *files); !done) {
      return Unexpected(done.error());
    }
    ++dropped;
  }
  return files->segments.empty() ? options_.first_position : files->segments[dropped];
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
  if (reuse) {
    std::string spare = free_spare_name(files);
    if (auto done = directory_.rename(name, spare); !done) return done;
    files.spares.push_back(std::move(spare));
  } else {
    if (auto done = directory_.remove(name); !done) return done;
  }
  // Each by itself: a hole among the segments would look like damage after a loss of power.
  return noted(directory_.sync());
}

}  // namespace ringpost::log
