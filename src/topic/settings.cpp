#include "topic/settings.hpp"

#include "queue/settings.hpp"
#include "ringpost/delivery_policy.hpp"
#include "sys/error.hpp"
#include "topic/filters.hpp"

namespace ringpost::topic {
namespace {

template <class T>
void keep_given(std::optional<T>& existing, const std::optional<T>& given) {
  if (given) existing = given;
}

}  // namespace

TopicSettings with_defaults(const TopicSettings& given) {
  return {.message_bytes_max = given.message_bytes_max.value_or(256 * 1024),
          .display_name = given.display_name.value_or(""),
          .delivery_policy = given.delivery_policy.value_or(""),
          .fifo = given.fifo.value_or(false),
          .dedup = given.dedup.value_or(Dedup::kOff),
          .dedup_scope = given.dedup_scope.value_or(DedupScope::kQueue),
          .dedup_window = given.dedup_window.value_or(5min),
          .dedup_entries = given.dedup_entries.value_or(65'536)};
}

SubscriptionSettings with_defaults(const SubscriptionSettings& given) {
  return changed({.raw = true,
                  .filter = "",
                  .filter_scope = FilterScope::kAttributes,
                  .when_full = WhenFull::kWait,
                  .dead_letter_queue = "",
                  .delivery_policy = ""},
                 given);
}

SubscriptionSettings changed(const SubscriptionSettings& existing,
                             const SubscriptionSettings& given) {
  SubscriptionSettings all = existing;
  keep_given(all.raw, given.raw);
  keep_given(all.filter, given.filter);
  keep_given(all.filter_scope, given.filter_scope);
  keep_given(all.when_full, given.when_full);
  keep_given(all.dead_letter_queue, given.dead_letter_queue);
  keep_given(all.delivery_policy, given.delivery_policy);
  return all;
}

Result<void> check_limits(const TopicSettings& given) {
  const std::uint64_t bytes = given.message_bytes_max.value_or(1024);
  if (bytes < 1024 || bytes > 64u << 20) {
    return sys::error(Errc::kInvalidArgument, "message_bytes_max", "must be 1 KiB to 64 MiB");
  }
  if (given.display_name && given.display_name->size() > 100) {
    return sys::error(Errc::kInvalidArgument, "display_name", "must have at most 100 bytes");
  }
  if (given.dedup.value_or(Dedup::kOff) != Dedup::kOff && !given.fifo.value_or(true)) {
    return sys::error(Errc::kInvalidArgument, "dedup", "only a FIFO topic deduplicates");
  }
  return queue::check_limits(
      {.dedup_window = given.dedup_window, .dedup_entries = given.dedup_entries});
}

Result<TopicSettings> normalised(const TopicSettings& given) {
  if (auto checked = check_limits(given); !checked) return Unexpected(checked.error());
  TopicSettings kept = given;
  if (!given.delivery_policy || given.delivery_policy->empty()) return kept;
  const auto policy = TopicDeliveryPolicy::parse(*given.delivery_policy);
  if (!policy) return Unexpected(policy.error());
  kept.delivery_policy = policy->to_json();
  return kept;
}

const char* first_difference(const TopicSettings& given, const TopicSettings& existing) noexcept {
  const auto differs = [](const auto& wanted, const auto& found) {
    return wanted && wanted != found;
  };
  if (differs(given.message_bytes_max, existing.message_bytes_max)) return "message_bytes_max";
  if (differs(given.display_name, existing.display_name)) return "display_name";
  if (differs(given.delivery_policy, existing.delivery_policy)) return "delivery_policy";
  if (differs(given.fifo, existing.fifo)) return "fifo";
  if (differs(given.dedup, existing.dedup)) return "dedup";
  if (differs(given.dedup_scope, existing.dedup_scope)) return "dedup_scope";
  if (differs(given.dedup_window, existing.dedup_window)) return "dedup_window";
  if (differs(given.dedup_entries, existing.dedup_entries)) return "dedup_entries";
  return nullptr;
}

Result<SubscriptionSettings> normalised(const SubscriptionSettings& given, bool is_endpoint) {
  SubscriptionSettings kept = given;
  if (!given.delivery_policy || given.delivery_policy->empty()) return kept;
  if (!is_endpoint) {
    return sys::error(Errc::kInvalidArgument, "delivery policy", "a queue has none");
  }
  const auto policy = DeliveryPolicy::parse(*given.delivery_policy);
  if (!policy) return Unexpected(policy.error());
  kept.delivery_policy = policy->to_json();
  return kept;
}

Result<void> check(queue::QueueMappings& queues, const std::string& queue,
                   std::optional<ring::RingKind> kind, const SubscriptionSettings& settings) {
  if (auto parsed = check_filter(*settings.filter, *settings.filter_scope); !parsed) return parsed;
  const std::string& dead_letters = *settings.dead_letter_queue;
  if (dead_letters.empty()) return {};
  const std::string object = "dead-letter queue \"" + dead_letters + "\"";
  if (dead_letters == queue) {
    return sys::error(Errc::kInvalidArgument, object, "is the subscribed queue itself");
  }
  if (!shm::is_valid_name(dead_letters)) {
    return sys::error(Errc::kInvalidArgument, object, "is no name of a queue");
  }
  const auto found = queues.open(dead_letters);
  if (!found || (*found)->header().state.load(std::memory_order_acquire) != 0) {
    return sys::error(Errc::kNotFound, object, "does not exist: create it first");
  }
  if ((*found)->journal() != 0) {
    return sys::error(Errc::kUnsupported, object,
                      "is a durable queue, which takes no dead letters of topics yet");
  }
  if ((*found)->kind() == kind.value_or((*found)->kind())) return {};
  return sys::error(Errc::kInvalidArgument, object,
                    kind == ring::RingKind::kFifo
                        ? "is no FIFO queue, as the subscribed one is"
                        : "is a FIFO queue or a fair one: name a standard queue");
}

}  // namespace ringpost::topic
