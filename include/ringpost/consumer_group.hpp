// Consumer group: several consumers share the shards of a stream, each shard with one of them, and
// the group remembers how far it has come. The rules are those of the Kinesis client library.
//
//   stream ──shard 0──▶ consumer A ─┐
//          ──shard 1──▶ consumer A ─┼─ group "billing": a lease and a checkpoint for each shard
//          ──shard 2──▶ consumer B ─┘
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/bus.hpp"
#include "ringpost/result.hpp"
#include "ringpost/stream.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

namespace detail {
class ConsumerCore;
}

struct ConsumerOptions {
  /// Where a new group begins: trim horizon, latest or a time. A group that exists goes on where it
  /// is; children of shards that it knows begin at their first record.
  From from = From::trim_horizon();
  /// After it another consumer takes the lease of one that lives and does not come to poll(): 100
  /// ms to 1 h. A dead one's is taken at once.
  Duration failover = 10s;
  /// How long whoever wants a lease waits for its owner to finish what he has in hand; 0 to 1 h.
  Duration hand_over = 30s;
  std::uint32_t leases_max = UINT32_MAX;  ///< that this consumer takes
  std::uint32_t records_max = 10'000;     ///< in a delivery; 1 to 10,000
  std::size_t bytes_max = 10u << 20;      ///< in a delivery; one record comes in any case
  /// run(): how often it writes a checkpoint of a shard; 0: after each delivery.
  Duration checkpoint_every = Duration::zero();
};

/// What a consumer is told about one of its shards.
struct Delivery {
  enum class Kind : std::uint8_t {
    kRecords,   ///< at least one record, or Records::lost()
    kShardEnd,  ///< nothing comes after it: checkpoint() it when everything before is done
    kHandOver,  ///< another consumer gets the shard at the next poll(): the last chance to write a
                ///< checkpoint
    kLost,      ///< another consumer has it by now
  };
  Kind kind = Kind::kRecords;
  std::uint32_t shard = 0;
  Records records{};
};

/// One lease of a group, for people.
struct LeaseInfo {
  std::uint32_t shard = 0;
  bool finished = false;          ///< the closed shard is done
  std::optional<From> from{};     ///< where its next owner begins, unless it is finished
  std::uint32_t counter = 0;      ///< of renewals and changes
  std::uint32_t participant = 0;  ///< 0: nobody has it
  std::int32_t pid = 0;
  std::string command{};
  bool owner_lives = false;
  std::uint64_t switches = 0;  ///< owners since the last checkpoint
  WallTime checkpoint_time{};
};

/// A member of a group. It is a participant of the bus of its own.
///
/// Delivery    at least once: whoever gets a shard begins behind its last checkpoint.
/// Threads     one at a time, any; there are no threads behind it. Leases are renewed by poll(),
///             so a handler that takes long calls renew().
/// Blocking    poll() as long as it is told.
/// Crash       others take the leases of a dead consumer when they look next, within a tenth of
///             `failover`; of a stopped one after `failover`. Checkpoints of a stream that has a
///             log are on disk when checkpoint() returns.
class RINGPOST_API Consumer {
 public:
  Consumer() noexcept;
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;
  ~Consumer();  ///< as stop()

  /// Joins the group, and makes it if it is new. Names of groups: as of streams. Errors kNotFound
  /// (no such stream), kInvalidArgument (group, options), kTooManyAttached, kNoSpace.
  static Result<Consumer> open(const Bus& bus, std::string_view stream, std::string_view group,
                               const ConsumerOptions& options = {});

  /// What there is next, of any of its shards; takes, renews and gives away leases on the way.
  /// Nothing: `wait` is over. What an earlier call delivered is taken to be done with when a shard
  /// is handed over. Errors kDeleted, kForked, and those of ShardReader::read().
  Result<std::optional<Delivery>> poll(Duration wait = Duration::zero());
  /// Renews the leases, and does nothing else.
  void renew();

  /// Everything up to that record of the shard is done. Errors: kLeaseLost (another consumer has
  /// it); kInvalidArgument (a record before the last checkpoint, or one that was not delivered);
  /// of the disk: the checkpoint holds as long as shared memory does.
  Result<void> checkpoint(std::uint32_t shard, const SequenceNumber& sequence);
  /// Everything up to the end of this delivery is done. Of kHandOver and kLost: does nothing.
  Result<void> checkpoint(const Delivery& delivery);

  /// Polls until it is told to stop: calls `handler` with everything that comes, and writes
  /// checkpoints behind it. What the handler throws ends it, without a checkpoint.
  using Handler = std::function<void(const Delivery&)>;
  Result<void> run(const Handler& handler, std::stop_token stop);

  /// Gives every lease back; the next poll() takes leases again.
  void stop() noexcept;

  /// That it has now, in order.
  [[nodiscard]] std::vector<std::uint32_t> shards() const;
  [[nodiscard]] const std::string& group() const noexcept;
  [[nodiscard]] Stream& stream() noexcept;

  /// Of a group, by shard. Error kNotFound.
  [[nodiscard]] static Result<std::vector<LeaseInfo>> leases(Bus& bus, std::string_view stream,
                                                             std::string_view group);
  /// Groups that the stream has in shared memory, in order.
  [[nodiscard]] static Result<std::vector<std::string>> groups(Bus& bus, std::string_view stream);
  /// Forgets the group and its checkpoints. Errors kNotFound, kBusy (a consumer of it lives).
  static Result<void> remove(Bus& bus, std::string_view stream, std::string_view group);

 private:
  explicit Consumer(std::unique_ptr<detail::ConsumerCore> core) noexcept;
  std::unique_ptr<detail::ConsumerCore> core_;
};

}  // namespace ringpost
