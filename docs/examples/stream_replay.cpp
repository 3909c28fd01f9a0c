// A stream: put, read, read again from any place; its records stay. Prints:
//   live: bid 7, ask 8
//   from the beginning: bid 7, ask 8, trade 7.5
//   after the first: ask 8, trade 7.5
#include <iostream>

#include "ringpost/ringpost.hpp"

namespace {

std::string data_of(ringpost::ShardReader& reader) {
  std::string text;
  for (auto record = reader.next(); record; record = reader.next()) {
    text += (text.empty() ? "" : ", ") + std::string(ringpost::as_text(record->data));
  }
  return text;
}

}  // namespace

int main() {
  auto bus = ringpost::Bus::open("market").value();
  auto trades = bus.stream("trades", {.shards = 1}).value();
  auto live = trades.reader(0, ringpost::From::latest()).value();

  const auto first = trades.put("BTC", "bid 7").value();  // safe on disk when it returns
  trades.put("BTC", "ask 8").value();
  std::cout << "live: " << data_of(live) << '\n';

  trades.put("BTC", "trade 7.5").value();
  auto history = trades.reader(0, ringpost::From::trim_horizon()).value();
  std::cout << "from the beginning: " << data_of(history) << '\n';
  auto rest = trades.reader(0, ringpost::From::after(first.sequence)).value();
  std::cout << "after the first: " << data_of(rest) << '\n';
}
