// The shipped ring on the rig's machine: participants around one small ring, what each may do, and
// the judgement. Scenarios are put together in ring_scenarios.hpp.
//
// Every call below may be made in a fiber, as an operation, and outside, to build a state. What
// participants were told goes into a ledger. What a call says of the ring as a whole is judged at
// once: "full" is wrong if a slot was free from its beginning to its end, "empty" is wrong if a
// message was visible all that time.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "rig/scenario.hpp"

namespace ringpost::rig {

struct RingWorld;

class RingStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;
  static constexpr std::uint64_t kVisibility = 100;         ///< deadline units; a tick is longer
  static constexpr std::uint64_t kLongVisibility = 50'000;  ///< longer than a due scan looks ahead
  static constexpr std::uint64_t kDelay = 50;
  static constexpr std::uint64_t kTick = 1'000;

  explicit RingStage(std::uint32_t slots);
  ~RingStage();

  /// `begin` builds the state from an empty ring.
  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  // ---- sending; ids 1 … 40
  bool send(int me, int id);
  bool send_delayed(int me, int id);
  bool send_in_block(int me, int id);
  /// Claims all, then publishes all. Returns how many there was room for.
  int send_batch(int me, std::initializer_list<int> ids);
  /// Takes a slot and leaves it unpublished.
  void claim_only(int me, int id);
  /// Claims, delays, and leaves it unpublished.
  void delay_only(int me, int id);
  /// Publishes what claim_only() has claimed; the second delays it before.
  void finish(int me);
  void finish_delayed(int me);

  // ---- receiving: the message goes to the end of the list of those that `me` holds
  bool receive(int me);
  bool receive_in_place(int me);
  bool receive_for_long(int me);
  /// Reads the messages held in place again, then gives them up.
  void finish_reading(int me);

  // ---- settling the first of the list; nothing if the list is empty
  void acknowledge(int me);             ///< with the lease word in hand, and drops it
  void acknowledge_by_receipt(int me);  ///< drops it
  void release(int me);                 ///< keeps it: a stale receipt from then on
  void extend(int me, std::uint64_t units);
  /// A receipt of one for another: both may use it.
  void share_receipt(int from, int to);

  // ---- the rest
  void expire(int me);
  void discard_all(int me);
  void sweep(int me);
  void repair(int me);
  void seal(int me);
  /// Arms, looks once more, and sleeps if there is nothing: until the end.
  void sleep_for_message(int me);
  void sleep_for_room(int me, int id);

  // ---- events
  void tick();
  /// So long that nothing is late any more: from then on "empty" is wrong beside a lease that is
  /// over. Only where nobody stands still while it scans.
  void tick_long();
  void die(int participant);
  [[nodiscard]] Place clock_place() const noexcept;
  [[nodiscard]] Event tick_event();

  /// For the states: `laps` times round the ring, leaving it empty; one send more each time, so
  /// that the cursors end in different slots.
  void turn(int laps);
  void clear_ledger();
  /// The publish is a locked exchange, and a membarrier does nothing.
  void set_fenced(bool fenced) noexcept;
  [[nodiscard]] std::uint32_t slots() const noexcept;

 private:
  std::unique_ptr<RingWorld> world_;
};

}  // namespace ringpost::rig
