#include "model/topic_trial.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <deque>
#include <span>

#include "support/child.hpp"

namespace ringpost::model {
namespace {

using namespace std::chrono_literals;

constexpr Duration kCallTakes = 20us;
constexpr std::uint64_t kPassesMax = 10 * 3'600;  // s: leases of 12 h do not end by themselves
constexpr std::uint64_t kPadding = 2'000;
constexpr const char* kQueueNames[kQueues] = {"q0", "q1", "q2", "q3", "q4", "q5"};
constexpr const char* kTopicNames[kTopics] = {"t0", "t1", "t2"};
constexpr const char* kGroups[] = {"g1", "g2", "g3"};
constexpr const char* kIds[] = {"", "1", "2", "3", "4", "5"};
constexpr const char* kEntryIds[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
constexpr WhenFull kWhenFull[] = {WhenFull::kWait, WhenFull::kDeadLetter, WhenFull::kFail};

ModelledSubscription wanted_by(const TopicStep& step) {
  return {.queue = step.queue,
          .dead_letters = step.dead_letters - 1,
          .filter = step.filter,
          .when_full = kWhenFull[step.when_full],
          .json = step.json};
}

SubscriptionSettings settings_of(const ModelledSubscription& wanted) {
  const FilterText filter = filter_text(wanted.filter);
  return {
      .raw = !wanted.json,
      .filter = filter.text,
      .filter_scope = filter.scope,
      .when_full = wanted.when_full,
      .dead_letter_queue = wanted.dead_letters == kNoQueue ? "" : kQueueNames[wanted.dead_letters]};
}

}  // namespace

struct TopicTrial::LastWords {
  Errc code;
  Published published;
  std::uint32_t count;
  std::uint64_t serials[10];
  char difference[200];
};

TopicTrial::TopicTrial(TopicBench& bench) : bench_(bench) {
  for (int at = 0; at < static_cast<int>(kQueues); ++at) make_queue(at, {});
  for (int at = 0; at < static_cast<int>(kTopics); ++at) {
    TopicStep step;
    step.id = static_cast<std::uint8_t>(at);
    make_topic(at, step);
  }
}

void TopicTrial::expect(const char* call, Errc got, Errc right) {
  if (got == right) return;
  differ(std::string(call) + " answered " + name(got) + ", expected " + name(right));
}

std::string TopicTrial::run(const TopicProgram& program) {
  for (const TopicStep& each : program) {
    if (!difference_.empty()) break;
    bench_.bus().clock().advance(kCallTakes);
    step(each);
    if (difference_.empty()) differ(compare_queues());
    if (!difference_.empty()) difference_ = to_string(each) + ": " + difference_;
  }
  finish();
  return difference_;
}

void TopicTrial::step(const TopicStep& step) {
  switch (step.call) {
    case TopicCall::kSubscribe:
      return subscribe(step);
    case TopicCall::kSetSubscription:
      return set_subscription(step);
    case TopicCall::kUnsubscribe:
      return unsubscribe(step);
    case TopicCall::kSetTopic:
      return set_topic(step);
    case TopicCall::kRemakeTopic:
      return remake_topic(step);
    case TopicCall::kPublish:
      return publish(step);
    case TopicCall::kPublishBatch:
      return publish_batch(step);
    case TopicCall::kSend:
      return send(step);
    case TopicCall::kReceive:
      return receive(step);
    case TopicCall::kAcknowledge:
    case TopicCall::kRelease:
      return settle(step);
    case TopicCall::kPurge:
      return purge(step);
    case TopicCall::kDeleteQueue:
      if (model_.queue(step.queue).exists) delete_queue(step.queue, bench_.of(step.actor));
      return;
    case TopicCall::kMakeQueue:
      if (!model_.queue(step.queue).exists) make_queue(step.queue, step);
      return;
    case TopicCall::kPass:
      if (passed_s_ + step.seconds > kPassesMax) return;
      passed_s_ += step.seconds;
      return bench_.bus().clock().advance(std::chrono::seconds(step.seconds));
    case TopicCall::kDeath:
      return die(step);
    case TopicCall::kSweep:
      return sweep(step);
    case TopicCall::kStats:
      return compare_stats(step);
    case TopicCall::kCountOf:
      return;
  }
}

/// Queue 1 takes no message of more than 1 KiB.
void TopicTrial::make_queue(int at, const TopicStep& step) {
  const bool fifo = (at / 2 % 2 == 1) != step.other_kind;
  QueueSettings settings{.visibility_timeout = 12h, .slots = kSlots};
  if (at == 1) settings.message_bytes_max = 1'024;
  (fifo ? settings.fifo : settings.fixed) = true;
  if (!bench_.of(step.actor).queue(kQueueNames[at], settings)) return differ("no queue");
  model_.make_queue(at, fifo);
}

void TopicTrial::delete_queue(int at, Bus& bus) {
  if (!bus.delete_queue(kQueueNames[at])) differ("it is not deleted");
  let_go(at);
  model_.delete_queue(at);
}

/// Topic 0 is a standard one; others have ids as the step says.
void TopicTrial::make_topic(int at, const TopicStep& step) {
  ModelledTopic& topic = model_.topic(at);
  topic = {.life = ++lives_, .fifo = at != 0};
  TopicSettings settings{.fifo = topic.fifo};
  if (topic.fifo) {
    constexpr Dedup kDedup[] = {Dedup::kOff, Dedup::kById, Dedup::kByContent};
    topic.dedup = kDedup[step.id % 3];
    topic.scope = step.other_kind ? DedupScope::kGroup : DedupScope::kQueue;
    topic.window = step.json ? 2500ms : 5min + 500ms;
    settings.dedup = topic.dedup;
    if (topic.dedup != Dedup::kOff) {
      settings.dedup_scope = topic.scope;
      settings.dedup_window = topic.window;
      settings.dedup_entries = 1'024;
    }
  }
  auto made = bench_.of(step.actor).topic(kTopicNames[at], settings);
  if (!made) return differ(std::string("no topic: ") + made.error().what);
  Handle<Topic>& handle = topics_[step.actor][at];
  handle.of = std::move(*made);
  handle.life = topic.life;
}

void TopicTrial::remake_topic(const TopicStep& step) {
  if (!bench_.of(step.actor).delete_topic(kTopicNames[step.topic])) return differ("not deleted");
  make_topic(step.topic, step);
}

Topic* TopicTrial::topic(const TopicStep& step) {
  Handle<Topic>& handle = topics_[step.actor][step.topic];
  const std::uint64_t life = model_.topic(step.topic).life;
  if (handle.life == life) return &handle.of;
  if (handle.life != 0) {
    const auto published = handle.of.publish("x", {.group = step.topic != 0 ? "g" : ""});
    expect("a deleted topic", test::code_of(published), Errc::kDeleted);
  }
  auto opened = bench_.of(step.actor).open_topic(kTopicNames[step.topic]);
  if (!opened) {
    differ("the topic is not there");
    return nullptr;
  }
  handle.of = std::move(*opened);
  handle.life = life;
  return &handle.of;
}

Queue& TopicTrial::queue(std::size_t actor, int at) {
  Handle<Queue>& handle = queues_[actor][at];
  const std::uint64_t life = model_.queue(at).life;
  if (handle.life != life) {
    auto opened = bench_.of(actor).open_queue(kQueueNames[at]);
    if (opened) handle.of = std::move(*opened);
    if (!opened) differ("the queue is not there");
    handle.life = life;
  }
  return handle.of;
}

void TopicTrial::subscribe(const TopicStep& step) {
  Topic* const on = topic(step);
  if (on == nullptr) return;
  ModelledSubscription wanted = wanted_by(step);
  const Errc right = model_.may_subscribe(step.topic, wanted);
  const auto made = on->subscribe(kQueueNames[step.queue], settings_of(wanted));
  expect("it", test::code_of(made), right);
  if (!made || right != Errc::kOk) return;
  wanted.id = made->id;
  wanted.life = model_.queue(step.queue).life;
  ModelledTopic& topic = model_.topic(step.topic);
  for (const ModelledSubscription& each : topic.subscriptions) {
    if (each.life != wanted.life) continue;
    if (each.id != made->id) differ("it is subscribed a second time");
    return;
  }
  topic.subscriptions.push_back(wanted);
}

void TopicTrial::set_subscription(const TopicStep& step) {
  Topic* const on = topic(step);
  auto& all = model_.topic(step.topic).subscriptions;
  if (on == nullptr || all.empty()) return;
  ModelledSubscription& existing = all[step.which % all.size()];
  const SubscriptionSettings given = settings_of(wanted_by(step));
  ModelledSubscription after = existing;
  SubscriptionSettings changes;
  if ((step.count & 1) != 0) {
    after.filter = step.filter;
    changes.filter = given.filter;
    changes.filter_scope = given.filter_scope;
  }
  if ((step.count & 2) != 0) {
    after.when_full = kWhenFull[step.when_full];
    changes.when_full = given.when_full;
  }
  if ((step.count & 4) != 0) {
    after.dead_letters = step.dead_letters - 1;
    changes.dead_letter_queue = given.dead_letter_queue;
  }
  if ((step.count & 8) != 0) {
    after.json = step.json;
    changes.raw = given.raw;
  }
  const Errc right = model_.may_have(model_.queue(existing.queue).exists, after);
  const auto done = on->set_subscription(existing.id, changes);
  expect("it", test::code_of(done), right);
  if (done) existing = after;
}

void TopicTrial::unsubscribe(const TopicStep& step) {
  Topic* const on = topic(step);
  auto& all = model_.topic(step.topic).subscriptions;
  if (on == nullptr || all.empty()) return;
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(step.which % all.size());
  expect("it", test::code_of(on->unsubscribe(at->id)), Errc::kOk);
  expect("once more it", test::code_of(on->unsubscribe(at->id)), Errc::kNotFound);
  all.erase(at);
}

void TopicTrial::set_topic(const TopicStep& step) {
  Topic* const on = topic(step);
  if (on == nullptr) return;
  const std::uint64_t bytes = step.other_kind ? 1'024 : 256 * 1'024;
  expect("it", test::code_of(on->set({.message_bytes_max = bytes})), Errc::kOk);
  model_.topic(step.topic).bytes_max = bytes;
}

Outgoing TopicTrial::outgoing(const TopicStep& step, std::uint32_t i, bool in_batch) {
  const bool fifo = step.topic != 0;
  Outgoing message;
  message.attribute = step.attribute;
  message.plain = step.plain;
  message.large = step.large;
  message.key = static_cast<std::uint8_t>((step.key + i) % 3 + 1);
  const bool is_twin = step.twin != 0 && !in_batch;
  const std::string number =
      is_twin ? "t" + std::to_string(step.twin) : std::to_string(next_number_++);
  message.text = R"({"n": ")" + number + R"(", "k": )" + std::to_string(message.key);
  if (message.large) message.text += R"(, "p": ")" + std::string(kPadding, 'p') + "\"";
  if (!message.plain) message.text += "}";
  if (fifo != (step.group == 3 && step.key == 3)) message.group = kGroups[(step.group + i) % 3];
  if (fifo) message.dedup_id = kIds[(step.id + i) % std::size(kIds)];
  return message;
}

Result<Published, Errc> TopicTrial::publish_by(Topic& topic, const Outgoing& message) {
  return topic.publish(message.text, {.attributes = attributes_of(message.attribute),
                                      .group = message.group,
                                      .dedup_id = message.dedup_id});
}

void TopicTrial::judge(const TopicStep& step, const Outgoing& message,
                       const Result<Published, Errc>& published) {
  differ(model_.published(step.topic, message, test::code_of(published),
                          published ? *published : Published{}, now_ns(), *this));
}

void TopicTrial::publish(const TopicStep& step) {
  Topic* const on = topic(step);
  if (on == nullptr) return;
  const Outgoing message = outgoing(step, 0, false);
  judge(step, message, publish_by(*on, message));
}

void TopicTrial::publish_batch(const TopicStep& step) {
  Topic* const on = topic(step);
  if (on == nullptr) return;
  std::deque<Outgoing> messages;
  std::vector<PublishEntry> entries;
  std::uint64_t bytes = 0;
  bool breaks_rules = false;
  const ModelledTopic& of = model_.topic(step.topic);
  for (std::uint32_t i = 0; i < step.count; ++i) {
    const Outgoing& message = messages.emplace_back(outgoing(step, i, true));
    entries.push_back({.id = kEntryIds[i],
                       .body = as_bytes(message.text),
                       .attributes = attributes_of(message.attribute),
                       .group = message.group,
                       .dedup_id = message.dedup_id});
    bytes += message.text.size() + (message.attribute != 0 ? 1 + 6 + 1 : 0);
    breaks_rules |= of.fifo && (message.group.empty() ||
                                (of.dedup == Dedup::kById && message.dedup_id.empty()));
  }
  if (step.which == 0 && step.count > 1) entries.back().id = kEntryIds[0];
  breaks_rules |= step.which == 0 && step.count > 1;
  const auto done = on->publish_batch(entries);
  if (breaks_rules) return expect("the batch", test::code_of(done), Errc::kInvalidArgument);
  if (bytes > of.bytes_max) return expect("the batch", test::code_of(done), Errc::kTooLarge);
  expect("the batch", test::code_of(done), Errc::kOk);
  if (!done || done->size() != messages.size()) return differ("not an answer for each");
  for (std::size_t i = 0; i < messages.size(); ++i) judge(step, messages[i], (*done)[i]);
}

void TopicTrial::send(const TopicStep& step) {
  ModelledQueue& to = model_.queue(step.queue);
  if (!to.exists) return;
  Queue& on = queue(step.actor, step.queue);
  for (std::uint32_t i = 0; i < step.count; ++i) {
    const std::string text = "f" + std::to_string(next_number_++);
    const std::string_view group = to.fifo ? kGroups[step.group % 3] : "";
    const Errc code = test::code_of(on.send(text, {.group = group}));
    if (code != Errc::kOk || to.is_full()) {
      expect("it", code, Errc::kFull);
      if (to.surely_takes(1)) differ("it is full too early");
      return;
    }
    model_.add(step.queue, {.text = text, .group = std::string(group)});
  }
}

Copy& TopicTrial::copy(int at, std::uint64_t serial) {
  auto& copies = model_.queue(at).copies;
  return *std::find_if(copies.begin(), copies.end(),
                       [&](const Copy& each) { return each.serial == serial; });
}

/// Compares what a receive gave, and counts it as received.
std::vector<std::uint64_t> TopicTrial::recognise(int at, std::uint32_t wanted, Leases& leases) {
  ModelledQueue& from = model_.queue(at);
  const std::size_t right = std::min<std::size_t>(wanted, from.available());
  // Where a sweep has repaired hints of a FIFO queue, a receive may give a part.
  const bool is_part = from.fifo && !leases.empty() && leases.size() < right;
  if (leases.size() != right && !is_part) {
    differ(std::to_string(leases.size()) + " messages came, expected " + std::to_string(right));
  }
  std::set<std::uint64_t> taken;
  std::vector<std::uint64_t> serials;
  for (Lease& lease : leases) {
    const AttributeView attributes = lease.attributes();
    const std::string_view value = attributes.find("k") ? attributes.find("k")->value : "";
    const auto found = std::find_if(from.copies.begin(), from.copies.end(), [&](const Copy& each) {
      const AttributeList list = attributes_of(each.attribute);
      return each.is(lease.text()) && from.may_give(each, taken) &&
             each.receive_count + 1 == lease.receive_count() && each.group == lease.group() &&
             each.dedup_id == lease.dedup_id() &&
             value == (list.empty() ? "" : list.begin()->value);
    });
    if (found == from.copies.end()) {
      differ("it gave what is not to come next: " + std::string(lease.text().substr(0, 300)));
      break;
    }
    const std::uint64_t serial = found->serial;
    from.put_in_order(serial, taken);
    taken.insert(serial);
    serials.push_back(serial);
  }
  for (Copy& each : from.copies) {
    if (from.fifo || taken.contains(each.serial)) from.count_off_order(each);
    if (taken.contains(each.serial)) ++each.receive_count;
  }
  return serials;
}

void TopicTrial::receive(const TopicStep& step) {
  if (!model_.queue(step.queue).exists) return;
  Leases leases;
  const Errc code =
      queue(step.actor, step.queue).receive(leases, {.max_messages = step.count, .wait = 0s});
  if (code != Errc::kOk && code != Errc::kEmpty) return expect("it", code, Errc::kOk);
  const auto serials = recognise(step.queue, step.count, leases);
  if (!difference_.empty()) return;
  for (std::uint32_t i = 0; i < leases.size(); ++i) {
    Lease& lease = leases[i];
    switch (step.which % 4) {
      case 0:
        expect("a release", lease.release(), Errc::kOk);
        break;
      case 1: {
        Hand& hand = hands_.emplace_back();
        hand.queue = step.queue;
        hand.serial = serials[i];
        hand.receipt = lease.receipt();
        hand.in_place = step.large;
        if (hand.in_place) hand.lease = std::move(lease);
        copy(step.queue, serials[i]).holder = Holder::kHand;
        break;
      }
      default:
        expect("an acknowledge", lease.acknowledge(), Errc::kOk);
        model_.queue(step.queue).remove(serials[i], views());
    }
  }
}

void TopicTrial::settle(const TopicStep& step) {
  if (hands_.empty()) return;
  const auto at = hands_.begin() + static_cast<std::ptrdiff_t>(step.which % hands_.size());
  Queue& on = queue(step.actor, at->queue);
  if (step.call == TopicCall::kAcknowledge) {
    expect("it", at->in_place ? at->lease.acknowledge() : on.acknowledge(at->receipt), Errc::kOk);
    model_.queue(at->queue).remove(at->serial, views());
  } else {
    expect("it", at->in_place ? at->lease.release() : on.release(at->receipt), Errc::kOk);
    copy(at->queue, at->serial).holder = Holder::kNobody;
  }
  hands_.erase(at);
}

std::size_t TopicTrial::views() const {
  const auto in_place = [](const Hand& each) { return each.in_place; };
  return static_cast<std::size_t>(std::count_if(hands_.begin(), hands_.end(), in_place));
}

void TopicTrial::let_go(int at) {
  std::erase_if(hands_, [&](const Hand& each) { return each.queue == at; });
}

void TopicTrial::purge(const TopicStep& step) {
  ModelledQueue& from = model_.queue(step.queue);
  if (!from.exists) return;
  const auto removed = queue(step.actor, step.queue).purge();
  if (!removed || *removed != from.copies.size()) {
    differ("it removed " + std::to_string(removed ? *removed : 0) + ", expected " +
           std::to_string(from.copies.size()));
  }
  from.lost = views();
  let_go(step.queue);
  from.copies.clear();
}

/// A participant publishes, receives, and is killed.
void TopicTrial::die(const TopicStep& step) {
  const Outgoing message = outgoing(step, 0, false);
  void* const shared =
      ::mmap(nullptr, sizeof(LastWords), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return differ("no memory");
  auto* const words = new (shared) LastWords{};
  test::Child child([&](const test::Line& line) {
    Bus bus = bench_.bus().attach();
    Topic topic = bus.open_topic(kTopicNames[step.topic]).value();
    const auto published = publish_by(topic, message);
    words->code = test::code_of(published);
    if (published) words->published = *published;
    Leases leases;
    Queue from;
    if (model_.queue(step.queue).exists) {
      judge(step, message, published);
      from = bus.open_queue(kQueueNames[step.queue]).value();
      static_cast<void>(from.receive(leases, {.max_messages = step.count, .wait = 0s}));
      for (const std::uint64_t serial : recognise(step.queue, step.count, leases)) {
        words->serials[words->count++] = serial;
      }
      difference_.copy(words->difference, sizeof words->difference - 1);
    }
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  if (child.hear() != "ready") differ("he does not get so far");
  child.kill();
  judge(step, message,
        words->code == Errc::kOk ? Result<Published, Errc>(words->published)
                                 : Result<Published, Errc>(Unexpected(words->code)));
  differ(words->difference);
  ModelledQueue& from = model_.queue(step.queue);
  std::set<std::uint64_t> taken;
  for (const std::uint64_t serial : std::span(words->serials, words->count)) {
    from.put_in_order(serial, taken);
    taken.insert(serial);
  }
  for (Copy& each : from.copies) {
    if (from.fifo || taken.contains(each.serial)) from.count_off_order(each);
    if (!taken.contains(each.serial)) continue;
    ++each.receive_count;
    each.holder = Holder::kDead;
  }
  ::munmap(shared, sizeof(LastWords));
  if (step.other_kind) sweep(step);
}

void TopicTrial::sweep(const TopicStep& step) {
  if (!bench_.of(step.actor).sweep().elected) differ("nobody else sweeps");
  static_cast<void>(model_.end_leases_of_the_dead());
}

void TopicTrial::compare_stats(const TopicStep& step) {
  Topic* const on = topic(step);
  if (on == nullptr) return;
  const TopicStats got = on->stats().value();
  const ModelledTopic& of = model_.topic(step.topic);
  const TopicStats& right = of.stats;
  const auto check = [this](const char* what, std::uint64_t is, std::uint64_t should) {
    if (is != should) differ(what + (" " + std::to_string(is)) + " for " + std::to_string(should));
  };
  check("published", got.published, right.published);
  check("published_bytes", got.published_bytes, right.published_bytes);
  check("delivered", got.delivered, right.delivered);
  check("filtered_out", got.filtered_out, right.filtered_out);
  check("dead_lettered", got.dead_lettered, right.dead_lettered);
  check("dropped", got.dropped, right.dropped);
  check("refused", got.refused, right.refused);
  check("duplicates", got.duplicates, right.duplicates);
  check("subscriptions", got.subscriptions, of.subscriptions.size());
}

std::size_t TopicTrial::count(int at, const Copy& like) {
  std::size_t all = 0;
  for (const PeekedMessage& each : queue(0, at).peek(2 * kSlots)) all += like.is(each.body);
  return all;
}

/// Every message is there once, in its state. Who finds a queue empty sweeps now and then.
std::string TopicTrial::compare_queues() {
  std::string difference;
  for (int at = 0; at < static_cast<int>(kQueues) && difference.empty(); ++at) {
    if (model_.queue(at).exists) difference = compare_queue(at);
  }
  if (difference.empty() || !model_.end_leases_of_the_dead()) return difference;
  return compare_queues();
}

std::string TopicTrial::compare_queue(int at) {
  const std::string name = kQueueNames[at];
  std::vector<const Copy*> unseen;
  for (const Copy& each : model_.queue(at).copies) unseen.push_back(&each);
  for (const PeekedMessage& peeked : queue(0, at).peek(2 * kSlots)) {
    const auto found = std::find_if(unseen.begin(), unseen.end(), [&](const Copy* each) {
      return each->receive_count == peeked.receive_count && each->group == peeked.group &&
             (each->holder == Holder::kNobody) == (peeked.state == MessageState::kVisible) &&
             each->is(peeked.body);
    });
    if (found == unseen.end()) return name + " has " + peeked.body.substr(0, 300);
    unseen.erase(found);
  }
  return unseen.empty() ? "" : name + " has not " + unseen.front()->text;
}

void TopicTrial::finish() {
  for (Hand& each : hands_) {
    if (!difference_.empty()) break;
    const Errc code = queue(0, each.queue).acknowledge(each.receipt);
    expect("the last acknowledge", code, Errc::kOk);
    model_.queue(each.queue).remove(each.serial, views());
  }
  hands_.clear();
  if (difference_.empty()) sweep({});
  for (int at = 0; at < static_cast<int>(kQueues); ++at) {
    TopicStep step;
    step.queue = static_cast<std::uint8_t>(at);
    step.which = 2;
    step.count = 10;
    while (difference_.empty() && !model_.queue(at).copies.empty()) receive(step);
  }
  const std::uint64_t blocks = inspect(bench_.bus().bus()).arena.blocks_used;
  if (difference_.empty() && blocks != 0) {
    differ(std::to_string(blocks) + " blocks are left when all is received");
  }
  for (int at = 0; at < static_cast<int>(kQueues); ++at) {
    if (model_.queue(at).exists) delete_queue(at, bench_.bus().bus());
  }
  for (const char* name : kTopicNames) static_cast<void>(bench_.bus().bus().delete_topic(name));
  differ(bench_.bus().findings_after_sweep());
}

}  // namespace ringpost::model
