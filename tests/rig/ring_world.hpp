// Inside of RingStage: the shared bytes, the participants' private halves, the judges.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "rig/fake_blocks.hpp"
#include "rig/ledger.hpp"
#include "rig/ring_stage.hpp"
#include "rig/runtime.hpp"
#include "ring/limbo.hpp"
#include "ring/receiver.hpp"
#include "ring/ring.hpp"
#include "ring/ring_view.hpp"
#include "ring/sender.hpp"
#include "ring/settle.hpp"
#include "ring/sweep.hpp"

namespace ringpost::rig {

struct RingWorld {
  static constexpr int kJudge = RingStage::kJudge;
  static constexpr std::uint64_t kVisibility = RingStage::kVisibility;
  static constexpr std::uint64_t kDelay = RingStage::kDelay;
  static constexpr std::uint64_t kTick = RingStage::kTick;
  static constexpr std::uint32_t kSlotsMax = 4;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::size_t kHeldMax = 12;
  static constexpr std::uint32_t kStride = 64;
  static constexpr std::uint64_t kClockBegin = 1'000;
  static constexpr std::uint64_t kClockEnd = 500'000;  ///< everything but hours is over
  static constexpr int kFreshId = 44;

  struct Shared {
    alignas(
        base::kHotLineBytes) std::byte ring[ring::RingGeometry::of(kSlotsMax, kStride).file_bytes];
    shm::WaitWord senders;
    shm::WaitWord receivers;
    std::atomic<std::uint32_t> participants;
    std::atomic<std::uint64_t> clock;
    std::atomic<std::uint32_t> dead[kParticipants];
    FakeBlocks::Cells blocks;
    shm::HazardRecord hazards[kParticipants];
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
                shm::HazardRecord& record)
        : hazards(record), ring(view, around), sender(ring, me), receiver(ring, me, hazards) {}
    shm::HazardOwner hazards;
    ring::Ring ring;
    ring::Sender sender;
    ring::Receiver receiver;
    std::array<Held, kHeldMax> held{};
    std::size_t held_count = 0;
    Asleep asleep;
    bool unfinished = false;  ///< stands still with a claim until the check
    std::uint64_t claimed = 0;
    int claimed_id = 0;
  };

  /// One slot as it is, seen by a judge.
  struct Sight {
    ring::LeaseWord word;
    ring::Claim claim;
    std::uint64_t publish = 0;
    [[nodiscard]] bool visible() const noexcept;
    [[nodiscard]] bool over(std::uint64_t now) const noexcept {
      return word.state() == ring::LeaseState::kLeased && word.deadline() <= now;
    }
    [[nodiscard]] bool free() const noexcept;
  };
  using Sights = std::array<Sight, kSlotsMax>;

  enum class Sending : std::uint8_t { kPlain, kDelayed, kInBlock };

  explicit RingWorld(std::uint32_t slots);
  void prepare();
  [[nodiscard]] Participant& of(int who) { return *participants[static_cast<std::size_t>(who)]; }

  // ring_world.cpp
  bool send(int me, int id, Sending how);
  bool claim(int me, int id, std::uint64_t& position);
  void fill(int me, std::uint64_t position, int id, const shm::BlockRef* block);
  void delay(int me, std::uint64_t position, int id);
  void finish(int me, Sending how);
  bool receive(int me, bool in_place, std::uint64_t visibility);
  [[nodiscard]] int read(std::uint32_t slot, bool& intact);
  void read_again(int me, Held& held);
  void give_up_view(int me, Held& held);
  Held* first_held(int me);
  void drop_first(int me);
  void acknowledge(int me, bool by_receipt);
  void sweep(int me);

  // ring_judge.cpp
  [[nodiscard]] Sights look();
  void judge_full(const Sights& before);
  void judge_empty(const Sights& before);
  [[nodiscard]] std::uint64_t head_of(const Sights& sights) const;
  std::string check();
  void judge_sleepers();
  void recover();
  void judge_fresh();
  void judge_rest();
  void drain();
  [[nodiscard]] std::string describe(const void* address) const;
  [[nodiscard]] int id_at(std::uint32_t slot, std::uint64_t lap) const;

  ring::RingGeometry geometry;
  ring::RingView view;
  Shared shared{};
  shm::HazardBoard board;
  FakeBlocks blocks;
  Ledger ledger;
  std::array<std::optional<Participant>, kParticipants> participants;
  std::array<int, 256> ids{};                             ///< by position
  std::array<std::uint64_t, Ledger::kMessagesMax> due{};  ///< by id; 0: not delayed
  std::array<std::byte, ring::RingGeometry::of(kSlotsMax, kStride).file_bytes> image{};
  bool fenced = false;
  bool retired = false;          ///< sealed: what is in it now is lost
  bool nothing_is_late = false;  ///< see RingStage::tick_long()
  bool somebody_died = false;
  bool somebody_died_running = false;  ///< not in the state where it begins
};

}  // namespace ringpost::rig
