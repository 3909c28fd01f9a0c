// Fan-out: one message to many queues. Its content is stored once and delivered by reference, and
// one decision says whether it was published at all. It may have two forms, of which each queue
// gets one: as it was published, and as a JSON document.
//
//   1  payload block filled, OWNED; shares filled and LIVE        nobody concludes anything yet
//   2  targets that may fail the publish: claim, fill, entry      one is full: all is undone
//   3  COMMIT: the payload block goes LIVE                        the publish has happened
//   4  the claims of step 2 are published
//   5  each other target: claim, fill, entry, publish             full: wait, dead letters, refuse
//
// A share (shm/share.hpp) has an entry for each delivery that says which slot holds it, and a bit
// that goes when the message there is gone. An entry is written before its slot is published: so
// whoever finishes the publish of the dead knows what has been sent (fanout_sweep.hpp).
//
// Crash  before 3: nothing was visible, claims and memory are the sweeper's. From 3 on it makes
//        every delivery that is missing; one whose queue is full waits for room.
//
// A durable queue has the message in its log, too, before it is published there, or in its log
// alone (queue/queue_share_durable.cpp); at the end all of them wait for their disks. What the
// sweeper delivers is not in the log: nobody was told that it was published.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "queue/queue_core.hpp"
#include "topic/payload.hpp"

namespace ringpost::topic {

/// What becomes of a publish when a target has no room.
enum class WhenFull : std::uint8_t {
  kFail,    ///< the publish fails, and nobody gets the message
  kWait,    ///< wait as long as the caller allows; then dead letters, if there are any, or refuse
  kRefuse,  ///< at once dead letters, if there are any, or refuse
};

/// One queue that is to get the message, and what came of it.
struct Target {
  detail::QueueCore* queue = nullptr;  ///< standard, it may be durable; opened by the publisher
  WhenFull when_full = WhenFull::kWait;
  /// Gets what `queue` has no room for; not durable; null: nobody.
  detail::QueueCore* dead_letters = nullptr;
  std::uint32_t form = 0;  ///< of the message that it gets
  bool stands_in = false;  ///< for a queue that is gone, as its dead letters

  /// Written by publish() unless it fails. kOk: delivered; kFull, kTimedOut, kDeleted, kTooLarge,
  /// kNoSpace, of durable queues kLogFailed: refused.
  Errc outcome = Errc::kOk;
  bool dead_lettered = false;  ///< kOk, but `dead_letters` has it
};

struct PublishOptions {
  Duration wait = Duration::zero();  ///< of all targets together that wait for room; of each disk
};

struct Published {
  MessageId id;  ///< of the publish; each delivery has one of its own, too
  std::size_t delivered = 0;
  std::size_t dead_lettered = 0;
  std::size_t refused = 0;
};

/// Threads     one at a time, as its participant and the queues of the targets.
/// Blocking    at most PublishOptions::wait, and never while it holds a claim; durable targets: as
///             a send to them.
/// Complexity  one copy of the content for 1,600 targets; a delivery is one locked instruction and
///             some stores. No allocation and no system call once the memory is warm.
/// Crash       see above.
class Fanout {
 public:
  explicit Fanout(const queue::Membership& member) noexcept : member_(member) {}

  /// Errors kFull (a kFail target has no room), kTooLarge (for a kFail target, or the arena),
  /// kNoSpace, kInvalidArgument (attributes; a FIFO or fair target), kForked: then nobody gets
  /// anything. Of durable targets kTimedOut, kLogFailed, …: all have got it, and some disk has not
  /// said that it is there.
  /// `forms`: at most two.
  Result<Published, Errc> publish(std::span<const Message> forms, std::span<Target> targets,
                                  const PublishOptions& options) noexcept;

 private:
  static constexpr std::uint32_t kNotLogged = ~std::uint32_t{0};
  struct OwnShare {
    shm::BlockRef ref;
    shm::Share* share = nullptr;
  };
  struct Delivery {
    Target* target = nullptr;
    detail::QueueCore::Claim claim;  ///< lane null: none yet
    shm::DeliveryRef ref;
    base::Word128* entry = nullptr;
    std::uint32_t logged = kNotLogged;  ///< of a durable target: its claim among those
    [[nodiscard]] bool is_logged() const noexcept { return logged != kNotLogged; }
    [[nodiscard]] bool is_claimed() const noexcept { return claim.lane != nullptr || is_logged(); }
  };
  struct Work {
    shm::Block payload;
    PayloadPlan plan;
    std::uint64_t flags = 0;  ///< of ring::Lengths
    std::uint64_t sent_ns = 0;
    Published result;
  };
  Errc admit(std::span<Target> targets) noexcept;
  Errc allocate() noexcept;
  Errc prepare(std::span<const Message> forms) noexcept;
  [[nodiscard]] std::uint64_t lengths_of(const Delivery& delivery) const noexcept {
    return work_.plan.form(delivery.target->form).lengths;
  }
  void open_share(std::uint32_t number) noexcept;
  Errc claim_those_that_may_fail() noexcept;
  Errc fill(Delivery& delivery, detail::QueueCore& queue, Duration wait) noexcept;
  void undo() noexcept;
  void deliver_rest(Duration wait) noexcept;
  Errc deliver(Delivery& delivery, detail::QueueCore& queue, Duration wait) noexcept;
  void divert(Delivery& delivery) noexcept;
  [[nodiscard]] detail::QueueCore::Delivery content_of(const Delivery& delivery) const noexcept;
  // Durable targets: fanout_durable.cpp
  [[gnu::cold, gnu::noinline]] Errc fill_logged(Delivery& delivery, detail::QueueCore& queue,
                                                Duration wait) noexcept;
  [[gnu::cold, gnu::noinline]] void publish_logged(Delivery& delivery) noexcept;
  [[gnu::cold, gnu::noinline]] Errc wait_logged(Duration wait) noexcept;

  queue::Membership member_;
  // Kept from one publish to the next, so that their memory is.
  std::vector<Delivery> deliveries_;
  std::vector<OwnShare> shares_;
  std::vector<detail::QueueCore::LoggedClaim> logged_;
  Work work_;
};

}  // namespace ringpost::topic
