// Two rings on the rig's machine, and messages that move from the first to the second.
//
// As RingStage: calls may be made in a fiber, as an operation, and outside, to build a state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"

namespace ringpost::rig {

struct MoveWorld;

class MoveStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;

  MoveStage();
  ~MoveStage();

  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  enum class Where : std::uint8_t { kSource, kTarget };

  bool send(int me, int id, Where where, bool in_block = false);
  /// Takes a slot of the target and leaves it unpublished, for ever.
  void claim_only(int me);
  /// Takes a slot of the target and gives it up.
  void give_up(int me);
  /// Receives and keeps the lease.
  bool receive(int me, Where where, bool in_place = false);
  /// Reads the message held in place again, then gives it up.
  void finish_reading(int me);
  /// Settles by receipt what `me` holds, in the source.
  void acknowledge(int me);
  void release(int me);
  /// Takes the oldest message of the source and moves it, as a receive does with a dead letter.
  void move(int me);
  /// A message move task of the source: to the target. Messages from kSentThere on stay.
  void start_task(int me);
  void work(int me);
  /// As somebody who clears up now and then.
  void look_for_tasks(int me);
  void cancel_task();
  /// Picks that message of the source and keeps the lease.
  void pick(int me, int id);
  static constexpr int kSentThere = 50;
  void purge(int me);
  void sweep(int me);
  void tick();
  void die(int participant);
  [[nodiscard]] Event tick_event();

 private:
  std::unique_ptr<MoveWorld> world_;
};

struct NamedMove {
  std::string name;
  std::function<ExploreScenario(MoveStage&)> make;
};
[[nodiscard]] const std::vector<NamedMove>& move_schedules();

struct NamedMoveCrash {
  std::string name;
  std::function<CrashScenario(MoveStage&)> make;
};
[[nodiscard]] const std::vector<NamedMoveCrash>& move_crashes();

}  // namespace ringpost::rig
