// Combinations of acts that the rules of protocols.md, section 1, speak of.
#include <algorithm>

#include "rig/ring_scenarios.hpp"

namespace ringpost::rig {
namespace {

NamedSchedules acts(const std::string& begin, const std::vector<std::string>& names,
                    std::uint32_t slots = 2, int laps = 0) {
  std::string name;
  for (const std::string& each : names) name += (name.empty() ? "" : "|") + each;
  name += " @" + begin + (laps > 0 ? "+" : "") + " /" + std::to_string(slots);
  NamedSchedules it{
      name, [=](RingStage& stage) { return ring_schedules(stage, begin, names, laps); }, slots};
  it.heavy = names.size() > 2 && std::any_of(names.begin(), names.end(), [](const auto& each) {
               return ring_act(each).times || ring_act(each).sweeps || each == "receive";
             });
  return it;
}

/// With store buffers.
NamedSchedules buffered(const std::string& begin, const std::vector<std::string>& names) {
  NamedSchedules it = acts(begin, names);
  it.name = "buffered " + it.name;
  it.delayed_stores_max = 1;
  return it;
}
NamedSchedules fenced(const std::string& begin, const std::vector<std::string>& names) {
  NamedSchedules it = buffered(begin, names);
  it.name = "fenced " + it.name;
  it.fenced = true;
  return it;
}

std::vector<NamedSchedules> make_all() {
  std::vector<NamedSchedules> all = ring_stories();
  // Triples.
  for (const std::string begin : {"empty", "leased", "skipped", "full"}) {
    all.push_back(acts(begin, {"send", "send", "receive"}));
    all.push_back(acts(begin, {"receive", "receive", "send"}));
    all.push_back(acts(begin, {"receive", "receive", "send-delayed"}));
    all.push_back(acts(begin, {"send", "sweep", "use"}));
  }
  for (const std::string begin : {"over", "over-in-place", "due", "due-unpublished"}) {
    all.push_back(acts(begin, {"receive", "receive", "expire"}));
    all.push_back(acts(begin, {"send2", "receive", "expire"}));
  }
  all.push_back(acts("empty", {"acknowledge-receipt", "send2", "send"}));
  all.push_back(acts("empty", {"acknowledge-view", "expire+consume", "send2"}));
  all.push_back(acts("await", {"receive", "receive", "send"}));
  all.push_back(acts("claimed", {"receive", "receive", "receive"}));
  all.push_back(acts("claimed", {"receive", "send", "receive"}));
  all.push_back(acts("limbo", {"send2", "send", "repair"}));
  all.push_back(acts("empty", {"send", "seal", "send"}));
  all.push_back(acts("one", {"consume", "seal", "send"}));
  // Three slots are not a size; four with cursors that have gone round.
  all.push_back(acts("empty", {"send", "send", "receive"}, 4, 1));
  all.push_back(acts("skipped", {"send2", "consume", "receive"}, 4, 1));
  // Whoever comes late to a ring that has gone round often.
  all.push_back(acts("empty", {"send", "receive"}, 2, 70));
  all.push_back(acts("skipped", {"send", "receive"}, 2, 70));
  // Sleepers. Who publishes does so with a plain store.
  all.push_back(buffered("empty", {"sleep-receive", "send"}));
  all.push_back(buffered("empty", {"sleep-receive", "release"}));
  all.push_back(fenced("empty", {"sleep-receive", "send"}));
  all.push_back(acts("over", {"sleep-receive", "expire"}));
  all.push_back(acts("due", {"sleep-receive", "expire"}));
  all.push_back(acts("dead-consumer", {"sleep-receive", "sweep"}));
  for (const std::string act :
       {"receive", "consume", "acknowledge", "acknowledge-receipt", "discard"}) {
    all.push_back(acts("full", {"sleep-send", act}));
    all.push_back(acts("all-leased", {"sleep-send", act}));
  }
  all.push_back(acts("dead-sender-consumed", {"sweep", "send"}));
  // The window is used up, a slot behind its head is free: whoever makes that head passable wakes.
  all.push_back(acts("window-claimed", {"sleep-send", "receive"}));
  all.push_back(acts("window-ready", {"sleep-send", "receive"}));
  all.push_back(acts("window-dead", {"sleep-send", "sweep"}));
  return all;
}

}  // namespace

const std::vector<NamedSchedules>& ring_special_schedules() {
  static const std::vector<NamedSchedules> all = make_all();
  return all;
}

}  // namespace ringpost::rig
