#include "acts.hpp"

#include <algorithm>

#include "role.hpp"
#include "units.hpp"
#include "words.hpp"

namespace ringpost::market_feed {

namespace {

using cli::format_count;

/// "2 messages in hand: lines 17, 18"; runs of lines as "17 to 20".
std::string in_hand(const Held& held) {
  const std::vector<HeldMessage>& all = held.messages;
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::size_t last = i;
    while (last + 1 < all.size() && all[last + 1].line == all[last].line + 1) ++last;
    text += (i == 0 ? "" : ", ") + format_count(std::uint64_t{all[i].line} + 1);
    if (last > i) text += " to " + format_count(std::uint64_t{all[last].line} + 1);
    i = last;
  }
  return fmt::format("{} in hand: line {}", messages(all.size()), text);
}

class Play {
 public:
  Play(std::size_t phase, Stage& stage, const Queue& queue, History& history, PhaseReport& report)
      : phase_(phase),
        stage_(stage),
        queue_(queue),
        history_(history),
        report_(report),
        lines_(stage.ledger().lines()),
        entry_(stage.ledger().feed(phase)),
        records_(stage.ledger().records(phase)) {}

  void run() {
    begin_ns_ = monotonic_ns();
    for (const WorkerProcess& worker : stage_.workers()) {
      before_.push_back(
          {worker.entry, worker.entry->processed.load(), worker.entry->busy_ns.load()});
    }
    stage_.console().heading(fmt::format("Phase {}: {}", phase_ + 1, kPhases[phase_].title));
    stage_.start_feed(phase_);
    stage_.console().tell("the feed (process {}) sends {} to {} workers", stage_.feed().pid(),
                          messages(lines_), stage_.workers().size());
    stop_worker();
    kill_feed();
    if (kPhases[phase_].ordered) kill_log_writer();
    kill_worker();
    continue_worker();
    finish();
  }

 private:
  void stop_worker();
  void continue_worker();
  void kill_feed();
  void kill_worker();
  void kill_log_writer();
  void finish();
  /// Rates and latencies of the phase, from the entries of all its processes.
  void measure();

  Console& console() { return stage_.console(); }
  void act_done(Act act) {
    entry_.acts_done.store(static_cast<std::uint32_t>(act) + 1, std::memory_order_release);
  }
  void await_line(Act act) {
    const std::uint32_t from = window_of(act, lines_).from;
    stage_.await("line " + format_count(from) + " to be sent",
                 [&] { return entry_.done.load(std::memory_order_acquire) >= from; });
  }
  /// Catches a worker with messages in hand, whatever the pace.
  WorkerProcess& catch_worker();
  void kill_inside_a_send();
  /// True when every line before `end` has been processed but those that the stopped worker holds.
  bool processed_until(std::uint32_t end);
  /// Messages that have to go through while somebody is dead or stopped, to show that they can.
  [[nodiscard]] std::uint64_t enough() const { return std::min(1000u, lines_ / 20); }

  std::size_t phase_;
  Stage& stage_;
  const Queue& queue_;
  History& history_;
  PhaseReport& report_;
  std::uint32_t lines_;
  FeedEntry& entry_;
  std::span<LineRecord> records_;

