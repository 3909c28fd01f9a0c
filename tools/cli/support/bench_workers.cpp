#include "bench_workers.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

#include "ringpost/bus.hpp"

namespace ringpost::cli {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// A sleep ends so much late at times; who wants to be on time spins for that long instead.
constexpr std::uint64_t kSleepSlackNs = 200'000;
/// How often a blocked worker looks whether all is over.
constexpr Duration kLookUp = std::chrono::milliseconds(20);

/// Spreads the bits of a number, so that sums of them tell sets apart.
std::uint64_t mixed(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

void sleep_until(std::uint64_t ns) noexcept {
  const timespec time{static_cast<std::time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

void wait_until(std::uint64_t ns, Waiting waiting) noexcept {
  const std::uint64_t now = bench_now_ns();
  if (now >= ns) return;
  if (waiting == Waiting::kPark) {
    sleep_until(ns);
  } else if (waiting == Waiting::kAdaptive && ns - now > 2 * kSleepSlackNs) {
    sleep_until(ns - kSleepSlackNs);
  }
  while (bench_now_ns() < ns) {
    // Spin: the rest is shorter than a sleep is exact.
  }
}

int fail(BenchWorkerReport& report, std::string_view text) noexcept {
  text.copy(report.trouble, sizeof report.trouble - 1);
  return 1;
}

std::uint64_t await_start(const BenchShared& shared, BenchWorkerReport& report) noexcept {
  report.ready.store(true);
  while (shared.start_ns.load() == 0) sleep_until(bench_now_ns() + 1'000'000);
  wait_until(shared.start_ns.load(), Waiting::kPark);
  return shared.start_ns.load();
}

/// One sender: knows when its n-th batch is due and when it has sent enough.
class Sender {
 public:
  Sender(const BenchPlan& plan, BenchShared& shared, BenchWorkerReport& report, Queue& queue,
         std::uint32_t index)
      : plan_(plan), shared_(shared), report_(report), queue_(queue), index_(index) {
    bodies_.assign(plan.batch, std::string(plan.size_bytes, static_cast<char>('a' + index % 26)));
    for (const std::string& body : bodies_) batch_.push_back({as_bytes(body), {}});
    for (std::uint32_t i = 0; i < plan.groups; ++i) groups_.push_back("g" + std::to_string(i));
  }

  Errc run(std::uint64_t start_ns) noexcept {
    const std::uint64_t measure_from_ns = start_ns + kBenchWarmUpNs;
    const auto end_ns = measure_from_ns +
                        static_cast<std::uint64_t>(plan_.seconds * static_cast<double>(kSecondNs));
    const std::uint64_t quota = share_of_messages();
    for (std::uint64_t n = 0; !shared_.stop.load(); ++n) {
      const std::uint64_t due_ns = plan_.per_second ? due(start_ns, n) : bench_now_ns();
      if (plan_.messages ? report_.measured >= quota : due_ns >= end_ns) break;
      if (plan_.per_second) wait_until(due_ns, plan_.waiting);
      const bool is_measured = due_ns >= measure_from_ns;
      std::size_t count = bodies_.size();
      if (plan_.messages && is_measured) {
        count = static_cast<std::size_t>(std::min<std::uint64_t>(count, quota - report_.measured));
      }
      if (is_measured) report_.latency.record(bench_now_ns() - due_ns, count);
      const Errc code = send(due_ns, count);
      if (code != Errc::kOk) return code;
      if (is_measured) report_.measured += count;
    }
    return Errc::kOk;
  }

 private:
  [[nodiscard]] std::uint64_t share_of_messages() const noexcept {
    const std::uint64_t all = plan_.messages.value_or(0);
    return all / plan_.senders + (index_ < all % plan_.senders ? 1 : 0);
  }

  /// The senders take turns: their schedules are the parts of one.
  [[nodiscard]] std::uint64_t due(std::uint64_t start_ns, std::uint64_t n) const noexcept {
    const double between_ns = static_cast<double>(kSecondNs) * plan_.batch / *plan_.per_second;
    const double turn = static_cast<double>(n) * plan_.senders + index_;
    return start_ns + static_cast<std::uint64_t>(turn * between_ns);
  }

  Errc send(std::uint64_t due_ns, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (!groups_.empty()) batch_[i].group = groups_[next_number_ % groups_.size()];
      const std::uint64_t number = (static_cast<std::uint64_t>(index_) << 48) | next_number_++;
      const BenchHeader header{due_ns, number};
      std::memcpy(bodies_[i].data(), &header, sizeof header);
      report_.checksum += mixed(number);
    }
    std::span<const OutMessage> rest = std::span(batch_).first(count);
    SendOptions options;
    options.wait = kLookUp;
    while (!rest.empty()) {
      const Errc code = send_some(rest, options);
      if (code != Errc::kOk && code != Errc::kFull) return code;
    }
    return Errc::kOk;
  }

  /// Drops from `rest` what was sent.
  Errc send_some(std::span<const OutMessage>& rest, SendOptions& options) noexcept {
    std::size_t sent = 1;
    if (rest.size() == 1) {
      options.group = rest.front().group;
      const auto id = queue_.send(rest.front().body, options);
      if (!id) return id.error();
    } else {
      const auto count = queue_.send_batch(rest, options);
      if (!count) return count.error();
      sent = *count;
    }
    rest = rest.subspan(sent);
    report_.done.fetch_add(sent, std::memory_order_relaxed);
    return Errc::kOk;
  }

  const BenchPlan& plan_;
  BenchShared& shared_;
  BenchWorkerReport& report_;
  Queue& queue_;
  std::uint32_t index_;
  std::uint64_t next_number_ = 0;
  std::vector<std::string> bodies_;
  std::vector<std::string> groups_;
  std::vector<OutMessage> batch_;
};

std::uint64_t acknowledged_by_all(const BenchShared& shared) noexcept {
  std::uint64_t sum = 0;
  for (const BenchWorkerReport& receiver : shared.receivers) sum += receiver.done.load();
  return sum;
}

void take(Lease& lease, std::uint64_t now_ns, std::uint64_t measure_from_ns,
          BenchWorkerReport& report) noexcept {
  BenchHeader header;
  if (lease.body().size() < sizeof header) return;
  std::memcpy(&header, lease.body().data(), sizeof header);
  if (lease.receive_count() > 1) ++report.redelivered;
  if (lease.acknowledge() != Errc::kOk) return;
  report.checksum += mixed(header.number);
  if (header.due_ns >= measure_from_ns) {
    report.latency.record(now_ns > header.due_ns ? now_ns - header.due_ns : 0);
    ++report.measured;
    report.last_ns = now_ns;
  }
  report.done.fetch_add(1, std::memory_order_relaxed);
}

Errc receive_all(const BenchPlan& plan, BenchShared& shared, BenchWorkerReport& report,
                 Queue& queue, std::uint64_t start_ns) noexcept {
  ReceiveOptions options;
  options.max_messages = std::min(plan.batch, Leases::kCapacity);
  options.wait = kLookUp;
  Leases leases;
  while (true) {
    const Errc code = queue.receive(leases, options);
    const std::uint64_t now_ns = bench_now_ns();
    for (Lease& lease : leases) take(lease, now_ns, start_ns + kBenchWarmUpNs, report);
    if (code == Errc::kOk) continue;
    if (code != Errc::kEmpty && code != Errc::kTimedOut) return code;
    if (shared.senders_done.load() && acknowledged_by_all(shared) >= shared.sent.load()) {
      return Errc::kOk;
    }
  }
}

/// Opens the bus and queue of its own, as another program would, and hands them to `work`.
template <class Work>
int with_queue(const BenchPlan& plan, const BenchPlace& place, BenchWorkerReport& report,
               Work work) noexcept {
  try {
    auto bus = Bus::open(place.bus, place.options);
    if (!bus) return fail(report, bus.error().what);
    auto queue = bus->open_queue(place.queue);
    if (!queue) return fail(report, queue.error().what);
    queue->set_waiting(plan.waiting);
    const Errc code = work(*queue);
    return code == Errc::kOk ? 0 : fail(report, message(code));
  } catch (const std::exception& failure) {
    return fail(report, failure.what());
  }
}

}  // namespace

std::uint64_t bench_now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecondNs +
         static_cast<std::uint64_t>(time.tv_nsec);
}

int run_bench_sender(const BenchPlan& plan, const BenchPlace& place, BenchShared& shared,
                     std::uint32_t index) noexcept {
  BenchWorkerReport& report = shared.senders[index];
  return with_queue(plan, place, report, [&](Queue& queue) {
    Sender sender(plan, shared, report, queue, index);
    return sender.run(await_start(shared, report));
  });
}

int run_bench_receiver(const BenchPlan& plan, const BenchPlace& place, BenchShared& shared,
                       std::uint32_t index) noexcept {
  BenchWorkerReport& report = shared.receivers[index];
  return with_queue(plan, place, report, [&](Queue& queue) {
    return receive_all(plan, shared, report, queue, await_start(shared, report));
  });
}

}  // namespace ringpost::cli
