// A participant's end of one queue: what ringpost::Queue does, on the rings of the queue's chain.
//
//   send     queue_send.cpp      claim → write → publish
//   receive  queue_receive.cpp   take → lease, waiting
//   settle   queue_settle.cpp    acknowledge, release, extend
//   look     queue_look.cpp      stats, peek
//   move     queue_move.cpp      to another queue: dead letters; tasks: move_worker.cpp
//   share    queue_share.cpp     one delivery of a fan-out;
//            queue_share_durable.cpp   where messages are on disk, too;
//            queue_turn.cpp      one of a FIFO topic
//   chain    queue_chain.cpp     growth: which rings there are
//   fifo     queue_fifo.cpp      what is different where messages have groups; the moves of
//            queue_move_fifo.cpp those;
//            queue_attempt.cpp   a receive again, because its answer got lost
//   fair     queue_fair.cpp      where groups name tenants
//   durable  queue_durable.cpp   what is different where messages are on disk, too;
//            queue_reclaim.cpp   room in their log;
//            queue_durable_fifo.cpp, queue_restore_fifo.cpp   both where messages have groups;
//            queue_overflow.cpp  a backlog that does not fit memory
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dedup/key.hpp"
#include "durable/queue_log.hpp"
#include "durable/replay.hpp"
#include "fair/receiver.hpp"
#include "fair/settle.hpp"
#include "group/attempts.hpp"
#include "group/ids.hpp"
#include "group/receiver.hpp"
#include "group/settle.hpp"
#include "log/reader.hpp"
#include "queue/counters.hpp"
#include "queue/envelope.hpp"
#include "queue/queue_mapping.hpp"
#include "ring/receiver.hpp"
#include "ring/sender.hpp"
#include "ring/settle.hpp"
#include "ringpost/queue.hpp"
#include "shm/arena.hpp"
#include "shm/participant.hpp"

namespace ringpost::queue {

/// Who is asked now and then to clear up after the dead: the bus.
class Housekeeper {
 public:
  virtual ~Housekeeper() = default;
  /// Sweeps if somebody died and nobody is sweeping. Cheap when all live. Any thread.
  virtual void clear_up() noexcept = 0;
  /// Takes a queue off the bus, for good. Who has none to delete does nothing. The participant's
  /// thread.
  virtual void delete_queue(QueueMapping& /*queue*/) {}
  /// Brings a durable queue back that only the disk knows; of another one nothing.
  virtual void bring_back(const std::string& /*queue*/) {}
  /// Until the disk has what the logs of all durable queues here have by now. False: it has not.
  virtual bool flush_logs() { return true; }
};

/// What a queue needs of the participant that opened it, and what keeps that alive.
struct Membership {
  shm::Participant& me;
  shm::Arena& arena;
  QueueMappings& queues;
  Housekeeper& housekeeper;
  std::shared_ptr<void> keep_alive;
};

/// The groups of a FIFO ring, and this participant's receiving end, which the ring's own replaces
/// in other queues.
struct Fifo {
  Fifo(ring::Ring& ring, shm::Participant& me, QueueMapping& queue)
      : groups(ring),
        receiver(ring, groups, me.index(), me.hazards()),
        attempts(ring, *queue.attempts(), me.index(), me.hazards()) {
    if (queue.dedup() == nullptr) return;
    ids.emplace(ring, groups, *queue.dedup(), me.bus().time(),
                queue.header().settings.dedup_window_ns);
    receiver.keep_ids(*ids);
  }
  group::Groups groups;
  std::optional<group::Ids> ids;  ///< if the queue has a table of them
  group::Receiver receiver;
  group::Attempts attempts;
};

/// The lists of a fair ring, and this participant's receiving end.
struct Fair {
  Fair(ring::Ring& ring, shm::Participant& me)
      : lists(ring), receiver(ring, lists, me.index(), me.hazards()) {}
  fair::Lists lists;
  fair::Receiver receiver;
};

/// Publishes what has come from the log into that ring, number `number`, and was decided: for
/// whoever died or was stopped. Before his claims are void.
void publish_refilled(const QueueHeader& header, ring::Ring& ring, std::uint64_t number) noexcept;

/// One ring of the chain with this participant's ends of it.
struct Lane {
  Lane(std::shared_ptr<MappedRing> mapped_ring, const ring::Surroundings& surroundings,
       shm::Participant& me, QueueMapping& queue)
      : mapped(std::move(mapped_ring)),
        ring(mapped->view, surroundings),
        sender(ring, me.index()),
        receiver(ring, me.index(), me.hazards()) {
    const ring::RingKind kind = ring.view.geometry().kind;
    if (kind == ring::RingKind::kFifo) fifo = std::make_unique<Fifo>(ring, me, queue);
    if (kind == ring::RingKind::kFair) fair = std::make_unique<Fair>(ring, me);
    has_groups = kind != ring::RingKind::kStandard;
  }

