#include "filter/policy.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "filter/json.hpp"
#include "filter/operators.hpp"

namespace ringpost::filter {
namespace {

using Nodes = std::span<const JsonNode>;
using Branches = std::vector<std::vector<std::uint32_t>>;

constexpr std::string_view kOr = "$or";

std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max()
                                                : product;
}

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

/// A policy as it is nested: a field, or parts of which all (an object) or any ($or) must hold.
struct Tree {
  enum class Type { kField, kAll, kAny };
  Type type = Type::kAll;
  std::uint32_t clause = 0;
  std::vector<Tree> parts;
};

/// Whether the value of a key `$or` is what makes it an operator (semantics O17).
bool is_or(Nodes nodes, std::size_t at) noexcept {
  if (nodes[at].type != JsonType::kArray) return false;
  std::size_t objects = 0;
  for (std::size_t i = at + 1; i < nodes[at].end; i = nodes[i].end, ++objects) {
    if (nodes[i].type != JsonType::kObject || nodes[i].end == i + 1) return false;
    for (std::size_t key = i + 1; key < nodes[i].end; key = nodes[key + 1].end) {
      if (is_operator(nodes[key].text)) return false;
    }
  }
  return objects >= 2;
}

/// Reads objects, adding their fields to `clauses`. The first failure ends it.
class Reader {
 public:
  Reader(Nodes nodes, Scope scope) noexcept : nodes_(nodes), scope_(scope) {}

  [[nodiscard]] bool read_object(std::size_t at, const std::string& prefix, std::uint64_t depth,
                                 Tree& tree) {
    std::unordered_map<std::string_view, std::size_t> last;  // of equal keys the last one counts
    for (std::size_t key = at + 1; key < nodes_[at].end; key = nodes_[key + 1].end) {
      last[nodes_[key].text] = key;
    }
    for (std::size_t key = at + 1; key < nodes_[at].end; key = nodes_[key + 1].end) {
      if (last[nodes_[key].text] != key) continue;
      if (!read_member(key, prefix, depth, tree.parts.emplace_back())) return false;
    }
    return true;
  }

  [[nodiscard]] std::vector<Clause>& clauses() noexcept { return clauses_; }
  [[nodiscard]] PolicyError& error() noexcept { return error_; }
  [[nodiscard]] std::uint64_t combinations(const Tree& tree) const {
    if (tree.type == Tree::Type::kField) return combinations_[tree.clause];
    const bool any = tree.type == Tree::Type::kAny;
    std::uint64_t combined = any ? 0 : 1;
    for (const Tree& part : tree.parts) {
      const std::uint64_t those = combinations(part);
      combined = any ? saturating_sum(combined, those) : saturating_product(combined, those);
    }
    return combined;
  }
  [[nodiscard]] std::uint64_t wildcard_points() const noexcept { return wildcard_points_; }

 private:
  bool read_member(std::size_t key, const std::string& prefix, std::uint64_t depth, Tree& tree) {
    const std::size_t at = key + 1;
    const std::string_view name = nodes_[key].text;
    if (name == kOr && is_or(nodes_, at)) return read_or(at, prefix, depth, tree);
    if (nodes_[at].type == JsonType::kArray) return read_field(at, prefix, name, depth, tree);
    if (nodes_[at].type != JsonType::kObject) {
      return fail(refused(PolicyErrc::kNotAField,
                          '"' + std::string(name) + "\" must be an object or an array"));
    }
    if (scope_ == Scope::kAttributes) {
      return fail(Unexpected(
          PolicyError{PolicyErrc::kNested,
                      "Filter policy scope MessageAttributes does not support nested filter "
                      "policy"}));
    }
    if (nodes_[at].end == at + 1) {
      return fail(refused(PolicyErrc::kEmptyObject, "Empty objects are not allowed"));
    }
    return read_object(at, prefix + std::string(name) + '.', depth + 1, tree);
  }

  bool read_or(std::size_t at, const std::string& prefix, std::uint64_t depth, Tree& tree) {
    tree.type = Tree::Type::kAny;
    for (std::size_t i = at + 1; i < nodes_[at].end; i = nodes_[i].end) {
      if (!read_object(i, prefix, depth, tree.parts.emplace_back())) return false;
    }
    return true;
  }

