// A published message as filters see it: attributes, and the body as JSON, each read at most once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "filter/condition.hpp"
#include "filter/json.hpp"
#include "ringpost/types.hpp"

namespace ringpost::filter {

/// Refers to the caller's memory until the next set(). Keeps its own memory: reading messages of a
/// size seen before allocates nothing.
///
/// Threads     one at a time.
class Message {
 public:
  struct Field {
    std::string_view name;
    std::uint32_t first = 0;  ///< of values()
    std::uint32_t count = 0;  ///< 0: there, but of a type that no value condition knows (Binary)
  };

  /// `body`: the text that the subscriptions' protocol gets. May throw std::bad_alloc.
  void set(const AttributeList& attributes, std::string_view body);
  void set(const AttributeView& attributes, std::string_view body);

  /// False if a String.Array is no JSON array of plain values: then no policy of attributes
  /// matches (semantics E05). May throw std::bad_alloc.
  [[nodiscard]] bool read_attributes();
  [[nodiscard]] std::span<const Field> fields() const noexcept { return fields_; }
  [[nodiscard]] std::span<const Value> values() const noexcept { return values_; }

  /// False if the body is no JSON object: then no policy of bodies matches (E07). May throw
  /// std::bad_alloc.
  [[nodiscard]] bool read_body();
  /// Of the body.
  [[nodiscard]] std::span<const JsonNode> nodes() const noexcept { return body_json_.nodes(); }

 private:
  enum class State { kUnread, kGood, kBad };
  void start(std::string_view body) noexcept;
  bool read(const Attribute& attribute);
  bool read_array(std::string_view text);
  void add_number(std::string_view text);

  std::vector<Attribute> attributes_;
  std::string_view body_;
  State attributes_state_ = State::kUnread;
  State body_state_ = State::kUnread;
  std::vector<Field> fields_;
  std::vector<Value> values_;
  Bytes decimals_;
  std::vector<Json> arrays_;  ///< one for each String.Array, as values point into it
  std::size_t arrays_used_ = 0;
  Json body_json_;
};

}  // namespace ringpost::filter
