// Where reading begins: the five kinds of iterators become positions; and reading without a reader.
#include <time.h>

#include <algorithm>

#include "journal/reader.hpp"
#include "stream/limits.hpp"
#include "stream/locate.hpp"
#include "stream/reader_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {
namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kIteratorLifeNs = 300'000 * kMillisecondNs;
constexpr std::uint64_t kEndIndex = 0x7fff'ffff'ffff'ffff;

std::int64_t ns_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

/// "Thu Jan 22 01:22:02 UTC 2015"
std::string date(std::uint64_t wall_ns) {
  const auto seconds = static_cast<time_t>(wall_ns / 1'000'000'000);
  tm parts{};
  char text[64] = "";
  ::gmtime_r(&seconds, &parts);
  ::strftime(text, sizeof text, "%a %b %d %H:%M:%S UTC %Y", &parts);
  return text;
}

}  // namespace

StreamCore::Shard::Shard() noexcept = default;
StreamCore::Shard::~Shard() = default;

std::string StreamCore::object_of(std::uint32_t shard) const {
  return ShardInfo::id_of(shard) + " of stream \"" + name() + "\"";
}

Result<const stream::ShardRecord*> StreamCore::open_listed(std::uint32_t number, Shard*& shard) {
  if (const Errc code = begin(); code != Errc::kOk) {
    return sys::error(code, "stream \"" + name() + "\"", message(code));
  }
  const auto not_found = [&] {
    return sys::error(Errc::kNotFound, object_of(number), "Could not find it, or it is expired.");
  };
  if (find(number) == nullptr) return not_found();
  const Errc code = open_shard(number, shard);
  if (code == Errc::kNotFound) return not_found();
  if (code != Errc::kOk) return sys::error(code, object_of(number), message(code));
  return &map_.shards()[number];  // as it is by now
}

/// Where the next record goes; of a closed shard its end.
Result<std::uint64_t> StreamCore::frontier(const stream::ShardRecord& record, Shard& shard) const {
  if (record.end) return *record.end;
  std::uint64_t position = 0;
  const Errc code =
      shard.journal == nullptr ? Errc::kCorrupt : shard.journal->producer().frontier(position);
  if (code != Errc::kOk) return sys::error(code, object_of(record.number), message(code));
  return position;
}

Result<std::uint64_t> StreamCore::position_of(std::uint32_t number, const From& from) {
  Shard* shard = nullptr;
  const auto record = open_listed(number, shard);
  if (!record) return Unexpected(record.error());
  switch (from.kind) {
    case From::Kind::kTrimHorizon:
      break;
    case From::Kind::kLatest:
      return frontier(**record, *shard);
    case From::Kind::kAt:
      return position_of_number(**record, *shard, from.sequence, false);
    case From::Kind::kAfter:
      return position_of_number(**record, *shard, from.sequence, true);
    case From::Kind::kTime: {
      const auto now = static_cast<std::int64_t>(member_.wall_ns());
      if (ns_of(from.when) > now) {
        const auto ms = [](std::int64_t ns) { return std::to_string(ns / 1'000'000); };
        return sys::error(Errc::kInvalidArgument, object_of(number),
                          "The timestampInMillis parameter cannot be greater than the "
                          "currentTimestampInMillis. timestampInMillis: " +
                              ms(ns_of(from.when)) + ", currentTimestampInMillis: " + ms(now));
      }
      return position_of_time(**record, *shard, std::max(ns_of(from.when), horizon_ns() + 1));
    }
  }
  return position_of_time(**record, *shard, horizon_ns() + 1);
}

Result<std::uint64_t> StreamCore::position_of_number(const stream::ShardRecord& record,
                                                     Shard& shard, const SequenceNumber& number,
                                                     bool after) {
  const std::string object = object_of(record.number);
  if (number.shard != record.number && number != SequenceNumber{}) {
    return sys::error(
        Errc::kInvalidArgument, object,
        "Invalid StartingSequenceNumber. It encodes " + ShardInfo::id_of(number.shard) +
            ", while it was used in a call to a shard with " + ShardInfo::id_of(record.number));
  }
  const auto end = frontier(record, shard);
  if (!end) return end;
  const bool is_end = number.position == kEndIndex && record.end.has_value();
  if (number.shard_created_s != record.created_s || (number.position > *end && !is_end)) {
    return sys::error(Errc::kInvalidArgument, object,
                      "StartingSequenceNumber " + number.to_string() +
                          " is invalid because it did not come from this stream.");
  }
  // The start of the shard: there never was a record.
  if (number.position == 0) return position_of_time(record, shard, horizon_ns() + 1);
  const std::uint64_t position = std::min(number.position + (after ? 1 : 0), *end);
  // The log takes any position, the ring only that of a record.
  if (shard.journal == nullptr) return position;
  if (has_log() && position < shard.journal->durable()) return position;
  return stream::locate(shard.journal->view(), position, *end);
}

