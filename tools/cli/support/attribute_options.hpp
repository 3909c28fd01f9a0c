// Message attributes as written on a command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/types.hpp"

namespace ringpost::cli {

/// Owns what the Attributes of an AttributeList refer to.
class AttributeOptions {
 public:
  /// Each "name=value" or "name:Type=value"; the value of a Binary type is base64.
  /// Throws Failure (usage).
  explicit AttributeOptions(const std::vector<std::string>& texts);
  [[nodiscard]] AttributeList list() const;

 private:
  struct Owned {
    std::string name;
    std::string type;
    std::string value;
  };
  std::vector<Owned> owned_;
  std::vector<Attribute> views_;
};

}  // namespace ringpost::cli
