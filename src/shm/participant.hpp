// One attachment to a bus: an entry of the participants' table, and the kernel's word that it
// lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "shm/bus_files.hpp"
#include "shm/hazards.hpp"
#include "sys/file.hpp"

namespace ringpost::shm {

/// Threads   one at a time.
/// Crash     the kernel drops the liveness lock; the entry stays live until a sweeper, holding that
///           lock, has taken away what the dead one left, and only then may be used again.
/// Fork      in the child the lock's descriptor is closed and is_forked() is true from then on.
class Participant {
 public:
  /// Error kTooManyAttached when no entry is free. If the only ones left are of dead participants
  /// that nobody has swept yet, takes over one of those: then heir_of() names that incarnation, and
  /// the caller clears up after it before begin_own_life().
  static Result<std::unique_ptr<Participant>> attach(std::shared_ptr<BusFiles> bus);
  ~Participant();
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;

  [[nodiscard]] std::uint16_t index() const noexcept { return index_; }
  [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }
  [[nodiscard]] BusFiles& bus() const noexcept { return *bus_; }
  [[nodiscard]] const std::shared_ptr<BusFiles>& bus_pointer() const noexcept { return bus_; }
  [[nodiscard]] const std::optional<std::uint64_t>& heir_of() const noexcept { return heir_of_; }
  void begin_own_life() noexcept;
  [[nodiscard]] HazardOwner& hazards() noexcept { return hazards_; }
  [[nodiscard]] MoveNote& move_note() noexcept { return record().move; }
  [[nodiscard]] bool is_forked() const noexcept { return forked_; }

  /// Index and incarnation in one word: stands in files that this participant made.
  [[nodiscard]] std::uint64_t creator_word() const noexcept { return incarnation_ << 14 | index_; }
  /// Whether another participant looks dead: worth electing a sweeper. A system call for each.
  [[nodiscard]] bool sees_dead() const noexcept;

  /// A name in the bus's tmp directory that tells the sweeper whose it is.
  [[nodiscard]] std::string temporary_name() const;

 private:
  Participant(std::shared_ptr<BusFiles> bus, sys::Fd lock, std::uint16_t index,
              std::uint64_t incarnation);
  [[nodiscard]] ParticipantRecord& record() const noexcept { return bus_->participant(index_); }
  void introduce_myself() noexcept;
  static void watch_forks();
  static void close_locks_in_child() noexcept;

  std::shared_ptr<BusFiles> bus_;
  sys::Fd lock_;
  std::uint16_t index_;
  std::uint64_t incarnation_;
  HazardOwner hazards_;
  std::optional<std::uint64_t> heir_of_;
  bool forked_ = false;
  Participant* next_ = nullptr;  // of this process, for the fork handler
  Participant* previous_ = nullptr;
};

/// The sweeper's side: the only one that may take an entry away from a dead participant. One at a
/// time suffices; several do each other no harm. They share the dead one's liveness lock, so that
/// nobody uses its entry again before the last of them, though it be stopped, has let go of it.
class Sweeper {
 public:
  /// Nothing if another sweeper is at work.
  static std::unique_ptr<Sweeper> elect(const BusFiles& bus);
  /// For whoever has waited long for the elected one.
  static std::unique_ptr<Sweeper> beside_a_stopped_one(const BusFiles& bus);

  /// Calls `clear_up(index)` for each dead participant, holding its liveness lock, and frees the
  /// entry if it returns true; else words may name it still, and somebody tries again. Dying in
  /// between leaves the entry to the next sweeper, who does it all again.
  template <class ClearUp>
  std::uint32_t for_each_dead(ClearUp&& clear_up) {
    std::uint32_t dead = 0;
    for (std::uint32_t index = 1; index < bus_.participants_high(); ++index) {
      if (!seize(index)) continue;
      if (clear_up(static_cast<std::uint16_t>(index))) {
        free_entry(index);
        ++dead;
      }
      release(index);
    }
    return dead;
  }

 private:
  Sweeper(const BusFiles& bus, sys::Fd locks) : bus_(bus), locks_(std::move(locks)) {}
  bool seize(std::uint32_t index);
  void free_entry(std::uint32_t index);
  void release(std::uint32_t index);
  const BusFiles& bus_;
  sys::Fd locks_;
};

/// For people and the doctor: whether somebody holds the liveness lock of the entry.
[[nodiscard]] bool is_alive(const BusFiles& bus, std::uint32_t index);

}  // namespace ringpost::shm
