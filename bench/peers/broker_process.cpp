#include "peers/broker_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "harness/runner.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {
namespace {

constexpr std::chrono::seconds kPatience{10};

std::string find_program(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string directories = path == nullptr ? "" : path;
  directories += ":/usr/sbin:/usr/local/sbin";
  for (std::size_t begin = 0; begin <= directories.size();) {
    const std::size_t end = std::min(directories.find(':', begin), directories.size());
    const std::string file = directories.substr(begin, end - begin) + "/" + program;
    if (::access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return "";
}

[[noreturn]] void be_server(const std::string& file, const std::vector<std::string>& arguments,
                            int core) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGINT, SIG_IGN);  // the bench decides
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  ::sched_setaffinity(0, sizeof set, &set);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int descriptor : {0, 1, 2}) ::dup2(nowhere, descriptor);
  std::vector<char*> argv{const_cast<char*>(file.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(file.c_str(), argv.data());
  ::_exit(127);
}

int connected(int family, const sockaddr* address, socklen_t length) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) throw std::system_error(errno, std::generic_category(), "socket");
  if (::connect(socket, address, length) == 0) return socket;
  const int error = errno;
  ::close(socket);
  throw std::system_error(error, std::generic_category(), "connect");
}

sockaddr_in loopback(unsigned port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

template <class Connect>
Connection patiently(const ServerProcess& server, Connect connect) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    try {
      return connect();
    } catch (const std::system_error&) {
      const bool late = std::chrono::steady_clock::now() > deadline;
      if (late || !server.is_running()) throw Unsupported("the server does not come up");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

ServerProcess::ServerProcess(const std::string& program, const std::string& package,
                             const std::vector<std::string>& arguments)
    : owner_(::getpid()) {
  const std::string file = find_program(program);
  if (file.empty()) throw Unsupported("not installed (Debian package " + package + ")");
  const int core = pinned_cores().second;
  pid_ = ::fork();
  if (pid_ == 0) be_server(file, arguments, core);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
}

ServerProcess::~ServerProcess() {
  if (pid_ <= 0 || ::getpid() != owner_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool ServerProcess::is_running() const noexcept {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return true;
  return info.si_pid == 0;
}

Connection::Connection(int socket) : socket_(socket) {
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

Connection::Connection(Connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      begin_(other.begin_) {}

Connection::~Connection() {
  if (socket_ >= 0) ::close(socket_);
}

Connection Connection::to_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Unsupported("too long a path: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return Connection(
      connected(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

Connection Connection::to_port(unsigned port) {
  const sockaddr_in address = loopback(port);
  Connection connection(
      connected(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  const int yes = 1;
  ::setsockopt(connection.socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return connection;
}

void Connection::send() {
  for (std::size_t sent = 0; sent < out_.size();) {
    const ssize_t some = ::send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (some < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "send");
    if (some > 0) sent += static_cast<std::size_t>(some);
  }
  out_.clear();
}

void Connection::receive() {
  in_.erase(0, begin_);
  begin_ = 0;
  char memory[64 * 1024];
  const ssize_t some = ::recv(socket_, memory, sizeof memory, 0);
  if (some == 0) throw std::runtime_error("the server hung up");
  if (some < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "recv");
  if (some > 0) in_.append(memory, static_cast<std::size_t>(some));
}

std::string_view Connection::line() {
  std::size_t end = 0;
  while ((end = in_.find("\r\n", begin_)) == std::string::npos) receive();
  const std::string_view text(in_.data() + begin_, end - begin_);
  begin_ = end + 2;
  return text;
}

std::string_view Connection::bytes(std::size_t count) {
  while (in_.size() - begin_ < count) receive();
  begin_ += count;
  return {in_.data() + begin_ - count, count};
}

Connection connect_when_ready(const ServerProcess& server, const std::string& path) {
  return patiently(server, [&] { return Connection::to_path(path); });
}

Connection connect_when_ready(const ServerProcess& server, unsigned port) {
  return patiently(server, [&] { return Connection::to_port(port); });
}

unsigned free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  const bool bound = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
                     ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(socket);
  if (!bound) throw Unsupported("no port is free");
  return ntohs(address.sin_port);
}

}  // namespace ringpost::bench::peers
