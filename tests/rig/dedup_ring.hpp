// A small stand-in for the FIFO ring, as far as the deduplication table sees it: positions that are
// claimed once, published or skipped by one CAS, passed in order, and slots that are used again.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "dedup/table.hpp"

namespace ringpost::rig {

/// What has happened, for judges: not shared with the machine.
struct DedupLog {
  struct Message {
    std::atomic<int> id{0};              ///< 0: not published
    std::atomic<std::uint64_t> time{0};  ///< not later than the publish
  };
  explicit DedupLog(std::size_t positions) : messages(positions) {}
  std::vector<Message> messages;  ///< by position
};

class DedupRing {
 public:
  struct Slot {
    std::atomic<std::uint64_t> publish;  ///< lap · whether it was skipped
    std::atomic<std::uint64_t> entry;
    std::atomic<std::uint64_t> id;
  };
  struct Cursors {
    alignas(64) std::atomic<std::uint64_t> tail;
    alignas(64) std::atomic<std::uint64_t> head;
    alignas(64) std::atomic<std::uint64_t> clock;
  };
  DedupRing(Slot* slots, std::uint64_t count, Cursors& cursors, std::uint64_t window, DedupLog& log)
      : slots_(slots), count_(count), cursors_(cursors), window_(window), log_(log) {}

  enum class Sent { kAccepted, kDuplicate, kRingFull, kTableFull, kDamaged };
  struct Outcome {
    Sent sent = Sent::kDamaged;
    std::uint64_t position = 0;
  };
  Outcome send(const dedup::Table& table, dedup::Key key, int id, std::uint16_t me) {
    const std::uint64_t now = cursors_.clock.load();
    std::uint64_t entry = 0;
    for (std::uint64_t before = 0;;) {
      std::uint64_t position = 0;
      if (!claim(position)) {
        table.abandon(entry, before);
        return {Sent::kRingFull, 0};
      }
      slot(position).id.store(static_cast<std::uint64_t>(id), std::memory_order_relaxed);
      const dedup::Entered entered = table.enter({key, position, me, now}, *this);
      switch (entered.outcome) {
        case dedup::Entered::Outcome::kEntered:
          slot(position).entry.store(entered.entry, std::memory_order_relaxed);
          if (publish(position)) {
            table.commit(entered.entry, position, expiry());
            return {Sent::kAccepted, position};
          }
          entry = entered.entry;
          before = position;
          continue;
        case dedup::Entered::Outcome::kDuplicate:
          skip(position);
          return {Sent::kDuplicate, entered.position};
        case dedup::Entered::Outcome::kFull:
          skip(position);
          return {Sent::kTableFull, 0};
        case dedup::Entered::Outcome::kDamaged:
          return {Sent::kDamaged, 0};
      }
    }
  }

  /// Goes past the position under the head. False: there is none.
  bool dispatch(const dedup::Table& table) {
    const std::uint64_t head = cursors_.head.load();
    if (head == cursors_.tail.load()) return false;
    if (judge(head) == dedup::SlotState::kFilling) skip(head);
    if (judge(head) == dedup::SlotState::kPublished) {
      table.commit(slot(head).entry.load(std::memory_order_relaxed), head, expiry());
    }
    std::uint64_t from = head;
    cursors_.head.compare_exchange_strong(from, head + 1);
    return true;
  }

  /// Skips or, if it is published, passes over every position there is now. Returns the first one
  /// that is not concerned.
  std::uint64_t discard_all(const dedup::Table& table) {
    const std::uint64_t end = cursors_.tail.load();
    while (cursors_.head.load() < end) dispatch(table);
    return end;
  }

  [[nodiscard]] dedup::SlotState judge(std::uint64_t position) const {
    const std::uint64_t seen = slot(position).publish.load(std::memory_order_acquire);
    const std::uint64_t lap = lap_of(position);
    if (seen >> 1 > lap || position >= cursors_.tail.load()) return dedup::SlotState::kDead;
    if (seen >> 1 < lap) return dedup::SlotState::kFilling;
    return (seen & 1) != 0 ? dedup::SlotState::kDead : dedup::SlotState::kPublished;
  }

  [[nodiscard]] std::uint64_t expiry() const { return cursors_.clock.load() + window_; }

  bool claim(std::uint64_t& position) {
    std::uint64_t tail = cursors_.tail.load();
    do {
      if (tail - cursors_.head.load() >= count_) return false;
    } while (!cursors_.tail.compare_exchange_strong(tail, tail + 1));
    position = tail;
    return true;
  }
  /// By its claimer alone. False: it was skipped.
  bool publish(std::uint64_t position) {
    std::uint64_t seen = slot(position).publish.load(std::memory_order_acquire);
    const std::uint64_t lap = lap_of(position);
    const std::uint64_t id = slot(position).id.load(std::memory_order_relaxed);
    const std::uint64_t time = cursors_.clock.load();
    if (seen >> 1 >= lap) return false;
    if (!slot(position).publish.compare_exchange_strong(seen, lap << 1)) return false;
    log_.messages[position].time.store(time, std::memory_order_relaxed);
    log_.messages[position].id.store(static_cast<int>(id), std::memory_order_relaxed);
    return true;
  }
  void skip(std::uint64_t position) {
    std::uint64_t seen = slot(position).publish.load(std::memory_order_acquire);
    if (seen >> 1 >= lap_of(position)) return;
    slot(position).publish.compare_exchange_strong(seen, lap_of(position) << 1 | 1);
  }
  [[nodiscard]] Slot& slot(std::uint64_t position) const { return slots_[position % count_]; }

 private:
  [[nodiscard]] std::uint64_t lap_of(std::uint64_t position) const { return 1 + position / count_; }

  Slot* slots_;
  std::uint64_t count_;
  Cursors& cursors_;
  std::uint64_t window_;
  DedupLog& log_;
};

}  // namespace ringpost::rig