  std::shared_ptr<MappedRing> mapped;
  ring::Ring ring;
  ring::Sender sender;
  ring::Receiver receiver;
  std::unique_ptr<Fifo> fifo;  ///< null in a standard queue
  std::unique_ptr<Fair> fair;  ///< null but in a fair queue
  bool has_groups = false;     ///< one of the two
  std::uint64_t expired_counted = 0;
  [[nodiscard]] std::uint64_t number() const noexcept { return mapped->number; }
  [[nodiscard]] bool may_have_message() const noexcept {
    if (has_groups) [[unlikely]]
      return fair ? fair->receiver.may_have_message() : fifo->receiver.may_have_message();
    return receiver.may_have_message();
  }
  void get_ready() noexcept {
    if (!has_groups) [[likely]]
      return receiver.get_ready();
    fair ? fair->receiver.get_ready() : fifo->receiver.get_ready();
  }
};

}  // namespace ringpost::queue

namespace ringpost::detail {

class MoveWorker;

class QueueCore {
 public:
  static Result<std::unique_ptr<QueueCore>> open(const queue::Membership& membership,
                                                 std::shared_ptr<queue::QueueMapping> mapping);
  ~QueueCore();
  QueueCore(const QueueCore&) = delete;
  QueueCore& operator=(const QueueCore&) = delete;

  Result<MessageId, Errc> send(ByteSpan body, const SendOptions& options) noexcept;
  Result<std::size_t, Errc> send_batch(std::span<const OutMessage> messages,
                                       const SendOptions& options) noexcept;
  Result<Loan, Errc> loan(std::size_t bytes) noexcept;
  Result<MessageId, Errc> send(Loan&& loan, const SendOptions& options) noexcept;
  void abandon(Loan& loan) noexcept;

  Errc receive(Leases& into, const ReceiveOptions& options) noexcept;
  /// A message may be visible: no false negative once fenced.
  [[nodiscard]] bool may_have_message() noexcept;
  /// Nanoseconds until a lease or delay ends, at most `limit`.
  [[nodiscard]] std::uint64_t ns_until_due(std::uint64_t limit) noexcept;

  Errc acknowledge(Lease& lease) noexcept;
  Errc release(Lease& lease, Duration delay) noexcept;
  Errc extend(Lease& lease, Duration timeout) noexcept;
  Errc move(Lease& lease, QueueCore& to) noexcept;
  Errc acknowledge(const Receipt& receipt) noexcept;
  Errc release(const Receipt& receipt, Duration delay, bool by_receipt) noexcept;
  Errc extend(const Receipt& receipt, Duration timeout) noexcept;
  void give_up_view(std::uint32_t hazard) noexcept;

  Result<void> set(const QueueSettings& changes);
  Result<void> change_tags(const std::function<void(Tags&)>& change);
  /// Puts in what a durable queue had before shared memory was lost, and makes that durable. Nobody
  /// else sees the queue yet.
  Result<void> restore(std::span<const durable::Left> messages, log::Reader& log,
                       const durable::Replay::Backlog& backlog);
  /// The same of a FIFO queue: each message at the position that it had.
  Result<void> restore_groups(std::vector<durable::Left> messages, log::Reader& log,
                              const durable::FifoReplay& beside);
  Result<std::uint64_t> purge();
  [[nodiscard]] QueueStats stats();
  [[nodiscard]] std::vector<PeekedMessage> peek(std::size_t count);
  [[nodiscard]] WallTime wall_time(std::uint64_t monotonic_ns) const noexcept;
  [[nodiscard]] std::uint64_t first_received_ns(const Lease& lease) noexcept;
  [[nodiscard]] std::uint64_t sent_ns(const Lease& lease) noexcept;
  [[nodiscard]] MessageId id_of(const Lease& lease) noexcept;
  [[nodiscard]] std::string dead_letter_source(const Lease& lease);
  [[nodiscard]] Receipt receipt_of(const Lease& lease) const noexcept;
  [[nodiscard]] std::string_view group_of(const Lease& lease) noexcept;
  [[nodiscard]] std::string_view dedup_id_of(const Lease& lease) noexcept;
  [[nodiscard]] std::uint64_t sequence_of(const Lease& lease) noexcept;

