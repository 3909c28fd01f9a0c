// The log of a journal: segments in a directory.
#pragma once

#include <functional>
#include <memory>

#include "journal/log_port.hpp"
#include "log/writer.hpp"

namespace ringpost::journal {

/// Keeps its log::Writer from one turn of the role to the next, so that a turn opens nothing.
class SegmentLog final : public LogPort {
 public:
  /// `directory` outlives it. `on_pause` is called with the writer in hand and nothing to do: for
  /// what is to be dropped.
  SegmentLog(disk::Directory& directory, const log::LogOptions& options,
             std::function<void(log::Writer&)> on_pause = {});
  ~SegmentLog() override;

  Errc open(std::uint64_t acknowledged) override;
  Errc resume(ConstLogStateWords state) override;
  Errc save(LogStateWords state) override;
  [[nodiscard]] std::uint64_t end() const noexcept override { return writer_->end(); }
  [[nodiscard]] bool fits(std::size_t record_bytes) const noexcept override {
    return writer_->fits(record_bytes);
  }
  Errc add(std::uint64_t position, ByteSpan record) override {
    return writer_->add(position, record);
  }
  Errc submit(disk::Sync sync, std::uint64_t end) override { return writer_->submit(sync, end); }
  Errc write_now(disk::Sync sync, std::uint64_t end) override {
    return writer_->write_now(sync, end);
  }
  Progress reap(bool wait) override;
  [[nodiscard]] bool has_under_way() const noexcept override { return writer_->has_under_way(); }
  Errc flush() override { return writer_->flush(); }
  Errc mark() override { return writer_->mark_durable(); }
  void pause() override;
  bool prepare_more() override { return writer_->prepare_more(); }
  [[nodiscard]] int last_errno() const noexcept override;

  /// What went wrong when it was last opened.
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  /// Only for whoever has the role. Null before it was opened.
  [[nodiscard]] log::Writer* writer() noexcept { return writer_.get(); }

 private:
  disk::Directory& directory_;
  log::LogOptions options_;
  std::function<void(log::Writer&)> on_pause_;
  std::unique_ptr<log::Writer> writer_;
  Error error_;
};

}  // namespace ringpost::journal
