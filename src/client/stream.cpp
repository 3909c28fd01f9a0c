#include "ringpost/stream.hpp"

#include <array>

#include "stream/log_writer_core.hpp"
#include "stream/reader_core.hpp"
#include "stream/stream_core.hpp"
#include "stream/stream_logs.hpp"
#include "sys/error.hpp"

namespace ringpost {

Stream::Stream() noexcept = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;
Stream::Stream(std::shared_ptr<detail::StreamCore> core) noexcept : core_(std::move(core)) {}

Result<Put, Errc> Stream::put(std::string_view key, ByteSpan data,
                              const PutOptions& options) noexcept {
  return core_->put(key, data, options);
}
Result<std::vector<Result<Put, Errc>>> Stream::put_batch(std::span<const PutEntry> entries,
                                                         const PutOptions& options) {
  return core_->put_batch(entries, options);
}
Errc Stream::wait_durable(std::span<const Put> puts, Duration wait) noexcept {
  return core_->wait_durable(puts, wait);
}
Result<std::vector<ShardInfo>> Stream::shards(const ShardFilter& filter) {
  return core_->shards(filter);
}
Result<std::uint32_t, Errc> Stream::shard_of(const HashKey& key) { return core_->route(key); }
Result<ShardReader> Stream::reader(std::uint32_t shard, const From& from,
                                   std::optional<Follow> follow) {
  const auto position = core_->position_of(shard, from);
  if (!position) return Unexpected(position.error());
  detail::StreamCore::Shard* opened = nullptr;
  if (const Errc code = core_->open_shard(shard, opened); code != Errc::kOk) {
    return sys::error(code, ShardInfo::id_of(shard), message(code));
  }
  const Follow how = core_->has_log() ? follow.value_or(core_->follow()) : Follow::kPublished;
  return ShardReader(
      std::make_unique<detail::ShardReaderCore>(*core_, core_, *opened, shard, *position, how));
}
Result<ShardIterator> Stream::iterator(std::uint32_t shard, const From& from) {
  return core_->iterator(shard, from);
}
Result<GetResult> Stream::get(const ShardIterator& iterator, std::uint32_t limit) {
  return core_->get(iterator, limit);
}
Result<std::vector<std::uint32_t>> Stream::split(std::uint32_t shard, const HashKey& new_start) {
  return core_->split(shard, new_start);
}
Result<std::uint32_t> Stream::merge(std::uint32_t lower, std::uint32_t upper) {
  return core_->merge(lower, upper);
}
Result<void> Stream::scale(std::uint32_t shards) { return core_->scale(shards); }
const std::string& Stream::name() const noexcept { return core_->name(); }
std::string Stream::arn() const {
  return "arn:aws:kinesis:us-east-1:000000000000:stream/" + name();
}
std::uint64_t Stream::id() const noexcept { return core_->id(); }
WallTime Stream::created() const noexcept {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(core_->created_ns()))));
}
StreamSettings Stream::settings() const { return core_->settings(); }
Result<void> Stream::set(const StreamSettings& changes) { return core_->set(changes); }
Result<Tags> Stream::tags() const { return core_->tags(); }
Result<void> Stream::set_tags(const Tags& tags) { return core_->set_tags(tags); }
Result<void> Stream::remove_tags(std::span<const std::string> keys) {
  return core_->remove_tags(keys);
}
Result<StreamStats> Stream::stats() { return core_->stats(); }
Result<LogWriter> Stream::writer(const LogWriterOptions& options) {
  if (!core_->has_log()) {
    return sys::error(Errc::kInvalidArgument, "stream \"" + name() + "\"", "it has no log");
  }
  auto core = core_->open_again();
  if (!core) return Unexpected(core.error());
  return LogWriter(detail::LogWriterCore::start(std::make_unique<stream::StreamLogs>(
      std::move(*core), static_cast<std::uint64_t>(options.flush_after.count()))));
}
Result<std::vector<RecoveredLog>> Stream::recover_logs() { return core_->recover_logs(); }

ShardReader::ShardReader() noexcept = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;
ShardReader& ShardReader::operator=(ShardReader&&) noexcept = default;
ShardReader::~ShardReader() = default;
ShardReader::ShardReader(std::unique_ptr<detail::ShardReaderCore> core) noexcept
    : core_(std::move(core)) {}

Result<StreamRecord, Errc> ShardReader::next() noexcept { return core_->next(); }
bool ShardReader::intact() noexcept { return core_->intact(); }
Result<Records> ShardReader::read(const ReadOptions& options) { return core_->read(options); }
void ShardReader::skip() noexcept { core_->skip(); }
Errc ShardReader::wait(Duration wait) noexcept {
  detail::ShardReaderCore* const core = core_.get();
  return detail::ShardReaderCore::wait_any({&core, 1}, wait);
}
Errc ShardReader::wait_any(std::span<ShardReader* const> readers, Duration wait) noexcept {
  constexpr std::size_t kMost = 128;
  std::array<detail::ShardReaderCore*, kMost> cores;
  if (readers.empty() || readers.size() > kMost) return Errc::kInvalidArgument;
  for (std::size_t i = 0; i < readers.size(); ++i) cores[i] = readers[i]->core_.get();
  return detail::ShardReaderCore::wait_any({cores.data(), readers.size()}, wait);
}
std::uint32_t ShardReader::shard() const noexcept { return core_->number(); }
SequenceNumber ShardReader::position() const noexcept { return core_->sequence(); }
Duration ShardReader::behind_latest() noexcept { return core_->behind_latest(); }
const std::optional<LostRange>& ShardReader::lost() const noexcept { return core_->lost(); }
Result<std::vector<ShardInfo>> ShardReader::children() { return core_->children(); }

}  // namespace ringpost
