#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/table.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string queue;
  std::optional<std::uint64_t> count;
  bool attributes = false;
};

/// More of a body than a wide screen shows would only slow the table down.
constexpr std::size_t kShownBytesMax = 1024;

std::string attributes_text(const PeekedMessage& message) {
  std::string out;
  for (const Attribute& attribute : AttributeView(as_bytes(message.encoded_attributes))) {
    if (!out.empty()) out += ' ';
    out += printable(attribute.name);
    out += '=';
    out += printable(attribute.value);
  }
  return out;
}

std::string state_text(const PeekedMessage& message) {
  switch (message.state) {
    case MessageState::kVisible:
      return "visible";
    case MessageState::kInFlight:
      return "in flight, " + format_age(message.due_in) + " left";
    case MessageState::kDelayed:
      return "delayed, in " + format_age(message.due_in);
  }
  return "unknown";
}

void print_table(Context& context, const std::vector<PeekedMessage>& messages, bool attributes) {
  std::vector<Column> columns = {
      {"RING", Align::kRight}, {"POSITION", Align::kRight}, {"STATE"},
      {"AGE", Align::kRight},  {"RECEIVED", Align::kRight}, {"BYTES", Align::kRight}};
  const bool groups = std::any_of(messages.begin(), messages.end(),
                                  [](const auto& message) { return !message.group.empty(); });
  if (groups) columns.push_back({"GROUP"});
  if (attributes) columns.push_back({"ATTRIBUTES"});
  columns.push_back({"BODY"});
  Table table(std::move(columns));
  for (const PeekedMessage& message : messages) {
    const std::string_view body = message.body;
    std::vector<std::string> cells = {std::to_string(message.ring),
                                      std::to_string(message.position),
                                      state_text(message),
                                      format_age(message.age),
                                      fmt::format("{}×", message.receive_count),
                                      format_count(body.size())};
    if (groups) cells.push_back(printable(message.group));
    if (attributes) cells.push_back(attributes_text(message));
    cells.push_back(printable(body.substr(0, kShownBytesMax)));
    table.add(std::move(cells));
  }
  const bool on_screen = is_terminal(STDOUT_FILENO);
  context.out.write(
      table.render(context.paint_for_output(), on_screen ? screen_size(STDOUT_FILENO).columns : 0));
}

ExitCode run(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  const Queue queue = open_queue(context, bus, options.queue);
  const auto messages = queue.peek(static_cast<std::size_t>(options.count.value_or(10)));
  if (messages.empty()) {
    print_nothing(context, Failure(ExitCode::kEmpty, name(Errc::kEmpty),
                                   fmt::format("queue {} is empty", options.queue),
                                   "send something: ringpost send " + options.queue + " hello"));
    return ExitCode::kEmpty;
  }
  if (context.globals.json) {
    for (const PeekedMessage& message : messages) {
      context.out.line(json_line(json_message(message, options.queue)));
    }
  } else {
    print_table(context, messages, options.attributes);
  }
  return ExitCode::kOk;
}

}  // namespace

void add_peek(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "peek", "Look at messages without receiving them",
                        "  ringpost peek orders\n"
                        "  ringpost peek orders -n 100 --attributes\n"
                        "  ringpost peek orders --json | jq -r .body");
  verb.group("Messages");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->queue);
  add_count(verb, "-n,--max", options->count, "At most so many, from the oldest on (10)");
  verb.add_flag("--attributes", options->attributes, "Also the attributes");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
