// Makes a program that fails smaller, as long as it fails.
#pragma once

#include <functional>

#include "model/program.hpp"

namespace ringpost::model {

/// Leaves out calls, then simplifies the ones that are left. `fails` must hold for `program`; it is
/// asked at most `tries_max` times.
[[nodiscard]] Program shrink(Program program, const std::function<bool(const Program&)>& fails,
                             int tries_max = 20'000);

}  // namespace ringpost::model
