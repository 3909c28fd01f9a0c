#include "stage.hpp"

#include <unistd.h>

#include <algorithm>

#include "interrupt.hpp"
#include "role.hpp"

namespace ringpost::market_feed {

std::vector<std::string> Stage::arguments(const char* role) const {
  return {role,
          "--bus",
          bus_name_,
          "--orchestrator",
          std::to_string(getpid()),
          "--ledger",
          std::to_string(ledger_.descriptor()),
          "--feed",
          std::to_string(feed_descriptor_)};
}

void Stage::start_feed(std::size_t phase) {
  phase_ = phase;
  ledger_.phase().store(static_cast<std::uint32_t>(phase), std::memory_order_release);
  auto options = arguments("feed");
  options.insert(options.end(), {"--phase", std::to_string(phase)});
  feed_ = std::make_unique<Child>(Child::start("the feed", options));
}

WorkerProcess& Stage::start_worker() {
  const std::size_t index = workers_started_++;
  if (index >= Ledger::kWorkerEntries) throw BrokenOff("too many workers were started");
  auto options = arguments("worker");
  options.insert(options.end(), {"--worker", std::to_string(index)});
  Child child = Child::start("worker " + std::to_string(index + 1), options);
  workers_.push_back({std::move(child), &ledger_.worker(index)});
  return workers_.back();
}

void Stage::start_log_writer() {
  log_writer_ = std::make_unique<Child>(Child::start("the log writer", arguments("log-writer")));
}

bool Stage::dismiss() {
  ledger_.finished().store(true, std::memory_order_release);
  bool all_well = true;
  if (log_writer_) {
    await("the end of the log writer", [&] {
      log_writer_->ended();
      return !log_writer_->running();
    });
    all_well = log_writer_->succeeded();
  }
  for (WorkerProcess& worker : workers_) {
    await("the end of " + worker.child.name(), [&] {
      worker.child.ended();
      return !worker.child.running();
    });
    all_well = all_well && worker.child.succeeded();
  }
  return all_well;
}

void Stage::kill_all() {
  if (feed_ && feed_->running()) feed_->kill();
  if (log_writer_ && log_writer_->running()) log_writer_->kill();
  for (WorkerProcess& worker : workers_) {
    if (worker.child.running()) worker.child.kill();
  }
}

bool Stage::passed_on(const Held& held) const noexcept {
  return std::all_of(held.messages.begin(), held.messages.end(), [&](const HeldMessage& message) {
    return ledger_.records(held.phase)[message.line].receives.load() > message.receive_count;
  });
}

std::uint64_t Stage::processed(const WorkerEntry* except) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < workers_started_; ++i) {
    const WorkerEntry& entry = ledger_.worker(i);
    if (&entry != except) sum += entry.processed.load(std::memory_order_relaxed);
  }
  return sum;
}

WorkerProcess* Stage::try_to_catch() {
  constexpr int kLooks = 100;
  for (int look = 0; look < kLooks; ++look) {
    for (WorkerProcess& worker : workers_) {
      if (worker.stopped || !worker.entry->holds()) continue;
      if (!worker.child.stop()) throw BrokenOff(worker.child.name() + " ended by itself");
      if (worker.entry->holds()) return &worker;
      worker.child.go_on();
    }
  }
  return nullptr;
}

void Stage::look_around(const std::string& what, Watchdog& watchdog) {
  if (cli::interrupted()) throw Interrupted();
  const bool finished = ledger_.finished().load();
  for (WorkerProcess& worker : workers_) {
    if (const auto how = worker.child.ended(); how && !(finished && worker.child.succeeded())) {
      throw BrokenOff(worker.child.name() + " ended by itself: " + *how);
    }
  }
  if (feed_) {
    if (const auto how = feed_->ended(); how && !feed_->succeeded()) {
      throw BrokenOff("the feed ended by itself: " + *how);
    }
  }

  if (log_writer_) {
    if (const auto how = log_writer_->ended(); how && !(finished && log_writer_->succeeded())) {
      throw BrokenOff("the log writer ended by itself: " + *how);
    }
  }

  const FeedEntry& entry = ledger_.feed(phase_);
  const std::uint64_t moved = processed() + entry.done.load();
  const std::uint64_t now = monotonic_ns();
  constexpr std::uint64_t kPatienceNs = 20'000'000'000;
  if (moved != watchdog.moved || watchdog.moved_at_ns == 0) {
    watchdog = {moved, now};
  } else if (now - watchdog.moved_at_ns > kPatienceNs) {
    throw BrokenOff("nothing moved for 20 s while waiting for " + what);
  }
  console_.progress("sent", entry.done.load(), ledger_.lines());

  // Rarely when the feed keeps a pace: each wake of the orchestrator takes time from the others.
  const long pause_ns = kPhases[phase_].speed == 0 ? 300'000 : 2'000'000;
  const timespec pause{0, pause_ns};
  nanosleep(&pause, nullptr);
}

}  // namespace ringpost::market_feed
