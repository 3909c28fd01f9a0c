// One schedule: from setup to check, asking a Chooser wherever more than one thing can happen.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rig/choice.hpp"
#include "rig/explorer.hpp"
#include "rig/runtime.hpp"

namespace ringpost::rig {

class ScheduleRun {
 public:
  struct Result {
    std::string what;     ///< broken; empty: all promises held
    bool pruned = false;  ///< given up: equals another schedule
    std::uint64_t steps = 0;
    int preemptions = 0;
    int deaths = 0;
    int events = 0;
  };

  ScheduleRun(const ExploreScenario& scenario, const ExploreOptions& options);

  const Result& run(Chooser& chooser, int preemptions_max);
  [[nodiscard]] const Schedule& schedule() const noexcept { return schedule_; }
  /// Of fibers, for traces.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  /// An access that changed nothing.
  struct Look {
    const std::byte* address;
    AccessKind kind;
  };

  /// What the explorer knows of a fiber beyond the machine.
  struct Seat {
    bool preempted = false;   ///< waits before an access although it could have gone on
    bool conflicted = false;  ///< since then somebody touched what it is about to touch
    bool insists = false;     ///< runs through its pauses
    bool has_paused = false;
    std::uint32_t insisted = 0;
    std::uint64_t stores_at_pause = 0;
    std::vector<Look> round;       ///< since its last pause, if it has paused
    std::vector<Look> last_round;  ///< between the two pauses before
  };

  /// Where a decision was taken. They are the same as long as those before it are.
  struct Mark {
    std::size_t fiber = kNobody;  ///< that alone ran since the decision before; kNobody: not so
    std::uint64_t steps = 0;      ///< of that fiber
  };

  bool start();
  bool finish();
  void collect();
  void offer_run(std::size_t fiber, bool preempts);
  void offer_others();
  void offer_deaths_and_events();
  void offer_flushes();
  [[nodiscard]] bool must_insist() const;
  [[nodiscard]] bool goes_on_alone() const;
  [[nodiscard]] bool somebody_looks_at(const std::vector<Place>& places) const;
  void apply(const Choice& choice);
  void run_fiber(std::size_t fiber, RunLimits limits);
  [[nodiscard]] RunLimits limits_of(std::size_t fiber, bool delayed);
  void watch(const std::vector<Place>& places);
  void watch_the_preempted();
  void mark(std::uint32_t decision);
  std::uint32_t fast_forward(std::uint32_t decision, std::uint32_t defaults);
  void after_stop(std::size_t fiber, Stop stop);
  void mark_conflicts(const Access& access);
  void mark_conflicts(const std::vector<Place>& places);
  void mark_all_conflicted();
  void kill(int participant);
  void notice(std::size_t mortal);
  void note(const std::string& text);
  bool broken(std::string what);

  [[nodiscard]] bool can_run(std::size_t fiber) const {
    const Stop state = machine_.state(fiber);
    return state == Stop::kAtAccess || state == Stop::kPaused;
  }
  [[nodiscard]] bool is(std::size_t fiber, Stop state) const {
    return fiber != kNobody && machine_.state(fiber) == state;
  }

  Machine& machine_;
  const ExploreScenario& scenario_;
  const ExploreOptions& options_;
  std::vector<std::string> names_;
  std::function<void()> check_body_;
  std::string verdict_;

  Result result_;
  Schedule schedule_;
  std::vector<Choice> choices_;
  std::vector<Seat> seats_;
  std::vector<char> dead_, noticed_, happened_;  ///< by index in scenario.mortal, events
  std::vector<Mark> marks_;                      ///< by decision
  std::vector<Access> watched_;                  ///< RunLimits::watched
  std::size_t current_ = kNobody;
  std::size_t alone_ = kNobody;  ///< who ran since the last decision, if it was one
  int preemptions_max_ = 0;
  int delayed_ = 0;
  bool barred_ = false;  ///< the reduction kept somebody from running at this decision
};

}  // namespace ringpost::rig
