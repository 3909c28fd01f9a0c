#include "peers/broker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <deque>
#include <stdexcept>
#include <string>

#include "harness/transport.hpp"
#include "peers/broker_process.hpp"

namespace ringpost::bench::peers {
namespace {

[[noreturn]] void unexpected(std::string_view answer) {
  throw std::runtime_error("unexpected answer: " + std::string(answer.substr(0, 80)));
}

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) unexpected(text);
  return number;
}

std::string_view last_word(std::string_view line) { return line.substr(line.rfind(' ') + 1); }

// ---- Redis ------------------------------------------------------------------------------------

class RedisClient final : public BrokerClient {
 public:
  explicit RedisClient(Connection connection) : connection_(std::move(connection)) {}

  void publish(ByteSpan body) override {
    connection_.put("*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n");
    connection_.put(fmt::format("${}\r\n", body.size()));
    connection_.put(body);
    connection_.put("\r\n");
  }
  void flush() override { connection_.send(); }
  std::size_t confirmed() override {
    std::size_t count = 0;
    do {
      bulk();  // the id
      ++count;
    } while (connection_.has_more());
    return count;
  }
  void take_all(std::size_t count, const std::function<void(ByteSpan)>& visit) override {
    connection_.put("*4\r\n$6\r\nXRANGE\r\n$1\r\ns\r\n$1\r\n-\r\n$1\r\n+\r\n");
    connection_.send();
    if (header('*') != count) throw std::runtime_error("Redis has another number of entries");
    for (std::size_t i = 0; i < count; ++i) {
      if (header('*') != 2) unexpected("entry");
      bulk();
      if (header('*') != 2) unexpected("fields");
      bulk();
      visit(as_bytes(bulk()));
    }
    connection_.put("*2\r\n$3\r\nDEL\r\n$1\r\ns\r\n");
    connection_.send();
    if (const std::string_view answer = connection_.line(); answer != ":1") unexpected(answer);
  }

 private:
  std::size_t header(char kind) {
    const std::string_view line = connection_.line();
    if (line.empty() || line.front() != kind) unexpected(line);
    return number_in(line.substr(1));
  }
  std::string_view bulk() {
    const std::size_t bytes = header('$');
    return connection_.bytes(bytes + 2).substr(0, bytes);
  }
  Connection connection_;
};

class Redis final : public Broker {
 public:
  Redis() : server_("redis-server", "redis-server", arguments()) {
    (void)connect_when_ready(server_, socket());
  }
  std::unique_ptr<BrokerClient> connect() override {
    return std::make_unique<RedisClient>(Connection::to_path(socket()));
  }

 private:
  [[nodiscard]] std::string socket() const { return (directory_.path() / "socket").string(); }
  [[nodiscard]] std::vector<std::string> arguments() const {
    return {"--port",
            "0",
            "--unixsocket",
            socket(),
            "--dir",
            directory_.path().string(),
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--auto-aof-rewrite-percentage",
            "0"};
  }
  DiskDirectory directory_;
  ServerProcess server_;
};

// ---- beanstalkd -------------------------------------------------------------------------------

class BeanstalkClient final : public BrokerClient {
 public:
  explicit BeanstalkClient(Connection connection) : connection_(std::move(connection)) {}

  void publish(ByteSpan body) override {
    connection_.put(fmt::format("put 0 0 600 {}\r\n", body.size()));
    connection_.put(body);
    connection_.put("\r\n");
  }
  void flush() override { connection_.send(); }
  std::size_t confirmed() override {
    std::size_t count = 0;
    do {
      const std::string_view answer = connection_.line();
      if (!answer.starts_with("INSERTED ")) unexpected(answer);
      ++count;
    } while (connection_.has_more());
    return count;
  }
  void take_all(std::size_t count, const std::function<void(ByteSpan)>& visit) override {
    for (std::size_t i = 0; i < count; ++i) {
      connection_.put("reserve-with-timeout 0\r\n");
      connection_.send();
      const std::string answer(connection_.line());  // RESERVED id bytes
      if (!answer.starts_with("RESERVED ")) unexpected(answer);
      const std::size_t bytes = number_in(last_word(answer));
      visit(as_bytes(connection_.bytes(bytes + 2).substr(0, bytes)));
      const std::size_t id_begin = answer.find(' ') + 1;
      const std::string id = answer.substr(id_begin, answer.rfind(' ') - id_begin);
      connection_.put(fmt::format("delete {}\r\n", id));
      connection_.send();
      if (const std::string_view deleted = connection_.line(); deleted != "DELETED") {
        unexpected(deleted);
      }
    }
  }

 private:
  Connection connection_;
};

