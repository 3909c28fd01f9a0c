// The feed: sends the recorded messages, as fast as it can or at a multiple of the recorded pace.
#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "feed_file.hpp"
#include "history.hpp"
#include "ledger.hpp"
#include "mark.hpp"
#include "market_update.hpp"
#include "ringpost/ringpost.hpp"
#include "role.hpp"
#include "subscribers.hpp"

namespace ringpost::market_feed {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void sleep_until(std::uint64_t ns) {
  const timespec at{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

/// When each line is due. A feed that goes on for a killed one keeps the schedule of the first, so
/// the outage counts as lateness of the messages that fell into it.
class Schedule {
 public:
  Schedule(std::uint32_t speed, std::string_view first_line, FeedEntry& entry) : speed_(speed) {
    if (speed == 0) return;
    recorded_from_ns_ = FeedLine::parse(first_line).value().received_ns;
    std::uint64_t none = 0;
    const std::uint64_t now = monotonic_ns();
    origin_ns_ = entry.origin_ns.compare_exchange_strong(none, now) ? now : none;
  }

  /// Waits until the line is due; returns when it was. 0: there is no schedule.
  std::uint64_t wait_for(std::string_view line) const {
    if (speed_ == 0) return 0;
    const std::uint64_t recorded_ns = FeedLine::parse(line).value().received_ns;
    const std::uint64_t due_ns = origin_ns_ + (recorded_ns - recorded_from_ns_) / speed_;
    // A sleeper wakes some 50 µs late: sleep through most of a long wait, look at the clock after.
    constexpr std::uint64_t kWakeEarlyNs = 100'000;
    for (std::uint64_t now = monotonic_ns(); now < due_ns; now = monotonic_ns()) {
      if (due_ns - now > 2 * kWakeEarlyNs) sleep_until(due_ns - kWakeEarlyNs);
    }
    return due_ns;
  }

 private:
  std::uint32_t speed_;
  std::uint64_t recorded_from_ns_ = 0;
  std::uint64_t origin_ns_ = 0;
};

/// Slows the feed down while an act that should have happened by now has not: see Window.
bool slow_down(const FeedEntry& entry, std::uint32_t line, std::uint32_t lines) {
  const std::uint32_t acts_done = entry.acts_done.load(std::memory_order_acquire);
  if (acts_done >= kActs || line < window_of(static_cast<Act>(acts_done), lines).until)
    return false;
  sleep_until(monotonic_ns() + static_cast<std::uint64_t>(slow_pace(lines).count()));
  return true;
}

/// Where the lines of one phase go.
class Outlet {
 public:
  Outlet(Bus& bus, const Phase& phase) {
    if (phase.ordered) {
      topic_ = bus.open_topic(kTopicName).value();
      historian_.emplace(bus);
    } else {
      queue_ = bus.open_queue(kQueueName).value();
    }
  }

  /// True once the message is in the queue, or in all that want it, and in the stream.
  bool send(std::string_view line, const Mark& mark, FeedLife& life) {
    if (historian_ && !is_noted(historian_->note(mark.line, line))) return false;
    for (;;) {
      const Errc outcome = kPhases[mark.phase].ordered ? publish(line, mark) : send(line, mark);
      if (outcome == Errc::kOk) return true;
      if (outcome != Errc::kFull && outcome != Errc::kTimedOut) {
        fmt::print(stderr, "feed: cannot send: {}\n", message(outcome));
        return false;
      }
      life.full.fetch_add(1, kRelaxed);
    }
  }

  /// At the end: true once all that was put into the stream is safe.
  bool settle() { return !historian_ || is_noted(historian_->settle()); }

 private:
  static bool is_noted(Errc outcome) {
    if (outcome == Errc::kOk) return true;
    fmt::print(stderr, "feed: cannot put into the stream: {}\n", message(outcome));
    return false;
  }

  Errc send(std::string_view line, const Mark& mark) {
    const Attribute attribute = as_attribute(mark);
    const auto sent =
        queue_.send(line, {.attributes = AttributeList(std::span(&attribute, 1)), .wait = 1s});
    return sent ? Errc::kOk : sent.error();
  }

  /// In its group, with its number as the id, and what the filters of subscribers look at.
  Errc publish(std::string_view text, const Mark& mark) {
    const FeedLine line = FeedLine::parse(text).value();
    const std::string group = order_key(line);
    const std::string id = "line-" + std::to_string(mark.line + 1);
    static_cast<void>(reader_.read(line.json));
    const std::string levels = std::to_string(reader_.levels());
    const std::array<Attribute, 3> attributes{as_attribute(mark),
                                              Attribute{kVenueAttribute, line.venue},
                                              Attribute{kLevelsAttribute, levels, "Number"}};
    const std::size_t count = reader_.levels() == 0 ? 2 : 3;
    const auto published =
        topic_.publish(line.json, {.attributes = AttributeList(std::span(attributes.data(), count)),
                                   .group = group,
                                   .dedup_id = id});
    if (published) return Errc::kOk;
    if (published.error() == Errc::kFull) sleep_until(monotonic_ns() + kPauseNs);
    return published.error();
  }

  static constexpr std::uint64_t kPauseNs = 100'000;  // until there is room
  Queue queue_;
  Topic topic_;
  std::optional<Historian> historian_;
  UpdateReader reader_;
};

}  // namespace

int run_feed(const RoleOptions& options) {
  const Ledger ledger = Ledger::attach(options.ledger_descriptor);
  const SharedMemory memory = SharedMemory::attach(options.feed_descriptor);
  const auto lines = split_lines(as_text(memory.bytes()), ledger.lines());
  Bus bus = Bus::open(options.bus, {.create = false}).value();
  const Phase& phase = kPhases[options.phase];
  Outlet outlet(bus, phase);

  FeedEntry& entry = ledger.feed(options.phase);
  FeedLife& life = entry.life[entry.lives.fetch_add(1) % FeedEntry::kLivesMax];
  const std::uint32_t done = entry.done.load(kRelaxed);
  const std::uint32_t first_line = done - std::min(done, sent_again(phase));
  life.first_line.store(first_line, kRelaxed);
  life.first_ns.store(monotonic_ns(), kRelaxed);
  const Schedule schedule(phase.speed, lines.front(), entry);

  for (std::uint32_t line = first_line; line < lines.size(); ++line) {
    const std::uint64_t before_ns = life.last_ns.load(kRelaxed);
    const bool slowly = slow_down(entry, line, ledger.lines());
    const std::uint64_t due_ns = schedule.wait_for(lines[line]);
    if (line >= done) entry.begun.store(line + 1, std::memory_order_release);
    const std::uint64_t now = monotonic_ns();
    if (!outlet.send(lines[line], {options.phase, line, due_ns, now}, life)) return 2;
    // Release: the orchestrator that sees the line as sent finds the message in the queue.
    if (line >= done) entry.done.store(line + 1, std::memory_order_release);
    life.last_ns.store(now, kRelaxed);
    life.sent.fetch_add(1, kRelaxed);
    if (slowly && before_ns != 0) {
      life.sent_slowly.fetch_add(1, kRelaxed);
      life.slow_ns.fetch_add(now - before_ns, kRelaxed);
    }
  }
  return outlet.settle() ? 0 : 2;
}

}  // namespace ringpost::market_feed
