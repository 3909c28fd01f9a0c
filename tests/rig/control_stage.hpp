// The shipped control file of a stream on the rig's machine, with its file: one who changes it,
// and one who reads settings and map meanwhile, each with a mapping of its own. What is tried is
// the order of the steps of ControlFile::apply(), also when they end in the middle:
//   - settings and tags are those of one change;
//   - every hash key has a shard that takes it, which a reader of the map finds;
//   - whoever changes the file next leaves what he meant to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/explorer.hpp"

namespace ringpost::rig {

class ControlStage {
 public:
  ControlStage();
  ~ControlStage();

  [[nodiscard]] Stage stage(std::string name);
  void set(std::uint64_t hours);
  void split();
  void read_settings();
  void read_map();

 private:
  struct World;
  std::unique_ptr<World> world_;
};

struct NamedControl {
  std::string name;
  std::function<ExploreScenario(ControlStage&)> make;
};
[[nodiscard]] const std::vector<NamedControl>& control_schedules();

}  // namespace ringpost::rig
