// A thread that writes logs: of one stream or queue, or of all that there are on a bus.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time_source.hpp"
#include "journal/log_source.hpp"
#include "ringpost/log_writer.hpp"

namespace ringpost::detail {

/// Threads  start, stop, failure(), logs(): any. The rest is the thread's own: the sources must
///          have a participant that nobody else uses.
/// Crash    the role of each journal goes to whoever needs it.
class LogWriterCore {
 public:
  /// Without a source: it cannot be opened now, and is looked for again.
  struct Found {
    std::string name;
    std::unique_ptr<journal::LogSource> source;
    Errc failure = Errc::kOk;
  };
  using IsKnown = std::function<bool(const std::string& name)>;
  /// What there is that is not known yet. By the thread, once a second.
  using Find = std::function<std::vector<Found>(const IsKnown& is_known)>;

  /// One source, until it ends.
  static std::unique_ptr<LogWriterCore> start(std::unique_ptr<journal::LogSource> source);
  /// Whatever is found, also later.
  static std::unique_ptr<LogWriterCore> start(std::vector<Find> finds, base::TimeSource time);
  ~LogWriterCore();
  LogWriterCore(const LogWriterCore&) = delete;
  LogWriterCore& operator=(const LogWriterCore&) = delete;

  [[nodiscard]] Errc failure() const noexcept { return failure_.load(std::memory_order_acquire); }
  [[nodiscard]] std::vector<WrittenLog> logs() const;

 private:
  LogWriterCore(std::vector<Find> finds, base::TimeSource time)
      : finds_(std::move(finds)), time_(time) {}
  void begin();
  void run();
  void find();
  void look();
  void tell();

  std::vector<Find> finds_;
  const base::TimeSource time_;
  std::uint64_t found_ns_ = 0;  ///< when it last looked what there is
  bool has_looked_ = false;
  std::vector<Found> known_;
  std::vector<journal::LogWriter*> open_;   ///< of all that are known
  std::atomic<std::uint32_t> stopping_{0};  ///< a futex of this process
  std::atomic<Errc> failure_{Errc::kOk};
  mutable std::mutex mutex_;
  std::vector<WrittenLog> told_;
  std::thread thread_;
};

}  // namespace ringpost::detail
