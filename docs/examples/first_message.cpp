// Sends one message, receives it and acknowledges it. Prints:
//   buy 100
#include <iostream>

#include "ringpost/ringpost.hpp"

int main() {
  using namespace std::chrono_literals;
  auto bus = ringpost::Bus::open("trading").value();
  auto orders = bus.queue("orders", {.visibility_timeout = 30s}).value();

  orders.send("buy 100", {.attributes = {{"venue", "spot"}}}).value();

  auto received = orders.receive({.max_messages = 10, .wait = 20s});
  if (!received) {
    std::cerr << ringpost::message(received.error()) << '\n';
    return 1;
  }
  for (ringpost::Lease& message : *received) {
    std::cout << message.text() << '\n';
    if (message.acknowledge() != ringpost::Errc::kOk) std::cerr << "somebody else has it by now\n";
  }
}
