// A consumer group shares the shards of a stream and remembers how far it is; a producer fills it
// in the background. Prints:
//   one consumer has 4 shards
//   two consumers have 2 and 2
//   3 payments, each once
//   a new consumer: nothing to do
#include <iostream>
#include <set>

#include "ringpost/ringpost.hpp"

namespace {

/// What there is for it now; each delivery is done when its checkpoint is written.
void work(ringpost::Consumer& consumer, std::multiset<std::string>& seen) {
  while (const auto delivery = consumer.poll().value()) {
    for (const auto& record : delivery->records) seen.emplace(ringpost::as_text(record.data));
    consumer.checkpoint(*delivery).value();
  }
}

}  // namespace

int main() {
  auto bus = ringpost::Bus::open("billing").value();
  auto payments = bus.stream("payments", {.shards = 4}).value();
  auto first = ringpost::Consumer::open(bus, "payments", "audit").value();
  std::cout << "one consumer has " << first.shards().size() << " shards\n";

  // A short time without a poll, so that nobody waits long here.
  auto second =
      ringpost::Consumer::open(bus, "payments", "audit", {.failover = std::chrono::seconds(1)})
          .value();
  std::multiset<std::string> seen;
  while (second.shards().size() < 2) {
    work(first, seen);
    work(second, seen);
  }
  std::cout << "two consumers have " << first.shards().size() << " and " << second.shards().size()
            << '\n';

  auto producer = ringpost::Producer::open(bus, "payments").value();
  for (const char* key : {"ann", "bob", "cyd"}) {
    if (producer.put(key, "payment") != ringpost::Errc::kOk) return 1;
  }
  if (producer.flush() != ringpost::Errc::kOk) return 1;
  while (seen.size() < 3) {
    work(first, seen);
    work(second, seen);
  }
  std::cout << seen.size() << " payments, each once\n";

  first.stop();
  second.stop();
  auto third = ringpost::Consumer::open(bus, "payments", "audit").value();
  std::cout << "a new consumer: " << (third.poll().value() ? "more" : "nothing to do") << '\n';
}