  /// A slot that is mine until its publish.
  struct Claim {
    queue::Lane* lane = nullptr;
    std::uint64_t position = 0;
  };
  /// What a delivery of a fan-out leads to: see src/topic/.
  struct Delivery {
    shm::BlockRef payload;
    shm::DeliveryRef ref;
    std::uint64_t offset = 0;   ///< of the content in the payload
    std::uint64_t lengths = 0;  ///< ring::Lengths; of the flags only kTimed
    std::uint64_t sent_ns = 0;
  };
  // The steps of one delivery, in this order; standard queues. After the claim nothing fails.
  Errc claim_delivery(Claim& claim, Duration wait) noexcept;
  void fill_delivery(const Claim& claim, const Delivery& what) noexcept;
  void publish_delivery(const Claim& claim, std::uint64_t lengths) noexcept;
  /// The same by a sweeper, beside whom others may publish what he has claimed.
  Errc claim_delivery_for_the_dead(Claim& claim) noexcept;
  void publish_delivery_for_the_dead(const Claim& claim, std::uint64_t lengths) noexcept;
  void give_up_delivery(const Claim& claim) noexcept;
  [[nodiscard]] static shm::BackReference place_of(const Claim& claim) noexcept;
  // The same in a standard queue that is durable: queue_share_durable.cpp.
  struct LoggedClaim {
    Claim slot;  ///< lane null: there is no room for it, or a backlog; it goes to the log alone
    journal::Claim record;
  };
  /// Errors as of a send. `deadline_ns`: for room in the log.
  [[gnu::cold, gnu::noinline]] Errc claim_logged(LoggedClaim& claim, std::uint64_t content_bytes,
                                                 Duration wait, std::uint64_t deadline_ns) noexcept;
  /// The slot, if there is one, is filled.
  [[gnu::cold, gnu::noinline]] void publish_logged(const LoggedClaim& claim, const Delivery& what,
                                                   ByteSpan content) noexcept;
  void give_up_logged(const LoggedClaim& claim) noexcept;
  /// Until everything that this participant has published here is on disk.
  Errc wait_logged(Duration wait) noexcept;
  /// Of one that went to the log alone, whose claimer is dead, and as long as his claims are not
  /// void: whether he has published it. It is counted then.
  [[nodiscard]] bool was_published_beyond_memory(std::uint64_t position) noexcept;
  // The same for an ordered one (topic/turn.hpp), also in FIFO queues: queue_turn.cpp. It is
  // claimed by claim_delivery_for_the_dead(), and published by anybody.
  struct Ids {
    std::string_view group;
    std::string_view dedup_id;
  };
  enum class Named : std::uint8_t {
    kPublished,  ///< now or before
    kSkipped,    ///< consumers have gone past it, for ever
    kNotHere,    ///< none of the rings of this queue
  };
  void fill_ordered(const Claim& claim, const Delivery& what, const Ids& ids) noexcept;
  [[nodiscard]] Named publish_ordered(const shm::BackReference& where) noexcept;
  /// Fills the claim as the skipped `where` in a FIFO queue. False: memory that lies.
  [[nodiscard]] bool copy_ordered(QueueCore& source, const shm::BackReference& where,
                                  const Claim& to) noexcept;
  /// Unless it has been published. For its claimer, when no entry names it.
  void give_up_ordered(const Claim& claim) noexcept;
  /// Whether a message of so many bytes, attributes counted, may be sent to this queue.
  [[nodiscard]] bool admits(std::uint64_t counted_bytes) noexcept;
  /// The time of a send; flags it as a sample of latency now and then.
  std::uint64_t stamp(std::uint64_t& flags) noexcept;
  /// Neither FIFO nor fair nor durable.
  [[nodiscard]] bool is_standard() const noexcept { return !special_; }
  /// Neither FIFO nor fair.
  [[nodiscard]] bool is_ungrouped() const noexcept { return !grouped_; }
  /// And not durable.
  [[nodiscard]] bool is_fifo() const noexcept { return fifo_ && log_ == nullptr; }
  /// Null: not durable.
  [[nodiscard]] durable::QueueLog* log() noexcept { return log_.get(); }
  /// Of a durable queue, with nothing else to do: what nobody waits for goes to the disk, and old
  /// segments go.
  void tend_log() noexcept;

