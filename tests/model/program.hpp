// Random programs of calls: made from a seed, printed for people, made smaller by leaving calls
// out. A call never refers to what an earlier one gave, only to "the third newest receipt there
// is", so that any part of a program is a program.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "process/rig/random.hpp"
#include "ringpost/types.hpp"

namespace ringpost::model {

enum class Call : std::uint8_t {
  kBegin,  ///< purge, and settings of its own: a new sequence
  kSend,
  kSendLoan,
  kSendBatch,
  kReceive,
  kAcknowledge,
  kRelease,
  kExtend,
  kPass,  ///< time
  kSet,
  kPurge,
  kStats,
  kPeek,
  kLetGo,  ///< of the message that has been read in place for the longest time
  kForeignReceipt,
};

enum class Setting : std::uint8_t {
  kVisibility,
  kDelay,
  kRetention,
  kInFlight,
  kBytes,
  kDedup,   ///< FIFO
  kWindow,  ///< FIFO
  kCountOf,
};

struct Operation {
  Call call = Call::kPass;
  std::uint8_t handle = 0;             ///< which participant calls
  std::uint32_t count = 1;             ///< messages to send or receive
  std::uint32_t receipt = 0;           ///< 0: the newest
  bool in_place = false;               ///< keep the lease, or settle by it
  std::optional<Duration> time{};      ///< delay, visibility timeout, extension, time that passes
  std::uint32_t body = 0;              ///< index into kBodyBytes
  std::uint32_t attributes = 0;        ///< index of a set of attributes, see attributes_of()
  std::array<std::uint64_t, 7> set{};  ///< by Setting: 0: left as it is, else value + 1
  std::uint32_t group = 0;             ///< FIFO: index of a group, see group_text()
  std::uint32_t dedup_id = 0;          ///< FIFO: index of an id, see id_text()
  std::uint32_t twin = 0;              ///< FIFO: not 0: its body is as that of others

  friend bool operator==(const Operation&, const Operation&) = default;
};

using Program = std::vector<Operation>;

/// Empty, inline and in a block; the sizes about a limit of 1,024 bytes and of a slot.
inline constexpr std::uint32_t kBodyBytes[] = {12,  0,   1,     40,    41,   104,
                                               105, 600, 1'018, 1'024, 1'025};
inline constexpr std::uint32_t kAttributeSets = 8;

inline constexpr std::uint32_t kGroups = 4;      ///< those behind are no groups
inline constexpr std::uint32_t kIds = 6;         ///< 1 … kIds are ids; 0: none is given
inline constexpr std::uint32_t kContentIds = 3;  ///< the next ones are those of contents
inline constexpr std::uint32_t kTwins = 3;

/// A sequence of 5 to 40 calls, opened by kBegin.
[[nodiscard]] Program random_sequence(std::uint64_t seed, bool fifo);

[[nodiscard]] std::string to_string(const Operation& operation);
[[nodiscard]] std::string to_string(const Program& program);

}  // namespace ringpost::model
