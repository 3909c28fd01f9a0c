// One participant's handle of a journal: claim, publish, read, and wait for what others do.
#pragma once

#include <memory>

#include "base/time_source.hpp"
#include "journal/drain_role.hpp"
#include "journal/journal_file.hpp"
#include "journal/producer.hpp"
#include "journal/reader.hpp"
#include "journal/walk.hpp"

namespace ringpost::journal {

/// Threads   one at a time; look(), still_there(), who_blocks() any.
/// Blocking  claim, publish, abandon, look: never. The waits: until their deadline, and as long as
///           a disk operation takes that this participant has begun for all.
/// Crash     see Producer and DrainRole.
/// Fork      the child does nothing with it, not even let go of the role.
class Journal {
 public:
  /// `log`: null in a journal of kind kMemory, and for who never writes the log.
  Journal(std::shared_ptr<JournalFile> file, const shm::Participant& me, const Liveness& alive,
          std::unique_ptr<LogPort> log);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] const JournalView& view() const noexcept { return view_; }
  [[nodiscard]] JournalFile& file() noexcept { return *file_; }
  /// claim, publish, abandon, close, frontier.
  [[nodiscard]] Producer& producer() noexcept { return producer_; }

  [[nodiscard]] Errc look(std::uint64_t position, Seen& into) const noexcept {
    return journal::look(view_, position, into);
  }
  [[nodiscard]] bool still_there(std::uint64_t position) const noexcept {
    return journal::still_there(view_, position);
  }
  /// Records below it survive the loss of power.
  [[nodiscard]] std::uint64_t durable() const noexcept;
  /// Records below it may be gone from the ring.
  [[nodiscard]] std::uint64_t low() const noexcept;

  /// Deadlines: monotonic, of the bus's clock; 0 waits for nobody else.
  ///
  /// Until the record at `position` is durable. Takes the writer role if nobody has it. Errors
  /// kTimedOut (see who_blocks), kLogFailed, kNoSpace (at the deadline: the log has had no room),
  /// and those of opening the log.
  Errc wait_durable(std::uint64_t position, std::uint64_t deadline_ns) noexcept;
  /// After kFull: until a claim of so many bytes may succeed. Errors as above; without a log
  /// kTimedOut alone.
  Errc wait_room(std::size_t bytes, std::uint64_t deadline_ns) noexcept;
  /// Until look(position) may say something else than kEmpty. Error kTimedOut.
  Errc wait_published(std::uint64_t position, std::uint64_t deadline_ns) noexcept;
  /// For readers that follow what is durable: somebody wants everything below `end`. No waiting.
  void want(std::uint64_t end) noexcept;

  [[nodiscard]] Blocker who_blocks(std::uint64_t position) const noexcept {
    return journal::who_blocks(view_, position);
  }

 private:
  Errc drain_until(std::uint64_t position) noexcept;

  std::shared_ptr<JournalFile> file_;
  const JournalView view_;
  const shm::Participant& me_;
  const base::TimeSource time_;
  Producer producer_;
  std::unique_ptr<LogPort> log_;
  std::unique_ptr<DrainRole> role_;
};

}  // namespace ringpost::journal
