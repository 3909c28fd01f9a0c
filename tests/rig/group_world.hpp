// Inside of GroupStage: the shared bytes, the participants' private halves, the judges.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "fair/receiver.hpp"
#include "fair/settle.hpp"
#include "group/attempts.hpp"
#include "group/groups.hpp"
#include "group/receiver.hpp"
#include "group/settle.hpp"
#include "rig/fake_blocks.hpp"
#include "rig/group_stage.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "ring/ring.hpp"
#include "ring/sender.hpp"

namespace ringpost::rig {

struct GroupWorld {
  static constexpr int kJudge = GroupStage::kJudge;
  static constexpr std::uint64_t kVisibility = GroupStage::kVisibility;
  static constexpr std::uint32_t kSlotsMax = 8;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::size_t kHeldMax = 12;
  static constexpr std::uint32_t kStride = 64;
  static constexpr std::uint64_t kClockBegin = 1'000;
  static constexpr std::uint64_t kClockEnd = 500'000;  ///< everything but hours is over
  static constexpr int kFreshId = 44;
  static constexpr std::uint64_t kRemembered = 10'000;  ///< of an attempt; deadline units
  static constexpr std::size_t kRingBytes =
      ring::RingGeometry::of(kSlotsMax, kStride, ring::RingKind::kFair).file_bytes;
  static constexpr std::size_t kTenants = ring::kTenantsMin;
  static_assert(kSlotsMax <= kTenants);

  struct Shared {
    alignas(base::kHotLineBytes) std::byte ring[kRingBytes];
    shm::WaitWord senders;
    shm::WaitWord receivers;
    std::atomic<std::uint32_t> participants;
    std::atomic<std::uint64_t> clock;
    std::atomic<std::uint32_t> dead[kParticipants];
    FakeBlocks::Cells blocks;
    shm::HazardRecord hazards[kParticipants];
    group::AttemptTable attempts;
  };

  /// What a participant knows of a message that it leased.
  struct Held {
    ring::Delivery delivery;
    ring::LeaseWord word;
    std::uint32_t hazard = 0;
    int id = 0;
    bool viewing = false;  ///< may be read in place
    bool mine = false;     ///< not another one's receipt
  };
  struct Asleep {
    const shm::WaitWord* at = nullptr;
    std::uint32_t seen = 0;
  };
  struct Participant {
    Participant(const ring::RingView& view, const ring::Surroundings& around, std::uint16_t me,
                shm::HazardRecord& record, group::AttemptTable& table)
        : hazards(record),
          ring(view, around),
          groups(ring),
          lists(ring),
          sender(ring, me),
          receiver(ring, groups, me, hazards),
          attempts(ring, table, me, hazards),
          fair(ring, lists, me, hazards) {}
    shm::HazardOwner hazards;
    ring::Ring ring;
    group::Groups groups;
    fair::Lists lists;
    ring::Sender sender;
    group::Receiver receiver;  ///< of a FIFO ring
    group::Attempts attempts;
    fair::Receiver fair;  ///< of a fair one
    std::array<Held, kHeldMax> held{};
    std::size_t held_count = 0;
    std::size_t call_begin = 0;  ///< held[call_begin …] come from the receive that runs
    Asleep asleep;
    bool unfinished = false;  ///< stands still with a claim until the check
    std::uint64_t claimed = 0;
    int claimed_id = 0;
    std::uint64_t calling = 0;  ///< the attempt that it makes, from beginning to end
    std::uint64_t inside = 0;   ///< the same while it is surely alone with it
    std::uint64_t entered = 0;  ///< when
  };

  /// A receive that runs.
  struct Call {
    std::uint32_t began = 0;  ///< by the ledger's time
    group::LeaseTimes times;
    bool in_place = false;
  };

  /// One slot as it is, seen by a judge.
  struct Sight {
    ring::LeaseWord word;
    ring::Claim claim;
    std::uint64_t publish = 0;
    std::uint64_t key = 0;
    /// A published message that is not acknowledged.
    [[nodiscard]] bool there() const noexcept;
    [[nodiscard]] bool visible() const noexcept;
    [[nodiscard]] bool free() const noexcept;
  };
  using Sights = std::array<Sight, kSlotsMax>;

