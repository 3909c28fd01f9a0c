// Trial: the same program on a queue of the library and on the model; says where they differ.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/model_queue.hpp"
#include "model/program.hpp"
#include "support/test_bus.hpp"

namespace ringpost::model {

/// What kind of queue a program runs on.
struct Kind {
  const char* name;
  std::uint32_t slots;
  std::uint32_t inline_bytes;
  bool fixed;
  bool one_participant;  ///< alone it gets everything in order
  bool fifo = false;
  Dedup dedup = Dedup::kOff;  ///< off, or not
  DedupScope dedup_scope = DedupScope::kQueue;
  std::uint32_t seed = 0;  ///< different for each kind
};

/// A bus whose time stands still, with two participants, and queues for one trial after the other.
class Bench {
 public:
  Bench();
  [[nodiscard]] test::TestBus& bus() { return bus_; }
  [[nodiscard]] Bus& other() { return other_; }
  /// Its clock is about to pass what the words of a ring hold (kLapBits): take another one.
  [[nodiscard]] bool is_old() { return bus_.clock().monotonic_ns() > kOldNs; }
  /// A receipt of another queue.
  [[nodiscard]] const Receipt& foreign() const { return foreign_; }

 private:
  static constexpr std::uint64_t kOldNs = 3ull * 365 * 24 * 3600 * 1'000'000'000;
  test::TestBus bus_;
  Bus other_ = bus_.attach();
  Queue elsewhere_ = bus_.queue("elsewhere");
  Receipt foreign_;
};

class Trial {
 public:
  /// Makes a queue of its own and deletes it in the end.
  Trial(Bench& bench, const Kind& kind, Flaw flaw);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  /// Runs a program behind those that were run before. The first difference, or "".
  [[nodiscard]] std::string run(const Program& program);

 private:
  /// A receipt, with the lease if that was kept.
  struct Hand {
    ModelReceipt expected;
    Receipt receipt;
    Lease lease;
    bool has_lease = false;
    bool in_place = false;  ///< its bytes are being read
    std::uint32_t body_bytes = 0;
    std::uint64_t body_number = 0;
  };

  void step(const Operation& operation);
  void begin(const Operation& operation);
  void send(const Operation& operation);
  void send_batch(const Operation& operation);
  void receive(const Operation& operation);
  void take(Lease& lease, const Operation& operation);
  [[nodiscard]] const ModelMessage* recognise(Lease& lease);
  [[nodiscard]] bool is_of(const MessageId& id, std::string_view body, const ModelMessage& message);
  void compare(Lease& lease, const ModelMessage& expected);
  void settle(const Operation& operation);
  [[nodiscard]] Errc settle_really(const Operation& operation, Hand& hand);
  void set(const Operation& operation);
  void purge(const Operation& operation);
  void compare_stats(const Operation& operation);
  [[nodiscard]] std::vector<ModelMessage>::const_iterator find_peeked(
      const PeekedMessage& peeked, const std::vector<std::uint64_t>& unseen);
  void compare_peek(const Operation& operation);
  void try_foreign_receipt(const Operation& operation);
  void let_go();

  [[nodiscard]] std::uint64_t now_ns() const { return bench_.bus().clock().monotonic_ns(); }
  [[nodiscard]] Queue& queue(const Operation& operation) {
    return queues_[one_participant_ ? 0 : operation.handle];
  }
  [[nodiscard]] ModelSend outgoing(const Operation& operation, std::size_t body,
                                   std::uint32_t attributes) const;
  /// FIFO: group, ids and body of the `i`th message of a batch.
  void choose_ids(const Operation& operation, std::uint32_t i, ModelSend& message);
  void compare_ids(Lease& lease, const ModelMessage& expected);
  void was_sent(const ModelSend& message, const Duration* delay, MessageId id);
  /// The text that a message of that number has; good until the next call.
  [[nodiscard]] std::string_view body_of(std::uint64_t number, std::uint32_t bytes);
  [[nodiscard]] bool may_be(Lease& lease, const ModelMessage& message) const;
  void differ(std::string what);
  void expect_code(const char* call, Errc got, const Answers& right);

  static constexpr std::uint64_t kViewsMax = 20;

  Bench& bench_;
  const std::string name_;
  const bool one_participant_;
  const bool has_ids_;
  Queue queues_[2];
  ModelQueue model_;
  std::vector<Hand> hands_;
  Leases leases_;
  std::vector<OutMessage> batch_;
  std::string bodies_;
  std::uint64_t next_number_ = 1;
  std::string difference_;
};

}  // namespace ringpost::model