  struct Before {
    const WorkerEntry* entry;
    std::uint64_t processed;
    std::uint64_t busy_ns;
  };
  std::vector<Before> before_;
  std::uint64_t begin_ns_ = 0;
  std::uint32_t processed_until_ = 0;
  WorkerEntry* stopped_ = nullptr;
  std::uint64_t others_before_ = 0;
};

WorkerProcess& Play::catch_worker() {
  std::atomic<TakeTime>& take_time = stage_.ledger().take_time();
  WorkerProcess* caught = nullptr;
  stage_.await("a worker to be caught with a message in hand", [&] {
    const bool all_processed = processed_until(lines_);
    caught = stage_.try_to_catch();
    if (caught == nullptr && all_processed) throw BrokenOff("no worker was caught at its work");
    // At a fast pace the first try succeeds; at a slow one a worker has to take its time.
    auto not_yet = TakeTime::kNo;
    if (caught == nullptr) take_time.compare_exchange_strong(not_yet, TakeTime::kAsked);
    return caught != nullptr;
  });
  take_time.store(TakeTime::kNo);
  return *caught;
}

void Play::stop_worker() {
  await_line(Act::kStopWorker);
  WorkerProcess& worker = catch_worker();
  worker.stopped = true;
  stopped_ = worker.entry;
  StopReport& stop = report_.stop.emplace();
  stop.worker = worker.child.name();
  stop.held = worker.entry->held();
  others_before_ = stage_.processed(stopped_);
  act_done(Act::kStopWorker);
  console().tell("{} is stopped (SIGSTOP) with {}", stop.worker, in_hand(stop.held));
}

void Play::continue_worker() {
  StopReport& stop = *report_.stop;
  stage_.await("others to process what the stopped worker holds", [&] {
    stop.others_processed = stage_.processed(stopped_) - others_before_;
    return stop.others_processed >= enough() && stage_.passed_on(stop.held);
  });
  const auto worker = std::find_if(stage_.workers().begin(), stage_.workers().end(),
                                   [&](const WorkerProcess& w) { return w.entry == stopped_; });
  const std::uint64_t refused_before = stopped_->stale.load();
  const std::uint64_t batches_before = stopped_->batches.load();
  worker->child.go_on();
  worker->stopped = false;
  stage_.await("the continued worker to finish its batch",
               [&] { return stopped_->batches.load() > batches_before; });
  stop.refused = stopped_->stale.load() - refused_before;
  stop.over = true;
  console().tell("{} goes on (SIGCONT) after {} were processed by others, its own among them",
                 stop.worker, messages(stop.others_processed));
  console().tell("its late acknowledgements are refused: {}", format_count(stop.refused));
}

bool Play::processed_until(std::uint32_t end) {
  const auto is_held = [this](std::uint32_t line) {
    if (!report_.stop) return false;
    const std::vector<HeldMessage>& held = report_.stop->held.messages;
    return std::any_of(held.begin(), held.end(),
                       [line](const HeldMessage& message) { return message.line == line; });
  };
  while (processed_until_ < end) {
    const bool done = records_[processed_until_].times.load(std::memory_order_acquire) > 0;
    if (!done && !is_held(processed_until_)) return false;
    ++processed_until_;
  }
  return true;
}

void Play::kill_inside_a_send() {
  // At a slow pace it nearly always waits for the next line: then it is killed at that.
  constexpr int kTries = 50;
  Child& feed = stage_.feed();
  for (int i = 0; i < kTries; ++i) {
    if (!feed.stop()) throw BrokenOff("the feed ended by itself");
    if (entry_.begun.load() > entry_.done.load()) break;
    feed.go_on();
  }
  feed.kill();
}

void Play::kill_feed() {
  await_line(Act::kKillFeed);
  kill_inside_a_send();
  act_done(Act::kKillFeed);
  FeedKillReport& kill = report_.feed_kill.emplace();
  kill.done = entry_.done.load();
  kill.begun = entry_.begun.load();
  for (std::uint32_t line = 0; line < kill.done; ++line) {
    if (records_[line].times.load() == 0) ++kill.unprocessed;
  }
  console().tell("the feed is killed (SIGKILL) {} the send of line {}; {} in the queue",
                 kill.begun > kill.done ? "inside" : "before",
                 format_count(std::uint64_t{kill.done} + 1), messages(kill.unprocessed));

  stage_.await("what the dead feed had sent", [&] { return processed_until(kill.done); });
  const std::uint64_t first_ns = entry_.life[0].first_ns.load();
  const double seconds = static_cast<double>(monotonic_ns() - first_ns) / 1e9;
  report_.end_to_end_per_second = kill.done / seconds;

  stage_.start_feed(phase_);
  const FeedLife& life = entry_.life[1];
  stage_.await("the second feed to start", [&] { return life.first_ns.load() != 0; });
  kill.resumed_at = life.first_line.load();
  kill.over = true;
  console().tell("all are processed; the feed is started again (process {}), resumes at line {}",
                 stage_.feed().pid(), format_count(std::uint64_t{kill.resumed_at} + 1));
}

/// While the second feed publishes. Nobody takes its place until what was in the ring when it died
/// is on disk all the same.
void Play::kill_log_writer() {
  const std::uint32_t from = window_of(Act::kKillFeed, lines_).until;
  stage_.await("line " + format_count(from) + " to be sent",
               [&] { return entry_.done.load(std::memory_order_acquire) >= from; });
  WriterKillReport& kill = report_.writer_kill.emplace();
  stage_.log_writer().kill();
  kill.published = history_.published();
  kill.durable = history_.durable();
  console().tell("the log writer is killed (SIGKILL) with {} not yet on disk",
                 cli::format_size(kill.published - std::min(kill.durable, kill.published)));
  stage_.await("the log to go on without its writer", [&] {
    kill.durable_before = history_.durable();
    return kill.durable_before >= kill.published;
  });
  stage_.start_log_writer();
  kill.over = true;
  console().tell(
      "whoever waits for the disk writes: {} more are safe before a new one starts",
      cli::format_size(kill.durable_before - std::min(kill.durable, kill.durable_before)));
}

void Play::kill_worker() {
  await_line(Act::kKillWorker);
  WorkerProcess& worker = catch_worker();
  WorkerEntry* const entry = worker.entry;
  const std::uint64_t before = stage_.processed(entry);
  worker.child.kill();
  const std::uint64_t killed_ns = monotonic_ns();
  act_done(Act::kKillWorker);
  WorkerKillReport& kill = report_.worker_kill.emplace();
  kill.worker = worker.child.name();
  kill.held = entry->held();
  std::erase_if(stage_.workers(), [&](const WorkerProcess& w) { return w.entry == entry; });
  console().tell("{} is killed (SIGKILL) with {}", kill.worker, in_hand(kill.held));

  stage_.await("others to process what the dead worker held",
               [&] { return stage_.passed_on(kill.held); });
  kill.back_after_ms = static_cast<double>(monotonic_ns() - killed_ns) / 1e6;
  stage_.await("others to go on without the dead worker", [&] {
    kill.others_processed = stage_.processed(entry) - before;
    return kill.others_processed >= enough();
  });
  kill.over = true;
  const WorkerProcess& successor = stage_.start_worker();
  console().tell("others processed them within {:.1f} ms; their timeout is {} ms",
                 kill.back_after_ms, kVisibilityTimeout.count());
  console().tell("{} takes its place, after {} without it", successor.child.name(),
                 messages(kill.others_processed));
}

void Play::finish() {
  stage_.await("the feed to end", [&] { return !stage_.feed().running(); });
  stage_.await("every message to be processed", [&] { return processed_until(lines_); });
  report_.seconds = static_cast<double>(monotonic_ns() - begin_ns_) / 1e9;
  stage_.await("the queue to be empty", [&] {
    const QueueStats stats = queue_.stats();
    return stats.visible + stats.in_flight + stats.delayed == 0;
  });
  report_.emptied = true;
  measure();
  console().tell("all {} messages are processed, the queue is empty", format_count(lines_));
}

void Play::measure() {
  std::uint64_t sent = 0;
  std::uint64_t sending_ns = 0;
  for (std::uint32_t i = 0; i < std::min(entry_.lives.load(), FeedEntry::kLivesMax); ++i) {
    const FeedLife& life = entry_.life[i];
    sent += life.sent.load() - life.sent_slowly.load();
    sending_ns += life.last_ns.load() - life.first_ns.load() - life.slow_ns.load();
    report_.full += life.full.load();
  }
  if (kPhases[phase_].speed != 0) {
    report_.feed_per_second = lines_ / report_.seconds;  // the pace is given
  } else if (sending_ns != 0) {
    report_.feed_per_second = static_cast<double>(sent) * 1e9 / static_cast<double>(sending_ns);
  }

  std::uint64_t processed = 0;
  std::uint64_t busy_ns = 0;
  for (const Before& before : before_) {
    if (before.entry == stopped_) continue;  // its clock ran on while it stood still
    processed += before.entry->processed.load() - before.processed;
    busy_ns += before.entry->busy_ns.load() - before.busy_ns;
  }
  if (processed != 0) {
    report_.worker_us = static_cast<double>(busy_ns) / 1e3 / static_cast<double>(processed);
  }

  for (std::size_t i = 0; i < Ledger::kWorkerEntries; ++i) {
    const WorkerEntry& worker = stage_.ledger().worker(i);
    report_.since_sent.merge(worker.since_sent[phase_]);
    report_.since_due.merge(worker.since_due[phase_]);
    report_.again.merge(worker.again[phase_]);
  }
}

}  // namespace

void play(std::size_t phase, Stage& stage, const Queue& queue, History& history,
          PhaseReport& report) {
  Play(phase, stage, queue, history, report).run();
}

}  // namespace ringpost::market_feed