  [[nodiscard]] queue::QueueMapping& mapping() noexcept { return *mapping_; }
  [[nodiscard]] const std::shared_ptr<queue::QueueMapping>& mapping_pointer() const noexcept {
    return mapping_;
  }
  [[nodiscard]] const base::TimeSource& time() const noexcept { return time_; }
  [[nodiscard]] const queue::Membership& membership() const noexcept { return member_; }
  [[nodiscard]] queue::QueueHeader& header() noexcept { return mapping_->header(); }
  [[nodiscard]] shm::WaitWord& receivers() noexcept { return header().receivers; }
  void set_waiting(Waiting waiting) noexcept { waiting_ = waiting; }
  /// kOk, kForked, kDeleted.
  [[nodiscard]] Errc usable() noexcept;

 private:
  friend class MoveWorker;
  QueueCore(const queue::Membership& membership, std::shared_ptr<queue::QueueMapping> mapping);

  /// A message on its way into a slot.
  struct Outgoing {
    ByteSpan body;
    const AttributeList* attributes = nullptr;
    std::uint32_t attribute_bytes = 0;
    shm::Block block;  ///< data != nullptr: the content lies there, complete
    std::string_view group;
    std::string_view dedup_id;
    std::uint64_t entry = 0;  ///< in the table of ids; 0: none
  };
  /// One receive call: what it wants, and how long its leases last.
  struct Wanted {
    Leases& into;
    std::uint32_t count;
    std::uint64_t visibility_ns;
    const dedup::Key* attempt = nullptr;  ///< of its id, if it has one
  };
  /// The time of a receive in the units of everybody who wants it.
  struct ReceiveTime {
    std::uint64_t now_ns = 0;
    std::uint64_t visibility_ns = 0;
    std::uint64_t first_received = 0;  ///< as it stands in shared memory, without the lap
    ring::LeaseTimes lease;
  };
  // FIFO: queue_fifo.cpp
  [[gnu::noinline]] Result<MessageId, Errc> send_in_group(ByteSpan body,
                                                          const SendOptions& options) noexcept;
  Result<MessageId, Errc> send_in_group(const OutMessage& message, Duration wait) noexcept;
  Result<MessageId, Errc> send_in_group(Outgoing& out, Duration wait, bool& sent) noexcept;
  void fill_ids(const Claim& claim, const Outgoing& out) noexcept;
  Errc choose_id(Outgoing& out, dedup::ContentId& content) noexcept;
  Errc enter_id(const Claim& claim, Outgoing& out, const dedup::Key& key,
                std::uint64_t& first) noexcept;
  void give_up(const Claim& claim, const Outgoing& out) noexcept;
  Errc prepare_in_group(const OutMessage& message, Outgoing& out) noexcept;
  [[gnu::noinline]] std::uint32_t take_from_groups(queue::Lane& lane, const Wanted& wanted,
                                                   const ReceiveTime& time) noexcept;
  [[gnu::noinline]] ring::Settled acknowledge_in_group(queue::Lane& lane,
                                                       const ring::Delivery& delivery,
                                                       const ring::LeaseWord* known) noexcept;
  // Fair: queue_fair.cpp
  [[gnu::noinline]] Result<MessageId, Errc> send_fairly(const OutMessage& message, Duration wait,
                                                        std::uint64_t due) noexcept;
  Result<MessageId, Errc> send_fairly(const Outgoing& out, Duration wait, std::uint64_t due,
                                      bool& sent) noexcept;
  [[nodiscard]] static Errc check_tenant(std::string_view group,
                                         std::string_view dedup_id) noexcept;
  [[gnu::noinline]] std::uint32_t take_fairly(queue::Lane& lane, const Wanted& wanted,
                                              const ReceiveTime& time) noexcept;
  std::uint64_t discard_fairly(queue::Lane& lane, std::uint64_t sent_before_ns) noexcept;
  // FIFO and fair
  [[gnu::noinline]] ring::Settled release_in_group(queue::Lane& lane,
                                                   const ring::Delivery& delivery,
                                                   bool by_receipt) noexcept;
  [[gnu::noinline]] ring::Settled extend_in_group(queue::Lane& lane, const ring::Delivery& delivery,
                                                  std::uint64_t deadline, bool keep) noexcept;
  bool drop_in_group(queue::Lane& lane, const ring::Taken& taken) noexcept;
  std::uint64_t discard_groups(queue::Lane& lane, std::uint64_t sent_before_ns) noexcept;
  static constexpr std::size_t kIdBytesMax = 128;
  [[nodiscard]] group::Settler settler() noexcept;
  // Durable: queue_durable.cpp
  Result<void> open_log();
  /// Of fair and durable queues.
  [[gnu::cold, gnu::noinline]] Result<MessageId, Errc> send_specially(const OutMessage& message,
                                                                      Duration wait,
                                                                      std::uint64_t due) noexcept;
  /// The same without the wait for the disk.
  [[gnu::cold, gnu::noinline]] Result<MessageId, Errc> send_one_specially(
      const OutMessage& message, Duration wait, std::uint64_t due) noexcept;
  Result<MessageId, Errc> send_logged(const Outgoing& out, Duration wait, std::uint64_t due,
                                      bool& sent) noexcept;
  [[nodiscard]] std::int64_t wall_of(std::uint64_t monotonic_ns) const noexcept;
  [[nodiscard]] durable::Message record_of(const queue::Lane& in, std::uint64_t position,
                                           std::uint64_t due) const noexcept;
  /// What the log calls a message that is there, or ends by a CAS of mine after this.
  [[gnu::cold, gnu::noinline, nodiscard]] MessageId name_in_log(const queue::Lane& in,
                                                                std::uint32_t slot,
                                                                std::uint64_t lap) const noexcept;
  /// Of a FIFO queue, whose messages have no other name than their id.
  [[gnu::cold, gnu::noinline]] void log_gone(const queue::Lane& in, std::uint32_t slot,
                                             std::uint64_t lap) noexcept;
  [[gnu::cold, gnu::noinline]] void log_received(const queue::Lane& in,
                                                 const ring::Taken& taken) noexcept;
  [[gnu::noinline]] ring::Settled acknowledge_specially(queue::Lane& lane,
                                                        const ring::Delivery& delivery,
                                                        const ring::LeaseWord* known) noexcept;
  [[gnu::cold, gnu::noinline]] Errc log_moved_in(const Claim& slot) noexcept;
  /// FIFO: without the wait, and the wait once it is there.
  [[gnu::cold, gnu::noinline]] Errc log_moving_in(const Claim& slot) noexcept;
  bool wait_moved_in() noexcept;
  /// As they are now, with the tags, onto the disk.
  Result<void> save_settings();
  Errc restore_all(std::span<const durable::Left> messages, log::Reader& log,
                   std::uint64_t floor) noexcept;
  Errc put_into_slot(const durable::Message& message, Claim& slot, shm::Block& block,
                     std::uint64_t& due) noexcept;
  Errc restore(const durable::Message& message) noexcept;
  void discard_all() noexcept;
  std::uint64_t fill_restored(const Claim& slot, const durable::Message& message,
                              const shm::Block& block) noexcept;
  // … of FIFO queues: queue_durable_fifo.cpp
  [[gnu::cold, gnu::noinline]] Result<MessageId, Errc> send_in_group_logged(Outgoing& out,
                                                                            Duration wait,
                                                                            bool& sent) noexcept;
  Errc claim_both(Claim& slot, journal::Claim& record, const Outgoing& out, Duration wait) noexcept;
  Errc claim_record(const Outgoing& out, Duration wait, journal::Claim& record) noexcept;
  Errc enter_id_logged(const Claim& slot, Outgoing& out, const dedup::Key& key, Duration wait,
                       journal::Claim& record, std::uint64_t& first) noexcept;
  void describe_group(const queue::Lane& in, std::uint32_t slot,
                      durable::Message& message) const noexcept;
  [[gnu::cold, gnu::noinline]] void forget_ids(queue::Lane& in, std::uint64_t end) noexcept;
  Errc relocate_in_groups(const log::RecordView& record, std::uint64_t number) noexcept;
  Errc relocate_id(durable::KnownId id, bool copied) noexcept;
  [[nodiscard]] std::uint64_t alive_id_bytes() noexcept;
  /// A message of this ring, if the slot still has it or may come to have it.
  [[nodiscard]] bool is_there(const MessageId& id) noexcept;
  Errc restore_all_groups(std::vector<durable::Left>& messages, log::Reader& log,
                          const durable::FifoReplay& beside) noexcept;
  Errc restore_in_group(queue::Lane& in, const durable::Message& message,
                        std::uint64_t lap) noexcept;
  std::uint64_t fill_restored_in_group(const Claim& slot, const durable::Message& message,
                                       const shm::Block& block) noexcept;
  Errc restore_ids(queue::Lane& in, std::span<const durable::KnownId> ids) noexcept;
  // … and queue_reclaim.cpp
  void tend_log_now_and_then() noexcept;
  void reclaim_log() noexcept;
  bool reclaim_segment() noexcept;
  [[nodiscard]] std::uint64_t alive_log_bytes() noexcept;
  Errc relocate(std::uint64_t from, std::uint64_t to) noexcept;
  Errc relocate(durable::Message& message, std::uint64_t number) noexcept;
  [[nodiscard]] bool knows_every_ring() noexcept;
  // … and queue_overflow.cpp
  [[nodiscard]] bool may_overflow() const noexcept { return !fifo_ && !mapping_->fixed(); }
  [[nodiscard]] bool has_backlog() noexcept;
  [[nodiscard]] std::optional<base::Pair64> refill_place() noexcept;
  [[nodiscard]] bool is_backlog_from(std::uint64_t end) noexcept;
  Result<MessageId, Errc> send_beyond_memory(const Outgoing& out, Duration wait,
                                             std::uint64_t due) noexcept;
  [[gnu::cold, gnu::noinline]] bool refill_for_receiver() noexcept;
  std::uint32_t refill(std::uint32_t most) noexcept;
  Errc refill(const base::Pair64& place, std::uint64_t next,
              const durable::Message& message) noexcept;
  bool publish_target() noexcept;
  Errc next_overflow(std::uint64_t cursor, durable::Message& into) noexcept;
  void caught_up(const base::Pair64& place, std::uint64_t overflowed, std::uint64_t end) noexcept;
  [[nodiscard]] bool is_past_retention(const durable::Message& message) noexcept;
  std::uint64_t purge_backlog() noexcept;
  Errc claim_beyond_memory(std::size_t bytes, std::uint64_t deadline_ns,
                           journal::Claim& record) noexcept;
  // Attempts: queue_attempt.cpp
  [[gnu::cold, gnu::noinline]] Errc receive_attempt(const Wanted& wanted, std::string_view id,
                                                    Duration wait) noexcept;
  [[gnu::cold, gnu::noinline]] Errc take_attempt(const Wanted& wanted) noexcept;
  bool take_again(queue::Lane& lane, const group::AttemptNotes& noted, const ReceiveTime& time,
                  Leases& into) noexcept;
  bool accept_again(queue::Lane& lane, const ring::Taken& taken, std::uint64_t received_ns,
                    Leases& into) noexcept;
  [[nodiscard]] static group::AttemptNotes notes_of(const queue::Lane& lane, Leases& leases,
                                                    std::uint64_t end) noexcept;
  [[nodiscard]] std::uint32_t id_bytes(const queue::Lane& lane, std::uint32_t slot) const noexcept;

