// Rigs of whole queues have no topics and no streams: what sweepers and the doctor do about
// those of a bus.
#include "client/doctor.hpp"
#include "client/stream_sweep.hpp"
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

}  // namespace ringpost
