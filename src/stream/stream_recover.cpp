// Going on with logs that have failed.
#include "journal/failed_log.hpp"
#include "stream/stream_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {

Result<RecoveredLog> StreamCore::recover_log(std::uint32_t number, Shard& shard) {
  const auto log = make_log(number, shard);
  auto recovered = journal::recover_failed(shard.journal->view(), member_.me.creator_word(), alive_,
                                           *log, object_of(number));
  if (recovered) recovered->shard = number;
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
