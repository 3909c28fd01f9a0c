// A handler that needs longer than the visibility timeout: it extends its lease after each step, so
// that nobody else gets the message meanwhile. Time here is a ManualClock, as in a unit test, so
// that a minute and a half takes no time; with the default clock the calls are the same. Prints:
//   20 s: extended, others see nothing
//   40 s: extended, others see nothing
//   60 s: extended, others see nothing
//   80 s: extended, others see nothing
//   done: acknowledged
#include <iostream>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

int main() {
  ringpost::ManualClock clock;
  auto bus = ringpost::Bus::open("studio", {.clock = &clock}).value();
  auto films = bus.queue("films", {.visibility_timeout = 30s}).value();
  films.send("film").value();

  auto other_bus = bus.clone().value();  // another participant, as another process would be
  auto others = other_bus.open_queue("films").value();

  auto received = films.receive().value();
  ringpost::Lease& film = received.front();
  for (int step = 1; step <= 4; ++step) {
    clock.advance(20s);  // the work
    if (film.extend(30s) != ringpost::Errc::kOk) {
      std::cout << "the lease had ended and somebody else has the message: stop\n";
      return 1;
    }
    const bool hidden = !others.receive();  // kEmpty
    std::cout << step * 20 << " s: extended, others see " << (hidden ? "nothing" : "it") << '\n';
  }
  if (film.acknowledge() == ringpost::Errc::kOk) std::cout << "done: acknowledged\n";
}
