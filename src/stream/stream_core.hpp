// A participant's handle on a stream: its settings and its map as they were when it last looked,
// and the journals and logs of the shards that it has used.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "journal/journal.hpp"
#include "journal/segment_log.hpp"
#include "log/options.hpp"
#include "log/reader.hpp"
#include "ringpost/stream.hpp"
#include "stream/control_file.hpp"
#include "stream/membership.hpp"
#include "stream/shard_map.hpp"

namespace ringpost::detail {

class ShardReaderCore;

class StreamCore final : public std::enable_shared_from_this<StreamCore> {
 public:
  /// One shard that was used: what of it is null is not there.
  struct Shard {
    Shard() noexcept;
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    std::unique_ptr<disk::Directory> directory;  ///< of its log
    std::unique_ptr<journal::Journal> journal;
    std::unique_ptr<ShardReaderCore> reader;  ///< of get()
    std::uint64_t start = 0;                  ///< its journal's first position; below, the log
    std::uint64_t log_end = 0;                ///< where the log ended when the journal was made
    std::uint64_t trim_at = 0;    ///< position from which on to look what retention drops
    std::int64_t trim_at_ns = 0;  ///< Unix time, the same
  };

  static Result<std::shared_ptr<StreamCore>> open(const stream::Membership& member,
                                                  stream::ControlFile control);
  ~StreamCore();
  /// By another participant of this process, for a thread of its own.
  Result<std::shared_ptr<StreamCore>> open_again();

  // stream_put.cpp
  Result<Put, Errc> put(std::string_view key, ByteSpan data, const PutOptions& options) noexcept;
  Result<std::vector<Result<Put, Errc>>> put_batch(std::span<const PutEntry> entries,
                                                   const PutOptions& options);
  Errc wait_durable(std::span<const Put> puts, Duration wait) noexcept;
  Result<std::uint32_t, Errc> route(const HashKey& key);

  // stream_list.cpp
  Result<std::vector<ShardInfo>> shards(const ShardFilter& filter);
  [[nodiscard]] ShardInfo info_of(const stream::ShardRecord& shard) const;
  /// Of a shard that has ended. None: nobody can know yet.
  Result<std::vector<ShardInfo>> children_of(std::uint32_t shard);
  Result<StreamStats> stats();

  // stream_recover.cpp
  Result<std::vector<RecoveredLog>> recover_logs();

  // stream_reshard.cpp
  Result<std::vector<std::uint32_t>> split(std::uint32_t shard, const HashKey& new_start);
  Result<std::uint32_t> merge(std::uint32_t lower, std::uint32_t upper);
  Result<void> scale(std::uint32_t shards);

  // stream_change.cpp
  Result<void> set(const StreamSettings& changes);
  Result<void> set_tags(const Tags& tags);
  Result<void> remove_tags(std::span<const std::string> keys);
  Result<Tags> tags();
  [[nodiscard]] StreamSettings settings();
  /// Finishes what dead changers left, lets go of journals that nobody needs and of shards whose
  /// records are gone. By the sweeper too.
  Result<void> tidy_up();

  // start.cpp
  /// The position where that is. See Stream::reader().
  Result<std::uint64_t> position_of(std::uint32_t shard, const From& from);
  Result<ShardIterator> iterator(std::uint32_t shard, const From& from);
  Result<GetResult> get(const ShardIterator& iterator, std::uint32_t limit);

  // For readers.

