// Inside of FanoutStage: the bus, the participants' private halves, the judges.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "client/member.hpp"
#include "rig/fanout_stage.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "rig/temporary_folder.hpp"
#include "ring/sweep.hpp"
#include "topic/fanout.hpp"
#include "topic/fanout_sweep.hpp"

namespace ringpost::rig {

struct FanoutStage::World final : topic::OpenQueues {
  static constexpr std::uint32_t kSlotsShared = 4;
  static constexpr std::uint32_t kBlocksShared = 40;  // eight for each who allocates
  static constexpr std::uint32_t kDead = 1;
  static constexpr std::uint32_t kBuried = 2;  ///< and its entry may be used again

  class NobodyElse final : public queue::Housekeeper {
    void clear_up() noexcept override {}
  };
  struct Participant {
    std::unique_ptr<shm::Participant> self;
    // Of one run; destroyed before the next, when nobody cares what becomes of shared memory.
    std::unique_ptr<shm::Arena> arena;
    std::array<std::unique_ptr<detail::QueueCore>, kQueues> cores;
    std::unique_ptr<topic::Fanout> fanout;
    Leases* held = nullptr;
    int held_id = 0;
    int held_in = 0;
  };
  /// What became of a publish, and where each of its deliveries may be.
  struct Publish {
    int id = 0;
    std::vector<To> to;
    bool answered = false;
    bool moves = false;     ///< a delivery may move on to the dead letters
    bool happened = false;  ///< of one that moves: it was accepted
  };
  struct Kept {
    std::byte* at;
    std::vector<std::byte> bytes;
  };

  struct LeaseMemory {
    alignas(Leases) std::byte bytes[sizeof(Leases)];
  };

  World();
  ~World() override;
  Leases* new_leases();
  void forget_run();
  void prepare();
  void share_all();
  void keep(void* at, std::size_t bytes);
  void publish(int me, int id, const std::vector<To>& to);
  bool receive(int me, int queue, bool* empty = nullptr);
  void acknowledge(int me, bool by_receipt);
  void finish_reading(int me);
  void purge(int me, int queue);
  void sweep(int me);
  void clear_up_after(int me, int who);
  bool is_in_mid_publish(int me);
  std::string check();
  void recover();
  void drain();
  void judge_memory();
  void judge_publishes();
  void judge_rest();
  std::string describe(const void* address);

  [[nodiscard]] Participant& of(int who) { return participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] queue::QueueMapping& mapping(int queue) {
    return *mappings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] const ring::RingView& view(int queue) { return mapped(queue).view; }
  [[nodiscard]] queue::MappedRing& mapped(int queue) {
    return *rings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] ring::Surroundings around(int me, int queue) {
    queue::QueueHeader& header = mapping(queue).header();
    return {header.senders, header.receivers, context->files->hazards(), *of(me).arena, false};
  }
  [[nodiscard]] queue::Membership membership(int me) {
    return {*of(me).self, *of(me).arena, context->queues, nobody_else, nullptr};
  }
  [[nodiscard]] static int key(int id, int queue) { return id * 4 + queue; }
  [[nodiscard]] int find_ring(std::uint64_t ring_id) {
    for (int q = 0; q < kQueues; ++q) {
      if (mapped(q).ring_id == ring_id) return q;
    }
    return -1;
  }

  // topic::OpenQueues
  std::shared_ptr<queue::QueueMapping> queue(std::uint64_t queue_id) override {
    for (const auto& each : mappings) {
      if (each->queue_id() == queue_id) return each;
    }
    return nullptr;
  }
  bool publish(const shm::BackReference& where) override {
    const int q = find_ring(where.ring_id);
    if (q < 0) return true;
    ring::Ring ring(view(q), around(sweeping, q));
    ring::publish_named(ring, where.slot, where.lap);
    return true;
  }
  bool is_gone(const shm::BackReference& where) override {
    const int q = find_ring(where.ring_id);
    return q >= 0 && ring::is_gone(view(q), where.slot, where.lap);
  }
  bool look_again() override { return true; }
  bool has_all() override { return true; }
  Result<std::shared_ptr<topic::Turn>> turn(std::uint64_t /*topic_id*/) override {
    return Unexpected(Error{.code = Errc::kNotFound});
  }

  TemporaryFolder folder;
  ManualClock clock;
  std::shared_ptr<client::Context> context;
  NobodyElse nobody_else;
  std::array<Participant, kJudge + 1> participants;
  std::array<std::shared_ptr<queue::QueueMapping>, kQueues> mappings;
  std::array<std::shared_ptr<queue::MappedRing>, kQueues> rings;
  std::vector<Kept> image;
  std::vector<std::unique_ptr<LeaseMemory>> lease_memory;
  Ledger ledger;
  std::vector<Publish> publishes;
  std::atomic<std::uint32_t> dead[kJudge + 1] = {};
  std::array<bool, kQueues> may_refuse{};
  std::array<bool, Ledger::kMessagesMax> may_be_gone{};  ///< purged, or about to be
  int sweeping = 0;
  bool buries = false;
};

}  // namespace ringpost::rig
