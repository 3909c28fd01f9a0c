// TopicModel: topics and their queues as the rules say, for one caller at a time: lists.
//
// Left open is when a queue that has been received from, but not emptied, is full: positions behind
// those that are held are lost until the ring comes round. Which deliveries were refused there the
// model learns from the queue; everywhere else it says so itself.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/topic_program.hpp"
#include "ringpost/topic.hpp"

namespace ringpost::model {

inline constexpr std::size_t kSlots = 64;
inline constexpr int kNoQueue = -1;

enum class Holder : std::uint8_t { kNobody, kHand, kDead };

/// A message in a queue.
struct Copy {
  std::uint64_t serial = 0;
  std::uint64_t publish = 0;  ///< 0: it was sent
  std::string text{};         ///< of a document: its beginning
  std::string within{};       ///< of a document: stands in it
  bool json = false;
  std::uint8_t attribute = 0;
  std::string group{};
  std::string dedup_id{};
  std::uint32_t receive_count = 0;
  Holder holder = Holder::kNobody;
  bool off_order = false;  ///< counted in ModelledQueue::lost

  [[nodiscard]] bool is(std::string_view body) const {
    if (!json) return body == text;
    return body.starts_with(text) && body.find(within) != body.npos;
  }
};

struct ModelledQueue {
  bool exists = false;
  std::uint64_t life = 0;  ///< queues of one name are told apart by it
  bool fifo = false;
  std::vector<Copy> copies{};
  std::size_t lost = 0;  ///< positions, at most, that nobody can use now

  [[nodiscard]] bool is_full() const { return copies.size() >= kSlots; }
  [[nodiscard]] bool surely_takes(std::size_t more) const {
    return copies.size() + lost + more <= kSlots;
  }
  /// The first of its group that nobody holds, with those before it in `taken`; or any, in a
  /// standard queue.
  [[nodiscard]] bool may_give(const Copy& copy, const std::set<std::uint64_t>& taken) const;
  /// It has been given: before others of the same publish, whose order is seen only now.
  void put_in_order(std::uint64_t serial, const std::set<std::uint64_t>& taken);
  [[nodiscard]] std::size_t available() const;
  /// All of them, or one, may have been taken off the order of the ring.
  void count_off_order(Copy& copy) {
    if (!std::exchange(copy.off_order, true)) ++lost;
  }
  /// `views`: messages that are read in place, of any queue.
  void remove(std::uint64_t serial, std::size_t views);
};

struct ModelledSubscription {
  std::uint64_t id = 0;
  int queue = 0;
  std::uint64_t life = 0;  ///< of the queue that was subscribed
  int dead_letters = kNoQueue;
  std::uint8_t filter = 0;
  WhenFull when_full = WhenFull::kWait;
  bool json = false;
};

struct ModelledTopic {
  struct Id {
    MessageId id;
    std::uint64_t sequence = 0;
    std::uint64_t until_ns = 0;
  };
  std::uint64_t life = 0;
  bool fifo = false;
  Dedup dedup = Dedup::kOff;
  DedupScope scope = DedupScope::kQueue;
  Duration window{};
  std::uint64_t bytes_max = 256 * 1024;
  std::uint64_t sequence = 0;
  std::map<std::string, Id> ids{};
  std::vector<ModelledSubscription> subscriptions{};
  TopicStats stats{};
};

/// What is published.
struct Outgoing {
  std::string text;
  std::uint8_t key = 1;
  std::uint8_t attribute = 0;
  bool plain = false;
  bool large = false;
  std::string group{};
  std::string dedup_id{};
};

struct FilterText {
  const char* text;
  FilterScope scope;
};
[[nodiscard]] FilterText filter_text(std::uint8_t filter);
[[nodiscard]] bool accepts(std::uint8_t filter, const Outgoing& message);
[[nodiscard]] AttributeList attributes_of(std::uint8_t attribute);

class TopicModel {
 public:
  /// How many messages with these texts a queue has, for what the model leaves open.
  class Look {
   public:
    virtual ~Look() = default;
    [[nodiscard]] virtual std::size_t count(int queue, const Copy& like) = 0;
  };

  void make_queue(int queue, bool fifo);
  void delete_queue(int queue);
  /// The first difference, or "".
  [[nodiscard]] std::string published(int topic, const Outgoing& message, Errc code,
                                      const Published& got, std::uint64_t now_ns, Look& look);
  /// kOk: subscribed anew, or as it was.
  [[nodiscard]] Errc may_subscribe(int topic, const ModelledSubscription& wanted) const;
  [[nodiscard]] Errc may_have(bool queue_counts, const ModelledSubscription& wanted) const;

  [[nodiscard]] ModelledQueue& queue(int at) { return queues_[static_cast<std::size_t>(at)]; }
  [[nodiscard]] const ModelledQueue& queue(int at) const {
    return queues_[static_cast<std::size_t>(at)];
  }
  [[nodiscard]] ModelledTopic& topic(int at) { return topics_[static_cast<std::size_t>(at)]; }
  void add(int queue, Copy copy, std::uint64_t publish = 0);
  /// False: there were none.
  [[nodiscard]] bool end_leases_of_the_dead();

 private:
  /// Where one subscription's delivery goes.
  struct Way {
    int queue = kNoQueue;
    int dead_letters = kNoQueue;
    WhenFull when_full = WhenFull::kWait;
    bool json = false;
    bool diverted = false;
    bool refused = false;  ///< too large
    bool spills = false;   ///< it may not fit there
  };
  using Demand = std::array<std::size_t, kQueues>;
  using Counts = std::map<std::pair<int, bool>, std::size_t>;  ///< by queue, document or not

  [[nodiscard]] std::vector<Way> ways(const ModelledTopic& topic, const Outgoing& message,
                                      std::size_t& lost) const;
  [[nodiscard]] Demand demand(std::vector<Way>& ways) const;
  [[nodiscard]] std::string judge(ModelledTopic& topic, std::vector<Way>& ways, std::size_t lost,
                                  const Outgoing& message, Errc code, const Published& got,
                                  Look& look);
  [[nodiscard]] std::string decided(const std::vector<Way>& ways, std::size_t lost,
                                    const Published& got, Counts& arrived) const;
  [[nodiscard]] std::string learned(const std::vector<Way>& ways, std::size_t lost,
                                    const Demand& wanted, const Published& got,
                                    const Copy (&likes)[2], Counts& arrived, Look& look) const;

  std::array<ModelledQueue, kQueues> queues_;
  std::array<ModelledTopic, kTopics> topics_;
  std::uint64_t lives_ = 0;
  std::uint64_t serials_ = 0;
  std::uint64_t publishes_ = 0;
};

}  // namespace ringpost::model
