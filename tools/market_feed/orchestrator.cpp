#include "orchestrator.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>

#include "acts.hpp"
#include "feed_file.hpp"
#include "history.hpp"
#include "interrupt.hpp"
#include "report.hpp"
#include "ringpost/ringpost.hpp"
#include "stage.hpp"
#include "subscribers.hpp"
#include "units.hpp"

namespace ringpost::market_feed {

namespace {

using cli::format_count;

constexpr std::string_view kBusPrefix = "market-feed-";

/// Removes buses of runs that were killed before they could do it.
void remove_abandoned() {
  const auto names = Bus::list();
  if (!names) return;  // no bus was ever created here
  for (const std::string& name : *names) {
    pid_t pid = 0;
    if (!name.starts_with(kBusPrefix)) continue;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kBusPrefix.size(), end, pid);
    if (parsed.ec != std::errc{} || parsed.ptr != end) continue;
    if (kill(pid, 0) == 0 || errno != ESRCH) continue;
    static_cast<void>(Bus::remove(name));  // an error: somebody is looking at it, it stays
  }
}

/// A bus that is removed at the end, or that no later run takes for an abandoned one.
class TemporaryBus {
 public:
  explicit TemporaryBus(bool keep)
      : name_(std::string(kBusPrefix) + (keep ? "kept-" : "") + std::to_string(getpid())),
        keep_(keep),
        bus_(std::make_unique<Bus>(Bus::open(name_).value())) {}
  TemporaryBus(const TemporaryBus&) = delete;
  TemporaryBus& operator=(const TemporaryBus&) = delete;
  ~TemporaryBus() {
    bus_.reset();
    if (keep_) return;
    if (const auto removed = Bus::remove(name_); !removed) {
      fmt::print(stderr, "cannot remove bus {}: {}\n", name_, removed.error().what);
    }
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  Bus& operator*() noexcept { return *bus_; }
  Bus* operator->() noexcept { return bus_.get(); }

 private:
  std::string name_;
  bool keep_;
  std::unique_ptr<Bus> bus_;
};

/// The unpacked feed where all processes can read it.
SharedMemory share(std::string_view text) {
  SharedMemory memory = SharedMemory::create("market-feed-lines", std::max(text.size(), 1ul));
  std::memcpy(memory.bytes().data(), text.data(), text.size());
  return memory;
}

class Demo {
 public:
  explicit Demo(const DemoOptions& options)
      : options_(options),
        text_(unpack(options.feed_path)),
        lines_(split_lines(text_, options.lines_max)),
        expected_(expect(lines_)),
        expected_ordered_(expect(lines_, true)),
        feed_(share(text_)),
        ledger_(Ledger::create(static_cast<std::uint32_t>(lines_.size()))),
        state_(options.keep),
        bus_(options.keep),
        queue_(bus_->queue(kQueueName, settings()).value()),
        ordered_(bus_->queue(kOrderedQueueName, ordered_settings()).value()),
        subscribers_(*bus_),
        history_(*bus_),
        stage_(bus_.name(), ledger_, feed_.descriptor(), console_) {
    report_.lines = ledger_.lines();
    expect_order();
  }

  int run() {
    introduce();
    try {
      while (stage_.workers().size() < kWorkers) stage_.start_worker();
      stage_.start_log_writer();
      for (std::size_t i = 0; i < kPhases.size(); ++i) play(i);
      report_.children_succeeded = stage_.dismiss();
    } catch (const BrokenOff& broken) {
      report_.broken_off = broken.what();
    } catch (const Interrupted&) {
      report_.interrupted = true;
      report_.broken_off = "interrupted";
    }
    console_.clear();
    stage_.kill_all();
    examine_all();
    return conclude();
  }

 private:
  void play(std::size_t phase) {
    const Queue& queue = kPhases[phase].ordered ? ordered_ : queue_;
    market_feed::play(phase, stage_, queue, history_, report_.phases[phase]);
  }

  void expect_order() {
    for (std::uint32_t i = 0; i < lines_.size(); ++i) {
      const FeedLine line = FeedLine::parse(lines_[i]).value();
      const MarketUpdate& update = expected_[i].update;
      const std::string group = std::string(line.venue) + '.' + text_of(update.symbol);
      const std::string channel = std::string(line.venue) + '.' + text_of(update.stream);
      ledger_.order().expect({group, channel, i, update.update_id});
    }
  }

  template <std::size_t N>
  static std::string text_of(const std::array<char, N>& name) {
    return {name.data(), strnlen(name.data(), N)};
  }