  Result<MessageId, Errc> send_one(ByteSpan body, const AttributeList& attributes, Duration wait,
                                   std::uint64_t due) noexcept;
  Errc prepare(ByteSpan body, const AttributeList& attributes, Outgoing& out) noexcept;
  Errc to_block(Outgoing& out) noexcept;
  Errc claim(Claim& claim, Duration wait) noexcept;
  Errc try_claim(Claim& claim) noexcept;
  void fill(const Claim& claim, const Outgoing& out) noexcept;
  Result<MessageId, Errc> commit(const Claim& claim, const Outgoing& out,
                                 std::uint64_t due) noexcept;
  Errc due_of(const SendOptions& options, std::uint64_t& due) noexcept;
  Errc claim_waiting(Claim& claim, std::uint64_t deadline_ns) noexcept;

  Errc take(const Wanted& asked) noexcept;
  Errc take_in_wait(const Wanted& wanted) noexcept;
  void take_from_lanes(const Wanted& wanted, const ReceiveTime& time) noexcept;
  bool newest_is_unknown() noexcept;
  std::uint32_t take_from(queue::Lane& lane, const Wanted& wanted,
                          const ReceiveTime& time) noexcept;
  const ReceiveTime& receive_time(std::uint64_t visibility_ns) noexcept;
  [[nodiscard]] const std::byte* content_of(const queue::Lane& lane, std::uint32_t slot,
                                            ring::Lengths lengths,
                                            std::uint64_t bytes) const noexcept;
  template <bool kGroups>
  bool accept(queue::Lane& lane, const ring::Taken& taken, const ReceiveTime& time,
              Leases& into) noexcept;
  void count_receive(queue::Lane& lane, const ring::Taken& taken, const ReceiveTime& time) noexcept;
  [[nodiscard]] std::uint32_t within_limit(std::uint32_t wanted) noexcept;
  [[nodiscard]] std::uint64_t in_flight_by_counters() const noexcept;
  void settled_one() noexcept { leases_open_ -= leases_open_ > 0 ? 1 : 0; }
  Errc take_waiting(const Wanted& wanted, Duration wait) noexcept;
  bool poll_for_message() noexcept;
  bool spin_for_message(std::uint64_t deadline_ns) noexcept;
  Errc park(const Wanted& wanted, std::uint64_t now_ns, std::uint64_t deadline_ns) noexcept;
  void count_expired(queue::Lane& lane) noexcept;
  void clear_up_now_and_then(std::uint64_t now_ns) noexcept;

