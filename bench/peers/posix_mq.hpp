// Peer `posix_mq`: the kernel's message queues.
//
// One system call and one copy on each side; the kernel wakes a sleeper. Two variants, the better
// counts: blocking, and O_NONBLOCK in a loop. All messages have one priority, so that the kernel's
// tree has one node. The queue is as long as the limits allow (a privileged process may go beyond
// fs.mqueue.msg_max); a size of message beyond fs.mqueue.msgsize_max is left out.
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/transport.hpp"

namespace ringpost::bench::peers {

template <bool Blocking>
class PosixMq {
 public:
  static constexpr bool kBlocking = Blocking;
  static constexpr bool kOrdered = true;

  explicit PosixMq(const ChannelOptions& options) : bytes_(options.message_bytes) {
    raise_limit();
    const std::string name = "/ringpost-bench-" + std::to_string(getpid());
    mq_unlink(name.c_str());
    mq_attr attributes{};
    attributes.mq_msgsize = static_cast<long>(bytes_);
    constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | (Blocking ? 0 : O_NONBLOCK);
    for (std::size_t length = options.capacity; queue_ < 0 && length > 0; length /= 2) {
      // Without privilege 10 is the usual limit: not a power of two.
      for (const std::size_t tried : {length + length / 4, length}) {
        if (queue_ >= 0 || tried > options.capacity) continue;
        attributes.mq_maxmsg = static_cast<long>(tried);
        queue_ = mq_open(name.c_str(), kFlags, 0600, &attributes);
      }
    }
    if (queue_ < 0) throw Unsupported(std::string("mq_open: ") + std::strerror(errno));
    // Children inherit the descriptor. Without a name nothing can be left behind.
    mq_unlink(name.c_str());
  }
  PosixMq(const PosixMq&) = delete;
  PosixMq& operator=(const PosixMq&) = delete;
  ~PosixMq() {
    if (queue_ >= 0) mq_close(queue_);
  }

  class Producer {
   public:
    Producer(mqd_t queue, std::size_t bytes) : queue_(queue), own_(bytes) {}
    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      fill(std::span(own_), std::size_t{0});
      if (mq_send(queue_, reinterpret_cast<const char*>(own_.data()), own_.size(), 0) == 0)
        return 1;
      if (errno == EAGAIN || errno == EINTR) return 0;
      throw std::system_error(errno, std::generic_category(), "mq_send");
    }

   private:
    mqd_t queue_;
    std::vector<std::byte> own_;
  };

  class Consumer {
   public:
    Consumer(mqd_t queue, std::size_t bytes) : queue_(queue), own_(bytes) {}
    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      const ssize_t size =
          mq_receive(queue_, reinterpret_cast<char*>(own_.data()), own_.size(), nullptr);
      if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return 0;
        throw std::system_error(errno, std::generic_category(), "mq_receive");
      }
      visit(std::span<const std::byte>(own_.data(), static_cast<std::size_t>(size)));
      return 1;
    }

   private:
    mqd_t queue_;
    std::vector<std::byte> own_;
  };

  Producer producer(unsigned /*index*/) { return Producer(queue_, bytes_); }
  Consumer consumer(unsigned /*index*/) { return Consumer(queue_, bytes_); }

 private:
  static void raise_limit() noexcept {
    constexpr rlim_t kWanted = rlim_t{1} << 30;
    rlimit limit{.rlim_cur = kWanted, .rlim_max = kWanted};
    if (setrlimit(RLIMIT_MSGQUEUE, &limit) == 0) return;
    if (getrlimit(RLIMIT_MSGQUEUE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MSGQUEUE, &limit);
  }

  std::size_t bytes_;
  mqd_t queue_ = -1;
};

}  // namespace ringpost::bench::peers
