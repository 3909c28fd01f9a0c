// Rigs of whole queues have no topics: what sweepers and the doctor do about those of a bus.
#include "client/doctor.hpp"
#include "topic/topic_look.hpp"

namespace ringpost {

void client::Doctor::examine_topics() {}
void client::Doctor::count_waiting_deliveries() {}

std::uint64_t topic::finish_for_the_dead(const std::shared_ptr<shm::BusFiles>& /*bus*/) {
  return 0;
}

}  // namespace ringpost