class Beanstalkd final : public Broker {
 public:
  Beanstalkd()
      : server_("beanstalkd", "beanstalkd",
                {"-l", "unix:" + socket(), "-b", directory_.path().string(), "-f", "0"}) {
    (void)connect_when_ready(server_, socket());
  }
  std::unique_ptr<BrokerClient> connect() override {
    return std::make_unique<BeanstalkClient>(Connection::to_path(socket()));
  }

 private:
  [[nodiscard]] std::string socket() const { return (directory_.path() / "socket").string(); }
  DiskDirectory directory_;
  ServerProcess server_;
};

// ---- NATS JetStream ---------------------------------------------------------------------------

class NatsClient final : public BrokerClient {
 public:
  explicit NatsClient(Connection connection) : connection_(std::move(connection)) {
    connection_.line();  // INFO
    connection_.put(
        fmt::format("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\n"
                    "SUB i.*.{0} {1}\r\nSUB d.{0} {2}\r\nPING\r\n",
                    name(), kAnswers, kRecords));
    connection_.send();
    while (connection_.line() != "PONG") {
    }
  }
  void create_stream() {
    request("$JS.API.STREAM.CREATE.S",
            R"({"name":"S","subjects":["s"],"storage":"memory","retention":"limits",)"
            R"("discard":"old","num_replicas":1,"max_msgs":-1,"max_bytes":268435456})");
  }
  void publish(ByteSpan body) override {
    connection_.put(fmt::format("PUB s i.p.{} {}\r\n", name(), body.size()));
    connection_.put(body);
    connection_.put("\r\n");
  }
  void flush() override { connection_.send(); }
  std::size_t confirmed() override {
    std::size_t count = 0;
    do {
      const std::string_view answer = message(kAnswers);
      if (answer.find("\"seq\":") == std::string_view::npos) unexpected(answer);
      ++count;
    } while (connection_.has_more());
    return count;
  }
  void take_all(std::size_t count, const std::function<void(ByteSpan)>& visit) override {
    request("$JS.API.CONSUMER.CREATE.S", R"({"stream_name":"S","config":{"deliver_subject":"d.)" +
                                             name() +
                                             R"(","ack_policy":"none","deliver_policy":"all"}})");
    for (std::size_t i = 0; i < count; ++i) visit(as_bytes(message(kRecords)));
    request("$JS.API.STREAM.PURGE.S", "");
  }

 private:
  /// Of this client in inboxes: clients of different processes must not hear each other.
  static std::string name() { return std::to_string(::getpid()); }

  void request(const std::string& subject, const std::string& body) {
    connection_.put(fmt::format("PUB {} i.r.{} {}\r\n{}\r\n", subject, name(), body.size(), body));
    connection_.send();
    const std::string_view answer = message(kAnswers);
    if (answer.find("\"error\"") != std::string_view::npos) unexpected(answer);
  }
  /// The next one of that subscription. Records may come before the answer to what asked for them.
  std::string_view message(char subscription) {
    if (subscription == kRecords && !early_.empty()) {
      early_now_ = std::move(early_.front());
      early_.pop_front();
      return early_now_;
    }
    while (true) {
      const std::string_view line = connection_.line();
      if (line == "PING") {
        connection_.put("PONG\r\n");
        connection_.send();
        continue;
      }
      if (!line.starts_with("MSG ")) unexpected(line);
      const std::size_t subject = line.find(' ') + 1;
      const char of = line[line.find(' ', subject) + 1];
      const std::size_t bytes = number_in(last_word(line));
      const std::string_view content = connection_.bytes(bytes + 2).substr(0, bytes);
      if (of == subscription) return content;
      if (of == kRecords) early_.emplace_back(content);
    }
  }

  static constexpr char kAnswers = '1';
  static constexpr char kRecords = '2';
  Connection connection_;
  std::deque<std::string> early_;
  std::string early_now_;
};

class Nats final : public Broker {
 public:
  Nats()
      : port_(free_port()),
        server_("nats-server", "nats-server",
                {"-a", "127.0.0.1", "-p", std::to_string(port_), "-js", "-sd",
                 directory_.path().string()}) {
    NatsClient(connect_when_ready(server_, port_)).create_stream();
  }
  std::unique_ptr<BrokerClient> connect() override {
    return std::make_unique<NatsClient>(Connection::to_port(port_));
  }

 private:
  unsigned port_;
  DiskDirectory directory_;
  ServerProcess server_;
};

}  // namespace

std::unique_ptr<Broker> start_redis() { return std::make_unique<Redis>(); }
std::unique_ptr<Broker> start_beanstalkd() { return std::make_unique<Beanstalkd>(); }
std::unique_ptr<Broker> start_nats() { return std::make_unique<Nats>(); }

}  // namespace ringpost::bench::peers
