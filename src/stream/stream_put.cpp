// Putting: route, claim, write, publish; then, if that is wanted, wait for the flush.
#include <algorithm>
#include <cstring>

#include "stream/limits.hpp"
#include "stream/settings.hpp"
#include "stream/stream_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {
namespace {

constexpr std::size_t kBatchMax = 500;
constexpr std::size_t kBatchBytesMax = 10u << 20;

std::size_t record_bytes(const PutEntry& entry) noexcept {
  return sizeof(log::RecordHeader) + (entry.explicit_hash_key ? log::kHashKeyBytes : 0) +
         entry.key.size() + entry.data.size();
}

void store_big_endian(std::uint64_t value, std::byte* to) noexcept {
  for (int i = 7; i >= 0; --i, value >>= 8) to[i] = static_cast<std::byte>(value);
}

void write_record(const PutEntry& entry, std::uint64_t position, std::int64_t arrival_ns,
                  std::span<std::byte> to) noexcept {
  const log::RecordHeader header{
      .crc = 0,
      .bytes = static_cast<std::uint32_t>(record_bytes(entry)),
      .position = position,
      .arrival_ns = arrival_ns,
      .data_bytes = static_cast<std::uint32_t>(entry.data.size()),
      .key_bytes = static_cast<std::uint16_t>(entry.key.size()),
      .kind = log::RecordKind::kStream,
      .flags = entry.explicit_hash_key ? log::kHasHashKey : std::uint8_t{},
      .reserved = 0};
  std::byte* at = to.data();
  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  if (entry.explicit_hash_key) {
    store_big_endian(entry.explicit_hash_key->high, at);
    store_big_endian(entry.explicit_hash_key->low, at + 8);
    at += log::kHashKeyBytes;
  }
  std::memcpy(at, entry.key.data(), entry.key.size());
  at += entry.key.size();
  if (!entry.data.empty()) std::memcpy(at, entry.data.data(), entry.data.size());
}

}  // namespace

/// The time is asked for only when somebody has to wait.
std::uint64_t StreamCore::Deadline::ns() noexcept {
  if (wait_ <= Duration::zero() || ns_ != 0) return ns_;
  const std::uint64_t now = member_.now_ns();
  const auto length = static_cast<std::uint64_t>(wait_.count());
  ns_ = length > ~std::uint64_t{0} - now ? ~std::uint64_t{0} : now + length;
  return ns_;
}

bool StreamCore::is_durable(const PutOptions& options) const noexcept {
  return options.durability ? *options.durability == Durability::kDurable : durable_;
}

Errc StreamCore::check(const PutEntry& entry) const noexcept {
  if (!stream::is_valid_key(entry.key)) return Errc::kInvalidArgument;
  if (entry.key.size() + entry.data.size() > record_bytes_max_) return Errc::kTooLarge;
  return Errc::kOk;
}

/// Every number that was given out is lower than those to come: it only has to be one of ours.
Errc StreamCore::check_after(const std::optional<SequenceNumber>& after) {
  if (!after || *after == SequenceNumber{}) return Errc::kOk;
  const stream::ShardRecord* const shard = map_.find(after->shard);
  const bool ours = shard != nullptr && shard->created_s == after->shard_created_s;
  return ours ? Errc::kOk : Errc::kInvalidArgument;
}

Result<Put, Errc> StreamCore::put(std::string_view key, ByteSpan data,
                                  const PutOptions& options) noexcept {
  if (const Errc code = begin(); code != Errc::kOk) return Unexpected(code);
  const PutEntry entry{key, data, options.explicit_hash_key};
  if (const Errc code = check(entry); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = check_after(options.after); code != Errc::kOk) return Unexpected(code);
  const bool durable = is_durable(options);
  if (durable && !has_log()) return Unexpected(Errc::kInvalidArgument);
  Deadline deadline(member_, options.wait);
  const auto added = add(entry, durable, deadline);
  if (!added) return Unexpected(added.error());
  if (durable) {
    const Errc code = wait_durable(*added->shard, added->put.sequence.position, deadline);
    if (code != Errc::kOk) return Unexpected(code);
  }
  return added->put;
}

