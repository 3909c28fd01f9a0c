#include "stream/log_writer_core.hpp"

#include "sys/futex.hpp"

namespace ringpost::detail {

/// Pauses once for each segment's worth.
LogWriterCore::Writer::Writer(StreamCore& stream, std::uint32_t number, StreamCore::Shard& opened)
    : shard(opened),
      log(stream.make_log(number, shard)),
      role(shard.journal->view(), stream.member().me.creator_word(), stream.alive(), *log,
           *stream.settings().segment_bytes / journal::kCellBytes) {}

Result<std::unique_ptr<LogWriterCore>> LogWriterCore::start(StreamCore& stream) {
  auto member = stream.member().another();
  if (!member) return Unexpected(member.error());
  auto control = stream::ControlFile::open(member->me.bus_pointer(), stream.name());
  if (!control) return Unexpected(control.error());
  auto core = StreamCore::open(*member, std::move(*control));
  if (!core) return Unexpected(core.error());
  std::unique_ptr<LogWriterCore> writer(new LogWriterCore(std::move(*core)));
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

LogWriterCore::~LogWriterCore() {
  stopping_.store(1, std::memory_order_seq_cst);
  sys::futex_wake(stopping_, 1);
  if (thread_.joinable()) thread_.join();
}

void LogWriterCore::run() noexcept {
  while (stopping_.load(std::memory_order_acquire) == 0) {
    const Errc code = stream_->begin();
    if (code != Errc::kOk) {
      failure_.store(code, std::memory_order_release);
      break;
    }
    open_writers();
    if (!journal::step_all(open_)) journal::sleep_on_all(open_, stopping_);
    for (const journal::LogWriter* const writer : open_) {
      if (const Errc failed = writer->failure(); failed != Errc::kOk) failure_.store(failed);
    }
  }
  writers_.clear();
}

/// Of every shard that has a journal, as long as there is something to come.
void LogWriterCore::open_writers() {
  const auto& shards = stream_->map().shards();
  writers_.resize(shards.size());
  for (const stream::ShardRecord& record : shards) {
    std::unique_ptr<Writer>& writer = writers_[record.number];
    if (writer == nullptr) {
      const std::uint64_t journal =
          stream_->control().entry(record.number).journal.load(std::memory_order_acquire);
      StreamCore::Shard* shard = nullptr;
      if (journal == 0 || stream_->open_shard(record.number, shard) != Errc::kOk) continue;
      if (shard->journal == nullptr) continue;
      if (record.end && shard->journal->durable() > *record.end) continue;
      writer = std::make_unique<Writer>(*stream_, record.number, *shard);
    } else if (record.end && writer->shard.journal->durable() > *record.end) {
      writer.reset();
    }
  }
  open_.clear();
  for (const auto& writer : writers_) {
    if (writer != nullptr) open_.push_back(&writer->role);
  }
}

}  // namespace ringpost::detail
