// The durable stream of the ordered phase: everything that is published is also in it. The process
// that writes its log is killed in the middle; at the end it is replayed and compared with the
// file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/bus.hpp"
#include "ringpost/stream.hpp"

namespace ringpost::market_feed {

/// The log writer was killed while the feed published; whoever waited for the disk wrote instead.
struct WriterKillReport {
  std::uint64_t published = 0;       ///< bytes of the log's positions, when it died
  std::uint64_t durable = 0;         ///< of these, safe on disk by then
  std::uint64_t durable_before = 0;  ///< a new writer was there
  bool over = false;
};

/// What the stream gave when it was read.
struct Replayed {
  std::uint32_t expected = 0;  ///< lines of the file
  std::uint32_t records = 0;
  std::uint32_t changed = 0;  ///< records that are not, byte for byte, the line in their place
  double seconds = 0;
  std::uint64_t bytes = 0;
  [[nodiscard]] bool exact() const noexcept {
    return expected != 0 && records == expected && changed == 0;
  }
};

struct HistoryReport {
  Replayed from_beginning;
  Replayed by_time;             ///< from the arrival of a line in the middle on
  std::uint32_t from_line = 0;  ///< of by_time
  std::uint64_t log_bytes = 0;
  std::uint64_t segments = 0;
  std::string failure;  ///< why it could not be read; empty: it could
};

/// A directory of its own for what the demo writes to disk, unless $RINGPOST_STATE_DIR is set; gone
/// at the end.
class TemporaryState {
 public:
  explicit TemporaryState(bool keep);
  TemporaryState(const TemporaryState&) = delete;
  TemporaryState& operator=(const TemporaryState&) = delete;
  ~TemporaryState();
  /// Of runs that were killed before they could do it.
  static void remove_abandoned();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  bool own_ = false;
};

/// The orchestrator's side.
class History {
 public:
  /// Makes the stream: one shard, so that there is one order.
  explicit History(Bus& bus);
  /// Positions as bytes.
  [[nodiscard]] std::uint64_t published();
  [[nodiscard]] std::uint64_t durable();
  /// After the phase.
  [[nodiscard]] HistoryReport replay(std::span<const std::string_view> lines);

 private:
  [[nodiscard]] ShardStats look();
  void read(const From& from, std::span<const std::string_view> lines, Replayed& into,
            std::vector<WallTime>* arrivals);
  Stream stream_;
};

/// The feed's side. A feed that goes on for a killed one first looks what the stream has.
class Historian {
 public:
  explicit Historian(Bus& bus);
  /// Puts the line unless it is there. What was put is safe on disk some lines later.
  [[nodiscard]] Errc note(std::uint32_t number, std::string_view line);
  /// Until all of it is safe.
  [[nodiscard]] Errc settle();

 private:
  Stream stream_;
  std::uint32_t lines_ = 0;  ///< that the stream has
  Put last_;
};

}  // namespace ringpost::market_feed
