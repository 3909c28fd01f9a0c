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
                        std::uint64_t end, disk::Read how) {
  claims.durable_end = std::max(claims.durable_end, segment.header.durable_end);
  Window window;
  window.attach(segment.file.get());
  window.forget(how);
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

/// A file without a header: what batches in it say that cannot be older than its name.
Result<void> add_claims_of_lost(Claims& claims, disk::Directory& directory, std::uint64_t base,
                                disk::Read how) {
  auto file = directory.open(segment_name(base));
  if (!file) return Unexpected(file.error());
  Window window;
  window.attach(file->get());
  window.forget(how);
  const std::uint64_t bytes = (*file)->bytes();
  for (std::uint64_t at = kDataOffset; at + disk::kBlockBytes <= bytes; at += disk::kBlockBytes) {
    auto block = window.at(at, disk::kBlockBytes);
    if (!block) return Unexpected(block.error());
    const auto header = parse_any_batch(*block);
    if (!header || header->base_position < base) continue;
    claims.seen_end = std::max(claims.seen_end, header->end_position);
    claims.durable_end = std::max(claims.durable_end, header->durable_end);
  }
  return {};
}

/// Neither of a segment nor of a spare.
Result<bool> has_no_header(disk::Directory& directory, std::uint64_t base) {
  auto file = directory.open(segment_name(base));
  if (!file) return Unexpected(file.error());
  const Buffer buffer(disk::kBlockBytes);
  auto got = (*file)->read(0, {buffer.data(), disk::kBlockBytes}, disk::Read::kDirect);
  if (!got) return Unexpected(got.error());
  const ByteSpan block(buffer.data(), *got);
  return *got == disk::kBlockBytes && !parse_header(block, kSegmentMagic) &&
         !parse_header(block, kSpareMagic);
}

/// The last segments, ascending: from the one in which everything before was safe.
struct Tail {
  std::vector<Segment> segments;
  std::vector<std::uint64_t> never_begun;
  std::optional<std::uint64_t> lost;
};
Result<Tail> open_tail(disk::Directory& directory, const std::vector<std::uint64_t>& bases,
                       std::uint64_t log_id, disk::Read how) {
  Tail tail;
  for (auto base = bases.rbegin(); base != bases.rend(); ++base) {
    auto segment = open_segment(directory, *base, log_id, how);
    if (!segment && segment.error() == Errc::kNotFound) {
      tail.never_begun.push_back(*base);
      continue;
    }
    // Only of the last one the header may have been under way when the power went.
    if (!segment && segment.error() == Errc::kDamaged && base == bases.rbegin()) {
      auto lost = has_no_header(directory, *base);
      if (!lost) return Unexpected(lost.error());
      if (*lost) {
        tail.lost = *base;
        continue;
      }
    }
    if (!segment) return Unexpected(segment.error());
    tail.segments.push_back(std::move(*segment));
    if (*base <= tail.segments.front().header.durable_end) break;
  }
  std::reverse(tail.segments.begin(), tail.segments.end());
  return tail;
}

/// Takes the log as far as this segment is whole, or to `limit`, where the next one begins.
Result<void> go_through(Recovered& found, Claims& claims, Segment segment, std::uint64_t limit,
                        disk::Read how) {
  BatchWalk walk(segment);
  if (how == disk::Read::kDirect) walk.read_directly();
  while (walk.end() < limit) {
    auto step = walk.next();
    if (!step) return Unexpected(step.error());
    if (*step != BatchWalk::Found::kBatch) break;
  }
  claims.begins_here = false;
  if (walk.end() < limit) {
    auto added = add_claims(claims, segment, walk.offset(), walk.end(), how);
    if (!added) return added;
  }
  found.end = walk.end();
  found.data_end = walk.offset();
  found.arrival_max = walk.arrival_max();
  found.is_torn = claims.begins_here;
  found.unsafe.push_back(segment.base());
  found.last = std::move(segment);
  return {};
}

}  // namespace

Result<Recovered> examine(disk::Directory& directory, const LogOptions& options, disk::Read how) {
  auto files = list_files(directory);
  if (!files) return Unexpected(files.error());
  auto tail = open_tail(directory, files->segments, options.log_id, how);
  if (!tail) return Unexpected(tail.error());
  Recovered found;
  found.end = options.first_position;
  found.arrival_max = INT64_MIN;
  found.discarded = std::move(tail->never_begun);
  found.lost = tail->lost;
  Claims claims{0, options.acknowledged_end, false};
  if (found.lost) {
    auto added = add_claims_of_lost(claims, directory, *found.lost, how);
    if (!added) return Unexpected(added.error());
  }
  bool has_ended = false;
  for (std::size_t i = 0; i < tail->segments.size(); ++i) {
    Segment& segment = tail->segments[i];
    // What a dead writer still had under way may lie behind the end that his successor found.
    const bool is_newest = i + 1 == tail->segments.size();
    const std::uint64_t limit = is_newest ? UINT64_MAX : tail->segments[i + 1].base();
    has_ended |= found.last && segment.base() != found.end;
    if (has_ended) found.discarded.push_back(segment.base());
    auto done = has_ended ? add_claims(claims, segment, kDataOffset, UINT64_MAX, how)
                          : go_through(found, claims, std::move(segment), limit, how);
    if (!done) return Unexpected(done.error());
  }
  std::sort(found.discarded.begin(), found.discarded.end());
  found.seen_end = std::max(found.end, claims.seen_end);
  found.proven_end = claims.durable_end;
  return found;
}

Result<Recovered> recover(disk::Directory& directory, const LogOptions& options, disk::Read how) {
  auto found = examine(directory, options, how);
  if (!found || found->proven_end <= found->end) return found;
  std::string where = directory.path();
  if (found->last) where += "/" + segment_name(found->last->base());
  return damaged(where, found->end, found->proven_end);
}

}  // namespace ringpost::log
