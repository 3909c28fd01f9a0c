#include "tag_text.hpp"

#include <fmt/format.h>

#include "failure.hpp"
#include "message_text.hpp"

namespace ringpost::cli {

Tags tags_of(const std::vector<std::string>& texts) {
  Tags tags;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw usage_failure(fmt::format("\"{}\" is not a tag", printable(text)),
                          "write KEY=VALUE, once for each tag");
    }
    tags[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return tags;
}

JsonObject json_tags(const Tags& tags) {
  JsonObject object;
  for (const auto& [key, value] : tags) object[key] = value;
  return object;
}

std::string tag_lines(const Tags& tags) {
  std::string lines;
  for (const auto& [key, value] : tags) {
    lines += fmt::format("  {:<20} {}={}\n", lines.empty() ? "tags" : "", printable(key),
                         printable(value));
  }
  return lines;
}

}  // namespace ringpost::cli
