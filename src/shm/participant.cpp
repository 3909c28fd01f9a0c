#include "shm/participant.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <mutex>

#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::shm {
namespace {

std::mutex attached_mutex;
Participant* attached_first = nullptr;

void copy_command(char (&into)[40]) noexcept {
  std::memset(into, 0, sizeof into);
  if (FILE* file = std::fopen("/proc/self/comm", "re")) {
    if (std::fgets(into, sizeof into, file) != nullptr) into[std::strcspn(into, "\n")] = '\0';
    std::fclose(file);
  }
}

/// [high] acq_rel: before the entry goes live, so that no sweep and no look at hazards misses it.
void raise_high(std::atomic<std::uint32_t>& high, std::uint32_t to) noexcept {
  std::uint32_t seen = high.load(std::memory_order_relaxed);
  while (seen < to && !high.compare_exchange_weak(seen, to, std::memory_order_acq_rel)) {
  }
}

}  // namespace

Result<std::unique_ptr<Participant>> Participant::attach(std::shared_ptr<BusFiles> bus) {
  watch_forks();
  // Held until the lock is in the list that a fork goes through: else a child could keep it.
  const std::lock_guard guard(attached_mutex);
  auto lock = sys::open_file(bus->directory(), "bus");  // a file description of its own
  if (!lock) return Unexpected(lock.error());
  for (const bool of_the_dead : {false, true}) {
    for (std::uint32_t index = 1; index < bus->participants_max(); ++index) {
      const auto& entry = bus->participant(index).entry;
      if (EntryWord{entry.load(std::memory_order_acquire)}.live() != of_the_dead) continue;
      if (!sys::try_lock_byte(*lock, kLivenessByte + index)) continue;
      // The lock is mine: only I may change the entry now. [entry] acquire: all that the last
      // owner's sweeper did is behind us.
      const EntryWord seen{entry.load(std::memory_order_acquire)};
      if (seen.live() != of_the_dead) {
        sys::unlock_byte(*lock, kLivenessByte + index);
        continue;
      }
      if (!sys::open_file(bus->directory(), "bus")) {
        return sys::error(Errc::kNotFound, bus->path(), "the bus was removed meanwhile");
      }
      raise_high(bus->header().participants_high, index + 1);
      std::unique_ptr<Participant> me(new Participant(std::move(bus), std::move(*lock),
                                                      static_cast<std::uint16_t>(index),
                                                      seen.incarnation() + (of_the_dead ? 1 : 0)));
      if (of_the_dead) {
        me->heir_of_ = seen.incarnation();
      } else {
        me->introduce_myself();
      }
      return me;
    }
  }
  return sys::error(Errc::kTooManyAttached, bus->path(),
                    "every participant entry is in use; create the bus with a larger "
                    "participants_max");
}

void Participant::introduce_myself() noexcept {
  record().pid = ::getpid();
  record().attached_wall_ns = bus_->time().wall_ns();
  copy_command(record().command);
  record().hazards.limit.store(0, std::memory_order_relaxed);
  // [entry] release: whoever sees it live sees whose it is. The lock was mine before.
  record().entry.store(EntryWord::of(incarnation_, true).word, std::memory_order_release);
}

void Participant::begin_own_life() noexcept {
  for (auto& hazard : record().hazards.entries) hazard.store(0, std::memory_order_release);
  heir_of_.reset();
  introduce_myself();
}

Participant::Participant(std::shared_ptr<BusFiles> bus, sys::Fd lock, std::uint16_t index,
                         std::uint64_t incarnation)
    : bus_(std::move(bus)),
      lock_(std::move(lock)),
      index_(index),
      incarnation_(incarnation),
      hazards_(bus_->participant(index).hazards) {
  next_ = attached_first;
  if (next_ != nullptr) next_->previous_ = this;
  attached_first = this;
}

void Participant::watch_forks() {
  static std::once_flag fork_handler;
  std::call_once(fork_handler, [] {
    // The mutex is held across the fork, so that the list is whole in the child.
    ::pthread_atfork([] { attached_mutex.lock(); }, [] { attached_mutex.unlock(); },
                     [] {
                       Participant::close_locks_in_child();
                       attached_mutex.unlock();
                     });
  });
}

void Participant::close_locks_in_child() noexcept {
  for (Participant* each = attached_first; each != nullptr; each = each->next_) {
    each->lock_.close();
    each->forked_ = true;
  }
}

Participant::~Participant() {
  {
    const std::lock_guard guard(attached_mutex);
    if (next_ != nullptr) next_->previous_ = previous_;
    (previous_ != nullptr ? previous_->next_ : attached_first) = next_;
  }
  if (forked_ || heir_of_) return;
  // Nothing names this entry any more (the queues saw to that); the lock goes last. [entry]
  bus_->participant(index_).entry.store(EntryWord::of(incarnation_ + 1, false).word,
                                        std::memory_order_release);
}

bool Participant::sees_dead() const noexcept {
  for (std::uint32_t index = 1; index < bus_->participants_high(); ++index) {
    const EntryWord entry{bus_->participant(index).entry.load(std::memory_order_acquire)};
    if (index != index_ && entry.live() && !sys::is_byte_locked(lock_, kLivenessByte + index)) {
      return true;
    }
  }
  return false;
}

std::string Participant::temporary_name() const {
  return std::to_string(index_) + "-" + std::to_string(incarnation_) + "-" +
         std::to_string(sys::unique_id());
}

std::unique_ptr<Sweeper> Sweeper::elect(const BusFiles& bus) {
  auto locks = sys::open_file(bus.directory(), "bus");
  if (!locks || !sys::try_lock_byte(*locks, kSweeperByte)) return nullptr;
  return std::unique_ptr<Sweeper>(new Sweeper(bus, std::move(*locks)));
}

std::unique_ptr<Sweeper> Sweeper::beside_a_stopped_one(const BusFiles& bus) {
  auto locks = sys::open_file(bus.directory(), "bus");
  return locks ? std::unique_ptr<Sweeper>(new Sweeper(bus, std::move(*locks))) : nullptr;
}

bool Sweeper::seize(std::uint32_t index) {
  const auto& entry = bus_.participant(index).entry;
  if (!EntryWord{entry.load(std::memory_order_acquire)}.live()) return false;
  if (!sys::try_share_byte(locks_, kLivenessByte + index)) return false;  // it lives
  if (EntryWord{entry.load(std::memory_order_acquire)}.live()) return true;
  sys::unlock_byte(locks_, kLivenessByte + index);
  return false;
}

void Sweeper::free_entry(std::uint32_t index) {
  ParticipantRecord& record = bus_.participant(index);
  for (auto& hazard : record.hazards.entries) hazard.store(0, std::memory_order_release);
  EntryWord entry{record.entry.load(std::memory_order_acquire)};
  if (!entry.live()) return;  // by another sweeper
  // [entry] release: my clearing up comes before the entry can be used again.
  record.entry.compare_exchange_strong(entry.word,
                                       EntryWord::of(entry.incarnation() + 1, false).word,
                                       std::memory_order_release, std::memory_order_relaxed);
}

void Sweeper::release(std::uint32_t index) { sys::unlock_byte(locks_, kLivenessByte + index); }

bool is_alive(const BusFiles& bus, std::uint32_t index) {
  auto probe = sys::open_file(bus.directory(), "bus");
  return probe && sys::is_byte_locked(*probe, kLivenessByte + index);
}

}  // namespace ringpost::shm
