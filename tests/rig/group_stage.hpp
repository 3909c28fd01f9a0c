// A shipped FIFO or fair ring on the rig's machine: participants around one small ring, what each
// may do, and the judgement. Scenarios are put together in group_scenarios.hpp.
//
// As for RingStage, every call may be made in a fiber and outside, and what a call says is judged
// at once: "full" is wrong if a slot was free from its beginning to its end, "empty" is wrong if
// the first message of a group was visible all that time. Order: a message is delivered only if
// each one before it in its group is acknowledged, or leased by the same receive. In a fair ring
// nothing is locked, and the counts of tenants are right in the end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rig/scenario.hpp"
#include "ring/layout.hpp"

namespace ringpost::rig {

struct GroupWorld;

class GroupStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;
  static constexpr std::uint64_t kVisibility = 100;  ///< deadline units; a tick is longer
  static constexpr std::uint64_t kTick = 1'000;

  explicit GroupStage(std::uint32_t slots, ring::RingKind kind = ring::RingKind::kFifo);
  ~GroupStage();

  /// `begin` builds the state from an empty ring. `stopped_for_ever`: whoever dies counts as
  /// stopped until everything else is over: groups go on without a sweep.
  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin, bool stopped_for_ever);

  // ---- sending; ids 1 … 40, groups 1 … 31
  bool send(int me, int id, int group);
  bool send_in_block(int me, int id, int group);
  bool send_delayed(int me, int id, int group);  ///< fair; due after a tick
  /// Takes a slot and leaves it unpublished.
  void claim_only(int me, int id, int group);
  /// Publishes what claim_only() has claimed, or another claim if that was passed.
  void finish(int me);

  // ---- receiving: messages go to the end of the list of those that `me` holds
  int receive(int me, std::uint32_t count = 1);
  int receive_in_place(int me);
  /// Under an id of an attempt.
  int receive_as(int me, int attempt, std::uint32_t count = 1);
  int receive_in_place_as(int me, int attempt);
  /// Reads the messages held in place again, then gives them up.
  void finish_reading(int me);

  // ---- settling message `index` of the list; nothing if the list is shorter
  void acknowledge(int me, std::size_t index = 0);             ///< and drops it
  void acknowledge_by_receipt(int me, std::size_t index = 0);  ///< and drops it
  void release(int me, std::size_t index = 0);                 ///< keeps it: a stale receipt then
  void extend(int me, std::uint64_t units, std::size_t index = 0);
  /// A receipt of one for another: both may use it.
  void share_receipt(int from, int to, std::size_t index = 0);
  /// FIFO: the first step of an acknowledgement and no more.
  void acknowledge_halfway(int me);
  /// Fair: goes past everything that is published, which waits in its list then.
  void place(int me);
  /// Fair: the oldest message that waits in a list is leased, and not taken off that.
  void lease_halfway(int me);
  /// Fair: the latest message that waits in a list is removed by a purge, and not taken off that.
  void remove_halfway(int me);

  // ---- the rest
  void expire(int me);
  void purge(int me);
  void sweep(int me);
  void repair(int me);
  /// Arms, looks once more, and sleeps if there is nothing: until the end.
  void sleep_for_message(int me);
  void sleep_for_room(int me, int id, int group);

  // ---- events
  void tick();
  void die(int participant);
  [[nodiscard]] Place clock_place() const noexcept;
  [[nodiscard]] Event tick_event();

  // ---- for the states
  /// Every record has been used by a group that is gone.
  void wear_out_records();
  void set_delay(std::uint64_t units) noexcept;
  /// `laps` times round the ring, leaving it empty.
  void turn(int laps);
  [[nodiscard]] std::uint32_t slots() const noexcept;

 private:
  std::unique_ptr<GroupWorld> world_;
};

}  // namespace ringpost::rig
