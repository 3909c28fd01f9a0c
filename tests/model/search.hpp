// Searches for a sequence on which library and model differ, and makes it short.
#pragma once

#include "model/trial.hpp"

namespace ringpost::model {

inline constexpr std::uint64_t kSequencesOfAQueue = 2'000;

struct Failure {
  std::string difference;  ///< empty: none
  Program program;
};

/// Runs sequences first … first + count − 1 on one queue.
[[nodiscard]] Failure run_on_one_queue(Bench& bench, const Kind& kind, Flaw flaw,
                                       std::uint64_t first, std::uint64_t count);

/// Runs so many sequences, on a new queue now and then; the first difference, for people.
[[nodiscard]] std::string run_sequences(const Kind& kind, std::uint64_t sequences);

/// Why the flaw, which must be found in a few calls that are right without it, is not; or "".
[[nodiscard]] std::string search_flaw(const Kind& kind, Flaw flaw);

}  // namespace ringpost::model
