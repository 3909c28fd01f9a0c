#include "push/application.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "sys/error.hpp"

namespace ringpost::push {
namespace {

namespace json = boost::json;

constexpr int kFormat = 1;
constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kUserDataBytesMax = 2048;

constexpr std::string_view kPlatforms[] = {
    "ADM",   "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX",
    "Baidu", "FCM",  "GCM",          "MACOS",     "MACOS_SANDBOX",
    "MPNS",  "WNS"};
constexpr std::string_view kApplicationAttributes[] = {
    "PlatformCredential",        "PlatformPrincipal",
    "EventEndpointCreated",      "EventEndpointDeleted",
    "EventEndpointUpdated",      "EventDeliveryFailure",
    "SuccessFeedbackRoleArn",    "FailureFeedbackRoleArn",
    "SuccessFeedbackSampleRate", "Enabled"};
constexpr std::string_view kEndpointAttributes[] = {"Token", "Enabled", "CustomUserData"};

template <std::size_t kCount>
bool has(const std::string_view (&names)[kCount], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Unexpected<Error> refused(const std::string& what, std::string_view why) {
  return sys::error(Errc::kInvalidArgument, what, why);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

Result<void> check_enabled(const Attributes& attributes) {
  const auto found = attributes.find("Enabled");
  if (found == attributes.end() || found->second == "true" || found->second == "false") return {};
  return refused("attribute Enabled", "must be true or false");
}

json::string_view view(const std::string& text) { return {text.data(), text.size()}; }

json::object json_of(const Attributes& attributes) {
  json::object object;
  for (const auto& [name, value] : attributes) object[view(name)] = view(value);
  return object;
}

/// Throws std::exception: it is something else.
Attributes attributes_in(const json::value& value) {
  Attributes attributes;
  for (const auto& member : value.as_object()) {
    attributes.emplace(member.key(), member.value().as_string());
  }
  return attributes;
}

}  // namespace

Result<void> check_application(const std::string& platform, const std::string& name) {
  if (!has(kPlatforms, platform)) return refused("platform \"" + platform + "\"", "is not known");
  if (is_name(name)) return {};
  return refused("application \"" + name.substr(0, 80) + "\"",
                 "use 1 to 256 of A-Z a-z 0-9 _ . - for its name");
}

Result<void> check_application_attributes(const Attributes& attributes) {
  for (const auto& each : attributes) {
    if (!has(kApplicationAttributes, each.first)) {
      return refused("attribute " + each.first.substr(0, 80), "no application has it");
    }
  }
  if (attributes.contains("PlatformPrincipal") != attributes.contains("PlatformCredential")) {
    return refused("attribute PlatformPrincipal", "is given with PlatformCredential or not at all");
  }
  return check_enabled(attributes);
}

Result<void> check_endpoint_attributes(const Attributes& attributes) {
  for (const auto& each : attributes) {
    if (!has(kEndpointAttributes, each.first)) {
      return refused("attribute " + each.first.substr(0, 80), "no endpoint has it");
    }
  }
  const auto token = attributes.find("Token");
  if (token == attributes.end() || token->second.empty()) {
    return refused("attribute Token", "must not be empty");
  }
  const auto data = attributes.find("CustomUserData");
  if (data != attributes.end() && data->second.size() > kUserDataBytesMax) {
    return refused("attribute CustomUserData", "must have at most 2,048 bytes");
  }
  return check_enabled(attributes);
}

bool is_enabled(const Attributes& attributes) {
  const auto found = attributes.find("Enabled");
  return found == attributes.end() || found->second == "true";
}

Attributes shown(const Attributes& attributes) {
  Attributes some = attributes;
  some.erase("PlatformCredential");
  some.erase("PlatformPrincipal");
  return some;
}

std::string to_text(const Application& application) {
  json::array endpoints;
  for (const Endpoint& each : application.endpoints) {
    endpoints.push_back(
        json::object{{"id", view(each.id)}, {"attributes", json_of(each.attributes)}});
  }
  return json::serialize(json::object{{"format", kFormat},
                                      {"platform", view(application.platform)},
                                      {"name", view(application.name)},
                                      {"attributes", json_of(application.attributes)},
                                      {"endpoints", std::move(endpoints)}});
}

std::optional<Application> from_text(std::string_view text) try {
  const json::value value = json::parse({text.data(), text.size()});
  if (value.at("format").as_int64() != kFormat) return std::nullopt;
  Application application;
  application.platform = value.at("platform").as_string();
  application.name = value.at("name").as_string();
  application.attributes = attributes_in(value.at("attributes"));
  for (const json::value& each : value.at("endpoints").as_array()) {
    Endpoint endpoint;
    endpoint.id = each.at("id").as_string();
    endpoint.attributes = attributes_in(each.at("attributes"));
    application.endpoints.push_back(std::move(endpoint));
  }
  return application;
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace ringpost::push
