// The chain of rings on the rig's machine: whole queues, with their files, whose header alone is
// shared memory to the machine. So what is tried is the order of the steps on the chain: entry,
// write_ring, oldest. What happens inside of a ring is the business of RingStage.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/explorer.hpp"

namespace ringpost::rig {

class GrowthStage {
 public:
  /// 1 … 3 take part, each with mappings of its own; 0 creates, 4 judges.
  static constexpr int kParticipants = 5;
  static constexpr int kJudge = 4;

  /// Makes a bus in a directory of its own under the one for temporary files.
  GrowthStage();
  ~GrowthStage();

  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);
  void send(int me, int id);
  void receive(int me);
  /// The first ring is full of messages that do not count.
  void fill();
  /// The first ring is empty, a message lies in the second one.
  void drain_first(int id);
  /// `me` knows the rings there are.
  void look_round(int me);
  void die(int participant);

 private:
  struct World;
  std::unique_ptr<World> world_;
};

struct NamedGrowth {
  std::string name;
  std::function<ExploreScenario(GrowthStage&)> make;
};
[[nodiscard]] const std::vector<NamedGrowth>& growth_schedules();

/// Two mappings of one word are two addresses, so the reduction would not see that they conflict.
[[nodiscard]] ExploreOptions growth_options(int preemptions_max);

}  // namespace ringpost::rig
