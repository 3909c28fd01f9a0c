// Where rows that need a disk keep their files.
#pragma once

#include <filesystem>
#include <string>

namespace ringpost::bench {

/// A new directory in $RINGPOST_BENCH_DIR, else in /var/tmp; removed with everything in it by the
/// process that made it. Unsupported if that is no disk, or one that does not know O_DIRECT.
class DiskDirectory {
 public:
  DiskDirectory();
  DiskDirectory(const DiskDirectory&) = delete;
  DiskDirectory& operator=(const DiskDirectory&) = delete;
  ~DiskDirectory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  int owner_ = 0;
};

}  // namespace ringpost::bench
