#include "log/verify.hpp"

#include <algorithm>
#include <cstring>

#include "log/recovery.hpp"

namespace ringpost::log {
namespace {

constexpr std::uint64_t kProgressBytes = 1u << 20;

bool are_zeros(ByteSpan bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

class Verifier {
 public:
  Verifier(disk::Directory& directory, const VerifyOptions& options)
      : directory_(directory), options_(options) {}

  Result<VerifyReport> run();

 private:
  Result<void> find_bounds();
  [[nodiscard]] std::uint64_t end_of_last();
  Result<void> check_segment(std::size_t number);
  Result<void> check_batches(const Segment& segment, std::uint64_t limit);
  Result<bool> pass_damage(BatchWalk& walk, const Segment& segment, std::uint64_t limit);
  void check_padding(const BatchWalk& walk, std::uint64_t offset);
  void check_header_copies(disk::File& file);
  void check_index(const Segment& segment);
  void report(Fault fault, std::uint64_t offset, Gap lost = {}) {
    report_.findings.push_back({fault, file_, offset, lost});
  }
  [[nodiscard]] bool goes_on();

  disk::Directory& directory_;
  const VerifyOptions& options_;
  LogFiles files_;
  std::vector<std::uint64_t> sizes_;  // of the segments
  VerifyReport report_;
  VerifyProgress progress_;
  std::uint64_t next_progress_ = kProgressBytes;
  std::uint64_t before_ = 0;  // bytes of the segments that are done
  std::string file_;
  std::vector<IndexEntry> batches_;  // of this segment
};

bool Verifier::goes_on() {
  progress_.records = report_.records;
  if (progress_.bytes_done < next_progress_) return true;
  next_progress_ = progress_.bytes_done + kProgressBytes;
  if (options_.on_progress && !options_.on_progress(progress_)) report_.was_stopped = true;
  return !report_.was_stopped;
}

std::uint64_t Verifier::end_of_last() {
  if (files_.segments.empty()) return 0;
  const std::uint64_t base = files_.segments.back();
  auto segment = open_segment(directory_, base, options_.log_id);
  if (!segment) return base;
  BatchWalk walk(*segment);
  for (auto step = walk.next(); step && *step == BatchWalk::Found::kBatch;) step = walk.next();
  return walk.end();
}

Result<void> Verifier::find_bounds() {
  auto files = list_files(directory_);
  if (!files) return Unexpected(files.error());
  files_ = std::move(*files);
  report_.end = options_.bound;
  if (options_.bound == UINT64_MAX) {
    LogOptions log;
    log.log_id = options_.log_id;
    auto found = examine(directory_, log, disk::Read::kCached);
    if (!found && !(found.error() == Errc::kDamaged)) return Unexpected(found.error());
    report_.end = found ? std::max(found->end, found->proven_end) : 0;
    const bool is_damaged = !found || found->proven_end > found->end;
    if (is_damaged) {
      // A segment without a header has no end of its own: then what comes before it counts.
      report_.end = std::max({report_.end, found ? found->seen_end : 0, end_of_last()});
    } else {
      for (const std::uint64_t base : found->discarded) std::erase(files_.segments, base);
      if (found->lost) std::erase(files_.segments, *found->lost);
    }
  }
  std::erase_if(files_.segments, [this](std::uint64_t base) { return base > report_.end; });
  for (const std::uint64_t base : files_.segments) {
    auto file = directory_.open(segment_name(base));
    sizes_.push_back(file ? (*file)->bytes() : 0);
    progress_.bytes_total += sizes_.back();
  }
  report_.first = files_.segments.empty() ? report_.end : files_.segments.front();
  return {};
}

Result<VerifyReport> Verifier::run() {
  if (auto found = find_bounds(); !found) return Unexpected(found.error());
  auto missing = missing_in_front(directory_, files_, options_.log_id);
  if (!missing) return Unexpected(missing.error());
  if (*missing) {
    file_ = segment_name((*missing)->from);
    report(Fault::kMissing, 0, **missing);
    report_.first = (*missing)->from;
  }
  for (std::size_t i = 0; i < files_.segments.size() && !report_.was_stopped; ++i) {
    if (auto checked = check_segment(i); !checked) return Unexpected(checked.error());
    before_ += sizes_[i];
    progress_.bytes_done = before_;
    static_cast<void>(goes_on());
  }
  return std::move(report_);
}

Result<void> Verifier::check_segment(std::size_t number) {
  const std::uint64_t base = files_.segments[number];
  const bool is_last = number + 1 == files_.segments.size();
  const std::uint64_t limit = is_last ? report_.end : files_.segments[number + 1];
  file_ = segment_name(base);
  auto segment = open_segment(directory_, base, options_.log_id);
  if (!segment && segment.error() == Errc::kNotFound) return {};  // dropped meanwhile
  if (!segment && segment.error() == Errc::kDamaged) {
    report(Fault::kHeader, 0, {base, limit});
    return {};
  }
  if (!segment && segment.error() == Errc::kSystem) {
    report(Fault::kUnreadable, 0, {base, limit});
    return {};
  }
  if (!segment) return Unexpected(segment.error());
  ++report_.segments;
  check_header_copies(*segment->file);
  if (auto checked = check_batches(*segment, limit); !checked) return checked;
  if (!report_.was_stopped) check_index(*segment);
  return {};
}

void Verifier::check_header_copies(disk::File& file) {
  const Buffer buffer(disk::kBlockBytes);
  auto got = file.read(0, {buffer.data(), disk::kBlockBytes});
  if (!got || *got != disk::kBlockBytes) return report(Fault::kUnreadable, 0);
  const ByteSpan block(buffer.data(), disk::kBlockBytes);
  std::uint64_t clean_from = 0;
  const auto header = parse_header(block, kSegmentMagic);
  for (const std::size_t offset : kHeaderOffsets) {
    const ByteSpan copy = block.subspan(offset, sizeof(SegmentHeader));
    const bool same = header && std::memcmp(copy.data(), &*header, copy.size()) == 0;
    const ByteSpan between = block.subspan(clean_from, offset - clean_from);
    if (!same || !are_zeros(between)) report(Fault::kHeaderCopy, offset);
    clean_from = offset + copy.size();
  }
  if (!are_zeros(block.subspan(clean_from))) report(Fault::kHeaderCopy, clean_from);
}

Result<void> Verifier::check_batches(const Segment& segment, std::uint64_t limit) {
  BatchWalk walk(segment);
  batches_.clear();
  while (walk.end() < limit && goes_on()) {
    const IndexEntry batch{walk.end(), walk.arrival_max(), walk.offset()};
    auto step = walk.next();
    if (step && *step == BatchWalk::Found::kBad) {  // or only the page cache is
      walk.read_directly();
      step = walk.next();
      walk.trust_cache();
    }
    if (!step) {
      report(Fault::kUnreadable, batch.offset, {batch.position, limit});
      return {};
    }
    if (*step == BatchWalk::Found::kBatch) {
      batches_.push_back(batch);
      ++report_.batches;
      report_.records += walk.header().records;
      if ((walk.header().flags & kBatchLost) != 0) {
        report_.salvaged.push_back({walk.header().base_position, walk.header().end_position});
      }
      check_padding(walk, batch.offset);
      progress_.bytes_done = before_ + walk.offset();
      continue;
    }
    auto passed = pass_damage(walk, segment, limit);
    if (!passed) return Unexpected(passed.error());
    if (!*passed) return {};
  }
  // Batches without records may follow, which say what was safe.
  while (!report_.was_stopped) {
    auto step = walk.next_header();
    if (!step || *step != BatchWalk::Found::kBatch || walk.end() != limit) break;
    ++report_.batches;
  }
  return {};
}

/// Reports what cannot be read from where the walk stands to the next whole batch, and takes the
/// walk there. False: there is none in this segment.
Result<bool> Verifier::pass_damage(BatchWalk& walk, const Segment& segment, std::uint64_t limit) {
  auto next = find_batch_behind(segment, walk.offset(), walk.end());
  const bool goes_on_here = next && *next && (*next)->base < limit;
  const std::uint64_t stop = goes_on_here ? (*next)->base : limit;
  auto reader = Reader::open(directory_, options_.log_id);
  if (!reader) return Unexpected(reader.error());
  (*reader)->seek(walk.end());
  bool has_found = false;
  for (;;) {
    const auto record = (*reader)->next(stop);
    if (record) {
      ++report_.records;
    } else if (record.error() == Errc::kDamaged) {
      has_found = true;
      report(Fault::kRecords, walk.offset(), (*reader)->gap());
      (*reader)->skip();
    } else if (record.error() != Errc::kLapped) {
      if (record.error() == Errc::kEmpty) break;
      report(Fault::kUnreadable, walk.offset(), {(*reader)->position(), stop});
      return false;
    }
  }
  if (!has_found) report(Fault::kRecords, walk.offset());  // a batch in which nothing was
  if (goes_on_here) walk.move_to((*next)->offset, (*next)->base, INT64_MIN);
  return goes_on_here;
}

void Verifier::check_padding(const BatchWalk& walk, std::uint64_t offset) {
  ByteSpan rest = walk.records();
  bool clean = true;
  for (std::uint32_t left = walk.header().records; left > 0; --left) {
    const auto record = RecordView::parse(rest);
    if (!record) return;
    const std::uint64_t bytes = record->header.bytes;
    clean &= are_zeros(rest.subspan(bytes, padded(bytes) - bytes));
    rest = rest.subspan(padded(bytes));
  }
  if (!clean || !are_zeros(rest)) report(Fault::kPadding, offset);
}

void Verifier::check_index(const Segment& segment) {
  const std::uint64_t offset = footer_offset(segment.header.segment_bytes);
  auto index = read_index(segment);
  if (!index) return report(Fault::kUnreadable, offset);
  if (*index) {
    const auto is_batch = [this](const IndexEntry& entry) {
      return std::any_of(batches_.begin(), batches_.end(), [&](const IndexEntry& batch) {
        return std::memcmp(&batch, &entry, sizeof entry) == 0;
      });
    };
    const auto& entries = (*index)->entries;
    const bool holds = std::all_of(entries.begin(), entries.end(), is_batch);
    // Where batches are missing the entries of these are right all the same.
    if (!holds && report_.is_whole()) report(Fault::kIndex, segment.batches_end());
    return;
  }
  // A segment whose writer died has none; one that has half of one has lost it.
  const Buffer block(disk::kBlockBytes);
  auto got = segment.file->read(offset, {block.data(), disk::kBlockBytes});
  if (!got) return report(Fault::kUnreadable, offset);
  SegmentFooter footer;
  std::memcpy(&footer, block.data(), sizeof footer);
  if (footer.epoch == segment.epoch()) report(Fault::kIndex, offset);
}

}  // namespace

const char* name(Fault fault) noexcept {
  switch (fault) {
    case Fault::kMissing:
      return "missing segment";
    case Fault::kHeader:
      return "header";
    case Fault::kHeaderCopy:
      return "copy of the header";
    case Fault::kRecords:
      return "records";
    case Fault::kPadding:
      return "padding";
    case Fault::kIndex:
      return "index";
    case Fault::kUnreadable:
      return "unreadable";
  }
  return "?";
}

Result<VerifyReport> verify(disk::Directory& directory, const VerifyOptions& options) {
  return Verifier(directory, options).run();
}

}  // namespace ringpost::log
