// Looks at a queue without receiving from it: peek() shows messages in whatever state, stats()
// counts. Neither changes anything. Prints:
//   position 0, in flight, received 1 times: a
//   position 1, visible, received 0 times: b
//   position 2, delayed, received 0 times: c
//   sent 3, received 1, acknowledged 0
//   now 1 visible, 1 in flight, 1 delayed
#include <iostream>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

const char* text_of(ringpost::MessageState state) {
  switch (state) {
    case ringpost::MessageState::kVisible:
      return "visible";
    case ringpost::MessageState::kInFlight:
      return "in flight";
    case ringpost::MessageState::kDelayed:
      return "delayed";
  }
  return "?";
}

int main() {
  auto bus = ringpost::Bus::open("office").value();
  auto letters = bus.queue("letters").value();
  letters.send("a").value();
  letters.send("b").value();
  letters.send("c", {.delay = 10min}).value();
  auto received = letters.receive().value();  // a, in flight as long as its lease lasts

  for (const ringpost::PeekedMessage& message : letters.peek(10)) {
    std::cout << "position " << message.position << ", " << text_of(message.state) << ", received "
              << message.receive_count << " times: " << message.body << '\n';
  }
  const ringpost::QueueStats stats = letters.stats();
  std::cout << "sent " << stats.sent << ", received " << stats.received << ", acknowledged "
            << stats.acknowledged << '\n';
  std::cout << "now " << stats.visible << " visible, " << stats.in_flight << " in flight, "
            << stats.delayed << " delayed\n";
}