  /// A leased message that leaves this queue.
  struct Removal {
    queue::Lane& from;
    const ring::Taken& taken;
    ring::Lengths lengths;
    bool with_history = false;  ///< keeps its id, its times and its count
    shm::BlockRef block{};      ///< of its content, if that lies in one
    bool block_goes = false;
    group::IdLengths ids{};      ///< FIFO: behind the content
    bool was_delivered = false;  ///< by this lease, which counts then
  };
  [[nodiscard]] bool is_dead_letter(std::uint32_t receives) const noexcept {
    const std::uint64_t limit =
        mapping_->header().settings.receives_max.load(std::memory_order_relaxed);  // a setting
    return limit != 0 && receives > limit;
  }
  [[gnu::cold, gnu::noinline]] void bury(queue::Lane& from, const ring::Taken& taken) noexcept;
  QueueCore* dead_letter_queue() noexcept;
  Errc move(queue::Lane& from, const ring::Taken& taken, QueueCore& to, bool with_history,
            bool was_delivered = false) noexcept;
  void fill_moved(const Claim& slot, const QueueCore& source, const Removal& what,
                  const shm::Block& copy, const std::byte* content) noexcept;
  Errc move_in_group(queue::Lane& from, const ring::Taken& taken, QueueCore& to,
                     bool with_history) noexcept;
  void fill_moved_in_group(const Claim& slot, const QueueCore& source, const Removal& what,
                           const shm::Block& copy, const std::byte* content) noexcept;
  [[nodiscard]] static queue::Envelope history_of(const QueueCore& source,
                                                  const Removal& what) noexcept;
  static void carry_first_received(const Removal& what, const ring::RingView& to,
                                   std::uint32_t slot, std::uint64_t lap) noexcept;
  std::string_view id_text_of(const Lease& lease, const MessageId& id) noexcept;
  void put_off(queue::Lane& in, const ring::Taken& taken, std::uint64_t ns) noexcept;
  [[gnu::cold, gnu::noinline]] static void open_envelope(const queue::Lane& in, std::uint32_t slot,
                                                         Lease& lease) noexcept;
  [[nodiscard]] std::string queue_name_of(std::uint64_t lasting_id) const;
  static constexpr char kDeletedQueue[] = "(deleted)";
  using IdText = std::array<char, 36>;
  using IdTexts = std::array<IdText, shm::kHazardsPerParticipant>;

