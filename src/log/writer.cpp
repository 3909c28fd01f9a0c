#include "log/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "log/recovery.hpp"
#include "sys/error.hpp"

namespace ringpost::log {
namespace {

constexpr std::uint64_t kSyncToken = ~std::uint64_t{0};  // those of writes are their numbers
constexpr std::uint32_t kInFlightMax = 64;
constexpr std::uint32_t kBatchBytesMax = 16u << 20;
// Batches below the first size find so much written before. Larger ones are written as they come.
constexpr std::size_t kSmallBatchBytes = 64 * 1024;
constexpr std::size_t kFillBytes = 2u << 20;

Result<void> check(const LogOptions& options) {
  const bool holds =
      is_segment_size(options.segment_bytes) && options.segment_bytes <= kSegmentBytesMax &&
      options.in_flight >= 1 && options.in_flight <= kInFlightMax && options.spare_segments <= 16 &&
      options.batch_bytes_max >= disk::kBlockBytes && options.batch_bytes_max <= kBatchBytesMax &&
      options.batch_bytes_max % disk::kBlockBytes == 0;
  if (!holds) return sys::error(Errc::kInvalidArgument, "log", "an option is out of its limits");
  return {};
}

}  // namespace

Writer::Writer(disk::Directory& directory, const LogOptions& options)
    : options_(options),
      store_(directory, options_),
      batches_(options.in_flight + 1),
      completions_(options.in_flight + 1) {}

Writer::~Writer() {
  while (outstanding_ > 0 || sync_.file != nullptr) {
    const std::size_t count = queue_->reap(completions_, true);
    if (count == 0) break;
    for (std::size_t i = 0; i < count; ++i) {
      completions_[i].token == kSyncToken ? void(sync_ = {}) : void(--outstanding_);
    }
  }
}

Result<std::unique_ptr<Writer>> Writer::make(disk::Directory& directory,
                                             const LogOptions& options) {
  if (auto checked = check(options); !checked) return Unexpected(checked.error());
  std::unique_ptr<Writer> writer(new Writer(directory, options));
  auto queue = directory.make_queue(options.in_flight);
  if (!queue) return Unexpected(queue.error());
  writer->queue_ = std::move(*queue);
  return writer;
}

Result<std::unique_ptr<Writer>> Writer::open(disk::Directory& directory,
                                             const LogOptions& options) {
  auto writer = make(directory, options);
  if (!writer) return writer;
  if (auto recovered = (*writer)->recover_end(); !recovered) return Unexpected(recovered.error());
  return writer;
}

Result<void> Writer::recover_end() {
  auto found = recover(store_.directory(), options_, disk::Read::kDirect);
  if (!found) return Unexpected(found.error());
  // A dead process may have renamed what it did not sync: a file is overwritten as a spare one only
  // when it is one for certain.
  if (auto synced = store_.directory().sync(); !synced) return synced;
  end_ = found->end;
  seen_end_ = found->seen_end;
  arrival_max_ = found->arrival_max;
  if (found->lost) {
    if (auto aside = store_.put_aside(*found->lost); !aside) return aside;
  }
  if (auto gone = store_.discard(found->discarded); !gone) return gone;
  if (auto synced = sync_recovered(found->unsafe); !synced) return synced;
  if (found->last) {
    const bool is_empty = found->data_end == kDataOffset;  // then its name is taken away from it
    const SegmentHeader& header = found->last->header;
    previous_epoch_ = is_empty ? header.previous_epoch : header.epoch;
  }
  progress_.written_end = progress_.durable_end = marked_end_ = end_;
  if (!found->is_torn) return {};
  const Errc begun = begin_segment();
  if (begun == Errc::kOk) return {};
  if (begun == Errc::kNoSpace) {
    return sys::error(begun, store_.directory().path(), "no room for a new segment");
  }
  return sys::system_error("cannot begin a segment in", store_.directory().path(),
                           progress_.sys_errno);
}

Result<void> Writer::sync_recovered(const std::vector<std::uint64_t>& segments) {
  disk::Directory& directory = store_.directory();
  for (const std::uint64_t base : segments) {
    auto segment = open_segment(directory, base, options_.log_id);
    if (!segment) return Unexpected(segment.error());
    if (auto synced = segment->file->sync(); !synced) return synced;
  }
  return {};
}

Errc Writer::fail(int sys_errno) noexcept {
  if (!has_failed()) {
    progress_.failed = Errc::kLogFailed;
    progress_.sys_errno = sys_errno != 0 ? sys_errno : EIO;
  }
  records_ = 0;
  return Errc::kLogFailed;
}

Errc Writer::add(std::uint64_t position, ByteSpan record) {
  const std::size_t bytes = padded(record.size());
  if (record.size() < sizeof(RecordHeader)) [[unlikely]]
    return Errc::kCorrupt;
  if (records_ == 0) [[unlikely]] {
    if (const Errc begun = begin_batch(bytes); begun != Errc::kOk) return begun;
  }
  RINGPOST_ASSERT(used_ + bytes <= room_);
  std::byte* const to = strip_.at(used_, bytes);
  std::memset(to + bytes - kRecordAlign, 0, kRecordAlign);
  std::memcpy(to, record.data(), record.size());
  RecordHeader header;
  std::memcpy(&header, to, sizeof header);
  if (header.bytes != record.size() || header.position != position || position < floor_ ||
      !is_well_formed(header)) [[unlikely]] {
    return Errc::kCorrupt;
  }
  header.crc = record_crc({to, record.size()}, segment_.seed);
  std::memcpy(to, &header.crc, sizeof header.crc);
  if (records_++ == 0) arrival_first_ = header.arrival_ns;
  arrival_max_ = std::max(arrival_max_, header.arrival_ns);
  floor_ = position + cells_of(record.size());
  used_ += bytes;
  return Errc::kOk;
}

Errc Writer::begin_batch(std::size_t record_bytes) {
  if (has_failed()) return Errc::kLogFailed;
  if (record_bytes > record_bytes_max(options_.segment_bytes)) return Errc::kTooLarge;
  if (!has_room(batch_bytes(record_bytes))) {
    if (const Errc begun = begin_segment(); begun != Errc::kOk) return begun;
  }
  const std::uint64_t wanted =
      std::max<std::uint64_t>(options_.batch_bytes_max, sizeof(BatchHeader) + record_bytes);
  room_ = std::min(wanted, segment_.batches_end() - offset_);
  give_memory(gathered());
  used_ = sizeof(BatchHeader);
  strip_.begin(gathered().data, used_);
  floor_ = end_;
  return Errc::kOk;
}

void Writer::give_memory(Batch& batch) {
  const std::size_t bytes = round_up_to_block(room_);
  if (memory_.size() != 0 && bytes <= options_.batch_bytes_max) {
    batch.data = memory_.data() + (next_ % batches_.size()) * options_.batch_bytes_max;
    batch.buffer = {};
    return;
  }
  batch.buffer.grow(bytes, 0);
  batch.data = batch.buffer.data();
}

/// Only for who writes much: all of it becomes resident.
void Writer::use_common_memory() {
  memory_ = Buffer::huge(batches_.size() * options_.batch_bytes_max);
  queue_->use_memory({memory_.data(), memory_.size()});
}

Writer::Closed Writer::close_batch(std::uint64_t end_position, disk::Sync sync) {
  Batch& batch = gathered();
  const std::uint64_t end = std::max({end_position, floor_, end_});
  const std::size_t size = round_up_to_block(used_);
  strip_.finish(used_);
  std::memset(batch.data + used_, 0, size - used_);
  BatchHeader header{};
  header.magic = kBatchMagic;
  header.version = kFormatVersion;
  header.record_bytes = static_cast<std::uint32_t>(used_ - sizeof header);
  header.epoch = segment_.epoch();
  header.base_position = end_;
  header.end_position = end;
  header.durable_end = progress_.durable_end;
  header.arrival_first = records_ != 0 ? arrival_first_ : arrival_max_;
  header.arrival_max = arrival_max_;
  header.records = records_;
  encode_batch(header, segment_.seed, batch.data);
  index_.note(header, offset_);

  batch.end = end;
  batch.is_wanted = sync == disk::Sync::kData;
  batch.is_done = false;
  const Closed closed{offset_, {batch.data, size}};
  marked_end_ = header.durable_end;
  offset_ += size;
  end_ = end;
  seen_end_ = std::max(seen_end_, end);
  records_ = 0;
  ++next_;
  return closed;
}

/// The first write of a block that was only allocated changes what the file system knows of it, and
/// a sync has to write that too: two and a half times the latency of a small batch. So small ones
/// come to blocks with zeros in them, which recovery takes for what they are: nothing.
void Writer::fill_ahead(const Closed& closed) {
  const std::uint64_t end = closed.offset + closed.bytes.size();
  const std::uint64_t from = std::max(closed.offset, filled_end_);
  if (end <= filled_end_) return;
  filled_end_ = end;
  if (closed.bytes.size() >= kSmallBatchBytes) return;
  const std::size_t bytes = std::min<std::uint64_t>(kFillBytes, segment_.batches_end() - from);
  if (from + bytes <= end) return;
  if (zeros_.size() == 0) zeros_ = Buffer::of_zeros(kFillBytes);
  // If that fails, so will the batch, and says why.
  const auto filled = segment_.file->write(from, {zeros_.data(), bytes}, disk::Sync::kNone);
  if (filled) filled_end_ = from + bytes;
}

Errc Writer::submit(disk::Sync sync, std::uint64_t end_position) {
  if (records_ == 0) {
    if (has_failed()) return Errc::kLogFailed;
    if (end_position <= end_) return Errc::kOk;
    if (const Errc begun = begin_batch(0); begun != Errc::kOk) return begun;
  }
  while (next_ - first_ == options_.in_flight) {
    if (reap(true).failed != Errc::kOk) return Errc::kLogFailed;
  }
  const std::uint64_t number = next_;
  const Closed closed = close_batch(end_position, sync);
  fill_ahead(closed);
  if (queue_->submit(*segment_.file, closed.offset, closed.bytes, number) != Errc::kOk) {
    return fail(EIO);
  }
  ++outstanding_;
  if (memory_.size() == 0 && outstanding_ > 1) use_common_memory();
  if (wants_sync()) begin_sync();
  return progress_.failed;
}

Progress Writer::reap(bool wait) {
  if (outstanding_ > 0 || sync_.file != nullptr) {
    const std::size_t count = queue_->reap(completions_, wait);
    if (count == 0 && wait) static_cast<void>(fail(EIO));
    for (std::size_t i = 0; i < count; ++i) complete(completions_[i]);
  }
  settle();
  if (!wants_sync()) return progress_;
  // Who waits and has nothing else under way does it himself: nobody else has to be woken.
  if (wait && outstanding_ == 0) {
    static_cast<void>(sync_written());
  } else {
    begin_sync();
  }
  return progress_;
}

void Writer::complete(const disk::Completion& completion) {
  if (completion.token == kSyncToken) return finish_sync(completion.sys_errno);
  --outstanding_;
  if (completion.sys_errno != 0) static_cast<void>(fail(completion.sys_errno));
  batches_[completion.token % batches_.size()].is_done = true;
}

void Writer::settle() {
  while (first_ != next_ && !has_failed()) {
    const Batch& batch = batches_[first_ % batches_.size()];
    if (!batch.is_done) break;
    progress_.written_end = batch.end;
    if (batch.is_wanted) wanted_end_ = batch.end;
    ++first_;
  }
  close_full_segments();
}

/// Seals what is written wholly: whoever dies with writes under way to a segment has not sealed it.
/// After the sync, if one is to come: the footer proves that all of it was safe.
void Writer::close_full_segments() {
  for (Full& full : full_) {
    if (full.is_sealed || full.batches_end > first_ || has_failed()) continue;
    if (progress_.durable_end < std::min(full.end, wanted_end_)) continue;
    static_cast<void>(seal(full));
  }
  std::erase_if(full_, [this](const Full& full) {
    return full.is_sealed && progress_.durable_end >= full.end &&
           full.segment.file.get() != sync_.file;
  });
}

/// Of what was written. A new segment's name is made safe a while after it was begun, with other
/// batches under way: so recovery has little to read though nobody asked for durability.
bool Writer::wants_sync() const noexcept {
  if (sync_.file != nullptr || has_failed()) return false;
  if (wanted_end_ > progress_.durable_end) return true;
  const bool is_last_written = full_.empty() || full_.back().is_sealed;
  return is_new_ && is_last_written && offset_ != kDataOffset;
}

/// One file after the other: what is durable ends in the first that is not so yet.
void Writer::begin_sync() {
  sync_ = {segment_.file.get(), progress_.written_end, is_new_};
  for (const Full& full : full_) {
    if (progress_.durable_end >= full.end) continue;
    sync_ = {full.segment.file.get(), std::min(full.end, progress_.written_end), false};
    break;
  }
  if (queue_->sync(*sync_.file, kSyncToken) == Errc::kOk) return;
  sync_ = {};
  static_cast<void>(fail(EIO));
}

void Writer::finish_sync(int sys_errno) {
  const SyncUnderWay done = std::exchange(sync_, {});
  if (sys_errno != 0) return static_cast<void>(fail(sys_errno));
  if (has_failed()) return;  // of a write: nothing more is acknowledged
  // Another sync may have come before, and another segment.
  const bool covers_new = done.covers_new && is_new_ && done.file == segment_.file.get();
  if (covers_new) {
    auto synced = store_.directory().sync();
    if (!synced) return static_cast<void>(fail(synced.error().sys_errno));
  }
  now_durable(done.end, covers_new);
}

Errc Writer::sync_written() {
  const std::uint64_t written = progress_.written_end;
  if (progress_.durable_end >= written && !is_new_) return Errc::kOk;
  if (auto synced = sync_files(); !synced) return fail(synced.error().sys_errno);
  now_durable(written, is_new_);
  return progress_.failed;
}

void Writer::now_durable(std::uint64_t end, bool covers_new) {
  progress_.durable_end = std::max(progress_.durable_end, end);
  if (covers_new) is_new_ = false;
  close_full_segments();
  if (covers_new) prepare_if_none();  // no room is no error yet, a sync that failed is
}

/// Others are made in pauses, or come from retention: those were written before.
void Writer::prepare_if_none() {
  auto spares = store_.count_spares();
  if (!spares || *spares == 0) static_cast<void>(prepare());
}

Result<void> Writer::sync_files() {
  for (Full& full : full_) {
    if (progress_.durable_end >= full.end) continue;
    if (auto synced = full.segment.file->sync(); !synced) return synced;
  }
  if (segment_.file != nullptr) {
    if (auto synced = segment_.file->sync(); !synced) return synced;
  }
  return is_new_ ? store_.directory().sync() : Result<void>();
}

Errc Writer::wait_for_all() {
  while (has_under_way() && !has_failed()) static_cast<void>(reap(true));
  return progress_.failed;
}

Errc Writer::write_now(disk::Sync sync, std::uint64_t end_position) {
  if (const Errc waited = wait_for_all(); waited != Errc::kOk) return waited;
  if (records_ == 0) {
    if (end_position <= end_) return Errc::kOk;
    if (const Errc begun = begin_batch(0); begun != Errc::kOk) return begun;
  }
  return write_gathered(sync, end_position);
}

/// With nothing under way.
Errc Writer::write_gathered(disk::Sync sync, std::uint64_t end_position) {
  const bool is_all = progress_.durable_end == end_ && !is_new_;  // of what must be durable
  const disk::Sync how = is_all ? sync : disk::Sync::kNone;
  Batch& batch = gathered();
  const Closed closed = close_batch(end_position, sync);
  fill_ahead(closed);
  auto written = segment_.file->write(closed.offset, closed.bytes, how);
  if (!written) return fail(written.error().sys_errno);
  batch.is_done = true;
  if (how == disk::Sync::kData) progress_.durable_end = batch.end;
  settle();
  return wants_sync() ? sync_written() : progress_.failed;
}

Errc Writer::flush() {
  if (const Errc waited = wait_for_all(); waited != Errc::kOk) return waited;
  return sync_written();
}

Errc Writer::mark_durable() {
  RINGPOST_ASSERT(records_ == 0);
  if (const Errc flushed = flush(); flushed != Errc::kOk) return flushed;
  // The next segment's header says so if this one is full.
  if (marked_end_ == end_ || !has_room(disk::kBlockBytes)) return Errc::kOk;
  if (const Errc begun = begin_batch(0); begun != Errc::kOk) return begun;
  return write_gathered(disk::Sync::kData, end_);
}

Errc Writer::begin_segment() {
  // One name at a time may get lost: else a segment would be missing among the others, or in front.
  if (is_new_ && sync_written() != Errc::kOk) return Errc::kLogFailed;
  SegmentHeader header{};
  header.version = kFormatVersion;
  header.magic = kSegmentMagic;
  header.segment_bytes = options_.segment_bytes;
  header.log_id = options_.log_id;
  header.epoch = options_.new_epoch();
  header.base_position = end_;
  header.created_ns = static_cast<std::int64_t>(options_.time.wall_ns());
  header.arrival_max = arrival_max_;
  header.durable_end = progress_.durable_end;
  header.previous_epoch = segment_.file != nullptr ? segment_.epoch() : previous_epoch_;
  auto begun = store_.begin(header);
  if (!begun && begun.error() == Errc::kNoSpace) return space_ = Errc::kNoSpace;
  if (!begun) return fail(begun.error().sys_errno);
  if (segment_.file != nullptr) {
    full_.push_back({std::move(segment_), std::move(index_), offset_, end_, next_});
    close_full_segments();
  }
  segment_ = std::move(*begun);
  is_new_ = true;
  offset_ = kDataOffset;
  filled_end_ = std::max(kDataOffset, segment_.file->written_end());
  marked_end_ = header.durable_end;
  index_.begin(segment_);
  return progress_.failed;
}

/// Leaves the segment without an index where others' batches do not verify: readers then walk.
Errc Writer::seal(Full& full) {
  full.is_sealed = true;
  auto index = full.index.finish(full.segment, full.data_end, progress_.durable_end);
  if (!index) return Errc::kOk;
  auto written = full.segment.file->write(full.segment.batches_end(), *index, disk::Sync::kNone);
  if (!written) return fail(written.error().sys_errno);
  return Errc::kOk;
}

Errc Writer::prepare() {
  if (has_failed()) return Errc::kLogFailed;
  auto made = store_.make_spares();
  if (made) return space_ = Errc::kOk;
  if (store_.sync_errno() != 0) return fail(store_.sync_errno());
  if (!(made.error() == Errc::kNoSpace)) return made.error().code;
  auto spares = store_.count_spares();
  return space_ = spares && *spares > 0 ? Errc::kOk : Errc::kNoSpace;
}

bool Writer::prepare_more() {
  constexpr std::size_t kStepBytes = 1u << 20;
  if (has_failed()) return false;
  const auto more = store_.write_spare_ahead(kStepBytes);
  return more && *more;  // what fails does so again when it is used
}

Result<std::uint64_t> Writer::drop_expired(const Retention& retention) {
  if (has_failed()) {
    return sys::error(Errc::kLogFailed, store_.directory().path(), "the log has failed");
  }
  // The last segment stays, and says where the log is: it must be safe before the others go.
  const bool is_clean = !is_new_ && full_.empty();
  if (!is_clean && flush() != Errc::kOk) {
    return sys::system_error("cannot sync", store_.directory().path(), progress_.sys_errno);
  }
  auto first = store_.drop_expired(retention);
  if (store_.sync_errno() != 0) static_cast<void>(fail(store_.sync_errno()));
  return first;
}

}  // namespace ringpost::log
