// Stream: records that stay. Any number of readers, each at its own position, live or from the
// beginning. The rules are those of Kinesis Data Streams.
//
//   producer ──put──▶ partition key ──MD5──▶ shard ──▶ ring in shared memory ──▶ live readers
//                                              └──▶ log: segments on disk ──▶ history
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/log_writer.hpp"
#include "ringpost/options.hpp"
#include "ringpost/recovered_log.hpp"
#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

namespace detail {
class StreamCore;
class ShardReaderCore;
}  // namespace detail

/// Where a stream's records are kept.
enum class StreamStorage : std::uint8_t {
  kLog,     ///< in the ring and, until retention ends, on disk (default)
  kMemory,  ///< in the ring only: the newest go in place of the oldest
};

/// On demand is accepted and kept; nothing scales by itself.
enum class StreamMode : std::uint8_t { kProvisioned, kOnDemand };

/// Which records a reader sees.
enum class Follow : std::uint8_t {
  kDurable,    ///< those that survive the loss of power: what was read is never taken back
  kPublished,  ///< all, as soon as they are in the ring
};

/// 128 bits: MD5 of a partition key, or a boundary between shards.
struct RINGPOST_API HashKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] static HashKey of(std::string_view partition_key) noexcept;
  [[nodiscard]] static constexpr HashKey max() noexcept { return {~0ull, ~0ull}; }
  /// Decimal, as Kinesis has it.
  [[nodiscard]] std::string to_string() const;
  /// `0|[1-9]\d{0,38}` up to 2^128 - 1.
  [[nodiscard]] static std::optional<HashKey> parse(std::string_view decimal) noexcept;
  friend auto operator<=>(const HashKey&, const HashKey&) = default;
};

/// Identifies a record of a stream. Rises within a shard and from parent to child; it is not an
/// index. Text: decimal, the layout that Kinesis calls version 2.
struct RINGPOST_API SequenceNumber {
  std::uint64_t shard_created_s = 0;  ///< Unix time; 36 bits
  std::uint32_t shard = 0;
  std::uint64_t position = 0;
  std::uint64_t arrival_s = 0;  ///< Unix time; 36 bits

  [[nodiscard]] std::string to_string() const;
  /// "0" is the number before all others: SequenceNumber{}.
  [[nodiscard]] static std::optional<SequenceNumber> parse(std::string_view decimal);
  /// As their texts compare when they are read as numbers.
  friend RINGPOST_API std::strong_ordering operator<=>(const SequenceNumber& a,
                                                       const SequenceNumber& b) noexcept;
  friend bool operator==(const SequenceNumber&, const SequenceNumber&) = default;
};

/// Settings of a stream. At creation an absent one takes its default; opening an existing stream
/// compares only those that are given. The first group may be changed while it is in use.
struct StreamSettings {
  std::optional<Durability> durability{};  ///< kDurable; of puts that do not say. kMemory: kMemory
  std::optional<Duration> retention{};     ///< 24 h; to 8,760 h; exact to the record
  /// 0: time alone decides. Else also: a shard's oldest segments go when its log has more bytes.
  std::optional<std::uint64_t> log_bytes_max{};
  std::optional<std::uint64_t> record_bytes_max{};  ///< 1 MiB; 1 KiB to 10 MiB, key and data
  /// false; true, for each shard: 1,000 records and 1 MiB a second in; out by get() 2 MiB and five
  /// calls a second, and five iterators. More: kThrottled.
  std::optional<bool> shard_limits{};
  std::optional<StreamMode> mode{};  ///< kProvisioned if `shards` is given, else kOnDemand

  /// Fixed at creation; split, merge and scale change how many are open. 1 to 4,096. On demand: 4,
  /// and not to be given. Not compared when the stream exists.
  std::optional<std::uint32_t> shards{};
  std::optional<StreamStorage> storage{};  ///< kLog
  /// Memory of each shard: 8 MiB, or what four of the largest records need; power of two, 64 KiB to
  /// 1 GiB.
  std::optional<std::uint64_t> ring_bytes{};
  /// 64 MiB; 1 MiB to 1 GiB, multiple of 1 MiB, room for two of the largest records. What retention
  /// drops at a time.
  std::optional<std::uint64_t> segment_bytes{};
};

