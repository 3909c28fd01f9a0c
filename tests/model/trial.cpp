#include "model/trial.hpp"

#include <algorithm>
#include <cstring>

namespace ringpost::model {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr Duration kCallTakes = 20us;  // so that a timeout of 0 is over at the next call

constexpr Attribute kOne[] = {{"k", "v"}};
constexpr Attribute kTwo[] = {{"n", "-1.5e3", "Number"}, {"b", "\0\1"sv, "Binary.png"}};
constexpr Attribute kTen[] = {{"a0", "1"}, {"a1", "1"}, {"a2", "1"}, {"a3", "1"}, {"a4", "1"},
                              {"a5", "1"}, {"a6", "1"}, {"a7", "1"}, {"a8", "1"}, {"a9", "1"}};
constexpr Attribute kEleven[] = {{"a0", "1"}, {"a1", "1"}, {"a2", "1"}, {"a3", "1"},
                                 {"a4", "1"}, {"a5", "1"}, {"a6", "1"}, {"a7", "1"},
                                 {"a8", "1"}, {"a9", "1"}, {"aa", "1"}};
constexpr Attribute kNoValue[] = {{"k", ""}};
constexpr Attribute kReserved[] = {{"ok", "v"}, {"AWS.name", "v"}};
constexpr Attribute kNoNumber[] = {{"n", "one", "Number"}};

struct AttributeSet {
  AttributeList list;
  bool valid;
};
const AttributeSet kSets[kAttributeSets] = {
    {{}, true},       {kOne, true},      {kTwo, true},       {kTen, true},
    {kEleven, false}, {kNoValue, false}, {kReserved, false}, {kNoNumber, false}};

std::uint64_t counted(const AttributeList& list) {
  std::uint64_t bytes = 0;
  for (const Attribute& each : list)
    bytes += each.name.size() + each.type.size() + each.value.size();
  return bytes;
}

const Duration* pointer_to(const std::optional<Duration>& time) { return time ? &*time : nullptr; }

std::string message_text(const ModelMessage& message) {
  return "message " + std::to_string(message.number) + " (received " +
         std::to_string(message.receive_count) + " times)";
}

MessageState state_of(const ModelMessage& message, std::uint64_t now_ns) {
  if (message.is_visible(now_ns)) return MessageState::kVisible;
  return message.in_flight ? MessageState::kInFlight : MessageState::kDelayed;
}

QueueSettings settings_of(const Kind& kind) {
  QueueSettings settings;
  settings.slots = kind.slots;
  settings.inline_bytes = kind.inline_bytes;
  settings.fixed = kind.fixed;
  if (kind.fifo) settings.fifo = true;
  if (kind.dedup != Dedup::kOff) {
    settings.dedup = kind.dedup;
    settings.dedup_scope = kind.dedup_scope;
    settings.dedup_entries = 4'096;  // more than a sequence has
  }
  return settings;
}

}  // namespace

Bench::Bench() {
  static_cast<void>(elsewhere_.send("elsewhere"));
  foreign_ = test::receive_one(elsewhere_);
}

