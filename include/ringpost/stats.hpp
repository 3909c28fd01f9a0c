// What a queue has done and what is in it, as a reader of shared memory sees it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/types.hpp"

namespace ringpost {

/// Latencies in logarithmic buckets, eight to an octave: a value is exact within 9 %.
class RINGPOST_API Histogram {
 public:
  static constexpr std::size_t kBuckets = 320;  // up to 2^40 ns, 18 minutes

  void record(std::uint64_t ns, std::uint64_t times = 1) noexcept;
  void merge(const Histogram& other) noexcept;
  void subtract(const Histogram& earlier) noexcept;  ///< what came since `earlier`
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] std::uint64_t percentile(double percent) const noexcept;  ///< 0 when empty
  [[nodiscard]] std::uint64_t max() const noexcept { return percentile(100.0); }
  [[nodiscard]] double share_over(std::uint64_t ns) const noexcept;  ///< 0 to 1

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t ns) noexcept;
  [[nodiscard]] static std::uint64_t upper_bound(std::size_t bucket) noexcept;
  [[nodiscard]] std::uint64_t& operator[](std::size_t bucket) noexcept { return counts_[bucket]; }
  [[nodiscard]] std::uint64_t operator[](std::size_t bucket) const noexcept {
    return counts_[bucket];
  }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
};

struct QueueStats {
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received = 0;     ///< leases given, redeliveries included
  std::uint64_t redelivered = 0;  ///< leases with a receive count above 1
  std::uint64_t acknowledged = 0;
  std::uint64_t released = 0;  ///< given back by their holder
  std::uint64_t expired = 0;   ///< leases that ended by timeout or by their holder's death
  std::uint64_t dropped_by_retention = 0;
  std::uint64_t purged = 0;
  std::uint64_t refused_full = 0;   ///< sends that ended with kFull
  std::uint64_t duplicates = 0;     ///< FIFO: sends that were duplicates
  std::uint64_t dead_lettered = 0;  ///< moved to the dead-letter queue
  /// Times that a message should have moved there, but the dead-letter queue is full or does not
  /// exist: it stays here, invisible, and is tried again after a second.
  std::uint64_t dead_letters_refused = 0;
  std::uint64_t moved_in = 0;  ///< from other queues: dead letters, redriven messages

  std::uint64_t visible = 0;    ///< now
  std::uint64_t in_flight = 0;  ///< now
  std::uint64_t delayed = 0;    ///< now
  /// Durable: now, on disk alone, since memory is full; not counted in the others. About, once
  /// somebody has died.
  std::uint64_t beyond_memory = 0;
  Duration oldest_age{};    ///< of the oldest message that is not gone; 0 when none is
  std::uint64_t slots = 0;  ///< of all rings
  std::uint64_t rings = 0;
  std::uint64_t memory_bytes = 0;  ///< header, rings and journal, without the arena
  std::uint64_t log_bytes = 0;     ///< durable: of the files of its log
  std::uint64_t log_written = 0;   ///< durable: positions of its log below it are on disk

  /// Send → first receive, of a sample of the messages (of all when they come slowly).
  Histogram latency;
};

enum class MessageState : std::uint8_t { kVisible, kInFlight, kDelayed };

struct PeekedMessage {
  MessageId id;
  MessageState state = MessageState::kVisible;
  std::uint64_t position = 0;  ///< in its ring, counted for ever
  std::uint32_t ring = 0;
  std::uint32_t receive_count = 0;
  Duration age{};     ///< since the send
  Duration due_in{};  ///< until the lease or delay ends; 0 when visible
  std::string group;  ///< FIFO
  std::string body;
  std::string encoded_attributes;  ///< read through AttributeView
  std::string dead_letter_source;  ///< as Lease::dead_letter_source()
};

}  // namespace ringpost
