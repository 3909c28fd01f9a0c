// Going on with logs that have failed.
#include "journal/drain_role.hpp"
#include "journal/reader.hpp"
#include "stream/stream_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {
namespace {

/// Records that are published from there on.
std::uint64_t count_records(const journal::JournalView& view, std::uint64_t position) {
  std::uint64_t count = 0;
  journal::Seen seen;
  while (count < view.cells() && journal::look(view, position, seen) == Errc::kOk) {
    ++count;
    position = seen.next;
  }
  return count;
}

}  // namespace

Result<RecoveredLog> StreamCore::recover_log(std::uint32_t number, Shard& shard) {
  RecoveredLog recovered{.shard = number, .log_errno = shard.journal->failed()};
  recovered.acknowledged = shard.journal->durable();
  const auto log = make_log(number, shard);
  journal::DrainRole role(shard.journal->view(), member_.me.creator_word(), alive_, *log);
  if (const Errc code = role.recover(); code != Errc::kOk) {
    const std::string& what = log->error().what;
    return sys::error(code, object_of(number), what.empty() ? message(code) : what);
  }
  recovered.on_disk = shard.journal->durable();
  recovered.records = count_records(shard.journal->view(), recovered.on_disk);
  Errc code = Errc::kOk;
  while (code == Errc::kOk) code = role.drain_once();
  role.release();
  if (code != Errc::kEmpty) return sys::error(code, object_of(number), message(code));
  return recovered;
}

Result<std::vector<RecoveredLog>> StreamCore::recover_logs() {
  const std::string object = "stream \"" + name() + "\"";
  if (!has_log()) return sys::error(Errc::kInvalidArgument, object, "it has no log");
  if (const Errc code = begin(); code != Errc::kOk) return sys::error(code, object, message(code));
  std::vector<RecoveredLog> all;
  for (const stream::ShardRecord& record : map_.shards()) {
    Shard* shard = nullptr;
    const Errc code = record.expired ? Errc::kNotFound : open_shard(record.number, shard);
    if (code == Errc::kNotFound) continue;
    if (code != Errc::kOk) return sys::error(code, object_of(record.number), message(code));
    if (shard->journal == nullptr || shard->journal->failed() == 0) continue;
    auto recovered = recover_log(record.number, *shard);
    if (!recovered) return Unexpected(recovered.error());
    all.push_back(*recovered);
  }
  return all;
}

}  // namespace ringpost::detail
