// What a Bus object is made of: shared mappings, a participant, its arena, and the sweeping.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "queue/queue_core.hpp"
#include "queue/queue_mapping.hpp"
#include "ringpost/bus.hpp"
#include "shm/arena.hpp"
#include "shm/participant.hpp"

namespace ringpost::client {

/// Of one process and bus: shared by the participants that clone() makes.
struct Context {
  explicit Context(std::shared_ptr<shm::BusFiles> bus)
      : files(std::move(bus)),
        segments(std::make_shared<shm::ArenaSegments>(files)),
        queues(files) {}
  std::shared_ptr<shm::BusFiles> files;
  std::shared_ptr<shm::ArenaSegments> segments;
  queue::QueueMappings queues;
  std::mutex streams_mutex;
  std::shared_ptr<void> streams;  ///< stream::Shared, once it is needed: see streams.hpp
};

/// One participant. Queues keep it alive.
class Member final : public queue::Housekeeper, public std::enable_shared_from_this<Member> {
 public:
  static Result<std::shared_ptr<Member>> attach(std::shared_ptr<Context> context);
  /// The one behind a Bus.
  [[nodiscard]] static Member& of(const Bus& bus) noexcept;

  [[nodiscard]] Context& context() noexcept { return *context_; }
  [[nodiscard]] const std::shared_ptr<Context>& context_pointer() const noexcept {
    return context_;
  }
  [[nodiscard]] shm::BusFiles& files() noexcept { return *context_->files; }
  [[nodiscard]] shm::Participant& me() noexcept { return *me_; }
  [[nodiscard]] const shm::Participant& me() const noexcept { return *me_; }
  [[nodiscard]] shm::Arena& arena() noexcept { return arena_; }

  [[nodiscard]] queue::Membership membership() {
    return {*me_, arena_, context_->queues, *this, shared_from_this()};
  }
  /// Any thread. A sweeper that has been at it for a second is taken to be stopped.
  void clear_up() noexcept override;
  void delete_queue(queue::QueueMapping& mapping) override;
  void bring_back(const std::string& queue) override;
  bool flush_logs() override;

  /// Sweeps what the former owner of my own entry left.
  Result<void> clear_up_inheritance();

  /// Sweeps the dead unless somebody else is at it; with `repair` also everything that a sweep can
  /// rebuild.
  Bus::Swept sweep(bool repair);
  /// Carries on, as far as they get now, the message move tasks there are. Returns how many
  /// messages were moved. The participant's thread.
  std::uint64_t carry_on_tasks();

 private:
  Member(std::shared_ptr<Context> context, std::unique_ptr<shm::Participant> me)
      : context_(std::move(context)), me_(std::move(me)), arena_(context_->segments, *me_) {}
  Bus::Swept sweep_as(shm::Sweeper& sweeper, bool repair);
  void clear_up_after_the_dead() noexcept;
  void relieve_tasks() noexcept;

  std::shared_ptr<Context> context_;
  std::unique_ptr<shm::Participant> me_;
  shm::Arena arena_;
  std::atomic<std::uint64_t> other_sweeps_since_ns_{0};  ///< 0: not that I know
  std::atomic<std::uint64_t> tasks_looked_ns_{0};        ///< when I last looked for tasks
  std::atomic<bool> relieving_{false};                   ///< I worked at one then
};

/// Marks the queue as deleted, wakes who waits on it, and removes its files. False: somebody else
/// had marked it.
bool take_off_the_bus(Member& member, queue::QueueMapping& mapping);
/// Takes the queue off the bus; finishes what another deleter began. Idempotent.
void delete_queue_files(Member& member, queue::QueueMapping& mapping);

}  // namespace ringpost::client

namespace ringpost {

struct Bus::Impl {
  std::shared_ptr<client::Member> member;
};

inline client::Member& client::Member::of(const Bus& bus) noexcept { return *bus.impl_->member; }

}  // namespace ringpost
