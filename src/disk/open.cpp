#include "disk/open.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "disk/plain_file.hpp"
#include "disk/plain_queue.hpp"
#include "disk/uring_queue.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ringpost::disk {
namespace {

class PlainDirectory final : public Directory {
 public:
  PlainDirectory(std::string path, sys::Fd fd, const DirectoryOptions& options) noexcept
      : path_(std::move(path)), fd_(std::move(fd)), options_(options) {}

  [[nodiscard]] const std::string& path() const noexcept override { return path_; }
  Result<std::vector<std::string>> names() override { return sys::names_in(fd_); }
  Result<std::unique_ptr<File>> open(const std::string& name) override;
  Result<std::unique_ptr<File>> create(const std::string& name, std::uint64_t bytes) override;
  Result<void> rename(const std::string& from, const std::string& to) override {
    return sys::replace_name(fd_, from, fd_, to);
  }
  Result<void> remove(const std::string& name) override;
  Result<void> sync() override;
  Result<std::unique_ptr<WriteQueue>> make_queue(unsigned depth) override;
  Result<std::uint64_t> free_bytes() override;

 private:
  [[nodiscard]] bool reads_only() const noexcept { return options_.access == Access::kRead; }
  [[nodiscard]] std::string full(const std::string& name) const { return path_ + "/" + name; }
  Result<std::unique_ptr<File>> wrap(const std::string& name, sys::Fd cached);

  std::string path_;
  sys::Fd fd_;
  DirectoryOptions options_;
};

Result<std::unique_ptr<File>> PlainDirectory::open(const std::string& name) {
  auto cached = sys::open_file(fd_, name, reads_only() ? O_RDONLY : O_RDWR);
  if (!cached) return Unexpected(cached.error());
  return wrap(name, std::move(*cached));
}

Result<std::unique_ptr<File>> PlainDirectory::create(const std::string& name, std::uint64_t bytes) {
  auto cached = sys::create_file(fd_, name);
  if (!cached) return Unexpected(cached.error());
  int failed = 0;
  do {
    failed = bytes == 0 ? 0 : ::posix_fallocate(cached->get(), 0, static_cast<off_t>(bytes));
  } while (failed == EINTR);
  if (failed != 0) {
    sys::remove_name(fd_, name);
    return sys::system_error("cannot allocate", full(name), failed);
  }
  return wrap(name, std::move(*cached));
}

Result<std::unique_ptr<File>> PlainDirectory::wrap(const std::string& name, sys::Fd cached) {
  auto bytes = sys::size_of(cached, name);
  if (!bytes) return Unexpected(bytes.error());
  // Through the descriptor: the name may be another file's by now.
  char self[40];
  std::snprintf(self, sizeof self, "/proc/self/fd/%d", cached.get());
  const int access = reads_only() ? O_RDONLY : O_RDWR;
  sys::Fd direct(::open(self, access | O_DIRECT | O_CLOEXEC));
  std::unique_ptr<File> file =
      std::make_unique<PlainFile>(full(name), std::move(cached), std::move(direct), *bytes);
  return file;
}

Result<void> PlainDirectory::remove(const std::string& name) {
  if (::unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return sys::system_error("cannot remove", full(name), errno);
  }
  return {};
}

Result<void> PlainDirectory::sync() {
  if (::fsync(fd_.get()) != 0) return sys::system_error("cannot sync", path_, errno);
  return {};
}

Result<std::unique_ptr<WriteQueue>> PlainDirectory::make_queue(unsigned depth) {
  std::unique_ptr<WriteQueue> queue;
  if (options_.backend == Backend::kBest) queue = UringQueue::make(depth);
  if (queue == nullptr) queue = std::make_unique<PlainQueue>(depth);
  return queue;
}

Result<std::uint64_t> PlainDirectory::free_bytes() {
  struct statvfs status {};
  if (::fstatvfs(fd_.get(), &status) != 0) {
    return sys::system_error("cannot look at", path_, errno);
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace

Result<std::unique_ptr<Directory>> open_directory(const std::string& path,
                                                  const DirectoryOptions& options) {
  auto fd = sys::open_directory(path, options.access == Access::kCreate, options.mode);
  if (!fd) return Unexpected(fd.error());
  std::unique_ptr<Directory> directory =
      std::make_unique<PlainDirectory>(path, std::move(*fd), options);
  return directory;
}

}  // namespace ringpost::disk
