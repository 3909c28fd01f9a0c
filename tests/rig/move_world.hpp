// The two rings of MoveStage, who works on them, and what they were told.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "queue/task_table.hpp"
#include "rig/fake_blocks.hpp"
#include "rig/ledger.hpp"
#include "rig/move_stage.hpp"
#include "ring/receiver.hpp"
#include "ring/sender.hpp"
#include "ring/settle.hpp"
#include "shm/move_note.hpp"

namespace ringpost::rig {

struct MoveWorld {
  static constexpr int kJudge = MoveStage::kJudge;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::uint32_t kSlots = 2;
  static constexpr std::uint32_t kStride = 64;
  static constexpr std::uint64_t kVisibility = 100;
  static constexpr std::uint64_t kTick = 1'000;
  static constexpr std::uint64_t kClockEnd = 500'000;
  static constexpr ring::RingGeometry kGeometry = ring::RingGeometry::of(kSlots, kStride);

  struct SharedRing {
    alignas(base::kHotLineBytes) std::byte bytes[kGeometry.file_bytes];
    shm::WaitWord senders;
    shm::WaitWord receivers;
  };
  struct Shared {
    SharedRing rings[2];
    std::atomic<std::uint32_t> participants;
    std::atomic<std::uint64_t> clock;
    std::atomic<std::uint32_t> dead[kParticipants];
    FakeBlocks::Cells blocks;
    shm::HazardRecord hazards[kParticipants];
    shm::MoveNote notes[kParticipants];
    queue::TaskTable tasks;
    std::atomic<std::uint64_t> hint;
  };
  /// One participant's ends of one ring.
  struct Ends {
    Ends(const ring::RingView& view, const ring::Surroundings& around, std::uint16_t me,
         shm::HazardOwner& hazards)
        : ring(view, around), sender(ring, me), receiver(ring, me, hazards) {}
    ring::Ring ring;
    ring::Sender sender;
    ring::Receiver receiver;
  };
  struct Held {
    std::size_t where = 0;
    ring::Delivery delivery;
    std::uint32_t hazard = 0;
    int id = 0;
    bool viewing = false;
    bool settled = false;
  };
  struct Participant {
    explicit Participant(shm::HazardRecord& record) : hazards(record) {}
    shm::HazardOwner hazards;
    std::array<std::optional<Ends>, 2> ends;
    std::optional<Held> held;
    bool unfinished = false;  ///< has a claim that it never publishes
  };

  void prepare();
  [[nodiscard]] Participant& of(int who) { return *participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] Ends& ends(int who, std::size_t where) { return *of(who).ends[where]; }

  bool send(int me, int id, std::size_t where, bool in_block);
  void fill(std::size_t where, std::uint64_t position, int id, const shm::BlockRef* block);
  [[nodiscard]] int read(std::size_t where, std::uint32_t slot, bool& intact);
  bool receive(int me, std::size_t where, bool in_place);
  void read_again(int me);
  void acknowledge(int me);
  void move(int me);
  bool move_taken(int me, const ring::Taken& taken);
  void sweep(int me);
  // Message move tasks: move_task_stage.cpp
  void start_task(int me);
  void work(int me);
  void work_at(queue::TaskRecord& record, std::uint64_t number, int me);
  void look_for_tasks(int me);
  void cancel_task();
  bool pick_slot(int me, std::uint32_t slot, ring::Taken& taken);
  void pick(int me, int id);
  void judge_tasks(const std::function<void()>& make_room);
  std::string check();
  void recover();
  void judge_rest();

  Shared shared{};
  Shared image{};
  std::array<ring::RingView, 2> views;
  shm::HazardBoard board;
  FakeBlocks blocks;
  Ledger ledger;
  std::array<std::optional<Participant>, kParticipants> participants;
  bool somebody_died = false;
};

}  // namespace ringpost::rig