  /// A feed's line with its attributes fits the slot in nine of ten cases; the rest goes to the
  /// arena.
  static QueueSettings settings() {
    QueueSettings settings;
    settings.visibility_timeout = kVisibilityTimeout;
    settings.slots = 4096;
    settings.inline_bytes = 296;
    return settings;
  }

  /// More slots than the messages that one stopped worker holds up: its groups fill the queue.
  static QueueSettings ordered_settings() {
    QueueSettings settings = QueueSettings();
    settings.visibility_timeout = kVisibilityTimeout;
    settings.fifo = true;
    settings.slots = 16'384;
    settings.inline_bytes = 320;
    return settings;
  }

  void introduce() {
    const double seconds = static_cast<double>(FeedLine::parse(lines_.back())->received_ns -
                                               FeedLine::parse(lines_.front())->received_ns) /
                           1e9;
    fmt::print(
        "{} messages of a market feed, {}, recorded within {:.1f} s\n"
        "bus {}, queue {}, topic {} → queues {} (FIFO), trades, large-depth\n"
        "stream {}, log in {}\n"
        "visibility timeout {} ms, {} workers\n",
        format_count(lines_.size()), cli::format_size(text_.size()), seconds, bus_->directory(),
        kQueueName, kTopicName, kOrderedQueueName, kStreamName, state_.path(),
        kVisibilityTimeout.count(), kWorkers);
  }

  void examine_all() {
    if (!options_.forge.empty() && !forge(options_.forge, ledger_.records(0)) &&
        !ledger_.order().forge(options_.forge)) {
      throw std::invalid_argument("unknown forgery " + options_.forge);
    }
    for (std::size_t i = 0; i < kPhases.size(); ++i) {
      if (ledger_.feed(i).lives.load() != 0) {
        report_.phases[i].proof =
            prove(kPhases[i].ordered ? expected_ordered_ : expected_, ledger_.records(i));
      }
    }
    if (ledger_.feed(kPhases.size() - 1).lives.load() != 0) {
      report_.order = ledger_.order().prove();
      report_.delivered = subscribers_.check(lines_);
      report_.topic = subscribers_.stats();
      report_.history = history_.replay(lines_);
    }
    report_.strangers = ledger_.strangers().load();
    bus_->sweep();  // the workers did it while they were there; the last dead have only us
    report_.queue = queue_.stats();
    report_.ordered = ordered_.stats();
    report_.doctor = examine(*bus_);
    const BusInfo info = inspect(*bus_);
    report_.participants = info.participants.size() - 1;
    report_.blocks_used = info.arena.blocks_used;
  }

  int conclude() {
    const auto promises = judge(report_);
    print_results(report_);
    if (!options_.svg_path.empty()) write_svg(report_, options_.svg_path);
    if (!options_.json_path.empty()) write_json(report_, promises, options_.json_path);
    if (!options_.keep) {
      static_cast<void>(bus_->delete_stream(kStreamName));  // what is on disk
    } else {
      fmt::print(
          "\nThe bus stays. Look at it: ringpost --bus {0} stat\n"
          "Its stream: RINGPOST_STATE_DIR={1} ringpost --bus {0} stream show {2}\n"
          "Remove it: ringpost bus remove {0}; rm -r {1}\n",
          bus_.name(), state_.path(), kStreamName);
    }
    if (report_.interrupted) {
      fmt::print("\nInterrupted before the end: no promise is judged.\n");
      return 130;
    }
    print_promises(promises);
    return all_held(promises) ? 0 : 1;
  }

  const DemoOptions& options_;
  Console console_;
  std::string text_;
  std::vector<std::string_view> lines_;
  std::vector<Expected> expected_;
  std::vector<Expected> expected_ordered_;
  SharedMemory feed_;
  Ledger ledger_;
  TemporaryState state_;
  TemporaryBus bus_;
  Queue queue_;
  Queue ordered_;
  Subscribers subscribers_;
  History history_;
  Stage stage_;
  DemoReport report_;
};

}  // namespace

int run_demo(const DemoOptions& options) {
  for (const std::string& path : {options.svg_path, options.json_path}) {
    // Now, and not after the run.
    if (!path.empty() && !std::ofstream(path)) throw std::runtime_error("cannot write " + path);
  }
  cli::catch_interrupts();
  remove_abandoned();
  TemporaryState::remove_abandoned();
  return Demo(options).run();
}

}  // namespace ringpost::market_feed