Trial::Trial(Bench& bench, const Kind& kind, Flaw flaw)
    : bench_(bench),
      name_(kind.name),
      one_participant_(kind.one_participant),
      has_ids_(kind.dedup != Dedup::kOff),
      model_({kind.fixed ? kind.slots : 0, kind.one_participant, kind.fifo, kind.dedup_scope},
             flaw) {
  queues_[0] = bench.bus().queue(name_, settings_of(kind));
  queues_[1] = bench.other().open_queue(name_).value();
  model_.settings() = {30s, 0s, 4 * 24h, 120'000, 256 * 1024, kind.dedup, 5min};
}

Trial::~Trial() {
  hands_.clear();
  leases_.clear();
  static_cast<void>(bench_.bus().bus().delete_queue(name_));
}

void Trial::differ(std::string what) {
  if (difference_.empty()) difference_ = std::move(what);
}

void Trial::expect_code(const char* call, Errc got, const Answers& right) {
  if (right.have(got)) return;
  differ(std::string(call) + " answered " + ringpost::name(got) + ", expected " + right.text());
}

std::string Trial::run(const Program& program) {
  difference_.clear();
  for (const Operation& operation : program) {
    bench_.bus().clock().advance(kCallTakes);
    step(operation);
    if (!difference_.empty()) return to_string(operation) + ": " + difference_;
  }
  return {};
}

void Trial::step(const Operation& operation) {
  switch (operation.call) {
    case Call::kBegin:
      return begin(operation);
    case Call::kSend:
    case Call::kSendLoan:
      return send(operation);
    case Call::kSendBatch:
      return send_batch(operation);
    case Call::kReceive:
      return receive(operation);
    case Call::kAcknowledge:
    case Call::kRelease:
    case Call::kExtend:
      return settle(operation);
    case Call::kPass:
      return bench_.bus().clock().advance(*operation.time);
    case Call::kSet:
      return set(operation);
    case Call::kPurge:
      return purge(operation);
    case Call::kStats:
      return compare_stats(operation);
    case Call::kPeek:
      return compare_peek(operation);
    case Call::kLetGo:
      return let_go();
    case Call::kForeignReceipt:
      return try_foreign_receipt(operation);
  }
}

void Trial::begin(const Operation& operation) {
  hands_.clear();
  model_.views() = 0;
  purge(operation);
  set(operation);
}

std::string_view Trial::body_of(std::uint64_t number, std::uint32_t bytes) {
  const std::size_t begin = bodies_.size();
  bodies_ += std::to_string(number);
  bodies_.resize(begin + bytes, static_cast<char>('a' + number % 26));
  return std::string_view(bodies_).substr(begin);
}

ModelSend Trial::outgoing(const Operation& operation, std::size_t body,
                          std::uint32_t attributes) const {
  return {one_participant_ ? 0u : operation.handle, kBodyBytes[body],        attributes,
          counted(kSets[attributes].list),          kSets[attributes].valid, next_number_};
}

void Trial::was_sent(const ModelSend& message, const Duration* delay, MessageId id) {
  if (!model_.type().fifo || !model_.is_duplicate(message, now_ns())) {
    const ModelMessage& sent = model_.sent(message, delay, id, now_ns());
    if (model_.type().fifo && id != MessageId{} && !model_.rises(sent, id)) {
      differ("the sequence number of " + message_text(sent));
    }
    ++next_number_;
  } else if (id != MessageId{} && !model_.duplicate_got(message, id, now_ns())) {
    differ("it gave another id than that of the first message");
  }
}

void Trial::send(const Operation& operation) {
  const bool by_loan = operation.call == Call::kSendLoan;
  ModelSend message = outgoing(operation, operation.body, by_loan ? 0 : operation.attributes);
  if (model_.type().fifo) choose_ids(operation, 0, message);
  bodies_.clear();
  const std::string_view body = body_of(message.body_number, message.body_bytes);
  const SendOptions options{.delay = operation.time,
                            .attributes = kSets[message.attributes].list,
                            .group = message.group,
                            .dedup_id = message.dedup_id};
  Result<MessageId, Errc> result = Unexpected(Errc::kOk);
  if (!by_loan) {
    result = queue(operation).send(body, options);
  } else if (auto loan = queue(operation).loan(body.size())) {
    if (!body.empty()) std::memcpy(loan->bytes().data(), body.data(), body.size());
    result = queue(operation).send(std::move(*loan), options);
  } else {
    result = Unexpected(loan.error());
  }
  const Duration* delay = pointer_to(operation.time);
  expect_code("it", test::code_of(result), model_.may_send(message, delay, now_ns()));
  if (!result) return;
  was_sent(message, delay, *result);
}

/// A batch gives no ids: those are learnt from the first receive.
void Trial::send_batch(const Operation& operation) {
  std::vector<ModelSend> messages;
  messages.reserve(operation.count);  // ids are in them
  bodies_.clear();
  bodies_.reserve((operation.count + 1) * 1'100);
  batch_.clear();
  for (std::uint32_t i = 0; i < operation.count; ++i) {
    const std::size_t body = (operation.body + (i % 3 == 2 ? 1u : 0u)) % std::size(kBodyBytes);
    const bool has_number = kBodyBytes[body] >= kBodyBytes[0];  // recognise() needs it
    ModelSend& message =
        messages.emplace_back(outgoing(operation, has_number ? body : 0, operation.attributes));
    message.body_number += i;
    if (model_.type().fifo) choose_ids(operation, i, message);
    batch_.push_back({as_bytes(body_of(message.body_number, message.body_bytes)),
                      kSets[operation.attributes].list, message.group, message.dedup_id});
  }
  const auto result = queue(operation).send_batch(batch_, {.delay = operation.time});
  const Duration* delay = pointer_to(operation.time);
  const std::size_t sent = result ? *result : 0;
  for (std::size_t i = 0; i < sent; ++i) {
    expect_code("a message of the batch", Errc::kOk, model_.may_send(messages[i], delay, now_ns()));
    was_sent(messages[i], delay, {});
  }
  if (sent == operation.count) return;
  Answers refused = model_.may_send(messages[sent], delay, now_ns());
  if (sent == 0) return expect_code("the batch", test::code_of(result), refused);
  if (!refused.have(Errc::kFull) && refused.have(Errc::kOk)) {
    differ("only " + std::to_string(sent) + " were sent");
  }
}

void Trial::receive(const Operation& operation) {
  const ReceiveOptions options{
      .max_messages = operation.count, .wait = 0s, .visibility_timeout = operation.time};
  const Errc code = queue(operation).receive(leases_, options);
  const bool valid = !operation.time || (*operation.time >= 0s && *operation.time <= 12h);
  if (!valid) return expect_code("it", code, {Errc::kInvalidArgument});
  expect_code("it", code, model_.may_receive(operation.count, now_ns()));
  if (code != Errc::kOk || !difference_.empty()) return;
  const Range right = model_.may_give(operation.count, now_ns());
  if (!right.has(leases_.size())) {
    differ("it gave " + std::to_string(leases_.size()) + " messages, expected " +
           std::to_string(right.least) + " to " + std::to_string(right.most));
  }
  for (Lease& lease : leases_) {
    take(lease, operation);
    if (!difference_.empty()) break;
  }
  model_.end_receive();
  leases_.clear();
}

void Trial::take(Lease& lease, const Operation& operation) {
  const ModelMessage* got = recognise(lease);
  const bool fifo = model_.type().fifo;
  const ModelMessage* right = fifo ? nullptr : model_.oldest_visible(now_ns());
  if (got == nullptr || (fifo && !model_.may_come_next(*got, now_ns())) ||
      (!fifo && got != right && !model_.may_come_early(*got, now_ns()))) {
    return differ("it gave \"" + std::string(lease.text().substr(0, 12)) + "\", expected " +
                  (right == nullptr ? "another or none" : message_text(*right)));
  }
  if (fifo && !model_.rises(*got, lease.id())) return differ("the sequence number");
  const ModelMessage* received =
      model_.receive(got->number, lease.id(), pointer_to(operation.time), now_ns());
  if (received == nullptr) return differ("it gave what is not visible: " + message_text(*got));
  compare(lease, *received);
  Hand& hand = hands_.emplace_back();
  hand.expected = {received->number, received->receive_count, now_ns()};
  hand.receipt = lease.receipt();
  hand.body_bytes = received->body_bytes;
  hand.body_number = received->body_number;
  if (!operation.in_place || model_.views() >= kViewsMax) return;
  hand.lease = std::move(lease);
  hand.has_lease = hand.in_place = true;
  ++model_.views();
}

/// By its id; messages of a batch, whose ids nobody knows before the first receive, by their body.
bool Trial::is_of(const MessageId& id, std::string_view body, const ModelMessage& message) {
  if (message.id != MessageId{}) return message.id == id;
  bodies_.clear();
  return body == body_of(message.body_number, message.body_bytes);
}

const ModelMessage* Trial::recognise(Lease& lease) {
  const MessageId id = lease.id();
  for (const ModelMessage& message : model_.messages()) {
    if (is_of(id, lease.text(), message) && may_be(lease, message)) return &message;
  }
  return nullptr;
}

void Trial::compare(Lease& lease, const ModelMessage& expected) {
  bodies_.clear();
  if (lease.text() != body_of(expected.body_number, expected.body_bytes)) {
    return differ("it gave \"" + std::string(lease.text().substr(0, 12)) + "\", expected " +
                  message_text(expected));
  }
  compare_ids(lease, expected);
  if (lease.receive_count() != expected.receive_count) {
    return differ("it gave count " + std::to_string(lease.receive_count()) + " to " +
                  message_text(expected));
  }
  const auto ns = [](WallTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
  };
  if (ns(lease.sent_at()) != expected.sent_ns) {
    return differ("the time of sending of " + message_text(expected));
  }
  const std::uint64_t first = ns(lease.first_received_at());
  if (first > expected.first_received_ns || expected.first_received_ns - first >= 100'000) {
    return differ("the first receive of " + message_text(expected));
  }
  const AttributeList& list = kSets[expected.attributes].list;
  auto right = list.begin();
  for (const Attribute& each : lease.attributes()) {
    if (right == list.end()) return differ("an attribute too many");
    if (each.name != right->name || each.value != right->value || each.type != right->type) {
      return differ("the attribute " + std::string(right->name));
    }
    ++right;
  }
  if (right != list.end()) differ("an attribute too few");
}

void Trial::settle(const Operation& operation) {
  if (hands_.empty()) return;
  Hand& hand = hands_[hands_.size() - 1 - operation.receipt % hands_.size()];
  const ModelReceipt receipt = hand.expected;
  Answers right = model_.may_settle(receipt, now_ns());
  const bool by_lease = operation.in_place && hand.has_lease;
  const bool is_release = operation.call == Call::kRelease;
  const Duration time = operation.time.value_or(0s);
  if (operation.call != Call::kAcknowledge &&
      !model_.may_extend(receipt, time, by_lease && !is_release, now_ns())) {
    right = right.have(Errc::kStaleReceipt) ? Answers{Errc::kInvalidArgument, Errc::kStaleReceipt}
                                            : Answers{Errc::kInvalidArgument};
  }
  const Errc code = settle_really(operation, hand);
  expect_code("it", code, right);
  if (code != Errc::kOk || !difference_.empty()) return;
  if (operation.call == Call::kAcknowledge) {
    model_.acknowledge(receipt);
  } else if (is_release && time == 0s) {
    model_.release(receipt);
  } else {
    model_.extend(receipt, time, now_ns());
  }
}

Errc Trial::settle_really(const Operation& operation, Hand& hand) {
  const bool by_lease = operation.in_place && hand.has_lease;
  bodies_.clear();
  if (hand.in_place && hand.lease.text() != body_of(hand.body_number, hand.body_bytes)) {
    differ("the bytes under a reader in place have changed");
  }
  if (by_lease && operation.call != Call::kExtend) {
    model_.views() -= hand.in_place ? 1 : 0;
    hand.in_place = false;
  }
  const Duration time = operation.time.value_or(0s);
  Queue& on = queue(operation);
  switch (operation.call) {
    case Call::kAcknowledge:
      return by_lease ? hand.lease.acknowledge() : on.acknowledge(hand.receipt);
    case Call::kRelease:
      return by_lease ? hand.lease.release(time) : on.release(hand.receipt, time);
    default:
      return by_lease ? hand.lease.extend(time) : on.extend(hand.receipt, time);
  }
}

void Trial::set(const Operation& operation) {
  ModelSettings& of_model = model_.settings();
  QueueSettings changes;
  const auto change = [&](Setting setting, auto& real, auto& expected) {
    const std::uint64_t word = operation.set[static_cast<std::size_t>(setting)];
    if (word == 0) return;
    using Value = std::remove_reference_t<decltype(expected)>;
    expected = static_cast<Value>(static_cast<std::int64_t>(word - 1));
    real = static_cast<typename std::remove_reference_t<decltype(real)>::value_type>(expected);
  };
  change(Setting::kVisibility, changes.visibility_timeout, of_model.visibility_timeout);
  // In a FIFO queue it is one of the messages that are there, too [T01]: left open.
  if (!model_.type().fifo || model_.messages().empty()) {
    change(Setting::kDelay, changes.delay, of_model.delay);
  }
  // Lowering it removes older messages [T03]; whether raising it brings some back is left open.
  const auto retention = operation.set[static_cast<std::size_t>(Setting::kRetention)];
  if (model_.messages().empty() ||
      retention <= static_cast<std::uint64_t>(of_model.retention.count())) {
    change(Setting::kRetention, changes.retention, of_model.retention);
  }
  change(Setting::kInFlight, changes.in_flight_max, of_model.in_flight_max);
  change(Setting::kBytes, changes.message_bytes_max, of_model.message_bytes_max);
  if (has_ids_) {
    change(Setting::kDedup, changes.dedup, of_model.dedup);
    change(Setting::kWindow, changes.dedup_window, of_model.dedup_window);
  }
  if (!queue(operation).set(changes)) differ("it was refused");
}

void Trial::purge(const Operation& operation) {
  const Range right = model_.may_purge(now_ns());
  const auto removed = queue(operation).purge();
  if (!removed || !right.has(*removed)) {
    differ("it removed " + std::to_string(removed ? *removed : 0) + ", expected " +
           std::to_string(right.least) + " to " + std::to_string(right.most));
  }
  model_.purge();
}

void Trial::compare_stats(const Operation& operation) {
  const QueueStats stats = queue(operation).stats();
  const ModelCounts right = model_.counts(now_ns());
  const auto check = [&](const char* what, std::uint64_t got, const Range& range) {
    if (range.has(got)) return;
    differ(std::to_string(got) + " " + what + ", expected " + std::to_string(range.least) + " to " +
           std::to_string(range.most));
  };
  check("visible", stats.visible, right.visible);
  check("in flight", stats.in_flight, right.in_flight);
  check("delayed", stats.delayed, right.delayed);
}

/// By its id. Of messages of a batch that are alike one in the state that was seen, and before
/// those that may be gone.
std::vector<ModelMessage>::const_iterator Trial::find_peeked(
    const PeekedMessage& peeked, const std::vector<std::uint64_t>& unseen) {
  const std::vector<ModelMessage>& all = model_.messages();
  auto found = std::find_if(all.begin(), all.end(),
                            [&](const ModelMessage& each) { return each.id == peeked.id; });
  for (const bool over_age : {false, true}) {
    if (found != all.end()) break;
    found = std::find_if(all.begin(), all.end(), [&](const ModelMessage& each) {
      return each.id == MessageId{} && model_.is_over_age(each, now_ns()) == over_age &&
             std::find(unseen.begin(), unseen.end(), each.number) != unseen.end() &&
             peeked.group == each.group && peeked.state == state_of(each, now_ns()) &&
             is_of(peeked.id, peeked.body, each);
    });
  }
  return found;
}

void Trial::compare_peek(const Operation& operation) {
  std::vector<std::uint64_t> unseen;
  for (const ModelMessage& message : model_.messages()) unseen.push_back(message.number);
  for (const PeekedMessage& peeked : queue(operation).peek(2'000)) {
    const auto at = find_peeked(peeked, unseen);
    if (at == model_.messages().end() || std::erase(unseen, at->number) == 0) {
      return differ("it saw \"" + peeked.body.substr(0, 12) + "\", which is not there");
    }
    if (peeked.receive_count != at->receive_count || peeked.state != state_of(*at, now_ns())) {
      return differ("the state or count of " + message_text(*at));
    }
  }
  for (const ModelMessage& message : model_.messages()) {
    const bool was_seen = std::find(unseen.begin(), unseen.end(), message.number) == unseen.end();
    if (was_seen || model_.is_over_age(message, now_ns())) continue;
    return differ("it did not see " + message_text(message));
  }
}

void Trial::try_foreign_receipt(const Operation& operation) {  // [V11]
  Queue& on = queue(operation);
  const Receipt& foreign = bench_.foreign();
  for (const Errc code : {on.acknowledge(foreign), on.release(foreign), on.extend(foreign, 1s)}) {
    expect_code("it", code, {Errc::kInvalidArgument});
  }
}

void Trial::let_go() {
  const auto oldest =
      std::find_if(hands_.begin(), hands_.end(), [](const Hand& hand) { return hand.in_place; });
  if (oldest == hands_.end()) return;
  oldest->lease = Lease();
  oldest->has_lease = oldest->in_place = false;
  --model_.views();
}

}  // namespace ringpost::model