  GroupWorld(std::uint32_t slots, ring::RingKind kind);
  [[nodiscard]] bool is_fair() const { return geometry.kind == ring::RingKind::kFair; }
  void prepare();
  [[nodiscard]] Participant& of(int who) { return *participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] std::uint64_t now() const { return shared.clock.load(std::memory_order_relaxed); }
  [[nodiscard]] group::Settler settler(int me) const {
    return {static_cast<std::uint16_t>(me), now()};
  }
  [[nodiscard]] static std::uint64_t key_of(int group) noexcept;

  // group_world.cpp
  bool send(int me, int id, int group, bool in_block, std::uint64_t due = 0);
  bool claim(int me, int id, std::uint64_t& position);
  void fill(int me, std::uint64_t position, int id, const shm::BlockRef* block);
  bool publish(int me, std::uint64_t position, int id, const shm::BlockRef* block,
               std::uint64_t due = 0);
  void finish(int me);
  int receive(int me, std::uint32_t count, bool in_place, std::uint64_t visibility);
  bool take(int me, const Call& call);
  int receive_attempt(int me, std::uint64_t id, std::uint32_t count, bool in_place);
  int receive_again(int me, const group::AttemptNotes& noted, bool in_place);
  [[nodiscard]] group::AttemptNotes notes_of_call(int me, std::uint64_t attempt);
  ring::Receiver::Outcome take(Participant& p, const Call& call, ring::Taken& taken) const;
  [[nodiscard]] int read(std::uint32_t slot, bool& intact);
  void read_again(int me, Held& held);
  void give_up_view(int me, Held& held);
  Held* held_at(int me, std::size_t index);
  void drop(int me, std::size_t index);
  void acknowledge(int me, std::size_t index, bool by_receipt);
  ring::Settled acknowledge(int me, const Held& held, const ring::LeaseWord* known);
  void repair(int me);
  void sweep(int me);

  // group_judge.cpp
  [[nodiscard]] bool calls(int besides, std::uint64_t attempt);
  void judge_alone(int me, std::uint64_t attempt);
  void judge_attempts();
  [[nodiscard]] Sights look();
  [[nodiscard]] std::uint64_t position_in(std::uint32_t slot, const Sight& sight) const;
  [[nodiscard]] bool is_first(const Sights& sights, std::uint32_t slot, std::uint64_t clock);
  void judge_full(const Sights& before);
  void judge_empty(const Sights& before);
  void judge_order(int me, const Sights& before, std::uint32_t slot);
  [[nodiscard]] std::uint64_t head_of(const Sights& sights) const;
  std::string check();
  void judge_sleepers();
  void let_the_living_finish();
  void judge_without_the_stopped();
  void sweep_twice();
  void drain();
  void judge_fresh();
  void judge_rest();
  void judge_tenants();
  [[nodiscard]] std::string describe(const void* address) const;
  [[nodiscard]] int id_at(std::uint32_t slot, std::uint64_t lap) const;

  ring::RingGeometry geometry;
  ring::RingView view;
  Shared shared{};
  shm::HazardBoard board;
  FakeBlocks blocks;
  Ledger ledger;
  std::array<std::optional<Participant>, kParticipants> participants;
  std::array<int, 256> ids{};                                    ///< by position
  std::array<int, Ledger::kMessagesMax> groups{};                ///< by id
  std::array<std::uint64_t, Ledger::kMessagesMax> sent{};        ///< by id: when
  std::array<std::uint64_t, Ledger::kMessagesMax> attempt_of{};  ///< by id: received under it
  std::array<std::byte, kRingBytes> image{};
  std::uint64_t queue_delay = 0;                 ///< deadline units
  std::array<std::uint32_t, kTenants> counts{};  ///< scratch memory of sweepers
  bool counted_anew = false;                     ///< perhaps beside others at work
  bool stopped_for_ever = false;                 ///< nobody sweeps before all deadlines are over
  bool attempts_made = false;                    ///< the table of attempts is looked at
  std::uint32_t attempt_events = 0;              ///< beginnings and ends
  bool somebody_died = false;
  bool somebody_died_running = false;  ///< not in the state where it begins
};

}  // namespace ringpost::rig
