// What the log of a durable FIFO queue says beside its messages: deduplication ids, and positions.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "durable/record.hpp"

namespace ringpost::durable {

struct HashId {
  std::size_t operator()(const MessageId& id) const noexcept {
    return static_cast<std::size_t>((id.ring ^ id.position) * 0x9e3779b97f4a7c15u);
  }
};

/// How a queue makes keys of its ids, and when ids are over.
struct IdRules {
  std::uint64_t lasting_id = 0;  ///< QueueMapping::lasting_id()
  bool by_group = false;         ///< an id is one of its group
  std::int64_t now_ns = 0;       ///< Unix time
};

/// Takes the records of a log in their order, as Replay does. An id goes on being known when its
/// message is gone; not if that never was one.
///
/// Memory  each id that is known.
class FifoReplay {
 public:
  explicit FifoReplay(const IdRules& rules) : rules_(rules) {}
  void add(const log::RecordView& record);

  /// One for each key: of several messages the last one has it.
  [[nodiscard]] std::vector<KnownId> ids() const;
  /// All positions that a record speaks of lie before it.
  [[nodiscard]] std::uint64_t positions_end() const noexcept { return end_; }

 private:
  void add_send(const Message& message);
  void add_known(const KnownId& known);
  void apply(const KnownId& known);
  void end_relocation(std::uint64_t number);
  void forget_before(std::uint64_t position);
  void see(std::uint64_t position) noexcept;

  const IdRules rules_;
  std::unordered_map<MessageId, KnownId, HashId> known_;
  std::unordered_set<MessageId, HashId> void_;
  std::unordered_map<std::uint64_t, std::vector<KnownId>> relocated_;  ///< without an end so far
  std::uint64_t end_ = 0;
};

}  // namespace ringpost::durable
