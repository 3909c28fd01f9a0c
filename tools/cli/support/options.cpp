#include "options.hpp"

#include <limits>

#include <fmt/format.h>

#include "units.hpp"

namespace ringpost::cli {
namespace {

/// An option whose text is parsed by `parse` and handed to `take`; the type names examples.
template <class Parse, class Take>
CLI::Option* add_parsed(CLI::App& app, const std::string& names, const std::string& help,
                        const char* type, const char* examples, Parse parse, Take take) {
  const auto read = [names, examples, parse, take](const std::string& text) {
    const auto value = parse(text);
    if (!value) {
      throw CLI::ValidationError(names,
                                 fmt::format("\"{}\" is not understood; write {}", text, examples));
    }
    take(*value);
  };
  return app.add_option_function<std::string>(names, read, help)->type_name(type);
}

constexpr const char* kDurationExamples = "a number with a unit, such as 10ms, 30s, 5m or 12h";
constexpr const char* kSizeExamples = "bytes, such as 512, 64KiB or 1M";
constexpr const char* kCountExamples = "a whole number, such as 1000 or 10k";
constexpr const char* kRateExamples = "messages a second, such as 100, 10k or 30/m";

template <class Integer>
CLI::Option* add_number(CLI::App& app, const std::string& names, std::optional<Integer>& target,
                        const std::string& help, bool is_size) {
  const auto parse = [is_size](const std::string& text) -> std::optional<Integer> {
    const auto value = is_size ? parse_size(text) : parse_count(text);
    if (!value || *value > std::numeric_limits<Integer>::max()) return std::nullopt;
    return static_cast<Integer>(*value);
  };
  return add_parsed(app, names, help, is_size ? "SIZE" : "N",
                    is_size ? kSizeExamples : kCountExamples, parse,
                    [&target](Integer value) { target = value; });
}

}  // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<Duration>& target,
                          const std::string& help) {
  return add_parsed(app, names, help, "TIME", kDurationExamples, parse_duration,
                    [&target](Duration value) { target = value; });
}

CLI::Option* add_duration(CLI::App& app, const std::string& names, Duration& target,
                          const std::string& help) {
  return add_parsed(app, names, help, "TIME", kDurationExamples, parse_duration,
                    [&target](Duration value) { target = value; });
}

CLI::Option* add_size(CLI::App& app, const std::string& names, std::optional<std::uint64_t>& target,
                      const std::string& help) {
  return add_number(app, names, target, help, true);
}

CLI::Option* add_count(CLI::App& app, const std::string& names,
                       std::optional<std::uint64_t>& target, const std::string& help) {
  return add_number(app, names, target, help, false);
}

CLI::Option* add_count(CLI::App& app, const std::string& names,
                       std::optional<std::uint32_t>& target, const std::string& help) {
  return add_number(app, names, target, help, false);
}

CLI::Option* add_rate(CLI::App& app, const std::string& names, std::optional<double>& target,
                      const std::string& help) {
  return add_parsed(app, names, help, "RATE", kRateExamples, parse_rate,
                    [&target](double value) { target = value; });
}

CLI::Option* add_queue_name(CLI::App& app, std::string& target) {
  return app.add_option("QUEUE", target, "Name of the queue")->required()->type_name("");
}

CLI::App& add_verb(CLI::App& parent, const std::string& name, const std::string& help,
                   const std::string& examples) {
  CLI::App* verb = parent.add_subcommand(name, help);
  verb->footer("Examples:\n" + examples + "\nOptions of all verbs: ringpost --help");
  return *verb;
}

void on_run(CLI::App& verb, Context& context, std::function<ExitCode()> action) {
  verb.callback([&context, run = std::move(action)] { context.action = run; });
}

