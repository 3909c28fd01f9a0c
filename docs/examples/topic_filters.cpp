// One publish, three queues, each with a filter of its own: by attribute, by body, none. Prints:
//   books: 3 prices
//   risk: 2 prices, first {"symbol": "BTC", "size": 900}
//   alerts: 1 prices, first {"symbol": "ETH", "size": 5000}
#include <iostream>

#include "ringpost/ringpost.hpp"

int main() {
  auto bus = ringpost::Bus::open("market").value();
  auto books = bus.queue("books").value();
  auto risk = bus.queue("risk").value();
  auto alerts = bus.queue("alerts").value();

  auto prices = bus.topic("prices").value();
  prices.subscribe("books", {.raw = true}).value();
  prices.subscribe("risk", {.raw = true, .filter = R"({"venue": ["futures"]})"}).value();
  prices
      .subscribe("alerts", {.raw = true,
                            .filter = R"({"size": [{"numeric": [">", 1000]}]})",
                            .filter_scope = ringpost::FilterScope::kBody})
      .value();

  prices.publish(R"({"symbol": "BTC", "size": 10})", {.attributes = {{"venue", "spot"}}}).value();
  prices.publish(R"({"symbol": "BTC", "size": 900})", {.attributes = {{"venue", "futures"}}})
      .value();
  prices.publish(R"({"symbol": "ETH", "size": 5000})", {.attributes = {{"venue", "futures"}}})
      .value();

  for (ringpost::Queue* queue : {&books, &risk, &alerts}) {
    auto received = queue->receive({.max_messages = 10}).value();
    std::cout << queue->name() << ": " << received.size() << " prices";
    if (queue != &books) std::cout << ", first " << received.front().text();
    std::cout << '\n';
    for (ringpost::Lease& message : received) {
      if (message.acknowledge() != ringpost::Errc::kOk) std::cerr << "stale\n";
    }
  }
}