/// One shard, as it stands in the stream's map.
struct RINGPOST_API ShardInfo {
  std::uint32_t number = 0;
  HashKey first{};  ///< its range of hash keys, both included
  HashKey last{};
  std::optional<std::uint32_t> parent{};           ///< split from, or the lower one merged
  std::optional<std::uint32_t> adjacent_parent{};  ///< the upper one merged
  SequenceNumber start{};                          ///< before its first record
  std::optional<SequenceNumber> end{};             ///< closed: after its last record
  WallTime created{};
  WallTime closed{};  ///< if it is

  [[nodiscard]] bool is_open() const noexcept { return !end.has_value(); }
  /// "shardId-000000000000"
  [[nodiscard]] std::string id() const { return id_of(number); }
  [[nodiscard]] static std::string id_of(std::uint32_t number);
  [[nodiscard]] static std::optional<std::uint32_t> parse_id(std::string_view id) noexcept;
};

/// Which shards to list. Those whose records are all past retention are never listed.
struct ShardFilter {
  enum class Kind : std::uint8_t {
    kFromTrimHorizon,  ///< all (default)
    kAtTrimHorizon,    ///< open at the time of the oldest record that is kept
    kAtLatest,         ///< open
    kAtTime,           ///< open at `time`
    kFromTime,         ///< open at `time` or later
    kAfterShard,       ///< with a number above `shard`
  };
  Kind kind = Kind::kFromTrimHorizon;
  WallTime time{};
  std::uint32_t shard = 0;
};

/// Where reading begins.
struct From {
  enum class Kind : std::uint8_t { kTrimHorizon, kLatest, kAt, kAfter, kTime };
  Kind kind = Kind::kTrimHorizon;
  SequenceNumber sequence{};
  WallTime when{};

  /// The oldest record that is kept.
  [[nodiscard]] static From trim_horizon() noexcept { return {}; }
  /// What is put from now on.
  [[nodiscard]] static From latest() noexcept { return {.kind = Kind::kLatest}; }
  [[nodiscard]] static From at(const SequenceNumber& number) noexcept {
    return {.kind = Kind::kAt, .sequence = number};
  }
  [[nodiscard]] static From after(const SequenceNumber& number) noexcept {
    return {.kind = Kind::kAfter, .sequence = number};
  }
  /// The first record that arrived then or later; not in the future.
  [[nodiscard]] static From time(WallTime when) noexcept {
    return {.kind = Kind::kTime, .when = when};
  }
};

struct PutOptions {
  std::optional<HashKey> explicit_hash_key{};  ///< in place of the partition key's MD5
  std::optional<Durability> durability{};      ///< default: the stream's
  /// SequenceNumberForOrdering: the record gets a higher one. kInvalidArgument if it is none of
  /// this stream.
  std::optional<SequenceNumber> after{};
  /// How long to wait, in all, for room in the ring (then kFull) and for durability (then
  /// kTimedOut: the record is there, and will be durable unless power fails).
  Duration wait = 5s;
};

/// One record of a batch.
struct PutEntry {
  std::string_view key;
  ByteSpan data;
  std::optional<HashKey> explicit_hash_key{};
};

/// Where a record went.
struct Put {
  std::uint32_t shard = 0;
  SequenceNumber sequence{};
};

/// A record that was read. Refers to memory of whom it was read from.
struct StreamRecord {
  SequenceNumber sequence{};
  WallTime arrival{};  ///< by the producer's clock: nearly in order, and it may repeat
  std::string_view key{};
  std::optional<HashKey> explicit_hash_key{};
  ByteSpan data{};
};

/// Positions that a reader can never have: overwritten in the ring of a memory-only stream, or
/// dropped from the log.
struct LostRange {
  SequenceNumber first{};
  SequenceNumber last{};
};

