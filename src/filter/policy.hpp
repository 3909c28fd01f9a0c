// Filter policies of SNS subscriptions: parsed, judged as SNS judges them, in canonical form.
// What a user writes: docs/filters.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filter/condition.hpp"
#include "ringpost/result.hpp"

namespace ringpost::filter {

/// What of a message a policy looks at.
enum class Scope : std::uint8_t { kAttributes, kBody };

enum class PolicyErrc : std::uint8_t {
  kBadScope,         ///< neither MessageAttributes nor MessageBody
  kNotJson,          ///< no JSON, or no object
  kTooLarge,         ///< more than kPolicyBytesMax
  kNested,           ///< an object below a key, but the scope is the attributes
  kNotAField,        ///< neither an array nor an object below a key
  kEmptyArray,       ///< an array without conditions
  kEmptyObject,      ///< an object without keys, within the policy
  kBadElement,       ///< an array among conditions
  kNotOneKey,        ///< an operator object has more keys than one, or none
  kUnknownOperator,  ///< no operator has this name
  kBadOperand,       ///< not the type that the operator takes
  kBadNumeric,       ///< of `numeric`
  kBadCidr,          ///< of `cidr`
  kBadWildcard,      ///< more stars than kStarsMax, or an escape that is none
  kTooManyKeys,      ///< more than kKeysMax
  kTooComplex,       ///< beyond kCombinationsMax or kWildcardPointsMax
};

/// `message` is SNS's first line, without "Invalid parameter: " and what Subscribe puts behind it.
struct PolicyError {
  PolicyErrc code{};
  std::string message;
};

inline constexpr std::size_t kPolicyBytesMax = std::size_t{256} << 10;
inline constexpr std::size_t kKeysMax = 5;
inline constexpr std::uint64_t kCombinationsMax = 150;
inline constexpr std::size_t kStarsMax = 3;
inline constexpr std::uint64_t kWildcardPointsMax = 100;

/// "MessageAttributes" or "MessageBody"; else kBadScope.
[[nodiscard]] Result<Scope, PolicyError> parse_scope(std::string_view text);

/// One field and its conditions: it holds if any of them does.
struct Clause {
  std::string path;  ///< keys joined by points
  std::vector<Condition> conditions;
};

/// A message is accepted if all clauses of any branch hold. `$or` makes branches.
///
/// Threads     a const Policy by any number of them.
class Policy {
 public:
  /// May throw std::bad_alloc.
  [[nodiscard]] static Result<Policy, PolicyError> parse(std::string_view json, Scope scope);

  [[nodiscard]] Scope scope() const noexcept { return scope_; }
  /// It is `{}`.
  [[nodiscard]] bool accepts_everything() const noexcept { return clauses_.empty(); }
  [[nodiscard]] const std::vector<Clause>& clauses() const noexcept { return clauses_; }
  /// Indices of clauses.
  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& branches() const noexcept {
    return branches_;
  }

 private:
  Scope scope_ = Scope::kAttributes;
  std::vector<Clause> clauses_;
  std::vector<std::vector<std::uint32_t>> branches_;
};

}  // namespace ringpost::filter
