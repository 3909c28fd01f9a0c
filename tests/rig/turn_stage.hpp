// A FIFO topic on the rig's machine: two FIFO queues and one for dead letters, several publishers,
// consumers and sweepers. As FanoutStage, and the turn and its table of ids are shared memory, too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"

namespace ringpost::rig {

class TurnStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;
  static constexpr int kQueues = 3;  ///< the last one is for dead letters

  enum class Full : std::uint8_t { kFails, kRefuses, kDeadLetters };

  /// Makes a bus in a directory of its own under the one for temporary files.
  TurnStage();
  ~TurnStage();

  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  /// To the first two queues; what is said of the second one when it is full. All of those with an
  /// id have the same one.
  void publish(int me, int message, bool with_id, Full full = Full::kRefuses);
  bool receive(int me, int queue);
  void acknowledge(int me);
  void sweep(int me);
  /// The second queue is full of messages that do not count, but for `room` slots.
  void fill(int room);
  void die(int participant);

 private:
  struct World;
  std::unique_ptr<World> world_;
};

struct NamedTurn {
  std::string name;
  std::function<ExploreScenario(TurnStage&)> make;
  int deaths_max = 1;
};
[[nodiscard]] const std::vector<NamedTurn>& turn_schedules();

struct NamedTurnCrash {
  std::string name;
  std::function<CrashScenario(TurnStage&)> make;
};
[[nodiscard]] const std::vector<NamedTurnCrash>& turn_crashes();

}  // namespace ringpost::rig
