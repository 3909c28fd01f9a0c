#include <unistd.h>

#include <fmt/format.h>

#include "../support/group_options.hpp"
#include "../support/inbox.hpp"
#include "../support/interrupt.hpp"
#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

constexpr std::uint64_t kAttemptMax = 10;  ///< messages of one receive with an id

struct Options {
  std::string queue;
  std::optional<std::uint64_t> count;
  std::optional<Duration> wait;
  bool all = false;
  bool follow = false;
  bool acknowledge = false;  ///< the default, for those who want to say so
  bool leave = false;
  bool release = false;
  std::optional<Duration> visibility_timeout;
  std::optional<std::string> attempt_id;
  bool nul_separated = false;
  std::string format;
};

void refuse_contradictions(const Context& context, const Options& options) {
  if (context.globals.json && !options.format.empty()) {
    throw usage_failure("--json and --format exclude one another",
                        "drop one of them; --json prints all that --format can, and more");
  }
  const int counts = (options.count ? 1 : 0) + (options.all ? 1 : 0) + (options.follow ? 1 : 0);
  if (counts > 1) {
    throw usage_failure("-n, --all and --follow exclude one another",
                        "give a count, or --all until the queue is empty, or --follow for ever");
  }
  if (options.follow && options.release) {
    throw usage_failure("--follow never ends, so --release would never happen",
                        "use --all --release, or look without receiving: ringpost peek QUEUE");
  }
  const bool many = options.all || options.follow || options.count.value_or(1) > kAttemptMax;
  if (options.attempt_id && many) {
    throw usage_failure("--attempt-id is of one receive, of at most 10 messages",
                        "give it with -n 1 to 10, and another id for what comes after them");
  }
  if (options.count == 0u) {
    throw usage_failure("-n 0 asks for no message",
                        "give a count of 1 or more, or count them with ringpost stat QUEUE");
  }
}

void refuse_attempt_id(const std::optional<std::string>& id, const Queue& queue) {
  refuse_bad_id(id, "--attempt-id");
  if (id && !queue.settings().fifo.value_or(false)) {
    throw usage_failure(
        fmt::format("queue {} is a standard queue: it remembers no --attempt-id", queue.name()),
        "drop it; --leave prints receipts, by which messages can be settled");
  }
}

InboxOptions inbox_options(const Options& options, const Queue& queue) {
  InboxOptions inbox;
  inbox.count_max = options.all || options.follow ? UINT64_MAX : options.count.value_or(1);
  inbox.wait = options.follow
                   ? kForever
                   : options.wait.value_or(queue.settings().receive_wait.value_or(Duration{}));
  inbox.visibility_timeout = options.visibility_timeout;
  inbox.attempt_id = options.attempt_id.value_or("");
  inbox.settle = options.leave     ? Settle::kLeave
                 : options.release ? Settle::kRelease
                                   : Settle::kAcknowledge;
  return inbox;
}

/// The body as it is; on a terminal without what would move its cursor. With --leave the receipt
/// stands before it, for without it the message could not be settled.
Inbox::Show show_function(Context& context, const Options& options) {
  const std::string name = options.queue;
  if (context.globals.json) {
    return [&context, name](const Lease& lease) {
      context.out.line(json_line(json_message(lease, name)));
    };
  }
  const char end = options.nul_separated ? '\0' : '\n';
  const bool escape = is_terminal(STDOUT_FILENO);
  std::string text = options.format;
  if (text.empty()) text = options.leave ? "{receipt}\\t{body}" : "{body}";
  return [&context, name, end, escape, format = MessageFormat(text)](const Lease& lease) {
    std::string record;
    format.append(record, lease, name);
    context.out.write(escape ? printable(record) : record);
    context.out.write(std::string_view(&end, 1));
  };
}

/// Says on standard error why there was nothing.
void explain_nothing(const Context& context, const Queue& queue, Errc ended_by, Duration wait) {
  const QueueStats stats = queue.stats();
  std::string text = fmt::format("no message is visible in queue {}", queue.name());
  if (wait > Duration::zero()) text += fmt::format(", after waiting {}", format_setting(wait));
  std::string hint = "wait for one with --wait 30s, or for all that come with --follow";
  if (ended_by == Errc::kOverLimit) {
    text = fmt::format("queue {} has as many messages in flight as it may", queue.name());
    hint = failure_of(ended_by, context.subject({}, queue.name())).hint();
  } else if (stats.in_flight + stats.delayed != 0) {
    text += fmt::format(" ({} in flight, {} delayed)", format_count(stats.in_flight),
                        format_count(stats.delayed));
  }
  print_nothing(context, Failure(ExitCode::kEmpty, name(ended_by), text, hint));
}

