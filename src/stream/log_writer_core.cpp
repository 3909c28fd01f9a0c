#include "stream/log_writer_core.hpp"

#include <algorithm>

#include "sys/futex.hpp"

namespace ringpost::detail {

std::unique_ptr<LogWriterCore> LogWriterCore::start(std::unique_ptr<journal::LogSource> source) {
  std::unique_ptr<LogWriterCore> writer(new LogWriterCore({}, base::TimeSource()));
  std::string name = source->name();
  writer->known_.push_back({std::move(name), std::move(source), Errc::kOk});
  writer->begin();
  return writer;
}

std::unique_ptr<LogWriterCore> LogWriterCore::start(std::vector<Find> finds,
                                                    base::TimeSource time) {
  std::unique_ptr<LogWriterCore> writer(new LogWriterCore(std::move(finds), time));
  writer->begin();
  return writer;
}

void LogWriterCore::begin() {
  thread_ = std::thread([this] { run(); });
}

LogWriterCore::~LogWriterCore() {
  stopping_.store(1, std::memory_order_seq_cst);
  sys::futex_wake(stopping_, 1);
  if (thread_.joinable()) thread_.join();
}

void LogWriterCore::run() {
  journal::Idle idle;
  while (stopping_.load(std::memory_order_acquire) == 0) {
    find();
    look();
    const bool any = journal::step_all(open_);
    tell();
    if (!any && !journal::prepare_any(open_)) journal::sleep_on_all(open_, stopping_, idle);
  }
  for (journal::LogWriter* const writer : open_) writer->finish();
  known_.clear();
}

void LogWriterCore::find() {
  constexpr std::uint64_t kEveryNs = 1'000'000'000;
  if (finds_.empty()) return;
  const std::uint64_t now = time_.coarse_ns();
  if (has_looked_ && now - found_ns_ < kEveryNs) return;
  has_looked_ = true;
  found_ns_ = now;
  std::erase_if(known_, [](const Found& each) { return each.source == nullptr; });
  const auto is_known = [this](const std::string& name) {
    return std::any_of(known_.begin(), known_.end(),
                       [&](const Found& each) { return each.name == name; });
  };
  for (const Find& find : finds_) {
    for (Found& each : find(is_known)) known_.push_back(std::move(each));
  }
}

/// What has ended stays known until the next search, so that somebody learns of it.
void LogWriterCore::look() {
  open_.clear();
  for (Found& each : known_) {
    if (each.source == nullptr) continue;
    each.failure = each.source->look();
    if (each.failure != Errc::kOk) {
      each.source.reset();
      continue;
    }
    const journal::LogWriters writers = each.source->writers();
    open_.insert(open_.end(), writers.begin(), writers.end());
  }
}

void LogWriterCore::tell() {
  Errc any = Errc::kOk;
  bool is_new = told_.size() != known_.size();
  for (std::size_t i = 0; i < known_.size(); ++i) {
    Found& each = known_[i];
    if (each.source != nullptr) {
      each.failure = Errc::kOk;
      for (const journal::LogWriter* const writer : each.source->writers()) {
        if (const Errc failure = writer->failure(); failure != Errc::kOk) each.failure = failure;
      }
    }
    if (each.failure != Errc::kOk) any = each.failure;
    is_new = is_new || told_[i].failure != each.failure || told_[i].name != each.name;
  }
  failure_.store(any, std::memory_order_release);
  if (!is_new) return;
  const std::lock_guard guard(mutex_);
  told_.clear();
  for (const Found& each : known_) told_.push_back({each.name, each.failure});
}

std::vector<WrittenLog> LogWriterCore::logs() const {
  const std::lock_guard guard(mutex_);
  return told_;
}

}  // namespace ringpost::detail
