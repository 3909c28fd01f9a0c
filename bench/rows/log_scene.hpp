// A log on a disk for rows, with records that can be checked.
#pragma once

#include <memory>
#include <vector>

#include "disk/disk.hpp"
#include "harness/disk_directory.hpp"
#include "harness/payload.hpp"
#include "log/reader.hpp"
#include "log/writer.hpp"

namespace ringpost::bench {

class LogScene {
 public:
  /// Payloads are made once, and taken in turn: 4 MiB of those of 1 KiB, as much as the bare loop
  /// copies from.
  static constexpr std::uint64_t kRecords = 4096;
  /// What the payload of the record of this number is filled with.
  [[nodiscard]] static constexpr std::uint64_t id_of(std::uint64_t number) noexcept {
    return message_id(0, number % kRecords);
  }

  explicit LogScene(std::size_t data_bytes, const log::LogOptions& options = {});

  /// The next record, into the batch being gathered; hands that over first if it is full.
  void append(disk::Sync sync) {
    const ByteSpan record = next_record();
    if (!writer_->fits(record.size())) submit(sync);
    require(writer_->add(position_, record));
    position_ += log::cells_of(record.size());
    ++count_;
  }
  void submit(disk::Sync sync) {
    require(writer_->submit(sync, position_));
    (void)writer_->reap(false);
  }
  /// Everything appended is on its way or there; with kData there.
  void finish(disk::Sync sync);
  /// One record, durable when it returns, in one system call.
  void commit() {
    const ByteSpan record = next_record();
    require(writer_->add(position_, record));
    position_ += log::cells_of(record.size());
    ++count_;
    require(writer_->write_now(disk::Sync::kData, position_));
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Unix time at which the record of this number says that it arrived.
  [[nodiscard]] static constexpr std::int64_t arrival_of(std::uint64_t number) noexcept {
    return 1'750'000'000'000'000'000 + static_cast<std::int64_t>(number) * 1'000;
  }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] disk::Directory& directory() noexcept { return *directory_; }
  [[nodiscard]] log::Writer& writer() noexcept { return *writer_; }
  [[nodiscard]] const std::string& path() const noexcept { return directory_->path(); }
  /// A new writer: what follows comes into another segment.
  void reopen();
  /// Between two runs: drops what they have read, from the page cache too, and makes ready what
  /// they will write.
  void tidy_up(std::uint64_t bytes_max);
  /// Everything is in the page cache then.
  void warm_cache() const;
  /// Nothing is: it is clean, all of it was written past it.
  void cool_cache() const;
  /// Reads everything at or behind `position` and compares every byte; `first` is the number of the
  /// first record there.
  bool verify(std::uint64_t position, std::uint64_t first);

 private:
  ByteSpan next_record() noexcept;
  [[nodiscard]] std::span<std::byte> record_of(std::uint64_t number) noexcept {
    return {records_.data() + number % kRecords * record_bytes_, record_bytes_};
  }
  static void require(Errc code);

  DiskDirectory place_;
  log::LogOptions options_;
  std::unique_ptr<disk::Directory> directory_;
  std::unique_ptr<log::Writer> writer_;
  std::size_t record_bytes_ = 0;
  log::Buffer records_;  // in huge pages, as the bare loops have them
  std::uint64_t position_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace ringpost::bench
