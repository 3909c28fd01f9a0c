#include "hostile/victim.hpp"

#include "support/corruption.hpp"

namespace ringpost::hostile {
namespace {

using namespace std::chrono_literals;

const QueueSettings kStandard{.visibility_timeout = 1ms, .slots = 64, .bytes_max = 512 * 1024};
const QueueSettings kFifo{.visibility_timeout = 1ms, .slots = 64, .fifo = true};
const QueueSettings kFair{.visibility_timeout = 1ms, .slots = 64, .fair = true};

const QueueSettings& settings_of(QueueKind kind) {
  if (kind == QueueKind::kFair) return kFair;
  return kind == QueueKind::kFifo ? kFifo : kStandard;
}

std::vector<std::string> paths_in(const std::string& directory) {
  std::vector<std::string> paths;
  for (const std::string& name : test::files_in(directory)) paths.push_back(directory + "/" + name);
  return paths;
}

std::uint64_t sum_of(ByteSpan bytes) {
  std::uint64_t sum = 0;
  for (const std::byte each : bytes) sum += static_cast<std::uint64_t>(each);
  return sum;
}

std::uint64_t sum_of(const AttributeView& attributes) {
  std::uint64_t sum = 0;
  for (const Attribute& each : attributes) {
    sum += sum_of(as_bytes(each.name)) + sum_of(as_bytes(each.type)) + sum_of(as_bytes(each.value));
  }
  return sum;
}

}  // namespace

Victim::Victim(std::uint64_t seed, QueueKind kind)
    : random_(seed),
      kind_(kind),
      settings_(settings_of(kind)),
      options_{.participants_max = 8, .arena_bytes_max = 4u << 20, .shm_dir = scratch_.path("shm")},
      bus_(Bus::open("victim", options_).value()),
      queue_(bus_.queue("q", settings_).value()),
      other_bus_(bus_.clone().value()),
      other_(other_bus_.open_queue("q").value()) {}

std::vector<std::string> Victim::ring_files() const {
  return paths_in(bus_.directory() + "/rings");
}
std::vector<std::string> Victim::segment_files() const {
  return paths_in(bus_.directory() + "/arena");
}

void Victim::populate() {
  for (int i = 0; i < 40; ++i) send_some(queue_);
  Leases held;
  static_cast<void>(other_.receive(held, {.max_messages = 8, .visibility_timeout = 1h}));
  for (Lease& each : held) receipts_.push_back(each.receipt());
  static_cast<void>(queue_.receive(held, {.max_messages = 4}));
  for (Lease& each : held) static_cast<void>(each.release());
}

void Victim::use_old_handles() {
  use(bus_, queue_);
  use(other_bus_, other_);
}

void Victim::use_new_handles() {
  auto bus = Bus::open("victim", options_);
  if (!bus) return;
  auto queue = bus->queue("q");
  if (queue) use(*bus, *queue);
  auto fresh = bus->queue("fresh", settings_);
  if (fresh) use(*bus, *fresh);
  static_cast<void>(bus->delete_queue("fresh"));
}

void Victim::use(Bus& bus, Queue& queue) {
  for (int turn = 0; turn < 12; ++turn) {
    switch (any(6)) {
      case 0:
      case 1:
        send_some(queue);
        break;
      case 2:
      case 3:
        receive_some(queue);
        break;
      case 4:
        settle_some(queue);
        break;
      default:
        wait_some(queue);
        break;
    }
  }
  look(queue);
  static_cast<void>(bus.queue_names());
}

std::string_view Victim::any_group() {
  static constexpr std::string_view kGroups[] = {"a", "b", "group.c", "d"};
  const bool nobodys = kind_ == QueueKind::kFair && any(4) == 0;
  if (nobodys || kind_ == QueueKind::kStandard) return {};
  return kGroups[any(std::size(kGroups))];
}

void Victim::send_some(Queue& queue) {
  const std::string body(any(3) == 0 ? any(3'000) : any(100), 'x');
  static constexpr Attribute attributes[] = {{"name", "value"}, {"number", "1.5", "Number"}};
  const bool delays = kind_ != QueueKind::kFifo && any(4) == 0;
  const SendOptions options{.delay = delays ? std::optional<Duration>(1ms) : std::nullopt,
                            .attributes = attributes,
                            .group = any_group()};
  switch (any(4)) {
    case 0: {
      const std::vector<OutMessage> batch(any(40), OutMessage{as_bytes(body), {}, options.group});
      static_cast<void>(queue.send_batch(batch, options));
      break;
    }
    case 1:
      if (auto loan = queue.loan(body.size() + 1)) {
        for (std::byte& each : loan->bytes()) each = std::byte{1};
        if (any(2) == 0) static_cast<void>(queue.send(std::move(*loan)));
      }
      break;
    default:
      static_cast<void>(queue.send(body, options));
      break;
  }
}

void Victim::receive_some(Queue& queue) {
  Leases leases;
  static constexpr std::string_view kAttempts[] = {"", "", "once", "twice"};
  static_cast<void>(queue.receive(leases, {.max_messages = static_cast<std::uint32_t>(1 + any(20)),
                                           .wait = 0s,
                                           .attempt_id = kAttempts[any(std::size(kAttempts))]}));
  for (Lease& each : leases) {
    sum_ += sum_of(each.body()) + sum_of(each.attributes()) + each.receive_count();
    sum_ += each.id().position +
            static_cast<std::uint64_t>(each.sent_at().time_since_epoch().count() ^
                                       each.first_received_at().time_since_epoch().count());
    sum_ += sum_of(as_bytes(each.group())) + each.sequence();
    receipts_.push_back(each.receipt());
    switch (any(4)) {
      case 0:
        static_cast<void>(each.release(any(2) == 0 ? 0ns : 1ms));
        break;
      case 1:
        static_cast<void>(each.extend(1ms));
        break;
      default:
        static_cast<void>(each.acknowledge());
        break;
    }
  }
}

void Victim::settle_some(Queue& queue) {
  while (!receipts_.empty() && any(5) != 0) {
    const Receipt receipt = receipts_.back();
    receipts_.pop_back();
    switch (any(3)) {
      case 0:
        static_cast<void>(queue.acknowledge(receipt));
        break;
      case 1:
        static_cast<void>(queue.release(receipt));
        break;
      default:
        static_cast<void>(queue.extend(receipt, 1ms));
        break;
    }
  }
}

void Victim::wait_some(Queue& queue) {
  queue.set_waiting(any(2) == 0 ? Waiting::kPark : Waiting::kAdaptive);
  if (auto received = queue.receive({.max_messages = 3, .wait = 1ms})) {
    for (Lease& each : *received) sum_ += sum_of(each.body());
  }
  static_cast<void>(queue.send("late", {.group = any_group(), .wait = 1ms}));
  WaitSet set;
  static_cast<void>(set.add(queue));
  static_cast<void>(set.wait(1ms));
}

void Victim::look(Queue& queue) {
  sum_ += queue.stats().latency.percentile(99);
  for (const PeekedMessage& each : queue.peek(100)) {
    sum_ += sum_of(as_bytes(each.body)) + sum_of(AttributeView(as_bytes(each.encoded_attributes)));
  }
  const QueueSettings settings = queue.settings();
  sum_ += settings.slots.value_or(0);
  static_cast<void>(queue.set({.delay = 0s}));
  if (const auto tags = queue.tags()) sum_ += tags->size();
  static_cast<void>(queue.set_tags({{"tag", std::to_string(any(3))}}));
}

void Victim::tidy_up() {
  sum_ += inspect(bus_).participants.size();
  sum_ += examine(bus_).findings.size();
  sum_ += bus_.sweep().blocks_freed;
  static_cast<void>(queue_.purge());
  static_cast<void>(bus_.delete_queue("q"));
  static_cast<void>(bus_.queue("q", settings_));
}

}  // namespace ringpost::hostile