/// One answer of a read: owns its bytes.
class RINGPOST_API Records {
 public:
  Records() noexcept = default;
  Records(Records&&) noexcept = default;
  Records& operator=(Records&&) noexcept = default;

  [[nodiscard]] auto begin() const noexcept { return records_.begin(); }
  [[nodiscard]] auto end() const noexcept { return records_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] const StreamRecord& operator[](std::size_t i) const noexcept { return records_[i]; }
  /// From the last record of this answer to the shard's newest one; 0: it has all.
  [[nodiscard]] Duration behind_latest() const noexcept { return behind_; }
  /// The shard is closed, and this is its end: go on in children().
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  [[nodiscard]] const std::vector<ShardInfo>& children() const noexcept { return children_; }
  /// What was skipped before or between these records.
  [[nodiscard]] const std::optional<LostRange>& lost() const noexcept { return lost_; }

 private:
  friend class detail::ShardReaderCore;
  std::vector<std::unique_ptr<std::byte[]>> bytes_;
  std::vector<StreamRecord> records_;
  std::vector<ShardInfo> children_;
  std::optional<LostRange> lost_;
  std::size_t block_end_ = 0;
  Duration behind_ = Duration::zero();
  bool at_end_ = false;
};

/// A position in a shard, to be handed to anybody as text and used for five minutes, also again.
struct RINGPOST_API ShardIterator {
  std::uint64_t stream_id = 0;  ///< of one that was deleted and made again it is another
  std::uint32_t shard = 0;
  std::uint64_t position = 0;
  std::uint64_t issued_ns = 0;  ///< Unix time
  std::uint64_t number = 0;     ///< of reads since the first: each has another text

  [[nodiscard]] std::string to_string() const;
  /// Takes it in double quotes too.
  [[nodiscard]] static std::optional<ShardIterator> parse(std::string_view text) noexcept;
  friend bool operator==(const ShardIterator&, const ShardIterator&) = default;
};

struct GetResult {
  Records records;
  std::optional<ShardIterator> next{};  ///< absent: the closed shard was read to its end
};

struct ReadOptions {
  std::uint32_t limit = 10'000;       ///< 1 to 10,000 records
  std::size_t bytes_max = 10u << 20;  ///< one record comes in any case
  Duration wait = Duration::zero();   ///< for the first one
};

/// Follows one shard: history from its segments, then live out of shared memory; a reader that
/// falls behind goes back to the segments, at the exact position.
///
/// Threads   one at a time, that of the Bus.
/// Blocking  next() and intact() never wait for anybody; next() reads the disk while it is behind
///           the ring. wait() and read() as long as they are told.
/// Crash     a reader leaves nothing behind; nobody waits for it. A producer that died between
///           claiming room and filling it hides what was put behind it until a tenth of a second
///           has passed: then whoever calls next() or waits clears up after it.
class RINGPOST_API ShardReader {
 public:
  ShardReader() noexcept;
  ShardReader(ShardReader&&) noexcept;
  ShardReader& operator=(ShardReader&&) noexcept;
  ~ShardReader();

  /// The next record, in place; good until the next call, if intact() says so afterwards (a record
  /// of the segments is always intact). Those past retention are skipped. Errors: kEmpty; kClosed:
  /// the shard ends here; kLapped: lost() says what, and the next call goes on behind it; kDamaged,
  /// kDeleted, kForked, kCorrupt, kSystem.
  ///
  /// A record of the segments lies in the page cache. If somebody shortens the file, or the kernel
  /// drops the page and the disk cannot read it any more, while the record is in use, whoever
  /// touches it gets a SIGBUS, as with every mapped file; before and after that it is kDamaged or
  /// kSystem. read() has no such time.
  Result<StreamRecord, Errc> next() noexcept;
  /// Whether what next() gave was not overwritten while it was used. If it was, the next call gives
  /// it once more, out of the log, or says kLapped.
  [[nodiscard]] bool intact() noexcept;
  /// Copies what there is. Nothing there is no error, and kLapped is Records::lost(). Errors
  /// kInvalidArgument, and the others of next().
  Result<Records> read(const ReadOptions& options = {});

