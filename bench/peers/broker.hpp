// Peers that are servers: a message counts when the server has confirmed it.
//
//   redis_stream   XADD, appendonly with appendfsync always: one fsync for all that is pipelined
//   beanstalkd     put, binlog with -f 0: an fsync for each
//   rabbitmq       publisher confirms, durable queue, persistent messages
//   nats_memory    JetStream in memory: the Debian version cannot sync each message
//
// The first three as durable as we are, the last one not. Each is started on sockets and files of
// its own, except RabbitMQ, which must be running (127.0.0.1:5672, user guest). None is required:
// one that is not there is left out with the reason.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "ringpost/types.hpp"

namespace ringpost::bench::peers {

class BrokerClient {
 public:
  virtual ~BrokerClient() = default;
  /// Into the buffer of what is sent next.
  virtual void publish(ByteSpan body) = 0;
  /// Sends the buffer.
  virtual void flush() = 0;
  /// Waits for confirmations; returns for how many messages.
  virtual std::size_t confirmed() = 0;
  /// Takes `count` messages out of the server, oldest first. For one client that is alone.
  virtual void take_all(std::size_t count, const std::function<void(ByteSpan)>& visit) = 0;
};

class Broker {
 public:
  virtual ~Broker() = default;
  /// In any process.
  virtual std::unique_ptr<BrokerClient> connect() = 0;
};

// Unsupported, with the Debian package, if it is not there.
std::unique_ptr<Broker> start_redis();
std::unique_ptr<Broker> start_beanstalkd();
std::unique_ptr<Broker> start_nats();
std::unique_ptr<Broker> find_rabbitmq();

}  // namespace ringpost::bench::peers