Result<std::vector<Result<Put, Errc>>> StreamCore::put_batch(std::span<const PutEntry> entries,
                                                             const PutOptions& options) {
  const std::string object = "batch for stream \"" + name() + "\"";
  if (const Errc code = begin(); code != Errc::kOk) {
    return sys::error(code, object, message(code));
  }
  if (entries.empty() || entries.size() > kBatchMax) {
    return sys::error(Errc::kInvalidArgument, object, "must have 1 to 500 records");
  }
  if (options.explicit_hash_key) {
    return sys::error(Errc::kInvalidArgument, object, "each entry has a hash key of its own");
  }
  std::size_t bytes = 0;
  for (const PutEntry& entry : entries) bytes += entry.key.size() + entry.data.size();
  if (bytes > kBatchBytesMax) {
    return sys::error(Errc::kTooLarge, object, "has more than 10 MiB of keys and data");
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (const Errc code = check(entries[i]); code != Errc::kOk) {
      return sys::error(code, object,
                        "record " + std::to_string(i + 1) +
                            (code == Errc::kTooLarge ? " is larger than record_bytes_max"
                                                     : " must have a key of 1 to 256 characters"));
    }
  }
  const bool durable = is_durable(options);
  if (check_after(options.after) != Errc::kOk || (durable && !has_log())) {
    return sys::error(Errc::kInvalidArgument, object,
                      durable && !has_log() ? "a stream without a log is never durable"
                                            : "its ordering number is none of this stream");
  }
  Deadline deadline(member_, options.wait);
  std::vector<Result<Put, Errc>> results;
  results.reserve(entries.size());
  std::vector<Put> puts;
  for (const PutEntry& entry : entries) {
    auto added = add(entry, false, deadline);
    if (added) {
      results.push_back(added->put);
      puts.push_back(added->put);
    } else {
      results.push_back(Unexpected(added.error()));
    }
  }
  if (!durable) return results;
  // The last of each shard, in which order they wait does not matter: who waits for one flushes all
  // of that shard.
  std::vector<std::pair<std::uint32_t, Errc>> codes;
  for (Result<Put, Errc>& result : results) {
    if (!result) continue;
    const std::uint32_t number = result->shard;
    auto known = std::find_if(codes.begin(), codes.end(),
                              [&](const auto& each) { return each.first == number; });
    if (known == codes.end()) {
      std::uint64_t last = 0;
      for (const Put& put : puts) {
        if (put.shard == number) last = std::max(last, put.sequence.position);
      }
      Shard* shard = nullptr;
      Errc code = open_shard(number, shard);
      if (code == Errc::kOk) code = wait_durable(*shard, last, deadline);
      codes.emplace_back(number, code);
      known = std::prev(codes.end());
    }
    if (known->second != Errc::kOk) result = Unexpected(known->second);
  }
  return results;
}

Result<std::uint32_t, Errc> StreamCore::route(const HashKey& key) {
  if (const Errc code = begin(); code != Errc::kOk) return Unexpected(code);
  const auto shard = map_.route(key);
  if (!shard) return Unexpected(Errc::kCorrupt);
  return *shard;
}

bool StreamCore::is_throttled(std::uint32_t shard, std::size_t bytes) {
  stream::ShardEntry& entry = control_.entry(shard);
  const std::uint64_t now = member_.now_ns();
  if (stream::pass(entry.records_in, stream::kRecordsIn, 1, now) &&
      stream::pass(entry.bytes_in, stream::kBytesIn, bytes, now)) {
    return false;
  }
  count(stream::kThrottled);
  return true;
}

