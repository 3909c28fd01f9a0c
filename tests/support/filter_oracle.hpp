// Filter policies judged straight from the semantics: one policy, one message, no cleverness.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "filter/policy.hpp"
#include "support/filter_value.hpp"

namespace ringpost::test {

struct OracleAttribute {
  enum class Type { kString, kNumber, kArray, kBadArray, kBinary };
  std::string name;
  Type type = Type::kString;
  JsonValue value;  ///< of kArray the array
};

struct OracleMessage {
  std::vector<OracleAttribute> attributes;
  std::optional<JsonValue> body;  ///< if it is JSON
};

/// `policy` must be valid in that scope.
bool accepts(const JsonValue& policy, filter::Scope scope, const OracleMessage& message);

}  // namespace ringpost::test
