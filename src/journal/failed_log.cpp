#include "journal/failed_log.hpp"

#include "journal/drain_role.hpp"
#include "journal/reader.hpp"
#include "sys/error.hpp"

namespace ringpost::journal {
namespace {

/// Records that are published from there on.
std::uint64_t count_records(const JournalView& view, std::uint64_t position) {
  std::uint64_t count = 0;
  Seen seen;
  while (count < view.cells() && look(view, position, seen) == Errc::kOk) {
    ++count;
    position = seen.next;
  }
  return count;
}

}  // namespace

Result<RecoveredLog> recover_failed(const JournalView& view, std::uint64_t me,
                                    const Liveness& alive, SegmentLog& log,
                                    const std::string& object) {
  const JournalHot& hot = view.hot();
  RecoveredLog recovered;
  recovered.log_errno = static_cast<int>(hot.failed.load(std::memory_order_acquire));
  recovered.acknowledged = hot.durable.load(std::memory_order_acquire);  // [durable]
  DrainRole role(view, me, alive, log);
  if (const Errc code = role.recover(); code != Errc::kOk) {
    const std::string& what = log.error().what;
    return sys::error(code, object, what.empty() ? message(code) : what);
  }
  recovered.on_disk = hot.durable.load(std::memory_order_acquire);
  recovered.records = count_records(view, recovered.on_disk);
  Errc code = Errc::kOk;
  while (code == Errc::kOk) code = role.drain_once();
  role.release();
  if (code != Errc::kEmpty) return sys::error(code, object, message(code));
  return recovered;
}

}  // namespace ringpost::journal
