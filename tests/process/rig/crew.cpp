#include "process/rig/crew.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>

#include "process/history/history.hpp"

namespace ringpost::rig {

using history::Event;

namespace {

constexpr std::uint64_t kParentRecords = 1'000'000;
constexpr std::uint64_t kPatienceNs = 60'000'000'000;

void tell_failure(Place& place, const std::string& what) {
  std::snprintf(place.failure, sizeof place.failure, "%s", what.c_str());
}

}  // namespace

Crew::Crew(Control& control, const Clock& clock, Work work, std::uint64_t records_max)
    : control_(control),
      stamper_(control.tickets, clock),
      work_(std::move(work)),
      records_max_(kParentRecords),
      members_(kPlacesMax) {
  new_recorder();  // process 0 is the parent
  records_max_ = records_max;
}

Crew::~Crew() {
  for (std::uint32_t place = 0; place < kPlacesMax; ++place) {
    if (is_running(place)) kill(place);
  }
}

history::Recorder& Crew::new_recorder() {
  const auto process = static_cast<std::uint32_t>(recorders_.size());
  auto recorder = history::Recorder::create(scratch_.path("log" + std::to_string(process)), process,
                                            records_max_);
  if (!recorder) throw std::system_error(errno, std::generic_category(), "log of a worker");
  recorders_.push_back(std::make_unique<history::Recorder>(*std::move(recorder)));
  return *recorders_.back();
}

void Crew::start(std::uint32_t place) {
  history::Recorder& recorder = new_recorder();
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid > 0) {
    members_[place] = {pid, recorder.process(), false};
    return;
  }
  // No worker outlives a parent that was killed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(3);
  try {
    const std::string failure = work_(place, recorder);
    tell_failure(control_.places[place], failure);
    _exit(failure.empty() ? 0 : 1);
  } catch (const std::exception& exception) {
    tell_failure(control_.places[place], exception.what());
    _exit(1);
  }
}

bool Crew::is_running(std::uint32_t place) const noexcept { return members_[place].pid != 0; }
bool Crew::is_stopped(std::uint32_t place) const noexcept { return members_[place].stopped; }

void Crew::note(Event event, std::uint32_t process) {
  const auto stamp = stamper_.before_call();
  history::Record record;
  record.event = event;
  record.ticket = stamp.ticket;
  record.time_ns = stamp.time_ns;
  record.producer = process;
  recorders_[0]->append(record);
}

void Crew::kill(std::uint32_t place) {
  Member& member = members_[place];
  note(Event::kKilled, member.process);
  ::kill(member.pid, SIGKILL);
  waitpid(member.pid, nullptr, 0);
  note(Event::kDead, member.process);
  member = {};
}

void Crew::stop(std::uint32_t place) {
  Member& member = members_[place];
  note(Event::kStopped, member.process);
  ::kill(member.pid, SIGSTOP);
  // Until it really stands still; or has ended by itself.
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(member.pid), &info, WSTOPPED | WEXITED | WNOWAIT);
  member.stopped = info.si_code == CLD_STOPPED;
}

void Crew::go_on(std::uint32_t place) {
  Member& member = members_[place];
  if (!member.stopped) return;
  note(Event::kContinued, member.process);
  ::kill(member.pid, SIGCONT);
  member.stopped = false;
}

std::string Crew::reap() {
  std::string failures;
  for (std::uint32_t place = 0; place < kPlacesMax; ++place) {
    Member& member = members_[place];
    int status = 0;
    if (member.pid == 0 || waitpid(member.pid, &status, WNOHANG) != member.pid) continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      failures += "worker at place " + std::to_string(place);
      failures += WIFSIGNALED(status) ? " died by signal " + std::to_string(WTERMSIG(status))
                                      : std::string(" failed");
      failures += std::string(": ") + control_.places[place].failure + "\n";
    }
    member = {};
  }
  return failures;
}

std::uint32_t Crew::running() const noexcept {
  std::uint32_t count = 0;
  for (const Member& member : members_) count += member.pid != 0 ? 1u : 0u;
  return count;
}

std::vector<history::Log> Crew::logs() const {
  std::vector<history::Log> logs;
  for (const auto& recorder : recorders_) logs.push_back(recorder->read());
  return logs;
}

std::string Crew::last_calls() const {
  std::string text;
  for (std::uint32_t place = 0; place < kPlacesMax; ++place) {
    if (!is_running(place)) continue;
    const history::Log log = recorders_[members_[place].process]->read();
    text += "  place " + std::to_string(place) + (members_[place].stopped ? ", stopped" : "");
    if (log.records.empty()) {
      text += ": no call yet\n";
      continue;
    }
    const history::Record& last = log.records.back();
    text += std::string(": ") + history::name(last.action) +
            (last.event == Event::kInvoke ? " began and did not return\n" : " has returned\n");
  }
  return text;
}

std::string Crew::keep_logs() {
  scratch_.keep();
  return "the logs are in " + scratch_.directory();
}

Watchdog::Watchdog(const Control& control)
    : control_(control), since_ns_(SystemClock().monotonic_ns()) {}

bool Watchdog::barks() {
  const auto operations = control_.operations.load();
  const auto now = SystemClock().monotonic_ns();
  if (operations != seen_) {
    seen_ = operations;
    since_ns_ = now;
  }
  return now - since_ns_ > kPatienceNs;
}

}  // namespace ringpost::rig
