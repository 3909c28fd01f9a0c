// A topic's file as one participant has it mapped, and the ways to change it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/result.hpp"
#include "shm/participant.hpp"
#include "shm/stripe_owner.hpp"
#include "topic/subscriptions.hpp"
#include "topic/turn.hpp"

namespace ringpost::topic {

/// Threads     one at a time.
/// Blocking    replay() and moved() never. change() waits up to two seconds for another writer that
///             may be stopped, then gives up with an error that names it.
/// Crash       a change is there completely or not at all: `end` decides; a replacement by the
/// name.
class TopicFile {
 public:
  /// Errors kNotFound, kWrongFormat, ….
  static Result<TopicFile> open(std::shared_ptr<shm::BusFiles> bus, const std::string& name);
  /// kExists if the name is taken. Several creators at once: one wins.
  static Result<TopicFile> create(const shm::Participant& creator, const std::string& name,
                                  const TopicSettings& settings, const Tags& tags = {});

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t topic_id() const noexcept { return topic_id_; }
  [[nodiscard]] std::uint64_t message_bytes_max() const noexcept {
    return changeable_.message_bytes_max;
  }
  /// As of the last replay().
  [[nodiscard]] const Changeable& changeable() const noexcept { return changeable_; }
  [[nodiscard]] bool is_fifo() const noexcept { return is_fifo_; }
  [[nodiscard]] Dedup dedup() const noexcept { return dedup_; }
  [[nodiscard]] DedupScope dedup_scope() const noexcept { return dedup_scope_; }
  /// Of a FIFO topic. May wait as change() does, if nobody has opened it before.
  [[nodiscard]] Result<std::shared_ptr<Turn>> open_turn(const shm::Participant& me);
  [[nodiscard]] TopicSettings settings() const;
  [[nodiscard]] TopicHeader& header() const noexcept {
    return *reinterpret_cast<TopicHeader*>(mapping_.data());
  }

  /// Whether the log has grown beyond what replay() has read, or the file is not the topic's any
  /// more. Two loads of a line that only subscribers write.
  [[nodiscard]] bool has_news() const noexcept {
    return header().end.load(std::memory_order_acquire) != read_ ||  // [topic-log]
           header().state.load(std::memory_order_acquire) != 0;
  }
  /// Gives `reader` every record since the last time. Errors kDeleted, kCorrupt.
  Result<void> replay(LogReader& reader);

  /// Calls `decide` as the only writer, when `reader` knows all, and appends what it returns.
  using Decide = std::function<Result<std::vector<LogEntry>>()>;
  Result<void> change(const shm::Participant& writer, LogReader& reader, const Decide& decide);

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

  /// Takes the topic off the bus; calls `first` before that, as the only writer. Waits as change()
  /// does. kNotFound: somebody else was faster.
  Result<void> remove(const std::function<void()>& first);

  /// Of a publish: grows, and is given out once.
  [[nodiscard]] std::uint64_t next_number() const noexcept {
    // relaxed: nothing else hangs on it
    return header().numbers.fetch_add(1, std::memory_order_relaxed) + 1;
  }

 private:
  TopicFile(std::shared_ptr<shm::BusFiles> bus, std::string name)
      : bus_(std::move(bus)), name_(std::move(name)) {}
  Result<void> map();
  void begin_counting(const shm::Participant& me);
  Result<void> check_header();
  Result<void> reopen();
  void begin_log();
  Result<std::uint64_t> mapped_end();
  Result<void> lock() const;
  [[nodiscard]] bool has_the_name() const;
  void unmark() noexcept;
  void remove_names() noexcept;
  Result<void> change_as_writer(const shm::Participant& writer, LogReader& reader,
                                const Decide& decide);
  Result<void> append(const std::vector<std::byte>& records);
  Result<void> replace_if_worth(const shm::Participant& writer, const LogReader& reader);

  std::shared_ptr<shm::BusFiles> bus_;
  std::string name_;
  sys::Fd file_;
  sys::Mapping mapping_;
  std::unique_ptr<shm::StripeOwner<PublisherCounts>> counts_;  ///< in the mapping
  std::uint64_t topic_id_ = 0;
  Changeable changeable_;
  bool is_fifo_ = false;
  Dedup dedup_ = Dedup::kOff;
  DedupScope dedup_scope_ = DedupScope::kQueue;
  std::uint64_t read_ = kLogOffset;  ///< of the log, by replay()
};

/// Over all who publish.
[[nodiscard]] std::uint64_t sum(const TopicHeader& header, Counter counter) noexcept;

/// Names of the topics of a bus, in order.
[[nodiscard]] Result<std::vector<std::string>> topic_names(const shm::BusFiles& bus);

}  // namespace ringpost::topic
