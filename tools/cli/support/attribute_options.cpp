#include "attribute_options.hpp"

#include <span>

#include <fmt/format.h>

#include "failure.hpp"
#include "message_text.hpp"

namespace ringpost::cli {
namespace {

constexpr const char* kHint =
    "write name=value, name:Number=5 or name:Binary=BASE64, once for each attribute";

}  // namespace

AttributeOptions::AttributeOptions(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw usage_failure(fmt::format("\"{}\" is not an attribute", text), kHint);
    }
    Owned attribute{text.substr(0, equals), "String", text.substr(equals + 1)};
    if (const std::size_t colon = attribute.name.find(':'); colon != std::string::npos) {
      attribute.type = attribute.name.substr(colon + 1);
      attribute.name.resize(colon);
    }
    if (attribute.type.compare(0, 6, "Binary") == 0) {
      auto bytes = from_base64(attribute.value);
      if (!bytes) {
        throw usage_failure(fmt::format("the value of attribute {} is not base64", attribute.name),
                            kHint);
      }
      attribute.value = std::move(*bytes);
    }
    owned_.push_back(std::move(attribute));
  }
  for (const Owned& attribute : owned_) {
    views_.push_back({attribute.name, attribute.value, attribute.type});
  }
}

AttributeList AttributeOptions::list() const { return std::span<const Attribute>(views_); }

}  // namespace ringpost::cli
