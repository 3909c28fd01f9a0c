// The leases of one consumer group: files in shared memory, a row for each shard.
//
//   <bus>/consumers/<stream id>-<n>-<group>   rows of the shards 64 n to 64 n + 63
//
// Crash  a file gets its name when it is complete. Rows change by one CAS. Nothing in it names a
//        dead consumer for longer than it takes others to see that he is dead: no sweep.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/result.hpp"
#include "shm/participant.hpp"
#include "stream/lease_word.hpp"
#include "sys/mapping.hpp"

namespace ringpost::stream {

inline constexpr std::uint64_t kLeaseMagic = 0x455341454c505352;  // "RSPLEASE"
inline constexpr std::uint32_t kLeaseFormat = 1;
inline constexpr std::uint32_t kRowsInFile = 64;
inline constexpr std::size_t kGroupNameMax = 128;

/// Fixed once the file has its name.
struct LeaseHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t first_shard;
  std::uint64_t stream_id;
  std::uint64_t created_wall_ns;
  char group[kGroupNameMax];
};
static_assert(sizeof(LeaseHeader) <= base::kPageBytes);
inline constexpr std::size_t kLeaseFileBytes =
    base::round_up(base::kPageBytes + kRowsInFile * sizeof(LeaseRow), base::kPageBytes);

/// As names of streams.
[[nodiscard]] bool is_valid_group(std::string_view name) noexcept;

/// Threads  one at a time. Blocking  never, but for opening files.
class LeaseTable {
 public:
  /// Makes it if it is not there.
  static Result<LeaseTable> open(const shm::Participant& me, std::uint64_t stream_id,
                                 const std::string& group);
  /// Error kNotFound: nobody has made it.
  static Result<LeaseTable> open_existing(const shm::Participant& me, std::uint64_t stream_id,
                                          const std::string& group);
  /// Maps or makes what it takes.
  [[nodiscard]] Result<LeaseRow*> row(std::uint32_t shard);
  /// Null: nobody has made it.
  [[nodiscard]] LeaseRow* row_if_made(std::uint32_t shard) noexcept;

 private:
  LeaseTable(const shm::Participant& me, std::uint64_t stream_id, std::string group)
      : me_(&me), stream_id_(stream_id), group_(std::move(group)) {}
  Result<void> open_directory(bool create);
  Result<void> map(std::uint32_t file);
  Result<void> make(std::uint32_t file);
  [[nodiscard]] std::string name_of(std::uint32_t file) const;

  const shm::Participant* me_;
  std::uint64_t stream_id_;
  std::string group_;
  sys::Fd directory_;
  std::vector<sys::Mapping> files_;
};

/// In order.
[[nodiscard]] Result<std::vector<std::string>> group_names(const shm::BusFiles& bus,
                                                           std::uint64_t stream_id);
/// Takes one group's files off the bus, or all groups' of the stream if the name is empty.
/// Consumers that are at work keep theirs, which nobody else sees.
void remove_groups(const shm::BusFiles& bus, std::uint64_t stream_id, std::string_view group = {});

}  // namespace ringpost::stream
