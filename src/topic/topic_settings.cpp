// Settings and tags of the topic itself: records of its log, as its subscriptions are.
#include "topic/changeable.hpp"
#include "topic/topic_core.hpp"

namespace ringpost::detail {

using topic::Changeable;

/// In force: others may have changed them.
TopicSettings TopicCore::settings() {
  (void)file_.replay(*this);  // of one that is gone or damaged: what it had
  return file_.settings();
}

Result<Tags> TopicCore::tags() {
  if (auto read = file_.replay(*this); !read) return Unexpected(read.error());
  return file_.changeable().tags;
}

Result<void> TopicCore::set(const TopicSettings& changes) {
  return change_topic(
      [&](const Changeable& before) { return topic::changed(before, file_.settings(), changes); });
}

Result<void> TopicCore::set_tags(const Tags& tags) {
  return change_topic([&](const Changeable& before) -> Result<Changeable> {
    Changeable after = before;
    for (const auto& [key, value] : tags) after.tags[key] = value;
    if (auto checked = topic::check_tags(after.tags); !checked) return Unexpected(checked.error());
    return after;
  });
}

Result<void> TopicCore::remove_tags(std::span<const std::string> keys) {
  return change_topic([&](const Changeable& before) -> Result<Changeable> {
    Changeable after = before;
    for (const std::string& key : keys) after.tags.erase(key);
    return after;
  });
}

/// `what` says what becomes of them, when nobody else can change them.
Result<void> TopicCore::change_topic(const ChangeTopic& what) {
  return change([&]() -> Result<std::vector<topic::LogEntry>> {
    auto after = what(file_.changeable());
    if (!after) return Unexpected(after.error());
    std::vector<topic::LogEntry> entries;
    if (*after != file_.changeable()) {
      entries.emplace_back().kind = topic::RecordKind::kChangeable;
      entries.back().topic = std::move(*after);
    }
    return entries;
  });
}

}  // namespace ringpost::detail
