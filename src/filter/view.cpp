#include "filter/view.hpp"

#include <algorithm>

#include "filter/decimal.hpp"

namespace ringpost::filter {

void View::start(const Index& index) {
  index_ = &index;
  if (paths_.size() < index.path_count()) paths_.resize(index.path_count() * 3 / 2);
  // Far from the end of either number: a message has fewer objects than that.
  constexpr std::uint32_t kNumbers = 0xffffffff - (std::uint32_t{1} << 31);
  if (++message_ > kNumbers || object_ > kNumbers) {
    std::fill(paths_.begin(), paths_.end(), PathState());
    message_ = 1;
    object_ = 0;
  }
  leaves_.clear();
  values_.clear();
  contexts_.assign(1, Context());
  decimals_.reset();
}

void View::read_attributes(const Index& index, const Message& message) {
  start(index);
  for (const Message::Field& field : message.fields()) {
    const std::uint32_t path = index.find_path(Index::root(Scope::kAttributes), field.name);
    if (path == kNone) continue;
    const auto first = static_cast<std::uint32_t>(values_.size());
    const auto values = message.values().subspan(field.first, field.count);
    values_.insert(values_.end(), values.begin(), values.end());
    add_leaf(path, first, 0);
  }
}

void View::read_body(const Index& index, const Message& message) {
  start(index);
  nodes_ = message.nodes();
  read_object(Index::root(Scope::kBody), 0, 0);
}

void View::read_object(std::uint32_t path, std::uint32_t at, std::uint32_t context) {
  if (index_->path(path).children == 0) return;
  const std::size_t before = keys_.size();
  const std::uint32_t object = ++object_;
  for (std::uint32_t key = at + 1; key < nodes_[at].end; key = nodes_[key + 1].end) {
    const std::uint32_t below = index_->find_path(path, nodes_[key].text);
    if (below == kNone) continue;
    PathState& state = paths_[below];
    if (state.object == object) {
      keys_[state.key].value = key + 1;  // of equal keys the last one counts (E16)
      continue;
    }
    state.object = object;
    state.key = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back({below, key + 1});
  }
  for (std::size_t i = before; i < keys_.size(); ++i) {
    const std::size_t end = keys_.size();
    const Key key = keys_[i];
    read_value(key.path, key.value, context);
    keys_.resize(end);
  }
  keys_.resize(before);
}

void View::read_value(std::uint32_t path, std::uint32_t at, std::uint32_t context) {
  const JsonNode& node = nodes_[at];
  if (node.type == JsonType::kObject) return read_object(path, at, context);
  if (index_->path(path).predicates != 0) {
    const auto first = static_cast<std::uint32_t>(values_.size());
    for (std::uint32_t i = at; i < node.end;) {
      if (!nodes_[i].is_container()) add_value(nodes_[i]);
      i = nodes_[i].type == JsonType::kObject ? nodes_[i].end : i + 1;
    }
    if (values_.size() != first) add_leaf(path, first, context);
  }
  if (node.type == JsonType::kArray) read_elements(path, at, context);
}

void View::read_elements(std::uint32_t path, std::uint32_t at, std::uint32_t context) {
  if (index_->path(path).children == 0) return;
  std::uint32_t array = kNone;
  for (std::uint32_t i = at + 1; i < nodes_[at].end; i = nodes_[i].end) {
    if (!nodes_[i].is_container()) continue;
    if (array == kNone) array = add_context(context, true);
    const std::uint32_t element = add_context(array, false);
    if (nodes_[i].type == JsonType::kObject) {
      read_object(path, i, element);
    } else {
      read_elements(path, i, element);
    }
  }
}

void View::add_value(const JsonNode& node) {
  switch (node.type) {
    case JsonType::kString:
      values_.push_back({Value::Type::kString, node.text});
      return;
    case JsonType::kNumber: {
      char* const to = decimals_.take(node.text.size() + kDecimalExtraBytes);
      values_.push_back({Value::Type::kNumber, {to, encode_decimal(node.text, to)}});
      return;
    }
    case JsonType::kTrue:
      values_.push_back({Value::Type::kTrue, {}});
      return;
    case JsonType::kFalse:
      values_.push_back({Value::Type::kFalse, {}});
      return;
    default:
      values_.push_back({Value::Type::kNull, {}});
  }
}

void View::add_leaf(std::uint32_t path, std::uint32_t first, std::uint32_t context) {
  const auto count = static_cast<std::uint32_t>(values_.size()) - first;
  const std::uint32_t next = first_leaf(path);
  paths_[path].message = message_;
  paths_[path].leaf = static_cast<std::uint32_t>(leaves_.size());
  leaves_.push_back({path, first, count, context, next});
}

std::uint32_t View::add_context(std::uint32_t parent, bool array) {
  contexts_.push_back({parent, array});
  return static_cast<std::uint32_t>(contexts_.size() - 1);
}

}  // namespace ringpost::filter
