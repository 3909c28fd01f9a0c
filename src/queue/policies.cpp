#include "queue/policies.hpp"

#include <algorithm>

#include "queue/setting_change.hpp"
#include "shm/bus_files.hpp"
#include "sys/error.hpp"

namespace ringpost::queue {
namespace {

Unexpected<Error> refused(const std::string& object, const std::string& why) {
  return sys::error(Errc::kInvalidArgument, object, why);
}

}  // namespace

Result<void> check_form(const RedrivePolicy& policy) {
  if (policy.dead_letter_queue.empty()) return {};
  if (!shm::is_valid_name(policy.dead_letter_queue)) {
    return refused("redrive", "\"" + policy.dead_letter_queue +
                                  "\" is no name of a queue: use 1 to 80 of A-Z a-z 0-9 - _");
  }
  if (policy.max_receive_count == 0 || policy.max_receive_count > kReceivesMax) {
    return refused("redrive", "max_receive_count must be 1 to 1,000");
  }
  return {};
}

Result<void> check_form(const RedriveAllow& allow) {
  const bool by_queue = allow.permission == RedriveAllow::Permission::kByQueue;
  if (allow.permission > RedriveAllow::Permission::kByQueue) {
    return refused("redrive_allow", "its permission does not exist");
  }
  if (!by_queue && !allow.sources.empty()) {
    return refused("redrive_allow", "names sources: that goes with by-queue only");
  }
  if (by_queue && (allow.sources.empty() || allow.sources.size() > kAllowedSourcesMax)) {
    return refused("redrive_allow", "name 1 to 10 sources, or allow or deny all");
  }
  for (const std::string& name : allow.sources) {
    if (shm::is_valid_name(name)) continue;
    return refused("redrive_allow", "\"" + name + "\" is no name of a queue");
  }
  return {};
}

bool allows(const RedriveAllow& allow, const std::string& source) {
  switch (allow.permission) {
    case RedriveAllow::Permission::kAllowAll:
      return true;
    case RedriveAllow::Permission::kDenyAll:
      return false;
    case RedriveAllow::Permission::kByQueue:
      return std::find(allow.sources.begin(), allow.sources.end(), source) != allow.sources.end();
  }
  return false;
}

Result<void> check_redrive(QueueMappings& queues, const std::string& name, bool fifo,
                           const QueueSettings& given) {
  if (!given.redrive || given.redrive->dead_letter_queue.empty()) return {};
  const std::string& wanted = given.redrive->dead_letter_queue;
  const std::string object = "dead-letter queue \"" + wanted + "\"";
  if (wanted == name) {
    return refused(object, "is the queue itself: name another one");
  }
  const auto found = queues.open(wanted);
  if (!found || (*found)->header().state.load(std::memory_order_acquire) != 0) {
    if (!found && !(found.error() == Errc::kNotFound)) return Unexpected(found.error());
    return sys::error(Errc::kNotFound, object, "does not exist: create it first");
  }
  if ((*found)->kind() == ring::RingKind::kFair) {
    return refused(object, "is a fair queue, which cannot be a dead-letter queue yet");
  }
  const bool theirs_is_fifo = (*found)->kind() == ring::RingKind::kFifo;
  if (theirs_is_fifo != fifo) {
    return refused(object, fifo ? "is a standard queue, this one is FIFO: name one of the same kind"
                                : "is a FIFO queue, this one is not: name one of the same kind");
  }
  const QueueSettings theirs = changeable_settings((*found)->header());
  if (!allows(*theirs.redrive_allow, name)) {
    return refused(object, "does not allow it: change its redrive_allow first");
  }
  return {};
}

}  // namespace ringpost::queue
