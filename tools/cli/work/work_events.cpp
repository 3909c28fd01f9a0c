#include "work_events.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../support/message_text.hpp"
#include "../support/units.hpp"

namespace ringpost::cli {
namespace {

JsonObject event_of(const char* name) {
  return {{"event", name}, {"time", iso_time(std::chrono::system_clock::now())}};
}

const char* name_of(Fate fate) {
  switch (fate) {
    case Fate::kAcknowledged:
      return "acknowledged";
    case Fate::kReturned:
      return "returned";
    case Fate::kReleased:
      return "released";
    case Fate::kLate:
      return "late";
  }
  return "unknown";
}

/// "SIGTERM"
std::string signal_name(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string why_it_failed(const HandlerRun& run) {
  if (run.timed_out) return "timed out";
  if (run.bad_report) return "it named a failed message that is not in its batch";
  if (run.end.signal) return "killed by " + signal_name(*run.end.signal);
  if (run.end.exit_code == 0) return "named as failed";
  return fmt::format("exit code {}", run.end.exit_code.value_or(-1));
}

std::uint64_t count_of(const HandlerRun& run, Fate fate) {
  return static_cast<std::uint64_t>(
      std::count_if(run.messages.begin(), run.messages.end(),
                    [fate](const SettledMessage& message) { return message.fate == fate; }));
}

/// "message 1234", or "2 of 10 messages".
std::string who(const HandlerRun& run, std::uint64_t count) {
  if (run.messages.size() == 1) return "message " + run.messages.front().id.to_string();
  return fmt::format("{} of {} messages", count, run.messages.size());
}

std::string returned_line(const HandlerRun& run, std::uint64_t count) {
  Duration first = Duration::max();
  std::uint32_t receives = 0;
  for (const SettledMessage& message : run.messages) {
    if (message.fate != Fate::kReturned) continue;
    first = std::min(first, message.delay);
    receives = std::max(receives, message.receive_count);
  }
  return fmt::format("{} returned: {}; received {}×, again in {}", who(run, count),
                     why_it_failed(run), receives, format_setting(first));
}

JsonObject json_of(const SettledMessage& message, const HandlerRun& run) {
  JsonObject event = event_of(name_of(message.fate));
  event["id"] = message.id.to_string();
  event["receive_count"] = message.receive_count;
  event["exit_code"] = run.end.exit_code ? JsonValue(*run.end.exit_code) : JsonValue();
  event["signal"] = run.end.signal ? JsonValue(signal_name(*run.end.signal)) : JsonValue();
  event["timed_out"] = run.timed_out;
  event["seconds"] = json_seconds(run.took);
  if (message.fate == Fate::kReturned) event["delay_seconds"] = json_seconds(message.delay);
  return event;
}

}  // namespace

void WorkEvents::tell(const std::string& line) const { context_.note(line); }

void WorkEvents::tell(JsonObject event) {
  if (context_.globals.quiet) return;
  try {
    context_.out.line(json_line(event));
    context_.out.flush();
  } catch (const Interrupted&) {
    // The reader is slow and we are to end: the work is what matters.
  }
}

void WorkEvents::started(const WorkPlan& plan) {
  const std::string command = fmt::format("{}", fmt::join(plan.command, " "));
  if (is_json()) {
    JsonObject event = event_of("started");
    event["queue"] = plan.queue;
    event["command"] = command;
    event["workers_min"] = plan.scale.min;
    event["workers_max"] = plan.scale.max;
    event["batch"] = plan.scale.batch;
    tell(std::move(event));
    return;
  }
  const std::string each =
      plan.is_batch ? fmt::format("up to {}", format_counted(plan.scale.batch, "message"))
                    : "one message";
  tell(fmt::format("working on queue {} with {} to {} workers, {} each: {}", plan.queue,
                   plan.scale.min, plan.scale.max, each, printable(command)));
}

void WorkEvents::scaled(std::uint32_t from, std::uint32_t to, const Load& load) {
  if (!is_json()) {
    tell(fmt::format("{} → {}: {} waiting, the oldest for {}, {} busy", from,
                     format_counted(to, "worker"), format_count(load.backlog),
                     format_age(load.oldest_age), load.busy));
    return;
  }
  JsonObject event = event_of("scaled");
  event["workers_before"] = from;
  event["workers"] = to;
  event["busy"] = load.busy;
  event["visible"] = load.backlog;
  event["oldest_age_seconds"] = json_seconds(load.oldest_age);
  tell(std::move(event));
}

void WorkEvents::finished(const HandlerRun& run) {
  if (is_json()) {
    for (const SettledMessage& message : run.messages) tell(json_of(message, run));
    return;
  }
  if (const auto count = count_of(run, Fate::kAcknowledged); verbose_ && count != 0) {
    tell(fmt::format("{} acknowledged after {}", who(run, count), format_age(run.took)));
  }
  if (const auto count = count_of(run, Fate::kReturned); count != 0)
    tell(returned_line(run, count));
  if (const auto count = count_of(run, Fate::kLate); count != 0) {
    tell(fmt::format("{} settled too late: the lease had ended", who(run, count)));
  }
}

void WorkEvents::lease_lost(const MessageId& id) {
  if (is_json()) {
    JsonObject event = event_of("lease_lost");
    event["id"] = id.to_string();
    tell(std::move(event));
  } else {
    tell(fmt::format("message {}: its lease is lost, somebody else may have it", id.to_string()));
  }
}

void WorkEvents::timed_out(pid_t pid, Duration after, int signal) {
  if (is_json()) {
    JsonObject event = event_of("timeout");
    event["pid"] = pid;
    event["signal"] = signal_name(signal);
    event["seconds"] = json_seconds(after);
    tell(std::move(event));
  } else {
    tell(fmt::format("handler {} runs for {}: {}", pid, format_age(after), signal_name(signal)));
  }
}

void WorkEvents::paused(const std::string& why, Duration delay) {
  if (is_json()) {
    JsonObject event = event_of("paused");
    event["reason"] = why;
    event["seconds"] = json_seconds(delay);
    tell(std::move(event));
  } else {
    tell(fmt::format("no handler can be started: {}; next try in {}", why, format_setting(delay)));
  }
}

void WorkEvents::draining(const std::string& why, std::size_t running) {
  if (is_json()) {
    JsonObject event = event_of("draining");
    event["reason"] = why;
    event["running"] = running;
    tell(std::move(event));
  } else if (running != 0) {
    tell(fmt::format("{}: waiting for {}; again to end at once", why,
                     format_counted(running, "handler")));
  }
}

void WorkEvents::ending(std::size_t running) {
  if (is_json()) {
    JsonObject event = event_of("ending");
    event["killed"] = running;
    tell(std::move(event));
  } else {
    tell(fmt::format("killing {}", format_counted(running, "handler")));
  }
}

void WorkEvents::summary(const WorkTotals& totals, Duration took) {
  if (is_json()) {
    JsonObject summary{{"handlers", totals.handlers},         {"received", totals.received},
                       {"acknowledged", totals.acknowledged}, {"returned", totals.returned},
                       {"released", totals.released},         {"late", totals.late},
                       {"timed_out", totals.timed_out},       {"workers_most", totals.workers_most},
                       {"seconds", json_seconds(took)}};
    JsonObject line;
    line["summary"] = std::move(summary);
    tell(std::move(line));
    return;
  }
  std::string text = fmt::format("{} acknowledged", format_counted(totals.acknowledged, "message"));
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count != 0) text += fmt::format(", {} {}", format_count(count), what);
  };
  add(totals.returned, "returned");
  add(totals.released, "released");
  add(totals.late, "late");
  const double seconds = json_seconds(took);
  const double rate = seconds > 0 ? static_cast<double>(totals.acknowledged) / seconds : 0;
  tell(fmt::format("{} by {} in {}, {}, at most {} at once", text,
                   format_counted(totals.handlers, "handler"), format_age(took), format_rate(rate),
                   totals.workers_most));
}

}  // namespace ringpost::cli
