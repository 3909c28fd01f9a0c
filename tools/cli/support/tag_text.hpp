// Tags of a queue as options and as output.
#pragma once

#include <string>
#include <vector>

#include "json.hpp"
#include "ringpost/options.hpp"

namespace ringpost::cli {

/// Of "KEY=VALUE", once for each. Throws the usage error of what is not one.
Tags tags_of(const std::vector<std::string>& texts);
JsonObject json_tags(const Tags& tags);
/// A line for each, as the lines of settings.
std::string tag_lines(const Tags& tags);

}  // namespace ringpost::cli
