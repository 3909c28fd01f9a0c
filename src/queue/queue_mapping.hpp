// A queue's files as one process has them mapped: shared by the handles of all its participants.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dedup/table.hpp"
#include "durable/home.hpp"
#include "group/attempt_layout.hpp"
#include "queue/queue_layout.hpp"
#include "ring/ring_view.hpp"
#include "ringpost/options.hpp"
#include "shm/bus_files.hpp"
#include "shm/participant.hpp"

namespace ringpost::queue {

inline constexpr std::size_t kAttemptsBytes =
    base::round_up(sizeof(group::AttemptTable), base::kPageBytes);

/// One ring file of the chain.
struct MappedRing {
  std::uint64_t number = 0;
  std::uint64_t ring_id = 0;
  std::uint64_t ids = 0;  ///< what message ids have as their ring
  sys::Mapping mapping;
  ring::RingView view;
};

class QueueMapping;

/// Of a durable queue that is being made.
struct DurableParts {
  std::uint64_t journal = 0;  ///< id of its file; 0: the queue is not durable
  std::uint64_t lasting_id = 0;
  /// Puts the messages in that the queue had before, while nobody else can see it.
  std::function<Result<void>(std::shared_ptr<QueueMapping>)> restore{};
};

class QueueMapping {
 public:
  /// Opens an existing queue, be it half deleted. Errors kNotFound, kWrongFormat, ….
  static Result<std::shared_ptr<QueueMapping>> open(std::shared_ptr<shm::BusFiles> bus,
                                                    const std::string& name);
  /// Creates the queue's files; kExists if the name is taken. Several creators at once: one wins.
  static Result<std::shared_ptr<QueueMapping>> create(const shm::Participant& creator,
                                                      const std::string& name,
                                                      const QueueSettings& settings,
                                                      const Tags& tags = {},
                                                      const DurableParts& parts = {});

  [[nodiscard]] QueueHeader& header() const noexcept {
    return *reinterpret_cast<QueueHeader*>(mapping_.data());
  }
  [[nodiscard]] Stripe* stripes() const noexcept {
    return reinterpret_cast<Stripe*>(mapping_.data() + kStripesOffset);
  }
  [[nodiscard]] TaskTable& tasks() const noexcept {
    return *reinterpret_cast<TaskTable*>(mapping_.data() + kTasksOffset);
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] shm::BusFiles& bus() const noexcept { return *bus_; }
  [[nodiscard]] std::uint64_t queue_id() const noexcept { return queue_id_; }
  /// Outlives shared memory, as receipts must not: of a durable queue the same after each recovery.
  [[nodiscard]] std::uint64_t lasting_id() const noexcept { return lasting_id_; }
  [[nodiscard]] std::uint32_t stride() const noexcept { return stride_; }
  [[nodiscard]] std::uint32_t first_slots() const noexcept { return slots_; }
  [[nodiscard]] std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  [[nodiscard]] bool fixed() const noexcept { return fixed_; }
  [[nodiscard]] ring::RingKind kind() const noexcept { return kind_; }
  /// Null: the queue keeps no ids.
  [[nodiscard]] const dedup::Table* dedup() const noexcept { return dedup_ ? &*dedup_ : nullptr; }
  /// Null in a standard queue.
  [[nodiscard]] group::AttemptTable* attempts() const noexcept { return attempts_; }
  [[nodiscard]] DedupScope dedup_scope() const noexcept { return dedup_scope_; }
  [[nodiscard]] const sys::Fd& file() const noexcept { return file_; }
  /// Id of its journal's file; 0: it is not durable.
  [[nodiscard]] std::uint64_t journal() const noexcept { return journal_; }
  [[nodiscard]] std::uint64_t log_segment_bytes() const noexcept { return log_segment_bytes_; }

  /// The ring of that number, mapped at the first use. Null: retired, not there yet, or its file is
  /// not what it must be.
  [[nodiscard]] std::shared_ptr<MappedRing> ring(std::uint64_t number);

  /// Id of ring `number` in the chain, ChainEntry::kNone or kRetired.
  [[nodiscard]] std::uint64_t chain_id(std::uint64_t number) const noexcept;

  /// Adds ring `number` of `slots` slots, unless somebody has done so; afterwards write_ring is at
  /// least `number`. Errors kNoSpace, kFull (the chain or bytes_max is used up).
  Errc add_ring(const shm::Participant& creator, std::uint64_t number, std::uint32_t slots);

  /// Takes ring `oldest`, every slot of which is sealed, out of the chain and off the file system.
  void retire(std::uint64_t number);

  /// Unmaps, once nobody here uses them, the rings that another process has retired.
  void forget_before(std::uint64_t oldest);

  /// Bytes of the rings from oldest to newest.
  [[nodiscard]] std::uint64_t ring_bytes() const;

 private:
  QueueMapping(std::shared_ptr<shm::BusFiles> bus, std::string name)
      : bus_(std::move(bus)), name_(std::move(name)) {}
  static Result<std::shared_ptr<QueueMapping>> open_file(std::shared_ptr<shm::BusFiles> bus,
                                                         const sys::Fd& directory,
                                                         const std::string& file,
                                                         const std::string& name);
  static Result<void> restore(const shm::Participant& creator, const std::string& file,
                              const std::string& name, const DurableParts& parts);
  static void remove_rings(const shm::BusFiles& bus, const QueueHeader& header) noexcept;
  Result<void> check_header();
  Result<void> find_tables();

  std::shared_ptr<shm::BusFiles> bus_;
  std::string name_;
  sys::Fd file_;
  sys::Mapping mapping_;
  std::uint64_t queue_id_ = 0, lasting_id_ = 0, bytes_max_ = 0;
  std::uint64_t journal_ = 0, log_segment_bytes_ = 0;
  std::uint32_t stride_ = 0, slots_ = 0;
  bool fixed_ = false;
  ring::RingKind kind_ = ring::RingKind::kStandard;
  std::optional<dedup::Table> dedup_;
  group::AttemptTable* attempts_ = nullptr;
  DedupScope dedup_scope_ = DedupScope::kQueue;
  std::mutex rings_mutex_;  // of this process, cold
  std::vector<std::shared_ptr<MappedRing>> rings_;
};

[[nodiscard]] std::string ring_file_name(std::uint64_t ring_id);

/// Takes the names of durable queues away: another bus has had their logs meanwhile. Nobody has
/// them open; a sweep removes the rest.
void drop_outdated(const std::shared_ptr<shm::BusFiles>& bus);

/// The queues that a process has open, so that its participants share one mapping of each.
class QueueMappings {
 public:
  explicit QueueMappings(std::shared_ptr<shm::BusFiles> bus) : bus_(std::move(bus)), home_(bus_) {}
  Result<std::shared_ptr<QueueMapping>> open(const std::string& name);
  Result<std::shared_ptr<QueueMapping>> create(const shm::Participant& creator,
                                               const std::string& name,
                                               const QueueSettings& settings, const Tags& tags = {},
                                               const DurableParts& parts = {});
  /// What the bus keeps on disk of its durable queues.
  [[nodiscard]] durable::Home& home() noexcept { return home_; }

 private:
  std::shared_ptr<QueueMapping> remember(std::shared_ptr<QueueMapping> mapping);
  std::shared_ptr<shm::BusFiles> bus_;
  durable::Home home_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<QueueMapping>> open_;
};

}  // namespace ringpost::queue
