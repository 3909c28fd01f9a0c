// Inside of DurableStage: the bus, the disks, the participants' private halves, the judges.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/member.hpp"
#include "journal/view.hpp"
#include "rig/durable_stage.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "rig/temporary_folder.hpp"
#include "support/sim_disk.hpp"

namespace ringpost::rig {

struct DurableWorld {
  static constexpr int kJudge = DurableStage::kJudge;
  static constexpr int kQueues = 2;
  static constexpr std::uint32_t kSlots = 64;
  static constexpr std::uint32_t kSlotsShared = 4;
  static constexpr std::uint32_t kCellsLog2 = 7;
  static constexpr std::uint32_t kDead = 1;
  static constexpr std::uint32_t kBuried = 2;
  static constexpr std::uint64_t kTickNs = 20'000'000'000;

  /// Goes on for a participant who sleeps, a few looks later, until his deadline is over.
  struct ItsClock final : Clock {
    explicit ItsClock(DurableWorld& its_world) : world(its_world) {}
    [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override;
    [[nodiscard]] std::uint64_t wall_ns() const noexcept override {
      return 1'700'000'000'000'000'000 + monotonic_ns();
    }
    DurableWorld& world;
  };
  struct ItsHousekeeper final : queue::Housekeeper {
    explicit ItsHousekeeper(DurableWorld& its_world) : world(its_world) {}
    void clear_up() noexcept override;
    bool flush_logs() override;
    DurableWorld& world;
  };
  struct Participant {
    std::unique_ptr<shm::Participant> self;
    // Of one run.
    std::unique_ptr<shm::Arena> arena;
    std::array<std::unique_ptr<detail::QueueCore>, kQueues> cores;
    Leases* held = nullptr;
    int held_id = 0;
    int sleeps = 0;
  };
  /// What is known of a message.
  struct Fact {
    bool begun = false;
    bool told = false;          ///< a send has returned
    int ending = 0;             ///< calls that have acknowledged or purged it, or may have
    std::uint64_t gone_at = 0;  ///< end of the journal when its end was told; 0: it was not
    std::uint64_t position = 0;
    std::uint32_t told_at = 0;
    std::uint32_t begun_at = 0;
  };
  static constexpr std::size_t kMessages = Ledger::kMessagesMax;
  struct Journal {
    alignas(base::kPageBytes) std::byte bytes[journal::JournalGeometry::of(kCellsLog2).file_bytes];
  };
  struct Kept {
    std::byte* at;
    std::vector<std::byte> bytes;
  };
  struct State {
    std::vector<Kept> memory;
    std::array<std::unique_ptr<sim::Disk>, kQueues> disks;
    std::array<Fact, kMessages> facts{};
    Ledger ledger;
    std::uint32_t moment = 0;
  };
  struct LeaseMemory {
    alignas(Leases) std::byte bytes[sizeof(Leases)];
  };
  struct Lock {
    int who = 0;
    int fd = -1;
  };
  /// What the log of a queue has after the loss of power.
  struct Found {
    std::array<int, kMessages> count{};
    std::vector<int> order;
    std::vector<std::uint64_t> ids;  ///< positions, of those that are known
    std::uint64_t end = 0;
    std::string wrong;
  };

  explicit DurableWorld(const DurableShape& its_shape);
  ~DurableWorld();
  DurableWorld(const DurableWorld&) = delete;
  DurableWorld& operator=(const DurableWorld&) = delete;

  void prepare(DurableStage& stage, const DurableStage::Base& base);
  void restore(const State& state);
  void capture(State& state);
  void open_cores();
  void forget_run();
  void share_all();
  Leases* new_leases();

  Participant& begin(int me);
  [[nodiscard]] int current() const;
  void slept();
  void send(int me, const std::vector<int>& ids);
  void may_be_purged(int id);
  void told(int id, const MessageId& as);
  bool receive(int me, int queue, bool* empty = nullptr);
  void acknowledge(int me, int queue);
  void sweep(int me);
  void clear_up_after(int me, int who);
  void die(int participant);
  Result<sys::Fd> lock_log();
  Result<std::unique_ptr<disk::Directory>> mount(const std::string& queue);

  // Judges: durable_judge.cpp
  std::string check();
  void drain_all();
  void stepped(int queue, sim::Step step);
  void judge_power();
  [[nodiscard]] const char* wrong_with(std::size_t id);
  void judge_order(const Found& found);
  [[nodiscard]] Found read(int queue);
  void judge_rest();
  std::string describe(const void* address);

  [[nodiscard]] Participant& of(int who) { return participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] detail::QueueCore& core(int who, int queue) {
    return *of(who).cores[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] queue::QueueMapping& mapping(int queue) {
    return *mappings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] queue::MappedRing& mapped(int queue) {
    return *rings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] const ring::RingView& view(int queue) { return mapped(queue).view; }
  [[nodiscard]] journal::JournalView journal(int queue);
  [[nodiscard]] ring::Surroundings around(int me, int queue) {
    queue::QueueHeader& header = mapping(queue).header();
    return {header.senders, header.receivers, context->files->hazards(), *of(me).arena, false};
  }
  [[nodiscard]] queue::Membership membership(int me) {
    return {*of(me).self, *of(me).arena, context->queues, housekeeper, nullptr};
  }
  [[nodiscard]] Fact& fact(int id) { return facts[static_cast<std::size_t>(id) % kMessages]; }
  static std::string name_of(int queue) { return "q" + std::to_string(queue); }

  static DurableWorld* active;  ///< whose operations are running

  const DurableShape shape;
  TemporaryFolder folder;
  ItsClock clock{*this};
  ItsHousekeeper housekeeper{*this};
  std::shared_ptr<client::Context> context;
  std::array<Participant, kJudge + 1> participants;
  std::array<std::shared_ptr<queue::QueueMapping>, kQueues> mappings;
  std::array<std::shared_ptr<queue::MappedRing>, kQueues> rings;
  std::array<std::unique_ptr<Journal>, kQueues> journals;
  State fresh;
  std::map<std::string, State> bases;
  std::vector<std::unique_ptr<LeaseMemory>> lease_memory;
  std::vector<Lock> locks;
  std::array<int, 16> by_fiber{};  ///< by fiber
  int outside = kJudge;            ///< who acts outside of them

  // Of one run.
  std::array<std::unique_ptr<sim::Disk>, kQueues> disks;
  std::array<Found, kQueues> found;
  Ledger ledger;
  std::array<Fact, kMessages> facts;
  std::uint32_t moment = 0;
  std::uint64_t cuts = 0;
  std::uint64_t last_acknowledged = 0;
  bool buries = false;
  int purges = 0;           ///< that have begun
  int fillers = 0;          ///< sent
  bool is_purging = false;  ///< or its purger was killed
  bool is_judging = false;
  bool somebody_died = false;
  // Shared.
  struct Words {
    std::atomic<std::uint64_t> now_ns;
    std::atomic<std::uint64_t> disk;
    std::atomic<std::uint64_t> lock;
    std::atomic<std::uint32_t> dead[kJudge + 1];
  } words{};
};

}  // namespace ringpost::rig
