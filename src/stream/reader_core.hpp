// Reads one shard from a position on: out of its ring, or out of its log where the ring has gone
// round.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "stream/stream_core.hpp"

namespace ringpost::detail {

/// Threads   one at a time, that of the stream.
/// Blocking  next(): never for anybody; the disk while it reads the log.
class ShardReaderCore {
 public:
  /// `keep` is what keeps `stream` alive, or null where that outlives the reader.
  ShardReaderCore(StreamCore& stream, std::shared_ptr<StreamCore> keep, StreamCore::Shard& shard,
                  std::uint32_t number, std::uint64_t position, Follow follow) noexcept
      : stream_(stream), keep_(std::move(keep)), shard_(shard), number_(number), follow_(follow) {
    move_to(position, follow);
  }

  /// As a new reader.
  void move_to(std::uint64_t position, Follow follow) noexcept;
  Result<StreamRecord, Errc> next() noexcept { return next(true); }
  /// False: next() gives it again if it can still be had.
  [[nodiscard]] bool intact() noexcept;
  Result<Records> read(const ReadOptions& options);
  void skip() noexcept;
  static Errc wait_any(std::span<ShardReaderCore* const> readers, Duration wait) noexcept;

  [[nodiscard]] Follow follow() const noexcept { return follow_; }
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] SequenceNumber sequence() const noexcept {
    return stream_.number_at(number_, position_, last_arrival_ns_);
  }
  [[nodiscard]] Duration behind_latest() noexcept;
  [[nodiscard]] const std::optional<LostRange>& lost() const noexcept { return lost_; }
  [[nodiscard]] Result<std::vector<ShardInfo>> children() { return stream_.children_of(number_); }

 private:
  enum class Source : std::uint8_t { kRing, kLog };

  [[nodiscard]] StreamCore::Extent extent() const noexcept {
    return stream_.extent(number_, shard_);
  }
  Result<StreamRecord, Errc> next(bool in_place) noexcept;
  Result<StreamRecord, Errc> next_in_ring();
  Result<StreamRecord, Errc> next_in_log();
  Errc lapped_in_ring();
  [[nodiscard, gnu::cold, gnu::noinline]] bool has_cleared_up(std::uint64_t position) noexcept;
  Errc lost(std::uint64_t from, std::uint64_t to);
  Errc open_log();
  [[nodiscard]] bool is_past_retention(std::int64_t arrival_ns) const noexcept {
    return arrival_ns <= stream_.horizon_ns();
  }
  StreamRecord give(const log::RecordHeader& header, ByteSpan bytes) noexcept;
  /// kEmpty: nothing to be had now.
  [[nodiscard]] Errc look_ahead(bool help) noexcept;
  [[nodiscard]] shm::WaitWord* wait_word() noexcept;
  /// What was given last was not wanted yet.
  void put_back(const StreamRecord& record) noexcept;
  [[nodiscard]] bool copy(const StreamRecord& record, Records& into, std::size_t& room);

  StreamCore& stream_;
  std::shared_ptr<StreamCore> keep_;
  StreamCore::Shard& shard_;
  std::unique_ptr<disk::Directory> directory_;
  std::unique_ptr<log::Reader> log_;
  const std::uint32_t number_;
  Follow follow_;
  Source source_ = Source::kRing;
  std::uint64_t position_ = 0;       ///< of the next one, or before it
  std::uint64_t last_position_ = 0;  ///< of the one that was given
  std::int64_t last_arrival_ns_ = 0;
  bool last_in_ring_ = false;
  bool in_place_ = true;  ///< records of the log, until the next call
  /// A claim that was not published when I last looked, how often it was there, and when I began
  /// to wait for it.
  struct Obstacle {
    std::uint64_t position = ~std::uint64_t{0};
    std::uint32_t sights = 0;
    std::uint64_t since_ns = 0;
  };
  Obstacle obstacle_;
  std::optional<StreamRecord> put_back_;  ///< of the log: lies in memory of log_
  std::optional<LostRange> lost_;
};

}  // namespace ringpost::detail
