// Durable queues on the rig's machine: the shipped queues, journals and logs, over a disk that
// loses power. q0 is what is tried; what was received too often goes on to q1.
//
// Shared memory to the machine are the first slots of each ring, the ids of a FIFO queue, the place
// of the refill, the journals but for the bytes in their cells, the lock of the log, and a word for
// the disk, which every step of it touches.
//
// Each call may be made in a fiber, as an operation, and outside, to build a state. Power goes at
// each step of the disk, and whenever a send has returned: what the log has then is judged by what
// participants were told.
//   - a message whose send returned is there once, unless its end has begun;
//   - nothing is there twice; what was acknowledged is gone once the log was written after that;
//   - of a FIFO queue: in the order of the sends, and ids within their window are known.
// What happens in shared memory is for the Ledger.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/explorer.hpp"

namespace ringpost::rig {

struct DurableWorld;

struct DurableShape {
  bool fifo = false;
  std::uint64_t segment_bytes = 64 * 1024;
  friend auto operator<=>(const DurableShape&, const DurableShape&) = default;
};

class DurableStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;

  /// Makes a bus in a directory of its own under the one for temporary files.
  explicit DurableStage(const DurableShape& shape);
  ~DurableStage();

  struct Base {
    std::string name;
    std::function<void(DurableStage&)> build;
  };
  /// `base` is built once, and nobody holds anything at its end; `begin` goes on from there.
  [[nodiscard]] Stage stage(std::string name, const Base& base, std::function<void()> begin);

  void send(int me, int id);
  /// Takes one message of q0, and keeps its lease.
  bool receive(int me);
  void acknowledge(int me);
  void give_back(int me);
  void purge(int me);
  void sweep(int me);
  /// What is written with nothing else to do: the log, the backlog, segments that may go.
  void tend(int me);
  /// Writes the log.
  void drain_log(int me);

  // ---- for the states
  /// Messages that do not count, until every slot is taken.
  void fill();
  /// Sends and acknowledges messages that do not count, one write each.
  void wear(int messages);
  /// Receives the first message again and again, one write each.
  void fret(int times);
  /// From now on a second receive moves the message to q1.
  void bury_from_now_on();
  void die(int participant);
  void tick();
  [[nodiscard]] Event tick_event();
  [[nodiscard]] DurableWorld& world() { return *world_; }

 private:
  std::unique_ptr<DurableWorld> world_;
};

struct NamedDurable {
  std::string name;
  std::function<ExploreScenario()> make;
};
[[nodiscard]] const std::vector<NamedDurable>& durable_schedules();

/// Everything without a pre-emption, with deaths; with one, or more, without deaths; and so many at
/// random. The first that fails, or the last one; of each at most `schedules_max`.
[[nodiscard]] ExploreReport explore_durable(const NamedDurable& it, int preemptions_max,
                                            std::uint64_t schedules_max, std::uint64_t random);

struct NamedDurableCrash {
  std::string name;
  std::function<CrashScenario()> make;
};
[[nodiscard]] const std::vector<NamedDurableCrash>& durable_crashes();

}  // namespace ringpost::rig
