// The shipped consumers of a group on the rig's machine: leases, checkpoints and a disk that are
// shared, over a stream of a few records that is none. Scenarios: lease_scenarios.hpp.
//
// Every call below may be made in a fiber, as an operation, and outside, to build a state. What
// consumers were told is judged at each answer and at the end:
//   - a checkpoint never goes back, in shared memory, and covers nothing that nobody got;
//   - on disk it is never ahead of that; what checkpoint() has confirmed is there, or, after a
//     lease changed hands against its owner's will, what was confirmed before;
//   - no record is delivered before those in front of it, none of a child before its parents are
//     finished, none to whom the lease was taken from before his poll began;
//   - a checkpoint of one who has lost his lease fails; nobody loses one that he has renewed in
//     time, or before he has come back from being asked for it;
//   - at the end somebody new gets all that the dead had, at once, and what the silent had, later;
//     every record was delivered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rig/scenario.hpp"
#include "ringpost/consumer_group.hpp"

namespace ringpost::rig {

struct LeaseWorld;

class LeaseStage {
 public:
  /// 1 … 3 take part; kJudge does so in the check alone.
  static constexpr int kJudge = 4;

  LeaseStage();
  ~LeaseStage();

  /// `begin` builds the state, from a stream without shards and a group that nobody has made.
  [[nodiscard]] Stage stage(std::string name, std::function<void()> begin);

  // ---- consumers
  void open(int me);
  void poll(int me);
  void work(int me);  ///< poll(), and a checkpoint behind what came
  void checkpoint(int me);
  void renew(int me);
  void stop(int me);

  // ---- for the states
  /// Of a new group; before anybody joins it.
  void begin_at(const From& from);
  /// The next shard, with so many records; closed if it is to have children.
  void shard(std::uint32_t records, bool open = true, int parent = -1, int adjacent = -1);
  void put(std::uint32_t shard, std::uint32_t records);
  void close(std::uint32_t shard);
  /// So many tenths of the time after which the silent lose their leases.
  void pass(int tenths);
  /// From now on leases may be taken from those who live; if it `is_late` also such as are renewed.
  void may_take(bool is_late = false);
  /// From when the check begins shards that are finished are not listed any more.
  void forget_finished();
  void die(int participant);
  /// Shared memory is lost; the disk is as it is.
  void reboot();

 private:
  std::unique_ptr<LeaseWorld> world_;
};

}  // namespace ringpost::rig
