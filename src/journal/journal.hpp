// One participant's handle of a journal: claim, publish, read, and wait for what others do.
#pragma once

#include <memory>

#include "journal/journal_file.hpp"
#include "journal/producer.hpp"
#include "journal/reader.hpp"
#include "journal/waits.hpp"
#include "journal/walk.hpp"

namespace ringpost::journal {

/// Threads   one at a time; look(), still_there(), who_blocks() any.
/// Blocking  claim, publish, abandon, look: never. The waits: see Waits.
/// Crash     see Producer and DrainRole. The role is held within a wait alone.
/// Fork      the child does nothing with it.
class Journal {
 public:
  /// `log`: null in a journal of kind kMemory, and for who never writes the log. `alive` outlives
  /// it.
  Journal(std::shared_ptr<JournalFile> file, const shm::Participant& me, const Liveness& alive,
          std::unique_ptr<LogPort> log);
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
  [[nodiscard]] std::uint64_t durable() const noexcept {
    return view_.hot().durable.load(std::memory_order_acquire);  // [durable]
  }
  /// Records below it may be gone from the ring.
  [[nodiscard]] std::uint64_t low() const noexcept {
    return view_.hot().low.load(std::memory_order_acquire);  // [low]
  }
  /// The log cannot be written any more: its errno. 0: it can.
  [[nodiscard]] int failed() const noexcept {
    return static_cast<int>(view_.hot().failed.load(std::memory_order_acquire));
  }

  /// Until the record at `position` is durable; see Waits::put, and who_blocks() after
  /// kTimedOut.
  Errc wait_durable(std::uint64_t position, std::uint64_t deadline_ns) noexcept {
    return durable() > position ? Errc::kOk : waits_.put(position, deadline_ns);
  }
  /// After kFull: until a claim of so many bytes may succeed; see Waits::room.
  Errc wait_room(std::size_t bytes, std::uint64_t deadline_ns) noexcept {
    return waits_.room(producer_, bytes, deadline_ns);
  }
  /// Until look(position) may say something else than kEmpty. Error kTimedOut.
  Errc wait_published(std::uint64_t position, std::uint64_t deadline_ns) noexcept {
    return waits_.published(position, deadline_ns);
  }
  /// For readers that follow what is durable: somebody wants everything below `end`. No waiting.
  void want(std::uint64_t end) noexcept { waits_.want(end); }
  /// The same, by whoever will publish in front of `end` and wakes the writer by that.
  void will_want(std::uint64_t end) noexcept { raise(view_.hot().wanted, end); }  // [wanted]

  [[nodiscard]] Blocker who_blocks(std::uint64_t position) const noexcept {
    return journal::who_blocks(view_, position);
  }

 private:
  std::shared_ptr<JournalFile> file_;
  const JournalView view_;
  Producer producer_;
  std::unique_ptr<LogPort> log_;
  std::unique_ptr<DrainRole> role_;
  Waits waits_;
};

}  // namespace ringpost::journal
