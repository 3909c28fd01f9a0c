// A server of the bench's own, and a connection to it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/disk_directory.hpp"
#include "ringpost/types.hpp"

namespace ringpost::bench::peers {

/// Killed with the object, and by the kernel if the bench dies. Runs on the second core.
class ServerProcess {
 public:
  /// Unsupported if there is no such program; `package` says what to install.
  ServerProcess(const std::string& program, const std::string& package,
                const std::vector<std::string>& arguments);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  [[nodiscard]] bool is_running() const noexcept;

 private:
  pid_t pid_ = -1;
  pid_t owner_ = -1;
};

/// A stream socket with buffers both ways. Throws on errors, at the end, and after 10 s of silence.
class Connection {
 public:
  static Connection to_path(const std::string& path);
  static Connection to_port(unsigned port);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  /// Into the buffer; send() sends it.
  void put(std::string_view text) { out_ += text; }
  void put(ByteSpan bytes) { out_ += as_text(bytes); }
  void send();
  /// Without the line's end; valid until the next call, like all that is read.
  std::string_view line();
  std::string_view bytes(std::size_t count);
  /// Something was received that was not read yet.
  [[nodiscard]] bool has_more() const noexcept { return begin_ < in_.size(); }

 private:
  explicit Connection(int socket);
  void receive();

  int socket_;
  std::string out_;
  std::string in_;
  std::size_t begin_ = 0;  // of what was not read yet
};

/// Tries until the server listens; throws when it has died or 10 s are over.
Connection connect_when_ready(const ServerProcess& server, const std::string& path);
Connection connect_when_ready(const ServerProcess& server, unsigned port);
/// One that nobody listened on a moment ago.
unsigned free_port();

}  // namespace ringpost::bench::peers
