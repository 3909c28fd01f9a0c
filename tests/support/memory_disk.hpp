// A directory of files in memory, whose disk fails when the test says so.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "disk/disk.hpp"

namespace ringpost::test {

/// What fails and what there is room for; may be changed at any time.
struct MemoryFaults {
  int write_errno = 0;                   ///< 0: writes work
  unsigned writes_before = 0;            ///< so many work before write_errno
  int sync_errno = 0;                    ///< of files
  int read_errno = 0;                    ///< of both ways to read
  std::uint64_t bytes_max = UINT64_MAX;  ///< of all files together
  bool newest_first = false;             ///< order in which queues complete
  bool holds_completions = false;        ///< nothing completes unless somebody waits
};

class MemoryDirectory final : public disk::Directory {
 public:
  using Bytes = std::vector<std::byte>;

  MemoryFaults faults;
  unsigned syncs = 0;  ///< of files
  unsigned directory_syncs = 0;
  unsigned durable_writes = 0;                         ///< with Sync::kData
  std::map<const Bytes*, std::uint64_t> written_ends;  ///< of files, from their beginning on

  [[nodiscard]] const std::string& path() const noexcept override { return path_; }
  Result<std::vector<std::string>> names() override;
  Result<std::unique_ptr<disk::File>> open(const std::string& name) override;
  Result<std::unique_ptr<disk::File>> create(const std::string& name, std::uint64_t bytes) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync() override;
  Result<std::unique_ptr<disk::WriteQueue>> make_queue(unsigned depth) override;
  Result<std::uint64_t> free_bytes() override;

  /// The bytes of a file, to be looked at or changed.
  [[nodiscard]] Bytes& file(const std::string& name) { return *files_.at(name); }
  [[nodiscard]] bool has(const std::string& name) const { return files_.count(name) != 0; }
  [[nodiscard]] std::vector<std::string> list();
  /// All files with their bytes, and back.
  [[nodiscard]] std::map<std::string, Bytes> image() const;
  void restore(const std::map<std::string, Bytes>& image);

 private:
  [[nodiscard]] std::uint64_t used_bytes() const;

  std::string path_ = "memory";
  std::map<std::string, std::shared_ptr<Bytes>> files_;
};

}  // namespace ringpost::test
