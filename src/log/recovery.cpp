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
Result<void> add_claims(Claims& claims, const Segment& segment, std::uint64_t offset,
                        std::uint64_t end) {
  claims.durable_end = std::max(claims.durable_end, segment.header.durable_end);
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
  if (*footer) claims.durable_end = std::max(claims.durable_end, (*footer)->durable_end);
  return {};
}

Unexpected<Error> damaged(const std::string& where, std::uint64_t end, std::uint64_t proven) {
  char why[160];
  std::snprintf(why, sizeof why,
                "damaged: positions %" PRIu64 " to %" PRIu64
                " were acknowledged and cannot be read",
                end, proven);
  return sys::error(Errc::kDamaged, where, why);
}

/// The last segments, ascending: from the one in which everything before was safe.
struct Tail {
  std::vector<Segment> segments;
  std::vector<std::uint64_t> never_begun;
};
Result<Tail> open_tail(disk::Directory& directory, const std::vector<std::uint64_t>& bases,
                       std::uint64_t log_id) {
  Tail tail;
  for (auto base = bases.rbegin(); base != bases.rend(); ++base) {
    auto segment = open_segment(directory, *base, log_id);
    if (!segment && segment.error() == Errc::kNotFound) {
      tail.never_begun.push_back(*base);
      continue;
    }
    if (!segment) return Unexpected(segment.error());
    tail.segments.push_back(std::move(*segment));
    if (*base <= tail.segments.front().header.durable_end) break;
  }
  std::reverse(tail.segments.begin(), tail.segments.end());
  return tail;
}

}  // namespace

Result<Recovered> recover(disk::Directory& directory, const LogOptions& options) {
  auto files = list_files(directory);
  if (!files) return Unexpected(files.error());
  auto tail = open_tail(directory, files->segments, options.log_id);
  if (!tail) return Unexpected(tail.error());
  Recovered found;
  found.end = found.seen_end = options.first_position;
  found.arrival_max = INT64_MIN;
  found.discarded = std::move(tail->never_begun);
  std::string where = directory.path();
  Claims claims;
  bool has_ended = false;
  for (std::size_t i = 0; i < tail->segments.size(); ++i) {
    Segment& segment = tail->segments[i];
    const std::uint64_t base = segment.base();
    // What a dead writer still had under way may lie behind the end that his successor found.
    const bool is_newest = i + 1 == tail->segments.size();
    const std::uint64_t limit = is_newest ? UINT64_MAX : tail->segments[i + 1].base();
    has_ended |= found.last && base != found.end;
    if (has_ended) {
      found.discarded.push_back(base);
      if (auto added = add_claims(claims, segment, kDataOffset, UINT64_MAX); !added) {
        return Unexpected(added.error());
      }
      continue;
    }
    where = directory.path() + "/" + segment_name(base);
    BatchWalk walk(segment);
    while (walk.end() < limit) {
      auto step = walk.next();
      if (!step) return Unexpected(step.error());
      if (*step != BatchWalk::Found::kBatch) break;
    }
    if (walk.end() < limit) {
      if (auto added = add_claims(claims, segment, walk.offset(), walk.end()); !added) {
        return Unexpected(added.error());
      }
    }
    found.end = walk.end();
    found.data_end = walk.offset();
    found.arrival_max = walk.arrival_max();
    found.is_torn = claims.begins_here;
    found.unsafe.push_back(base);
    found.last = std::move(segment);
  }
  found.seen_end = std::max(found.end, claims.seen_end);
  std::sort(found.discarded.begin(), found.discarded.end());
  const std::uint64_t proven = std::max(claims.durable_end, options.acknowledged_end);
  if (proven > found.end) return damaged(where, found.end, proven);
  return found;
}

}  // namespace ringpost::log
