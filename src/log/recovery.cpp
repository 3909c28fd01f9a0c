#include "log/recovery.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "sys/error.hpp"

namespace ringpost::log {
namespace {

/// What is said behind the end about the log as a whole.
struct Claims {
  std::uint64_t seen_end = 0;
  std::uint64_t durable_end = 0;
  bool begins_here = false;  // the first block has the header of the batch that is expected there
};

/// Looks at each block: where a batch that is not whole ends, nobody knows.
Result<Claims> claims_behind(const Segment& segment, std::uint64_t offset, std::uint64_t end) {
  Claims claims;
  Window window;
  window.attach(segment.file.get());
  for (std::uint64_t at = offset; at + disk::kBlockBytes <= segment.batches_end();
       at += disk::kBlockBytes) {
    auto block = window.at(at, disk::kBlockBytes);
    if (!block) return Unexpected(block.error());
    const auto header = parse_batch(*block, segment);
    if (!header) continue;
    claims.seen_end = std::max(claims.seen_end, header->end_position);
    claims.durable_end = std::max(claims.durable_end, header->durable_end);
    claims.begins_here |= at == offset && header->base_position == end;
  }
  auto footer = read_footer(segment);
  if (!footer) return Unexpected(footer.error());
  if (*footer) claims.durable_end = std::max(claims.durable_end, (*footer)->end_position);
  return claims;
}

Unexpected<Error> damaged(const std::string& where, std::uint64_t end, std::uint64_t proven) {
  char why[160];
  std::snprintf(why, sizeof why,
                "damaged: positions %" PRIu64 " to %" PRIu64
                " were acknowledged and cannot be read",
                end, proven);
  return sys::error(Errc::kDamaged, where, why);
}

}  // namespace

Result<Recovered> recover(disk::Directory& directory, const LogOptions& options) {
  auto files = list_files(directory);
  if (!files) return Unexpected(files.error());
  Recovered found;
  found.files = std::move(*files);
  found.end = found.seen_end = options.first_position;
  found.arrival_max = INT64_MIN;
  std::uint64_t proven = options.acknowledged_end;
  std::string where = directory.path();
  if (!found.files.segments.empty()) {
    const std::uint64_t base = found.files.segments.back();
    where += "/" + segment_name(base);
    auto segment = open_segment(directory, base, options.log_id);
    if (!segment) return Unexpected(segment.error());
    found.last = std::move(*segment);
    BatchWalk walk(*found.last);
    for (;;) {
      auto step = walk.next();
      if (!step) return Unexpected(step.error());
      if (*step != BatchWalk::Found::kBatch) break;
    }
    auto claims = claims_behind(*found.last, walk.offset(), walk.end());
    if (!claims) return Unexpected(claims.error());
    found.end = walk.end();
    found.data_end = walk.offset();
    found.arrival_max = walk.arrival_max();
    found.seen_end = std::max(found.end, claims->seen_end);
    found.is_torn = claims->begins_here;
    proven = std::max(proven, claims->durable_end);
  }
  // The header of a log's only segment says what was safe when nothing was in it: its base.
  if (proven > found.end) return damaged(where, found.end, proven);
  return found;
}

}  // namespace ringpost::log
