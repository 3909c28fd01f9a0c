// One entry of a history: what a process was about to do, or what came of it.
#pragma once

#include <compare>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "ringpost/errc.hpp"
#include "ringpost/types.hpp"

namespace ringpost::history {

/// A message, named by who sent it. Producers number theirs from 1 and never use a number twice.
struct MessageKey {
  std::uint32_t producer = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const MessageKey&, const MessageKey&) = default;
};

enum class Event : std::uint8_t {
  kNone,
  kInvoke,       ///< written before the call
  kReturn,       ///< written after it
  kDelivery,     ///< one message of a receive: between its invoke and its return
  kViewChanged,  ///< the bytes of a message in hand are no longer what they were
  kEnd,          ///< the process is about to detach in good order
  kKilled,       ///< by the parent: the process numbered `producer` is about to be killed
  kDead,         ///< by the parent: it is no more
  kStopped,      ///< by the parent, for people
  kContinued,    ///< by the parent, for people
};

enum class Action : std::uint8_t {
  kNone,
  kSend,
  kReceive,
  kAcknowledge,
  kRelease,
  kExtend,
  kPurge,
  kSet,
  kLook,  ///< peek and stats
  kSweep,
};

enum Flag : std::uint32_t {
  kBodyDamaged = 1,  ///< the bytes are not those that any producer wrote
  kByReceipt = 2,    ///< settled by receipt and not through the lease object
  kBatch = 4,
  kLoaned = 8,
};

/// Written by the process of the log alone; `check` last, so that a record cut off by SIGKILL is
/// recognised. The parent reads the log when the process has ended. Which field means what:
///
///   event      action    producer, number    count             duration_ns   other
///   kInvoke    kSend     first message       messages          delay         group
///   kReturn    kSend     first message       accepted          -             id of a single one
///   kInvoke    kReceive  -                   max_messages      timeout
///   kDelivery  kReceive  the message         place in batch    timeout       receipt, id, group
///   kReturn    kReceive  -                   messages          -
///   kInvoke    settling  the message         -                 delay or end  receipt
///   kReturn    kPurge    number: removed     -                 -
///   kReturn    kSweep    number: claims      dead              leases
struct Record {
  std::uint64_t check = 0;
  std::uint64_t ticket = 0;   ///< place in the order of all events of all processes
  std::uint64_t time_ns = 0;  ///< on the clock that the bus uses
  std::uint32_t process = 0;
  std::uint32_t operation = 0;  ///< number of the call in its process
  Event event = Event::kNone;
  Action action = Action::kNone;
  std::int16_t result = 0;  ///< an Errc
  std::uint32_t flags = 0;
  std::uint32_t producer = 0;
  std::uint32_t count = 0;
  std::uint64_t number = 0;
  std::uint64_t duration_ns = 0;
  std::uint64_t receipt_queue = 0;
  std::uint32_t receipt_ring = 0;
  std::uint32_t receipt_slot = 0;
  std::uint64_t receipt_lap = 0;
  std::uint32_t receive_count = 0;
  std::uint32_t group = 0;  ///< number of the message group; 0: none, a standard queue
  std::uint64_t id_ring = 0;
  std::uint64_t id_position = 0;
  std::uint64_t spare[2] = {};

  [[nodiscard]] MessageKey key() const noexcept { return {producer, number}; }
  [[nodiscard]] MessageId id() const noexcept { return {id_ring, id_position}; }
  [[nodiscard]] Receipt receipt() const noexcept {
    return {receipt_queue, receipt_ring, receipt_slot, receipt_lap, receive_count};
  }
  void set_key(MessageKey key) noexcept {
    producer = key.producer;
    number = key.number;
  }
  void set_id(MessageId id) noexcept {
    id_ring = id.ring;
    id_position = id.position;
  }
  void set_receipt(const Receipt& receipt) noexcept {
    receipt_queue = receipt.queue;
    receipt_ring = receipt.ring;
    receipt_slot = receipt.slot;
    receipt_lap = receipt.lap;
    receive_count = receipt.receive_count;
  }
};
static_assert(sizeof(Record) == 128, "32 records fill a page, none lies across two");
static_assert(std::has_unique_object_representations_v<Record>, "no padding: check covers all");

/// What `check` must be: a mix of every other byte, never 0.
[[nodiscard]] std::uint64_t check_of(const Record& record) noexcept;

/// The readable records of one process, oldest first.
struct Log {
  std::uint32_t process = 0;
  std::vector<Record> records;
  bool torn = false;     ///< the last record was cut off: it says nothing and is left out
  bool damaged = false;  ///< a readable record follows an unreadable one: the log is no evidence
};

}  // namespace ringpost::history
