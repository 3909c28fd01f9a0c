// A thread that writes the log of a durable queue.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "client/member.hpp"
#include "journal/log_thread.hpp"
#include "journal/log_writer.hpp"

namespace ringpost::client {

/// Threads  start, stop and failure(): any. The rest is the thread's own, with a participant of its
///          own. Crash  the role of the writer goes to whoever needs it.
class QueueLogWriter final : public detail::LogThread {
 public:
  static Result<std::unique_ptr<QueueLogWriter>> start(Member& member, const std::string& queue);
  ~QueueLogWriter() override;
  QueueLogWriter(const QueueLogWriter&) = delete;
  QueueLogWriter& operator=(const QueueLogWriter&) = delete;
  [[nodiscard]] Errc failure() const noexcept override {
    return static_cast<Errc>(failure_.load(std::memory_order_acquire));
  }

 private:
  explicit QueueLogWriter(std::unique_ptr<detail::QueueCore> queue);
  void run() noexcept;

  std::unique_ptr<detail::QueueCore> queue_;
  std::unique_ptr<journal::SegmentLog> log_;
  journal::LogWriter writer_;
  std::atomic<int> failure_{0};
  std::thread thread_;
};

}  // namespace ringpost::client
