#include "topic/filters.hpp"

#include "sys/error.hpp"

namespace ringpost::topic {
namespace {

filter::Scope scope_of(FilterScope scope) noexcept {
  return scope == FilterScope::kBody ? filter::Scope::kBody : filter::Scope::kAttributes;
}

}  // namespace

Result<void> check_filter(const std::string& policy, FilterScope scope) {
  if (policy.empty()) return {};
  const auto parsed = filter::Policy::parse(policy, scope_of(scope));
  if (parsed) return {};
  return sys::error(Errc::kInvalidArgument, "filter policy", parsed.error().message);
}

void Filters::set(Place place, const SubscriptionInfo& subscription) {
  matcher_.remove(place);
  if (subscription.id == 0) return;
  const std::string& text = *subscription.settings.filter;
  if (text.empty()) {
    matcher_.add(place);
    return;
  }
  // It was looked at when it was set: one that does not parse now is damage, and gets nothing.
  const auto policy = filter::Policy::parse(text, scope_of(*subscription.settings.filter_scope));
  if (policy) matcher_.add(place, *policy);
}

const std::vector<Filters::Place>& Filters::match(const AttributeList& attributes,
                                                  std::string_view body) {
  matches_.clear();
  message_.set(attributes, body);
  matcher_.match(message_, scratch_, matches_);
  return matches_;
}

}  // namespace ringpost::topic
