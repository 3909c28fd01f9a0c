#include "process/rig/reference_queue.hpp"

#include <algorithm>

#include "process/history/body.hpp"

namespace ringpost::rig {

namespace {

std::uint64_t ns_of(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

class ReferenceClient final : public Client {
 public:
  explicit ReferenceClient(ReferenceQueue& queue) : queue_(queue) {}

  Sent send(std::span<const OutMessage> messages, SendWay way,
            const SendOptions& options) override {
    Sent sent = queue_.send(messages, options);
    if (way == SendWay::kBatch) sent.id = {};
    return sent;
  }
  Errc receive(const ReceiveOptions& options, std::vector<Hand>& into) override {
    return queue_.receive(options, into);
  }
  Errc settle(Hand& hand, Action action, Duration duration) override {
    return queue_.settle(hand.receipt, action, duration);
  }
  Errc settle(const Receipt& receipt, Action action, Duration duration) override {
    return queue_.settle(receipt, action, duration);
  }
  Errc purge(std::uint64_t& removed) override {
    removed = queue_.purge();
    return Errc::kOk;
  }
  Errc set(const QueueSettings& changes) override {
    queue_.set(changes);
    return Errc::kOk;
  }
  std::vector<std::string> peek(std::size_t count) override { return queue_.peek(count); }
  Content content() override { return queue_.content(); }
  Swept sweep() override { return {}; }

 private:
  ReferenceQueue& queue_;
};

}  // namespace

std::unique_ptr<Client> ReferenceQueue::client() {
  return std::make_unique<ReferenceClient>(*this);
}

void ReferenceQueue::make_due() {
  const auto now = clock_.monotonic_ns();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const auto position = waiting_.begin()->second;
    Entry& entry = entries_.at(position);
    no_longer_waiting(position, entry);
    entry.due_ns = 0;
    in_flight_ -= std::exchange(entry.leased, false) ? 1u : 0u;
    visible_.insert(position);
  }
}

void ReferenceQueue::wait_until(std::uint64_t position, Entry& entry, std::uint64_t due_ns) {
  no_longer_waiting(position, entry);
  entry.due_ns = due_ns;
  waiting_.emplace(due_ns, position);
}

void ReferenceQueue::no_longer_waiting(std::uint64_t position, const Entry& entry) {
  waiting_.erase({entry.due_ns, position});
  visible_.erase(position);
}

Sent ReferenceQueue::send(std::span<const OutMessage> messages, const SendOptions& options) {
  const std::lock_guard lock(mutex_);
  Sent sent;
  for (const OutMessage& message : messages) {
    if (entries_.size() >= messages_max_) break;
    const auto position = next_position_++;
    Entry& entry = entries_[position];
    entry.body = as_text(message.body);
    entry.has_attribute = !message.attributes.empty();
    const auto delay_ns = ns_of(options.delay.value_or(Duration::zero()));
    if (delay_ns > 0) {
      wait_until(position, entry, clock_.monotonic_ns() + delay_ns);
    } else {
      visible_.insert(position);
    }
    sent.id = {1, position};
    ++sent.accepted;
  }
  sent.result = sent.accepted == 0 ? Errc::kFull : Errc::kOk;
  return sent;
}

Errc ReferenceQueue::receive(const ReceiveOptions& options, std::vector<Hand>& into) {
  const std::lock_guard lock(mutex_);
  make_due();
  if (visible_.empty()) return Errc::kEmpty;
  if (in_flight_ >= in_flight_max_) return Errc::kOverLimit;
  const auto end_ns = clock_.monotonic_ns() + ns_of(*options.visibility_timeout);
  for (std::uint32_t i = 0; i < options.max_messages; ++i) {
    if (visible_.empty() || in_flight_ >= in_flight_max_) break;
    const auto position = *visible_.begin();
    Entry& entry = entries_.at(position);
    ++entry.receive_count;
    ++in_flight_;
    entry.leased = true;
    wait_until(position, entry, end_ns);
    Hand hand;
    const auto content = history::read_body(as_bytes(entry.body));
    hand.damaged = !content || content->has_attribute != entry.has_attribute;
    if (content) hand.key = content->key;
    hand.id = {1, position};
    hand.receipt = {1, 0, static_cast<std::uint32_t>(position), 1, entry.receive_count};
    into.push_back(std::move(hand));
  }
  return Errc::kOk;
}

Errc ReferenceQueue::settle(const Receipt& receipt, Action action, Duration duration) {
  const std::lock_guard lock(mutex_);
  make_due();
  const std::uint64_t position = receipt.slot;
  const auto found = entries_.find(position);
  if (found == entries_.end() || found->second.receive_count != receipt.receive_count) {
    return Errc::kStaleReceipt;
  }
  Entry& entry = found->second;
  const bool was_leased = std::exchange(entry.leased, action == Action::kExtend);
  in_flight_ -= was_leased ? 1u : 0u;
  in_flight_ += entry.leased ? 1u : 0u;
  if (action == Action::kAcknowledge) {
    no_longer_waiting(position, entry);
    entries_.erase(found);
  } else {
    wait_until(position, entry, clock_.monotonic_ns() + ns_of(duration));
    make_due();
  }
  return Errc::kOk;
}

std::uint64_t ReferenceQueue::purge() {
  const std::lock_guard lock(mutex_);
  const auto removed = entries_.size();
  entries_.clear();
  visible_.clear();
  waiting_.clear();
  in_flight_ = 0;
  return removed;
}

void ReferenceQueue::set(const QueueSettings& changes) {
  const std::lock_guard lock(mutex_);
  if (changes.in_flight_max) in_flight_max_ = *changes.in_flight_max;
}

std::vector<std::string> ReferenceQueue::peek(std::size_t count) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> bodies;
  for (const auto& [position, entry] : entries_) {
    if (bodies.size() == count) break;
    bodies.push_back(entry.body);
  }
  return bodies;
}

Content ReferenceQueue::content() {
  const std::lock_guard lock(mutex_);
  make_due();
  return {visible_.size(), in_flight_, waiting_.size() - in_flight_};
}

}  // namespace ringpost::rig
