// A thread that writes the logs of a stream.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "journal/drain_role.hpp"
#include "journal/log_thread.hpp"
#include "stream/stream_core.hpp"

namespace ringpost::detail {

/// Gathers the next batch of each shard while earlier ones are under way; flushes when it has
/// caught up and somebody wants that; no timer.
///
/// Threads  start, stop and failure(): any. The rest is the thread's own, with a participant of its
///          own. Crash  the role of each shard goes to whoever needs it.
class LogWriterCore final : public LogThread {
 public:
  static Result<std::unique_ptr<LogWriterCore>> start(StreamCore& stream);
  ~LogWriterCore() override;
  LogWriterCore(const LogWriterCore&) = delete;
  LogWriterCore& operator=(const LogWriterCore&) = delete;
  [[nodiscard]] Errc failure() const noexcept override {
    return static_cast<Errc>(failure_.load(std::memory_order_acquire));
  }

 private:
  struct Writer {
    Writer(StreamCore& stream, std::uint32_t number, StreamCore::Shard& opened)
        : shard(opened),
          log(stream.make_log(number, shard)),
          role(shard.journal->view(), stream.member().me.creator_word(), stream.alive(), *log) {}
    ~Writer() { role.release(); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    StreamCore::Shard& shard;
    std::unique_ptr<journal::SegmentLog> log;
    journal::DrainRole role;
    std::uint64_t pause_at = 0;
    bool rested = false;  ///< paused since it last had work
    bool failed = false;
  };

  explicit LogWriterCore(std::shared_ptr<StreamCore> stream) : stream_(std::move(stream)) {}
  void run() noexcept;
  void open_writers();
  [[nodiscard]] bool work() noexcept;
  Errc step(Writer& writer) noexcept;
  void pause_if_due(Writer& writer) noexcept;
  void sleep() noexcept;

  std::shared_ptr<StreamCore> stream_;
  std::vector<std::unique_ptr<Writer>> writers_;  ///< by number of the shard
  std::atomic<std::uint32_t> stopping_{0};        ///< a futex of this process
  std::atomic<int> failure_{0};
  std::thread thread_;
};

}  // namespace ringpost::detail