  /// kForked, kDeleted, …; looks at what has changed.
  [[nodiscard]] Errc begin() {
    if (member_.me.is_forked()) [[unlikely]]
      return Errc::kForked;
    if (control_.changes() != seen_changes_ || control_.is_deleted()) [[unlikely]]
      return look_again();
    return Errc::kOk;
  }
  [[nodiscard]] Errc open_shard(std::uint32_t number, Shard*& into) {
    if (number < open_.size() && open_[number] != nullptr) [[likely]] {
      into = open_[number].get();
      return Errc::kOk;
    }
    return open_anew(number, into);
  }
  /// Of a shard that is listed. Null: there is none, or it is gone.
  [[nodiscard]] const stream::ShardRecord* find(std::uint32_t number);
  [[nodiscard]] bool is_gone(const stream::ShardRecord& shard) const noexcept;
  /// Whether the map names where to go on. Errors as begin().
  Errc met_end(std::uint32_t shard, std::uint64_t end);
  /// Records that arrived then or before are past retention.
  [[nodiscard]] std::int64_t horizon_ns() const noexcept {
    return static_cast<std::int64_t>(member_.wall_ns()) - retention_ns_;
  }
  /// Whether a record that arrived then is. The true time is asked for only where it matters.
  [[nodiscard]] bool is_past_retention(std::int64_t arrival_ns) const noexcept {
    constexpr auto kTick = static_cast<std::int64_t>(base::TimeSource::kCoarseTickNs);
    const auto now = static_cast<std::int64_t>(member_.me.bus().time().coarse_wall_ns());
    return arrival_ns <= now + kTick - retention_ns_ && arrival_ns <= horizon_ns();
  }
  [[nodiscard]] bool has_log() const noexcept { return control_.storage() == StreamStorage::kLog; }
  [[nodiscard]] Follow follow() const noexcept {
    return durable_ ? Follow::kDurable : Follow::kPublished;
  }
  [[nodiscard]] SequenceNumber number_at(std::uint32_t shard, std::uint64_t position,
                                         std::int64_t arrival_ns) const noexcept {
    const std::uint64_t arrival_s =
        arrival_ns < 0 ? 0 : static_cast<std::uint64_t>(arrival_ns) / 1'000'000'000;
    return {map_.shards()[shard].created_s, shard, position, arrival_s};
  }
  void count(stream::Counter counter, std::uint64_t by = 1) {
    control_.count(member_.me, counter, by);
  }

  [[nodiscard]] const stream::Membership& member() const noexcept { return member_; }
  [[nodiscard]] stream::ControlFile& control() noexcept { return control_; }
  [[nodiscard]] const stream::ShardMap& map() const noexcept { return map_; }
  [[nodiscard]] const std::string& name() const noexcept { return control_.name(); }
  [[nodiscard]] std::uint64_t id() const noexcept { return control_.stream_id(); }
  [[nodiscard]] std::uint64_t created_ns() const noexcept {
    return control_.header().created_wall_ns;
  }
  /// Records that are in the log are below it. Without a journal: up to the end.
  struct Extent {
    std::uint64_t log = 0;   ///< how far the log may be read
    std::uint64_t ring = 0;  ///< from where on the ring has it; nothing lies between
  };
  [[nodiscard]] Extent extent(std::uint32_t number, const Shard& shard) const noexcept;
  [[nodiscard]] std::int64_t retention_ns() const noexcept { return retention_ns_; }
  [[nodiscard]] const journal::Liveness& alive() const noexcept { return alive_; }
  /// What a writer of a shard's log needs; calls back, in pauses, to drop what is past retention.
  [[nodiscard]] std::unique_ptr<journal::SegmentLog> make_log(std::uint32_t number,
                                                              const Shard& shard);
  [[nodiscard]] const std::shared_ptr<stream::StateDirectory>& state() const noexcept {
    return state_;
  }

 private:
  StreamCore(const stream::Membership& member, stream::ControlFile control)
      : member_(member), control_(std::move(control)), alive_(member_) {}

  Errc look_again();
  Result<void> refresh();
  Errc open_anew(std::uint32_t number, Shard*& into);
  [[nodiscard]] log::LogOptions log_options(std::uint32_t number, std::uint64_t start) const;
  void trim_later(Shard& shard, std::uint64_t position) const noexcept;
  /// Drops what retention does not keep. Nothing while another one is the writer.
  [[gnu::cold, gnu::noinline]] void trim(std::uint32_t number, Shard& shard) noexcept;
  [[nodiscard]] std::int32_t writer_of(const journal::JournalView& view) const;
  Result<RecoveredLog> recover_log(std::uint32_t number, Shard& shard);
  [[nodiscard]] std::optional<std::uint64_t> look_for_end(const stream::ShardRecord& shard);

