// The shipped deduplication table on the rig's machine: one bucket of it, the stand-in ring, and
// participants who send a few ids. Scenarios are put together in dedup_scenarios.hpp.
//
// Every call below may be made in a fiber, as an operation, and outside, to build a state. What
// participants were told is noted, and judged at each answer and at the end:
//   - a message whose id was published before it: only if that one was over, or purged;
//   - "accepted": there is one message of this call. Otherwise there is none;
//   - "duplicate" names a message with that id which is neither over nor purged;
//   - "full" is wrong where the scenario has not made it so;
//   - at the end every id can be sent, by somebody who finds the others dead or standing still; and
//     each entry is free, or names a published message of its id.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rig/scenario.hpp"

namespace ringpost::rig {

struct DedupWorld;

class DedupStage {
 public:
  /// 1 … kJudge take part; kJudge does so in the check alone.
  static constexpr int kJudge = 5;
  static constexpr std::uint64_t kWindow = 1'000;
  /// 1, 2: equal prints. 1, 2, 3: equal first choice. All lie in one bucket.
  static constexpr int kIds = 8;

  explicit DedupStage(std::uint64_t slots);
  ~DedupStage();

  /// `begin` builds the state from an empty table and ring.
  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  // ---- sending
  void send(int me, int id);
  /// Claims, enters, and leaves it unpublished.
  void begin_send(int me, int id);
  void publish_only(int me);
  /// Goes on with what is begun, or published and not committed.
  void finish_send(int me);
  void find(int me, int id);

  // ---- the rest
  void pass(int me);  ///< every position there is now
  void skip(
      int me);  ///< those that are being filled: consumers have been there, and gone no further
  void purge(int me);
  void sweep(int me);

  // ---- what a death leaves
  void take_only(int me, int id);  ///< an entry that is not linked
  void free_only(int id);          ///< an entry that is still linked

  // ---- for the states
  /// All entries but the first so many are in use: taken by those who stand still before they link
  /// them. (So nobody spends schedules on them.)
  void fill_all_but(std::uint32_t left);
  /// "Full" is right at any time.
  void may_be_full();
  /// A window on.
  void tick();
  void die(int participant);
  [[nodiscard]] Event tick_event(std::string name);

 private:
  std::unique_ptr<DedupWorld> world_;
};

}  // namespace ringpost::rig
