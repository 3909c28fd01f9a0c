#include "mark.hpp"

#include <cstring>
#include <type_traits>

namespace ringpost::market_feed {

namespace {

constexpr std::string_view kName = "mark";
constexpr std::string_view kType = "Binary";

}  // namespace

static_assert(sizeof(Mark) == 24 && std::has_unique_object_representations_v<Mark>,
              "no padding: every byte that is sent has been written");

Attribute as_attribute(const Mark& mark) noexcept {
  return {kName, as_text(std::as_bytes(std::span(&mark, 1))), kType};
}

std::optional<Mark> read_mark(const AttributeView& attributes) noexcept {
  const auto attribute = attributes.find(kName);
  if (!attribute || attribute->type != kType || attribute->value.size() != sizeof(Mark)) {
    return std::nullopt;
  }
  Mark mark;
  std::memcpy(&mark, attribute->value.data(), sizeof mark);
  return mark;
}

}  // namespace ringpost::market_feed
