#include "handler_input.hpp"

#include <cerrno>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../support/json.hpp"
#include "../support/message_text.hpp"

namespace ringpost::cli {
namespace {

/// Above the descriptors that a child has of its own: 0, 1, 2 and 3.
constexpr int kLowestDescriptor = 10;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void append(const Descriptor& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file.number(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      fail("cannot keep the input of a handler in memory");
    }
  }
}

void rewind(const Descriptor& file) {
  if (lseek(file.number(), 0, SEEK_SET) != 0) fail("cannot rewind the input of a handler");
}

void append_message(const Descriptor& file, const Lease& message, HandlerInput format,
                    const std::string& queue) {
  switch (format) {
    case HandlerInput::kBody:
      append(file, message.text());
      break;
    case HandlerInput::kLines:
      append(file, message.text());
      append(file, "\n");
      break;
    case HandlerInput::kNull:
      append(file, message.text());
      append(file, std::string_view("\0", 1));
      break;
    case HandlerInput::kJson:
      append(file, json_line(json_message(message, queue)) + "\n");
      break;
  }
}

}  // namespace

Descriptor empty_memory_file() {
  const Descriptor low(memfd_create("ringpost-handler", MFD_CLOEXEC));
  if (!low.is_open()) fail("cannot make a file in memory");
  Descriptor file(fcntl(low.number(), F_DUPFD_CLOEXEC, kLowestDescriptor));
  if (!file.is_open() || fcntl(file.number(), F_SETFL, O_APPEND) != 0) {
    fail("cannot make a file in memory");
  }
  return file;
}

Descriptor handler_input(Leases& messages, HandlerInput format, const std::string& queue) {
  Descriptor file = empty_memory_file();
  for (const Lease& message : messages) append_message(file, message, format, queue);
  rewind(file);
  return file;
}

Descriptor handler_input(std::string_view bytes) {
  Descriptor file = empty_memory_file();
  append(file, bytes);
  rewind(file);
  return file;
}

std::string content_of(const Descriptor& file, std::size_t bytes_max) {
  std::string content(bytes_max, '\0');
  std::size_t size = 0;
  while (size < bytes_max) {
    const ssize_t got =
        pread(file.number(), content.data() + size, bytes_max - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

}  // namespace ringpost::cli
