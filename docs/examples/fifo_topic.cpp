// A FIFO topic: every queue gets the messages of a group in one order, each id once. Prints:
//   published number 1
//   published number 2
//   the same id again: number 1, to nobody
//   feed: open, close
//   audit: open, close
#include <iostream>

#include "ringpost/ringpost.hpp"

int main() {
  auto bus = ringpost::Bus::open("trading").value();
  auto feed = bus.queue("feed", {.fifo = true}).value();
  auto audit = bus.queue("audit", {.fifo = true}).value();

  auto orders = bus.topic("orders", {.fifo = true, .dedup = ringpost::Dedup::kById}).value();
  orders.subscribe("feed", {.raw = true}).value();
  orders.subscribe("audit", {.raw = true}).value();

  for (const char* what : {"open", "close"}) {
    const auto sent = orders.publish(what, {.group = "account-7", .dedup_id = what}).value();
    std::cout << "published number " << sent.sequence << '\n';
  }
  const auto again = orders.publish("open", {.group = "account-7", .dedup_id = "open"}).value();
  std::cout << "the same id again: number " << again.sequence << ", "
            << (again.duplicate ? "to nobody" : "to all") << '\n';

  for (ringpost::Queue* queue : {&feed, &audit}) {
    auto received = queue->receive({.max_messages = 10}).value();
    std::cout << queue->name() << ": " << received[0].text() << ", " << received[1].text() << '\n';
    for (ringpost::Lease& message : received) {
      if (message.acknowledge() != ringpost::Errc::kOk) std::cerr << "stale\n";
    }
  }
}
