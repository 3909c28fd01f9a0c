#include "sys/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ringpost::sys {
namespace {

Errc code_of(int sys_errno) noexcept {
  switch (sys_errno) {
    case ENOENT:
      return Errc::kNotFound;
    case EEXIST:
      return Errc::kExists;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EFBIG:  // a limit on the size of files
      return Errc::kNoSpace;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::kPermission;
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
      return Errc::kUnsafeFile;
    default:
      return Errc::kSystem;
  }
}

int length(std::string_view text) noexcept { return static_cast<int>(text.size()); }

}  // namespace

Unexpected<Error> system_error(std::string_view doing, std::string_view object,
                               int sys_errno) noexcept {
  Error error{code_of(sys_errno), sys_errno, {}};
  char reason[96];
  std::snprintf(error.what, sizeof error.what, "%.*s %.*s: %s", length(doing), doing.data(),
                length(object), object.data(), strerror_r(sys_errno, reason, sizeof reason));
  return Unexpected(error);
}

Unexpected<Error> error(Errc code, std::string_view object, std::string_view why) noexcept {
  Error error{code, 0, {}};
  std::snprintf(error.what, sizeof error.what, "%.*s: %.*s", length(object), object.data(),
                length(why), why.data());
  return Unexpected(error);
}

}  // namespace ringpost::sys
