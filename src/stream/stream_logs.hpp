// The logs of a stream, to be written by a thread of dedicated writers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "journal/log_source.hpp"
#include "stream/log_writer_core.hpp"
#include "stream/stream_core.hpp"

namespace ringpost::stream {

/// Of every shard that has a journal, as long as there is something to come; also of shards to
/// come.
class StreamLogs final : public journal::LogSource {
 public:
  /// `flush_after_ns`: see journal::LogWriterOptions.
  StreamLogs(std::shared_ptr<detail::StreamCore> stream, std::uint64_t flush_after_ns)
      : name_("stream " + stream->name()),
        flush_after_ns_(flush_after_ns),
        stream_(std::move(stream)) {}

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] Errc look() noexcept override;
  [[nodiscard]] journal::LogWriters writers() const noexcept override { return open_; }

 private:
  struct Writer {
    Writer(detail::StreamCore& stream, std::uint32_t number, detail::StreamCore::Shard& opened,
           std::uint64_t flush_after_ns);
    detail::StreamCore::Shard& shard;
    std::unique_ptr<journal::SegmentLog> log;
    journal::LogWriter role;
  };

  const std::string name_;
  const std::uint64_t flush_after_ns_;
  std::shared_ptr<detail::StreamCore> stream_;
  std::vector<std::unique_ptr<Writer>> writers_;  ///< by number of the shard
  std::vector<journal::LogWriter*> open_;         ///< those that are there
};

/// Finds the streams of the bus that have a log, also those of which only the disk knows.
[[nodiscard]] detail::LogWriterCore::Find find_streams(Membership member,
                                                       std::uint64_t flush_after_ns);

}  // namespace ringpost::stream
