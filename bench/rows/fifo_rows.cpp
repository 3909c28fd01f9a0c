// Rows of FIFO queues: fifo/cycle/…, fifo/backlog/…, fifo/dedup/….
//
//   cycle    as queue/cycle/…, the messages in so many groups in turn. Ratio `queue`: to the
//   standard
//            queue of the same row; of two processes a side also `base`: to one.
//   backlog  one process, one full cycle after the other in 100 groups, while another group has so
//            many messages, the first of them in flight. Ratio `base`: to none.
//   dedup    one process: what a full cycle costs more if the queue keeps ids, with so many of them
//            within the window. Ratio `table`: to one random read-modify-write in memory of as many
//            bytes.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "harness/drive_throughput.hpp"
#include "harness/ticks.hpp"
#include "peers/ringpost_queue.hpp"
#include "rows/one_process.hpp"
#include "rows/rivals.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

using SpinQueue = peers::RingpostQueue<Waiting::kSpin>;
using AdaptiveQueue = peers::RingpostQueue<Waiting::kAdaptive>;
using AdaptiveGroups = peers::RingpostQueue<Waiting::kAdaptive, false>;

constexpr std::uint64_t kBetweenLooks = 256;

/// A FIFO queue in some state, kept for all runs of its row, and cycles on it.
class Scene {
 public:
  Scene(const QueueSettings& settings, std::size_t groups) {
    for (std::size_t i = 0; i < groups; ++i) groups_.push_back(fmt::format("group{}", i));
    queue_ = bus_.queue("fifo", settings).value();
  }
  [[nodiscard]] Queue& queue() { return queue_; }

  /// Send, receive, acknowledge, as often as between two looks at the clock. With ids: a new one
  /// for each message.
  void cycles(bool with_ids) {
    std::array<std::byte, 64> body{};
    for (std::uint64_t i = 0; i < kBetweenLooks; ++i) {
      std::memcpy(body.data(), &number_, sizeof number_);
      SendOptions options{.group = groups_[number_ % groups_.size()]};
      if (with_ids) options.dedup_id = next_id();
      verified_ = queue_.send(body, options).has_value() && verified_;
      verified_ = receive(number_++) && verified_;
    }
  }
  [[nodiscard]] bool verified() const { return verified_; }

 private:
  std::string_view next_id() {
    const auto end = fmt::format_to(id_.data(), "order-{:016x}", number_ * 0x9e3779b97f4a7c15u);
    return {id_.data(), static_cast<std::size_t>(end - id_.data())};
  }
  bool receive(std::uint64_t wanted) {
    if (queue_.receive(leases_) != Errc::kOk) return false;
    std::uint64_t number = 0;
    std::memcpy(&number, leases_.front().body().data(), sizeof number);
    return leases_.front().acknowledge() == Errc::kOk && number == wanted;
  }

  peers::TemporaryBus directory_;
  Bus bus_ = directory_.open();
  Queue queue_;
  std::vector<std::string> groups_;
  std::array<char, 32> id_{};
  Leases leases_;
  std::uint64_t number_ = 0;
  bool verified_ = true;
};

Measurement behind_one_group(std::size_t backlog) {
  auto scene = std::make_shared<std::unique_ptr<Scene>>();
  return [scene, backlog](const RunSettings& settings) {
    if (*scene == nullptr) {
      *scene = std::make_unique<Scene>(QueueSettings{.slots = 1u << 22, .fifo = true}, 100);
      Queue& queue = (*scene)->queue();
      for (std::size_t i = 0; i < backlog; ++i) queue.send("x", {.group = "long"}).value();
      Leases held;
      if (backlog != 0) {
        (void)queue.receive(held, {.visibility_timeout = std::chrono::hours(12)});
      }
      (*scene)->cycles(false);  // puts the backlog into its group
    }
    const Ticks begin = ticks_now();
    const auto rounds = until_time_is_over(settings, [&] { (*scene)->cycles(false); });
    return result_of_one_process(rounds * kBetweenLooks, ticks_now() - begin, (*scene)->verified());
  };
}

