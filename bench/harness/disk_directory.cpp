#include "harness/disk_directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>

#include "harness/transport.hpp"

namespace ringpost::bench {
namespace {

std::string base_directory() {
  const char* named = std::getenv("RINGPOST_BENCH_DIR");
  return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

void require_disk(const std::string& path) {
  const std::string hint = "; RINGPOST_BENCH_DIR names another directory";
  struct statfs about {};
  if (::statfs(path.c_str(), &about) != 0) throw Unsupported("cannot look at " + path + hint);
  if (about.f_type == TMPFS_MAGIC) throw Unsupported(path + " is in memory" + hint);
  const int file = ::open(path.c_str(), O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
  if (file < 0) throw Unsupported(path + " has no unnamed files or no O_DIRECT" + hint);
  ::close(file);
}

}  // namespace

DiskDirectory::DiskDirectory() : owner_(::getpid()) {
  std::string name = base_directory();
  require_disk(name);
  name += "/ringpost-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw Unsupported("cannot make " + name);
  path_ = name;
}

DiskDirectory::~DiskDirectory() {
  if (::getpid() != owner_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ringpost::bench
