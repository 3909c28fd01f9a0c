// A file by plain system calls.
#pragma once

#include <atomic>
#include <string>

#include "disk/disk.hpp"
#include "sys/file.hpp"

namespace ringpost::disk {

class PlainFile final : public File {
 public:
  /// `direct` may be closed: the file system refuses O_DIRECT.
  PlainFile(std::string name, sys::Fd cached, sys::Fd direct, std::uint64_t bytes) noexcept
      : name_(std::move(name)),
        cached_(std::move(cached)),
        direct_(std::move(direct)),
        bytes_(bytes) {}

  [[nodiscard]] std::uint64_t bytes() const noexcept override { return bytes_; }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into, Read how) override;
  Result<void> write(std::uint64_t offset, ByteSpan bytes, Sync sync) override;
  Result<void> sync() override;
  ~PlainFile() override;
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;
  ByteSpan view(std::uint64_t offset, std::size_t bytes) noexcept override;
  bool try_reuse() noexcept override;
  void end_reuse() noexcept override;
  void forget_cached() noexcept override;
  [[nodiscard]] std::uint64_t written_end() noexcept override;

  /// Where writes go.
  [[nodiscard]] int write_fd() const noexcept { return (is_direct() ? direct_ : cached_).get(); }
  /// 0, or the errno that stopped it. Finishes short writes.
  [[nodiscard]] int write_all(std::uint64_t offset, ByteSpan bytes, Sync sync) noexcept;
  /// 0, or the errno.
  [[nodiscard]] int sync_now() noexcept;

 private:
  [[nodiscard]] int data_sync_flags() const noexcept;
  [[nodiscard]] bool is_direct() const noexcept {
    return direct_.is_open() && !refused_direct_.load(std::memory_order_relaxed);
  }

  bool map() noexcept;

  std::string name_;
  sys::Fd cached_;
  sys::Fd direct_;
  std::uint64_t bytes_;
  std::atomic<bool> refused_direct_{false};  // it was opened so, but then refused
  std::atomic<bool> no_sync_flag_{false};    // the file system does not know RWF_DSYNC
  std::byte* mapped_ = nullptr;              // all of it, for views
  bool no_views_ = false;                    // it cannot be mapped, or is being reused
};

}  // namespace ringpost::disk
