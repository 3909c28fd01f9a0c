#include "filter/message.hpp"

#include "filter/decimal.hpp"

namespace ringpost::filter {
namespace {

bool is_a(std::string_view type, std::string_view base) noexcept {
  return type.substr(0, type.find('.')) == base;
}

}  // namespace

void Message::start(std::string_view body) noexcept {
  body_ = body;
  attributes_state_ = body_state_ = State::kUnread;
}

void Message::set(const AttributeList& attributes, std::string_view body) {
  attributes_.assign(attributes.begin(), attributes.end());
  start(body);
}

void Message::set(const AttributeView& attributes, std::string_view body) {
  attributes_.clear();
  for (const Attribute& each : attributes) attributes_.push_back(each);
  start(body);
}

bool Message::read_attributes() {
  if (attributes_state_ != State::kUnread) return attributes_state_ == State::kGood;
  fields_.clear();
  values_.clear();
  decimals_.reset();
  arrays_used_ = 0;
  bool good = true;
  for (const Attribute& each : attributes_) good = read(each) && good;
  attributes_state_ = good ? State::kGood : State::kBad;
  return good;
}

bool Message::read(const Attribute& attribute) {
  const auto first = static_cast<std::uint32_t>(values_.size());
  if (attribute.type == "String.Array") {
    if (!read_array(attribute.value)) return false;
    if (values_.size() == first) return true;  // an empty one is as good as none
  } else if (is_a(attribute.type, "String")) {
    values_.push_back({Value::Type::kString, attribute.value});
  } else if (is_a(attribute.type, "Number")) {
    add_number(attribute.value);
  }
  fields_.push_back({attribute.name, first, static_cast<std::uint32_t>(values_.size()) - first});
  return true;
}

bool Message::read_array(std::string_view text) {
  if (arrays_used_ == arrays_.size()) arrays_.emplace_back();
  Json& array = arrays_[arrays_used_++];
  if (!array.parse(text) || array.nodes()[0].type != JsonType::kArray) return false;
  for (const JsonNode& node : array.nodes().subspan(1)) {
    switch (node.type) {
      case JsonType::kObject:
      case JsonType::kArray:
        return false;
      case JsonType::kString:
        values_.push_back({Value::Type::kString, node.text});
        break;
      case JsonType::kNumber:
        add_number(node.text);
        break;
      case JsonType::kTrue:
        values_.push_back({Value::Type::kTrue, {}});
        break;
      case JsonType::kFalse:
        values_.push_back({Value::Type::kFalse, {}});
        break;
      case JsonType::kNull:
        values_.push_back({Value::Type::kNull, {}});
        break;
    }
  }
  return true;
}

void Message::add_number(std::string_view text) {
  char* const to = decimals_.take(text.size() + kDecimalExtraBytes);
  const std::size_t bytes = encode_decimal(text, to);
  if (bytes != 0) values_.push_back({Value::Type::kNumber, {to, bytes}});
}

bool Message::read_body() {
  if (body_state_ == State::kUnread) {
    const bool good = body_json_.parse(body_) && body_json_.nodes()[0].type == JsonType::kObject;
    body_state_ = good ? State::kGood : State::kBad;
  }
  return body_state_ == State::kGood;
}

}  // namespace ringpost::filter