namespace {

RedriveAllow parse_redrive_allow(const std::string& text) {
  if (text == "all") return {};
  if (text == "none") return {RedriveAllow::Permission::kDenyAll, {}};
  RedriveAllow allow{RedriveAllow::Permission::kByQueue, {}};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    allow.sources.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return allow;
}

void add_policies(CLI::App& app, QueueSettings& settings, const char* group) {
  auto* const queue = app.add_option_function<std::string>(
      "--dead-letter-queue",
      [&settings](const std::string& name) {
        if (!settings.redrive) settings.redrive.emplace();
        settings.redrive->dead_letter_queue = name;
      },
      "Where messages go that were received too often; \"\": nowhere (nowhere)");
  queue->type_name("QUEUE")->group(group);
  app.add_option_function<std::uint32_t>(
         "--max-receives",
         [&settings](std::uint32_t count) {
           if (!settings.redrive) settings.redrive.emplace();
           settings.redrive->max_receive_count = count;
         },
         "How often a message is delivered before it goes there: 1 to 1000 (10)")
      ->type_name("N")
      ->needs(queue)
      ->group(group);
  app.add_option_function<std::string>(
         "--redrive-allow",
         [&settings](const std::string& text) {
           settings.redrive_allow = parse_redrive_allow(text);
         },
         "Whose dead-letter queue this one may be: all, none, or up to 10 names, a comma "
         "between them (all)")
      ->type_name("WHO")
      ->group(group);
}

}  // namespace

void add_changeable_settings(CLI::App& app, QueueSettings& settings) {
  const char* group = "Settings";
  add_policies(app, settings, group);
  add_duration(app, "--visibility-timeout", settings.visibility_timeout,
               "How long a received message stays invisible to others: 0 to 12h (30s)")
      ->group(group);
  add_duration(app, "--delay", settings.delay,
               "How long new messages stay invisible at first: 0 to 15m (0)")
      ->group(group);
  add_duration(app, "--retention", settings.retention,
               "How long a message is kept at all: 60s to 14d (4d)")
      ->group(group);
  add_duration(app, "--receive-wait", settings.receive_wait,
               "How long receivers wait that do not say: 0 to 20s (0)")
      ->group(group);
  add_size(app, "--message-bytes-max", settings.message_bytes_max,
           "Largest message: 1KiB to 64MiB (256KiB)")
      ->group(group);
  add_number(app, "--in-flight-max", settings.in_flight_max,
             "Most messages in flight at once: 1 to 10M (120,000)", false)
      ->group(group);
  add_choice<std::optional<Dedup>>(
      app, "--dedup", settings.dedup,
      {{"off", Dedup::kOff}, {"id", Dedup::kById}, {"content", Dedup::kByContent}},
      "FIFO: take messages of one id once: id, content (ids made of bodies) or off, which is "
      "chosen "
      "at creation (off)")
      ->group(group);
  add_duration(app, "--dedup-window", settings.dedup_window,
               "FIFO: how long an id is remembered: 1s to 24h (5m)")
      ->group(group);
}

void add_creation_settings(CLI::App& app, QueueSettings& settings) {
  const char* group = "Settings fixed at creation";
  add_number(app, "--slots", settings.slots,
             "Slots of the first ring, a power of two: 64 to 4194304 (1024; FIFO, fair 16384)",
             false)
      ->group(group);
  add_number(app, "--inline-bytes", settings.inline_bytes,
             "Payload kept in the slot itself: 40 to 4072 (104; FIFO, fair 128)", true)
      ->group(group);
  add_size(app, "--bytes-max", settings.bytes_max,
           "Most memory of the queue's rings, reached by growth (64MiB)")
      ->group(group);
  app.add_flag_callback(
         "--fixed", [&settings] { settings.fixed = true; }, "Never grow beyond the first ring")
      ->group(group);
  app.add_flag_callback(
         "--fifo", [&settings] { settings.fifo = true; },
         "Groups of messages, each strictly in order; never grows")
      ->group(group);
  app.add_flag_callback(
         "--fair", [&settings] { settings.fair = true; },
         "Groups name tenants, and quiet ones are served first; never grows")
      ->group(group);
  app.add_flag_callback(
         "--durable", [&settings] { settings.durability = Durability::kDurable; },
         "On disk before a send returns; there again after a reboot. Not with --fair")
      ->group(group);
  add_size(app, "--log-segment-bytes", settings.log_segment_bytes,
           "Durable: size of the files of its log: 64KiB to 1GiB (16MiB)")
      ->group(group);
  add_number(app, "--dedup-entries", settings.dedup_entries,
             "FIFO: ids remembered at once, 102 B each: 64 to 16777216 (65536)", false)
      ->group(group);
  add_choice<std::optional<DedupScope>>(
      app, "--dedup-scope", settings.dedup_scope,
      {{"queue", DedupScope::kQueue}, {"group", DedupScope::kGroup}},
      "FIFO: an id is one of the whole queue or of its group: queue, group (queue)")
      ->group(group);
}

}  // namespace ringpost::cli
