// AMQP 0-9-1, as much of it as confirmed publishing needs.
#include <array>
#include <cstring>
#include <stdexcept>

#include "harness/transport.hpp"
#include "peers/broker.hpp"
#include "peers/broker_process.hpp"

namespace ringpost::bench::peers {
namespace {

constexpr unsigned kPort = 5672;
constexpr char kMethod = 1;
constexpr char kHeader = 2;
constexpr char kBody = 3;
constexpr char kHeartbeat = 8;
constexpr std::string_view kFrameEnd = "\xCE";

/// Numbers in network order, short strings with a byte for their length.
class Writer {
 public:
  template <class T>
  Writer& number(T value) {
    for (std::size_t i = sizeof value; i-- > 0;) text_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  Writer& method(std::uint16_t of_class, std::uint16_t method) {
    return number(of_class).number(method);
  }
  Writer& name(std::string_view text) {
    number(static_cast<std::uint8_t>(text.size()));
    text_ += text;
    return *this;
  }
  Writer& long_text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    text_ += text;
    return *this;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

template <class T>
T number_at(std::string_view text, std::size_t at) {
  if (text.size() < at + sizeof(T)) throw std::runtime_error("AMQP: a short frame");
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8 | static_cast<std::uint8_t>(text[at + i]));
  }
  return value;
}

constexpr std::uint32_t method_id(std::uint32_t of_class, std::uint32_t method) noexcept {
  return of_class << 16 | method;
}

class RabbitClient final : public BrokerClient {
 public:
  explicit RabbitClient(Connection connection) : connection_(std::move(connection)) {
    connection_.put(std::string_view("AMQP\0\0\x09\x01", 8));
    connection_.send();
    expect(10, 10);  // start
    const std::string_view login("\0guest\0guest", 12);
    call(Writer().method(10, 11).number(0u).name("PLAIN").long_text(login).name("en_US"), 0);
    expect(10, 30);  // tune
    call(Writer().method(10, 31).number(std::uint16_t{1}).number(131'072u).number(std::uint16_t{0}),
         0);
    call(Writer().method(10, 40).name("/").name("").number(std::uint8_t{0}), 0);
    expect(10, 41);
    call(Writer().method(20, 10).name(""), 1);  // a channel
    expect(20, 11);
    declare();
    call(Writer().method(85, 10).number(std::uint8_t{0}), 1);  // confirms
    expect(85, 11);
  }

  /// Takes away what an earlier bench left.
  void purge() {
    call(Writer()
             .method(50, 30)
             .number(std::uint16_t{0})
             .name("ringpost-bench")
             .number(std::uint8_t{0}),
         1);
    expect(50, 31);  // purged
  }

  void publish(ByteSpan body) override {
    frame(kMethod, 1,
          Writer()
              .method(60, 40)
              .number(std::uint16_t{0})
              .name("")
              .name("ringpost-bench")
              .number(std::uint8_t{0})
              .text());
    // Delivery mode 2: persistent.
    frame(kHeader, 1,
          Writer()
              .method(60, 0)
              .number(std::uint64_t{body.size()})
              .number(std::uint16_t{0x1000})
              .number(std::uint8_t{2})
              .text());
    frame(kBody, 1, as_text(body));
  }
  void flush() override { connection_.send(); }
  std::size_t confirmed() override {
    std::size_t count = 0;
    do {
      const std::string_view ack = expect(60, 80);
      const auto tag = number_at<std::uint64_t>(ack, 4);
      const bool multiple = (number_at<std::uint8_t>(ack, 12) & 1) != 0;
      // Single ones may come out of order; only how many there are matters here.
      count += multiple ? tag - all_below_ : 1;
      if (multiple) count -= singles_above(tag);
      if (!multiple) singles_.push_back(tag);
    } while (connection_.has_more());
    return count;
  }
  void take_all(std::size_t count, const std::function<void(ByteSpan)>& visit) override {
    for (std::size_t i = 0; i < count; ++i) {
      call(Writer()
               .method(60, 70)
               .number(std::uint16_t{0})
               .name("ringpost-bench")
               .number(std::uint8_t{1}),
           1);
      expect(60, 71);  // get-ok
      std::string_view header = next_frame(kHeader);
      auto left = number_at<std::uint64_t>(header, 4);
      std::string body;
      while (body.size() < left) body += next_frame(kBody);
      visit(as_bytes(body));
    }
  }

 private:
  void declare() {
    constexpr std::uint8_t kDurable = 2;
    call(Writer()
             .method(50, 10)
             .number(std::uint16_t{0})
             .name("ringpost-bench")
             .number(kDurable)
             .number(0u),
         1);
    expect(50, 11);
  }
  void frame(char kind, std::uint16_t channel, std::string_view content) {
    connection_.put(
        Writer().number(static_cast<std::uint8_t>(kind)).number(channel).long_text(content).text());
    connection_.put(kFrameEnd);
  }
  void call(const Writer& method, std::uint16_t channel) {
    frame(kMethod, channel, method.text());
    connection_.send();
  }
  std::string_view next_frame(char kind) {
    while (true) {
      const std::string_view head = connection_.bytes(7);
      const char found = head[0];
      const auto length = number_at<std::uint32_t>(head, 3);
      const std::string_view content = connection_.bytes(length + 1).substr(0, length);
      if (found == kHeartbeat) continue;
      if (found != kind) throw std::runtime_error("AMQP: another frame");
      return content;
    }
  }
  std::string_view expect(std::uint32_t of_class, std::uint32_t method) {
    const std::string_view content = next_frame(kMethod);
    const auto id = number_at<std::uint32_t>(content, 0);
    if (id != method_id(of_class, method)) {
      throw std::runtime_error("AMQP: method " + std::to_string(id >> 16) + "." +
                               std::to_string(id & 0xFFFF) + " instead of " +
                               std::to_string(of_class) + "." + std::to_string(method));
    }
    return content;
  }
  /// How many tags up to this one were confirmed one by one; they are forgotten.
  std::size_t singles_above(std::uint64_t tag) {
    std::size_t count = 0;
    std::erase_if(singles_, [&](std::uint64_t single) {
      const bool covered = single <= tag;
      count += covered ? 1 : 0;
      return covered;
    });
    all_below_ = tag;
    return count;
  }

  Connection connection_;
  std::uint64_t all_below_ = 0;
  std::vector<std::uint64_t> singles_;
};

class Rabbit final : public Broker {
 public:
  Rabbit() {
    try {
      RabbitClient(Connection::to_port(kPort)).purge();
    } catch (const std::system_error&) {
      throw Unsupported("no server on 127.0.0.1:5672 (Debian package rabbitmq-server)");
    }
  }
  std::unique_ptr<BrokerClient> connect() override {
    return std::make_unique<RabbitClient>(Connection::to_port(kPort));
  }
};

}  // namespace

std::unique_ptr<Broker> find_rabbitmq() { return std::make_unique<Rabbit>(); }

}  // namespace ringpost::bench::peers
