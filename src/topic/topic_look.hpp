// A topic's file as somebody sees it who only looks: nothing is locked, repaired or followed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/result.hpp"
#include "shm/bus_files.hpp"
#include "topic/subscriptions.hpp"

namespace ringpost::topic {

struct TopicLook {
  std::uint64_t topic_id = 0;
  bool is_fifo = false;
  std::string header_name;      ///< that its header has
  std::uint32_t state = 0;      ///< TopicState
  bool is_locked = false;       ///< somebody is changing it
  std::int32_t writer = 0;      ///< pid of the last writer
  std::uint64_t end = 0;        ///< of the log, as the header says
  bool is_damaged = false;      ///< the log cannot be read up to its end
  Subscriptions subscriptions;  ///< as far as it can be read
};

/// Ids of topics that are gone, of which a turn was left. None if a topic cannot be read.
[[nodiscard]] std::vector<std::uint64_t> turns_without_topic(const shm::BusFiles& bus);

/// Of all topics: whoever deletes one or writes its list anew is alive, or it is finished or taken
/// back. Removes turns without a topic; returns how many. Threads any. Blocking never.
std::uint64_t finish_for_the_dead(const std::shared_ptr<shm::BusFiles>& bus);

/// Threads any. Blocking never. Errors kNotFound, kWrongFormat, kOlderFormat, kNewerFormat,
/// kCorrupt, kUnsafeFile.
[[nodiscard]] Result<TopicLook> look_at(const shm::BusFiles& bus, const std::string& name);

}  // namespace ringpost::topic
