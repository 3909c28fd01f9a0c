#include "model/search.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "model/shrink.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::model {
namespace {

constexpr std::uint64_t kSequencesOfABus = 20'000;  // its clock must not pass 5 years: kLapBits

std::uint64_t seed_of(const Kind& kind, std::uint64_t sequence) {
  constexpr std::uint64_t kSeeds = 8;
  return rig::base_seed() * 1'000'003 + sequence * kSeeds + kind.seed;
}

std::string difference_of(Bench& bench, const Kind& kind, Flaw flaw, const Program& program) {
  return Trial(bench, kind, flaw).run(program);
}

/// The sequence that failed may need some of those that ran on the same queue before it.
Failure shortest(const Kind& kind, Flaw flaw, std::uint64_t first, std::uint64_t failed) {
  std::optional<Bench> bench;
  const auto fails = [&](const Program& program) {
    if (!bench || bench->is_old()) bench.emplace();
    return !difference_of(*bench, kind, flaw, program).empty();
  };
  for (std::uint64_t back = 0;; back = back * 2 + 1) {
    const std::uint64_t begin = failed - std::min(failed - first, back);
    Program program;
    for (std::uint64_t i = begin; i <= failed; ++i) {
      const Program more = random_sequence(seed_of(kind, i), kind.fifo);
      program.insert(program.end(), more.begin(), more.end());
    }
    if (fails(program)) {
      program = shrink(std::move(program), fails);
      return {difference_of(*bench, kind, flaw, program), program};
    }
    if (begin == first) return {"it did not fail a second time", {}};
  }
}

std::string text_of(const Failure& failure, const Kind& kind) {
  return std::string("queue ") + kind.name + ": " + failure.difference + "\n" +
         to_string(failure.program);
}

}  // namespace

Failure run_on_one_queue(Bench& bench, const Kind& kind, Flaw flaw, std::uint64_t first,
                         std::uint64_t count) {
  std::uint64_t failed = first;
  {
    Trial trial(bench, kind, flaw);
    while (failed < first + count &&
           trial.run(random_sequence(seed_of(kind, failed), kind.fifo)).empty()) {
      ++failed;
    }
  }
  if (failed == first + count) return {};
  return shortest(kind, flaw, first, failed);
}

std::string run_sequences(const Kind& kind, std::uint64_t sequences) {
  static_cast<void>(rig::base_seed());
  std::optional<Bench> bench;
  for (std::uint64_t first = 0; first < sequences; first += kSequencesOfAQueue) {
    if (first % kSequencesOfABus == 0) bench.emplace();
    const Failure failure = run_on_one_queue(*bench, kind, Flaw::kNone, first, kSequencesOfAQueue);
    if (!failure.difference.empty()) return text_of(failure, kind);
    std::string findings = bench->bus().findings_after_sweep();
    if (!findings.empty()) return findings;
  }
  std::printf("note: %llu sequences on queues of kind %s\n",
              static_cast<unsigned long long>(sequences), kind.name);
  return {};
}

std::string search_flaw(const Kind& kind, Flaw flaw) {
  constexpr std::size_t kFewCalls = 8;
  constexpr std::uint64_t kQueues = 8;
  Bench bench;
  Failure failure;
  for (std::uint64_t i = 0; i < kQueues && failure.difference.empty(); ++i) {
    failure = run_on_one_queue(bench, kind, flaw, i * kSequencesOfAQueue, kSequencesOfAQueue);
  }
  if (failure.difference.empty()) return "it is not found";
  if (failure.program.size() > kFewCalls) return "it takes many calls: " + text_of(failure, kind);
  const std::string without = difference_of(bench, kind, Flaw::kNone, failure.program);
  return without.empty() ? "" : "without the flaw too: " + without;
}

}  // namespace ringpost::model
