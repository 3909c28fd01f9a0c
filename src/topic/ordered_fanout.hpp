// Fan-out of a FIFO topic: as topic::Fanout, but every queue gets the messages in one order, and an
// id is accepted once within a window. How: turn.hpp.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dedup/layout.hpp"
#include "topic/fanout.hpp"
#include "topic/ordered_finish.hpp"
#include "topic/turn.hpp"

namespace ringpost::topic {

/// What the forms of an ordered message have in common.
struct Order {
  std::string_view group;
  std::string_view dedup_id{};  ///< passed to FIFO queues; empty: none
  dedup::Key key{};             ///< of the id
  /// Writes the number of the publish into the second form, which has room for it. Null: no need.
  void (*write_number)(std::uint64_t topic_id, std::uint64_t number, std::byte* form) = nullptr;
};

struct OrderedPublished {
  std::uint64_t number = 0;
  bool duplicate = false;  ///< of that number; nobody gets it
  std::size_t delivered = 0;
  std::size_t dead_lettered = 0;
  std::size_t refused = 0;
};

/// Threads     one at a time, as its participant and the queues of the targets.
/// Blocking    at most PublishOptions::wait for room, holding nothing. Never for other publishers,
///             but for a moment: one that is stopped in its turn loses it, or is finished.
/// Complexity  as Fanout; one locked instruction more for each delivery in a standard queue.
/// Crash       see turn.hpp.
class OrderedFanout final : private OrderedQueues {
 public:
  OrderedFanout(const queue::Membership& member, std::shared_ptr<Turn> turn) noexcept
      : member_(member), turn_(std::move(turn)), finish_(member_.arena, *this) {}

  /// Gives `message` to standard and FIFO queues; who would have to wait, and may not, gives it to
  /// the target's dead letters. Errors as Fanout::publish(), and kTooManyIds, kCorrupt.
  Result<OrderedPublished, Errc> publish(std::span<const Message> forms, const Order& order,
                                         std::span<Target> targets, const PublishOptions& options);

 private:
  struct Delivery {
    Target* target = nullptr;
    detail::QueueCore* queue = nullptr;  ///< where it is: the target's, its dead letters; or null
    detail::QueueCore::Claim claim;
    shm::DeliveryRef ref;
    base::Word128* entry = nullptr;
  };
  struct OwnShare {
    shm::BlockRef ref;
    shm::Share* share = nullptr;
  };
  /// What became of a try.
  enum class Tried : std::uint8_t { kDone, kAgain, kWait, kFailed };

  [[nodiscard]] Ids ids() const noexcept { return {order_->group, order_->dedup_id}; }
  Errc admit() noexcept;
  Errc prepare() noexcept;
  Errc allocate() noexcept;
  void open_share(std::uint32_t number) noexcept;
  [[nodiscard]] Tried try_once(bool may_wait);
  Errc take_turn();
  Errc pass(TurnWord seen);
  Errc enter_id() noexcept;
  [[nodiscard]] Tried claim_all(bool may_wait) noexcept;
  bool claim_in(Delivery& delivery, detail::QueueCore& queue) noexcept;
  Errc finish_mine() noexcept;
  bool publish_mine() noexcept;
  void see_what_moved() noexcept;
  void count() noexcept;
  void leave_turn() noexcept;
  void undo() noexcept;
  Errc wait_for_room(std::uint64_t end_ns) noexcept;
  detail::QueueCore* ordered_queue(std::uint64_t queue_id, bool& for_now) override;
  detail::QueueCore* open_queue(std::uint64_t queue_id, bool& for_now);

  queue::Membership member_;
  std::shared_ptr<Turn> turn_;
  OrderedFinish finish_;
  std::unordered_map<std::uint64_t, std::unique_ptr<detail::QueueCore>> others_;

  // Of one publish. The vectors are kept for their memory.
  std::span<const Message> forms_;
  const Order* order_ = nullptr;
  std::span<Target> targets_;
  std::vector<Delivery> deliveries_;
  std::vector<OwnShare> shares_;
  shm::Block payload_;
  PayloadPlan plan_;
  std::uint64_t flags_ = 0;
  std::uint64_t sent_ns_ = 0;
  std::uint64_t number_ = 0;  ///< while I have the turn, and after it
  std::uint64_t entry_ = 0;   ///< of the id, in the table
  Target* full_ = nullptr;    ///< who has no room
  Errc error_ = Errc::kOk;
  OrderedPublished result_;
};

}  // namespace ringpost::topic
