#include "usage.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace ringpost::cli {
namespace {

/// The deepest verb that was named, and how it is called: "ringpost queue set".
struct Named {
  const CLI::App* app = nullptr;
  std::string command = "ringpost";
};

Named named_verb(const CLI::App& app) {
  Named named{&app, "ringpost"};
  while (!named.app->get_subcommands().empty()) {
    named.app = named.app->get_subcommands().back();
    named.command += " " + named.app->get_name();
  }
  return named;
}

/// Letters to add, drop or change until one word is the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
    }
  }
  return row.back();
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = 3;
  for (const std::string& candidate : known) {
    const std::size_t candidate_distance = distance(word, candidate);
    if (candidate_distance < std::min(best_distance, word.size())) {
      best = candidate;
      best_distance = candidate_distance;
    }
  }
  return best;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

Failure unexpected(const CLI::App& app, const Named& named) {
  const std::vector<std::string> rest = app.remaining(true);
  const std::string word = rest.empty() ? "" : rest.front();
  const std::string help = named.command + " --help";
  const bool is_option = word.rfind('-', 0) == 0;
  const auto verbs = verbs_of(*named.app);
  const std::string meant = nearest(word, is_option ? options_of(*named.app) : verbs);
  const std::string hint =
      meant.empty() ? "see " + help : fmt::format("did you mean {}?   ({})", meant, help);
  if (is_option) return usage_failure(fmt::format("there is no option {}", word), hint);
  if (!verbs.empty()) {
    return usage_failure(fmt::format("\"{}\" has no verb \"{}\"", named.command, word), hint);
  }
  return usage_failure(fmt::format("\"{}\" is one argument too many", word),
                       "put text with blanks into quotes; see " + help);
}

}  // namespace

Failure usage_failure_of(const CLI::App& app, const CLI::ParseError& error) {
  const Named named = named_verb(app);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return unexpected(app, named);
  const std::string help = "see " + named.command + " --help";
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    const auto verbs = verbs_of(*named.app);
    const auto rest = app.remaining(true);
    if (!verbs.empty() && !rest.empty()) return unexpected(app, named);
    if (!verbs.empty()) {
      return usage_failure("a verb is missing",
                           fmt::format("one of {}; {}", fmt::join(verbs, ", "), help));
    }
  }
  return usage_failure(error.what(), help);
}

}  // namespace ringpost::cli
