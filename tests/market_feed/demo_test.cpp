// The demo as a whole, on the first lines of the feed: it holds every promise, it notices a forged
// record, and it leaves nothing behind, also after Ctrl-C and after its own death.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "ringpost/bus.hpp"

namespace ringpost::market_feed {
namespace {

/// Buses of the demo live in a directory of this test, so that other runs are not disturbed.
class Demo : public testing::Test {
 protected:
  Demo() {
    char path[] = "/dev/shm/market-feed-test-XXXXXX";
    directory_ = mkdtemp(path);
    setenv("RINGPOST_SHM_DIR", directory_.c_str(), 1);
  }
  ~Demo() override {
    unsetenv("RINGPOST_SHM_DIR");
    std::filesystem::remove_all(directory_);
  }

  static pid_t start(std::vector<std::string> options) {
    options.insert(options.begin(), {RINGPOST_MARKET_FEED_PROGRAM, "run", RINGPOST_MARKET_FEED});
    std::vector<char*> argv;
    for (std::string& option : options) argv.push_back(option.data());
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      for (const int each : {SIGINT, SIGTERM, SIGHUP}) signal(each, SIG_DFL);
      execv(argv[0], argv.data());
      _exit(127);
    }
    return pid;
  }
  static int end_of(pid_t pid) {
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  static int run(const std::vector<std::string>& options) { return end_of(start(options)); }

  static std::vector<std::string> buses() {
    const auto names = Bus::list();
    return names ? *names : std::vector<std::string>{};
  }
  static void await_a_bus() {
    while (buses().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  std::string directory_;
};

TEST_F(Demo, HoldsEveryPromise) {
  EXPECT_EQ(run({"--lines", "4000"}), 0);
  EXPECT_TRUE(buses().empty());
}

TEST_F(Demo, NoticesForgedRecords) {
  for (const char* how : {"lost", "changed", "left-out"}) {
    EXPECT_EQ(run({"--lines", "1000", "--forge", how}), 1) << how;
  }
}

TEST_F(Demo, RemovesItsBusAfterCtrlC) {
  const pid_t pid = start({});
  await_a_bus();
  kill(pid, SIGINT);
  EXPECT_EQ(end_of(pid), 130);
  EXPECT_TRUE(buses().empty());
}

TEST_F(Demo, RemovesTheBusOfARunThatWasKilled) {
  const pid_t pid = start({});
  await_a_bus();
  kill(pid, SIGKILL);
  EXPECT_EQ(end_of(pid), -SIGKILL);
  EXPECT_EQ(buses().size(), 1u);
  // Its workers die with it, but not before it: a next run may still find them attached.
  for (int runs = 0; runs < 10 && !buses().empty(); ++runs) {
    EXPECT_EQ(run({"--lines", "1000"}), 0);
  }
  EXPECT_TRUE(buses().empty());
}

TEST_F(Demo, KeepsItsBusWhenAsked) {
  EXPECT_EQ(run({"--lines", "1000", "--keep"}), 0);
  EXPECT_EQ(buses().size(), 1u);
}

TEST_F(Demo, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(run({"--lines", "1000", "--svg", "/nonexistent/picture.svg"}), 2);
  EXPECT_TRUE(buses().empty());
}

}  // namespace
}  // namespace ringpost::market_feed
