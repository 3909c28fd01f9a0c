// A stream's control file as one participant has it mapped, and the ways to change it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/result.hpp"
#include "shm/participant.hpp"
#include "shm/stripe_owner.hpp"
#include "stream/layout.hpp"

namespace ringpost::stream {

/// Of a shard. Id 0: it has none, everything is in the log.
struct NamedJournal {
  std::uint64_t id = 0;
  std::uint64_t log_end = 0;  ///< where the log ended when the journal was made
};

/// Threads     one at a time.
/// Blocking    only lock(): up to two seconds, for another changer that may be stopped.
/// Crash       settings and tags are those before a change or those after it: one store decides.
///             Entries of the map are there or not.
class ControlFile {
 public:
  /// Errors kNotFound, kWrongFormat, kCorrupt, ….
  static Result<ControlFile> open(std::shared_ptr<shm::BusFiles> bus, const std::string& name);
  /// `journals`: of each shard of `meta`. kExists if the name is taken.
  static Result<ControlFile> create(const shm::Participant& creator, const Meta& meta,
                                    const std::vector<NamedJournal>& journals);
  /// What is in the way of a stream, and is none.
  static void remove(const shm::BusFiles& bus, const std::string& name) noexcept;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t stream_id() const noexcept { return stream_id_; }
  [[nodiscard]] StreamStorage storage() const noexcept { return storage_; }
  [[nodiscard]] std::uint64_t ring_bytes() const noexcept { return ring_bytes_; }
  [[nodiscard]] ControlHeader& header() const noexcept {
    return *reinterpret_cast<ControlHeader*>(fixed_.data());
  }
  [[nodiscard]] bool is_deleted() const noexcept {
    return header().state.load(std::memory_order_acquire) != 0;  // [stream-state]
  }
  /// Rises with each change of settings, tags or map.
  [[nodiscard]] std::uint64_t changes() const noexcept {
    return header().changes.load(std::memory_order_acquire);  // [stream-changes]
  }

  /// Settings and tags, and what `header` says of the stream; shards are not in it.
  [[nodiscard]] Result<Meta> changeable() const;
  /// How many entries the map has, after mapping those that are new.
  [[nodiscard]] Result<std::uint32_t> shards();
  /// Below shards().
  [[nodiscard]] ShardEntry& entry(std::uint32_t number) const noexcept {
    return reinterpret_cast<ShardEntry*>(whole_.data() + kMapOffset)[number];
  }
  /// A checked copy. Nothing: no correct process writes that.
  [[nodiscard]] std::optional<ShardRecord> shard(std::uint32_t number) const;
  /// changeable(), and all shards.
  [[nodiscard]] Result<Meta> meta();

  /// Whether somebody has the lock, or is stopped with it.
  [[nodiscard]] bool is_being_changed() const noexcept;

  // The rest by whoever has the lock.

  /// Errors kBusy, which names who has it; kDeleted.
  [[nodiscard]] Result<void> lock();
  void unlock() noexcept;
  /// Brings the file to what `meta` says: settings, tags, children, closed shards, new entries with
  /// these journals, which may be absent; in an order that lets everybody go on at any time.
  Result<void> apply(const Meta& meta, const std::vector<NamedJournal>& journals);
  /// Makes everybody look at the map again.
  void tell_changed() noexcept;
  /// Takes the stream off the bus: from now on every call of everybody says so.
  void mark_deleted() noexcept;
  /// The name. Whoever is first wins; one of another stream stays.
  void remove_name() noexcept;

  /// For people; plain additions. May throw std::bad_alloc at its first use.
  void count(const shm::Participant& me, Counter counter, std::uint64_t by = 1) {
    if (counts_ == nullptr) [[unlikely]]
      begin_counting(me);
    counts_->add(counts_->stripe().counters[counter], by);
  }
  /// In the child of a fork.
  void disown_counts() noexcept {
    if (counts_ != nullptr) counts_->disown();
  }
  [[nodiscard]] std::uint64_t sum(Counter counter) const noexcept;
  /// Of shared memory, without the journals.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return whole_.bytes(); }

 private:
  ControlFile(std::shared_ptr<shm::BusFiles> bus, std::string name)
      : bus_(std::move(bus)), name_(std::move(name)) {}
  Result<void> map();
  void begin_counting(const shm::Participant& me);
  [[nodiscard]] std::byte* place(std::uint64_t which) const noexcept {
    return fixed_.data() + kChangeableOffset + (which & 1) * kMetaBytesMax;
  }
  void write_changeable(const Meta& meta) noexcept;
  Result<void> append(const Meta& meta, const std::vector<NamedJournal>& journals);

  std::shared_ptr<shm::BusFiles> bus_;
  std::string name_;
  sys::Fd file_;
  sys::Mapping fixed_;  ///< up to the map
  sys::Mapping whole_;  ///< all of it, mapped anew when the map has grown
  std::unique_ptr<shm::StripeOwner<UserCounts>> counts_;
  std::uint64_t stream_id_ = 0;
  std::uint64_t ring_bytes_ = 0;
  StreamStorage storage_ = StreamStorage::kLog;
};

/// Names of the streams that have a control file, in order.
[[nodiscard]] Result<std::vector<std::string>> control_names(const shm::BusFiles& bus);

}  // namespace ringpost::stream
