#include "bench_run.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <new>

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bench_workers.hpp"
#include "interrupt.hpp"

namespace ringpost::cli {
namespace {

constexpr const char* kBusPrefix = "ringpost-bench-";
constexpr const char* kQueueName = "bench";
constexpr Duration kTick = std::chrono::milliseconds(100);
/// Receivers that make no progress for so long after the last send will not make any.
constexpr int kTicksWithoutProgressMax = 100;

/// Removes what a bench left that was killed before it could.
void remove_leftovers(const BusOptions& options) {
  const auto names = Bus::list(options);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.rfind(kBusPrefix, 0) != 0) continue;
    const std::string_view digits = std::string_view(name).substr(std::strlen(kBusPrefix));
    pid_t pid = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)
      static_cast<void>(Bus::remove(name, options));
  }
}

/// A bus that lives as long as this object.
class TemporaryBus {
 public:
  TemporaryBus(const Context& context, const BenchPlan& plan)
      : place_{kBusPrefix + std::to_string(getpid()), kQueueName,
               context.bus_options(IfMissing::kCreate)} {
    remove_leftovers(place_.options);
    auto bus = Bus::open(place_.bus, place_.options);
    require(bus, {"make a bus for the bench", place_.bus, {}});
    bus_.emplace(std::move(*bus));
    QueueSettings settings;
    settings.slots = plan.slots;
    if (plan.groups != 0) settings.fifo = true;
    settings.message_bytes_max = std::max<std::uint64_t>(plan.size_bytes, 256 * 1024);
    const auto queue = bus_->queue(kQueueName, settings);
    if (!queue) {
      remove();
      require(queue, {"make a queue for the bench", place_.bus, kQueueName});
    }
  }
  TemporaryBus(const TemporaryBus&) = delete;
  TemporaryBus& operator=(const TemporaryBus&) = delete;
  ~TemporaryBus() { remove(); }

  [[nodiscard]] const BenchPlace& place() const noexcept { return place_; }

 private:
  void remove() {
    bus_.reset();
    static_cast<void>(Bus::remove(place_.bus, place_.options));
  }

  BenchPlace place_;
  std::optional<Bus> bus_;
};

class SharedMemory {
 public:
  SharedMemory() {
    void* const memory = mmap(nullptr, sizeof(BenchShared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw Failure(ExitCode::kError, "System", "cannot get memory for the results",
                    "free some memory and try again");
    }
    shared_ = new (memory) BenchShared{};
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { munmap(shared_, sizeof(BenchShared)); }
  BenchShared& operator*() const noexcept { return *shared_; }

 private:
  BenchShared* shared_;
};

void pin_to_core(std::uint32_t index) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(index % static_cast<std::uint32_t>(std::max(cores, 1L)), &set);
  sched_setaffinity(0, sizeof set, &set);
}

/// The worker processes. Whatever happens, none is left behind.
class Workers {
 public:
  Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    for (const pid_t pid : pids_) kill(pid, SIGKILL);
    while (running() != 0) reap(0);
  }

  template <class Life>
  void start(std::optional<std::uint32_t> core, Life life) {
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
      throw Failure(ExitCode::kError, "System",
                    fmt::format("cannot start a process: {}", std::strerror(errno)),
                    "use fewer --senders and --receivers, or raise ulimit -u");
    }
    if (pid == 0) {
      // Ctrl-C is for the parent, who tells the workers; if it is killed they go with it.
      for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_IGN);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      if (core) pin_to_core(*core);
      _exit(life());
    }
    pids_.push_back(pid);
  }

  /// Collects who has ended.
  void reap(int flags) {
    for (auto pid = pids_.begin(); pid != pids_.end();) {
      int status = 0;
      const pid_t ended = waitpid(*pid, &status, flags);
      if (ended == 0 || (ended < 0 && errno == EINTR)) {
        ++pid;
        continue;
      }
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) failed_ = true;
      pid = pids_.erase(pid);
    }
  }
  [[nodiscard]] std::size_t running() const noexcept { return pids_.size(); }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::vector<pid_t> pids_;
  bool failed_ = false;
};

std::uint64_t done_by(const std::array<BenchWorkerReport, kBenchWorkersMax>& workers) {
  std::uint64_t sum = 0;
  for (const BenchWorkerReport& worker : workers) sum += worker.done.load();
  return sum;
}

