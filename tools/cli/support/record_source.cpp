#include "record_source.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "failure.hpp"
#include "interrupt.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

/// Appends what can be read now; false at the end. Throws Interrupted while it waits.
bool read_more(int descriptor, std::string& buffer, const std::string& name) {
  pollfd waiters[2] = {{descriptor, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
  while (poll(waiters, 2, -1) < 0 && errno == EINTR) stop_if_interrupted();
  stop_if_interrupted();
  const std::size_t before = buffer.size();
  buffer.resize(before + kReadBytes);
  const ssize_t got = read(descriptor, buffer.data() + before, kReadBytes);
  const int failure = errno;
  buffer.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0 && failure != EINTR && failure != EAGAIN) {
    throw Failure(ExitCode::kError, "System",
                  fmt::format("cannot read {}: {}", name, std::strerror(failure)),
                  "check that it is a readable file");
  }
  return got != 0;
}

Failure too_large(const std::string& what, std::uint64_t bytes_max) {
  return {
      ExitCode::kError, "TooLarge",
      fmt::format("{} is larger than {}, the most this queue takes", what, format_size(bytes_max)),
      "send less, or raise the limit: ringpost queue set QUEUE --message-bytes-max 1MiB"};
}

}  // namespace

RecordSource::RecordSource(int descriptor, char separator, std::uint64_t record_bytes_max)
    : descriptor_(descriptor), separator_(separator), record_bytes_max_(record_bytes_max) {}

const std::vector<std::string_view>& RecordSource::next() {
  records_.clear();
  buffer_.erase(0, used_);
  searched_ -= used_;
  used_ = 0;
  while (records_.empty() && !at_end_) {
    at_end_ = !read_more(descriptor_, buffer_, "standard input");
    take_records();
    refuse_if_too_long();
  }
  given_ += records_.size();
  return records_;
}

void RecordSource::take_records() {
  while (true) {
    const std::size_t end = buffer_.find(separator_, searched_);
    if (end == std::string::npos) break;
    records_.emplace_back(buffer_.data() + used_, end - used_);
    used_ = end + 1;
    searched_ = used_;
  }
  searched_ = buffer_.size();
  if (at_end_ && used_ < buffer_.size()) {
    records_.emplace_back(buffer_.data() + used_, buffer_.size() - used_);
    used_ = buffer_.size();
  }
}

void RecordSource::refuse_if_too_long() const {
  if (records_.empty() && buffer_.size() - used_ > record_bytes_max_) {
    throw too_large(fmt::format("message {} of the input", given_ + 1), record_bytes_max_);
  }
}

std::optional<std::uint64_t> RecordSource::bytes_left(int descriptor) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const off_t at = lseek(descriptor, 0, SEEK_CUR);
  if (at < 0 || at > status.st_size) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size - at);
}

std::string read_whole(int descriptor, std::uint64_t bytes_max, const std::string& name) {
  std::string bytes;
  while (read_more(descriptor, bytes, name)) {
    if (bytes.size() > bytes_max) throw too_large(name, bytes_max);
  }
  return bytes;
}

std::string read_file(const std::string& path, std::uint64_t bytes_max) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw Failure(errno == ENOENT ? ExitCode::kNotFound : ExitCode::kError, "File",
                  fmt::format("cannot open {}: {}", path, std::strerror(errno)),
                  "check the path of the file");
  }
  struct Closer {
    int descriptor;
    ~Closer() { close(descriptor); }
  } const closer{descriptor};
  return read_whole(descriptor, bytes_max, path);
}

}  // namespace ringpost::cli
