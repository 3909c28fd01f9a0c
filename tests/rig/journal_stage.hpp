// The shipped journal on the rig's machine: a ring of a few cells, a log without a disk, and
// participants. Scenarios are put together in journal_scenarios.hpp.
//
// Every call below may be made in a fiber, as an operation, and outside, to build a state. What
// participants were told is noted, and judged at each answer and at the end:
//   - claimed cells are the claimer's alone: no other claim, nothing that the log still needs, no
//     position that a ring after this one, shared memory lost, would give again;
//   - what was published is in the log once, in order, with its content; what was not, never;
//   - what was told to be durable has been synced;
//   - a reader gets the record of that position, or is told rightly that it is not there;
//   - behind the end there is nothing, and what the last writer left in order is believed;
//   - at the end everybody can claim, for a lap; no word names a dead one; nobody sleeps whom
//     somebody should have woken.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "journal/layout.hpp"
#include "rig/scenario.hpp"

namespace ringpost::rig {

struct JournalWorld;

struct JournalShape {
  std::uint32_t cells_log2 = 2;
  journal::JournalKind kind = journal::JournalKind::kLog;
  std::uint64_t start = 0;
  friend auto operator<=>(const JournalShape&, const JournalShape&) = default;
};

class JournalStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 6;

  explicit JournalStage(const JournalShape& shape);
  ~JournalStage();

  /// `begin` builds the state from a new journal.
  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  // ---- producers
  void put(int me, int cells = 1);
  void claim(int me, int cells = 1);
  void publish(int me);  ///< what claim() has claimed
  void abandon(int me);  ///< likewise
  void close(int me);
  void flush(int me);  ///< its tail becomes the shared one

  // ---- who waits
  /// put(), and waits until it is durable.
  void put_durable(int me);
  /// So many records, with waits for room if there must be; then one wait for all.
  void put_batch_durable(int me, int records);
  void wait_durable(int me, std::uint64_t position);
  void wait_room(int me, int cells = 1);
  void wait_published(int me, std::uint64_t position);
  void want(int me, std::uint64_t end);

  // ---- writers
  /// Takes the role, drains what there is, lets go.
  void drain(int me);
  /// The same of a log that has failed, on a disk that is in order again.
  void recover(int me);
  /// Takes the role and keeps it, until nothing is left to do; then sleeps, once, if it may.
  void write(int me);
  /// The same, and lets go instead of sleeping.
  void write_and_let_go(int me);

  // ---- the rest
  /// Every record from the mark on, to the end that there is.
  void read(int me);
  void sweep(int me);

  // ---- for the states
  /// Where reads begin; without it at the first position.
  void mark(std::uint64_t position);
  void die(int participant);
  /// Everything that is published is in the log, whose writer, `me`, died before he said so.
  void write_and_die(int me);
  /// The write or sync after so many fails, and all behind it.
  void fail_at_write(std::uint64_t count);
  /// Nothing fails any more.
  void mend();

 private:
  std::unique_ptr<JournalWorld> world_;
};

}  // namespace ringpost::rig
