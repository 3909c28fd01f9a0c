#include "log/dump.hpp"

#include <algorithm>
#include <string>

#include "log/names.hpp"

namespace ringpost::log {
namespace {

template <class Function, class... Arguments>
bool tell(const Function& function, const Arguments&... arguments) {
  return !function || function(arguments...);
}

/// False: the visitor has seen enough.
bool tell_records(const DumpVisitor& visitor, const BatchWalk& walk, std::uint64_t offset) {
  ByteSpan rest = walk.records();
  std::uint64_t at = offset + sizeof(BatchHeader);
  for (std::uint32_t left = walk.header().records; left > 0; --left) {
    const auto record = RecordView::parse(rest);
    if (!record) return true;
    if (!tell(visitor.on_record, at, *record)) return false;
    rest = rest.subspan(padded(record->bytes.size()));
    at += padded(record->bytes.size());
  }
  return true;
}

Result<bool> tell_segment(const DumpVisitor& visitor, const Segment& segment,
                          const std::string& name, std::uint64_t from, std::uint64_t to) {
  if (!tell(visitor.on_segment, name, segment.header)) return false;
  BatchWalk walk(segment);
  for (;;) {
    const std::uint64_t offset = walk.offset();
    auto step = walk.next();
    if (!step) return Unexpected(step.error());
    if (*step != BatchWalk::Found::kBatch) return tell(visitor.on_end, name, offset);
    const BatchHeader& header = walk.header();
    if (header.base_position >= to) return true;
    if (header.end_position <= from && header.end_position != header.base_position) continue;
    if (!tell(visitor.on_batch, offset, header)) return false;
    if (visitor.on_record && !tell_records(visitor, walk, offset)) return false;
  }
}

}  // namespace

Result<void> dump(disk::Directory& directory, std::uint64_t from, std::uint64_t to,
                  const DumpVisitor& visitor) {
  auto files = list_files(directory);
  if (!files) return Unexpected(files.error());
  const auto& segments = files->segments;
  auto at = std::upper_bound(segments.begin(), segments.end(), from);
  if (at != segments.begin()) --at;
  for (; at != segments.end() && *at < to; ++at) {
    const std::string name = segment_name(*at);
    auto segment = open_segment(directory, *at, 0);
    if (!segment && segment.error() == Errc::kSystem) return Unexpected(segment.error());
    Result<bool> more = true;
    if (!segment) {
      more = tell(visitor.on_end, name, std::uint64_t{0});
    } else {
      more = tell_segment(visitor, *segment, name, from, to);
    }
    if (!more) return Unexpected(more.error());
    if (!*more) break;
  }
  return {};
}

}  // namespace ringpost::log
