#include "handler_process.hpp"

#include <cerrno>
#include <csignal>
#include <initializer_list>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringpost::cli {
namespace {

constexpr int kFailuresDescriptor = 3;
constexpr int kSetUpFailed = 127;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

/// While it lives no signal arrives: between fork() and exec() a child has our handlers, and what
/// they would note is noted in us.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { restore(); }
  void restore() const noexcept { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// The child's side: only what is allowed between fork() and exec() in a program with threads.
struct Child {
  const HandlerStart& start;
  char* const* arguments;
  char* const* environment;
  const BlockedSignals& blocked;
  pid_t parent;
  int trouble;  ///< closed by exec(), or gets the errno

  [[noreturn]] void run() const noexcept {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kSetUpFailed);
    setpgid(0, 0);
    if (dup2(start.input, STDIN_FILENO) >= 0 && give_failures() && redirect()) {
      for (const int number : {SIGINT, SIGTERM, SIGHUP}) forget_our_handler(number);
      std::signal(SIGPIPE, SIG_DFL);
      blocked.restore();
      execvpe(arguments[0], arguments, environment);
    }
    const int code = errno;
    if (write(trouble, &code, sizeof code) < 0) _exit(kSetUpFailed);
    _exit(kSetUpFailed);
  }

 private:
  [[nodiscard]] bool give_failures() const noexcept {
    return start.failures < 0 || dup2(start.failures, kFailuresDescriptor) >= 0;
  }
  [[nodiscard]] bool redirect() const noexcept {
    return !start.output_to_errors || dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
  }
  /// A signal that somebody before us chose to ignore stays ignored.
  static void forget_our_handler(int number) noexcept {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler == SIG_IGN) return;
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, nullptr);
  }
};

/// The errno of the child's exec(), 0 when it worked.
int trouble_of_child(const Descriptor& pipe) noexcept {
  int code = 0;
  while (read(pipe.number(), &code, sizeof code) < 0 && errno == EINTR) {
  }
  return code;
}

}  // namespace

HandlerProcess::HandlerProcess(const HandlerStart& start) {
  const std::vector<char*> arguments = pointers(start.command);
  const std::vector<char*> environment = pointers(start.environment);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("cannot open a pipe");
  const Descriptor read_end(ends[0]);
  {
    const Descriptor low_end(ends[1]);
    // Above the descriptors that the child is given.
    const Descriptor write_end(fcntl(ends[1], F_DUPFD_CLOEXEC, kFailuresDescriptor + 1));
    if (!write_end.is_open()) fail("cannot open a pipe");
    const BlockedSignals blocked;
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) fail("cannot start a process");
    if (pid_ == 0) {
      Child{start, arguments.data(), environment.data(), blocked, parent, write_end.number()}.run();
    }
  }
  const int code = trouble_of_child(read_end);
  if (code != 0) {
    wait();
    throw CannotExecute(code, std::generic_category(), start.command.front());
  }
  pidfd_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.is_open()) {
    const int why = errno;
    signal(SIGKILL);
    wait();
    errno = why;
    fail("cannot watch a process");
  }
}

HandlerProcess::HandlerProcess(HandlerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

HandlerProcess::~HandlerProcess() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  wait();
}

void HandlerProcess::signal(int number) const noexcept { kill(-pid_, number); }

HandlerEnd HandlerProcess::wait() noexcept {
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  // Its number is still its own, so the group can be nobody else's.
  signal(SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  HandlerEnd end;
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace ringpost::cli
