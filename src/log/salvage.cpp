#include "log/salvage.hpp"

#include <algorithm>
#include <utility>

#include "log/names.hpp"
#include "log/reader.hpp"
#include "log/recovery.hpp"
#include "log/segment_copy.hpp"
#include "sys/error.hpp"

namespace ringpost::log {
namespace {

constexpr std::string_view kDamagedPrefix = "damaged-";
constexpr std::string_view kCopyPrefix = "salvage-";

class Salvager {
 public:
  Salvager(disk::Directory& directory, const LogOptions& options) noexcept
      : directory_(directory), options_(options) {}

  Result<SalvageReport> run(std::function<bool(const VerifyProgress&)> on_progress);

 private:
  Result<void> put_names_back();
  Result<void> repair_header(std::uint64_t base);
  Result<void> rewrite(std::uint64_t base, std::uint64_t limit);
  Result<void> copy_records(SegmentCopy& copy, std::uint64_t base, std::uint64_t limit);
  Result<void> take_place(std::uint64_t base);
  [[nodiscard]] std::int64_t arrival_in_front_of(std::uint64_t base);

  disk::Directory& directory_;
  const LogOptions& options_;
  LogFiles files_;
  SalvageReport report_;
};

std::string damaged_name(std::uint64_t base) {
  return std::string(kDamagedPrefix) += segment_name(base);
}

/// After an earlier salvage that was killed.
Result<void> Salvager::put_names_back() {
  auto names = directory_.names();
  if (!names) return Unexpected(names.error());
  const auto is_there = [&](const std::string& name) {
    return std::binary_search(names->begin(), names->end(), name);
  };
  for (const std::string& name : *names) {
    if (name.starts_with(kCopyPrefix)) {
      if (auto gone = directory_.remove(name); !gone) return gone;
    }
    if (!name.starts_with(kDamagedPrefix)) continue;
    const std::string segment = name.substr(kDamagedPrefix.size());
    if (!parse_segment_name(segment) || is_there(segment)) continue;
    if (auto named = directory_.rename(name, segment); !named) return named;
  }
  return directory_.sync();
}

/// Of all records in front of that segment, as far as its neighbour can tell.
std::int64_t Salvager::arrival_in_front_of(std::uint64_t base) {
  const auto at = std::lower_bound(files_.segments.begin(), files_.segments.end(), base);
  if (at == files_.segments.begin()) return INT64_MIN;
  auto segment = open_segment(directory_, *std::prev(at), options_.log_id);
  if (!segment) return INT64_MIN;
  BatchWalk walk(*segment);
  for (auto step = walk.next_header(); step && *step == BatchWalk::Found::kBatch;) {
    step = walk.next_header();
  }
  return walk.arrival_max();
}

/// Both copies are bad: batches say of which incarnation they are. The block held nothing else.
Result<void> Salvager::repair_header(std::uint64_t base) {
  auto file = directory_.open(segment_name(base));
  if (!file) return Unexpected(file.error());
  const std::uint64_t bytes = (*file)->bytes();
  if (!is_segment_size(bytes)) return {};  // nothing of it can be believed
  Window window;
  window.attach(file->get());
  for (std::uint64_t at = kDataOffset; at < index_offset(bytes); at += disk::kBlockBytes) {
    auto block = window.at(at, disk::kBlockBytes);
    if (!block) return Unexpected(block.error());
    const auto batch = parse_any_batch(*block);
    if (!batch || batch->base_position < base) continue;
    SegmentHeader header{};
    header.version = kFormatVersion;
    header.magic = kSegmentMagic;
    header.segment_bytes = bytes;
    header.log_id = options_.log_id;
    header.epoch = batch->epoch;
    header.base_position = base;
    header.created_ns = static_cast<std::int64_t>(options_.time.wall_ns());
    header.arrival_max = arrival_in_front_of(base);
    header.durable_end = base;
    const Buffer first(disk::kBlockBytes);
    encode_header(header, {first.data(), disk::kBlockBytes});
    return (*file)->write(0, {first.data(), disk::kBlockBytes}, disk::Sync::kData);
  }
  return {};
}

Result<void> Salvager::copy_records(SegmentCopy& copy, std::uint64_t base, std::uint64_t limit) {
  auto reader = Reader::open(directory_, options_.log_id);
  if (!reader) return Unexpected(reader.error());
  (*reader)->seek(base);
  for (;;) {
    const auto record = (*reader)->next(limit);
    Result<void> added;
    if (record) {
      added = copy.add(*record);
      ++report_.records;
    } else if (record.error() == Errc::kDamaged || record.error() == Errc::kLapped) {
      const Gap gap{(*reader)->gap().from, std::min((*reader)->gap().to, limit)};
      added = copy.add_lost(gap.to);
      report_.lost.push_back(gap);
      (*reader)->skip();
    } else if (record.error() == Errc::kEmpty) {
      if ((*reader)->position() < limit) {  // there is no file at all
        report_.lost.push_back({(*reader)->position(), limit});
        if (auto lost = copy.add_lost(limit); !lost) return lost;
      }
      return copy.finish(limit);
    } else if (record.error() == Errc::kSystem) {
      return sys::system_error("cannot read", segment_name(base), (*reader)->sys_errno());
    } else {
      return sys::error(record.error(), segment_name(base), message(record.error()));
    }
    if (!added) return added;
  }
}

/// The damaged file goes aside first: if we die in between, put_names_back() finds it.
Result<void> Salvager::take_place(std::uint64_t base) {
  const std::string name = segment_name(base);
  if (std::binary_search(files_.segments.begin(), files_.segments.end(), base)) {
    if (auto named = directory_.rename(name, damaged_name(base)); !named) return named;
    if (auto synced = directory_.sync(); !synced) return synced;
  }
  auto named = directory_.rename(std::string(kCopyPrefix) + name, name);
  if (!named) return named;
  return directory_.sync();
}

Result<void> Salvager::rewrite(std::uint64_t base, std::uint64_t limit) {
  SegmentHeader header{};
  auto old = open_segment(directory_, base, options_.log_id);
  if (!old && old.error() == Errc::kDamaged) {
    if (auto repaired = repair_header(base); !repaired) return repaired;
    old = open_segment(directory_, base, options_.log_id);
  }
  if (old) header = old->header;
  if (!old && !(old.error() == Errc::kDamaged || old.error() == Errc::kNotFound)) {
    return Unexpected(old.error());
  }
  if (!old) {
    header.version = kFormatVersion;
    header.magic = kSegmentMagic;
    header.segment_bytes = options_.segment_bytes;
    header.log_id = options_.log_id;
    header.base_position = base;
    header.created_ns = static_cast<std::int64_t>(options_.time.wall_ns());
    header.arrival_max = arrival_in_front_of(base);
  }
  header.epoch = options_.new_epoch();
  header.durable_end = base;
  // A batch that is cut in two takes a block more, and so does one that says what is lost.
  header.segment_bytes += round_up_to_block(header.segment_bytes / 8 + 8 * disk::kBlockBytes);
  auto copy = SegmentCopy::begin(directory_, std::string(kCopyPrefix) + segment_name(base), header);
  if (!copy) return Unexpected(copy.error());
  if (auto copied = copy_records(**copy, base, limit); !copied) return copied;
  report_.rewritten.push_back(base);
  return take_place(base);
}

Result<SalvageReport> Salvager::run(std::function<bool(const VerifyProgress&)> on_progress) {
  if (auto back = put_names_back(); !back) return Unexpected(back.error());
  VerifyOptions how;
  how.log_id = options_.log_id;
  how.on_progress = std::move(on_progress);
  auto found = verify(directory_, how);
  if (!found) return Unexpected(found.error());
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  files_ = std::move(*files);
  report_.end = std::max(found->end, options_.acknowledged_end);
  if (found->was_stopped) return std::move(report_);
  std::vector<std::uint64_t> damaged;
  for (const Finding& finding : found->findings) {
    if (finding.fault == Fault::kIndex || finding.fault == Fault::kPadding) continue;
    if (const auto base = parse_segment_name(finding.file)) damaged.push_back(*base);
  }
  // What the caller knows to be missing at the end.
  if (report_.end > found->end) {
    damaged.push_back(files_.segments.empty() ? options_.first_position : files_.segments.back());
  }
  damaged.erase(std::unique(damaged.begin(), damaged.end()), damaged.end());
  for (const std::uint64_t base : damaged) {
    const auto next = std::upper_bound(files_.segments.begin(), files_.segments.end(), base);
    const std::uint64_t limit = next == files_.segments.end() ? report_.end : *next;
    if (auto done = rewrite(base, limit); !done) return Unexpected(done.error());
  }
  return std::move(report_);
}

}  // namespace

Result<SalvageReport> salvage(disk::Directory& directory, const LogOptions& options,
                              std::function<bool(const VerifyProgress&)> on_progress) {
  return Salvager(directory, options).run(std::move(on_progress));
}

}  // namespace ringpost::log
