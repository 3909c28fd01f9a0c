// What a durable queue has in it, told from its log.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "durable/fifo_replay.hpp"
#include "durable/record.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::durable {

/// Takes the records of a log from its first one on, then gives the messages that are left. Records
/// that are missing at the front, which reclaim has dropped, are not missed.
///
/// Memory  the messages that are left, and an id for each that is gone.
class Replay {
 public:
  /// Errors kDamaged (no queue writes such a record), kNewerFormat (of a kind that is not known).
  [[nodiscard]] Errc add(const log::RecordView& record);

  struct Restored {
    Message message;  ///< its content refers to `bytes`
    std::vector<std::byte> bytes;
  };
  /// In the order in which they were sent. Afterwards it is empty.
  [[nodiscard]] std::vector<Restored> finish();

  /// Of a FIFO queue, before the first record: its deduplication ids, too.
  void keep_ids(const IdRules& rules) { fifo_.emplace(rules); }
  [[nodiscard]] FifoReplay* fifo() noexcept { return fifo_ ? &*fifo_ : nullptr; }

 private:
  using Messages = std::unordered_map<MessageId, Restored, HashId>;
  /// Of the whole log, or of a snapshot whose end was not seen yet.
  struct State {
    Messages messages;
    std::unordered_set<MessageId, HashId> gone;
    std::unordered_map<std::uint64_t, Messages> relocated;  ///< by number; without an end so far
  };

  Errc add_send(const Message& message);
  void add_delete(const MessageId& id);
  void add_received(const Received& received);
  void end_relocation(std::uint64_t number);
  void begin_snapshot(std::uint64_t number);
  void end_snapshot(std::uint64_t number);
  [[nodiscard]] State& state() noexcept { return in_snapshot_ ? snapshot_ : whole_; }

  State whole_;
  State snapshot_;
  bool in_snapshot_ = false;
  std::uint64_t snapshot_number_ = 0;
  std::optional<FifoReplay> fifo_;
};

}  // namespace ringpost::durable
