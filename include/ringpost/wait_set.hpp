// WaitSet: wait for messages on several queues at once, or give an epoll loop a descriptor.
#pragma once

#include <memory>
#include <vector>

#include "ringpost/bus.hpp"
#include "ringpost/queue.hpp"
#include "ringpost/result.hpp"

namespace ringpost {

/// Threads   wait() and the queues in it belong to one thread; interrupt() may be called from any.
class RINGPOST_API WaitSet {
 public:
  WaitSet();
  ~WaitSet();
  WaitSet(WaitSet&&) noexcept;
  WaitSet& operator=(WaitSet&&) noexcept;

  /// Adds a queue, which must outlive the set. Up to 127. Error kInvalidArgument beyond.
  Result<void> add(Queue& queue);

  /// Sleeps until at least one queue has a visible message: on send, delay end, lease end, release.
  /// Returns the indices (in order of add) of those that may have one.
  /// Errors: kTimedOut, kInterrupted, kDeleted (one of the queues).
  Result<std::vector<std::size_t>, Errc> wait(Duration timeout = kForever);
  void interrupt() noexcept;

  /// A descriptor that becomes readable when a queue may have a message: for epoll and poll.
  /// A thread of the set watches the queues; after receiving until kEmpty, call rearm().
  Result<int> descriptor();
  void rearm() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost
