#include "deliverer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/topic_text.hpp"
#include "../work/turns.hpp"

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLeaseBeyondTimeout = 15s;
constexpr Duration kTryAgain = 20s;  ///< of a dead-letter queue that takes nothing

/// One number for each attempt of each message: the same for the same seed.
std::uint64_t jitter_of(const Lease& message, std::uint64_t seed) noexcept {
  std::uint64_t x = seed ^ message.id().ring ^ message.id().position * 0x9e3779b97f4a7c15 ^
                    std::uint64_t{message.receive_count()} << 32;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

bool is_want_of_messages(Errc code) {
  return code == Errc::kEmpty || code == Errc::kTimedOut || code == Errc::kOverLimit ||
         code == Errc::kHeld;
}

}  // namespace

/// What is served of one subscription, and how: changes when its settings or those of its topic do.
struct Served {
  SubscriptionInfo info;
  std::string topic_policy;  ///< as the topic has it
  DeliveryPolicy policy;     ///< of both, in force
};

/// One subscription, with the threads that serve it.
class Deliverer::Lane {
 public:
  Lane(const TopicOf& topic, const SubscriptionInfo& info) : topic_(topic.name), arn_(topic.arn) {
    change(info, topic.policy);
  }
  void change(const SubscriptionInfo& info, const std::string& topic_policy) {
    // They were looked at when they were set: damage is served by the defaults.
    const auto own = DeliveryPolicy::parse(*info.settings.delivery_policy);
    const auto common = TopicDeliveryPolicy::parse(topic_policy);
    const auto policy =
        (common ? *common : TopicDeliveryPolicy{}).effective(own ? *own : DeliveryPolicy{});
    auto served = std::make_shared<Served>(Served{info, topic_policy, policy});
    const std::lock_guard lock(mutex_);
    served_ = std::move(served);
  }
  [[nodiscard]] std::shared_ptr<const Served> served() {
    const std::lock_guard lock(mutex_);
    return served_;
  }
  /// When the next attempt may begin; each gets a time of its own.
  [[nodiscard]] Turns::TimePoint next_turn(std::uint32_t per_second) {
    const std::lock_guard lock(mutex_);
    return turns_.take(std::chrono::steady_clock::now(), per_second);
  }

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] const std::string& arn() const noexcept { return arn_; }

 private:
  std::string topic_;
  std::string arn_;
  std::mutex mutex_;
  std::shared_ptr<const Served> served_;
  Turns turns_;

 public:
  std::vector<std::unique_ptr<Worker>> workers;  ///< last: they use all of the above to their end
};