  /// After kDamaged: goes on behind lost().
  void skip() noexcept;

  /// Sleeps until next() may give something else than kEmpty. Errors kTimedOut, kDeleted, kForked.
  Errc wait(Duration wait) noexcept;
  /// The same of several, up to 128, of one bus.
  static Errc wait_any(std::span<ShardReader* const> readers, Duration wait) noexcept;

  [[nodiscard]] std::uint32_t shard() const noexcept;
  /// From which the next record will be: with From::at() a reader goes on here.
  [[nodiscard]] SequenceNumber position() const noexcept;
  /// By which a record was the last that next() gave; 0: there is none behind it.
  [[nodiscard]] Duration behind_latest() noexcept;
  [[nodiscard]] const std::optional<LostRange>& lost() const noexcept;
  /// Of a closed shard. Error kNotFound: it is open.
  [[nodiscard]] Result<std::vector<ShardInfo>> children();

 private:
  friend class Stream;
  explicit ShardReader(std::unique_ptr<detail::ShardReaderCore> core) noexcept;
  std::unique_ptr<detail::ShardReaderCore> core_;
};

struct ShardStats {
  std::uint32_t shard = 0;
  bool open = true;
  std::uint64_t published = 0;  ///< positions: where the next record goes
  std::uint64_t written = 0;    ///< before it everything is in the log
  std::uint64_t durable = 0;    ///< and survives the loss of power
  std::uint64_t ring_bytes = 0;
  std::uint64_t log_bytes = 0;
  std::uint32_t segments = 0;
  int log_errno = 0;            ///< of the error that made its log fail
  std::int32_t writer_pid = 0;  ///< process that writes its log now; 0: whoever waits next
};

struct StreamStats {
  std::uint64_t records = 0;  ///< puts that were accepted
  std::uint64_t bytes = 0;    ///< keys and data
  std::uint64_t full = 0;     ///< puts that found no room
  std::uint64_t throttled = 0;
  std::uint64_t records_read = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t lapped = 0;  ///< times that a reader had lost something
  std::uint64_t memory_bytes = 0;
  std::uint64_t log_bytes = 0;
  std::uint32_t open_shards = 0;
  std::vector<ShardStats> shards{};  ///< every one that is listed
};

/// A handle on a stream. Any number of processes and threads may have one each.
///
/// Threads     one thread at a time uses a Bus and what was opened from it.
/// Blocking    put() only as long as options.wait says. What changes the stream (settings, tags,
///             split, merge, scale) may wait up to two seconds for another process that is changing
///             it and stands still: kBusy; nobody's put waits for that.
/// Crash       whoever dies at any instruction of put() leaves a record or none. A change of
///             settings or tags is made or is not; a split or merge that began is finished by
///             whoever changes the stream next, and puts go on meanwhile.
class RINGPOST_API Stream {
 public:
  Stream() noexcept;
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  /// Adds a record to the shard of its key: 1 to 256 characters of UTF-8; the data may be empty.
  /// Errors: kInvalidArgument (key), kTooLarge, kFull, kTimedOut, kThrottled, kNoSpace (disk),
  /// kLogFailed, kDamaged, kDeleted, kForked, kCorrupt.
  Result<Put, Errc> put(std::string_view key, ByteSpan data,
                        const PutOptions& options = {}) noexcept;
  Result<Put, Errc> put(std::string_view key, std::string_view data,
                        const PutOptions& options = {}) noexcept {
    return put(key, as_bytes(data), options);
  }
  /// Adds each, in order: 1 to 500, together up to 10 MiB of keys and data; waits once, for all.
  /// Returns for each, in their order, what became of it: one that fails does not keep the others
  /// from being put. options.explicit_hash_key must be absent. Errors, of the batch as a whole, and
  /// nothing is put: kInvalidArgument, kTooLarge, kDeleted, kForked.
  Result<std::vector<Result<Put, Errc>>> put_batch(std::span<const PutEntry> entries,
                                                   const PutOptions& options = {});
  /// Until all of these are durable. Errors kTimedOut, kNoSpace, kLogFailed, kInvalidArgument (of a
  /// memory-only stream).
  Errc wait_durable(std::span<const Put> puts, Duration wait) noexcept;

