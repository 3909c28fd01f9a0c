// Several messages in one call: what is wrong with the batch refuses it, what is wrong with a
// message refuses that one (sns.md, M10 to M12).
#include <algorithm>

#include "queue/attributes.hpp"
#include "ringpost/sqs.hpp"
#include "sys/error.hpp"
#include "topic/topic_core.hpp"

namespace ringpost::detail {
namespace {

constexpr std::size_t kEntriesMax = 10;

Unexpected<Error> refused(const std::string& object, const char* why) {
  return sys::error(Errc::kInvalidArgument, object, why);
}

std::string object_of(std::string_view id) {
  return "batch entry \"" + std::string(id.substr(0, 80)) + "\"";
}

Result<void> check_entry_ids(std::span<const PublishEntry> entries) {
  if (entries.empty()) return refused("batch", "has no entries");
  if (entries.size() > kEntriesMax) return refused("batch", "has more than 10 entries");
  std::vector<std::string_view> ids;
  for (const PublishEntry& each : entries) {
    if (!sqs::is_entry_id(each.id)) {
      return refused(object_of(each.id), "its id is not 1 to 80 of A-Z a-z 0-9 - _");
    }
    ids.push_back(each.id);
  }
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) return refused(object_of(*twice), "another has the same id");
  return {};
}

PublishOptions options_of(const PublishEntry& entry) noexcept {
  PublishOptions options;
  options.attributes = entry.attributes;
  options.subject = entry.subject;
  options.group = entry.group;
  options.dedup_id = entry.dedup_id;
  return options;
}

}  // namespace

Result<std::vector<Result<Published, Errc>>> TopicCore::publish_batch(
    std::span<const PublishEntry> entries, Duration wait) {
  if (const Errc code = refresh(); code != Errc::kOk) {
    return sys::error(code, "topic \"" + file_.name() + "\"", message(code));
  }
  if (auto checked = check_entry_ids(entries); !checked) return Unexpected(checked.error());
  std::uint64_t bytes = 0;
  for (const PublishEntry& each : entries) {
    const PublishOptions options = options_of(each);
    if (ordered_ != nullptr) {  // each is part of the order, or none is
      const bool good =
          check(each.body, options) != Errc::kInvalidArgument && check_ids(options) == Errc::kOk;
      if (!good) return refused(object_of(each.id), "it breaks the rules of a FIFO topic");
    }
    bytes += each.body.size();
    if (each.attributes.empty()) continue;
    if (queue::check_attributes(each.attributes) != Errc::kOk) {
      return refused(object_of(each.id), "its attributes break the rules");
    }
    bytes += queue::counted_bytes(each.attributes);
  }
  if (bytes > file_.message_bytes_max()) {
    return sys::error(Errc::kTooLarge, "batch", "its messages together are larger than one may be");
  }
  std::vector<Result<Published, Errc>> outcomes;
  outcomes.reserve(entries.size());
  const base::TimeSource& time = member_.me.bus().time();
  const std::uint64_t begin = wait > Duration::zero() ? time.precise_ns() : 0;
  for (const PublishEntry& each : entries) {
    PublishOptions options = options_of(each);
    if (wait == kForever) options.wait = kForever;
    if (wait > Duration::zero() && wait != kForever) {
      const Duration gone(static_cast<std::int64_t>(time.precise_ns() - begin));
      options.wait = std::max(Duration::zero(), wait - gone);
    }
    outcomes.push_back(publish(each.body, options));
  }
  return outcomes;
}

}  // namespace ringpost::detail
