// Finishing the fan-outs of dead publishers, and letting go of what dead consumers took.
//
//   settle    before claims of the dead are void: its committed publishes belong to nobody from now
//             on, and every slot that an entry names is published
//   complete  after that: each entry that is still unset gets a slot: claim, fill, CAS of the
//   entry,
//             publish. A full queue is left; a later sweep goes on
//   end_gone  at any time: deliveries whose message is gone, shares of which nothing is left
//
// A publish is committed if its payload is LIVE. What was not is undone by nobody in particular:
// its claims are void, its payload is OWNED by the dead and so freed, and a share without its
// payload is over.
//
// Only shares that belong to nobody are completed, and a claim that a sweeper made under its own
// index is named by such a share alone. So settle, which looks at all of those, has published
// whatever the entries name before the claims of any dead one, be it a sweeper, are void.
//
// A consumer needs no note of what it acknowledges: between the CAS that makes its message go and
// the clearing of the bit there is only its own death, and whether the message is gone can be seen
// from the slot for ever. Until a sweep looks, the payload stays: as with a block of a queue's own.
//
// Publishes of FIFO topics (turn.hpp) are finished by settle alone, and all of them: the dead may
// have helped with those of the living. Their entries are set before the commit, so none is
// missing.
//
// A delivery to a durable queue that went to its log alone, or was about to, is judged by settle,
// too: if its record was published it is over, else its entry is unset again and somebody else
// delivers. The entry is looked at once more behind the journal: claims there are void only after
// all that.
//
// Crash  each step may be done again, by several at once, and by one that was stopped in between.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "queue/queue_core.hpp"
#include "topic/ordered_finish.hpp"

namespace ringpost::topic {

/// The queues of the bus as their sweeper has them open.
class OpenQueues {
 public:
  virtual ~OpenQueues() = default;
  /// Null: not there, or not known yet.
  virtual std::shared_ptr<queue::QueueMapping> queue(std::uint64_t queue_id) = 0;
  /// ring::publish_named(), if the ring is still there. False: perhaps it is, but it could not be
  /// opened now.
  virtual bool publish(const shm::BackReference& where) = 0;
  /// Whether the message that lay there is gone for good.
  virtual bool is_gone(const shm::BackReference& where) = 0;
  /// Lists them again. False: some may be there that could not be opened now, so nothing may be
  /// concluded from what is not.
  virtual bool look_again() = 0;
  /// False: some may be there that could not be opened now.
  virtual bool has_all() = 0;
  /// Of a FIFO topic. Error kNotFound: it was deleted.
  virtual Result<std::shared_ptr<Turn>> turn(std::uint64_t topic_id) = 0;
};

/// Threads   one at a time, as the participant that sweeps.
/// Blocking  never.
class FanoutSweep final : private OrderedQueues {
 public:
  FanoutSweep(const queue::Membership& member, OpenQueues& queues) noexcept
      : member_(member), queues_(queues), ordered_(member.arena, *this) {}

  /// The caller holds the lock of `dead`, and listed the queues after its death. False: not all
  /// could be published, so its claims must not be void yet.
  [[nodiscard]] bool settle(std::uint16_t dead) noexcept;
  /// Says in the bus header whether deliveries wait for room.
  void complete() noexcept;
  void end_gone() noexcept;

  /// Whether somebody should call complete() now and then.
  [[nodiscard]] static bool deliveries_wait(const shm::BusFiles& bus) noexcept;

 private:
  struct Missing {
    shm::ShareLook share;
    std::uint32_t number = 0;  ///< of the delivery
    std::uint64_t queue = 0;
  };
  void collect(const shm::ShareLook& share) noexcept;
  bool deliver(const Missing& it) noexcept;
  [[gnu::cold, gnu::noinline]] bool settle_logged(const shm::ShareLook& share, std::uint32_t number,
                                                  const shm::ShareEntry& entry) noexcept;
  detail::QueueCore* core(std::uint64_t queue_id) noexcept;
  bool settle_ordered(const shm::ShareLook& share) noexcept;
  detail::QueueCore* ordered_queue(std::uint64_t queue_id, bool& for_now) override;
  void say_that_some_wait() noexcept;
  std::atomic<std::uint32_t>& waiting() noexcept;

  queue::Membership member_;
  OpenQueues& queues_;
  OrderedFinish ordered_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Turn>> turns_;
  std::vector<Missing> missing_;
  std::unordered_map<std::uint64_t, std::unique_ptr<detail::QueueCore>> cores_;
};

}  // namespace ringpost::topic
