// The fields of one message that the policies of an index ask for.
//
// A body is flattened: each value that is no object lies at a path. Below an array that holds
// objects, each of these is a *context*: what lies in different elements of one array does not
// belong together (semantics E10). An array's own plain values, those of arrays in it too, are the
// values of one field.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "filter/condition.hpp"
#include "filter/index.hpp"
#include "filter/message.hpp"

namespace ringpost::filter {

/// A field that is there. `next`: another at the same path, in another context.
struct Leaf {
  std::uint32_t path = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t context = 0;
  std::uint32_t next = kNone;
};

/// An array, or an element of one; numbered from the outside in. Context 0 is the whole message.
struct Context {
  std::uint32_t parent = kNone;
  bool array = false;
};

/// For one thread. Keeps its memory.
class View {
 public:
  /// May throw std::bad_alloc, like all below.
  void read_attributes(const Index& index, const Message& message);
  void read_body(const Index& index, const Message& message);

  [[nodiscard]] std::span<const Leaf> leaves() const noexcept { return leaves_; }
  [[nodiscard]] std::span<const Context> contexts() const noexcept { return contexts_; }
  [[nodiscard]] std::span<const Value> values(const Leaf& leaf) const noexcept {
    return std::span<const Value>(values_).subspan(leaf.first, leaf.count);
  }
  /// The first leaf at a path, or kNone.
  [[nodiscard]] std::uint32_t first_leaf(std::uint32_t path) const noexcept {
    return paths_[path].message == message_ ? paths_[path].leaf : kNone;
  }

 private:
  struct PathState {
    std::uint32_t message = 0;  ///< in which `leaf` was set
    std::uint32_t leaf = kNone;
    std::uint32_t object = 0;  ///< in which `key` was set
    std::uint32_t key = 0;
  };
  struct Key {
    std::uint32_t path = 0;
    std::uint32_t value = 0;  ///< index of a node
  };

  void start(const Index& index);
  void read_object(std::uint32_t path, std::uint32_t at, std::uint32_t context);
  void read_value(std::uint32_t path, std::uint32_t at, std::uint32_t context);
  void read_elements(std::uint32_t path, std::uint32_t at, std::uint32_t context);
  void add_value(const JsonNode& node);
  void add_leaf(std::uint32_t path, std::uint32_t first, std::uint32_t context);
  [[nodiscard]] std::uint32_t add_context(std::uint32_t parent, bool array);

  const Index* index_ = nullptr;
  std::span<const JsonNode> nodes_;
  std::uint32_t message_ = 0;
  std::uint32_t object_ = 0;
  std::vector<PathState> paths_;
  std::vector<Key> keys_;
  std::vector<Leaf> leaves_;
  std::vector<Value> values_;
  std::vector<Context> contexts_;
  Bytes decimals_;
};

}  // namespace ringpost::filter
