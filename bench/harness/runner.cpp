#include "harness/runner.hpp"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>

namespace ringpost::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

volatile sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) { g_interrupted = 1; }

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  }
}

void fail(ProcessReport& report, const char* why) noexcept {
  std::snprintf(report.error.data(), report.error.size(), "%s", why);
}

[[noreturn]] void be_child(const Role& role, Session& session, pid_t parent) {
  // The terminal's Ctrl-C reaches all; the parent decides. If the parent dies, so do we.
  signal(SIGINT, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(2);
  try {
    const Cores cores = pinned_cores();
    pin_to(role.core == 0 ? cores.first : cores.second);
    role.body(session);
  } catch (const std::exception& error) {
    fail(session.report(), error.what());
    _exit(1);
  } catch (...) {
    fail(session.report(), "unknown exception");
    _exit(1);
  }
  _exit(0);  // no destructors: what the parent created is the parent's to remove
}

// A running child, reaped or killed at the latest by its destructor.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), descriptor_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open");
  }
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ > 0) kill(pid_, SIGKILL), reap();
    if (descriptor_ >= 0) close(descriptor_);
  }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] bool running() const noexcept { return pid_ > 0; }
  /// The wait status; blocks until the child is gone.
  int reap() noexcept {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
  int descriptor_;
};

std::string describe(int status, std::size_t index, const ProcessReport& report) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  const std::string who = "process " + std::to_string(index) + ": ";
  if (WIFSIGNALED(status)) return who + "killed by " + strsignal(WTERMSIG(status));
  return who + (report.error[0] != '\0' ? report.error.data() : "failed");
}

// Empty if all came to their end in time.
std::string wait_for_all(std::vector<Child>& children, const ProcessReport* reports,
                         double seconds) {
  const auto deadline = SteadyClock::now() + std::chrono::duration<double>(seconds);
  std::size_t left = children.size();
  while (left > 0) {
    if (g_interrupted != 0) return "interrupted";
    const auto rest =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (rest.count() <= 0) return "hung: killed by the watchdog";
    std::vector<pollfd> polls;
    for (const Child& child : children) {
      polls.push_back(
          {.fd = child.running() ? child.descriptor() : -1, .events = POLLIN, .revents = 0});
    }
    // Not longer than this at once: a signal may come just before the poll.
    poll(polls.data(), polls.size(), static_cast<int>(std::min<long long>(rest.count(), 500)));
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (!children[i].running() || (polls[i].revents & POLLIN) == 0) continue;
      --left;
      std::string error = describe(children[i].reap(), i, reports[i]);
      if (!error.empty()) return error;
    }
  }
  return "";
}

RunOutcome collect(const RunBoard& board, const ProcessReport* reports, std::size_t processes,
                   const RunSettings& settings) {
  RunOutcome outcome;
  if (board.has_two_cores) {
    const double* first = board.probes_ns.data();
    outcome.probes_ns.assign(first, first + settings.slices + 1);
  }
  for (std::size_t i = 0; i < processes; ++i) {
    outcome.tallies.push_back(reports[i].tally);
    outcome.sent.push_back(reports[i].sent);
    outcome.latency.merge(reports[i].latency);
  }
  for (std::size_t n = 0; n < settings.slices; ++n) {
    Ticks begin = ~Ticks{0};
    Ticks end = 0;
    for (std::size_t i = 0; i < processes; ++i) {
      begin = std::min(begin, reports[i].begin[n]);
      end = std::max(end, reports[i].end[n]);
    }
    outcome.slice_ticks.push_back(end - begin);
  }
  return outcome;
}

}  // namespace

RunOutcome run_processes(std::span<const Role> roles, const RunSettings& settings) {
  ticks_per_ns();  // calibrate before the fork
  const std::size_t reports_at = round_up(sizeof(RunBoard), kHotLineBytes);
  SharedRegion region(reports_at + roles.size() * sizeof(ProcessReport));
  auto* board = region.construct<RunBoard>(0);
  auto* reports = region.construct<ProcessReport>(reports_at, roles.size());
  const Cores cores = pinned_cores();
  board->has_two_cores =
      cores.first != cores.second && roles.size() >= 2 && roles[0].core != roles[1].core;

  RunOutcome outcome;
  {
    std::vector<Child> children;
    children.reserve(roles.size());
    const pid_t parent = getpid();
    std::fflush(nullptr);
    for (std::size_t i = 0; i < roles.size() && outcome.error.empty(); ++i) {
      Session session(*board, reports, roles.size(), i, settings);
      const pid_t pid = fork();
      if (pid == 0) be_child(roles[i], session, parent);
      if (pid < 0) outcome.error = std::string("fork: ") + std::strerror(errno);
      if (pid > 0) children.emplace_back(pid);
    }
    if (outcome.error.empty()) {
      outcome.error = wait_for_all(children, reports, settings.watchdog_s);
    }
  }  // whoever is left is killed here
  if (!outcome.error.empty()) return outcome;
  return collect(*board, reports, roles.size(), settings);
}

Cores pinned_cores() {
  static const Cores cores = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    std::vector<int> allowed;
    for (int core = 0; core < CPU_SETSIZE && allowed.size() < 2; ++core) {
      if (CPU_ISSET(static_cast<std::size_t>(core), &set)) allowed.push_back(core);
    }
    if (allowed.empty()) allowed.push_back(0);
    return Cores{allowed.front(), allowed.back()};
  }();
  return cores;
}

OnFirstCore::OnFirstCore() {
  const int first = pinned_cores().first;
  CPU_ZERO(&before_);
  sched_getaffinity(0, sizeof before_, &before_);
  pin_to(first);
}

OnFirstCore::~OnFirstCore() { sched_setaffinity(0, sizeof before_, &before_); }

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // no SA_RESTART: poll must return
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

bool interrupted() noexcept { return g_interrupted != 0; }

}  // namespace ringpost::bench
