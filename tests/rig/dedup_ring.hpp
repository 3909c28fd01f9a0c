// A small stand-in for the FIFO ring, as far as the deduplication table sees it: positions that are
// claimed once, published or skipped by one CAS, passed in order, and slots that are used again.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "dedup/table.hpp"

namespace ringpost::rig {

/// A send on its way.
struct DedupSend {
  dedup::Key key;
  int id = 0;
  std::uint16_t me = 0;
  std::uint64_t now = 0;       ///< read when it began
  std::uint64_t position = 0;  ///< claimed and entered last
  std::uint64_t entry = 0;     ///< 0: none yet
};

/// What has happened, for judges: not shared with the machine. Called by whoever did it, as the
/// next thing that it does.
class DedupLog {
 public:
  struct Message {
    std::atomic<int> id{0};               ///< 0: not published
    std::atomic<std::uint64_t> time{0};   ///< not later than the publish
    std::atomic<std::uint64_t> entry{0};  ///< of the message, written before the publish
  };
  explicit DedupLog(std::size_t positions) : messages(positions) {}
  virtual ~DedupLog() = default;

  virtual void claimed(const DedupSend& /*send*/) {}
  virtual void published(const DedupSend& send, std::uint64_t time) {
    messages[send.position].time.store(time, std::memory_order_relaxed);
    messages[send.position].id.store(send.id, std::memory_order_relaxed);
  }
  virtual void passed(std::uint64_t /*position*/) {}

  /// By position, also what a message carries: a slot whose claimer is on its way belongs to that
  /// one, although consumers have passed it. Here it can be claimed again, and only says so.
  std::vector<Message> messages;
};

class DedupRing {
 public:
  struct Slot {
    std::atomic<std::uint64_t> publish;  ///< lap · whether it was skipped
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
    DedupSend send{key, id, me, cursors_.clock.load()};
    const std::optional<Outcome> refused = begin(table, send);
    return refused ? *refused : finish(table, send);
  }

  /// Claims a position and enters it. Nothing: finish() is next.
  std::optional<Outcome> begin(const dedup::Table& table, DedupSend& send) {
    const std::uint64_t before = send.position;
    if (!claim(send)) {
      table.abandon(send.entry, before);
      return Outcome{Sent::kRingFull, 0};
    }
    const dedup::Entered entered = table.enter({send.key, send.position, send.me, send.now}, *this);
    if (entered.outcome == dedup::Entered::Outcome::kEntered) {
      send.entry = entered.entry;
      log_.messages[send.position].entry.store(entered.entry, std::memory_order_relaxed);
      return std::nullopt;
    }
    skip(send.position);
    switch (entered.outcome) {
      case dedup::Entered::Outcome::kDuplicate:
        return Outcome{Sent::kDuplicate, entered.position};
      case dedup::Entered::Outcome::kFull:
        return Outcome{Sent::kTableFull, 0};
      default:
        return Outcome{Sent::kDamaged, 0};
    }
  }

  /// Publishes what begin() has entered; begins again if that was skipped.
  Outcome finish(const dedup::Table& table, DedupSend& send) {
    for (;;) {
      if (publish(send)) {
        table.commit(send.entry, send.position, expiry());
        return {Sent::kAccepted, send.position};
      }
      if (const std::optional<Outcome> refused = begin(table, send)) return *refused;
    }
  }

  /// Goes past the position under the head. False: there is none.
  bool dispatch(const dedup::Table& table) {
    const std::uint64_t head = cursors_.head.load();
    if (head == cursors_.tail.load()) return false;
    if (judge(head) == dedup::SlotState::kFilling) skip(head);
    if (judge(head) == dedup::SlotState::kPublished) {
      table.commit(log_.messages[head].entry.load(std::memory_order_relaxed), head, expiry());
    }
    std::uint64_t from = head;
    if (cursors_.head.compare_exchange_strong(from, head + 1)) log_.passed(head);
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

  bool claim(DedupSend& send) {
    std::uint64_t tail = cursors_.tail.load();
    do {
      if (tail - cursors_.head.load() >= count_) return false;
    } while (!cursors_.tail.compare_exchange_strong(tail, tail + 1));
    send.position = tail;
    log_.claimed(send);
    return true;
  }
  /// By its claimer alone. False: it was skipped.
  bool publish(const DedupSend& send) {
    std::uint64_t seen = slot(send.position).publish.load(std::memory_order_acquire);
    const std::uint64_t lap = lap_of(send.position);
    const std::uint64_t time = cursors_.clock.load();
    if (seen >> 1 >= lap) return false;
    if (!slot(send.position).publish.compare_exchange_strong(seen, lap << 1)) return false;
    log_.published(send, time);
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
