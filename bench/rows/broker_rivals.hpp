// Message servers beside rows of the log: messages of 1 KiB until they are confirmed.
#pragma once

#include "harness/row.hpp"

namespace ringpost::bench::rivals {

struct Publishing {
  unsigned clients = 1;      ///< processes
  unsigned unconfirmed = 1;  ///< messages that each has on their way
};

/// Redis Streams, beanstalkd and RabbitMQ, as durable as they can be.
void add_durable_brokers(std::vector<Rival>& rivals, const Publishing& how);
/// NATS JetStream, in memory.
void add_nats(std::vector<Rival>& rivals, const Publishing& how);

}  // namespace ringpost::bench::rivals
