#include "client/queue_logs.hpp"

#include "client/durable_queues.hpp"
#include "log/options.hpp"
#include "sys/error.hpp"

namespace ringpost::client {

Result<std::unique_ptr<QueueLogs>> QueueLogs::open(Member& member, const std::string& queue,
                                                   std::uint64_t flush_after_ns) {
  auto mapping = member.context().queues.open(queue);
  if (!mapping) return Unexpected(mapping.error());
  if ((*mapping)->journal() == 0) {
    return sys::error(Errc::kInvalidArgument, "queue \"" + queue + "\"", "it has no log");
  }
  auto core = detail::QueueCore::open(member.membership(), std::move(*mapping));
  if (!core) return Unexpected(core.error());
  return std::unique_ptr<QueueLogs>(new QueueLogs(queue, std::move(*core), flush_after_ns));
}

/// Pauses once for each segment's worth.
QueueLogs::QueueLogs(const std::string& name, std::unique_ptr<detail::QueueCore> queue,
                     std::uint64_t flush_after_ns)
    : name_("queue " + name),
      queue_(std::move(queue)),
      log_(queue_->log()->make_port(log::LogOptions{}.in_flight)),
      role_(queue_->log()->journal().view(), queue_->membership().me.creator_word(),
            queue_->log()->alive(), *log_,
            {.pause_cells = queue_->log()->segment_bytes() / journal::kCellBytes,
             .flush_after_ns = flush_after_ns,
             .time = queue_->membership().me.bus().time()}) {}

detail::LogWriterCore::Find find_queues(std::shared_ptr<Member> member,
                                        std::uint64_t flush_after_ns) {
  return [member = std::move(member), flush_after_ns](const auto& is_known) {
    std::vector<detail::LogWriterCore::Found> found;
    for (const std::string& queue : member->context().queues.home().names()) {
      const std::string name = "queue " + queue;
      if (is_known(name)) continue;
      const auto here = recover_queue(*member, queue);
      auto logs = here ? QueueLogs::open(*member, queue, flush_after_ns)
                       : Result<std::unique_ptr<QueueLogs>>(Unexpected(here.error()));
      if (logs) {
        found.push_back({name, std::move(*logs), Errc::kOk});
      } else if (!(logs.error() == Errc::kNotFound)) {  // deleted in between
        found.push_back({name, nullptr, logs.error().code});
      }
    }
    return found;
  };
}

}  // namespace ringpost::client
