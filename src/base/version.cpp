#include "ringpost/version.hpp"

#define RINGPOST_TEXT_OF(number) #number
#define RINGPOST_TEXT(number) RINGPOST_TEXT_OF(number)

namespace ringpost {

Version library_version() noexcept { return kHeaderVersion; }

const char* library_version_text() noexcept {
  return RINGPOST_TEXT(RINGPOST_VERSION_MAJOR) "." RINGPOST_TEXT(
      RINGPOST_VERSION_MINOR) "." RINGPOST_TEXT(RINGPOST_VERSION_PATCH);
}

}  // namespace ringpost