/// Sleeps a little without minding an interrupt: that one is looked for between.
void tick(Duration duration) {
  const timespec time{0, duration.count()};
  nanosleep(&time, nullptr);
}

void await_ready(const BenchPlan& plan, const BenchShared& shared, Workers& senders,
                 Workers& receivers) {
  const auto all_ready = [](const auto& workers, std::uint32_t count) {
    return std::all_of(workers.begin(), workers.begin() + count,
                       [](const BenchWorkerReport& one) { return one.ready.load(); });
  };
  while (!all_ready(shared.senders, plan.senders) || !all_ready(shared.receivers, plan.receivers)) {
    senders.reap(WNOHANG);
    receivers.reap(WNOHANG);
    if (senders.failed() || receivers.failed() || interrupted()) return;
    tick(std::chrono::milliseconds(1));
  }
}

double passed_share(const BenchPlan& plan, const BenchShared& shared) {
  if (plan.messages) {
    return static_cast<double>(done_by(shared.receivers)) / static_cast<double>(*plan.messages);
  }
  const std::uint64_t elapsed_ns = bench_now_ns() - shared.start_ns.load();
  return static_cast<double>(elapsed_ns) / 1e9 / (plan.seconds + kBenchWarmUpNs / 1e9);
}

BenchResult collect(const BenchShared& shared) {
  BenchResult result;
  std::uint64_t sent_checksum = 0;
  std::uint64_t received_checksum = 0;
  std::uint64_t last_ns = 0;
  const auto note_trouble = [&result](const BenchWorkerReport& worker) {
    if (worker.trouble[0] != '\0') result.trouble = worker.trouble;
  };
  for (const BenchWorkerReport& sender : shared.senders) {
    result.sent += sender.done.load();
    sent_checksum += sender.checksum;
    result.lateness.merge(sender.latency);
    note_trouble(sender);
  }
  for (const BenchWorkerReport& receiver : shared.receivers) {
    result.acknowledged += receiver.done.load();
    received_checksum += receiver.checksum;
    result.redelivered += receiver.redelivered;
    result.measured += receiver.measured;
    result.latency.merge(receiver.latency);
    last_ns = std::max(last_ns, receiver.last_ns);
    note_trouble(receiver);
  }
  result.checksums_agree = sent_checksum == received_checksum;
  const std::uint64_t from_ns = shared.start_ns.load() + kBenchWarmUpNs;
  if (last_ns > from_ns) result.measured_seconds = static_cast<double>(last_ns - from_ns) / 1e9;
  return result;
}

}  // namespace

BenchResult run_bench(const Context& context, const BenchPlan& plan, const BenchWatcher& watcher) {
  const SharedMemory memory;
  BenchShared& shared = *memory;
  const TemporaryBus bus(context, plan);
  Workers senders;
  Workers receivers;
  std::uint32_t core = 0;
  const auto next_core = [&]() -> std::optional<std::uint32_t> {
    return plan.pin ? std::optional(core++) : std::nullopt;
  };
  for (std::uint32_t i = 0; i < plan.receivers; ++i) {
    receivers.start(next_core(), [&] { return run_bench_receiver(plan, bus.place(), shared, i); });
  }
  for (std::uint32_t i = 0; i < plan.senders; ++i) {
    senders.start(next_core(), [&] { return run_bench_sender(plan, bus.place(), shared, i); });
  }
  await_ready(plan, shared, senders, receivers);
  constexpr std::uint64_t kHeadStartNs = 20'000'000;
  shared.start_ns.store(bench_now_ns() + kHeadStartNs);

  while (senders.running() != 0 && !senders.failed() && !receivers.failed()) {
    if (interrupted()) shared.stop.store(true);
    tick(kTick);
    senders.reap(WNOHANG);
    receivers.reap(WNOHANG);
    watcher(done_by(shared.receivers), passed_share(plan, shared));
  }
  shared.sent.store(done_by(shared.senders));
  shared.senders_done.store(true);

  std::uint64_t seen = done_by(shared.receivers);
  for (int idle = 0; receivers.running() != 0 && idle < kTicksWithoutProgressMax; ++idle) {
    if (senders.failed() || receivers.failed()) break;
    tick(std::chrono::milliseconds(10));
    receivers.reap(WNOHANG);
    const std::uint64_t now = done_by(shared.receivers);
    if (now != seen) idle = 0;
    seen = now;
  }
  return collect(shared);
}

}  // namespace ringpost::cli
