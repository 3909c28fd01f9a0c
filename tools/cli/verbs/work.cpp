#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/options.hpp"
#include "../work/command_check.hpp"
#include "../work/work_pool.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kWorkersMax = 1000;
/// Shorter leases could not be extended in time on a busy machine.
constexpr Duration kVisibilityTimeoutMin = 1s;
constexpr Duration kDelayMax = 12h;
/// The second signal is noted too, and a third because some send two at once, as `timeout` does.
constexpr int kSignalsNoted = 3;

struct Options {
  WorkPlan plan;
  std::optional<std::uint64_t> min;
  std::optional<std::uint64_t> max;
  std::optional<std::uint64_t> batch;
  std::optional<std::uint64_t> grow_backlog;
  std::optional<HandlerInput> input;
  std::optional<Duration> visibility_timeout;
  std::optional<Duration> backoff_max;
  std::vector<std::string> command;  ///< whether there is one: see Context::after_dashes
  bool verbose = false;
};

void refuse(bool is_wrong, const char* text, const char* hint) {
  if (is_wrong) throw usage_failure(text, hint);
}

void refuse_contradictions(const Options& options) {
  refuse(options.min == 0u, "--min 0 would never do any work",
         "a pool without messages runs no process anyway: --min 1");
  refuse(options.max && *options.max < options.min.value_or(1), "--max is below --min",
         "give a --max that is at least --min");
  refuse(std::max(options.min.value_or(1), options.max.value_or(1)) > kWorkersMax,
         "more than 1000 workers", "run several pools: they share the queue");
  refuse(options.batch && (*options.batch == 0 || *options.batch > Leases::kCapacity),
         "--batch is not within 1 to 120", "give a --batch from 1 to 120");
  refuse(options.batch && options.input == HandlerInput::kBody,
         "--input body is for one message at a time",
         "drop --batch, or separate the messages: --input null, lines or json");
  refuse(options.plan.messages_max == 0u, "--messages 0 asks for no message",
         "give a count of 1 or more, or --until-empty");
  refuse(options.plan.timeout == Duration::zero(), "--timeout 0 leaves no time to work",
         "drop it for no limit, or give one: --timeout 5m");
  refuse(options.plan.backoff.first > kDelayMax ||
             options.backoff_max.value_or(Duration::zero()) > kDelayMax,
         "a back-off longer than 12h", "give --backoff and --backoff-max up to 12h");
  refuse(options.backoff_max && *options.backoff_max < options.plan.backoff.first,
         "--backoff-max is below --backoff", "the back-off begins with --backoff and doubles");
}

WorkPlan plan_of(const Context& context, const Options& options, const Queue& queue) {
  WorkPlan plan = options.plan;
  plan.command = context.after_dashes;
  plan.scale.min = static_cast<std::uint32_t>(options.min.value_or(1));
  const std::uint64_t cores = std::max(std::thread::hardware_concurrency(), 1u);
  plan.scale.max =
      static_cast<std::uint32_t>(options.max.value_or(std::max(cores, options.min.value_or(1))));
  plan.scale.batch = options.batch.value_or(1);
  plan.scale.backlog = options.grow_backlog.value_or(plan.scale.backlog);
  plan.is_batch = options.batch.has_value();
  plan.input = options.input.value_or(plan.is_batch ? HandlerInput::kJson : HandlerInput::kBody);
  plan.backoff.max = options.backoff_max.value_or(std::max(plan.backoff.first, plan.backoff.max));
  plan.visibility_timeout = options.visibility_timeout.value_or(
      queue.settings().visibility_timeout.value_or(Duration::zero()));
  refuse(plan.visibility_timeout < kVisibilityTimeoutMin,
         "the visibility timeout is too short to be extended in time",
         "give one of 1s or more: --visibility-timeout 30s");
  return plan;
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(options);
  refuse(context.after_dashes.empty(), "the command does not stand behind --",
         "ringpost work QUEUE [OPTIONS] -- COMMAND, so that its options stay its own");
  check_command(context.after_dashes.front());
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, options.plan.queue);
  const WorkPlan plan = plan_of(context, options, queue);
  catch_interrupts(kSignalsNoted);
  WorkEvents events(context, options.verbose);
  WorkPool pool(context, queue, plan, events);
  const auto began_at = WorkClock::now();
  events.started(plan);
  const auto sum_up = [&] { events.summary(pool.totals(), WorkClock::now() - began_at); };
  try {
    pool.run();
  } catch (const Failure&) {
    sum_up();
    throw;
  }
  sum_up();
  if (interrupted()) return ExitCode::kSignal;
  return pool.not_done() == 0 ? ExitCode::kOk : ExitCode::kReturned;
}

