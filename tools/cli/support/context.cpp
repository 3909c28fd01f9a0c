#include "context.hpp"

#include <cstdlib>

#include <unistd.h>

#include <fmt/format.h>

#include "interrupt.hpp"
#include "json.hpp"

namespace ringpost::cli {
namespace {

bool colours_wanted(const Globals& globals) {
  // https://no-color.org
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return !globals.no_color && !globals.json && (no_color == nullptr || *no_color == '\0') &&
         !(terminal != nullptr && std::string_view(terminal) == "dumb");
}

}  // namespace

Paint Context::paint_for_output() const {
  return Paint(colours_wanted(globals) && is_terminal(STDOUT_FILENO));
}

Paint Context::paint_for_errors() const {
  return Paint(colours_wanted(globals) && is_terminal(STDERR_FILENO));
}

Subject Context::subject(std::string doing, std::string queue) const {
  return {std::move(doing), globals.bus, std::move(queue)};
}

BusOptions Context::bus_options(IfMissing if_missing) const {
  BusOptions options;
  options.create = if_missing == IfMissing::kCreate;
  options.shm_dir = globals.shm_dir;
  return options;
}

std::string Context::shm_dir() const {
  if (!globals.shm_dir.empty()) return globals.shm_dir;
  const char* from_environment = std::getenv("RINGPOST_SHM_DIR");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment
                                                                  : "/dev/shm/ringpost";
}

void Context::report(const std::string& text) {
  if (!globals.quiet && !globals.json) out.line(text);
}

void Context::note(const std::string& text) const {
  if (globals.quiet) return;
  // Over the ^C that the terminal has just shown.
  const bool after_key = interrupted() && is_terminal(STDERR_FILENO);
  write_quietly(STDERR_FILENO, (after_key ? "\r" : "") + text + "\n");
}

Bus open_bus(const Context& context, IfMissing if_missing) {
  const std::string& name = context.globals.bus;
  auto bus = Bus::open(name, context.bus_options(if_missing));
  if (!bus && bus.error() == Errc::kNotFound) {
    throw failure_of(Errc::kNotFound, context.subject({}),
                     fmt::format("there is no bus \"{}\" in {}", name, context.shm_dir()));
  }
  require(bus, context.subject(fmt::format("open bus {}", name)));
  return std::move(*bus);
}

Queue open_queue(const Context& context, Bus& bus, const std::string& name) {
  auto queue = bus.open_queue(name);
  if (!queue && queue.error() == Errc::kNotFound) {
    throw failure_of(Errc::kNotFound, context.subject({}, name),
                     fmt::format("there is no queue \"{}\" on bus \"{}\"", name, bus.name()));
  }
  require(queue, context.subject(fmt::format("open queue {}", name), name));
  return std::move(*queue);
}

void print_nothing(const Context& context, const Failure& nothing) {
  if (context.globals.quiet) return;
  if (context.globals.json) {
    print_failure(nothing, true, Paint());
    return;
  }
  context.note(nothing.text());
  const Paint paint = context.paint_for_errors();
  if (!nothing.hint().empty()) context.note(paint.bold(" hint: ") + nothing.hint());
}

void print_failure(const Failure& failure, bool json, const Paint& paint) {
  std::string text;
  if (json) {
    JsonObject error;
    error["code"] = failure.code();
    error["message"] = failure.text();
    error["hint"] = failure.hint();
    text = json_line(JsonObject{{"error", std::move(error)}}) + "\n";
  } else {
    text = fmt::format("{} {}\n", paint.red("error:"), failure.text());
    if (!failure.hint().empty())
      text += fmt::format("{} {}\n", paint.bold(" hint:"), failure.hint());
  }
  write_quietly(STDERR_FILENO, text);
}

}  // namespace ringpost::cli