Errc StreamCore::claim(const PutEntry& entry, std::size_t bytes, Deadline& deadline,
                       std::uint32_t& number, journal::Claim& into) {
  constexpr int kShardsPassedMax = 64;  // that were closed meanwhile, one after the other
  bool passed_limits = false;
  for (int passed = 0; passed < kShardsPassedMax;) {
    const auto routed = route_of(entry);
    if (!routed) return Errc::kCorrupt;
    number = *routed;
    Shard* shard = nullptr;
    if (const Errc code = open_shard(number, shard); code != Errc::kOk) return code;
    if (shard->journal == nullptr) {
      if (!map_.shards()[number].end) return Errc::kCorrupt;
      ++passed;  // closed, and let go of since I looked at the map
      continue;
    }
    if (limits_ && !passed_limits) [[unlikely]] {
      if (is_throttled(number, entry.key.size() + entry.data.size())) return Errc::kThrottled;
      passed_limits = true;
    }
    const Errc code = shard->journal->producer().claim(bytes, into);
    if (code == Errc::kOk) [[likely]]
      return code;
    if (code == Errc::kClosed) {
      std::uint64_t end = 0;
      if (const Errc found = shard->journal->producer().frontier(end); found != Errc::kOk) {
        return found;
      }
      if (const Errc met = met_end(number, end); met != Errc::kOk) return met;
      ++passed;
    } else if (code == Errc::kFull) {
      const Errc room = wait_for_room(*shard, bytes, deadline);
      if (room != Errc::kOk) return room;
    } else {
      return code;
    }
  }
  return Errc::kBusy;
}

Result<StreamCore::Added, Errc> StreamCore::add(const PutEntry& entry, bool durable,
                                                Deadline& deadline) {
  std::uint32_t number = 0;
  journal::Claim claimed;
  const Errc code = claim(entry, record_bytes(entry), deadline, number, claimed);
  if (code != Errc::kOk) {
    if (code == Errc::kFull) count(stream::kFull);
    return Unexpected(code);
  }
  Shard& shard = *open_[number];
  const auto arrival_ns = static_cast<std::int64_t>(member_.wall_ns());
  write_record(entry, claimed.position, arrival_ns, claimed.bytes);
  // A writer that is woken by the record knows already that somebody waits for it.
  if (durable) shard.journal->will_want(claimed.position + 1);
  shard.journal->producer().publish(claimed);
  count(stream::kRecords);
  count(stream::kBytes, entry.key.size() + entry.data.size());
  if (claimed.position >= shard.trim_at || arrival_ns >= shard.trim_at_ns) [[unlikely]] {
    trim(number, shard);
  }
  return Added{{number, number_at(number, claimed.position, arrival_ns)}, &shard};
}

Errc StreamCore::wait_for_room(Shard& shard, std::size_t bytes, Deadline& deadline) {
  const Errc code = shard.journal->wait_room(bytes, deadline.ns());
  return code == Errc::kTimedOut ? Errc::kFull : code;
}

Errc StreamCore::wait_durable(Shard& shard, std::uint64_t position, Deadline& deadline) {
  if (shard.journal == nullptr) return Errc::kOk;  // it was let go of because all of it is
  if (position < shard.journal->durable()) return Errc::kOk;
  return shard.journal->wait_durable(position, deadline.ns());
}

Errc StreamCore::wait_durable(std::span<const Put> puts, Duration wait) noexcept {
  if (const Errc code = begin(); code != Errc::kOk) return code;
  if (!has_log()) return Errc::kInvalidArgument;
  Deadline deadline(member_, wait);
  for (const Put& put : puts) {
    const stream::ShardRecord* const record = map_.find(put.shard);
    if (record == nullptr || record->created_s != put.sequence.shard_created_s) {
      return Errc::kInvalidArgument;
    }
    Shard* shard = nullptr;
    if (const Errc code = open_shard(put.shard, shard); code != Errc::kOk) return code;
    const Errc code = wait_durable(*shard, put.sequence.position, deadline);
    if (code != Errc::kOk) return code;
  }
  return Errc::kOk;
}

}  // namespace ringpost::detail
