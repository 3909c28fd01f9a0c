// Four queues on the rig's machine, and messages that are published to several of them: the
// shipped fan-out, its sweeper, queues and arena, over files that all participants have mapped at
// one place. Of them the first slots of each ring, the first blocks and the first shares are shared
// memory to the machine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"

namespace ringpost::rig {

class FanoutStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;
  static constexpr int kQueues = 4;

  enum class Full : std::uint8_t { kFails, kRefuses, kDeadLetters };
  /// A queue, by its number. Dead letters of any go to the last one.
  struct To {
    int queue = 0;
    Full full = Full::kRefuses;
  };

  /// Makes a bus in a directory of its own under the one for temporary files.
  FanoutStage();
  ~FanoutStage();

  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  void publish(int me, int id, const std::vector<To>& to);
  /// From a state alone: stands still for ever just when the publish is decided. What the entries
  /// of deliveries that may fail name is not published yet, all others are unset.
  void stop_at_commit(int me, int id, const std::vector<To>& to);
  /// Receives and keeps the lease.
  bool receive(int me, int queue);
  void acknowledge(int me);
  /// Gives the message held back: visible at once.
  void give_back(int me);
  /// Acknowledges by receipt, and reads on.
  void acknowledge_while_reading(int me);
  /// Reads the message held in place again, then gives it up.
  void finish_reading(int me);
  void purge(int me, int queue);
  void sweep(int me);
  /// The queue is full of messages that do not count; from now on those who publish may be refused.
  void fill(int queue);
  /// One of those is received.
  void drain_one(int me, int queue);
  /// Sends, receives and acknowledges: once more than this, and the first slot is used again.
  void go_round(int me, int queue);
  /// What has been received once from the first queue goes to the last one.
  void bury_from_now_on();
  void tick();
  void die(int participant);
  [[nodiscard]] bool is_dead(int participant) const;

 private:
  struct World;
  std::unique_ptr<World> world_;
};

struct NamedFanout {
  std::string name;
  std::function<ExploreScenario(FanoutStage&)> make;
  int deaths_max = 1;
};
[[nodiscard]] const std::vector<NamedFanout>& fanout_schedules();

struct NamedFanoutCrash {
  std::string name;
  std::function<CrashScenario(FanoutStage&)> make;
};
[[nodiscard]] const std::vector<NamedFanoutCrash>& fanout_crashes();

}  // namespace ringpost::rig
