// The version of Ringpost; the build reads it from here.
#pragma once

#include "ringpost/export.hpp"

#define RINGPOST_VERSION_MAJOR 0
#define RINGPOST_VERSION_MINOR 1
#define RINGPOST_VERSION_PATCH 0

namespace ringpost {

struct Version {
  int major;
  int minor;
  int patch;
};

/// The version of the headers that the program was compiled with.
inline constexpr Version kHeaderVersion{RINGPOST_VERSION_MAJOR, RINGPOST_VERSION_MINOR,
                                        RINGPOST_VERSION_PATCH};

/// The version of the library that the program runs with.
[[nodiscard]] RINGPOST_API Version library_version() noexcept;
/// The same as text, "0.1.0".
[[nodiscard]] RINGPOST_API const char* library_version_text() noexcept;

}  // namespace ringpost