/// One thread, a participant of its own.
class Deliverer::Worker {
 public:
  Worker(Deliverer& pool, Lane& lane, Bus bus, Queue queue)
      : pool_(pool),
        lane_(lane),
        bus_(std::move(bus)),
        queue_(std::move(queue)),
        attempts_(pool.plan_.attempts),
        thread_([this] { run(); }) {}
  ~Worker() {
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool is_over() const noexcept { return over_.load(); }

 private:
  void run();
  [[nodiscard]] bool goes_on() const noexcept { return !pool_.stopping_.load(); }
  bool take_one();
  void handle(Lease& message);
  void settle(Lease& message, DeliveryStatus& status);
  void try_again(Lease& message, DeliveryStatus& status, Duration delay, Ending ending);
  void give_up(Lease& message, DeliveryStatus& status);
  /// False: it is to end.
  bool sleep_until(std::chrono::steady_clock::time_point time) const;

  Deliverer& pool_;
  Lane& lane_;
  Bus bus_;
  Queue queue_;
  Attempts attempts_;
  Leases leases_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

void Deliverer::Worker::run() {
  queue_.set_waiting(Waiting::kPark);
  try {
    while (goes_on() && take_one()) {
    }
  } catch (const std::exception& error) {
    pool_.events_.ended(lane_.topic(), lane_.served()->info, error.what());
  }
  leases_.clear();
  over_.store(true);
}

/// False: this is the end.
bool Deliverer::Worker::take_one() {
  const auto served = lane_.served();
  if (served->policy.receives_per_second) {
    // Before the message is taken: nobody holds it while it waits for its turn.
    if (!sleep_until(lane_.next_turn(*served->policy.receives_per_second))) return false;
  }
  const Errc code = queue_.receive(
      leases_, {.wait = kInterruptSlice,
                .visibility_timeout = pool_.plan_.attempts.http.timeout + kLeaseBeyondTimeout});
  if (code == Errc::kOk) {
    handle(leases_.front());
    leases_.clear();
    return true;
  }
  if (is_want_of_messages(code)) return !pool_.plan_.until_empty;
  pool_.events_.ended(lane_.topic(), served->info, message(code));
  return false;
}

void Deliverer::Worker::handle(Lease& message) {
  const auto served = lane_.served();
  const Facts facts(message, served->info);
  const Outgoing what{message, facts, served->info, served->policy, lane_.topic(), lane_.arn()};
  const auto began_at = std::chrono::steady_clock::now();
  const AttemptResult result = attempts_.make(what);
  DeliveryStatus status{what, result};
  status.took = std::chrono::steady_clock::now() - began_at;
  settle(message, status);
  if (pool_.plan_.until_empty) pool_.note(status);
  pool_.events_.finished(status);
}

void Deliverer::Worker::settle(Lease& message, DeliveryStatus& status) {
  switch (status.result.verdict) {
    case push::Verdict::kDelivered:
      status.ending = message.acknowledge() == Errc::kOk ? Ending::kDelivered : Ending::kLate;
      return;
    case push::Verdict::kFailed: {
      const auto delay = status.what.policy.delay_after(status.what.facts.attempt,
                                                        jitter_of(message, pool_.plan_.seed));
      if (!delay) break;
      try_again(message, status, *delay, Ending::kRetried);
      return;
    }
    case push::Verdict::kRefused:
      break;
  }
  give_up(message, status);
}

void Deliverer::Worker::try_again(Lease& message, DeliveryStatus& status, Duration delay,
                                  Ending ending) {
  status.delay = delay;
  status.ending = message.release(delay) == Errc::kOk ? ending : Ending::kLate;
}

/// A dead-letter queue that is full or gone keeps it here: another attempt is made then.
void Deliverer::Worker::give_up(Lease& message, DeliveryStatus& status) {
  const std::string& name = *status.what.subscription.settings.dead_letter_queue;
  if (name.empty()) {
    status.ending = message.acknowledge() == Errc::kOk ? Ending::kDiscarded : Ending::kLate;
    return;
  }
  auto dead_letters = bus_.open_queue(name);
  const Errc code = dead_letters ? message.move_to(*dead_letters) : Errc::kNotFound;
  if (code == Errc::kOk) {
    status.ending = Ending::kDeadLettered;
  } else if (code == Errc::kStaleReceipt) {
    status.ending = Ending::kLate;
  } else {
    try_again(message, status, kTryAgain, Ending::kKept);
  }
}

bool Deliverer::Worker::sleep_until(std::chrono::steady_clock::time_point time) const {
  while (goes_on()) {
    const Duration left = time - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return true;
    std::this_thread::sleep_for(std::min(left, kInterruptSlice));
  }
  return false;
}

Deliverer::Deliverer(Context& context, Bus& bus, const DeliverPlan& plan, DeliverEvents& events)
    : context_(context), bus_(bus), plan_(plan), events_(events) {}

Deliverer::~Deliverer() { stop(); }

std::size_t Deliverer::look_for_subscriptions() {
  std::vector<std::uint64_t> seen;
  if (plan_.topics.empty()) {
    const auto names = bus_.topic_names();
    require(names, context_.subject("list topics"));
    for (const std::string& name : *names) look_into(name, false, seen);
  } else {
    for (const std::string& name : plan_.topics) look_into(name, true, seen);
  }
  std::erase_if(lanes_, [&](const auto& each) {
    const bool is_gone = std::find(seen.begin(), seen.end(), each.first) == seen.end();
    return is_gone && std::all_of(each.second->workers.begin(), each.second->workers.end(),
                                  [](const auto& worker) { return worker->is_over(); });
  });
  return lanes_.size();
}

/// A topic of its own choice may be deleted at any time, and made again.
void Deliverer::look_into(const std::string& name, bool must_exist,
                          std::vector<std::uint64_t>& seen) {
  auto known = topics_.find(name);
  if (known == topics_.end()) {
    auto opened = bus_.open_topic(name);
    if (!opened && must_exist && lanes_.empty()) {
      require_of_topic(context_, opened, fmt::format("open topic {}", name), name);
    }
    if (!opened) return;
    known = topics_.emplace(name, std::move(*opened)).first;
  }
  const auto all = known->second.subscriptions();
  if (!all) {
    topics_.erase(known);
    return;
  }
  const Topic& topic = known->second;
  const TopicOf about{name, topic.arn(), *topic.settings().delivery_policy};
  for (const SubscriptionInfo& each : *all) {
    if (each.endpoint.empty()) continue;
    if (!plan_.commands && each.endpoint.starts_with("exec:")) continue;
    seen.push_back(each.id);
    take_up(about, each);
  }
}

void Deliverer::take_up(const TopicOf& topic, const SubscriptionInfo& info) {
  const auto known = lanes_.find(info.id);
  if (known != lanes_.end()) {
    const auto served = known->second->served();
    if (served->info.settings != info.settings || served->topic_policy != topic.policy) {
      known->second->change(info, topic.policy);
    }
    return;
  }
  auto lane = std::make_unique<Lane>(topic, info);
  for (std::uint32_t i = 0; i < plan_.parallel; ++i) {
    auto bus = bus_.clone();
    auto queue = bus ? bus->open_queue(info.queue) : Result<Queue>(Unexpected(bus.error()));
    if (!queue) {
      events_.trouble(fmt::format("cannot deliver to {}: {}", info.endpoint, queue.error().what));
      break;
    }
    lane->workers.push_back(
        std::make_unique<Worker>(*this, *lane, std::move(*bus), std::move(*queue)));
  }
  if (lane->workers.empty()) return;  // the next look tries again
  events_.began(topic.name, info);
  lanes_.emplace(info.id, std::move(lane));
}

bool Deliverer::is_idle() {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& each) {
    return std::all_of(each.second->workers.begin(), each.second->workers.end(),
                       [](const auto& worker) { return worker->is_over(); });
  });
}

void Deliverer::note(const DeliveryStatus& status) {
  const bool is_left = status.ending == Ending::kRetried || status.ending == Ending::kKept ||
                       status.ending == Ending::kLate;
  const std::lock_guard lock(mutex_);
  if (is_left) {
    not_done_.insert(status.what.facts.delivery_id);
  } else {
    not_done_.erase(status.what.facts.delivery_id);
  }
}

void Deliverer::stop() {
  stopping_.store(true);
  lanes_.clear();
}

}  // namespace ringpost::cli
