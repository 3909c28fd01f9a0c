#include "output.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "failure.hpp"
#include "interrupt.hpp"

namespace ringpost::cli {
namespace {

constexpr std::size_t kPendingBytesMax = 64 * 1024;

}  // namespace

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd waiter{descriptor, POLLOUT, 0};
      poll(&waiter, 1, -1);
    } else if (errno == EPIPE || errno == EIO) {
      throw ClosedPipe();
    } else if (errno == EINTR) {
      stop_if_interrupted();
    } else {
      throw Failure(ExitCode::kError, "System",
                    fmt::format("cannot write the output: {}", std::strerror(errno)),
                    "check the disk or the file the output goes to");
    }
  }
}

void write_quietly(int descriptor, std::string_view bytes) noexcept {
  try {
    write_all(descriptor, bytes);
  } catch (const std::exception&) {
    // Standard error is the last resort.
  }
}

void Output::write(std::string_view bytes) {
  pending_ += bytes;
  if (pending_.size() >= kPendingBytesMax) flush();
}

void Output::flush() {
  // Cleared first: what a closed pipe refused is not tried again.
  const std::string bytes = std::exchange(pending_, {});
  write_all(STDOUT_FILENO, bytes);
}

}  // namespace ringpost::cli
