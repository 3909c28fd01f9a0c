// Two FIFO rings on the rig's machine, and messages that move from the first to the second.
//
// As MoveStage. Judged besides: a message is delivered only if no earlier one of its group is
// there; and whoever stands still, mover or not, holds up nobody once his lease is over.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"

namespace ringpost::rig {

struct GroupMoveWorld;

class GroupMoveStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;

  GroupMoveStage();
  ~GroupMoveStage();

  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  enum class Where : std::uint8_t { kSource, kTarget };

  bool send(int me, int id, int group, Where where, bool in_block = false);
  /// Takes a slot of the target and leaves it unpublished, for ever.
  void claim_only(int me);
  /// Receives and keeps the lease.
  bool receive(int me, Where where, bool in_place = false);
  /// Reads the message held in place again, then gives it up.
  void finish_reading(int me);
  /// Settles by receipt what `me` holds.
  void acknowledge(int me);
  void release(int me);
  /// Moves the next `count` messages that one receive of the source gives, as dead letters.
  void move(int me, std::uint32_t count = 1);
  /// One receive gives two messages of a group: the second moves, then the first is acknowledged.
  void move_second(int me);
  /// Moves what is visible in the source, as a message move task.
  void redrive(int me);
  void purge(int me);
  void sweep(int me);
  /// Everything in both rings, as time goes on; nothing may wait for somebody who stands still.
  void consume_all(int me);
  void tick();
  void die(int participant);
  [[nodiscard]] Event tick_event();

 private:
  std::unique_ptr<GroupMoveWorld> world_;
};

struct NamedGroupMove {
  std::string name;
  std::function<ExploreScenario(GroupMoveStage&)> make;
  int preemptions = 1;  ///< that a mutant may need
};
[[nodiscard]] const std::vector<NamedGroupMove>& group_move_schedules();

struct NamedGroupMoveCrash {
  std::string name;
  std::function<CrashScenario(GroupMoveStage&)> make;
};
[[nodiscard]] const std::vector<NamedGroupMoveCrash>& group_move_crashes();

}  // namespace ringpost::rig
