#include "process/rig/worker.hpp"

#include <algorithm>

#include "process/history/body.hpp"

namespace ringpost::rig {

namespace {

constexpr std::size_t kNotesMax = 200;
constexpr std::uint64_t kClockStepNs = 2'000;  // about what a call takes

}  // namespace

Worker::Worker(Session& session, Control& control, Place& place, const Plan& plan, Role role,
               std::uint64_t seed)
    : session_(session),
      control_(control),
      place_(place),
      plan_(plan),
      role_(role),
      random_(seed) {}

Worker::~Worker() { drop_hands(); }

void Worker::run() {
  while (control_.phase() == Phase::kRun &&
         control_.operations.load(std::memory_order_relaxed) < plan_.operations &&
         session_.has_room()) {
    step();
  }
}

void Worker::step() {
  if (random_.one_in(200)) {
    hands_max_ = random_.one_of({5u, 10u, 40u, 150u});
    sends_percent_ = random_.one_of({95u, 90u, 50u, 20u});  // so that queues fill and empty
  }
  if (random_.percent(6)) {
    house_keeping();
  } else if (role_ == Role::kProducer) {
    random_.percent(sends_percent_) ? produce() : consume();
  } else if (role_ == Role::kConsumer) {
    random_.percent(96) ? consume() : produce();
  } else {
    random_.percent(35) ? produce() : consume();
  }
}

void Worker::counted() noexcept {
  control_.clock_ns.fetch_add(kClockStepNs, std::memory_order_relaxed);
  control_.count_operation(place_);
}

std::size_t Worker::body_bytes() {
  const std::size_t small = history::kBodyBytesMin;
  std::size_t bytes = small;
  if (random_.percent(60)) {
    bytes = small + random_.below(73);  // inline up to the default of 104
  } else if (random_.percent(85)) {
    bytes = small + random_.below(1'500);
  } else {
    bytes = small + random_.below(plan_.body_bytes_max);
  }
  return std::min(bytes, plan_.body_bytes_max);
}

Duration Worker::short_time() {
  return std::chrono::microseconds(random_.one_of({0, 10, 100, 500, 2'000, 20'000}));
}

Duration Worker::timeout() {
  using std::chrono::microseconds;
  if (!plan_.operation_clock) return microseconds(random_.one_of({0, 500, 5'000, 20'000}));
  return microseconds(random_.one_of({0, 50, 200, 1'000, 5'000, 50'000, 30'000'000}));
}

void Worker::produce() {
  SendPlan plan;
  const auto kind = random_.below(10);
  plan.way = kind < 5 ? SendWay::kSingle : kind < 7 ? SendWay::kBatch : SendWay::kLoan;
  const std::uint64_t count =
      plan.way == SendWay::kBatch ? 1 + random_.below(random_.percent(90) ? 10 : 60) : 1;
  for (std::uint64_t i = 0; i < count; ++i) plan.body_bytes.push_back(body_bytes());
  // A loan has no room for attributes unless its block happens to be larger than asked for.
  plan.with_attribute = plan.way != SendWay::kLoan && random_.percent(20);
  if (plan_.groups != 0) {
    plan.group = 1 + static_cast<std::uint32_t>(random_.below(plan_.groups));
    plan.delay = plan_.settings.delay.value_or(Duration(0));
  } else if (plan_.delays && random_.percent(8)) {
    plan.delay = short_time();
  }
  if (random_.percent(2)) plan.wait = std::chrono::microseconds(200);
  session_.send(plan);
  counted();
}

void Worker::consume() {
  if (hands_.size() >= hands_max_) return settle_one();
  const auto kind = random_.below(100);
  if (kind < 45) return receive();
  if (kind < 92 && !hands_.empty()) return settle_one();
  settle_by_receipt();
}

void Worker::receive() {
  ReceiveOptions options;
  options.visibility_timeout = timeout();
  if (random_.percent(25)) {
    options.max_messages = static_cast<std::uint32_t>(1 + random_.below(10));
  } else if (random_.percent(2)) {
    options.max_messages = Leases::kCapacity;
  }
  options.wait = random_.percent(3) ? Duration(std::chrono::microseconds(300)) : Duration(0);
  const std::size_t had = hands_.size();
  session_.receive(options, hands_);
  for (std::size_t i = had; i < hands_.size(); ++i) remember(hands_[i]);
  counted();
}

void Worker::remember(const Hand& hand) {
  const Note note{hand.key, hand.receipt};
  if (notes_.size() < kNotesMax) {
    notes_.push_back(note);
  } else {
    notes_[random_.below(kNotesMax)] = note;
  }
}

void Worker::let_go(std::size_t index) {
  std::swap(hands_[index], hands_.back());
  hands_.pop_back();
}

void Worker::settle_one() {
  const std::size_t index = random_.below(hands_.size());
  Hand& hand = hands_[index];
  session_.check_view(hand);
  const auto kind = random_.below(100);
  if (kind < 8) {
    session_.settle(hand, Action::kExtend, timeout());
  } else if (kind < 15) {
    // Keeps the lease; perhaps settled late, perhaps by another process, perhaps by nobody.
    if (plan_.mail && random_.percent(60)) control_.post(hand.key, hand.receipt, random_.next());
    let_go(index);
    return;
  } else {
    const bool acknowledges = kind < 85;
    const bool delays = !acknowledges && random_.percent(50);
    session_.settle(hand, acknowledges ? Action::kAcknowledge : Action::kRelease,
                    delays ? short_time() : Duration(0));
    let_go(index);
  }
  counted();
}

void Worker::settle_by_receipt() {
  Note note;
  if (const auto mail = plan_.mail ? control_.take(random_.next()) : std::nullopt) {
    note = {mail->key, mail->receipt};
  } else if (!notes_.empty()) {
    note = notes_[random_.below(notes_.size())];
  } else {
    return receive();
  }
  const auto kind = random_.below(10);
  const Action action = kind < 6   ? Action::kAcknowledge
                        : kind < 8 ? Action::kRelease
                                   : Action::kExtend;
  session_.settle(note.key, note.receipt, action,
                  action == Action::kExtend ? timeout() : Duration(0));
  counted();
}

void Worker::house_keeping() {
  const auto kind = random_.below(100);
  if (kind < 40) {
    session_.sweep();
  } else if (kind < 80) {
    session_.look();
  } else if (plan_.purge_one_in != 0 && random_.one_in(plan_.purge_one_in)) {
    session_.purge();
  } else {
    change_settings();
  }
  counted();
}

void Worker::change_settings() {
  QueueSettings changes;
  if (random_.percent(50)) {
    changes.visibility_timeout = std::chrono::seconds(1 + random_.below(40));
  } else {
    const bool tight = plan_.tight_limit && random_.percent(50);
    changes.in_flight_max = tight ? static_cast<std::uint32_t>(1 + random_.below(100)) : 120'000;
  }
  session_.set(changes);
}

void Worker::drop_hands() {
  for (Hand& hand : hands_) session_.check_view(hand);
  hands_.clear();
}

std::string Worker::drain() {
  drop_hands();
  QueueSettings changes;
  changes.in_flight_max = 120'000;
  session_.set(changes);
  ReceiveOptions options;
  options.max_messages = Leases::kCapacity;
  options.visibility_timeout = std::chrono::seconds(30);
  options.wait = plan_.operation_clock ? Duration(0) : Duration(std::chrono::milliseconds(20));
  // A bound on rounds without a message, far beyond the longest time-out or delay of a run.
  for (int rounds_without = 0; rounds_without < 1'000; ++rounds_without) {
    if (!session_.has_room()) return "drain: the log is full";
    control_.clock_ns.fetch_add(1'000'000'000, std::memory_order_relaxed);
    session_.sweep();
    const Errc result = session_.receive(options, hands_);
    control_.count_operation(place_);
    if (result == Errc::kOk) rounds_without = -1;
    for (Hand& hand : hands_) {
      session_.check_view(hand);
      session_.settle(hand, Action::kAcknowledge);
    }
    hands_.clear();
    const bool is_empty = result == Errc::kEmpty || result == Errc::kTimedOut;
    if (is_empty && session_.client().content().all() == 0) return {};
  }
  const Content left = session_.client().content();
  return "drain: left are " + std::to_string(left.visible) + " visible, " +
         std::to_string(left.in_flight) + " in flight, " + std::to_string(left.delayed) +
         " delayed";
}

}  // namespace ringpost::rig
