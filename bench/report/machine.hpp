// Where and from what the figures come.
#pragma once

#include <string>

namespace ringpost::bench {

struct Machine {
  std::string cpu;  ///< model, with vendor's family and model numbers
  unsigned cores = 0;
  std::string kernel;
  std::string compiler;
  std::string commit;  ///< "-dirty" at its end: with changes on top
};

/// `commit`: as the caller knows it, "unknown" if empty.
Machine describe_machine(const std::string& commit);

}  // namespace ringpost::bench
