// A thread that writes the logs of a stream.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "journal/log_writer.hpp"
#include "stream/stream_core.hpp"

namespace ringpost::detail {

/// Threads  start, stop and failure(): any. The rest is the thread's own, with a participant of its
///          own. Crash  the role of each shard goes to whoever needs it.
class LogWriterCore {
 public:
  static Result<std::unique_ptr<LogWriterCore>> start(StreamCore& stream);
  ~LogWriterCore();
  LogWriterCore(const LogWriterCore&) = delete;
  LogWriterCore& operator=(const LogWriterCore&) = delete;
  [[nodiscard]] Errc failure() const noexcept { return failure_.load(std::memory_order_acquire); }

 private:
  struct Writer {
    Writer(StreamCore& stream, std::uint32_t number, StreamCore::Shard& opened);
    StreamCore::Shard& shard;
    std::unique_ptr<journal::SegmentLog> log;
    journal::LogWriter role;
  };

  explicit LogWriterCore(std::shared_ptr<StreamCore> stream) : stream_(std::move(stream)) {}
  void run() noexcept;
  void open_writers();

  std::shared_ptr<StreamCore> stream_;
  std::vector<std::unique_ptr<Writer>> writers_;  ///< by number of the shard
  std::vector<journal::LogWriter*> open_;         ///< those that are there
  std::atomic<std::uint32_t> stopping_{0};        ///< a futex of this process
  std::atomic<Errc> failure_{Errc::kOk};
  std::thread thread_;
};

}  // namespace ringpost::detail
