// ReferenceQueue: the rules of a standard queue, written to be obviously right: one lock, ordered
// maps. The rig and the checker are tried on it before they judge anything else.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "process/rig/client.hpp"
#include "ringpost/clock.hpp"

namespace ringpost::rig {

/// Threads: any.
class ReferenceQueue {
 public:
  ReferenceQueue(const Clock& clock, std::size_t messages_max)
      : clock_(clock), messages_max_(messages_max) {}

  /// A client that refers to this queue.
  [[nodiscard]] std::unique_ptr<Client> client();

  Sent send(std::span<const OutMessage> messages, const SendOptions& options);
  Errc receive(const ReceiveOptions& options, std::vector<Hand>& into);
  Errc settle(const Receipt& receipt, Action action, Duration duration);
  std::uint64_t purge();
  void set(const QueueSettings& changes);
  std::vector<std::string> peek(std::size_t count);
  Content content();

 private:
  struct Entry {
    std::string body;
    bool has_attribute = false;
    std::uint32_t receive_count = 0;
    bool leased = false;
    std::uint64_t due_ns = 0;  ///< end of the lease or of the delay
  };

  void make_due();
  void wait_until(std::uint64_t position, Entry& entry, std::uint64_t due_ns);
  void no_longer_waiting(std::uint64_t position, const Entry& entry);

  const Clock& clock_;
  const std::size_t messages_max_;
  std::mutex mutex_;
  std::map<std::uint64_t, Entry> entries_;  // by position
  std::set<std::uint64_t> visible_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> waiting_;  // due, position
  std::uint64_t next_position_ = 1;
  std::uint64_t in_flight_ = 0;
  std::uint64_t in_flight_max_ = 120'000;
};

}  // namespace ringpost::rig
