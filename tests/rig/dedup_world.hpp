// Inside of DedupStage: the shared bytes, what has happened, the judges.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "rig/dedup_ring.hpp"
#include "rig/dedup_stage.hpp"
#include "rig/runtime.hpp"

namespace ringpost::rig {

struct DedupWorld final : DedupLog {
  static constexpr int kJudge = DedupStage::kJudge;
  static constexpr std::uint64_t kWindow = DedupStage::kWindow;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::uint64_t kSlotsMax = 4;
  static constexpr std::size_t kPositions = 64;
  static constexpr std::size_t kCalls = 64;
  static constexpr std::uint64_t kClockBegin = 10'000;
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  /// Entries that scenarios touch; the others are free or fillers all the time, and not watched.
  static constexpr std::uint32_t kWatched = 5;

  struct Shared {
    alignas(base::kPageBytes) std::byte table[dedup::Table::bytes_for(1)];
    DedupRing::Slot slots[kSlotsMax];
    DedupRing::Cursors cursors;
    std::atomic<std::uint32_t> dead[kParticipants];
  };

  /// A message: claimed or published.
  struct Fact {
    int me = 0;
    std::size_t call = 0;
    int id = 0;                        ///< 0: not published
    std::uint64_t at = 0;              ///< clock when it was published
    std::uint64_t committed = kNever;  ///< clock when it had been committed for certain
    std::uint64_t order = 0;           ///< of the publish, among everything that was noted
  };
  struct Call {
    int me = 0;
    int id = 0;
    std::uint64_t began = 0;  ///< clock
    std::uint64_t order = 0;
    int messages = 0;
  };
  struct Purge {
    std::uint64_t end = 0;
    std::uint64_t began = 0, ended = kNever;  ///< order, of the table's part
  };
  struct Unfinished {
    DedupSend send;
    std::size_t call = 0;
    bool begun = false, published = false;
  };

  /// By entry: what it says and whether it is linked.
  using Leftovers = std::array<std::pair<dedup::EntryWord, bool>, kWatched>;

  explicit DedupWorld(std::uint64_t slots) : DedupLog(kPositions), slot_count(slots) {}

  void prepare();
  [[nodiscard]] std::size_t begin_call(int me, int id);
  void end_call(std::size_t call, const DedupRing::Outcome& outcome);
  void send(int me, int id);
  void finish_send(int me);
  void pass();
  void purge();
  void sweep();
  void find(int me, int id);

  void claimed(const DedupSend& send) override;
  void published(const DedupSend& send, std::uint64_t time) override;
  void passed(std::uint64_t position) override;

  void judge_publish(std::uint64_t position);
  void judge_duplicate(const Call& call, std::uint64_t of);
  std::string check();
  void judge_entries();
  [[nodiscard]] Leftovers look_for_leftovers();
  void judge_swept(const Leftovers& before, std::uint16_t dead);
  void broken(std::string text) {
    if (verdict.empty()) verdict = std::move(text);
  }

  [[nodiscard]] dedup::IdBucket& bucket() {
    return *reinterpret_cast<dedup::IdBucket*>(shared.table + table.geometry().buckets_begin);
  }
  [[nodiscard]] std::atomic<std::uint64_t>& used_map() {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(shared.table + table.geometry().used_map);
  }
  [[nodiscard]] std::uint64_t clock() {
    return Machine::get().unobserved([this] { return shared.cursors.clock.load(); });
  }
  [[nodiscard]] DedupRing ring() {
    return {shared.slots, slot_count, shared.cursors, kWindow, *this};
  }
  [[nodiscard]] Unfinished& of(int me) { return unfinished[static_cast<std::size_t>(me)]; }
  [[nodiscard]] std::string describe(const void* address) const;

  std::uint64_t slot_count;
  Shared shared;
  dedup::Table table;
  std::array<Fact, kPositions> facts;  ///< by position
  std::array<Call, kCalls> calls;
  std::size_t call_count = 0;
  std::array<std::size_t, kParticipants> current;  ///< call of each
  std::array<Purge, 8> purges;
  std::size_t purge_count = 0;
  std::array<Unfinished, kParticipants> unfinished;
  std::uint64_t order = 0;
  std::uint64_t position_end = 0;
  unsigned ids_sent = 0;  ///< a bit each
  std::uint32_t unfilled = dedup::kEntriesPerBucket;
  bool full_is_right = false;
  std::string verdict;
};

/// Of a first choice in common; 1 and 2 also of a print.
[[nodiscard]] inline dedup::Key dedup_key(int id) noexcept {
  const auto number = static_cast<std::uint64_t>(id);
  return {number << 16 | (id == 2 ? 1 : number), number};
}

}  // namespace ringpost::rig
