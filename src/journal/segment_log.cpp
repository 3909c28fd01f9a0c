#include "journal/segment_log.hpp"

#include <cstring>

namespace ringpost::journal {

static_assert(sizeof(log::WriterState) <= kLogStateWords * sizeof(std::uint64_t));

SegmentLog::SegmentLog(disk::Directory& directory, const log::LogOptions& options,
                       std::function<void(log::Writer&)> on_pause)
    : directory_(directory), options_(options), on_pause_(std::move(on_pause)) {}

SegmentLog::~SegmentLog() = default;

Errc SegmentLog::open(std::uint64_t acknowledged) {
  writer_.reset();
  log::LogOptions options = options_;
  options.acknowledged_end = acknowledged;
  auto opened = log::Writer::open(directory_, options);
  if (!opened) {
    error_ = opened.error();
    return error_.code;
  }
  writer_ = std::move(*opened);
  return writer_->flush();
}

Errc SegmentLog::resume(ConstLogStateWords state) {
  log::WriterState found{};
  std::memcpy(&found, state.data(), sizeof found);
  if (writer_ != nullptr) {
    if (writer_->resume(found)) return writer_->flush();
    writer_.reset();
  }
  auto resumed = log::Writer::resume(directory_, options_, found);
  if (!resumed) {
    error_ = resumed.error();
    return error_.code;
  }
  writer_ = std::move(*resumed);
  return writer_->flush();
}

Errc SegmentLog::save(LogStateWords state) {
  const log::WriterState mine = writer_->state();
  std::memcpy(state.data(), &mine, sizeof mine);
  return writer_->progress().failed;
}

LogPort::Progress SegmentLog::reap(bool wait) {
  const log::Progress progress = writer_->reap(wait);
  return {progress.durable_end, progress.failed};
}

void SegmentLog::pause() {
  static_cast<void>(writer_->mark_durable());  // what fails is met again by the next write
  if (on_pause_) on_pause_(*writer_);  // what is dropped becomes a spare: better than a new one
  static_cast<void>(writer_->prepare());
}

int SegmentLog::last_errno() const noexcept {
  return writer_ == nullptr ? 0 : writer_->progress().sys_errno;
}

}  // namespace ringpost::journal
