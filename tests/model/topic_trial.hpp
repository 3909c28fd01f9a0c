// TopicTrial: the same program on topics of the library and on the model; says where they differ.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/topic_model.hpp"
#include "support/test_bus.hpp"

namespace ringpost::model {

/// A bus whose time stands still, with three participants.
class TopicBench {
 public:
  [[nodiscard]] test::TestBus& bus() { return bus_; }
  [[nodiscard]] Bus& of(std::size_t actor) { return actor == 0 ? bus_.bus() : others_[actor - 1]; }

 private:
  test::TestBus bus_;
  Bus others_[kActors - 1] = {bus_.attach(), bus_.attach()};
};

class TopicTrial : private TopicModel::Look {
 public:
  /// Makes all queues and topics.
  explicit TopicTrial(TopicBench& bench);
  TopicTrial(const TopicTrial&) = delete;
  TopicTrial& operator=(const TopicTrial&) = delete;

  /// The first difference, or "". In the end everything is received and deleted, and nothing is
  /// left over. To be called once.
  [[nodiscard]] std::string run(const TopicProgram& program);
  /// What a topic has done.
  [[nodiscard]] const TopicStats& stats(int topic) { return model_.topic(topic).stats; }

 private:
  struct Hand {
    int queue = 0;
    std::uint64_t serial = 0;
    Receipt receipt;
    Lease lease;  ///< if it is read in place
    bool in_place = false;
  };
  template <class T>
  struct Handle {
    T of{};
    std::uint64_t life = 0;
  };
  /// What somebody told before his death.
  struct LastWords;

  void step(const TopicStep& step);
  void subscribe(const TopicStep& step);
  void set_subscription(const TopicStep& step);
  void unsubscribe(const TopicStep& step);
  void set_topic(const TopicStep& step);
  void remake_topic(const TopicStep& step);
  void publish(const TopicStep& step);
  void publish_batch(const TopicStep& step);
  void send(const TopicStep& step);
  void receive(const TopicStep& step);
  void settle(const TopicStep& step);
  void purge(const TopicStep& step);
  void delete_queue(int at, Bus& bus);
  void die(const TopicStep& step);
  void sweep(const TopicStep& step);
  void compare_stats(const TopicStep& step);
  [[nodiscard]] std::string compare_queues();
  [[nodiscard]] std::string compare_queue(int at);
  void finish();

  void make_topic(int at, const TopicStep& step);
  void make_queue(int at, const TopicStep& step);
  [[nodiscard]] Outgoing outgoing(const TopicStep& step, std::uint32_t i, bool in_batch);
  [[nodiscard]] Result<Published, Errc> publish_by(Topic& topic, const Outgoing& message);
  void judge(const TopicStep& step, const Outgoing& message,
             const Result<Published, Errc>& published);
  /// Null: it is found to be deleted, as it is.
  [[nodiscard]] Topic* topic(const TopicStep& step);
  [[nodiscard]] Queue& queue(std::size_t actor, int at);
  /// The messages that a receive gave: where they are in the model.
  [[nodiscard]] std::vector<std::uint64_t> recognise(int at, std::uint32_t wanted, Leases& leases);
  [[nodiscard]] Copy& copy(int at, std::uint64_t serial);
  [[nodiscard]] std::size_t views() const;
  void let_go(int at);
  [[nodiscard]] std::size_t count(int queue, const Copy& like) override;
  void differ(std::string what) {
    if (difference_.empty()) difference_ = std::move(what);
  }
  void expect(const char* call, Errc got, Errc right);
  [[nodiscard]] std::uint64_t now_ns() { return bench_.bus().clock().monotonic_ns(); }

  TopicBench& bench_;
  TopicModel model_;
  Handle<Queue> queues_[kActors][kQueues];
  Handle<Topic> topics_[kActors][kTopics];
  std::vector<Hand> hands_;
  std::uint64_t next_number_ = 1;
  std::uint64_t lives_ = 0;
  std::uint64_t passed_s_ = 0;
  std::string difference_;
};

/// Runs so many steps of random programs; the first difference, for people.
[[nodiscard]] std::string run_topic_programs(std::uint64_t steps);

}  // namespace ringpost::model