  /// In the order of their numbers.
  [[nodiscard]] Result<std::vector<ShardInfo>> shards(const ShardFilter& filter = {});
  /// The open shard that takes that hash key now. Errors kDeleted, kForked, kCorrupt.
  [[nodiscard]] Result<std::uint32_t, Errc> shard_of(const HashKey& key);
  /// Errors kNotFound (no such shard, or all its records are past retention), kInvalidArgument (a
  /// number of another shard or stream, a time to come).
  Result<ShardReader> reader(std::uint32_t shard, const From& from,
                             std::optional<Follow> follow = std::nullopt);
  /// As reader().
  Result<ShardIterator> iterator(std::uint32_t shard, const From& from);
  /// Never waits. Errors kExpired, kInvalidArgument (of another stream; limit: 1 to 10,000),
  /// kNotFound, kThrottled, and those of ShardReader::next().
  Result<GetResult> get(const ShardIterator& iterator, std::uint32_t limit = 10'000);

  /// Closes the shard; two take its place, of [first, new_start - 1] and [new_start, last]. Returns
  /// their numbers. Errors kNotFound, kClosed, kInvalidArgument (not first + 1 < new_start < last),
  /// kBusy, kNoSpace.
  Result<std::vector<std::uint32_t>> split(std::uint32_t shard, const HashKey& new_start);
  /// Closes both; one takes their place. They must be neighbours. Returns its number.
  Result<std::uint32_t> merge(std::uint32_t lower, std::uint32_t upper);
  /// Splits and merges until there are `shards` of about the same width: at most twice as many as
  /// now, at least half.
  Result<void> scale(std::uint32_t shards);

  [[nodiscard]] const std::string& name() const noexcept;
  /// Its name in Amazon's form.
  [[nodiscard]] std::string arn() const;
  /// Unique for ever.
  [[nodiscard]] std::uint64_t id() const noexcept;
  [[nodiscard]] WallTime created() const noexcept;
  /// Every setting, with its value in force; `shards`: how many are open.
  [[nodiscard]] StreamSettings settings() const;
  /// Changes the settings that are given, all or none, from the next call of every process on.
  /// Errors kInvalidArgument (a value out of its limits, one that is fixed at creation), kBusy,
  /// kDeleted, kNoSpace.
  Result<void> set(const StreamSettings& changes);

  /// In the order of their keys.
  [[nodiscard]] Result<Tags> tags() const;
  /// Adds these, in place of those of the same key; all or none. Errors kInvalidArgument (a tag out
  /// of its limits, more than 50 with those that are there), kBusy, kDeleted, kNoSpace.
  Result<void> set_tags(const Tags& tags);
  /// Removes those of these keys, and knows nothing of keys that are not there. As set_tags().
  Result<void> remove_tags(std::span<const std::string> keys);

  [[nodiscard]] Result<StreamStats> stats();
  /// Error kInvalidArgument: a memory-only stream has no log.
  Result<LogWriter> writer(const LogWriterOptions& options = {});
  /// Goes on with logs that have failed (kLogFailed), once the disk is in order again; tells what
  /// became of each, none if none had failed. Everything that was acknowledged must be there, as
  /// the disk itself has it: kDamaged, and the log stays as it is, if it is not. Puts that were
  /// answered with kLogFailed are there, unless their shared memory was lost.
  /// Errors kInvalidArgument (memory only), kBusy, kLogFailed (it fails again), kDamaged, kNoSpace,
  /// kSystem.
  Result<std::vector<RecoveredLog>> recover_logs();

 private:
  friend class Bus;
  explicit Stream(std::shared_ptr<detail::StreamCore> core) noexcept;
  std::shared_ptr<detail::StreamCore> core_;
};

}  // namespace ringpost
