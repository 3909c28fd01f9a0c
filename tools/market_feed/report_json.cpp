// The report as one JSON object.
#include <fstream>
#include <stdexcept>

#include "json.hpp"
#include "latency_picture.hpp"
#include "report.hpp"

namespace ringpost::market_feed {

namespace {

using cli::JsonArray;
using cli::JsonObject;

JsonArray lines_of(const Held& held) {
  JsonArray lines;
  for (const HeldMessage& message : held.messages) lines.push_back(std::uint64_t{message.line} + 1);
  return lines;
}

JsonObject acts_of(const PhaseReport& phase) {
  JsonObject acts;
  if (phase.stop) {
    acts["worker_stopped"] = JsonObject{{"worker", phase.stop->worker},
                                        {"held_lines", lines_of(phase.stop->held)},
                                        {"others_processed", phase.stop->others_processed},
                                        {"late_acknowledgements_refused", phase.stop->refused}};
  }
  if (phase.feed_kill) {
    acts["feed_killed"] =
        JsonObject{{"sends_returned", phase.feed_kill->done},
                   {"inside_a_send", phase.feed_kill->begun > phase.feed_kill->done},
                   {"processed_while_dead", phase.feed_kill->unprocessed},
                   {"resumed_at_line", std::uint64_t{phase.feed_kill->resumed_at} + 1}};
  }
  if (phase.worker_kill) {
    acts["worker_killed"] = JsonObject{{"worker", phase.worker_kill->worker},
                                       {"held_lines", lines_of(phase.worker_kill->held)},
                                       {"others_processed", phase.worker_kill->others_processed},
                                       {"back_after_ms", phase.worker_kill->back_after_ms}};
  }
  if (phase.writer_kill) {
    acts["log_writer_killed"] =
        JsonObject{{"published_bytes", phase.writer_kill->published},
                   {"durable_bytes", phase.writer_kill->durable},
                   {"durable_bytes_before_the_next", phase.writer_kill->durable_before}};
  }
  return acts;
}

JsonObject proof_of(const Proof& proof) {
  return {{"lines", proof.lines},
          {"lost", proof.lost},
          {"changed", proof.changed},
          {"misread", proof.misread},
          {"came_back", proof.came_back},
          {"processings", proof.processings},
          {"lines_processed_again", proof.processed_again},
          {"lines_sent_again", proof.sent_again}};
}

JsonObject order_of(const DemoReport& report) {
  JsonObject object;
  if (!report.order) return object;
  object["groups"] = report.order->groups;
  object["channels"] = report.order->channels;
  object["lines"] = report.order->lines;
  object["applied"] = report.order->applied;
  object["skipped"] = report.order->skipped;
  object["ids_that_did_not_rise"] = report.order->fell;
  object["duplicates_kept_out"] = report.topic.duplicates;
  return object;
}

JsonObject topic_of(const DemoReport& report) {
  JsonObject object{{"published", report.topic.published},
                    {"duplicates", report.topic.duplicates},
                    {"delivered", report.topic.delivered},
                    {"filtered_out", report.topic.filtered_out}};
  for (const Delivered& each : report.delivered) {
    object[each.queue] = JsonObject{{"expected", each.expected}, {"received", each.received},
                                    {"missing", each.missing},   {"foreign", each.foreign},
                                    {"twice", each.twice},       {"changed", each.changed}};
  }
  return object;
}

JsonObject replayed_of(const Replayed& found) {
  return {{"expected", found.expected},
          {"records", found.records},
          {"changed", found.changed},
          {"bytes", found.bytes},
          {"seconds", found.seconds}};
}

JsonObject stream_of(const HistoryReport& history) {
  JsonObject object{{"log_bytes", history.log_bytes},
                    {"segments", history.segments},
                    {"replayed", replayed_of(history.from_beginning)},
                    {"replayed_by_time", replayed_of(history.by_time)},
                    {"by_time_from_line", std::uint64_t{history.from_line} + 1}};
  if (!history.failure.empty()) object["failure"] = history.failure;
  return object;
}

JsonObject phase_of(std::size_t number, const PhaseReport& phase) {
  JsonObject object{{"title", kPhases[number].title},
                    {"seconds", phase.seconds},
                    {"feed_per_second", phase.feed_per_second},
                    {"end_to_end_per_second", phase.end_to_end_per_second},
                    {"worker_us_per_message", phase.worker_us},
                    {"sends_that_found_it_full", phase.full},
                    {"acts", acts_of(phase)},
                    {"since_sent", cli::json_latency(phase.since_sent, cli::kLateNs)},
                    {"received_again", cli::json_latency(phase.again, cli::kLateNs)}};
  if (kPhases[number].speed != 0) {
    object["since_scheduled"] = cli::json_latency(phase.since_due, cli::kLateNs);
  }
  if (phase.proof) object["proof"] = proof_of(*phase.proof);
  return object;
}

}  // namespace

void write_json(const DemoReport& report, const std::vector<Promise>& promises,
                const std::string& path) {
  JsonArray phases;
  for (std::size_t i = 0; i < report.phases.size(); ++i) {
    phases.push_back(phase_of(i, report.phases[i]));
  }
  JsonArray judged;
  for (const Promise& promise : promises) {
    judged.push_back(
        JsonObject{{"promise", promise.text}, {"held", promise.held}, {"seen", promise.evidence}});
  }
  const JsonObject all{{"messages", report.lines},
                       {"all_held", all_held(promises)},
                       {"interrupted", report.interrupted},
                       {"phases", std::move(phases)},
                       {"order", order_of(report)},
                       {"topic", topic_of(report)},
                       {"stream", stream_of(report.history)},
                       {"promises", std::move(judged)}};
  std::ofstream file(path);
  file << cli::json_line(all) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace ringpost::market_feed
