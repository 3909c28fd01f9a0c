// The promises of the demo, each with what was seen of it.
#include <fmt/core.h>

#include <algorithm>

#include "report.hpp"
#include "units.hpp"
#include "words.hpp"

namespace ringpost::market_feed {

namespace {

using cli::format_count;

std::string phase_name(std::size_t phase) { return fmt::format("phase {}", phase + 1); }

Promise nothing_lost(const PhaseReport& phase, std::size_t number) {
  Promise promise{"every message processed, " + phase_name(number), "not verified", false};
  if (!phase.proof) return promise;
  const Proof& proof = *phase.proof;
  promise.held = proof.complete() && proof.lines > 0;
  promise.evidence = fmt::format("{} of {} lines, {} lost", format_count(proof.lines - proof.lost),
                                 format_count(proof.lines), format_count(proof.lost));
  return promise;
}

Promise nothing_invented(const DemoReport& report) {
  Promise promise{"nothing changed, nothing invented", "not verified", false};
  std::uint64_t changed = 0;
  std::uint64_t misread = 0;
  for (const PhaseReport& phase : report.phases) {
    if (!phase.proof) return promise;
    changed += phase.proof->changed;
    misread += phase.proof->misread;
  }
  promise.held = changed == 0 && misread == 0 && report.strangers == 0;
  promise.evidence = fmt::format("{} changed, {} misread, {} of no line", format_count(changed),
                                 format_count(misread), format_count(report.strangers));
  return promise;
}

Promise acknowledged_is_gone(const DemoReport& report) {
  Promise promise{"what is acknowledged never comes again", "not verified", false};
  std::uint64_t came_back = 0;
  for (const PhaseReport& phase : report.phases) {
    if (!phase.proof) return promise;
    came_back += phase.proof->came_back;
  }
  promise.held = came_back == 0;
  promise.evidence = fmt::format("{} came again", format_count(came_back));
  return promise;
}

Promise killed_worker(const PhaseReport& phase, std::size_t number) {
  Promise promise{"killed worker blocks nobody, " + phase_name(number), "it did not come to that",
                  false};
  if (!phase.worker_kill) return promise;
  const WorkerKillReport& kill = *phase.worker_kill;
  promise.held = kill.over && !kill.held.messages.empty();
  promise.evidence = messages(kill.held.messages.size()) + " that it held processed by others";
  if (!promise.held) promise.evidence = "its leased messages did not come back";
  return promise;
}

Promise killed_feed(const PhaseReport& phase, std::size_t number) {
  Promise promise{"killed feed blocks nobody, goes on, " + phase_name(number),
                  "it did not come to that", false};
  if (!phase.feed_kill) return promise;
  const FeedKillReport& kill = *phase.feed_kill;
  const std::uint32_t again = std::min(kill.done, sent_again(kPhases[number]));
  promise.held = kill.over && kill.resumed_at + again == kill.done && kill.begun <= kill.done + 1;
  promise.evidence = kill.over ? fmt::format("sent {}, resumed at line {}", format_count(kill.done),
                                             format_count(kill.resumed_at + 1))
                               : "what it had sent was not processed";
  return promise;
}

Promise stopped_worker(const PhaseReport& phase, std::size_t number) {
  const char* const what = kPhases[number].ordered ? "stopped worker holds up its groups only, "
                                                   : "stopped worker blocks nobody, ";
  Promise promise{what + phase_name(number), "it did not come to that", false};
  if (!phase.stop) return promise;
  const StopReport& stop = *phase.stop;
  promise.held = stop.over && stop.others_processed > 0;
  promise.evidence = stop.over ? fmt::format("{} processed by others meanwhile",
                                             format_count(stop.others_processed))
                               : "others did not get its messages";
  return promise;
}

Promise late_acknowledgements(const DemoReport& report) {
  Promise promise{"late acknowledgements are refused", "it did not come to that", true};
  std::uint64_t refused = 0;
  std::uint64_t held = 0;
  for (const PhaseReport& phase : report.phases) {
    if (!phase.stop || !phase.stop->over) return promise.held = false, promise;
    refused += phase.stop->refused;
    held += phase.stop->held.messages.size();
    if (phase.stop->refused < phase.stop->held.messages.size()) promise.held = false;
  }
  promise.evidence =
      fmt::format("{} refused; it had held {}", format_count(refused), messages(held));
  return promise;
}

Promise in_order(const DemoReport& report) {
  Promise promise{"each group in order, each update applied once", "not verified", false};
  if (!report.order) return promise;
  const OrderBook::Proof& order = *report.order;
  promise.held = order.complete();
  promise.evidence = fmt::format("{} of {} updates of {} groups; {} came again and were skipped",
                                 format_count(order.applied), format_count(order.lines),
                                 order.groups, format_count(order.skipped));
  return promise;
}

Promise ids_rise(const DemoReport& report) {
  Promise promise{"update ids rise in every channel of a group", "not verified", false};
  if (!report.order) return promise;
  promise.held = report.order->fell == 0 && report.order->channels != 0;
  promise.evidence = fmt::format("{} channels, {} ids did not rise", report.order->channels,
                                 format_count(report.order->fell));
  return promise;
}

/// Of the lines that the feed began before it was killed all that it sends again are duplicates,
/// but perhaps the one in whose send it died.
Promise duplicates_kept_out(const DemoReport& report) {
  Promise promise{"what is sent again with its id is taken once", "it did not come to that", false};
  const PhaseReport& phase = report.phases.back();
  if (!phase.proof || !phase.feed_kill || !phase.feed_kill->over) return promise;
  const FeedKillReport& kill = *phase.feed_kill;
  const std::uint64_t duplicates = report.topic.duplicates;
  promise.held = phase.proof->sent_again == 0 && kill.resumed_at < kill.done &&
                 duplicates >= kill.done - kill.resumed_at &&
                 duplicates <= kill.begun - kill.resumed_at;
  promise.evidence =
      fmt::format("{} lines sent again, {} duplicates kept out",
                  format_count(kill.done - kill.resumed_at), format_count(duplicates));
  return promise;
}

/// Each queue behind a filter has what the file says, and nothing else, each once.
Promise delivered(const Delivered& found) {
  return {"each " + found.what + " is in queue " + found.queue + ", once",
          fmt::format("{} of {}, {} foreign, {} twice", format_count(found.received),
                      format_count(found.expected), format_count(found.foreign),
                      format_count(found.twice)),
          found.exact()};
}

/// Phase 3 went through the topic: what it says that it did is what the queues got.
Promise counted(const DemoReport& report) {
  std::uint64_t received = report.ordered.sent;
  for (const Delivered& each : report.delivered) received += each.received;
  const TopicStats& topic = report.topic;
  // The publish in which the feed was killed may have happened without being counted.
  const auto is_or_one_less = [](std::uint64_t counted, std::uint64_t is, std::uint64_t one) {
    return counted <= is && counted + one >= is;
  };
  const bool held = report.lines != 0 && is_or_one_less(topic.published, report.lines, 1) &&
                    is_or_one_less(topic.delivered, received, 1 + report.delivered.size()) &&
                    topic.dropped == 0 && topic.dead_lettered == 0;
  return {"the topic counts what its subscribers got",
          fmt::format("{} published, {} delivered, {} filtered out", format_count(topic.published),
                      format_count(topic.delivered), format_count(topic.filtered_out)),
          held};
}

Promise writer_killed(const DemoReport& report) {
  Promise promise{"a killed log writer: others write on", "it did not come to that", false};
  const auto& kill = report.phases.back().writer_kill;
  if (!kill || !kill->over) return promise;
  promise.held = kill->durable_before >= kill->published;
  promise.evidence =
      fmt::format("{} were not on disk when it died, all were before the next one",
                  cli::format_size(kill->published - std::min(kill->durable, kill->published)));
  return promise;
}

/// Byte for byte the file, in its order.
Promise replayed(const Replayed& found, const std::string& from, const std::string& failure) {
  Promise promise{"the stream replayed " + from + " is the file, byte for byte", "not replayed",
                  found.exact()};
  if (found.expected != 0) {
    promise.evidence =
        fmt::format("{} of {} lines, {} not the same, {}/s", format_count(found.records),
                    format_count(found.expected), format_count(found.changed),
                    cli::format_size(static_cast<std::uint64_t>(static_cast<double>(found.bytes) /
                                                                std::max(found.seconds, 1e-9))));
  }
  if (!failure.empty()) promise.evidence = failure;
  return promise;
}

Promise emptied(const DemoReport& report) {
  const bool held = std::all_of(report.phases.begin(), report.phases.end(),
                                [](const PhaseReport& phase) { return phase.emptied; });
  return {
      "the queue is empty after each phase",
      fmt::format("{} sent, {} acknowledged", format_count(report.queue.sent + report.ordered.sent),
                  format_count(report.queue.acknowledged + report.ordered.acknowledged)),
      held};
}

Promise nothing_leaked(const DemoReport& report) {
  Promise promise{"nothing leaks: doctor finds nothing", "not examined", false};
  if (!report.doctor) return promise;
  promise.held =
      report.doctor->findings.empty() && report.blocks_used == 0 && report.participants == 0;
  promise.evidence =
      fmt::format("{} slots, {} blocks checked", format_count(report.doctor->slots_checked),
                  format_count(report.doctor->blocks_checked));
  if (!promise.held) {
    promise.evidence =
        fmt::format("{} findings, {} blocks and {} participants left",
                    report.doctor->findings.size(), report.blocks_used, report.participants);
  }
  return promise;
}

}  // namespace

std::vector<Promise> judge(const DemoReport& report) {
  std::vector<Promise> promises;
  for (std::size_t i = 0; i < report.phases.size(); ++i) {
    promises.push_back(nothing_lost(report.phases[i], i));
  }
  promises.push_back(nothing_invented(report));
  promises.push_back(acknowledged_is_gone(report));
  for (std::size_t i = 0; i < report.phases.size(); ++i) {
    promises.push_back(stopped_worker(report.phases[i], i));
    promises.push_back(killed_feed(report.phases[i], i));
    promises.push_back(killed_worker(report.phases[i], i));
  }
  promises.push_back(in_order(report));
  promises.push_back(ids_rise(report));
  promises.push_back(duplicates_kept_out(report));
  for (const Delivered& each : report.delivered) promises.push_back(delivered(each));
  promises.push_back(counted(report));
  promises.push_back(writer_killed(report));
  const HistoryReport& history = report.history;
  promises.push_back(replayed(history.from_beginning, "from the beginning", history.failure));
  promises.push_back(replayed(history.by_time, "from a time in the middle", history.failure));
  promises.push_back(late_acknowledgements(report));
  promises.push_back(emptied(report));
  promises.push_back(nothing_leaked(report));
  promises.push_back({"whoever was not killed ended well",
                      report.broken_off.empty() ? "exit status 0" : report.broken_off,
                      report.children_succeeded && report.broken_off.empty()});
  return promises;
}

bool all_held(const std::vector<Promise>& promises) {
  return !promises.empty() &&
         std::all_of(promises.begin(), promises.end(), [](const Promise& p) { return p.held; });
}

}  // namespace ringpost::market_feed
