// Building an Error: the code, what was being done, and what the kernel said.
#pragma once

#include <string_view>

#include "ringpost/result.hpp"

namespace ringpost::sys {

/// "<doing> <object>: <strerror>"; the errno decides the code where it is a known case.
[[nodiscard]] Unexpected<Error> system_error(std::string_view doing, std::string_view object,
                                             int sys_errno) noexcept;
/// "<object>: <why>"
[[nodiscard]] Unexpected<Error> error(Errc code, std::string_view object,
                                      std::string_view why) noexcept;

}  // namespace ringpost::sys
