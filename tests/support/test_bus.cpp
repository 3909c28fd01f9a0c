#include "support/test_bus.hpp"

#include <sched.h>

#include "client/member.hpp"

namespace ringpost::test {
namespace {

BusOptions in_directory(BusOptions options, const rig::Scratch& scratch, const Clock& clock) {
  if (options.shm_dir.empty()) options.shm_dir = scratch.path("shm");
  if (options.state_dir.empty()) options.state_dir = scratch.path("state");
  if (options.clock == nullptr) options.clock = &clock;
  return options;
}

void wait_until_armed(const std::atomic<std::uint32_t>& armed) {
  while (armed.load() == 0) sched_yield();
}

std::shared_ptr<queue::QueueMapping> mapping_of(const Bus& bus, const std::string& queue) {
  return client::Member::of(bus).context().queues.open(queue).value();
}

}  // namespace

TestBus::TestBus(BusOptions options)
    : options_(in_directory(std::move(options), scratch_, clock_)),
      bus_(Bus::open(kName, options_).value()) {}

Bus TestBus::attach() const { return Bus::open(kName, options_).value(); }

Queue TestBus::queue(std::string_view name, const QueueSettings& settings) {
  return bus_.queue(name, settings).value();
}

std::string TestBus::path(const std::string& file) const { return bus_.directory() + "/" + file; }

std::string TestBus::findings() const {
  std::string text;
  for (const Finding& finding : examine(bus_).findings) {
    text += finding.object + ": " + finding.what + "\n";
  }
  return text;
}

std::string TestBus::findings_after_sweep() {
  bus_.sweep();
  return findings();
}

void TestBus::wait_for_sleeping_receiver(const std::string& queue) {
  wait_until_armed(mapping_of(bus_, queue)->header().receivers.armed);
}
void TestBus::wait_for_sleeping_sender(const std::string& queue) {
  wait_until_armed(mapping_of(bus_, queue)->header().senders.armed);
}

std::vector<std::string> bodies(Queue& queue, std::uint32_t max_messages) {
  std::vector<std::string> texts;
  auto received = queue.receive({.max_messages = max_messages});
  if (!received) return texts;
  for (Lease& lease : *received) texts.emplace_back(lease.text());
  return texts;
}

Receipt receive_one(Queue& queue) { return queue.receive().value().front().receipt(); }

std::vector<std::string> drain(Queue& queue) {
  std::vector<std::string> texts;
  Leases leases;
  while (queue.receive(leases, {.max_messages = 10}) == Errc::kOk) {
    for (Lease& lease : leases) {
      texts.emplace_back(lease.text());
      if (lease.acknowledge() != Errc::kOk) texts.back() += " (not acknowledged)";
    }
  }
  return texts;
}

std::size_t fill(Queue& queue, std::string_view body) {
  std::size_t sent = 0;
  while (queue.send(body)) ++sent;
  return sent;
}

}  // namespace ringpost::test
