// A member of a consumer group at work.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/member.hpp"
#include "ringpost/consumer_group.hpp"
#include "stream/checkpoint_file.hpp"
#include "stream/lease_balance.hpp"
#include "stream/lease_table.hpp"

namespace ringpost::stream {

/// Where a shard's reader begins.
[[nodiscard]] From from_checkpoint(const ShardInfo& shard, Checkpoint checkpoint);
/// Whether the participant lives that this was. A system call.
[[nodiscard]] bool is_alive(const shm::BusFiles& bus, LeaseOwner owner);
/// The stream's directory on disk; null: it is memory-only.
[[nodiscard]] Result<std::unique_ptr<disk::Directory>> open_state(Bus& bus, Stream& stream);

}  // namespace ringpost::stream

namespace ringpost::detail {

/// A consumer looks at the table of leases ten times while another one may be silent.
class ConsumerCore {
 public:
  static Result<std::unique_ptr<ConsumerCore>> open(const Bus& bus, std::string_view stream,
                                                    std::string_view group,
                                                    const ConsumerOptions& options);
  ~ConsumerCore();

  Result<std::optional<Delivery>> poll(Duration wait);
  void renew();
  Result<void> checkpoint(std::uint32_t shard, const SequenceNumber& sequence);
  Result<void> checkpoint(const Delivery& delivery);
  Result<void> run(const Consumer::Handler& handler, const std::stop_token& stop);
  void stop() noexcept;
  [[nodiscard]] std::vector<std::uint32_t> shards() const;
  [[nodiscard]] const std::string& group() const noexcept { return group_; }
  [[nodiscard]] Stream& stream() noexcept { return stream_; }

 private:
  /// A lease that I have.
  struct Held {
    stream::LeaseRow* row = nullptr;
    stream::LeaseWord word{};  ///< as I wrote it last
    std::uint64_t shard_created_s = 0;
    std::uint64_t renewed_ns = 0;
    ShardReader reader;
    std::optional<std::uint64_t> delivered{};  ///< the highest position of a record
    bool at_end = false;                       ///< everything was read
    bool end_delivered = false;
    std::uint64_t pause_until_ns = 0;   ///< the shard's limit of reads is reached
    stream::LeaseOwner hand_over_to{};  ///< nobody, or who asked for it
    bool is_announced = false;          ///< the caller was told so
  };
  /// A lease as I saw it last.
  struct Seen {
    stream::LeaseWord word{};
    std::uint64_t since_ns = 0;
  };
  using Shards = std::map<std::uint32_t, ShardInfo>;

  ConsumerCore(Bus bus, Stream stream, std::string group, const ConsumerOptions& options,
               stream::LeaseTable table);
  [[nodiscard]] std::uint64_t now_ns() const noexcept;
  [[nodiscard]] std::uint64_t look_every_ns() const noexcept;
  [[nodiscard]] bool is_dead(stream::LeaseOwner owner);

  Result<void> look();
  Result<void> learn(const Shards& shards);
  Result<stream::Checkpoint> beginning_of(const ShardInfo& shard);
  [[nodiscard]] bool has_known_parent(const ShardInfo& shard);
  [[nodiscard]] bool is_ready(const ShardInfo& shard, stream::LeaseWord word);
  std::vector<stream::LeaseSight> look_at_leases(const Shards& shards);
  Result<void> follow_up_request(const Shards& shards);
  void take_if_possible(const ShardInfo& shard);
  Result<void> take(const ShardInfo& shard);
  Result<void> take_from(const ShardInfo& shard, stream::LeaseWord seen);
  Result<void> adopt(const ShardInfo& shard, stream::LeaseWord word);
  void ask_for(std::uint32_t shard);
  void withdraw_request() noexcept;

  void finish_hand_overs();
  void notice_requests();
  void renew_if_due(bool regardless);
  std::map<std::uint32_t, Held>::iterator lose(std::map<std::uint32_t, Held>::iterator held);
  [[nodiscard]] bool has_news();
  Result<bool> read_next();
  Result<bool> read_from(std::uint32_t shard, Held& held);
  Result<void> sleep(std::uint64_t until_ns);
  Result<void> move_checkpoint(std::uint32_t shard, Held& held, stream::Checkpoint to);
  Result<void> finish(std::uint32_t shard);
  Result<void> move_to_delivered(std::uint32_t shard);
  Result<void> write_if_due(const Delivery& delivery,
                            std::map<std::uint32_t, std::uint64_t>& wrote);

  Bus bus_;
  Stream stream_;
  std::string group_;
  ConsumerOptions options_;
  shm::Participant& me_;
  stream::LeaseOwner self_;
  stream::LeaseTable table_;
  std::unique_ptr<disk::Directory> directory_;  ///< null: a memory-only stream
  std::unique_ptr<stream::CheckpointFile> disk_;
  std::map<std::uint32_t, Held> held_;
  std::map<std::uint32_t, Seen> seen_;
  std::set<std::uint32_t> listed_;      ///< shards, as of the last look
  std::map<std::uint32_t, bool> dead_;  ///< by owner's word, during one look
  std::deque<Delivery> events_;
  std::optional<Error> failure_{};        ///< of a shard that I could not take
  std::optional<std::uint32_t> asked_{};  ///< the shard whose owner I asked for it
  stream::LeaseOwner asked_whom_{};
  std::uint64_t asked_ns_ = 0;
  std::uint64_t look_at_ns_ = 0;
  std::uint32_t next_ = 0;  ///< where the next search for records begins
};

}  // namespace ringpost::detail