void print_summary(const Context& context, Inbox& inbox, bool was_long) {
  const Progress& progress = inbox.progress();
  if (context.globals.quiet) return;
  if (context.globals.json && interrupted()) {
    JsonObject summary{{"received", progress.count()},
                       {"bytes", progress.bytes()},
                       {"seconds", progress.seconds()},
                       {"late", inbox.late()},
                       {"interrupted", true}};
    JsonObject line;
    line["summary"] = std::move(summary);
    context.note(json_line(line));
  } else if (!context.globals.json && (interrupted() || (was_long && is_terminal(STDERR_FILENO)))) {
    context.note(progress.summary() + (interrupted() ? ", then interrupted" : ""));
  }
  if (inbox.late() != 0 && !context.globals.json) {
    context.note(
        fmt::format("{} {} shown after the lease had ended and will come again: give a longer "
                    "--visibility-timeout",
                    format_count(inbox.late()), inbox.late() == 1 ? "was" : "were"));
  }
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(context, options);
  const Inbox::Show show = show_function(context, options);
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, options.queue);
  refuse_attempt_id(options.attempt_id, queue);
  const InboxOptions settings = inbox_options(options, queue);
  Inbox inbox(context, queue, settings);
  try {
    inbox.run(show);
  } catch (const Interrupted&) {
    inbox.progress().clear();
    print_summary(context, inbox, true);
    return ExitCode::kSignal;
  }
  inbox.progress().clear();
  if (inbox.progress().count() == 0) {
    explain_nothing(context, queue, inbox.ended_by(), settings.wait);
    return ExitCode::kEmpty;
  }
  print_summary(context, inbox, options.all);
  return ExitCode::kOk;
}

}  // namespace

void add_receive(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "receive", "Receive messages: print them, then acknowledge them",
                        "  ringpost receive orders --wait 30s\n"
                        "  ringpost receive orders --all > orders.txt\n"
                        "  ringpost receive orders --follow --json | jq --unbuffered .body\n"
                        "  ringpost receive orders --leave --format '{receipt} {body}'\n"
                        "  ringpost receive payments -n 10 --format '{group} {sequence} {body}'\n"
                        "  ringpost receive blobs -0 -n 10 | xargs -0 -n 1 process");
  verb.group("Messages");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->queue);
  add_count(verb, "-n,--max", options->count, "At most so many messages (1)");
  verb.add_flag("--all", options->all, "Until the queue is empty");
  verb.add_flag("--follow", options->follow, "For ever, as they come; Ctrl-C ends");
  add_duration(verb, "-w,--wait", options->wait,
               "How long to wait for each message; ends when none came (the queue's)");
  auto* ack = verb.add_flag("--ack", options->acknowledge,
                            "Acknowledge each message once it is printed: the default");
  auto* leave =
      verb.add_flag("--leave", options->leave,
                    "Leave them in flight and print their receipts, for `ringpost acknowledge`");
  leave->excludes(ack);
  verb.add_flag("--release", options->release, "Give them back at the end: visible again")
      ->excludes(leave)
      ->excludes(ack);
  add_duration(verb, "--visibility-timeout", options->visibility_timeout,
               "Invisible to others for so long, up to 12h (the queue's)");
  verb.add_option("--attempt-id", options->attempt_id,
                  "FIFO: of this receive; made again within 5 minutes it gives the same messages")
      ->type_name("ID");
  verb.add_option("--format", options->format,
                  "Print this for each: {id} {body} {bytes} {count} {age} {sent_at} "
                  "{first_received_at} {receipt} {queue} {attr.NAME}, FIFO: {group} {sequence} "
                  "{dedup_id}, with \\t \\n \\0")
      ->type_name("TEXT");
  verb.add_flag("-0,--null", options->nul_separated, "End each with a NUL byte, not a newline");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
