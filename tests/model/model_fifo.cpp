// What a FIFO queue adds to the model: groups (sqs.md, section 7) and deduplication.
#include <algorithm>

#include "model/model_queue.hpp"

namespace ringpost::model {
namespace {

/// [S13, S14]
bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

/// [D05] Its own one before that of its content.
std::string ModelQueue::id_of(const ModelSend& message) const {
  const bool content_wins = flaw_ == Flaw::kContentIdWins;
  if (settings_.dedup != Dedup::kByContent) return message.dedup_id;
  return message.dedup_id.empty() || content_wins ? message.content_id : message.dedup_id;
}

/// [D03]
std::string ModelQueue::key_of(const ModelSend& message) const {
  const bool by_group =
      (type_.dedup_scope == DedupScope::kGroup) != (flaw_ == Flaw::kScopeIsTheOther);
  return (by_group ? std::string(message.group) : std::string()) + " " + id_of(message);
}

/// [S06, S13, S14]
bool ModelQueue::is_right_in_group(const ModelSend& message, const Duration* delay) const {
  const bool delays = delay != nullptr && *delay != Duration::zero();
  if (delays && flaw_ != Flaw::kFifoDelayMayBeGiven) return false;
  const std::string id = id_of(message);
  return is_id(message.group) && (id.empty() ? settings_.dedup == Dedup::kOff : is_id(id));
}

bool ModelQueue::is_duplicate(const ModelSend& message, std::uint64_t now_ns) const {
  if (settings_.dedup == Dedup::kOff) return false;
  const auto found = ids_.find(key_of(message));
  return found != ids_.end() && now_ns < found->second.until_ns;  // [D01]
}

bool ModelQueue::duplicate_got(const ModelSend& message, MessageId id,
                               std::uint64_t now_ns) {  // [D02]
  Id& first = ids_.find(key_of(message))->second;
  if (flaw_ == Flaw::kDuplicatesExtendTheWindow) first.until_ns = now_ns + window_ns();
  if (first.id != MessageId{}) return first.id == id;
  first.id = id;
  for (ModelMessage& each : messages_) {
    if (each.number != first.number) continue;
    if (!rises(each, id)) return false;
    each.id = id;
  }
  return true;
}

void ModelQueue::remember(ModelMessage& message, const ModelSend& send, std::uint64_t now_ns) {
  message.group = send.group;
  message.dedup_id = id_of(send);
  if (settings_.dedup == Dedup::kOff) return;
  message.dedup_key = key_of(send);
  ids_[message.dedup_key] = {message.number, message.id, now_ns + window_ns()};
}

/// The id of a message of a batch becomes known with its first receive.
void ModelQueue::learn(const ModelMessage& message) {
  if (message.dedup_key.empty()) return;
  const auto found = ids_.find(message.dedup_key);
  if (found != ids_.end() && found->second.number == message.number) found->second.id = message.id;
}

/// [F03, F05, F06] From the front of the group until one is invisible. One past its retention is
/// never given; as long as it is in flight it may lock its group.
Range ModelQueue::available_of(const std::string& group, std::uint64_t now_ns) const {
  Range range;
  bool may_be_locked = false;
  for (const ModelMessage& message : messages_) {
    if (message.group != group || was_given(message)) continue;
    const bool is_visible = message.is_visible(now_ns);
    if (is_over_age(message, now_ns)) {
      may_be_locked |= !is_visible;
      continue;
    }
    if (!is_visible && flaw_ == Flaw::kGroupsAreNotLocked) continue;
    if (!is_visible) break;
    ++range.most;
    if (!may_be_locked) ++range.least;
    if (flaw_ == Flaw::kOneOfAGroupInABatch) break;
  }
  return range;
}

Range ModelQueue::available(std::uint64_t now_ns) const {
  Range all;
  std::vector<std::string_view> seen;
  for (const ModelMessage& message : messages_) {
    if (std::find(seen.begin(), seen.end(), message.group) != seen.end()) continue;
    seen.push_back(message.group);
    const Range one = available_of(message.group, now_ns);
    all.least += one.least;
    all.most += one.most;
  }
  return all;
}

bool ModelQueue::may_come_next(const ModelMessage& message, std::uint64_t now_ns) const {
  for (const ModelMessage& before : messages_) {
    if (before.number == message.number) break;
    if (before.group != message.group || was_given(before)) continue;
    if (!is_over_age(before, now_ns)) return false;  // [F01, F03]
  }
  if (groups_given_.empty() || groups_given_.back() == message.group) return true;
  const bool was_left =
      std::find(groups_given_.begin(), groups_given_.end(), message.group) != groups_given_.end();
  return !was_left && available_of(groups_given_.back(), now_ns).least == 0;
}

bool ModelQueue::rises(const ModelMessage& message, MessageId id) const {  // [S15]
  return std::all_of(messages_.begin(), messages_.end(), [&](const ModelMessage& each) {
    if (each.group != message.group || each.id == MessageId{}) return true;
    if (each.number == message.number) return each.id == id;
    return (each.number < message.number) == (each.id.position < id.position);
  });
}

}  // namespace ringpost::model