  Errc find(const Receipt& receipt, queue::Lane*& lane, ring::Delivery& delivery) noexcept;
  Errc extend(queue::Lane& lane, const ring::Delivery& delivery, Duration timeout,
              std::uint64_t received_ns, bool keep) noexcept;
  void hand_over_leases() noexcept;
  [[nodiscard]] std::uint64_t group_delay_ns(const ring::SlotHead& head) noexcept;
  bool peek_slot(queue::Lane& lane, std::uint32_t slot, std::uint64_t now_ns,
                 PeekedMessage& into) noexcept;

  [[nodiscard]] queue::Lane* lane(std::uint64_t number) noexcept;
  [[nodiscard]] queue::Lane* lane_of_ring(std::uint64_t ring_id) noexcept;
  [[nodiscard]] queue::Lane* lane_after(std::uint64_t number) noexcept;
  void open_lane(std::uint64_t number) noexcept;
  /// Brings lanes_ in line with the header.
  void refresh_lanes() noexcept;
  Errc grow() noexcept;
  void retire_oldest() noexcept;

  queue::Membership member_;
  std::shared_ptr<queue::QueueMapping> mapping_;
  const ring::Surroundings surroundings_;
  const base::TimeSource& time_;
  const bool fifo_;
  const bool fair_;
  const bool grouped_;                ///< one of the two
  const bool special_;                ///< grouped, or durable
  const std::uint32_t inline_bytes_;  ///< of content in a slot
  queue::Counters counters_;
  std::unique_ptr<durable::QueueLog> log_;           ///< null: not durable
  std::vector<std::unique_ptr<queue::Lane>> lanes_;  ///< oldest … newest; the last is written to
  Waiting waiting_ = Waiting::kAdaptive;

