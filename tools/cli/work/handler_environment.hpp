// The environment of a handler: our own, and what there is to know about its message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/message.hpp"

namespace ringpost::cli {

/// Attribute "user-id" → variable "RINGPOST_ATTR_USER_ID".
[[nodiscard]] std::string attribute_variable(std::string_view attribute_name);

/// "NAME=value" strings for exec().
class HandlerEnvironment {
 public:
  /// Ours, without what the message of an outer handler left in it.
  HandlerEnvironment();
  void set(std::string_view name, std::string_view value);
  /// The variables of one message. Attributes that no environment can hold (with a NUL byte, or
  /// very long) are left out.
  void describe(const Lease& message);
  [[nodiscard]] const std::vector<std::string>& entries() const noexcept { return entries_; }

 private:
  std::vector<std::string> entries_;
};

}  // namespace ringpost::cli
