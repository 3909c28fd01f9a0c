// What every verb works with: the global options, the output, and the way to a bus or queue.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "failure.hpp"
#include "output.hpp"
#include "ringpost/bus.hpp"
#include "terminal.hpp"

namespace ringpost::cli {

struct Globals {
  std::string bus = "default";
  std::string shm_dir;
  bool json = false;
  bool quiet = false;
  bool no_color = false;
};

enum class IfMissing : bool { kFail, kCreate };

struct Context {
  Globals globals;
  Output out;
  /// The words behind "--" as they were given. CLI11 takes those in brackets apart.
  std::vector<std::string> after_dashes;
  /// What the parsed command line asks for.
  std::function<ExitCode()> action;

  [[nodiscard]] Paint paint_for_output() const;
  [[nodiscard]] Paint paint_for_errors() const;
  [[nodiscard]] Subject subject(std::string doing, std::string queue = {}) const;
  [[nodiscard]] BusOptions bus_options(IfMissing if_missing = IfMissing::kFail) const;
  /// Where buses lie, for people.
  [[nodiscard]] std::string shm_dir() const;

  /// One line for people about what was done: on standard output, not with --quiet or --json.
  void report(const std::string& text);
  /// One line on standard error, not with --quiet.
  void note(const std::string& text) const;
};

/// Throws Failure with a hint when it does not open.
Bus open_bus(const Context& context, IfMissing if_missing = IfMissing::kFail);
Queue open_queue(const Context& context, Bus& bus, const std::string& name);

/// Throws the Failure of a result that has no value.
template <class T, class E>
void require(const Result<T, E>& result, const Subject& subject) {
  if (!result) throw failure_of(result.error(), subject);
}

/// Says that there was nothing, with the same fields; not with --quiet.
void print_nothing(const Context& context, const Failure& nothing);
/// The error as a line with its hint, or as {"error": …} with --json, on standard error.
void print_failure(const Failure& failure, bool json, const Paint& paint);

}  // namespace ringpost::cli
