// A worker: receives, parses, enters what it found into the ledger, acknowledges.
#include <fmt/core.h>
#include <time.h>

#include <array>
#include <cstring>
#include <string>

#include "content_hash.hpp"
#include "feed_file.hpp"
#include "ledger.hpp"
#include "mark.hpp"
#include "market_update.hpp"
#include "ringpost/ringpost.hpp"
#include "role.hpp"
#include "subscribers.hpp"

namespace ringpost::market_feed {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void pause() {
  constexpr timespec kPause{0, 50'000};
  nanosleep(&kPause, nullptr);
}

class Worker {
 public:
  Worker(const Ledger& ledger, WorkerEntry& entry) : ledger_(ledger), entry_(entry) {}

  /// Processes and acknowledges a batch. False: an acknowledge failed in a way that it must not.
  bool work(Leases& leases) {
    const std::uint64_t received_ns = monotonic_ns();
    std::array<std::optional<Mark>, kBatch> marks;
    read_marks(leases, marks);
    for (std::uint32_t i = 0; i < leases.size(); ++i) {
      const Delivery delivery{content_hash(leases[i].text()), id_of(leases[i]),
                              leases[i].receive_count()};
      LineRecord* const record = record_of(marks[i]);
      if (record != nullptr) {
        const bool ordered = kPhases[marks[i]->phase].ordered;
        const MarketUpdate update = read(leases[i].text(), ordered);
        if (ordered) apply(leases[i], *marks[i], update);
        record->add(delivery, update);
        count(delivery, *marks[i], received_ns);
      } else {
        ledger_.strangers().fetch_add(1, kRelaxed);
      }
      take_time_if_asked();
      entry_.let_go(i + 1);
      if (!acknowledge(leases[i], delivery, record)) return false;
    }
    entry_.batches.fetch_add(1, kRelaxed);
    entry_.busy_ns.fetch_add(monotonic_ns() - received_ns, kRelaxed);
    return true;
  }

 private:
  /// Tells the ledger which lines this worker holds from now on.
  void read_marks(Leases& leases, std::array<std::optional<Mark>, kBatch>& marks) {
    std::array<HeldMessage, kBatch> held{};
    std::uint32_t phase = 0;
    for (std::uint32_t i = 0; i < leases.size(); ++i) {
      const auto mark = read_mark(leases[i].attributes());
      if (!mark || mark->phase >= kPhases.size() || mark->line >= ledger_.lines()) continue;
      marks[i] = mark;
      held[i] = {mark->line, leases[i].receive_count()};
      phase = mark->phase;
    }
    entry_.hold(phase, std::span(held).first(leases.size()));
  }

  void take_time_if_asked() {
    std::atomic<TakeTime>& word = ledger_.take_time();
    auto asked = TakeTime::kAsked;
    if (word.load(kRelaxed) != asked || !word.compare_exchange_strong(asked, TakeTime::kTaken))
      return;
    while (word.load() == TakeTime::kTaken) pause();
  }

  LineRecord* record_of(const std::optional<Mark>& mark) const {
    return mark ? &ledger_.records(mark->phase)[mark->line] : nullptr;
  }

  /// What cannot be read stays empty: the proof sees that.
  MarketUpdate read(std::string_view text, bool is_json) {
    if (is_json) return reader_.read(text).value_or(MarketUpdate{});
    const auto line = FeedLine::parse(text);
    return line ? reader_.read(line->json).value_or(MarketUpdate{}) : MarketUpdate{};
  }

  /// The effect of an update, if it has not had one before: see order.hpp.
  void apply(const Lease& lease, const Mark& mark, const MarketUpdate& update) {
    const auto venue = lease.attributes().find(kVenueAttribute);
    std::string channel(venue ? venue->value : "");
    channel += '.';
    channel +=
        std::string_view(update.stream.data(), strnlen(update.stream.data(), update.stream.size()));
    const OrderStep step{lease.group(), channel, mark.line, update.update_id};
    if (ledger_.order().apply(step) == OrderBook::Outcome::kUnknown) {
      ledger_.strangers().fetch_add(1, kRelaxed);
    }
  }

  void count(const Delivery& delivery, const Mark& mark, std::uint64_t received_ns) {
    const std::uint64_t latency_ns = received_ns - mark.sent_ns;
    entry_.processed.fetch_add(1, kRelaxed);
    if (delivery.receive_count > 1) {
      entry_.redelivered.fetch_add(1, kRelaxed);
      entry_.again[mark.phase].record(latency_ns);
      return;
    }
    entry_.since_sent[mark.phase].record(latency_ns);
    if (mark.due_ns != 0) entry_.since_due[mark.phase].record(received_ns - mark.due_ns);
  }

  bool acknowledge(Lease& lease, const Delivery& delivery, LineRecord* record) {
    const Errc outcome = lease.acknowledge();
    if (outcome == Errc::kStaleReceipt) {
      entry_.stale.fetch_add(1, kRelaxed);
    } else if (outcome != Errc::kOk) {
      fmt::print(stderr, "worker: cannot acknowledge: {}\n", message(outcome));
      return false;
    } else if (record != nullptr) {
      record->add_acknowledge(delivery);
    }
    return true;
  }

  /// The message id in one word; never 0.
  static std::uint64_t id_of(const Lease& lease) {
    const MessageId id = lease.id();
    return (id.ring << 48 ^ id.position) + 1;
  }

  const Ledger& ledger_;
  WorkerEntry& entry_;
  UpdateReader reader_;
};

}  // namespace

int run_worker(const RoleOptions& options) {
  const Ledger ledger = Ledger::attach(options.ledger_descriptor);
  Bus bus = Bus::open(options.bus, {.create = false}).value();
  Queue unordered = bus.open_queue(kQueueName).value();
  Queue ordered = bus.open_queue(kOrderedQueueName).value();
  Worker worker(ledger, ledger.worker(options.worker));

  const ReceiveOptions batch{.max_messages = kBatch, .wait = 100ms};
  Leases leases;
  for (;;) {
    // Once a phase is over its queue is empty: nothing of it is left behind.
    const std::uint32_t phase = ledger.phase().load(std::memory_order_acquire);
    Queue& queue = kPhases[phase].ordered ? ordered : unordered;
    const Errc outcome = queue.receive(leases, batch);
    if (outcome == Errc::kOk) {
      if (!worker.work(leases)) return 2;
    } else if (outcome == Errc::kEmpty || outcome == Errc::kTimedOut) {
      if (ledger.finished().load(std::memory_order_acquire)) return 0;
    } else {
      fmt::print(stderr, "worker {}: cannot receive: {}\n", options.worker, message(outcome));
      return 2;
    }
  }
}

}  // namespace ringpost::market_feed
