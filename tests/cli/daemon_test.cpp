// ringpostd, started as a service manager would start it.
#include <algorithm>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "child.hpp"

namespace ringpost::cli_test {
namespace {

class Daemon : public Child {
 public:
  explicit Daemon(const Words& words) : Child(words, Output::kRead, RINGPOST_DAEMON_PROGRAM) {}

  /// Reads what it logs up to the line that has `text` in it. False: it ended before.
  bool reads_until(const std::string& text) {
    while (true) {
      const std::string line = read_error_line();
      if (line.find(text) != std::string::npos) return true;
      if (line.empty()) return false;
    }
  }
};

/// The socket of a service manager.
class Manager {
 public:
  explicit Manager(const std::filesystem::path& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    close(socket_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  [[nodiscard]] std::string next_message() const {
    char bytes[1024];
    const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
    return got < 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(got));
  }

 private:
  int socket_;
};

using CliDaemon = CliTest;

TEST_F(CliDaemon, TellsTheServiceManagerThatItIsReadyAliveAndStopping) {
  Manager manager(directory_ / "notify");
  Daemon daemon({"--bus", "trading", "--sweep-every", "10ms"});
  EXPECT_EQ(manager.next_message().rfind("READY=1\n", 0), 0U);
  EXPECT_EQ(manager.next_message().rfind("WATCHDOG=1\n", 0), 0U);
  daemon.send_signal(SIGTERM);
  std::string last;
  while (last != "STOPPING=1") last = manager.next_message();
  const Outcome outcome = daemon.wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("stopping on SIGTERM"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("swept 0 dead processes"), std::string::npos) << outcome.err;
}

TEST_F(CliDaemon, GivesBackTheMessagesOfAConsumerThatWasKilled) {
  succeed({"queue", "create", "orders"});
  succeed({"send", "orders", "hello"});
  Child consumer({"work", "orders", "--", "sh", "-c", "kill -9 $PPID"});
  ASSERT_EQ(consumer.wait().status, 128 + SIGKILL);
  Daemon daemon({"--sweep-every", "10ms"});
  EXPECT_TRUE(daemon.reads_until("bus default: swept 1 dead process, 1 message returned"));
  EXPECT_EQ(succeed({"receive", "orders"}), "hello\n");
}

TEST_F(CliDaemon, LetsGoOfABusThatNobodyUses) {
  succeed({"queue", "create", "orders"});
  Daemon daemon({"--sweep-every", "10ms"});
  ASSERT_TRUE(daemon.reads_until("ready"));
  Outcome outcome;
  do {  // for a moment it is attached
    outcome = run({"bus", "remove", "default"});
  } while (outcome.err.find("attached") != std::string::npos);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(buses().empty());
}

TEST_F(CliDaemon, WritesTheLogsOfStreams) {
  succeed({"stream", "create", "ticks", "--shards", "1"});
  Daemon daemon({"--bus", "default", "--sweep-every", "10ms"});
  ASSERT_TRUE(daemon.reads_until("stream ticks: writing its log"));
  succeed({"put", "ticks", "--key", "EURUSD", "1.0842"});
  succeed({"stream", "create", "later", "--shards", "1"});
  EXPECT_TRUE(daemon.reads_until("stream later: writing its log"));
  daemon.send_signal(SIGTERM);
  EXPECT_EQ(daemon.wait().status, 0);
  EXPECT_NE(succeed({"get", "ticks"}).find("1.0842"), std::string::npos);
}

TEST_F(CliDaemon, BringsDurableQueuesBackAndWritesTheirLogs) {
  succeed({"queue", "create", "invoices", "--durable"});
  succeed({"send", "invoices", "hello"});
  std::filesystem::remove_all(directory_ / "buses");
  Daemon daemon({"--bus", "default", "--sweep-every", "10ms"});
  ASSERT_TRUE(daemon.reads_until("queue invoices: writing its log"));
  succeed({"send", "invoices", "world"});
  daemon.send_signal(SIGTERM);
  EXPECT_EQ(daemon.wait().status, 0);
  EXPECT_EQ(succeed({"receive", "invoices", "-n", "2"}), "hello\nworld\n");
}

TEST_F(CliDaemon, PutsOnDiskWhatNobodyWaitsFor) {
  succeed({"stream", "create", "ticks", "--shards", "1", "--durability", "memory"});
  Daemon daemon({"--bus", "default", "--sweep-every", "10ms", "--flush-after", "50ms"});
  ASSERT_TRUE(daemon.reads_until("stream ticks: writing its log"));
  succeed({"put", "ticks", "--key", "EURUSD", "1.0842"});
  boost::json::value shard;
  do {
    shard = json({"stat", "--streams", "ticks"}).at(0).at("shards").at(0);
  } while (shard.at("durable").to_number<std::uint64_t>() <
           shard.at("published").to_number<std::uint64_t>());
  EXPECT_NE(shard.at("writer_pid").to_number<int>(), 0);
}

TEST_F(CliDaemon, MakesTheBusThatItIsToldToLookAfterAndStaysOnIt) {
  Daemon daemon({"--bus", "trading", "--sweep-every", "10ms"});
  ASSERT_TRUE(daemon.reads_until("ready"));
  EXPECT_EQ(buses(), std::vector<std::string>{"trading"});
  EXPECT_NE(run({"bus", "remove", "trading"}).status, 0);
}

TEST_F(CliDaemon, ReadsItsOptionsFromAFile) {
  const std::string config =
      file("ringpostd.toml", "bus = [\"a\", \"b\"]\nsweep-every = \"20ms\"\n");
  Daemon daemon({"--config", config});
  ASSERT_TRUE(daemon.reads_until("ready: 2 buses in use"));
  std::vector<std::string> made = buses();
  std::sort(made.begin(), made.end());
  EXPECT_EQ(made, (std::vector<std::string>{"a", "b"}));
}

TEST_F(CliDaemon, SaysWhatIsWrongWithItsOptions) {
  const Outcome outcome = Daemon({"--sweep-every", "soon"}).wait();
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find("10ms to 1h"), std::string::npos) << outcome.err;
  EXPECT_EQ(Daemon({"--help"}).wait().status, 0);
  EXPECT_EQ(Daemon({"--bus", "no/such"}).wait().status, 1);
}

}  // namespace
}  // namespace ringpost::cli_test
