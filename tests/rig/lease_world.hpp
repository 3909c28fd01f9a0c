// Inside of LeaseStage: the shared bytes, the stream that is none, what has happened, the judges.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/consumer_core.hpp"
#include "rig/lease_stage.hpp"
#include "rig/runtime.hpp"
#include "rig/temporary_folder.hpp"

namespace ringpost::rig {

struct LeaseWorld {
  static constexpr int kJudge = LeaseStage::kJudge;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::uint32_t kShards = 4;
  static constexpr std::uint64_t kStreamId = 7;
  static constexpr std::uint64_t kCreated = 3;  ///< of every shard, in seconds
  static constexpr Duration kFailover = std::chrono::seconds(10);
  static constexpr Duration kHandOver = 2 * kFailover;

  struct Clock final : ringpost::Clock {
    std::uint64_t now = 0;
    [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override { return now; }
    [[nodiscard]] std::uint64_t wall_ns() const noexcept override { return now; }
  };
  /// One shard of the stream, whose records are at the positions from 1 on.
  struct Shard {
    std::uint64_t records = 0;
    bool open = true;
    int parent = -1, adjacent = -1;
    // What has happened.
    std::uint64_t base = 1;       ///< the first one that the group is to get
    std::uint64_t delivered = 0;  ///< a bit for each position
    bool end_delivered = false;
    std::uint64_t next = 0;              ///< the checkpoint, as it was seen last
    std::uint64_t confirmed = 0;         ///< by checkpoint()
    std::uint64_t confirmed_before = 0;  ///< and before that
    std::uint64_t on_disk = 0;           ///< as it was seen last
  };
  struct Participant {
    std::unique_ptr<detail::ConsumerCore> core;
    stream::LeaseOwner owner{};
    std::array<std::optional<Delivery>, kShards> last{};  ///< of each shard
    bool is_dead = false;
    struct Hold {
      bool at_begin = false;  ///< of this operation
      bool before = false;    ///< at the end of the one before
      bool told = false;      ///< that he is to give it away
      bool told_now = false;  ///< by this operation
      std::uint32_t counter = 0;
      std::uint64_t until = 0;  ///< renewed: nobody may take it before
    };
    std::array<Hold, kShards> holds{};
  };

  LeaseWorld();
  ~LeaseWorld();
  void prepare();
  void forget() noexcept;

  void open(int me);
  std::optional<Delivery::Kind> poll(int me);
  void checkpoint(int me);
  void begin(int me);
  void end(int me);
  void die(int who);

  void judge_delivery(int me, const Delivery& delivery);
  void judge_record(int me, std::uint32_t shard, std::uint64_t position);
  void judge_loss(int me, std::uint32_t shard);
  void judge_checkpoint(int me, const Delivery& delivery, const Result<void>& done);
  void judge_rows();
  void judge_row(std::uint32_t number);
  void look_at_disk();
  bool judge_the_dead();
  [[nodiscard]] bool is_all_done();
  std::string check();
  [[nodiscard]] std::string describe(const void* address) const;

  /// The first position that a checkpoint does not cover; of the end one more.
  [[nodiscard]] std::uint64_t next_of(std::uint32_t number, stream::Checkpoint checkpoint) const;
  [[nodiscard]] std::vector<ShardInfo> listed();
  [[nodiscard]] Participant& of(int me) { return participants[static_cast<std::size_t>(me)]; }
  [[nodiscard]] bool can_act(int me) { return of(me).core != nullptr && !of(me).is_dead; }
  [[nodiscard]] bool is_mine(int me, std::uint32_t number) {
    return Machine::get().unobserved([&] { return rows[number].read().owner(); }) == of(me).owner;
  }
  [[nodiscard]] std::atomic<std::uint64_t>& entry(std::uint32_t index) {
    return client::Member::of(*bus).files().participant(index).entry;
  }
  void broken(std::string text) {
    if (verdict.empty()) verdict = std::move(text);
  }

  Clock clock;
  TemporaryFolder folder;
  std::optional<Bus> bus;

  std::array<stream::LeaseRow, kShards> rows{};
  std::vector<Shard> shards;
  // The disk: one file. `disk_word` is touched at each step at which it may end.
  std::vector<std::byte> disk;
  bool has_file = false;
  std::atomic<std::uint64_t> disk_word{0};
  std::uint64_t disk_seen = 0;

  From from{};
  std::array<Participant, kParticipants> participants;
  bool may_take = false, is_late = false;
  bool forgets_finished = false, has_forgotten = false;
  std::string verdict;

  static LeaseWorld* active;  ///< whose operations are running
};

}  // namespace ringpost::rig
