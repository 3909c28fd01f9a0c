// What the tests with forged histories share.
#pragma once

#include <gtest/gtest.h>

#include "process/history/forge.hpp"

#define EXPECT_REJECTED(forge, rule)                     \
  do {                                                   \
    const Report report = (forge).judged();              \
    EXPECT_TRUE(report.has(rule)) << report.to_string(); \
  } while (false)

namespace ringpost::history {

inline constexpr std::uint64_t kTimeout = 1'000'000;  // of ReceiveTerms

/// Message a of producer 1, received by process 2.
struct Received : Forge {
  MessageKey a = send(1);
  Taken first{a, 1};
  Taken second{a, 2};
  Received() { receive(2, {first}); }
};

}  // namespace ringpost::history
