#include <unistd.h>

#include <fmt/format.h>

#include "../support/attribute_options.hpp"
#include "../support/group_options.hpp"
#include "../support/interrupt.hpp"
#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/outbox.hpp"
#include "../support/record_source.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string queue;
  std::optional<std::string> message;
  std::vector<std::string> files;
  bool nul_separated = false;
  bool whole = false;
  bool create = false;
  std::vector<std::string> attributes;
  std::optional<Duration> delay;
  Duration wait = Duration::zero();
  std::optional<double> rate;
  GroupOptions groups;
};

/// Whether the messages are counted (a stream) or each is named by its id.
bool is_stream(const Options& options) {
  return !options.message && options.files.empty() && !options.whole;
}

void refuse_contradictions(const Options& options) {
  const int sources = (options.message ? 1 : 0) + (options.files.empty() ? 0 : 1) +
                      (options.whole ? 1 : 0) + (options.nul_separated ? 1 : 0);
  if (sources > 1) {
    throw usage_failure(
        "the messages come from more than one place",
        "give one of: a message, --file, --whole, or -0 (see ringpost send --help)");
  }
  options.groups.refuse_contradictions(is_stream(options),
                                       is_stream(options) || options.files.size() > 1);
}

/// Makes the queue if there is none: a FIFO queue for messages with groups.
void create_queue(const Context& context, Bus& bus, const Options& options) {
  if (bus.open_queue(options.queue)) return;
  require(bus.queue(options.queue, options.groups.settings()),
          context.subject(fmt::format("create queue {}", options.queue), options.queue));
}

void refuse_unfit(const Options& options, const QueueSettings& settings) {
  options.groups.refuse_unfit(settings, options.queue);
  if (settings.fifo.value_or(false) &&
      options.delay.value_or(Duration::zero()) > Duration::zero()) {
    throw usage_failure(
        "--delay of one message: a FIFO queue delays all alike, to keep their order",
        fmt::format("drop it, or: ringpost queue set {} --delay 10s", options.queue));
  }
}

void send_stream(Outbox& outbox, const Options& options, std::uint64_t message_bytes_max) {
  RecordSource source(STDIN_FILENO, options.nul_separated ? '\0' : '\n', message_bytes_max);
  while (true) {
    const auto& records = source.next();
    if (records.empty()) return;
    outbox.send_all(records, 1);
  }
}

/// Sends what is named one by one, and says the id of each.
void send_named(Context& context, Outbox& outbox, const Options& options,
                std::uint64_t message_bytes_max, JsonArray& ids) {
  const auto send = [&](std::string_view body) {
    const std::string id = outbox.send(body).to_string();
    if (context.globals.json) {
      ids.emplace_back(id);
    } else {
      context.report(id);
    }
  };
  if (options.message) send(*options.message);
  if (options.whole) send(read_whole(STDIN_FILENO, message_bytes_max, "standard input"));
  for (const std::string& path : options.files) {
    send(read_file(path, message_bytes_max));
    outbox.progress().add(0, 0, 1);
  }
}

void print_result(Context& context, const Options& options, const Progress& progress,
                  JsonArray ids) {
  if (context.globals.json) {
    JsonObject object{{"queue", options.queue},
                      {"sent", progress.count()},
                      {"bytes", progress.bytes()},
                      {"seconds", progress.seconds()}};
    object["ids"] = std::move(ids);
    object["interrupted"] = interrupted();
    context.out.line(json_line(object));
  } else if (interrupted() || (is_stream(options) && is_terminal(STDERR_FILENO))) {
    context.note(progress.summary() + (interrupted() ? ", then interrupted" : ""));
  }
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(options);
  const AttributeOptions attributes(options.attributes);
  Bus bus = open_bus(context, options.create ? IfMissing::kCreate : IfMissing::kFail);
  if (options.create) create_queue(context, bus, options);
  Queue queue = open_queue(context, bus, options.queue);
  refuse_unfit(options, queue.settings());
  const std::uint64_t message_bytes_max = queue.settings().message_bytes_max.value_or(0);
  const auto total = is_stream(options) ? RecordSource::bytes_left(STDIN_FILENO)
                                        : std::optional<std::uint64_t>(options.files.size());
  if (is_stream(options) && is_terminal(STDIN_FILENO)) {
    context.note("one message a line; Ctrl-D ends");
  }
  SendOptions send_options;
  send_options.delay = options.delay;
  send_options.attributes = attributes.list();
  send_options.wait = options.wait;
  Outbox outbox(context, queue, send_options, options.groups, options.rate, total);
  JsonArray ids;
  ExitCode exit_code = ExitCode::kOk;
  try {
    if (is_stream(options)) {
      send_stream(outbox, options, message_bytes_max);
    } else {
      send_named(context, outbox, options, message_bytes_max, ids);
    }
  } catch (const Interrupted&) {
    exit_code = ExitCode::kSignal;
  } catch (const Failure& failure) {
    outbox.progress().clear();
    if (outbox.progress().count() == 0) throw;
    if (context.globals.json) print_result(context, options, outbox.progress(), std::move(ids));
    if (!is_stream(options)) throw;
    throw Failure(
        failure.exit_code(), failure.code(),
        fmt::format("{} (after {} sent: message {} of the input is the next)", failure.text(),
                    outbox.progress().count(), outbox.progress().count() + 1),
        failure.hint());
  }
  outbox.progress().clear();
  print_result(context, options, outbox.progress(), std::move(ids));
  return exit_code;
}

}  // namespace

void add_send(CLI::App& app, Context& context) {
  auto& verb =
      add_verb(app, "send", "Send messages: an argument, lines of standard input, or files",
               "  ringpost send orders '{\"item\": 7}' -a kind=new -a weight:Number=2.5\n"
               "  tail -f access.log | ringpost send requests --wait 1m\n"
               "  ringpost send images --file *.png\n"
               "  find . -print0 | ringpost send -0 paths --rate 500/s\n"
               "  ringpost send payments 'pay 5' --group customer-7 --dedup-id payment-4711\n"
               "  cat trades.csv | ringpost send trades --group-field 2 --delimiter ,");
  verb.group("Messages");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->queue);
  verb.add_option("MESSAGE", options->message,
                  "One message; without it each line of standard input is one")
      ->type_name("");
  verb.add_option("-f,--file", options->files, "Each file is one message")->type_name("PATH");
  verb.add_flag("-0,--null", options->nul_separated,
                "Messages on standard input end with NUL, not a newline");
  verb.add_flag("--whole", options->whole, "All of standard input is one message");
  verb.add_option("-a,--attribute", options->attributes,
                  "name=value, name:Number=5 or name:Binary=BASE64; on every message")
      ->type_name("ATTRIBUTE")
      ->allow_extra_args(false);
  add_duration(verb, "--delay", options->delay, "Invisible at first for so long, up to 15m");
  add_duration(verb, "-w,--wait", options->wait,
               "How long to wait for room when the queue is full (0: fail at once)");
  add_rate(verb, "--rate", options->rate, "At most so many messages a second");
  verb.add_flag("--create", options->create,
                "Make the queue if there is none; with a group: a FIFO queue");
  options->groups.add_to(verb);
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
