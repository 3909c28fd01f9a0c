// The filter policies of a topic's subscriptions, by place.
#pragma once

#include <string>
#include <vector>

#include "filter/matcher.hpp"
#include "ringpost/topic.hpp"
#include "topic/subscriptions.hpp"

namespace ringpost::topic {

/// kInvalidArgument with what SNS says about the policy. An empty one is none.
[[nodiscard]] Result<void> check_filter(const std::string& policy, FilterScope scope);

/// Threads     one at a time. Errors  std::bad_alloc.
class Filters {
 public:
  using Place = Subscriptions::Place;

  /// The subscription in `place` is this one from now on; id 0: none is there.
  void set(Place place, const SubscriptionInfo& subscription);
  void clear() { *this = {}; }

  /// The places of the subscriptions that get the message, until the next call.
  [[nodiscard]] const std::vector<Place>& match(const AttributeList& attributes,
                                                std::string_view body);

 private:
  filter::Matcher matcher_;
  filter::Scratch scratch_;
  filter::Message message_;
  std::vector<Place> matches_;
};

}  // namespace ringpost::topic
