// What a stream needs of the participant that opened it, and what the participants of one process
// share.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "journal/journal_file.hpp"
#include "shm/participant.hpp"
#include "stream/control_file.hpp"
#include "stream/state_directory.hpp"

namespace ringpost::stream {

/// Takes away what has a log: another bus has had those meanwhile. What shared memory says of them
/// is of an earlier time.
void drop_outdated(const std::shared_ptr<shm::BusFiles>& bus);

/// Of one process and bus. Threads  any.
class Shared {
 public:
  explicit Shared(std::shared_ptr<shm::BusFiles> bus) : bus_(std::move(bus)) {}

  /// The bus's directory on disk: looked for when it is needed. As StateDirectory::open().
  Result<std::shared_ptr<StateDirectory>> state(bool create);
  /// Mapped once. As JournalFile::open().
  Result<std::shared_ptr<journal::JournalFile>> journal(std::uint64_t id);

 private:
  std::shared_ptr<shm::BusFiles> bus_;
  std::mutex mutex_;
  std::shared_ptr<StateDirectory> state_;
  std::unordered_map<std::uint64_t, std::weak_ptr<journal::JournalFile>> journals_;
};

struct Membership {
  shm::Participant& me;
  std::shared_ptr<Shared> shared;
  std::function<void()> clear_up;  ///< sweeps if somebody died; cheap when all live
  std::shared_ptr<void> keep_alive;
  /// Another participant of this process, for a thread of its own.
  std::function<Result<Membership>()> another;

  [[nodiscard]] shm::BusFiles& bus() const noexcept { return me.bus(); }
  [[nodiscard]] std::uint64_t wall_ns() const noexcept { return me.bus().time().wall_ns(); }
  [[nodiscard]] std::uint64_t now_ns() const noexcept { return me.bus().time().precise_ns(); }
};

/// A journal for a shard whose log ends at `log_end`. Nothing names it yet.
[[nodiscard]] Result<NamedJournal> make_journal(const Membership& member, std::uint64_t stream_id,
                                                std::uint32_t number, StreamStorage storage,
                                                std::uint64_t ring_bytes, std::uint64_t log_end);

/// Who lives, and what to do about the dead while one waits. Outlived by the membership.
class Alive final : public journal::Liveness {
 public:
  explicit Alive(const Membership& member) : bus_(member.me.bus_pointer()), member_(member) {}
  [[nodiscard]] bool is_alive(std::uint64_t creator_word) const noexcept override {
    return bus_.is_alive(creator_word);
  }
  void clear_up() const noexcept override { member_.clear_up(); }

 private:
  journal::BusLiveness bus_;
  const Membership& member_;
};

}  // namespace ringpost::stream