  // Putting.
  class Deadline {
   public:
    Deadline(const stream::Membership& member, Duration wait) noexcept
        : member_(member), wait_(wait) {}
    /// Monotonic; 0: do not wait.
    [[nodiscard]] std::uint64_t ns() noexcept;

   private:
    const stream::Membership& member_;
    Duration wait_;
    std::uint64_t ns_ = 0;
  };
  struct Added {
    Put put;
    Shard* shard = nullptr;
  };
  [[nodiscard]] Errc check(const PutEntry& entry) const noexcept;
  [[nodiscard]] Errc check_after(const std::optional<SequenceNumber>& after);
  Result<Added, Errc> add(const PutEntry& entry, bool durable, Deadline& deadline);
  Errc claim(const PutEntry& entry, std::size_t bytes, Deadline& deadline, std::uint32_t& number,
             journal::Claim& into);
  /// Which shard takes it; nothing: none does.
  [[nodiscard]] std::optional<std::uint32_t> route_of(const PutEntry& entry) const noexcept {
    if (const auto only = map_.only()) [[likely]]
      return only;
    return map_.route(entry.explicit_hash_key ? *entry.explicit_hash_key : HashKey::of(entry.key));
  }
  [[nodiscard]] bool is_throttled(std::uint32_t shard, std::size_t bytes);
  Errc wait_for_room(Shard& shard, std::size_t bytes, Deadline& deadline);
  Errc wait_durable(Shard& shard, std::uint64_t position, Deadline& deadline);
  [[nodiscard]] bool is_durable(const PutOptions& options) const noexcept;

  // Changing: `act` with the lock, on the map and settings as they are, which it may save().
  class Change;
  Result<void> change(const std::function<Result<void>(stream::Meta&)>& act);
  Result<void> save(stream::Meta& meta, const std::vector<stream::NamedJournal>& journals = {});
  Result<void> carry_on();
  Result<void> let_go_of_journals(const stream::Meta& meta);
  void write_out(Shard& shard) noexcept;
  Result<void> drop_gone_shards(stream::Meta& meta);
  Result<stream::NamedJournal> make_journal(std::uint32_t number);
  Result<std::uint64_t> close(std::uint32_t number);
  Result<void> finish_reshard(stream::Meta& meta);
  Result<std::vector<std::uint32_t>> reshard(stream::Meta& meta,
                                             const std::vector<std::uint32_t>& parents,
                                             const std::vector<stream::Range>& ranges);
  Result<void> check_open(const stream::Meta& meta, std::uint32_t shard) const;
  Result<void> split_locked(stream::Meta& meta, std::uint32_t shard, const HashKey& new_start,
                            std::vector<std::uint32_t>& children);
  Result<void> merge_locked(stream::Meta& meta, std::uint32_t lower, std::uint32_t upper,
                            std::uint32_t& child);

  // Finding positions.
  [[nodiscard]] std::string object_of(std::uint32_t shard) const;
  Result<std::uint64_t> frontier(const stream::ShardRecord& record, Shard& shard) const;
  Result<std::uint64_t> position_of_number(const stream::ShardRecord& record, Shard& shard,
                                           const SequenceNumber& number, bool after);
  Result<std::uint64_t> position_of_time(const stream::ShardRecord& record, Shard& shard,
                                         std::int64_t arrival_ns);
  static Result<std::uint64_t> find_time_in_log(Shard& shard, std::int64_t arrival_ns,
                                                std::uint64_t bound);
  Result<const stream::ShardRecord*> open_listed(std::uint32_t number, Shard*& shard);

  stream::Membership member_;
  stream::ControlFile control_;
  stream::Alive alive_;
  std::shared_ptr<stream::StateDirectory> state_;  ///< null: memory only
  stream::ShardMap map_;
  std::vector<std::unique_ptr<Shard>> open_;  ///< by number
  std::uint64_t seen_changes_ = 0;
  // Of the settings as of seen_changes_.
  StreamSettings settings_;
  std::int64_t retention_ns_ = 0;
  std::uint64_t record_bytes_max_ = 0;
  bool durable_ = false;
  bool limits_ = false;
};

}  // namespace ringpost::detail
