// A FIFO queue: the messages of one group come in the order in which they were sent, and one
// consumer at a time has a group; groups go on beside each other. A message that is sent again with
// its id is taken once. Prints:
//   sent again: the same message
//   first worker: alice opens an account
//   second worker: bob opens an account
//   nothing else: both groups are locked
//   second worker: alice opens an account, again
//   second worker: alice deposits 5
#include <iostream>
#include <string_view>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

/// Receives one message and says so; its group is locked until the message is settled.
ringpost::Leases take(ringpost::Queue& bookings, std::string_view worker) {
  auto received = bookings.receive().value();
  ringpost::Lease& message = received.front();
  std::cout << worker << " worker: " << message.group() << ' ' << message.text()
            << (message.receive_count() > 1 ? ", again\n" : "\n");
  return received;
}

int main() {
  auto bus = ringpost::Bus::open("bank").value();
  auto bookings =
      bus.queue("bookings", {.fifo = true, .dedup = ringpost::Dedup::kById, .dedup_window = 5min})
          .value();

  const auto id =
      bookings.send("opens an account", {.group = "alice", .dedup_id = "booking-1"}).value();
  bookings.send("deposits 5", {.group = "alice", .dedup_id = "booking-2"}).value();
  bookings.send("opens an account", {.group = "bob", .dedup_id = "booking-3"}).value();
  // A sender that does not know whether it got through sends again.
  const auto again =
      bookings.send("opens an account", {.group = "alice", .dedup_id = "booking-1"}).value();
  std::cout << "sent again: " << (again == id ? "the same message\n" : "another message\n");

  auto second_handle = bus.queue("bookings").value();  // as another process would have it
  auto alice = take(bookings, "first");
  auto bob = take(second_handle, "second");
  if (second_handle.receive().error() == ringpost::Errc::kEmpty) {
    std::cout << "nothing else: both groups are locked\n";
  }
  static_cast<void>(bob.front().acknowledge());

  // The first worker fails. Its message comes back before the later one of its group.
  static_cast<void>(alice.front().release());
  for (int i = 0; i < 2; ++i) {
    auto next = take(second_handle, "second");
    if (next.front().acknowledge() != ringpost::Errc::kOk) std::cerr << "too late\n";
  }
}
