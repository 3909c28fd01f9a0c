// The log of a durable queue, to be written by a thread of dedicated writers.
#pragma once

#include <memory>
#include <string>

#include "client/member.hpp"
#include "journal/log_source.hpp"
#include "stream/log_writer_core.hpp"

namespace ringpost::client {

class QueueLogs final : public journal::LogSource {
 public:
  /// For a thread that attaches a participant of its own. Error kInvalidArgument: it has no log.
  /// `flush_after_ns`: see journal::LogWriterOptions.
  static Result<std::unique_ptr<QueueLogs>> open(Member& member, const std::string& queue,
                                                 std::uint64_t flush_after_ns);

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] Errc look() noexcept override { return queue_->usable(); }
  [[nodiscard]] journal::LogWriters writers() const noexcept override { return {&only_, 1}; }

 private:
  QueueLogs(const std::string& name, std::unique_ptr<detail::QueueCore> queue,
            std::uint64_t flush_after_ns);

  const std::string name_;
  std::unique_ptr<detail::QueueCore> queue_;
  std::unique_ptr<journal::SegmentLog> log_;
  journal::LogWriter role_;
  journal::LogWriter* only_ = &role_;
};

/// Finds the durable queues of the bus, also those of which only the disk knows: they come back.
[[nodiscard]] detail::LogWriterCore::Find find_queues(std::shared_ptr<Member> member,
                                                      std::uint64_t flush_after_ns);

}  // namespace ringpost::client
