// Assertions on our own mistakes. Never on bytes that another process may have written.
#pragma once

namespace ringpost::base {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}

#define RINGPOST_ASSERT(condition)                                        \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::ringpost::base::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)
