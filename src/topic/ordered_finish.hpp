// Finishing a committed publish of a FIFO topic: by its publisher, by whoever wants the turn after
// it, by sweepers, and by several at once. Why it is right: turn.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "queue/queue_core.hpp"
#include "topic/ordered_share.hpp"
#include "topic/turn.hpp"

namespace ringpost::topic {

/// The queues that deliveries lie in, as the participant that finishes them has them open.
class OrderedQueues {
 public:
  virtual ~OrderedQueues() = default;
  /// Null: it is not there. `for_now`: perhaps it is, but it could not be opened.
  virtual detail::QueueCore* ordered_queue(std::uint64_t queue_id, bool& for_now) = 0;
};

/// The id of a committed publish, by any of its shares: before anything of it is finished.
void commit_id(const Turn& turn, const shm::ShareLook& share, shm::Arena& arena,
               const base::TimeSource& time) noexcept;

/// Threads   one at a time, as its participant.
/// Blocking  never.
/// Crash     each step may be done again, by anybody; claims of the dead that no entry names are
///           the sweeper's.
class OrderedFinish {
 public:
  OrderedFinish(shm::Arena& arena, OrderedQueues& queues) noexcept
      : arena_(arena), queues_(queues) {}

  /// Publishes whatever the entries of the share, and of those behind it, name. The id has been
  /// committed. False: a queue could not be opened now, so it is not finished.
  [[nodiscard]] bool finish(const shm::ShareLook& share) noexcept { return finish(share, 0); }

  /// Lets go of those deliveries of a finished share that nobody gets.
  void drop_refused(const shm::ShareLook& share) noexcept;

 private:
  enum class Step : std::uint8_t { kDone, kAgain, kNotNow };
  struct OwnClaim {
    detail::QueueCore* queue;
    detail::QueueCore::Claim claim;
  };

  bool finish(const shm::ShareLook& share, std::uint32_t depth) noexcept;
  bool deliver(const shm::ShareLook& share, std::uint32_t number) noexcept;
  Step publish(const shm::ShareLook& share, std::uint32_t number) noexcept;
  Step replace(const shm::ShareLook& share, std::uint32_t number, const shm::ShareEntry& entry,
               detail::QueueCore& skipped_in) noexcept;
  detail::QueueCore* claim_for(const shm::ShareLook& share, std::uint32_t number,
                               detail::QueueCore& first, detail::QueueCore::Claim& claim) noexcept;

  shm::Arena& arena_;
  OrderedQueues& queues_;
  std::vector<OwnClaim> claims_;  ///< of one delivery
};

}  // namespace ringpost::topic