/// Rounds with and without ids in turn; counts the difference.
Measurement cost_of_ids(std::uint32_t ids) {
  struct Pair {
    explicit Pair(std::uint32_t ids)
        : with({.fifo = true,
                .dedup = Dedup::kById,
                .dedup_window = std::chrono::seconds(1),  // about as many ids come in it
                .dedup_entries = ids},
               100),
          without({.fifo = true}, 100) {}
    Scene with;
    Scene without;
  };
  auto pair = std::make_shared<std::unique_ptr<Pair>>();
  return [pair, ids](const RunSettings& settings) {
    if (*pair == nullptr) *pair = std::make_unique<Pair>(ids);
    std::int64_t more = 0;
    const auto rounds = until_time_is_over(settings, [&] {
      const Ticks begin = ticks_now();
      (*pair)->with.cycles(true);
      const Ticks middle = ticks_now();
      (*pair)->without.cycles(false);
      more += static_cast<std::int64_t>(middle - begin) -
              static_cast<std::int64_t>(ticks_now() - middle);
    });
    return result_of_one_process(rounds * kBetweenLooks,
                                 static_cast<Ticks>(std::max<std::int64_t>(more, 1)),
                                 (*pair)->with.verified() && (*pair)->without.verified());
  };
}

Measurement random_read_modify_write(std::size_t bytes) {
  auto memory = std::make_shared<std::vector<std::atomic<std::uint64_t>>>();
  return [memory, bytes](const RunSettings& settings) {
    if (memory->empty()) *memory = std::vector<std::atomic<std::uint64_t>>(bytes / 8);
    std::uint64_t at = 0;
    const Ticks begin = ticks_now();
    const auto rounds = until_time_is_over(settings, [&] {
      for (std::uint64_t i = 0; i < kBetweenLooks; ++i) {
        // Where the next one is depends on this one: a send cannot begin before the last one is
        // over.
        at = (at + i) * 0x9e3779b97f4a7c15u;
        at += (*memory)[at % memory->size()].fetch_add(1, std::memory_order_relaxed);
      }
    });
    return result_of_one_process(rounds * kBetweenLooks, ticks_now() - begin, true);
  };
}

void add_cycle(Rows& rows) {
  for (const unsigned processes : {1u, 2u}) {
    for (const std::size_t groups : {1u, 100u, 10'000u}) {
      ChannelOptions options;
      options.producers = options.consumers = processes;
      options.capacity = processes == 1 ? 1024 : 4096;
      const auto measure = [](const ChannelOptions& of) {
        if (of.producers == 1) return throughput_of<SpinQueue>(of);
        return of.groups > 1 ? throughput_of<AdaptiveGroups>(of) : throughput_of<AdaptiveQueue>(of);
      };
      std::vector<Rival> beside{{"queue", {{"standard", measure(options)}}}};
      if (groups > options.capacity) options.capacity = 16'384;
      options.groups = groups;
      if (processes > 1) {
        ChannelOptions one = options;
        one.producers = one.consumers = 1;
        beside.push_back({"base", {{"1 to 1", measure(one)}}});
      }
      rows.push_back({fmt::format("fifo/cycle/64B/{}to{}/groups{}", processes, processes, groups),
                      Unit::kPerSecond,
                      {{"", measure(options)}},
                      std::move(beside),
                      processes == 1 || groups == 100});
    }
  }
}

}  // namespace

void add_fifo_rows(Rows& rows) {
  constexpr std::uint32_t kMillion = 1'000'000;
  constexpr std::size_t kTableBytes = 102ul * kMillion;  // what the library says an id takes
  add_cycle(rows);
  rows.push_back({"fifo/backlog/1000000",
                  Unit::kNanoseconds,
                  {{"", behind_one_group(kMillion)}},
                  {{"base", {{"", behind_one_group(0)}}}},
                  true});
  rows.push_back({"fifo/dedup/1000000",
                  Unit::kNanoseconds,
                  {{"", cost_of_ids(kMillion)}},
                  {{"table", {{"", random_read_modify_write(kTableBytes)}}}},
                  true});
}

}  // namespace ringpost::bench
