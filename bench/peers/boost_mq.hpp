// Peer `boost_mq`: boost::interprocess::message_queue.
//
// A binary heap of priorities over shared memory under one mutex and two condition variables. Two
// variants, the better counts: blocking send/receive, and try_send/try_receive in a loop. Messages
// of equal priority are the documented fast case (no reordering in the heap). It copies in and out.
#pragma once

#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "harness/transport.hpp"

namespace ringpost::bench::peers {

template <bool Blocking>
class BoostMq {
 public:
  static constexpr bool kBlocking = Blocking;
  static constexpr bool kOrdered = true;
  using MessageQueue = boost::interprocess::message_queue;

  explicit BoostMq(const ChannelOptions& options) : bytes_(options.message_bytes) {
    static unsigned number = 0;
    const std::string name =
        "ringpost-bench-" + std::to_string(getpid()) + "-" + std::to_string(number++);
    MessageQueue::remove(name.c_str());
    queue_ = std::make_unique<MessageQueue>(boost::interprocess::create_only, name.c_str(),
                                            options.capacity, bytes_);
    // Children inherit the mapping. Without a name nothing can be left behind.
    MessageQueue::remove(name.c_str());
  }

  class Producer {
   public:
    Producer(MessageQueue& queue, std::size_t bytes) : queue_(&queue), own_(bytes) {}
    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      fill(std::span(own_), std::size_t{0});
      if constexpr (Blocking) {
        queue_->send(own_.data(), own_.size(), 0);
        return 1;
      } else {
        return queue_->try_send(own_.data(), own_.size(), 0) ? 1 : 0;
      }
    }

   private:
    MessageQueue* queue_;
    std::vector<std::byte> own_;
  };

  class Consumer {
   public:
    Consumer(MessageQueue& queue, std::size_t bytes) : queue_(&queue), own_(bytes) {}
    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      MessageQueue::size_type size = 0;
      unsigned priority = 0;
      if constexpr (Blocking) {
        queue_->receive(own_.data(), own_.size(), size, priority);
      } else {
        if (!queue_->try_receive(own_.data(), own_.size(), size, priority)) return 0;
      }
      visit(std::span<const std::byte>(own_.data(), size));
      return 1;
    }

   private:
    MessageQueue* queue_;
    std::vector<std::byte> own_;
  };

  Producer producer(unsigned /*index*/) { return Producer(*queue_, bytes_); }
  Consumer consumer(unsigned /*index*/) { return Consumer(*queue_, bytes_); }

 private:
  std::size_t bytes_;
  std::unique_ptr<MessageQueue> queue_;
};

}  // namespace ringpost::bench::peers
