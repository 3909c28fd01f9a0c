// One run of a few processes as seen from inside: the board they share, the gate, the probes.
//
//   phase   0        1        2        3        4
//           probe    slice    probe    slice    probe      (two slices)
//
// Every phase begins when all have arrived at the gate. Processes 0 and 1 do the probes, each on
// its core, while all others sleep.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "harness/histogram.hpp"
#include "harness/payload.hpp"
#include "harness/shared_region.hpp"
#include "harness/ticks.hpp"

namespace ringpost::bench {

inline constexpr std::size_t kSlicesMax = 8;

/// How long and how often; the same for every rival of a row.
struct RunSettings {
  double slice_ms = 12;
  std::size_t slices = 2;
  double watchdog_s = 20;
};

/// What one process found out. Written by that process, read by the parent after its end.
struct alignas(kHotLineBytes) ProcessReport {
  std::array<Ticks, kSlicesMax> begin{};
  std::array<Ticks, kSlicesMax> end{};
  std::uint64_t sent = 0;
  std::atomic<std::uint64_t> received{0};  ///< up to date whenever the channel looked empty
  Tally tally;
  Histogram latency;  ///< in ticks
  std::array<char, 160> error{};
};

/// Words that all processes of a run share, each on lines of its own.
struct RunBoard {
  alignas(kHotLineBytes) std::atomic<std::uint32_t> arrived{0};
  alignas(kHotLineBytes) std::atomic<std::uint32_t> phase{0};  // a futex
  alignas(kHotLineBytes) std::atomic<std::uint64_t> ping{0};
  alignas(kHotLineBytes) std::atomic<std::uint32_t> producers_done{0};  // over all slices
  alignas(kHotLineBytes) std::atomic<std::uint64_t> sent{0};            // by producers done
  alignas(kHotLineBytes) std::atomic<std::uint64_t> last_trip{0};  // of the slice, counted over all
  alignas(kHotLineBytes) std::atomic<std::uint64_t> schedule{0};   // open loop: ticks of ...
  std::atomic<std::uint64_t> schedule_sequence{0};                 // ... this message
  alignas(kHotLineBytes) std::array<double, kSlicesMax + 1> probes_ns{};
  bool has_two_cores = false;  ///< processes 0 and 1 can measure where they are
};

class Session {
 public:
  Session(RunBoard& board, ProcessReport* reports, std::size_t processes, std::size_t index,
          const RunSettings& settings) noexcept
      : board_(&board),
        reports_(reports),
        processes_(processes),
        index_(index),
        settings_(&settings) {}

  /// Waits until every process of the run is here.
  void gate() noexcept;
  /// The placement right now, between two gates. Called by every process.
  void probe(std::size_t number) noexcept;

  /// Runs `slice(n)` for each slice, with probes before, between and after.
  template <class Slice>
  void run_slices(Slice&& slice) {
    for (std::size_t n = 0; n < settings_->slices; ++n) {
      probe(n);
      gate();
      report().begin[n] = ticks_now();
      slice(n);
      report().end[n] = ticks_now();
    }
    probe(settings_->slices);
  }

  [[nodiscard]] RunBoard& board() const noexcept { return *board_; }
  [[nodiscard]] ProcessReport& report() const noexcept { return reports_[index_]; }
  [[nodiscard]] const RunSettings& settings() const noexcept { return *settings_; }
  [[nodiscard]] std::size_t processes() const noexcept { return processes_; }
  [[nodiscard]] Ticks slice_ticks() const { return ns_to_ticks(settings_->slice_ms * 1e6); }
  /// Messages that all processes are known to have received.
  [[nodiscard]] std::uint64_t received_by_all() const noexcept;

 private:
  RunBoard* board_;
  ProcessReport* reports_;
  std::size_t processes_;
  std::size_t index_;
  const RunSettings* settings_;
};

/// Passes the time between two looks at a channel that had nothing to do.
class Idler {
 public:
  /// `crowded`: more processes than cores, so a core must be given away now and then.
  Idler(unsigned pauses, bool crowded) noexcept : pauses_(pauses), crowded_(crowded) {}

  void busy() noexcept { looks_ = 0; }
  void idle() noexcept {
    cpu_pause(pauses_);
    if (crowded_ && ++looks_ % 32 == 0) yield();
  }

 private:
  static void yield() noexcept;
  unsigned pauses_;
  bool crowded_;
  unsigned looks_ = 0;
};

}  // namespace ringpost::bench
