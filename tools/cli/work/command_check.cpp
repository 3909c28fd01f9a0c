#include "command_check.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ringpost::cli {
namespace {

/// 0 when the file can be executed, else why not.
int trouble_with(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

/// As execvp() looks: an unusable file does not end the search, but is what it tells of.
int search(const std::string& command, std::string_view places) {
  int trouble = ENOENT;
  while (true) {
    const std::size_t end = std::min(places.find(':'), places.size());
    const std::string_view place = end == 0 ? "." : places.substr(0, end);
    const int code = trouble_with(fmt::format("{}/{}", place, command));
    if (code == 0) return 0;
    if (code == EACCES) trouble = EACCES;
    if (end == places.size()) return trouble;
    places.remove_prefix(end + 1);
  }
}

}  // namespace

Failure cannot_execute(const std::string& command, int code) {
  if (code == ENOENT || code == ENOTDIR) {
    const bool is_path = command.find('/') != std::string::npos;
    return {ExitCode::kCommandNotFound, "CommandNotFound",
            fmt::format("there is no command \"{}\"", command),
            is_path ? "check the path, and the interpreter in its first line (#!)"
                    : "check the spelling and $PATH, or give its path: ./handler"};
  }
  return {ExitCode::kCannotRun, "CannotRun",
          fmt::format("cannot run \"{}\": {}", command, std::strerror(code)),
          "check that it is a program and that you may run it: chmod +x"};
}

void check_command(const std::string& command) {
  const char* const path = std::getenv("PATH");
  const bool is_path = command.find('/') != std::string::npos;
  const int code =
      is_path ? trouble_with(command) : search(command, path != nullptr ? path : "/bin:/usr/bin");
  if (code != 0) throw cannot_execute(command, code);
}

}  // namespace ringpost::cli
