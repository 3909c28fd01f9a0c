#include "durable/record.hpp"

#include <algorithm>
#include <cstring>

namespace ringpost::durable {
namespace {

constexpr std::uint32_t kHasHistory = 1;
constexpr std::uint32_t kRenamed = 2;
constexpr std::uint32_t kUndelayed = 4;
constexpr std::uint32_t kIsOverflow = 8;

struct SendHead {
  std::uint64_t ring;
  std::uint64_t position;
  std::int64_t sent_ns;
  std::int64_t due_ns;
  std::uint64_t original_ring;
  std::uint64_t original_position;
  std::uint64_t source;
  std::uint32_t ring_number;
  std::uint32_t flags;
  std::uint32_t receives;
  std::uint32_t received_before;
  std::uint32_t body_bytes;
  std::uint32_t attribute_bytes;
  std::uint64_t relocation;
  std::uint32_t group_bytes;
  std::uint32_t dedup_id_bytes;
  std::int64_t id_until_ns;
  std::int64_t original_sent_ns;
  std::uint64_t replaces;
};
static_assert(sizeof(SendHead) == kSendHeadBytes);

struct KnownIdData {
  std::uint64_t key_low;
  std::uint64_t key_high;
  std::uint64_t ring;
  std::uint64_t position;
  std::int64_t until_ns;
  std::uint64_t relocation;
};
static_assert(sizeof(log::RecordHeader) + sizeof(KnownIdData) == kKnownIdBytes);

struct ReceivedData {
  std::uint64_t ring;
  std::uint64_t position;
  std::uint32_t count;
  std::uint32_t reserved;
};
static_assert(sizeof(log::RecordHeader) + sizeof(ReceivedData) == kReceivedBytes);
static_assert(sizeof(log::RecordHeader) + sizeof(MessageId) == kDeleteBytes);

/// Returns where its data go.
std::byte* write_header(Kind kind, const Stamp& stamp, std::span<std::byte> into) noexcept {
  log::RecordHeader header{};
  header.bytes = static_cast<std::uint32_t>(into.size());
  header.position = stamp.position;
  header.arrival_ns = stamp.arrival_ns;
  header.data_bytes = static_cast<std::uint32_t>(into.size() - sizeof header);
  header.kind = static_cast<log::RecordKind>(kind);
  std::memcpy(into.data(), &header, sizeof header);
  return into.data() + sizeof header;
}

template <class Data>
std::optional<Data> read_data(const log::RecordView& record) noexcept {
  Data data{};
  if (record.data().size() != sizeof data) return std::nullopt;
  std::memcpy(&data, record.data().data(), sizeof data);
  return data;
}

}  // namespace

std::byte* write_send(const Message& message, const Stamp& stamp,
                      std::span<std::byte> into) noexcept {
  std::byte* const data = write_header(Kind::kSend, stamp, into);
  const SendHead head{message.id.ring,
                      message.id.position,
                      message.sent_ns,
                      message.due_ns,
                      message.original.ring,
                      message.original.position,
                      message.source,
                      message.ring_number,
                      (message.has_history ? kHasHistory : 0) | (message.renamed ? kRenamed : 0) |
                          (message.undelayed ? kUndelayed : 0) |
                          (message.is_overflow ? kIsOverflow : 0),
                      message.receives,
                      message.received_before,
                      message.body_bytes,
                      message.attribute_bytes,
                      message.relocation,
                      message.group_bytes,
                      message.dedup_id_bytes,
                      message.id_until_ns,
                      message.original_sent_ns,
                      message.replaces};
  std::memcpy(data, &head, sizeof head);
  // Its lengths may have been read once more from shared memory: no further than the record.
  const ByteSpan content =
      message.content.first(std::min(message.content.size(), into.size() - send_bytes(0)));
  if (!content.empty()) std::memcpy(data + sizeof head, content.data(), content.size());
  return data + sizeof head;
}

void write_delete(const MessageId& id, const Stamp& stamp, std::span<std::byte> into) noexcept {
  std::byte* const data = write_header(Kind::kDelete, stamp, into);
  std::memcpy(data, &id, sizeof id);
}

void write_void(const MessageId& id, const Stamp& stamp, std::span<std::byte> into) noexcept {
  std::byte* const data = write_header(Kind::kVoid, stamp, into);
  std::memcpy(data, &id, sizeof id);
}

void write_known_id(const KnownId& known, const Stamp& stamp, std::span<std::byte> into) noexcept {
  std::byte* const data = write_header(Kind::kKnownId, stamp, into);
  const KnownIdData words{known.key.low,     known.key.high, known.id.ring,
                          known.id.position, known.until_ns, known.relocation};
  std::memcpy(data, &words, sizeof words);
}

void write_received(const Received& what, const Stamp& stamp, std::span<std::byte> into) noexcept {
  std::byte* const data = write_header(Kind::kReceived, stamp, into);
  const ReceivedData words{what.id.ring, what.id.position, what.count, 0};
  std::memcpy(data, &words, sizeof words);
}

void write_mark(Kind kind, const Mark& mark, const Stamp& stamp,
                std::span<std::byte> into) noexcept {
  std::byte* const data = write_header(kind, stamp, into);
  std::memcpy(data, &mark, sizeof mark);
}

std::optional<Message> read_send(const log::RecordView& record) noexcept {
  SendHead head{};
  if (kind_of(record) != Kind::kSend || record.data().size() < sizeof head) return std::nullopt;
  std::memcpy(&head, record.data().data(), sizeof head);
  const ByteSpan content = record.data().subspan(sizeof head);
  const Message message{.id = {head.ring, head.position},
                        .ring_number = head.ring_number,
                        .relocation = head.relocation,
                        .is_overflow = (head.flags & kIsOverflow) != 0,
                        .replaces = head.replaces,
                        .sent_ns = head.sent_ns,
                        .due_ns = head.due_ns,
                        .receives = head.receives,
                        .has_history = (head.flags & kHasHistory) != 0,
                        .original = {head.original_ring, head.original_position},
                        .source = head.source,
                        .original_sent_ns = head.original_sent_ns,
                        .received_before = head.received_before,
                        .body_bytes = head.body_bytes,
                        .attribute_bytes = head.attribute_bytes,
                        .group_bytes = head.group_bytes,
                        .dedup_id_bytes = head.dedup_id_bytes,
                        .renamed = (head.flags & kRenamed) != 0,
                        .undelayed = (head.flags & kUndelayed) != 0,
                        .id_until_ns = head.id_until_ns,
                        .content = content};
  return message.content_bytes() == content.size() ? std::optional(message) : std::nullopt;
}

std::optional<MessageId> read_delete(const log::RecordView& record) noexcept {
  if (kind_of(record) != Kind::kDelete) return std::nullopt;
  return read_data<MessageId>(record);
}

std::optional<MessageId> read_void(const log::RecordView& record) noexcept {
  if (kind_of(record) != Kind::kVoid) return std::nullopt;
  return read_data<MessageId>(record);
}

std::optional<KnownId> read_known_id(const log::RecordView& record) noexcept {
  if (kind_of(record) != Kind::kKnownId) return std::nullopt;
  const auto words = read_data<KnownIdData>(record);
  if (!words) return std::nullopt;
  return KnownId{{words->key_low, words->key_high},
                 {words->ring, words->position},
                 words->until_ns,
                 words->relocation};
}

std::optional<Received> read_received(const log::RecordView& record) noexcept {
  if (kind_of(record) != Kind::kReceived) return std::nullopt;
  const auto words = read_data<ReceivedData>(record);
  if (!words) return std::nullopt;
  return Received{{words->ring, words->position}, words->count};
}

std::optional<Mark> read_mark(const log::RecordView& record) noexcept {
  switch (kind_of(record)) {
    case Kind::kSnapshotBegin:
    case Kind::kSnapshotEnd:
    case Kind::kRelocated:
    case Kind::kForgotten:
    case Kind::kPositions:
    case Kind::kBacklogGone:
      return read_data<Mark>(record);
    default:
      return std::nullopt;
  }
}

std::string text_of(const log::RecordView& record) {
  const auto id_text = [](const MessageId& id) {
    return std::to_string(id.ring) + "-" + std::to_string(id.position);
  };
  if (const auto message = read_send(record)) {
    const std::string what = message->relocation != 0 ? "relocated "
                             : message->is_overflow   ? "send beyond memory "
                                                      : "send ";
    return what + id_text(message->id);
  }
  if (const auto id = read_delete(record)) return "gone " + id_text(*id);
  if (const auto id = read_void(record)) return "void " + id_text(*id);
  if (const auto known = read_known_id(record)) {
    return (known->until_ns != 0 ? "known id of " : "forgotten id of ") + id_text(known->id);
  }
  if (const auto received = read_received(record)) {
    return "received " + id_text(received->id) + ", " + std::to_string(received->count) + " times";
  }
  if (const auto mark = read_mark(record)) {
    const Kind kind = kind_of(record);
    const std::string what = kind == Kind::kSnapshotBegin ? "begin of snapshot "
                             : kind == Kind::kSnapshotEnd ? "end of snapshot "
                             : kind == Kind::kForgotten   ? "forgotten ids before "
                             : kind == Kind::kPositions   ? "positions before "
                             : kind == Kind::kRelocated   ? "end of relocation "
                                                          : "backlog gone below ";
    return what + std::to_string(kind == Kind::kBacklogGone ? mark->floor : mark->number);
  }
  return {};
}

}  // namespace ringpost::durable