Result<std::uint64_t> StreamCore::find_time_in_log(Shard& shard, std::int64_t arrival_ns,
                                                   std::uint64_t bound) {
  auto reader = log::Reader::open(*shard.directory);
  if (!reader) return Unexpected(reader.error());
  if (auto sought = (*reader)->seek_time(arrival_ns, bound); !sought) {
    return Unexpected(sought.error());
  }
  return std::min((*reader)->position(), bound);
}

Result<std::uint64_t> StreamCore::position_of_time(const stream::ShardRecord& record, Shard& shard,
                                                   std::int64_t arrival_ns) {
  constexpr int kTriesMax = 1'000;  // against producers that go round
  if (shard.journal == nullptr && !has_log()) return *record.end;
  if (shard.journal == nullptr) return find_time_in_log(shard, arrival_ns, *record.end);
  const journal::JournalView& view = shard.journal->view();
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto end = frontier(record, shard);
    if (!end) return end;
    std::uint64_t position = 0;
    if (has_log()) {
      const Extent extent = this->extent(record.number, shard);
      const auto found = find_time_in_log(shard, arrival_ns, extent.log);
      if (!found || *found < extent.log) return found;
      position = extent.ring;
    } else {
      position = stream::locate(view, 0, *end);
    }
    journal::Seen seen;
    Errc code = Errc::kOk;
    while ((code = shard.journal->look(position, seen)) == Errc::kOk) {
      log::RecordHeader header;
      const bool good = journal::parse_record(seen.position, seen.bytes, header);
      if (!shard.journal->still_there(seen.position)) break;
      if (!good) return sys::error(Errc::kCorrupt, object_of(record.number), "damaged record");
      if (header.arrival_ns >= arrival_ns) return seen.position;
      position = seen.next;
    }
    // The ring of a closed shard may have been emptied beyond its end.
    if (code == Errc::kEmpty || code == Errc::kClosed) return std::min(seen.position, *end);
    if (code == Errc::kCorrupt) {
      return sys::error(code, object_of(record.number), message(code));
    }
  }
  return sys::error(Errc::kBusy, object_of(record.number), "it is overwritten too fast");
}

Result<ShardIterator> StreamCore::iterator(std::uint32_t shard, const From& from) {
  const auto position = position_of(shard, from);
  if (!position) return Unexpected(position.error());
  if (limits_ &&
      !stream::pass(control_.entry(shard).iterators, stream::kIterators, 1, member_.now_ns())) {
    return sys::error(Errc::kThrottled, object_of(shard), message(Errc::kThrottled));
  }
  return ShardIterator{control_.stream_id(), shard, *position, member_.wall_ns(), 0};
}

Result<GetResult> StreamCore::get(const ShardIterator& iterator, std::uint32_t limit) {
  const std::string object = object_of(iterator.shard);
  if (iterator.stream_id != control_.stream_id()) {
    return sys::error(Errc::kInvalidArgument, object, "Invalid ShardIterator.");
  }
  const std::uint64_t now = member_.wall_ns();
  if (now > iterator.issued_ns && now - iterator.issued_ns > kIteratorLifeNs) {
    return sys::error(Errc::kExpired,
                      "Iterator expired. The iterator was created at time " +
                          date(iterator.issued_ns) + " while right now it is " + date(now),
                      "that is further in the future than the tolerated delay of 300000 "
                      "milliseconds.");
  }
  Shard* shard = nullptr;
  const auto record = open_listed(iterator.shard, shard);
  if (!record) return Unexpected(record.error());
  stream::ShardEntry& entry = control_.entry(iterator.shard);
  const std::uint64_t now_ns = member_.now_ns();
  if (limits_ && !(stream::may_pass(entry.bytes_out, now_ns) &&
                   stream::pass(entry.gets, stream::kGets, 1, now_ns))) {
    count(stream::kThrottled);
    return sys::error(Errc::kThrottled, object, message(Errc::kThrottled));
  }
  if (shard->reader == nullptr) {
    shard->reader = std::make_unique<ShardReaderCore>(*this, nullptr, *shard, iterator.shard,
                                                      iterator.position, follow());
  } else if (shard->reader->position() != iterator.position ||
             shard->reader->follow() != follow()) {
    shard->reader->move_to(iterator.position, follow());
  }
  auto records = shard->reader->read({.limit = limit});
  if (!records) return Unexpected(records.error());
  if (limits_) {
    std::uint64_t bytes = 0;
    for (const StreamRecord& each : *records) bytes += each.key.size() + each.data.size();
    stream::charge(entry.bytes_out, stream::kBytesOut, bytes, now_ns);
  }
  GetResult result{std::move(*records), std::nullopt};
  if (!result.records.at_end()) {
    result.next = ShardIterator{iterator.stream_id, iterator.shard, shard->reader->position(), now,
                                iterator.number + 1};
  }
  return result;
}

}  // namespace ringpost::detail
