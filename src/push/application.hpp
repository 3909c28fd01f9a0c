// Applications of platforms and their endpoints: their rules, and their text (sns.md, X05–X07).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/result.hpp"

namespace ringpost::push {

using Attributes = std::map<std::string, std::string>;

struct Endpoint {
  std::string id;
  Attributes attributes;  ///< Token, Enabled and perhaps CustomUserData
};

struct Application {
  std::string platform;
  std::string name;
  Attributes attributes;  ///< with the secret ones
  std::vector<Endpoint> endpoints;
};

/// Of a new one.
Result<void> check_application(const std::string& platform, const std::string& name);
/// Of an application as it would be: names that there are, principal and credential together.
Result<void> check_application_attributes(const Attributes& attributes);
Result<void> check_endpoint_attributes(const Attributes& attributes);
[[nodiscard]] bool is_enabled(const Attributes& attributes);
/// Without the secret ones.
[[nodiscard]] Attributes shown(const Attributes& attributes);

[[nodiscard]] std::string to_text(const Application& application);
/// Nothing: that is not what to_text() gives.
[[nodiscard]] std::optional<Application> from_text(std::string_view text);

}  // namespace ringpost::push
