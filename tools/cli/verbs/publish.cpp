// ringpost publish: one message, lines, or files to every subscriber of a topic.
#include <unistd.h>

#include <fmt/format.h>

#include "../support/attribute_options.hpp"
#include "../support/group_options.hpp"
#include "../support/interrupt.hpp"
#include "../support/outbox.hpp"
#include "../support/record_source.hpp"
#include "../support/topic_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string topic;
  std::optional<std::string> message;
  std::vector<std::string> files;
  bool nul_separated = false;
  bool whole = false;
  std::vector<std::string> attributes;
  std::string subject;
  Duration wait = Duration::zero();
  std::optional<double> rate;
  GroupOptions groups;
};

bool is_stream(const Options& options) {
  return !options.message && options.files.empty() && !options.whole;
}

void refuse_contradictions(const Options& options) {
  const int sources = (options.message ? 1 : 0) + (options.files.empty() ? 0 : 1) +
                      (options.whole ? 1 : 0) + (options.nul_separated ? 1 : 0);
  if (sources > 1) {
    throw usage_failure("the messages come from more than one place",
                        "give one of: a message, --file, --whole, or -0 (see ringpost publish "
                        "--help)");
  }
  options.groups.refuse_contradictions(is_stream(options),
                                       is_stream(options) || options.files.size() > 1);
}

/// Publishes one after the other and adds up what became of them.
class Publisher {
 public:
  Publisher(Context& context, Topic& topic, const Options& options, PublishOptions publish_options)
      : context_(context),
        topic_(topic),
        options_(options),
        publish_options_(publish_options),
        pacer_(options.rate),
        progress_("published", !context.globals.quiet && !context.globals.json, work(options)) {}

  void publish_all() {
    const std::uint64_t most = *topic_.settings().message_bytes_max;
    if (options_.message) publish(*options_.message, 0);
    if (options_.whole) publish(read_whole(STDIN_FILENO, most, "standard input"), 0);
    for (const std::string& path : options_.files) publish(read_file(path, most), 1);
    if (!is_stream(options_)) return;
    RecordSource source(STDIN_FILENO, options_.nul_separated ? '\0' : '\n', most);
    for (const auto* records = &source.next(); !records->empty(); records = &source.next()) {
      for (const std::string_view record : *records) publish(record, record.size() + 1);
    }
  }
  Progress& progress() noexcept { return progress_; }
  [[nodiscard]] const Published& sums() const noexcept { return sums_; }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }

 private:
  static std::optional<std::uint64_t> work(const Options& options) {
    if (is_stream(options)) return RecordSource::bytes_left(STDIN_FILENO);
    return options.files.size();
  }
  void publish(std::string_view body, std::uint64_t work) {
    pacer_.wait(1);
    const MessageIds ids = options_.groups.ids_of(body, progress_.count() + 1);
    publish_options_.group = ids.group;
    publish_options_.dedup_id = ids.dedup_id;
    const auto published = topic_.publish(body, publish_options_);
    if (!published) {
      progress_.clear();
      throw failure_of_topic(
          context_, published.error(),
          fmt::format("publish message {} to topic {}", progress_.count() + 1, topic_.name()),
          topic_.name());
    }
    sums_.id = published->id;
    sums_.sequence = published->sequence;
    duplicates_ += published->duplicate ? 1u : 0u;
    sums_.delivered += published->delivered;
    sums_.dead_letters += published->dead_letters;
    sums_.dropped += published->dropped;
    progress_.add(1, body.size(), work);
  }

  Context& context_;
  Topic& topic_;
  const Options& options_;
  PublishOptions publish_options_;
  Pacer pacer_;
  Progress progress_;
  Published sums_;
  std::uint64_t duplicates_ = 0;
};

void print_result(Context& context, const Options& options, Publisher& publisher) {
  Progress& progress = publisher.progress();
  progress.clear();
  const Published& sums = publisher.sums();
  if (context.globals.json) {
    JsonObject object{{"topic", options.topic},      {"published", progress.count()},
                      {"bytes", progress.bytes()},   {"seconds", progress.seconds()},
                      {"delivered", sums.delivered}, {"dead_lettered", sums.dead_letters},
                      {"dropped", sums.dropped}};
    object["last_id"] = progress.count() == 0 ? JsonValue() : JsonValue(sums.id.to_string());
    object["last_sequence"] = sums.sequence == 0 ? JsonValue() : JsonValue(sums.sequence);
    object["duplicates"] = publisher.duplicates();
    object["interrupted"] = interrupted();
    context.out.line(json_line(object));
    return;
  }
  if (progress.count() == 1 && !is_stream(options)) context.report(sums.id.to_string());
  const std::string lost =
      sums.dropped == 0 ? "" : fmt::format(", {} dropped", format_count(sums.dropped));
  const std::string dead = sums.dead_letters == 0 ? ""
                                                  : fmt::format(", {} to dead-letter queues",
                                                                format_count(sums.dead_letters));
  const std::string swallowed =
      publisher.duplicates() == 0
          ? ""
          : fmt::format(", {}", format_counted(publisher.duplicates(), "duplicate"));
  context.note(fmt::format("{}; {} delivered{}{}{}{}", progress.summary(),
                           format_count(sums.delivered), dead, lost, swallowed,
                           interrupted() ? ", then interrupted" : ""));
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(options);
  const AttributeOptions attributes(options.attributes);
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, options.topic);
  options.groups.refuse_unfit(topic.settings(), options.topic);
  if (is_stream(options) && is_terminal(STDIN_FILENO)) {
    context.note("one message a line; Ctrl-D ends");
  }
  Publisher publisher(
      context, topic, options,
      {.attributes = attributes.list(), .subject = options.subject, .wait = options.wait});
  ExitCode exit_code = ExitCode::kOk;
  try {
    publisher.publish_all();
  } catch (const Interrupted&) {
    exit_code = ExitCode::kSignal;
  } catch (const Failure&) {
    if (publisher.progress().count() != 0) print_result(context, options, publisher);
    throw;
  }
  print_result(context, options, publisher);
  return exit_code;
}

}  // namespace

void add_publish(CLI::App& app, Context& context) {
  auto& verb =
      add_verb(app, "publish", "Publish to a topic: an argument, lines of standard input, or files",
               "  ringpost publish prices '{\"price\": 7}' -a venue=spot -a size:Number=2.5\n"
               "  zcat feed.gz | ringpost publish prices --rate 10k/s --wait 1m\n"
               "  ringpost publish images --file *.png\n"
               "  ringpost publish payments 'pay 5' --group customer-7 --dedup-id payment-4711");
  verb.group("Topics");
  auto options = std::make_shared<Options>();
  add_topic_name(verb, options->topic);
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
  verb.add_option("--subject", options->subject, "In JSON deliveries; up to 100 characters")
      ->type_name("TEXT");
  add_duration(verb, "-w,--wait", options->wait,
               "How long to wait for room in queues that are full (0: not)");
  add_rate(verb, "--rate", options->rate, "At most so many messages a second");
  options->groups.add_to(verb);
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
