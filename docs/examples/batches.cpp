// Sends and receives many messages a call: the shared cursors move once a batch. Prints:
//   sent 250
//   received 120, first "tick 0"
//   received 120, first "tick 120"
//   received 10, first "tick 240"
#include <iostream>
#include <string>
#include <vector>

#include "ringpost/ringpost.hpp"

int main() {
  auto bus = ringpost::Bus::open("market").value();
  auto ticks = bus.queue("ticks").value();

  std::vector<std::string> bodies;
  for (int i = 0; i < 250; ++i) bodies.push_back("tick " + std::to_string(i));
  std::vector<ringpost::OutMessage> batch;
  for (const std::string& body : bodies) batch.push_back({ringpost::as_bytes(body), {}});

  // Fewer than all are sent when the queue is full: go on from there later.
  const std::size_t sent = ticks.send_batch(batch).value();
  std::cout << "sent " << sent << '\n';

  ringpost::Leases leases;  // kept outside the loop: nothing is allocated or copied in it
  while (ticks.receive(leases, {.max_messages = leases.kCapacity}) == ringpost::Errc::kOk) {
    std::cout << "received " << leases.size() << ", first \"" << leases.front().text() << "\"\n";
    for (ringpost::Lease& message : leases) {
      if (message.acknowledge() != ringpost::Errc::kOk) std::cerr << "stale\n";
    }
  }
}
