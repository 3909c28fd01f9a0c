// What the log of a durable queue says, record by record. A message is known by the id that its
// slot gives it, which never comes again.
//
//   kSend       a message; before it can be received. Once more when the segment that has it is to
//               go: with the number of that relocation.
//   kBacklogGone
//               what went to the log alone and stands below a position is gone, or came to nothing
//   kRelocated  what has this number counts from here on; without it it does not
//   kDelete     it is gone: acknowledged, purged, expired, moved. Whoever dies before he has
//               written it makes it come back after the loss of shared memory. Of a message that
//               came from the log into a slot: the id that it had there, for others may have
//               written it for slots of theirs (queue/queue_overflow.cpp).
//   kReceived   how often it was received, from the second time on
//   kSnapshot…  all there is, under new ids, between begin and end: what stands before it counts
//               no more. Without its end it does not count itself.
// and of a FIFO queue, whose messages come back to their own positions and need no snapshot:
//   kVoid       never was a message: consumers went past the position, or its sender died. Before
//               another message is sent with its deduplication id.
//   kKnownId    a deduplication id that is known although the record of its message goes; once
//               more with time 0: it is not known any more
//   kForgotten  ids of messages before this position are not known any more: a purge
//   kPositions  what was given away lies before this position
//
// Records are those of the log (log/record.hpp) without a key; little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dedup/layout.hpp"
#include "log/record.hpp"
#include "ringpost/types.hpp"

namespace ringpost::durable {

enum class Kind : std::uint8_t {
  kSend = 16,
  kDelete = 17,
  kReceived = 18,
  kSnapshotBegin = 19,
  kSnapshotEnd = 20,
  kRelocated = 21,
  kVoid = 22,
  kBacklogGone = 23,
  kKnownId = 24,
  kForgotten = 25,
  kPositions = 26,
};

/// One message, as kSend has it.
struct Message {
  MessageId id{};                 ///< of its slot
  std::uint32_t ring_number = 0;  ///< of the slot's ring in the queue's chain: orders ids by age
  std::uint64_t relocation = 0;   ///< number; 0: where it was sent
  /// It is in the log alone, until it comes into a slot: its id is that of the journal, and the
  /// position of this very record.
  bool is_overflow = false;
  std::uint64_t replaces = 0;  ///< position of that record, of one that came into a slot; 0: none
  std::int64_t sent_ns = 0;    ///< Unix time
  std::int64_t due_ns = 0;     ///< Unix time; 0: not delayed
  std::uint32_t receives = 0;  ///< in this queue
  // If it has another id than its slot's, because it came from another queue or was recovered.
  bool has_history = false;
  MessageId original{};
  std::uint64_t source = 0;           ///< queue that it was moved from; 0: none
  std::int64_t original_sent_ns = 0;  ///< FIFO, likewise: sent_ns is when it came here
  std::uint32_t received_before = 0;  ///< in other queues
  std::uint32_t body_bytes = 0;
  std::uint32_t attribute_bytes = 0;
  std::uint32_t group_bytes = 0;
  std::uint32_t dedup_id_bytes = 0;
  // FIFO
  bool renamed = false;          ///< its deduplication id is `original`
  bool undelayed = false;        ///< the queue's delay is not for it
  std::int64_t id_until_ns = 0;  ///< its deduplication id is known so long; 0: not by this message
  ByteSpan content{};            ///< body, attributes, group, id

  [[nodiscard]] std::uint64_t content_bytes() const noexcept {
    return std::uint64_t{body_bytes} + attribute_bytes + group_bytes + dedup_id_bytes;
  }
  /// What kDelete and kReceived call it.
  [[nodiscard]] const MessageId& name() const noexcept { return replaces != 0 ? original : id; }
};

/// A deduplication id of a FIFO queue, and the message that was accepted with it.
struct KnownId {
  dedup::Key key{};
  MessageId id{};
  std::int64_t until_ns = 0;     ///< Unix time; 0: it is not known any more
  std::uint64_t relocation = 0;  ///< number: it counts from kRelocated on
};

struct Received {
  MessageId id{};
  std::uint32_t count = 0;
};

/// Where a record lies, and when it was written (Unix time).
struct Stamp {
  std::uint64_t position = 0;
  std::int64_t arrival_ns = 0;
};

struct Mark {
  std::uint64_t number = 0;  ///< of a snapshot or relocation
  std::uint64_t floor = 0;   ///< overflow below it is gone, or came into slots
};

inline constexpr std::size_t kSendHeadBytes = 120;
inline constexpr std::size_t kDeleteBytes = sizeof(log::RecordHeader) + 16;
inline constexpr std::size_t kReceivedBytes = sizeof(log::RecordHeader) + 24;
inline constexpr std::size_t kMarkBytes = sizeof(log::RecordHeader) + sizeof(Mark);
inline constexpr std::size_t kKnownIdBytes = sizeof(log::RecordHeader) + 48;
[[nodiscard]] constexpr std::size_t send_bytes(std::size_t content_bytes) noexcept {
  return sizeof(log::RecordHeader) + kSendHeadBytes + content_bytes;
}

// `into` has exactly as many bytes as the record.
/// Returns where the content goes, as many bytes as the message says; it is there if the message
/// has it.
std::byte* write_send(const Message& message, const Stamp& stamp,
                      std::span<std::byte> into) noexcept;
void write_delete(const MessageId& id, const Stamp& stamp, std::span<std::byte> into) noexcept;
/// Of as many bytes as kDelete.
void write_void(const MessageId& id, const Stamp& stamp, std::span<std::byte> into) noexcept;
void write_known_id(const KnownId& known, const Stamp& stamp, std::span<std::byte> into) noexcept;
void write_received(const Received& what, const Stamp& stamp, std::span<std::byte> into) noexcept;
/// Begin or end of a snapshot, the end of a relocation, kBacklogGone, kForgotten, kPositions (a
/// position as its number).
void write_mark(Kind kind, const Mark& mark, const Stamp& stamp,
                std::span<std::byte> into) noexcept;

/// Nothing: not such a record. `content` refers to the record's bytes.
[[nodiscard]] std::optional<Message> read_send(const log::RecordView& record) noexcept;
[[nodiscard]] std::optional<MessageId> read_delete(const log::RecordView& record) noexcept;
[[nodiscard]] std::optional<MessageId> read_void(const log::RecordView& record) noexcept;
[[nodiscard]] std::optional<KnownId> read_known_id(const log::RecordView& record) noexcept;
[[nodiscard]] std::optional<Received> read_received(const log::RecordView& record) noexcept;
/// The number of a snapshot or relocation, or a position.
[[nodiscard]] std::optional<Mark> read_mark(const log::RecordView& record) noexcept;
/// For people; of a record that no queue writes nothing.
[[nodiscard]] std::string text_of(const log::RecordView& record);
[[nodiscard]] inline Kind kind_of(const log::RecordView& record) noexcept {
  return static_cast<Kind>(record.header.kind);
}

}  // namespace ringpost::durable
