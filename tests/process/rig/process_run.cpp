#include "process/rig/process_run.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include "process/rig/bus_client.hpp"
#include "process/rig/crew.hpp"
#include "process/rig/steady_worker.hpp"
#include "process/rig/worker.hpp"

namespace ringpost::rig {

namespace {

constexpr std::uint32_t kSurvivor = 0;
// Steady workers go on until the last strike, however many calls that takes. Only pages that are
// written take memory.
constexpr std::uint64_t kSteadyRecords = 4'000'000;

/// Something that happens to a worker when the run has made so many calls.
struct Strike {
  std::uint64_t at = 0;
  bool kills = true;
  std::uint64_t random = 0;
};

std::vector<Strike> schedule_of(const Plan& plan, Random& random) {
  std::vector<Strike> strikes;
  for (std::uint32_t i = 0; i < plan.kills + plan.stops; ++i) {
    strikes.push_back({random.below(plan.operations), i < plan.kills, random.next()});
  }
  std::sort(strikes.begin(), strikes.end(),
            [](const Strike& a, const Strike& b) { return a.at < b.at; });
  return strikes;
}

class ProcessRun {
 public:
  explicit ProcessRun(const Plan& plan)
      : plan_(plan),
        random_(plan.seed),
        control_(make_shared_control()),
        operation_clock_(*control_),
        crew_(
            *control_, clock(),
            [this](std::uint32_t place, history::Recorder& recorder) {
              return work(place, recorder);
            },
            plan.steady ? kSteadyRecords : 4 * plan.operations + 100'000),
        watchdog_(*control_) {}

  RunOutcome run() {
    for (std::uint32_t place = 0; place < plan_.roles.size(); ++place) crew_.start(place);
    for (const Strike& strike : schedule_of(plan_, random_)) {
      if (!await_operations(strike.at)) break;
      this->strike(strike);
    }
    await_operations(plan_.operations);
    finish();
    outcome_.history = history::assemble(crew_.logs());
    outcome_.faults = faults_of(outcome_, policy_of(plan_));
    if (!outcome_.faults.empty() && plan_.keeps_logs) outcome_.faults += crew_.keep_logs();
    return std::move(outcome_);
  }

 private:
  [[nodiscard]] const Clock& clock() const noexcept {
    return plan_.operation_clock ? static_cast<const Clock&>(operation_clock_) : system_clock_;
  }

  // --- in the parent

  /// Waits until so many calls have been made; false when the run has failed.
  bool await_operations(std::uint64_t number) {
    control_->wake_at.store(number);
    return await([&] { return control_->operations.load() >= number; });
  }

  template <class Condition>
  bool await(const Condition& condition) {
    while (outcome_.failure.empty()) {
      const auto word = control_->parent_word.load();
      outcome_.failure = crew_.reap();
      if (condition()) break;
      if (watchdog_.barks()) outcome_.failure = "nothing moves:\n" + crew_.last_calls();
      // Time passes even if every worker waits for it.
      control_->clock_ns.fetch_add(50'000, std::memory_order_relaxed);
      control_->await_wake(word);
    }
    return outcome_.failure.empty();
  }

  void strike(const Strike& strike) {
    if (stopped_ && !strike.kills) continue_stopped();
    const auto places = static_cast<std::uint32_t>(plan_.roles.size());
    const auto place = 1 + static_cast<std::uint32_t>(strike.random % (places - 1));
    if (!crew_.is_running(place)) return;
    // A little later, so that the blow does not always fall on the end of a counted call.
    for (std::uint64_t i = (strike.random >> 32) % 5'000; i > 0; --i) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    if (strike.kills) {
      if (stopped_ == place) stopped_.reset();
      crew_.kill(place);
      ++outcome_.kills;
      crew_.start(place);
    } else {
      crew_.stop(place);
      if (crew_.is_stopped(place)) stopped_ = place;
      ++outcome_.stops;
    }
    if (plan_.steady) await_survivors();
  }

  /// Everybody who can work gets through, however the victim was left.
  void await_survivors() {
    const auto round = control_->round.fetch_add(1) + 1;
    const auto places = static_cast<std::uint32_t>(plan_.roles.size());
    for (std::uint32_t place = 0; place < places; ++place) {
      if (stopped_ == place) continue;
      const Place& survivor = control_->places[place];
      if (!await([&] { return survivor.round_done.load() >= round; })) return;
      outcome_.attempts_max = std::max(outcome_.attempts_max, survivor.round_attempts.load());
    }
  }

  void continue_stopped() {
    if (stopped_) crew_.go_on(*stopped_);
    stopped_.reset();
  }

  void finish() {
    continue_stopped();
    control_->set_phase(Phase::kFinish);
    await([&] { return crew_.running() <= 1; });
    if (!outcome_.failure.empty()) return;
    control_->set_phase(Phase::kDrain);
    await([&] { return crew_.running() == 0; });
  }

  // --- in a worker

  std::string work(std::uint32_t place, history::Recorder& recorder) {
    BusOptions options;
    options.shm_dir = crew_.scratch().path("shm");
    options.participants_max = plan_.participants_max;
    options.arena_bytes_max = plan_.arena_bytes_max;
    options.clock = plan_.operation_clock ? &operation_clock_ : nullptr;
    auto opened = BusClient::open("run", options, plan_.settings);
    if (!opened) return std::string("open: ") + opened.error().what;
    std::unique_ptr<Client> client = *std::move(opened);
    if (plan_.wrap) client = plan_.wrap(std::move(client), clock());
    Session session(*client, {&recorder, history::Stamper(control_->tickets, clock())});
    const auto seed = plan_.seed * 10'000 + recorder.process();
    Worker worker(session, *control_, control_->places[place], plan_, plan_.roles[place], seed);
    if (plan_.steady) {
      SteadyWorker steady(session, *control_, control_->places[place], plan_, seed,
                          place == kSurvivor);
      if (const std::string wrong = steady.run(); !wrong.empty()) return wrong;
    } else {
      worker.run();
      const bool too_early =
          control_->phase() == Phase::kRun && control_->operations.load() < plan_.operations;
      if (too_early) return "its log is full";
    }
    if (place != kSurvivor) {
      worker.drop_hands();
      session.end();
      return {};
    }
    control_->await_change_of(Phase::kRun);
    control_->await_change_of(Phase::kFinish);
    std::string failure = worker.drain();
    client->sweep();
    for (const std::string& finding : client->examine()) failure += "\nfinding: " + finding;
    for (const std::string& leak : client->leaks()) failure += "\nstill in use: " + leak;
    return failure;
  }

  const Plan& plan_;
  Random random_;
  SharedControl control_;
  OperationClock operation_clock_;
  SystemClock system_clock_;
  Crew crew_;
  Watchdog watchdog_;
  RunOutcome outcome_;
  std::optional<std::uint32_t> stopped_;
};

}  // namespace

RunOutcome run_processes(const Plan& plan) {
  ProcessRun run(plan);
  return run.run();
}

}  // namespace ringpost::rig
