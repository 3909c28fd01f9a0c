// One participant's end of the log of a durable queue: a journal whose records are those of
// record.hpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "durable/home.hpp"
#include "durable/record.hpp"
#include "journal/failed_log.hpp"
#include "journal/journal.hpp"
#include "journal/segment_log.hpp"
#include "shm/participant.hpp"

namespace ringpost::durable {

inline constexpr std::uint32_t kCellsLog2 = 17;  ///< 8 MiB: so much may be under way to the disk
/// Of a message with its attributes: four of them must fit the ring of the journal.
inline constexpr std::uint64_t kMessageBytesMax = 1u << 20;

/// Threads   one at a time.
/// Blocking  where a deadline is given (monotonic, of the bus's clock), and as the disk does. With
///           none the disk may still be written by this participant, for all.
/// Crash     a record that was not published is none. What was published is in shared memory; on
///           disk it is once somebody has waited for it, or for one behind it.
class QueueLog {
 public:
  /// `clear_up`: sweeps if somebody died; cheap when all live.
  static Result<std::unique_ptr<QueueLog>> open(Home& home, const shm::Participant& me,
                                                const std::string& queue, std::uint64_t journal,
                                                std::uint64_t segment_bytes,
                                                std::function<void()> clear_up);
  /// The journal of a queue that is being made or recovered; see JournalFile::create().
  static Result<std::shared_ptr<journal::JournalFile>> make_journal(const shm::Participant& creator,
                                                                    std::uint64_t start);

  /// A record of so many bytes, to be written and published. Waits for room. Errors kTimedOut,
  /// kNoSpace, kLogFailed, kTooLarge, and those of opening the log.
  Errc claim(std::size_t bytes, std::uint64_t deadline_ns, journal::Claim& into) noexcept;
  void publish(const journal::Claim& claim) noexcept;
  void abandon(const journal::Claim& claim) noexcept { journal_->producer().abandon(claim); }
  [[nodiscard]] Stamp stamp(const journal::Claim& claim) const noexcept {
    return {claim.position, static_cast<std::int64_t>(me_.bus().time().wall_ns())};
  }

  /// Waits for room as claim() does, then writes the whole record.
  Errc send(const Message& message, std::uint64_t deadline_ns) noexcept;
  Errc remove(const MessageId& id, std::uint64_t deadline_ns) noexcept;
  Errc mark(Kind kind, const Mark& mark) noexcept;
  Errc voided(const MessageId& id, std::uint64_t deadline_ns) noexcept;
  Errc known(const KnownId& id, std::uint64_t deadline_ns) noexcept;
  /// The message is gone. Waits for nobody: without room it is written later, unless this
  /// participant dies first; then the message comes back once shared memory is lost.
  void removed(const MessageId& id) noexcept;
  /// Waits for nobody: without room it is left out.
  void received(const Received& what) noexcept;

  /// wait_durable() waits for what others have published so far, too.
  void include_others() noexcept;
  /// Somebody will wait: a writer of its own begins now.
  void want() noexcept {
    if (has_last_) journal_->want(last_ + 1);
  }
  /// Until everything that I have published is on disk. Errors as claim().
  Errc wait_durable(std::uint64_t deadline_ns) noexcept;
  /// kLogFailed: nothing becomes durable any more.
  [[nodiscard]] Errc state() const noexcept {
    return journal_->failed() != 0 ? Errc::kLogFailed : Errc::kOk;
  }
  /// Goes on with a log that has failed: see journal::recover_failed(). Nothing: it has not.
  Result<std::optional<RecoveredLog>> recover();
  /// Writes what stands in the journal, if nobody else is at it. For a pause, and before the end.
  void drain() noexcept;

  /// For a call that may wait so long; the disk gets a few seconds in any case.
  [[nodiscard]] std::uint64_t deadline_ns(Duration wait) const noexcept;
  [[nodiscard]] journal::Journal& journal() noexcept { return *journal_; }
  [[nodiscard]] disk::Directory& directory() noexcept { return *directory_; }
  /// For a writer of its own, which may have so many writes under way.
  [[nodiscard]] std::unique_ptr<journal::SegmentLog> make_port(std::uint32_t in_flight) const;
  [[nodiscard]] const journal::Liveness& alive() const noexcept { return alive_; }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
  [[nodiscard]] std::uint64_t disk_bytes() noexcept;
  [[nodiscard]] std::uint64_t segment_bytes() const noexcept { return segment_bytes_; }
  /// Records of this participant.
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_bytes_; }

 private:
  /// Asks the housekeeper while it waits.
  class Alive final : public journal::Liveness {
   public:
    Alive(std::shared_ptr<const shm::BusFiles> bus, std::function<void()> clear_up)
        : liveness_(std::move(bus)), clear_up_(std::move(clear_up)) {}
    [[nodiscard]] bool is_alive(std::uint64_t creator_word) const noexcept override {
      return liveness_.is_alive(creator_word);
    }
    void clear_up() const noexcept override { clear_up_(); }

   private:
    journal::BusLiveness liveness_;
    std::function<void()> clear_up_;
  };

  QueueLog(const shm::Participant& me, const std::string& queue, std::function<void()> clear_up)
      : me_(me), queue_(queue), alive_(me.bus_pointer(), std::move(clear_up)) {}
  template <class Write>
  Errc append(std::size_t bytes, std::uint64_t deadline_ns, Write&& write) noexcept;
  void pay_debts() noexcept;

  const shm::Participant& me_;
  const std::string queue_;
  Alive alive_;
  std::unique_ptr<disk::Directory> directory_;
  std::unique_ptr<journal::Journal> journal_;
  std::uint64_t segment_bytes_ = 0;
  std::uint64_t start_ = 0;  ///< of the journal
  std::uint64_t written_bytes_ = 0;
  std::vector<MessageId> owed_;  ///< removed, for which there was no room
  std::uint64_t last_ = 0;       ///< position of the last record that matters to me
  bool has_last_ = false;
};

}  // namespace ringpost::durable
