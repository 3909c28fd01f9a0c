// Options with units, and the help every verb gives.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "context.hpp"
#include "ringpost/options.hpp"

namespace ringpost::cli {

CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<Duration>& target,
                          const std::string& help);
CLI::Option* add_duration(CLI::App& app, const std::string& names, Duration& target,
                          const std::string& help);
CLI::Option* add_size(CLI::App& app, const std::string& names, std::optional<std::uint64_t>& target,
                      const std::string& help);
CLI::Option* add_count(CLI::App& app, const std::string& names,
                       std::optional<std::uint64_t>& target, const std::string& help);
CLI::Option* add_count(CLI::App& app, const std::string& names,
                       std::optional<std::uint32_t>& target, const std::string& help);
CLI::Option* add_rate(CLI::App& app, const std::string& names, std::optional<double>& target,
                      const std::string& help);
/// One of a few words.
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& target,
                        std::vector<std::pair<std::string, T>> choices, const std::string& help) {
  const auto read = [names, &target, choices](const std::string& text) {
    std::string all;
    for (const auto& [word, value] : choices) {
      all += (all.empty() ? "" : ", ") + word;
      if (word == text) {
        target = value;
        return;
      }
    }
    throw CLI::ValidationError(names, "\"" + text + "\" is none of " + all);
  };
  return app.add_option_function<std::string>(names, read, help)->type_name("WORD");
}
/// The positional QUEUE.
CLI::Option* add_queue_name(CLI::App& app, std::string& target);

/// A verb with its examples ("ringpost send orders hello   # one message"), one a line.
CLI::App& add_verb(CLI::App& parent, const std::string& name, const std::string& help,
                   const std::string& examples);
/// What the verb does once the whole line is parsed.
void on_run(CLI::App& verb, Context& context, std::function<ExitCode()> action);

/// The settings that may be changed while a queue is in use.
void add_changeable_settings(CLI::App& app, QueueSettings& settings);
/// Those that are chosen when the queue is made.
void add_creation_settings(CLI::App& app, QueueSettings& settings);

}  // namespace ringpost::cli
