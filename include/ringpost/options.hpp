// Options and settings: unit, default, limits, and what raising them costs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/clock.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

using namespace std::chrono_literals;

/// How a blocked call passes its time.
enum class Waiting : std::uint8_t {
  kAdaptive,  ///< spin a little (default), then sleep: right nearly always
  kSpin,      ///< never sleep: lowest latency, one core per waiter
  kPark,      ///< sleep at once: for many processes on few cores
};

struct BusOptions {
  /// Create the bus when it does not exist. One of which the disk has durable queues or streams
  /// does: its shared memory is made anew also with false.
  bool create = true;
  std::uint32_t participants_max = 512;  ///< at creation; 2 to 16,383; 1.2 KiB of memory each
  std::uint32_t mode = 0700;             ///< of the bus directory at creation: 0700, 0750 or 0770
  std::uint64_t arena_bytes_max = 1ull << 30;  ///< at creation; payloads that do not fit a slot
  std::string shm_dir{};  ///< default: $RINGPOST_SHM_DIR, else /dev/shm/ringpost
  /// Of streams and queues that are on disk. Default: $RINGPOST_STATE_DIR, else /var/lib/ringpost
  /// for root, else $XDG_STATE_HOME/ringpost or ~/.local/state/ringpost.
  std::string state_dir{};
  const Clock* clock = nullptr;  ///< default: the system's; must outlive the bus
};

/// What a put into a stream, or a send to a queue, waits for before it returns.
enum class Durability : std::uint8_t {
  kMemory,   ///< shared memory: survives the death of any process; the log, if any, gets it soon
  kDurable,  ///< the flush that covers it: survives the loss of power
};

/// FIFO: which sends are refused as duplicates of an earlier one.
enum class Dedup : std::uint8_t {
  kOff,        ///< none (default)
  kById,       ///< with an id that was accepted within the window; each send gives one
  kByContent,  ///< the same; a send without an id has the SHA-256 of its body as id
};
enum class DedupScope : std::uint8_t { kQueue, kGroup };  ///< within which an id is unique

/// What becomes of a message that is received again and again and never acknowledged: at the
/// receive after `max_receive_count` of them it moves to another queue of the bus instead.
struct RedrivePolicy {
  std::string dead_letter_queue{};       ///< must exist and be of the same kind; empty: none
  std::uint32_t max_receive_count = 10;  ///< 1 to 1,000
  friend bool operator==(const RedrivePolicy&, const RedrivePolicy&) = default;
};

/// Whose dead-letter queue a queue may be. Looked at when a queue's `redrive` is set.
struct RedriveAllow {
  enum class Permission : std::uint8_t { kAllowAll, kDenyAll, kByQueue };
  Permission permission = Permission::kAllowAll;
  std::vector<std::string> sources{};  ///< kByQueue: 1 to 10 names of queues
  friend bool operator==(const RedriveAllow&, const RedriveAllow&) = default;
};

/// Settings of a queue. At creation an absent one takes its default; opening an existing queue
/// compares only those that are given. The first group may be changed while the queue is in use.
struct QueueSettings {
  std::optional<Duration> visibility_timeout{};  ///< 30 s; 0 to 12 h
  std::optional<Duration> delay{};               ///< 0; 0 to 15 min; of messages sent from now on
  std::optional<Duration> retention{};           ///< 4 days; 60 s to 14 days
  std::optional<Duration> receive_wait{};        ///< 0; 0 to 20 s (longer in a call)
  std::optional<std::uint64_t> message_bytes_max{};  ///< 256 KiB; 1 KiB to 64 MiB
  std::optional<std::uint32_t> in_flight_max{};      ///< 120,000; 1 to 10,000,000
  std::optional<RedrivePolicy> redrive{};            ///< none: messages are tried until they expire
  std::optional<RedriveAllow> redrive_allow{};       ///< all

  std::optional<std::uint32_t> slots{};  ///< 1,024; first ring, power of two, 64 to 4,194,304
  std::optional<std::uint32_t> inline_bytes{};  ///< 104; payload kept in the slot, 40 to 4,072
  std::optional<std::uint64_t> bytes_max{};     ///< 64 MiB; rings of the queue, not the arena
  std::optional<bool> fixed{};                  ///< false; true: never grow beyond the first ring
  /// false; true: groups of messages, each strictly in order. Always of a fixed size (slots:
  /// 16,384, inline_bytes: 128).
  std::optional<bool> fifo{};
  /// false; true: the group id of a message names a tenant, and messages of quiet tenants are
  /// received before those of noisy ones. Always of a fixed size, as fifo.
  std::optional<bool> fair{};
  /// FIFO: off. At creation off, or on and how; a queue that has it on may change between id and
  /// content, and the window, in use.
  std::optional<Dedup> dedup{};
  std::optional<Duration> dedup_window{};        ///< 5 min; 1 s to 24 h, from the first send
  std::optional<std::uint32_t> dedup_entries{};  ///< 65,536, to 2^24; ids in a window; 102 B each
  std::optional<DedupScope> dedup_scope{};       ///< queue; fixed at creation
  /// kMemory; kDurable: messages are on disk before their send returns, and are there again after
  /// the loss of shared memory (a reboot). Not fair queues; message_bytes_max up to 1 MiB.
  std::optional<Durability> durability{};
  /// 16 MiB; 64 KiB to 1 GiB, multiple of 4 KiB, four of the largest messages. Files of its log.
  std::optional<std::uint64_t> log_segment_bytes{};
};

/// Labels of a queue, for people and for bookkeeping: nothing here depends on them. Up to 50; keys
/// of 1 to 128 characters, values of up to 256, UTF-8 without control characters.
using Tags = std::map<std::string, std::string>;

struct SendOptions {
  std::optional<Duration> delay{};  ///< default: the queue's; 0 to 15 min
  AttributeList attributes{};
  /// FIFO: 1 to 128 letters, digits, punctuation; fair queues: the same, or empty; others: empty.
  std::string_view group{};
  std::string_view dedup_id{};       ///< FIFO: 1 to 128 letters, digits, punctuation
  Duration wait = Duration::zero();  ///< how long to wait while the queue is full; 0: kFull at once
};

struct ReceiveOptions {
  std::uint32_t max_messages = 1;                ///< 1 to Leases::kCapacity
  std::optional<Duration> wait{};                ///< default: the queue's receive_wait
  std::optional<Duration> visibility_timeout{};  ///< default: the queue's; 0 to 12 h
  /// FIFO: 1 to 128 letters, digits, punctuation; others ignore it. A receive with an id that was
  /// used within 5 minutes gives the same messages again, at most 10: see Queue::receive().
  std::string_view attempt_id{};
};

}  // namespace ringpost
