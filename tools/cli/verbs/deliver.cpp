// ringpost deliver: what was published goes to commands and HTTP endpoints.
#include <poll.h>

#include <fmt/format.h>

#include "../deliver/deliverer.hpp"
#include "../support/interrupt.hpp"
#include "../support/options.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kLookEveryMs = 500;
constexpr std::uint64_t kParallelMax = 64;
constexpr Duration kTimeoutMax = 1h;

struct Options {
  DeliverPlan plan;
  std::optional<std::uint64_t> parallel;
  std::optional<std::uint64_t> seed;
  bool no_exec = false;
  bool verbose = false;
};

DeliverPlan plan_of(const Context& context, const Options& options) {
  DeliverPlan plan = options.plan;
  if (options.parallel && (*options.parallel == 0 || *options.parallel > kParallelMax)) {
    throw usage_failure("--parallel is not within 1 to 64", "give a --parallel from 1 to 64");
  }
  if (plan.attempts.http.timeout <= Duration::zero() || plan.attempts.http.timeout > kTimeoutMax) {
    throw usage_failure("--timeout is not within 1ms to 1h", "give one such as --timeout 15s");
  }
  plan.parallel = static_cast<std::uint32_t>(options.parallel.value_or(1));
  plan.commands = !options.no_exec;
  plan.seed = options.seed.value_or(
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  plan.attempts.bus = context.globals.bus;
  plan.attempts.shm_dir = context.shm_dir();
  plan.attempts.output_to_errors = context.globals.json;
  return plan;
}

/// Until a signal comes, its reader goes, or there is nothing left to do.
void run_until_told(Deliverer& deliverer, DeliverEvents& events, const DeliverPlan& plan) {
  while (!interrupted() && !events.has_no_reader()) {
    if (plan.until_empty && deliverer.is_idle()) return;
    pollfd waiter{interrupt_descriptor(), POLLIN, 0};
    const int patience = plan.until_empty ? 10 : kLookEveryMs;
    if (poll(&waiter, 1, patience) == 0 && !plan.until_empty) deliverer.look_for_subscriptions();
  }
}

ExitCode deliver(Context& context, const Options& options) {
  const DeliverPlan plan = plan_of(context, options);
  Bus bus = open_bus(context);
  DeliverEvents events(context, options.verbose);
  const Attempts certificates_can_be_read(plan.attempts);
  const auto began_at = std::chrono::steady_clock::now();
  bool is_left = false;
  {
    Deliverer deliverer(context, bus, plan, events);
    events.started(deliverer.look_for_subscriptions());
    run_until_told(deliverer, events, plan);
    if (interrupted()) events.draining();
    deliverer.stop();
    is_left = deliverer.not_done() != 0;
  }
  events.summary(std::chrono::steady_clock::now() - began_at);
  if (events.has_no_reader()) throw ClosedPipe();
  if (interrupted()) return ExitCode::kSignal;
  return is_left ? ExitCode::kReturned : ExitCode::kOk;
}

constexpr const char* kHelp =
    R"(  ringpost subscribe prices exec:'./handle-price --verbose'
  ringpost subscribe prices https://example.org/hook --json-body
  ringpost deliver                       # to all endpoints of all topics of the bus
  ringpost deliver prices --until-empty
  ringpost deliver --json | jq 'select(.status == "FAILURE")'

A command runs by /bin/sh: the body on its standard input; exit code 0: delivered, else tried
again. RINGPOST_BUS RINGPOST_SHM_DIR RINGPOST_TOPIC RINGPOST_TOPIC_ARN RINGPOST_SUBSCRIPTION
RINGPOST_MESSAGE_ID RINGPOST_ATTEMPT RINGPOST_SENT_AT RINGPOST_ATTR_<NAME>

An endpoint gets a POST. 2xx: delivered. 5xx, 429, no answer: tried again. Others: given up.
Tried again as the delivery policy of the subscription says, else that of the topic; then given
up: the message goes to the dead-letter queue of the subscription, or is discarded if there is none.

Any number of these may run. Whoever may subscribe on this bus has commands run as you: --no-exec.
Ctrl-C or SIGTERM: takes no more messages, waits for the attempts under way; again: ends at once,
and their messages are delivered again by the next.
Exit codes: 0 done, 9 ended by itself and some messages are to be tried again, 128+N ended by
signal N.)";

}  // namespace

void add_deliver(CLI::App& app, Context& context) {
  auto& verb =
      add_verb(app, "deliver", "Push what is published to commands and HTTP endpoints", kHelp);
  verb.group("Topics");
  auto options = std::make_shared<Options>();
  verb.add_option("TOPIC", options->plan.topics, "Names of topics (all, also later ones)")
      ->type_name("");
  add_duration(verb, "--timeout", options->plan.attempts.http.timeout,
               "An attempt that takes longer has failed: to 1h (15s)");
  add_count(verb, "--parallel", options->parallel,
            "Attempts at once for each subscription: 1 to 64 (1)");
  verb.add_flag("--no-exec", options->no_exec, "HTTP endpoints only");
  verb.add_flag("--lenient", options->plan.attempts.lenient,
                "Answers 3xx and 4xx count as delivered, as Amazon's SNS counts them");
  verb.add_option("--ca", options->plan.attempts.http.trusted_certificates,
                  "Certificates to trust besides the system's, PEM")
      ->type_name("FILE");
  verb.add_flag("--until-empty", options->plan.until_empty,
                "End when no message is visible; those to be tried again later stay");
  add_count(verb, "--seed", options->seed, "Of the jitter in the delays (the time)");
  verb.add_flag("-v,--verbose", options->verbose,
                "Tell of each delivery; with --json of each attempt too");
  on_run(verb, context, [&context, options] { return deliver(context, *options); });
}

}  // namespace ringpost::cli
