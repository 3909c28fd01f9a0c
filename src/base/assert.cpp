#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace ringpost::base {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "ringpost: %s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace ringpost::base
