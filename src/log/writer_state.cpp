// The hand-over from one writer to the next.
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "log/names.hpp"
#include "log/writer.hpp"
#include "sys/error.hpp"

namespace ringpost::log {
namespace {

constexpr std::uint64_t kStateMark = 0x5743'0002ull << 32;  // and the version of these words

std::uint64_t check_of(const WriterState& state) noexcept {
  const ByteSpan words = std::as_bytes(std::span(&state, 1)).subspan(sizeof state.check);
  return kStateMark | base::crc32c(words);
}

Unexpected<Error> refused(const disk::Directory& directory, std::string_view why) {
  return sys::error(Errc::kCorrupt, directory.path(), why);
}

}  // namespace

WriterState Writer::state() {
  RINGPOST_ASSERT(is_idle());
  WriterState state{};
  // The next writer would not know which names and other files are not safe yet.
  const bool is_clean = !is_new_ && full_.empty();
  if (!is_clean && sync_written() != Errc::kOk) return state;
  state.log_id = options_.log_id;
  if (segment_.file != nullptr) {
    state.segment_base = segment_.base();
    state.segment_epoch = segment_.epoch();
    state.offset = offset_;
    state.filled_end = filled_end_;
  } else {
    state.previous_epoch = previous_epoch_;
  }
  state.written_end = end_;
  state.durable_end = progress_.durable_end;
  state.arrival_max = static_cast<std::uint64_t>(arrival_max_);
  state.check = check_of(state);
  return state;
}

Result<std::unique_ptr<Writer>> Writer::resume(disk::Directory& directory,
                                               const LogOptions& options,
                                               const WriterState& state) {
  auto writer = make(directory, options);
  if (!writer) return writer;
  if (auto resumed = (*writer)->resume(state); !resumed) return Unexpected(resumed.error());
  return writer;
}

Result<void> Writer::resume(const WriterState& state) {
  disk::Directory& directory = store_.directory();
  RINGPOST_ASSERT(is_idle());
  store_.forget_spares();
  if (state.check != check_of(state) || state.log_id != options_.log_id || has_failed()) {
    return refused(directory, "not the state of a writer of this log");
  }
  if (state.written_end < end_ || state.durable_end > state.written_end) {
    return refused(directory, "the writer's state is older than the log");
  }
  if (state.segment_epoch == 0) {
    auto files = list_files(directory);
    if (!files) return Unexpected(files.error());
    if (!files->segments.empty() && files->segments.back() > state.written_end) {
      return refused(directory, "the writer's state is older than the log");
    }
    segment_ = {};
    previous_epoch_ = state.previous_epoch;
  } else if (segment_.file == nullptr || segment_.epoch() != state.segment_epoch) {
    auto segment = open_segment(directory, state.segment_base, options_.log_id);
    if (!segment) return Unexpected(segment.error());
    if (auto checked = check_fit(*segment, state); !checked) return checked;
    if (auto checked = check_place(*segment, state); !checked) return checked;
    segment_ = std::move(*segment);
    index_.begin(segment_);
  } else if (auto checked = check_fit(segment_, state); !checked) {
    return checked;  // what I have of it is not newer: nobody has to ask the disk
  }
  full_.clear();
  is_new_ = false;
  offset_ = state.offset;
  filled_end_ = state.filled_end;
  end_ = state.written_end;
  seen_end_ = std::max(seen_end_, end_);
  arrival_max_ = static_cast<std::int64_t>(state.arrival_max);
  marked_end_ = 0;
  progress_.written_end = end_;
  progress_.durable_end = state.durable_end;
  wanted_end_ = 0;
  return {};
}

Result<void> Writer::check_fit(const Segment& segment, const WriterState& state) const {
  const bool fits = segment.epoch() == state.segment_epoch && state.offset >= kDataOffset &&
                    state.offset % disk::kBlockBytes == 0 &&
                    state.offset <= segment.batches_end() && state.written_end >= segment.base();
  if (fits) return {};
  return refused(store_.directory(), "the writer's state is not of this segment");
}

/// Whoever died after the state was left may have put a batch there.
Result<void> Writer::check_place(const Segment& segment, const WriterState& state) const {
  if (state.offset == segment.batches_end()) return {};
  alignas(8) std::byte front[sizeof(BatchHeader)];
  auto got = segment.file->read(state.offset, front);
  if (!got) return Unexpected(got.error());
  if (parse_batch({front, *got}, segment)) {
    return refused(store_.directory(), "the writer's state is older than the log");
  }
  return {};
}

}  // namespace ringpost::log
