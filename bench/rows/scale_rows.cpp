// Rows queue/scale/…: what an operation costs when there is more of everything else.
//
// One process, one full cycle send → receive → acknowledge after the other on one queue: with 1,
// 100 and 10,000 queues open on its bus; with 0, 10⁵ and 10⁶ messages of backlog before each of its
// own; with 0 and 10⁵ leases outstanding. The ratio `base` is to the least of each kind, in the
// same run.
#include <fmt/format.h>

#include <cstring>

#include "harness/ticks.hpp"
#include "peers/ringpost_queue.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

constexpr std::size_t kBytes = 64;

/// A bus with its queues in some state; made at the first run, kept for all runs of its row.
class Scene {
 public:
  explicit Scene(std::size_t queue_count, std::uint32_t slots) : bus_(directory_.open()) {
    for (std::size_t i = 0; i < queue_count; ++i) {
      queues_.push_back(bus_.queue(fmt::format("q{}", i), {.slots = slots, .fixed = true}).value());
    }
  }
  [[nodiscard]] Queue& queue() { return queues_[queues_.size() / 2]; }

  void send_next() {
    std::array<std::byte, kBytes> body{};
    std::memcpy(body.data(), &sent_, sizeof sent_);
    queue().send(body).value();
    ++sent_;
  }
  /// Receives the oldest message; false if it is not the one that is next in order.
  bool receive_next(bool acknowledge) {
    if (queue().receive(leases_, {.visibility_timeout = std::chrono::hours(12)}) != Errc::kOk) {
      return false;
    }
    std::uint64_t number = 0;
    std::memcpy(&number, leases_.front().body().data(), sizeof number);
    const bool ok = number == received_++;
    return ok && (!acknowledge || leases_.front().acknowledge() == Errc::kOk);
  }

 private:
  peers::TemporaryBus directory_;
  Bus bus_;
  std::vector<Queue> queues_;
  Leases leases_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

RunResult run_cycles(Scene& scene, const RunSettings& settings) {
  constexpr std::uint64_t kBetweenLooks = 256;
  RunResult result;
  result.placement = Placement::kNear;  // one process: nothing moves between cores
  result.verified = true;
  const Ticks begin = ticks_now();
  const Ticks wanted = ns_to_ticks(settings.slice_ms * 1e6 * static_cast<double>(settings.slices));
  while (ticks_now() - begin < wanted) {
    for (std::uint64_t i = 0; i < kBetweenLooks; ++i) {
      scene.send_next();
      result.verified = scene.receive_next(true) && result.verified;
    }
    result.operations += kBetweenLooks;
  }
  const double ns = ticks_to_ns(static_cast<double>(ticks_now() - begin));
  result.rate = static_cast<double>(result.operations) * 1e9 / ns;
  return result;
}

template <class Prepare>
Measurement cycles_in(Prepare prepare) {
  auto scene = std::make_shared<std::unique_ptr<Scene>>();
  return [scene, prepare](const RunSettings& settings) {
    if (*scene == nullptr) *scene = prepare();
    return run_cycles(**scene, settings);
  };
}

Measurement among_queues(std::size_t count) {
  return cycles_in([count] { return std::make_unique<Scene>(count, 64); });
}

Measurement behind_backlog(std::size_t messages) {
  return cycles_in([messages] {
    auto scene = std::make_unique<Scene>(1, 1u << 20);
    for (std::size_t i = 0; i < messages; ++i) scene->send_next();
    return scene;
  });
}

Measurement beside_leases(std::size_t leases) {
  return cycles_in([leases] {
    auto scene = std::make_unique<Scene>(1, 1u << 20);
    for (std::size_t i = 0; i < leases; ++i) {
      scene->send_next();
      static_cast<void>(scene->receive_next(false));
    }
    return scene;
  });
}

template <class Make>
void add(Rows& rows, const char* kind, std::initializer_list<std::size_t> counts, Make make) {
  for (const std::size_t count : counts) {
    rows.push_back({fmt::format("queue/scale/{}/{}", kind, count),
                    Unit::kNanoseconds,
                    {{"", make(count)}},
                    {{"base", {{"", make(*counts.begin())}}}},
                    true});
  }
}

}  // namespace

void add_scale_rows(Rows& rows) {
  add(rows, "queues", {1, 100, 10'000}, among_queues);
  add(rows, "backlog", {0, 100'000, 1'000'000}, behind_backlog);
  add(rows, "leases", {0, 100'000}, beside_leases);
}

}  // namespace ringpost::bench
