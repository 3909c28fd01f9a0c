// What a durable queue has in it, told from its log; its content stays there, and is read again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "durable/fifo_replay.hpp"
#include "durable/record.hpp"
#include "log/reader.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::durable {

/// A message that is left, and the record that has it.
struct Left {
  MessageId id{};
  std::uint64_t record = 0;       ///< position in the log
  std::uint32_t bytes = 0;        ///< of its content
  std::uint32_t ring_number = 0;  ///< as Message has it
  std::uint32_t receives = 0;     ///< as far as any record says
};

inline constexpr std::size_t kReadAgainBytes = 1u << 20;
/// Reads them again, and gives each to `take` in the order given; content is valid within that
/// call. Ends with the first error of `take`, or kDamaged, kSystem, … of the log, which must not
/// change below those records. What it holds: kReadAgainBytes of content, or one message.
[[nodiscard]] Errc read_again(log::Reader& log, std::span<const Left> messages,
                              const std::function<Errc(const Message&)>& take);

/// Takes the records of a log from its first one on, then gives the messages that are left. Records
/// that are missing at the front, which reclaim has dropped, are not missed.
///
/// Memory  some words for each message that is left, and was in a ring: as many as rings had room
///         for. None for what waits in the log alone. Of a FIFO queue also an id for each that is
///         gone, of which a log has as many again.
class Replay {
 public:
  /// Errors kDamaged (no queue writes such a record), kNewerFormat (of a kind that is not known).
  [[nodiscard]] Errc add(const log::RecordView& record);

  /// In the order in which they were sent. Afterwards it is empty.
  [[nodiscard]] std::vector<Left> finish();
  /// Messages and ids that it holds now.
  [[nodiscard]] std::size_t held() const noexcept;
  /// What went to the log alone and did not come into a slot: all such records from `from` on.
  struct Backlog {
    std::uint64_t from = 0;
    std::uint64_t count = 0;  ///< about; 0: there is none
  };
  [[nodiscard]] Backlog backlog() const noexcept;

  /// Of a FIFO queue, before the first record: its deduplication ids, too.
  void keep_ids(const IdRules& rules) { fifo_.emplace(rules); }
  [[nodiscard]] FifoReplay* fifo() noexcept { return fifo_ ? &*fifo_ : nullptr; }

 private:
  using Messages = std::unordered_map<MessageId, Left, HashId>;  ///< by Message::name()
  /// Of the whole log, or of a snapshot whose end was not seen yet.
  struct State {
    Messages messages;
    std::unordered_set<MessageId, HashId> gone;             ///< FIFO
    std::unordered_map<std::uint64_t, Messages> relocated;  ///< by number; without an end so far
    [[nodiscard]] std::size_t held() const noexcept;
  };

  Errc add_send(const Message& message, std::uint64_t record);
  void add_delete(const MessageId& id);
  void add_received(const Received& received);
  void end_relocation(std::uint64_t number);
  void raise_floor(std::uint64_t floor) noexcept { floor_ = floor > floor_ ? floor : floor_; }
  void begin_snapshot(const Mark& mark);
  void end_snapshot(std::uint64_t number);
  [[nodiscard]] State& state() noexcept { return in_snapshot_ ? snapshot_ : whole_; }

  State whole_;
  State snapshot_;
  bool in_snapshot_ = false;
  std::uint64_t snapshot_number_ = 0;
  std::optional<FifoReplay> fifo_;
  // Of overflow: it keeps its place in the log, also beyond a snapshot.
  std::uint64_t floor_ = 0;          ///< below it none is left
  std::uint64_t last_overflow_ = 0;  ///< position
  std::uint64_t overflowed_ = 0;
  std::uint64_t refilled_ = 0;
};

}  // namespace ringpost::durable
