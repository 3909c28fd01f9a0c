// Random programs of calls about topics and their queues, in the manner of program.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/types.hpp"

namespace ringpost::model {

inline constexpr std::uint32_t kQueues = 6;  ///< made standard, standard, FIFO, FIFO, and so on
inline constexpr std::uint32_t kTopics = 3;  ///< a standard one and two FIFO ones
inline constexpr std::uint32_t kActors = 3;  ///< participants
inline constexpr std::uint32_t kFilters = 7;

enum class TopicCall : std::uint8_t {
  kSubscribe,
  kSetSubscription,
  kUnsubscribe,
  kSetTopic,
  kRemakeTopic,
  kPublish,
  kPublishBatch,
  kSend,  ///< directly to a queue, to fill it
  kReceive,
  kAcknowledge,
  kRelease,
  kPurge,
  kDeleteQueue,
  kMakeQueue,
  kPass,   ///< time
  kDeath,  ///< of a participant that has published and received
  kSweep,
  kStats,
  kCountOf,
};

struct TopicStep {
  TopicCall call = TopicCall::kPass;
  std::uint8_t actor = 0;
  std::uint8_t topic = 0;
  std::uint8_t queue = 0;
  std::uint8_t dead_letters = 0;  ///< 0: none, else a queue + 1
  std::uint8_t filter = 0;
  std::uint8_t when_full = 0;
  std::uint8_t which = 0;      ///< of the subscriptions; fields to change; what a receive does
  std::uint8_t count = 1;      ///< messages
  std::uint8_t key = 1;        ///< that filters ask for, in the body
  std::uint8_t attribute = 0;  ///< the same as an attribute; 0: none
  std::uint8_t group = 0;      ///< 0: the right one, none in a standard topic; else one of three
  std::uint8_t id = 0;         ///< 0: none
  std::uint8_t twin = 0;       ///< not 0: its body is as that of others
  bool json = false;           ///< a subscription's documents
  bool other_kind = false;     ///< of a queue, of settings
  bool large = false;          ///< beyond 1 KiB
  bool plain = false;          ///< a body that is no JSON
  std::uint32_t seconds = 0;

  friend bool operator==(const TopicStep&, const TopicStep&) = default;
};

using TopicProgram = std::vector<TopicStep>;

[[nodiscard]] TopicProgram random_topic_program(std::uint64_t seed);
[[nodiscard]] std::string to_string(const TopicStep& step);
[[nodiscard]] std::string to_string(const TopicProgram& program);

}  // namespace ringpost::model
