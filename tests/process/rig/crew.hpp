// Crew: the worker processes of a run, one for each place, and their logs.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "process/history/recorder.hpp"
#include "process/rig/control.hpp"
#include "process/rig/random.hpp"
#include "process/rig/scratch.hpp"

namespace ringpost::rig {

/// What a worker does in its process. Returns why it failed; empty: it did not.
using Work = std::function<std::string(std::uint32_t place, history::Recorder& recorder)>;

class Crew {
 public:
  Crew(Control& control, const Clock& clock, Work work, std::uint64_t records_max);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();  ///< kills whoever is left

  /// Starts a worker at `place`, a new process with a new number.
  void start(std::uint32_t place);
  [[nodiscard]] bool is_running(std::uint32_t place) const noexcept;
  /// Kills the worker with SIGKILL, in the middle of whatever it does, and waits for its end.
  void kill(std::uint32_t place);
  void stop(std::uint32_t place);
  void go_on(std::uint32_t place);
  [[nodiscard]] bool is_stopped(std::uint32_t place) const noexcept;

  /// Looks after workers that ended by themselves. Returns why one of them failed.
  std::string reap();
  [[nodiscard]] std::uint32_t running() const noexcept;
  /// Of all processes that ever were, the parent's too.
  [[nodiscard]] std::vector<history::Log> logs() const;
  [[nodiscard]] const Scratch& scratch() const noexcept { return scratch_; }
  /// What each worker did last, for a run that hangs.
  [[nodiscard]] std::string last_calls() const;
  /// The logs stay on disk, and the text says where.
  std::string keep_logs();

 private:
  struct Member {
    pid_t pid = 0;  // 0: nobody at this place
    std::uint32_t process = 0;
    bool stopped = false;
  };

  history::Recorder& new_recorder();
  void note(history::Event event, std::uint32_t process);

  Control& control_;
  history::Stamper stamper_;
  Work work_;
  std::uint64_t records_max_;
  Scratch scratch_;
  std::vector<std::unique_ptr<history::Recorder>> recorders_;  // by process number
  std::vector<Member> members_;
};

/// Waits for progress of a run. Not a limit on its speed: it fails when nothing moves at all.
class Watchdog {
 public:
  explicit Watchdog(const Control& control);
  /// Nobody has made a call for a minute.
  [[nodiscard]] bool barks();

 private:
  const Control& control_;
  std::uint64_t seen_ = 0;
  std::uint64_t since_ns_ = 0;
};

}  // namespace ringpost::rig
