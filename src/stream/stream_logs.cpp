#include "stream/stream_logs.hpp"

#include "stream/life.hpp"

namespace ringpost::stream {

/// Pauses once for each segment's worth.
StreamLogs::Writer::Writer(detail::StreamCore& stream, std::uint32_t number,
                           detail::StreamCore::Shard& opened, std::uint64_t flush_after_ns)
    : shard(opened),
      log(stream.make_log(number, shard)),
      role(shard.journal->view(), stream.member().me.creator_word(), stream.alive(), *log,
           {.pause_cells = *stream.settings().segment_bytes / journal::kCellBytes,
            .flush_after_ns = flush_after_ns,
            .time = stream.member().bus().time()}) {}

Errc StreamLogs::look() noexcept {
  if (const Errc code = stream_->begin(); code != Errc::kOk) return code;
  const auto& shards = stream_->map().shards();
  writers_.resize(shards.size());
  for (const ShardRecord& record : shards) {
    std::unique_ptr<Writer>& writer = writers_[record.number];
    if (writer == nullptr) {
      const std::uint64_t journal =
          stream_->control().entry(record.number).journal.load(std::memory_order_acquire);
      detail::StreamCore::Shard* shard = nullptr;
      if (journal == 0 || stream_->open_shard(record.number, shard) != Errc::kOk) continue;
      if (shard->journal == nullptr) continue;
      if (record.end && shard->journal->durable() > *record.end) continue;
      writer = std::make_unique<Writer>(*stream_, record.number, *shard, flush_after_ns_);
    } else if (record.end && writer->shard.journal->durable() > *record.end) {
      writer.reset();
    }
  }
  open_.clear();
  for (const auto& writer : writers_) {
    if (writer != nullptr) open_.push_back(&writer->role);
  }
  return Errc::kOk;
}

detail::LogWriterCore::Find find_streams(Membership member, std::uint64_t flush_after_ns) {
  return [member = std::move(member), flush_after_ns](const auto& is_known) {
    std::vector<detail::LogWriterCore::Found> found;
    const auto names = stream_names(member);
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      if (is_known("stream " + name)) continue;
      auto control = open_stream(member, name);
      if (control && control->storage() == StreamStorage::kMemory) continue;
      auto core =
          control
              ? detail::StreamCore::open(member, std::move(*control))
              : Result<std::shared_ptr<detail::StreamCore>>(Unexpected(std::move(control.error())));
      if (core) {
        auto logs = std::make_unique<StreamLogs>(std::move(*core), flush_after_ns);
        found.push_back({logs->name(), std::move(logs), Errc::kOk});
      } else if (!(core.error() == Errc::kNotFound)) {  // deleted in between
        found.push_back({"stream " + name, nullptr, core.error().code});
      }
    }
    return found;
  };
}

}  // namespace ringpost::stream
