// One thread that serves several queues and sleeps while all of them are empty. Whatever is urgent
// comes first. Prints:
//   urgent: stop the line
//   normal: oil the hinges
//   normal: sweep the floor
#include <array>
#include <cstddef>
#include <iostream>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

int main() {
  auto bus = ringpost::Bus::open("plant").value();
  std::array<ringpost::Queue, 2> queues = {bus.queue("urgent").value(),
                                           bus.queue("normal").value()};
  queues[1].send("oil the hinges").value();
  queues[1].send("sweep the floor").value();
  queues[0].send("stop the line").value();

  ringpost::WaitSet waiting;
  for (ringpost::Queue& queue : queues) waiting.add(queue).value();

  for (int served = 0; served < 3;) {
    const auto ready = waiting.wait(20s);  // indices in the order of add()
    if (!ready) {
      std::cerr << ringpost::message(ready.error()) << '\n';
      return 1;
    }
    for (const std::size_t index : *ready) {
      auto received = queues[index].receive();  // does not wait; another may have been faster
      if (!received) continue;
      ringpost::Lease& message = received->front();
      std::cout << queues[index].name() << ": " << message.text() << '\n';
      if (message.acknowledge() == ringpost::Errc::kOk) ++served;
      break;  // look at the urgent ones again
    }
  }
}
