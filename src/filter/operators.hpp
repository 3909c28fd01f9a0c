// The operators of a policy: from `{"prefix": "a"}` and plain values to conditions.
#pragma once

#include <span>

#include "filter/json.hpp"
#include "filter/policy.hpp"

namespace ringpost::filter {

/// A failure whose message begins with "FilterPolicy: ".
[[nodiscard]] Unexpected<PolicyError> refused(PolicyErrc code, std::string_view why);

/// The name of an operator, whether it can be used where it stands or not.
[[nodiscard]] bool is_operator(std::string_view name) noexcept;

/// What wildcard patterns cost in all (semantics K06).
struct WildcardPoints {
  std::uint64_t points = 0;
  std::uint64_t patterns = 0;
};

/// The condition that the value at `at` is, an element of a field's array.
[[nodiscard]] Result<Condition, PolicyError> read_condition(std::span<const JsonNode> nodes,
                                                            std::size_t at,
                                                            WildcardPoints& wildcards);

}  // namespace ringpost::filter
