#include "support/memory_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sys/error.hpp"

namespace ringpost::test {
namespace {

class MemoryFile final : public disk::File {
 public:
  MemoryFile(MemoryDirectory& directory, std::shared_ptr<MemoryDirectory::Bytes> bytes)
      : directory_(directory), bytes_(std::move(bytes)) {}

  [[nodiscard]] std::uint64_t bytes() const noexcept override { return bytes_->size(); }

  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into, disk::Read) override {
    if (const int failed = directory_.faults.read_errno; failed != 0) {
      return sys::system_error("cannot read", "memory", failed);
    }
    if (offset >= bytes_->size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes_->size() - offset);
    std::memcpy(into.data(), bytes_->data() + offset, count);
    return count;
  }

  Result<void> write(std::uint64_t offset, ByteSpan bytes, disk::Sync sync) override {
    if (const int failed = try_write(offset, bytes, sync); failed != 0) {
      return sys::system_error("cannot write", "memory", failed);
    }
    return {};
  }

  [[nodiscard]] std::uint64_t written_end() noexcept override {
    return directory_.written_ends[bytes_.get()];
  }

  Result<void> sync() override {
    ++directory_.syncs;
    if (const int failed = directory_.faults.sync_errno; failed != 0) {
      return sys::system_error("cannot sync", "memory", failed);
    }
    return {};
  }

  [[nodiscard]] int try_write(std::uint64_t offset, ByteSpan bytes, disk::Sync sync) {
    MemoryFaults& faults = directory_.faults;
    if (faults.write_errno != 0 && faults.writes_before == 0) return faults.write_errno;
    if (faults.write_errno != 0) --faults.writes_before;
    const bool is_aligned = offset % disk::kBlockBytes == 0 &&
                            bytes.size() % disk::kBlockBytes == 0 &&
                            reinterpret_cast<std::uintptr_t>(bytes.data()) % disk::kBlockBytes == 0;
    if (!is_aligned || offset + bytes.size() > bytes_->size()) return EINVAL;
    std::memcpy(bytes_->data() + offset, bytes.data(), bytes.size());
    if (sync == disk::Sync::kData) ++directory_.durable_writes;
    std::uint64_t& written = directory_.written_ends[bytes_.get()];
    if (offset <= written) written = std::max<std::uint64_t>(written, offset + bytes.size());
    return 0;
  }

 private:
  MemoryDirectory& directory_;
  std::shared_ptr<MemoryDirectory::Bytes> bytes_;
};

class MemoryQueue final : public disk::WriteQueue {
 public:
  MemoryQueue(MemoryDirectory& directory, unsigned depth) : directory_(directory), depth_(depth) {}
  [[nodiscard]] unsigned depth() const noexcept override { return depth_; }

  Errc submit(disk::File& file, std::uint64_t offset, ByteSpan bytes,
              std::uint64_t token) override {
    auto& memory = static_cast<MemoryFile&>(file);
    done_.push_back({token, memory.try_write(offset, bytes, disk::Sync::kNone)});
    return Errc::kOk;
  }

  Errc sync(disk::File& file, std::uint64_t token) override {
    const Result<void> synced = file.sync();
    done_.push_back({token, synced ? 0 : synced.error().sys_errno});
    return Errc::kOk;
  }

  std::size_t reap(std::span<disk::Completion> into, bool wait) override {
    if (!wait && directory_.faults.holds_completions) return 0;
    std::size_t count = 0;
    while (count < into.size() && !done_.empty()) {
      const bool newest = directory_.faults.newest_first;
      into[count++] = newest ? done_.back() : done_.front();
      newest ? done_.pop_back() : done_.pop_front();
      if (directory_.faults.holds_completions) break;
    }
    return count;
  }

 private:
  MemoryDirectory& directory_;
  unsigned depth_;
  std::deque<disk::Completion> done_;
};

Unexpected<Error> not_found(const std::string& name) {
  return sys::system_error("cannot open", name, ENOENT);
}

}  // namespace

Result<std::vector<std::string>> MemoryDirectory::names() { return list(); }

std::vector<std::string> MemoryDirectory::list() {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files_) names.push_back(name);
  return names;
}

Result<std::unique_ptr<disk::File>> MemoryDirectory::open(const std::string& name) {
  const auto found = files_.find(name);
  if (found == files_.end()) return not_found(name);
  return Result<std::unique_ptr<disk::File>>(std::make_unique<MemoryFile>(*this, found->second));
}

Result<std::unique_ptr<disk::File>> MemoryDirectory::create(const std::string& name,
                                                            std::uint64_t bytes) {
  if (has(name)) return sys::system_error("cannot create", name, EEXIST);
  if (used_bytes() + bytes > faults.bytes_max) {
    return sys::system_error("cannot allocate", name, ENOSPC);
  }
  files_[name] = std::make_shared<Bytes>(bytes);
  return open(name);
}

Result<void> MemoryDirectory::rename(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (found == files_.end()) return not_found(from);
  const auto bytes = found->second;
  files_.erase(found);
  files_[to] = bytes;
  return {};
}

Result<void> MemoryDirectory::remove(const std::string& name) {
  files_.erase(name);
  return {};
}

Result<void> MemoryDirectory::sync() {
  ++directory_syncs;
  return {};
}

Result<std::unique_ptr<disk::WriteQueue>> MemoryDirectory::make_queue(unsigned depth) {
  return Result<std::unique_ptr<disk::WriteQueue>>(std::make_unique<MemoryQueue>(*this, depth));
}

Result<std::uint64_t> MemoryDirectory::free_bytes() {
  const std::uint64_t used = used_bytes();
  return faults.bytes_max > used ? faults.bytes_max - used : 0;
}

std::uint64_t MemoryDirectory::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [name, bytes] : files_) used += bytes->size();
  return used;
}

std::map<std::string, MemoryDirectory::Bytes> MemoryDirectory::image() const {
  std::map<std::string, Bytes> image;
  for (const auto& [name, bytes] : files_) image[name] = *bytes;
  return image;
}

void MemoryDirectory::restore(const std::map<std::string, Bytes>& image) {
  files_.clear();
  for (const auto& [name, bytes] : image) files_[name] = std::make_shared<Bytes>(bytes);
}

}  // namespace ringpost::test
