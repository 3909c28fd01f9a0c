#include <algorithm>

#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/units.hpp"
#include "ringpost/admin.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

JsonObject json_swept(const Bus::Swept& swept) {
  return {{"elected", swept.elected},
          {"dead_participants", swept.dead_participants},
          {"leases_returned", swept.leases_returned},
          {"claims_voided", swept.claims_voided},
          {"blocks_freed", swept.blocks_freed},
          {"files_removed", swept.files_removed},
          {"hints_repaired", swept.hints_repaired},
          {"messages_moved", swept.messages_moved}};
}

void print_json(Context& context, const Bus& bus, const DoctorReport& report,
                const std::optional<Bus::Swept>& swept) {
  JsonObject object{{"bus", bus.name()},
                    {"healthy", report.findings.empty()},
                    {"queues_checked", report.queues_checked},
                    {"topics_checked", report.topics_checked},
                    {"subscriptions_checked", report.subscriptions_checked},
                    {"streams_checked", report.streams_checked},
                    {"slots_checked", report.slots_checked},
                    {"blocks_checked", report.blocks_checked}};
  JsonArray findings;
  for (const Finding& finding : report.findings) {
    findings.push_back(JsonObject{{"object", finding.object},
                                  {"what", finding.what},
                                  {"repair", finding.repair},
                                  {"sweeper_repairs", finding.repair.empty()}});
  }
  object["findings"] = std::move(findings);
  JsonArray waiting;
  for (const WaitingDeliveries& each : report.waiting) {
    waiting.push_back(JsonObject{{"queue", each.queue}, {"count", each.count}});
  }
  object["deliveries_waiting"] = std::move(waiting);
  if (swept) object["swept"] = json_swept(*swept);
  context.out.line(json_line(object));
}

void print_swept(Context& context, const Bus::Swept& swept) {
  if (!swept.elected) {
    context.report("another participant is sweeping just now");
    return;
  }
  std::string done;
  const auto add = [&done](std::uint64_t count, const char* what, const char* fate) {
    if (count == 0) return;
    done += fmt::format("{}{} {}", done.empty() ? "" : ", ", format_counted(count, what), fate);
  };
  add(swept.dead_participants, "dead participant", "cleared");
  add(swept.leases_returned, "lease", "returned");
  add(swept.claims_voided, "claim", "voided");
  add(swept.blocks_freed, "block", "freed");
  add(swept.files_removed, "file", "removed");
  add(swept.hints_repaired, "hint", "repaired");
  add(swept.messages_moved, "message", "moved by tasks that were carried on");
  context.report("swept: " + (done.empty() ? "nothing was left behind" : done));
}

/// Findings of one kind, in the order in which they came first.
struct Kind {
  const Finding* first = nullptr;
  std::vector<const Finding*> all;
};

std::vector<Kind> kinds_of(const std::vector<Finding>& findings) {
  std::vector<Kind> kinds;
  for (const Finding& finding : findings) {
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&finding](const Kind& known) {
      return known.first->what == finding.what && known.first->repair == finding.repair;
    });
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {&finding, {}});
    kind->all.push_back(&finding);
  }
  return kinds;
}

void print_kind(Context& context, const Kind& kind, std::size_t shown_max, const Paint& paint) {
  const std::size_t shown = std::min(kind.all.size(), shown_max);
  for (std::size_t i = 0; i < shown; ++i) {
    const Finding& finding = *kind.all[i];
    context.out.line(fmt::format("  {}: {}", paint.bold(finding.object), finding.what));
  }
  if (shown < kind.all.size()) {
    context.out.line(fmt::format("  … and {} more like it (--all shows them)",
                                 format_count(kind.all.size() - shown)));
  }
  const std::string& repair = kind.first->repair;
  context.out.line("    what to do: " + (repair.empty() ? "ringpost doctor --repair" : repair));
}

void print_text(Context& context, const Bus& bus, const DoctorReport& report, bool all) {
  const Paint paint = context.paint_for_output();
  const std::string topics =
      report.topics_checked == 0
          ? ""
          : fmt::format(", {} with {}", format_counted(report.topics_checked, "topic"),
                        format_counted(report.subscriptions_checked, "subscription"));
  const std::string streams =
      report.streams_checked == 0 ? "" : ", " + format_counted(report.streams_checked, "stream");
  const std::string checked = fmt::format(
      "{}{}{}, {} and {} checked", format_counted(report.queues_checked, "queue"), topics, streams,
      format_counted(report.slots_checked, "slot"), format_counted(report.blocks_checked, "block"));
  for (const WaitingDeliveries& each : report.waiting) {
    context.report(fmt::format("queue {} is to get {} that it had no room for", each.queue,
                               format_counted(each.count, "published message")));
  }
  if (report.findings.empty()) {
    context.report(fmt::format("bus {} is {}: {}", bus.name(), paint.green("in order"), checked));
    return;
  }
  const std::string count = format_counted(report.findings.size(), "finding");
  context.out.line(fmt::format("bus {}: {}; {}", bus.name(), paint.red(count), checked));
  constexpr std::size_t kShownOfAKind = 3;
  for (const Kind& kind : kinds_of(report.findings)) {
    print_kind(context, kind, all ? kind.all.size() : kShownOfAKind, paint);
  }
}

struct Options {
  bool repair = false;
  bool all = false;
};

ExitCode run(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  std::optional<Bus::Swept> swept;
  if (options.repair) {
    swept = bus.sweep();
    if (!context.globals.json) print_swept(context, *swept);
  }
  const DoctorReport report = examine(bus);
  if (context.globals.json) {
    print_json(context, bus, report, swept);
  } else {
    print_text(context, bus, report, options.all);
  }
  return report.findings.empty() ? ExitCode::kOk : ExitCode::kFindings;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "doctor", "Check every invariant of the bus, read-only",
                        "  ringpost doctor\n"
                        "  ringpost doctor --repair\n"
                        "  ringpost --bus tests doctor --json | jq '.findings[].what'");
  verb.group("Watching and measuring");
  auto options = std::make_shared<Options>();
  verb.add_flag("--repair", options->repair, "First clear up after dead participants, then check");
  verb.add_flag("--all", options->all, "Show every finding, not just the first of each kind");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
