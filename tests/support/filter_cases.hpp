// Random policies and messages that meet often, and where it is easy to be wrong.
#pragma once

#include <string>
#include <vector>

#include "filter/message.hpp"
#include "support/filter_oracle.hpp"
#include "support/filter_value.hpp"

namespace ringpost::test {

/// Valid but for how many keys and combinations it has.
JsonValue random_policy(Random& random, filter::Scope scope);

OracleMessage random_message(Random& random);

/// The same as a publisher has it, spelt in any way.
class SpeltMessage {
 public:
  SpeltMessage(const OracleMessage& message, Random& random);
  /// As the library takes them; refers to this.
  [[nodiscard]] std::vector<ringpost::Attribute> attributes() const;
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  /// For people.
  [[nodiscard]] std::string to_string() const;

 private:
  struct Attribute {
    std::string name;
    std::string value;
    std::string type;
  };
  std::vector<Attribute> attributes_;
  std::string body_;
};

}  // namespace ringpost::test
