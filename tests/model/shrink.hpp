// Makes a program that fails smaller, as long as it fails.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "model/program.hpp"

namespace ringpost::model {

/// Leaves out ever smaller pieces, the last ones first: what follows the failure goes at once.
/// `accept` makes a smaller program the program, or does not.
template <class AnyProgram, class Accept>
void leave_out(const AnyProgram& program, Accept&& accept) {
  for (std::size_t piece = std::max<std::size_t>(program.size() / 2, 1);; piece /= 2) {
    for (std::size_t end = program.size(); end > 0;) {
      const std::size_t begin = end > piece ? end - piece : 0;
      AnyProgram smaller = program;
      smaller.erase(smaller.begin() + static_cast<std::ptrdiff_t>(begin),
                    smaller.begin() + static_cast<std::ptrdiff_t>(end));
      accept(std::move(smaller));
      end = begin;
    }
    if (piece <= 1) return;
  }
}

/// Leaves out calls, then simplifies the ones that are left. `fails` must hold for `program`; it is
/// asked at most `tries_max` times.
[[nodiscard]] Program shrink(Program program, const std::function<bool(const Program&)>& fails,
                             int tries_max = 20'000);

}  // namespace ringpost::model
