// Rigs of whole queues have no topics, no streams and no durable queues: what sweepers, the doctor
// and a bus do about those.
#include "client/doctor.hpp"
#include "client/durable_queues.hpp"
#include "client/queue_logs.hpp"
#include "client/stream_sweep.hpp"
#include "stream/membership.hpp"
#include "topic/topic_look.hpp"

namespace ringpost {

void client::Doctor::examine_topics() {}
void client::Doctor::count_waiting_deliveries() {}
void client::Doctor::examine_streams() {}

std::uint64_t topic::finish_for_the_dead(const std::shared_ptr<shm::BusFiles>& /*bus*/) {
  return 0;
}

std::optional<Error> client::sweep_streams(Member& /*member*/, std::uint16_t /*dead*/,
                                           Bus::Swept& /*swept*/) {
  return std::nullopt;
}
void client::tidy_streams(Member& /*member*/, Bus::Swept& /*swept*/) {}

void stream::drop_outdated(const std::shared_ptr<shm::BusFiles>& /*bus*/) {}

Result<void> client::make_durable_queue(Member& /*member*/, const std::string& /*name*/,
                                        const QueueSettings& /*settings*/, const Tags& /*tags*/) {
  return Unexpected(Error{Errc::kUnsupported, {}});
}
Result<void> client::recover_queue(Member& /*member*/, const std::string& /*name*/) { return {}; }
bool client::recover_all(Member& /*member*/) { return true; }
Result<sys::Fd> client::forget_on_disk(Member& /*member*/, const std::string& /*name*/) {
  return sys::Fd();
}
void client::tend_logs(Member& /*member*/) {}
void client::Member::bring_back(const std::string& /*queue*/) {}
bool client::Member::flush_logs() { return true; }
Result<std::unique_ptr<client::QueueLogs>> client::QueueLogs::open(Member& /*member*/,
                                                                   const std::string& /*queue*/,
                                                                   std::uint64_t /*after_ns*/) {
  return Unexpected(Error{Errc::kUnsupported, {}});
}
std::unique_ptr<detail::LogWriterCore> detail::LogWriterCore::start(
    std::unique_ptr<journal::LogSource> /*source*/) {
  return nullptr;
}
detail::LogWriterCore::~LogWriterCore() = default;
std::vector<WrittenLog> detail::LogWriterCore::logs() const { return {}; }

}  // namespace ringpost