  bool read_field(std::size_t at, const std::string& prefix, std::string_view name,
                  std::uint64_t depth, Tree& tree) {
    Clause clause;
    WildcardPoints wildcards;
    for (std::size_t i = at + 1; i < nodes_[at].end; i = nodes_[i].end) {
      auto condition = read_condition(nodes_, i, wildcards);
      if (!condition) return fail(Unexpected(condition.error()));
      clause.conditions.push_back(std::move(*condition));
    }
    if (clause.conditions.empty()) {
      return fail(refused(PolicyErrc::kEmptyArray, "Empty arrays are not allowed"));
    }
    combinations_.push_back(saturating_product(clause.conditions.size(), depth));
    wildcard_points_ =
        saturating_sum(wildcard_points_, saturating_product(wildcards.points, wildcards.patterns));
    std::sort(clause.conditions.begin(), clause.conditions.end());
    clause.conditions.erase(std::unique(clause.conditions.begin(), clause.conditions.end()),
                            clause.conditions.end());
    clause.path = prefix + std::string(name);
    tree.type = Tree::Type::kField;
    tree.clause = static_cast<std::uint32_t>(clauses_.size());
    clauses_.push_back(std::move(clause));
    return true;
  }

  bool fail(Unexpected<PolicyError> failure) {
    error_ = std::move(failure).error();
    return false;
  }

  Nodes nodes_;
  Scope scope_;
  std::vector<Clause> clauses_;
  std::vector<std::uint64_t> combinations_;  ///< of each clause
  std::uint64_t wildcard_points_ = 0;
  PolicyError error_;
};

/// Each way to choose one part of every `$or`. Few, because of kKeysMax.
Branches expand(const Tree& tree) {
  if (tree.type == Tree::Type::kField) return {{tree.clause}};
  Branches expanded;
  if (tree.type == Tree::Type::kAll) expanded.emplace_back();
  for (const Tree& part : tree.parts) {
    const Branches those = expand(part);
    if (tree.type == Tree::Type::kAny) {
      expanded.insert(expanded.end(), those.begin(), those.end());
      continue;
    }
    Branches product;
    for (const auto& left : expanded) {
      for (const auto& right : those) {
        product.push_back(left);
        product.back().insert(product.back().end(), right.begin(), right.end());
      }
    }
    expanded = std::move(product);
  }
  return expanded;
}

}  // namespace

Result<Scope, PolicyError> parse_scope(std::string_view text) {
  if (text == "MessageAttributes") return Scope::kAttributes;
  if (text == "MessageBody") return Scope::kBody;
  return Unexpected(PolicyError{PolicyErrc::kBadScope,
                                "FilterPolicyScope: Invalid value [" + std::string(text) +
                                    "]. Please use either MessageBody or MessageAttributes"});
}

Result<Policy, PolicyError> Policy::parse(std::string_view json, Scope scope) {
  if (json.size() > kPolicyBytesMax) {
    return refused(PolicyErrc::kTooLarge, "Filter policy is too large");
  }
  Json parsed;
  if (!parsed.parse(json)) {
    return refused(PolicyErrc::kNotJson, "failed to parse JSON. It is not well-formed");
  }
  if (parsed.nodes()[0].type != JsonType::kObject) {
    return refused(PolicyErrc::kNotJson, "failed to parse JSON. It must be an object");
  }
  Reader reader(parsed.nodes(), scope);
  Tree tree;
  // The depth is that of the key where bodies nest; attributes do not.
  if (!reader.read_object(0, {}, 1, tree)) return Unexpected(std::move(reader.error()));
  if (reader.clauses().size() > kKeysMax) {
    return refused(PolicyErrc::kTooManyKeys, "Filter policy can not have more than 5 keys");
  }
  if (reader.combinations(tree) > kCombinationsMax ||
      reader.wildcard_points() > kWildcardPointsMax) {
    return refused(PolicyErrc::kTooComplex, "Filter policy is too complex");
  }
  Policy policy;
  policy.scope_ = scope;
  policy.branches_ = expand(tree);
  policy.clauses_ = std::move(reader.clauses());
  return policy;
}

}  // namespace ringpost::filter
