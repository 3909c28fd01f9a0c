#include "hostile/watchdog.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

namespace ringpost::hostile {
namespace {

constexpr unsigned kSeconds = 400;
char current[256];

void bark(int /*signal*/) {
  constexpr char kText[] = "\nnever returned: ";
  static_cast<void>(!::write(STDERR_FILENO, kText, sizeof kText - 1));
  static_cast<void>(!::write(STDERR_FILENO, current, ::strnlen(current, sizeof current)));
  static_cast<void>(!::write(STDERR_FILENO, "\n", 1));
  std::abort();
}

}  // namespace

Watchdog::Watchdog(const std::string& doing) {
  const std::size_t length = doing.copy(current, sizeof current - 1);
  current[length] = '\0';
  std::signal(SIGALRM, bark);
  ::alarm(kSeconds);
}

Watchdog::~Watchdog() { ::alarm(0); }

}  // namespace ringpost::hostile
