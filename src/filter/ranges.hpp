// Ranges of numbers of one field: which of them contain a value. A treap in the order of the lower
// ends; each node knows the greatest upper end at and below it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "filter/condition.hpp"
#include "filter/pool.hpp"

namespace ringpost::filter {

class Ranges {
 public:
  /// `operand` (of a Kind::kRange) must stay where it is until erase(). O(log n).
  void insert(std::string_view operand, std::uint32_t predicate);
  void erase(std::string_view operand, std::uint32_t predicate) noexcept;

  /// Calls visit(predicate) for each range that contains the number. O(log n + matches · log n).
  template <class Visit>
  void visit(std::string_view decimal, Visit visit) const {
    visit_below(root_, decimal, visit);
  }
  [[nodiscard]] bool empty() const noexcept { return root_ == kNone; }

 private:
  struct Node {
    Range range;
    std::uint32_t predicate = 0;
    std::uint32_t priority = 0;
    std::uint32_t left = kNone;
    std::uint32_t right = kNone;
    std::uint32_t highest = 0;  ///< whose upper end is the greatest at and below this one
  };

  template <class Visit>
  void visit_below(std::uint32_t at, std::string_view decimal, Visit& visit) const {
    while (at != kNone && nodes_[nodes_[at].highest].range.ends_after(decimal)) {
      const Node& node = nodes_[at];
      visit_below(node.left, decimal, visit);
      if (!node.range.begins_before(decimal)) return;
      if (node.range.ends_after(decimal)) visit(node.predicate);
      at = node.right;
    }
  }

  [[nodiscard]] bool comes_before(const Node& a, const Node& b) const noexcept;
  [[nodiscard]] bool ends_before(const Range& a, const Range& b) const noexcept;
  void look_below(std::uint32_t at) noexcept;
  void split(std::uint32_t at, const Node& by, std::uint32_t& before,
             std::uint32_t& after) noexcept;
  [[nodiscard]] std::uint32_t merge(std::uint32_t before, std::uint32_t after) noexcept;
  void insert_below(std::uint32_t& at, std::uint32_t added) noexcept;
  void erase_below(std::uint32_t& at, const Node& wanted) noexcept;

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
  std::uint32_t root_ = kNone;
};

}  // namespace ringpost::filter
