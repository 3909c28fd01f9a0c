// Back pressure: a full queue refuses at once, or makes the sender wait, as the sender chooses. The
// consumer is a thread here; it has a participant of its own, made by clone(). Prints:
//   64 messages fit, then: Full
//   consumed 65
//   with a wait: sent
#include <iostream>
#include <thread>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

/// Receives and acknowledges so many.
void consume(ringpost::Bus bus, int wanted) {
  auto steps = bus.open_queue("steps").value();
  for (int consumed = 0; consumed < wanted;) {
    auto received = steps.receive({.max_messages = 10, .wait = 20s});
    if (!received) continue;
    for (ringpost::Lease& message : *received) {
      if (message.acknowledge() == ringpost::Errc::kOk) ++consumed;
    }
  }
  std::cout << "consumed " << wanted << '\n';
}

int main() {
  auto bus = ringpost::Bus::open("pressure").value();
  // `fixed`: never grows beyond its first ring. By default a queue grows up to `bytes_max`.
  auto steps = bus.queue("steps", {.slots = 64, .fixed = true}).value();

  int sent = 0;
  auto last = steps.send("step");
  for (; last; last = steps.send("step")) ++sent;
  std::cout << sent << " messages fit, then: " << ringpost::name(last.error()) << std::endl;

  std::thread consumer(consume, bus.clone().value(), sent + 1);
  const auto patient = steps.send("step", {.wait = ringpost::kForever});
  consumer.join();
  std::cout << "with a wait: " << (patient ? "sent" : ringpost::name(patient.error())) << '\n';
}