  /// ring layout `first`: when a message was first received, and low bits of its lap beside it.
  static constexpr std::uint64_t kFirstReceivedUnitNs = 100'000;
  static constexpr unsigned kFirstReceivedLapBits = 20;
  static constexpr std::uint64_t kFirstReceivedLapMask = (1u << kFirstReceivedLapBits) - 1;

  ReceiveTime receive_time_;
  std::uint64_t last_stamp_ns_ = 0;
  std::uint32_t stamps_ = 0;
  std::uint32_t run_ = 0;          ///< waiting receives since one last found the queue empty
  std::uint64_t leases_open_ = 0;  ///< no more lease words than these name me
  std::uint64_t views_open_ = 0;   ///< leases in hand whose bytes may be read
  std::uint64_t unchecked_ = 0;    ///< messages to take before in_flight_max is looked at
  std::uint64_t cleared_up_ns_ = 0;
  std::uint64_t total_slots_ = 0;
  std::unique_ptr<QueueCore> dead_letters_;  ///< opened for change dead_letters_of_ of settings
  std::uint64_t dead_letters_of_ = 0;
  std::uint64_t log_looks_ = 0;           ///< at what may go of the log
  std::unique_ptr<log::Reader> backlog_;  ///< reads what waits in the log
  struct {
    durable::Message message;  ///< its content refers to `bytes`
    std::vector<std::byte> bytes;
  } backlog_front_;                    ///< what was read last; it may have come into a slot
  std::uint64_t backlog_bound_ = 0;    ///< up to where it was last looked at
  std::unique_ptr<IdTexts> id_texts_;  ///< FIFO: of moved messages in hand, by hazard entry
};

/// Where the `bytes` of content of a leased slot lie; null if the memory lies.
[[gnu::always_inline]] inline const std::byte* QueueCore::content_of(
    const queue::Lane& lane, std::uint32_t slot, ring::Lengths lengths,
    std::uint64_t bytes) const noexcept {
  const ring::RingView& view = lane.ring.view;
  if (lengths.in_block()) {
    shm::BlockRef ref{};
    bool has_block = false;
    ring::read_block_ref(view, slot, ref, has_block);
    return member_.arena.data(ref, bytes, ring::read_offset(view, slot, lengths));
  }
  // Bytes of a peer: nothing is read outside the slot.
  return bytes <= view.inline_bytes() ? view.payload(slot) : nullptr;
}

}  // namespace ringpost::detail
