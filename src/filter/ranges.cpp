#include "filter/ranges.hpp"

namespace ringpost::filter {
namespace {

/// Any order that has nothing to do with that of the ranges.
std::uint32_t priority_of(std::uint32_t predicate) noexcept {
  std::uint64_t mixed = (predicate + 1) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93u;
  return static_cast<std::uint32_t>(mixed >> 32);
}

}  // namespace

bool Ranges::comes_before(const Node& a, const Node& b) const noexcept {
  if (const int order = a.range.low.compare(b.range.low); order != 0) return order < 0;
  if (a.range.with_low != b.range.with_low) return a.range.with_low;
  return a.predicate < b.predicate;
}

bool Ranges::ends_before(const Range& a, const Range& b) const noexcept {
  if (a.high.empty() || b.high.empty()) return !a.high.empty();
  if (const int order = a.high.compare(b.high); order != 0) return order < 0;
  return b.with_high && !a.with_high;
}

void Ranges::look_below(std::uint32_t at) noexcept {
  Node& node = nodes_[at];
  node.highest = at;
  for (const std::uint32_t child : {node.left, node.right}) {
    if (child == kNone) continue;
    const std::uint32_t theirs = nodes_[child].highest;
    if (ends_before(nodes_[node.highest].range, nodes_[theirs].range)) node.highest = theirs;
  }
}

void Ranges::split(std::uint32_t at, const Node& by, std::uint32_t& before,
                   std::uint32_t& after) noexcept {
  if (at == kNone) {
    before = after = kNone;
    return;
  }
  if (comes_before(nodes_[at], by)) {
    before = at;
    split(nodes_[at].right, by, nodes_[at].right, after);
  } else {
    after = at;
    split(nodes_[at].left, by, before, nodes_[at].left);
  }
  look_below(at);
}

std::uint32_t Ranges::merge(std::uint32_t before, std::uint32_t after) noexcept {
  if (before == kNone || after == kNone) return before == kNone ? after : before;
  const bool first = nodes_[before].priority > nodes_[after].priority;
  const std::uint32_t top = first ? before : after;
  if (first) {
    nodes_[top].right = merge(nodes_[top].right, after);
  } else {
    nodes_[top].left = merge(before, nodes_[top].left);
  }
  look_below(top);
  return top;
}

void Ranges::insert_below(std::uint32_t& at, std::uint32_t added) noexcept {
  if (at == kNone || nodes_[at].priority < nodes_[added].priority) {
    split(at, nodes_[added], nodes_[added].left, nodes_[added].right);
    at = added;
  } else {
    Node& node = nodes_[at];
    insert_below(comes_before(node, nodes_[added]) ? node.right : node.left, added);
  }
  look_below(at);
}

void Ranges::erase_below(std::uint32_t& at, const Node& wanted) noexcept {
  Node& node = nodes_[at];
  if (node.predicate == wanted.predicate) {
    free_.push_back(at);
    at = merge(node.left, node.right);
    return;
  }
  erase_below(comes_before(node, wanted) ? node.right : node.left, wanted);
  look_below(at);
}

void Ranges::insert(std::string_view operand, std::uint32_t predicate) {
  Node node;
  node.range = Range::of(operand);
  node.predicate = predicate;
  node.priority = priority_of(predicate);
  std::uint32_t added = 0;
  if (free_.empty()) {
    added = static_cast<std::uint32_t>(nodes_.size());
    free_.reserve(nodes_.size() + 1);  // erase() allocates nothing
    nodes_.push_back(node);
  } else {
    added = free_.back();
    free_.pop_back();
    nodes_[added] = node;
  }
  insert_below(root_, added);
}

void Ranges::erase(std::string_view operand, std::uint32_t predicate) noexcept {
  Node wanted;
  wanted.range = Range::of(operand);
  wanted.predicate = predicate;
  erase_below(root_, wanted);
}

}  // namespace ringpost::filter
