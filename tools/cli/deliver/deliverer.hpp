// Delivers what lies in the queues of endpoints: threads of its own for each subscription, so that
// a slow endpoint holds up nobody else.
//
//   queue ──receive──▶ attempt ──delivered──▶ acknowledged
//                         ├─ failed ────────▶ released with the delay of its policy
//                         └─ given up ──────▶ moved to the dead-letter queue, or discarded
//
// Leases make it crash-proof: what a deliverer that died had in hand is visible again at once.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "attempt.hpp"
#include "deliver_events.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::cli {

struct DeliverPlan {
  std::vector<std::string> topics;  ///< empty: all that there are
  AttemptOptions attempts;
  std::uint32_t parallel = 1;  ///< attempts at once for each subscription
  bool commands = true;        ///< exec: endpoints too
  bool until_empty = false;
  std::uint64_t seed = 0;  ///< of the jitter
};

/// Threads  its own; everything here is called by one.
class Deliverer {
 public:
  Deliverer(Context& context, Bus& bus, const DeliverPlan& plan, DeliverEvents& events);
  ~Deliverer();

  /// Takes up new subscriptions and those that changed. Returns how many it serves. Throws Failure
  /// when a topic that was named cannot be opened.
  std::size_t look_for_subscriptions();
  /// No queue has a visible message any more, if that is to end it.
  [[nodiscard]] bool is_idle();
  /// Takes no more messages, and waits for the attempts under way.
  void stop();
  /// Once stopped. Messages that came back and were not done with later; kept if it ends by itself.
  [[nodiscard]] std::size_t not_done() const noexcept { return not_done_.size(); }

 private:
  class Lane;
  class Worker;
  /// What of a topic its endpoints need to know.
  struct TopicOf {
    const std::string& name;
    std::string arn;
    std::string policy;  ///< its delivery policy, as JSON
  };
  void note(const DeliveryStatus& status);
  void look_into(const std::string& name, bool must_exist, std::vector<std::uint64_t>& seen);
  void take_up(const TopicOf& topic, const SubscriptionInfo& info);

  Context& context_;
  Bus& bus_;
  const DeliverPlan& plan_;
  DeliverEvents& events_;
  std::map<std::string, Topic> topics_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<std::string> not_done_;
  std::map<std::uint64_t, std::unique_ptr<Lane>> lanes_;  ///< by subscription; last: has threads
};

}  // namespace ringpost::cli
