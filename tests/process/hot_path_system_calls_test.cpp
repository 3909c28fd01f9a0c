// The hot path makes no system call: each of its calls runs in a child under a seccomp filter that
// kills the process on any system call but the end of it.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <new>

#include "process/rig/control.hpp"
#include "process/rig/depth.hpp"
#include "process/rig/hot_path.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::rig {
namespace {

/// What a child could do before it ended; in memory that it shares with the test.
struct Progress {
  std::atomic<std::uint64_t> turns{0};
  std::atomic<bool> under_filter{false};
};

/// Kills this process on any system call but its end and the one allowed.
bool forbid_system_calls(unsigned allowed = SYS_exit_group) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

class HotPathSystemCalls : public testing::Test {
 public:
  static pid_t start(const std::function<int()>& work) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(work());
  }
  static int result_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }

 protected:
  void SetUp() override {
    void* memory =
        mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    progress_ = new (memory) Progress;
    const int status = result_of(start([] {
      if (!forbid_system_calls()) return 9;
      return SystemClock().monotonic_ns() != 0 ? 0 : 1;
    }));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9) GTEST_SKIP() << "no seccomp filters here";
    if (WIFSIGNALED(status)) GTEST_SKIP() << "reading the clock is a system call on this machine";
  }
  void TearDown() override { munmap(progress_, sizeof(Progress)); }

  [[nodiscard]] BusOptions options() const {
    BusOptions options;
    options.shm_dir = scratch_.path("shm");
    return options;
  }

  const Scratch scratch_;
  Progress* progress_ = nullptr;
};

std::string describe(int status, const Progress& progress) {
  std::string text = "after " + std::to_string(progress.turns.load()) + " turns";
  text += progress.under_filter ? " under the filter" : " of warming up";
  if (WIFSIGNALED(status)) return text + ": signal " + std::to_string(WTERMSIG(status));
  return text + ": exit code " + std::to_string(WEXITSTATUS(status));
}

TEST_F(HotPathSystemCalls, FilterKillsWhoeverMakesOne) {
  const int status = result_of(start([] {
    if (!forbid_system_calls()) return 9;
    syscall(SYS_getppid);
    return 0;
  }));
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

int turn_many_times(const BusOptions& options, const HotCall& call, Progress& progress) {
  auto bus = Bus::open("hot", options);
  if (!bus) return 2;
  auto queue = bus->queue("hot");
  if (!queue) return 3;
  queue->set_waiting(Waiting::kSpin);
  HotPath path(*queue);
  for (int i = 0; i < 3'000; ++i, ++progress.turns) {
    if (!call.turn(path)) return 4;
  }
  progress.turns = 0;
  if (!forbid_system_calls()) return 9;
  progress.under_filter = true;
  for (int i = 0; i < by_depth(20'000, 200'000, 2'000'000); ++i, ++progress.turns) {
    if (!call.turn(path)) _exit(5);
  }
  _exit(0);  // the end of the bus makes system calls
}

TEST_F(HotPathSystemCalls, AreNeverMadeByAnyOfItsCalls) {
  for (const HotCall& call : hot_calls()) {
    progress_->under_filter = false;
    progress_->turns = 0;
    const int status =
        result_of(start([&] { return turn_many_times(options(), call, *progress_); }));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << call.name << " " << describe(status, *progress_);
  }
}

/// One side of a ping-pong: receives from one queue, again and again or waiting by spinning, and
/// sends to the other.
int pass_the_ball(const BusOptions& options, bool serves, bool waits, Progress& progress) {
  auto bus = Bus::open("hot", options);
  if (!bus) return 2;
  auto in = bus->queue(serves ? "pong" : "ping");
  auto out = bus->queue(serves ? "ping" : "pong");
  if (!in || !out) return 3;
  in->set_waiting(Waiting::kSpin);
  out->set_waiting(Waiting::kSpin);
  Leases received;
  ReceiveOptions receive;
  receive.wait = waits ? kForever : Duration::zero();
  const std::byte ball[16] = {};
  const auto hit = [&] {
    Errc result = Errc::kEmpty;
    while (result == Errc::kEmpty) result = in->receive(received, receive);
    if (result != Errc::kOk) return false;
    return received.front().acknowledge() == Errc::kOk && out->send(ByteSpan(ball)).has_value();
  };
  if (serves && !out->send(ByteSpan(ball))) return 4;
  for (int i = 0; i < 300; ++i) {
    if (!hit()) return 5;
  }
  // Who waits or finds nothing tests now and then whether the others are alive: by their locks,
  // with fcntl, at most every 100 ms, so that on a quiet machine it does not come to that here.
  if (!forbid_system_calls(SYS_fcntl)) return 9;
  progress.under_filter = true;
  for (int i = 0; i < 1'000; ++i, ++progress.turns) {
    if (!hit()) _exit(6);
  }
  _exit(0);  // the end of the bus makes system calls
}

void play(const BusOptions& options, bool waits, Progress& progress) {
  const pid_t server =
      HotPathSystemCalls::start([&] { return pass_the_ball(options, true, waits, progress); });
  const pid_t returner =
      HotPathSystemCalls::start([&] { return pass_the_ball(options, false, waits, progress); });
  for (const pid_t child : {server, returner}) {
    const int status = HotPathSystemCalls::result_of(child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << describe(status, progress);
  }
}

TEST_F(HotPathSystemCalls, AreNotMadeByPollingForAMessageOfAnotherProcess) {
  play(options(), false, *progress_);
}

TEST_F(HotPathSystemCalls, OfSpinningForAMessageNoneSleeps) { play(options(), true, *progress_); }

}  // namespace
}  // namespace ringpost::rig
