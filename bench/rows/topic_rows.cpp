// Rows of topics: topic/fanout/…, topic/filter/….
//
//   fanout  one process: what a delivery costs the publisher, to so many subscribers. Ratio
//           `queue_send`: to a plain send of the same message.
//   filter  one process: which of so many subscriptions get a message, ten of them (one, if there
//   is
//           one). Ratio `base`: to one subscription.
#include <fmt/format.h>

#include "filter/matcher.hpp"
#include "peers/ringpost_queue.hpp"
#include "rows/one_process.hpp"
#include "rows/rivals.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

constexpr std::uint32_t kBurst = 16;  // messages, between two looks at the clock

/// Queues that take a burst, and are emptied between two.
class Subscribers {
 public:
  explicit Subscribers(std::size_t count, std::size_t bytes) : body_(bytes, 'p') {
    QueueSettings settings{.message_bytes_max = 1 << 20, .slots = 64, .fixed = true};
    for (std::size_t i = 0; i < count; ++i) {
      queues_.push_back(bus_.queue(fmt::format("q{}", i), settings).value());
    }
  }
  /// Until the time is over; the time that `burst` took alone counts.
  template <class Burst>
  RunResult measure(const RunSettings& settings, std::size_t deliveries, Burst&& burst) {
    Ticks took = 0;
    bool verified = true;
    const auto rounds = until_time_is_over(settings, [&] {
      const Ticks begin = ticks_now();
      verified = burst(body_) && verified;
      took += ticks_now() - begin;
      verified = empty() && verified;
    });
    return result_of_one_process(rounds * deliveries, took, verified);
  }
  [[nodiscard]] Bus& bus() { return bus_; }
  [[nodiscard]] Queue& first() { return queues_.front(); }

 private:
  /// Whether each had the whole burst.
  bool empty() {
    for (Queue& queue : queues_) {
      if (queue.receive(leases_, {.max_messages = kBurst}) != Errc::kOk) return false;
      if (leases_.size() != kBurst) return false;
      for (Lease& lease : leases_) {
        if (lease.body().size() != body_.size() || lease.acknowledge() != Errc::kOk) return false;
      }
    }
    return true;
  }

  peers::TemporaryBus directory_;
  Bus bus_ = directory_.open();
  std::vector<Queue> queues_;
  Leases leases_;
  std::string body_;
};

Measurement publish_to(std::size_t count, std::size_t bytes) {
  struct Scene {
    Scene(std::size_t count, std::size_t bytes)
        : subscribers(count, bytes),
          topic(subscribers.bus().topic("t", {.message_bytes_max = 1 << 20}).value()) {
      for (std::size_t i = 0; i < count; ++i) {
        (void)topic.subscribe(fmt::format("q{}", i), {}).value();
      }
    }
    Subscribers subscribers;
    Topic topic;
  };
  auto scene = std::make_shared<std::unique_ptr<Scene>>();
  return [scene, count, bytes](const RunSettings& settings) {
    if (*scene == nullptr) *scene = std::make_unique<Scene>(count, bytes);
    return (*scene)->subscribers.measure(settings, kBurst * count, [&](const std::string& body) {
      bool sent = true;
      for (std::uint32_t i = 0; i < kBurst; ++i) {
        const auto published = (*scene)->topic.publish(body);
        sent = published && published->delivered == count && sent;
      }
      return sent;
    });
  };
}

Measurement send_one(std::size_t bytes) {
  auto scene = std::make_shared<std::unique_ptr<Subscribers>>();
  return [scene, bytes](const RunSettings& settings) {
    if (*scene == nullptr) *scene = std::make_unique<Subscribers>(1, bytes);
    return (*scene)->measure(settings, kBurst, [&](const std::string& body) {
      bool sent = true;
      for (std::uint32_t i = 0; i < kBurst; ++i) {
        sent = (*scene)->first().send(body).has_value() && sent;
      }
      return sent;
    });
  };
}

/// Ten subscriptions a value of the attribute; one, if there is one.
Measurement match_among(std::uint32_t count) {
  struct Scene {
    filter::Matcher matcher;
    filter::Scratch scratch;
    filter::Message message;
    std::vector<filter::SubscriptionNumber> matches;
  };
  auto scene = std::make_shared<std::unique_ptr<Scene>>();
  return [scene, count](const RunSettings& settings) {
    const std::uint32_t wanted = count == 1 ? 1 : 10;
    if (*scene == nullptr) {
      *scene = std::make_unique<Scene>();
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::string text =
            fmt::format(R"({{"symbol": ["s{}"], "size": [{{"numeric": [">", 0]}}]}})", i / 10);
        const auto policy = filter::Policy::parse(text, filter::Scope::kAttributes);
        if (policy) (*scene)->matcher.add(i, *policy);
      }
    }
    Scene& it = **scene;
    std::uint64_t number = 0;
    bool verified = true;
    std::array<char, 16> symbol{};
    const Ticks begin = ticks_now();
    const auto rounds = until_time_is_over(settings, [&] {
      for (std::uint32_t i = 0; i < 64; ++i) {
        number = number * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
        const auto end = fmt::format_to(symbol.data(), "s{}",
                                        (number >> 33) % std::max<std::uint32_t>(count / 10, 1));
        const Attribute attributes[] = {
            {"symbol", {symbol.data(), static_cast<std::size_t>(end - symbol.data())}},
            {"size", "7", "Number"}};
        it.matches.clear();
        it.message.set(AttributeList(attributes), "x");
        it.matcher.match(it.message, it.scratch, it.matches);
        verified = it.matches.size() == wanted && verified;
      }
    });
    return result_of_one_process(rounds * 64, ticks_now() - begin, verified);
  };
}

}  // namespace

void add_topic_rows(Rows& rows) {
  for (const std::size_t bytes : {std::size_t{1} << 10, std::size_t{256} << 10}) {
    for (const std::size_t subscribers : {1u, 2u, 10u, 100u, 1'000u}) {
      rows.push_back({fmt::format("topic/fanout/{}/subs{}", rivals::size_name(bytes), subscribers),
                      Unit::kNanoseconds,
                      {{"", publish_to(subscribers, bytes)}},
                      {{"queue_send", {{"", send_one(bytes)}}}},
                      subscribers == 10});
    }
  }
  for (const std::uint32_t subscriptions : {1u, 100u, 10'000u, 100'000u}) {
    rows.push_back({fmt::format("topic/filter/subs{}", subscriptions),
                    Unit::kNanoseconds,
                    {{"", match_among(subscriptions)}},
                    {{"base", {{"one", match_among(1)}}}},
                    subscriptions == 10'000});
  }
}

}  // namespace ringpost::bench