void add_scaling(CLI::App& verb, Options& options) {
  const char* group = "Workers";
  add_count(verb, "--min", options.min, "Always so many handlers at once, if there is work (1)")
      ->group(group);
  add_count(verb, "--max", options.max, "Never more at once (as many as there are cores)")
      ->group(group);
  add_count(verb, "--grow-backlog", options.grow_backlog,
            "More workers when so many messages, or batches, wait for each (10)")
      ->group(group);
  add_duration(verb, "--grow-age", options.plan.scale.age,
               "More workers when the oldest message waits for so long (1s)")
      ->group(group);
  add_duration(verb, "--grow-every", options.plan.scale.grow_interval,
               "Each step up at most doubles them; so long to the next (1s)")
      ->group(group);
  add_duration(verb, "--shrink-after", options.plan.scale.shrink_after,
               "Fewer workers when some had nothing to do for so long (30s)")
      ->group(group);
}

void add_handling(CLI::App& verb, Options& options) {
  const char* group = "Messages and handlers";
  add_count(verb, "--batch", options.batch,
            "Hand up to so many messages to one handler: 1 to 120 (always one)")
      ->group(group);
  verb.add_option_function<std::string>(
          "--input",
          [&options](const std::string& word) {
            static const std::pair<std::string_view, HandlerInput> kWords[] = {
                {"body", HandlerInput::kBody},
                {"lines", HandlerInput::kLines},
                {"null", HandlerInput::kNull},
                {"json", HandlerInput::kJson}};
            for (const auto& [known, input] : kWords) {
              if (word == known) options.input = input;
            }
            if (!options.input) {
              throw CLI::ValidationError("--input",
                                         "\"" + word + "\" is none of body, lines, null, json");
            }
          },
          "Standard input: body, lines, null (NUL after each), json (body; of a batch json)")
      ->type_name("WORD")
      ->group(group);
  add_duration(verb, "--visibility-timeout", options.visibility_timeout,
               "Length of the leases, which are extended while a handler runs (the queue's)")
      ->group(group);
  add_duration(verb, "--timeout", options.plan.timeout,
               "End a handler after so long: SIGTERM, its message returns (no limit)")
      ->group(group);
  add_duration(verb, "--kill-after", options.plan.kill_after,
               "Then SIGKILL after so long again (5s)")
      ->group(group);
  add_duration(verb, "--backoff", options.plan.backoff.first,
               "A message that failed returns after so long, doubled each time (1s)")
      ->group(group);
  add_duration(verb, "--backoff-max", options.backoff_max, "At most so long (5m)")->group(group);
}

void add_ending(CLI::App& verb, Options& options) {
  const char* group = "The end";
  verb.add_flag("--until-empty", options.plan.until_empty,
                "End when no message is visible and no handler runs")
      ->group(group);
  add_count(verb, "-n,--messages", options.plan.messages_max, "End after so many messages")
      ->group(group);
  add_duration(verb, "--drain-timeout", options.plan.drain_timeout,
               "After a signal: kill handlers that run for so long yet (no limit)")
      ->group(group);
}

constexpr const char* kHelp =
    R"(  ringpost work orders -- ./handle-order
  ringpost work images --min 2 --max 16 --timeout 5m -- convert - -resize 50% out.png
  ringpost work mail -- sh -c 'send-mail --to "$RINGPOST_ATTR_TO" --subject hello'
  ringpost work events --batch 100 --input lines -- psql -c 'copy events from stdin'
  ringpost work events --batch 10 -- ./handler     # JSON lines; failed ids to descriptor 3
  ringpost work jobs --until-empty -- ./job || echo "some jobs failed"

The handler: exit code 0 acknowledges, anything else returns the message with back-off.
  RINGPOST_BUS RINGPOST_SHM_DIR RINGPOST_QUEUE RINGPOST_BATCH_SIZE
  without --batch also: RINGPOST_MESSAGE_ID RINGPOST_RECEIPT RINGPOST_RECEIVE_COUNT
    RINGPOST_SENT_AT, RINGPOST_ATTR_<NAME> for each attribute (upper case, _ for . and -;
    binary ones in base64); of a FIFO queue RINGPOST_GROUP RINGPOST_SEQUENCE RINGPOST_DEDUP_ID
  with --batch: RINGPOST_FAILURES_FD=3. Of a batch that ends with 0 the messages whose ids
    were written there, one a line, return; the others are acknowledged.

FIFO queues: the handlers of one group run one after the other, in order; a message that
returned comes again before the later ones of its group.

Ctrl-C or SIGTERM: takes no more messages, waits for the handlers; again: kills them, and
their messages are visible again.
Exit codes: 0 done, 9 ended by itself and some messages had returned, 126 the command cannot
be run, 127 there is no such command, 128+N ended by signal N.)";

}  // namespace

void add_work(CLI::App& app, Context& context) {
  auto& verb =
      add_verb(app, "work", "Run a command for each message, as many at once as needed", kHelp);
  verb.group("Messages");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->plan.queue);
  verb.add_option("COMMAND", options->command, "What to run, with its arguments, after --")
      ->required()
      ->type_name("");
  add_scaling(verb, *options);
  add_handling(verb, *options);
  add_ending(verb, *options);
  verb.add_flag("-v,--verbose", options->verbose, "Tell of each message that is acknowledged");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
