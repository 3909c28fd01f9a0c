// The records of a stream, of all its shards, nearly in the order in which they arrived; parents to
// their end before their children.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "context.hpp"
#include "ringpost/stream.hpp"

namespace ringpost::cli {

struct FeedOptions {
  From from{};
  std::optional<std::uint32_t> shard;  ///< this one and its children; none: all
  bool live = false;                   ///< false: only what is there at the beginning
  std::optional<WallTime> until;       ///< records that arrived later are left out
};

class StreamFeed {
 public:
  StreamFeed(const Context& context, Stream& stream, const FeedOptions& options);

  /// The next record, good until the next call; null: none within the wait. Throws Failure,
  /// Interrupted.
  const StreamRecord* next(Duration wait);
  /// Not live, and everything was given.
  [[nodiscard]] bool is_over() const noexcept { return !options_.live && open_.empty(); }
  /// Positions (64 bytes each) from the beginning to the end, at the beginning; not of a live one.
  [[nodiscard]] std::uint64_t work() const noexcept { return work_; }
  /// Those of the record that next() gave last, and of what was skipped before it.
  [[nodiscard]] std::uint64_t work_of_last() const noexcept { return work_of_last_; }
  /// Times that records were gone before they were read.
  [[nodiscard]] std::uint64_t gaps() const noexcept { return gaps_; }

 private:
  struct Open {
    ShardReader reader;
    Records records{};
    std::size_t given = 0;
    std::uint64_t position = 0;          ///< of what was given last
    std::optional<std::uint64_t> end{};  ///< not live: where it was at the beginning
    [[nodiscard]] bool has_record() const noexcept { return given < records.size(); }
    [[nodiscard]] const StreamRecord& front() const noexcept { return records[given]; }
  };
  using Shards = std::vector<ShardInfo>;

  [[nodiscard]] Shards list();
  [[nodiscard]] ShardReader reader_of(std::uint32_t shard, const From& from);
  [[nodiscard]] std::optional<std::uint32_t> first_shard() const;
  void open(std::uint32_t shard, const From& from);
  void open_children(const Shards& children);
  [[nodiscard]] bool is_ready(const ShardInfo& shard) const;
  [[nodiscard]] bool fill(Open& shard);
  void fill_all();
  const StreamRecord* give();

  const Context& context_;
  Stream& stream_;
  FeedOptions options_;
  std::map<std::uint32_t, Open> open_;
  std::map<std::uint32_t, std::uint64_t> ends_;  ///< of every shard that there was at the beginning
  std::set<std::uint32_t> to_come_;              ///< shards that hold up their children
  std::set<std::uint32_t> begun_;
  std::uint64_t work_ = 0;
  std::uint64_t work_of_last_ = 0;
  std::uint64_t gaps_ = 0;
};

}  // namespace ringpost::cli
