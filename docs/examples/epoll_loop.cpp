// Messages in an epoll loop beside other descriptors: here a pipe that says when the producer, a
// child process, has ended. Prints:
//   message 1
//   message 2
//   message 3
//   the producer has ended
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "ringpost/ringpost.hpp"

void produce() {
  auto bus = ringpost::Bus::open("loop").value();
  auto events = bus.queue("events").value();
  for (int i = 1; i <= 3; ++i) events.send("message " + std::to_string(i)).value();
}

/// Receives until there is nothing more, which is what the descriptor asks for.
void drain(ringpost::Queue& events) {
  ringpost::Leases leases;
  while (events.receive(leases, {.max_messages = 10}) == ringpost::Errc::kOk) {
    for (ringpost::Lease& message : leases) {
      std::cout << message.text() << '\n';
      if (message.acknowledge() != ringpost::Errc::kOk) std::cerr << "stale\n";
    }
  }
}

int main() {
  int ended[2];  // its write end closes with the producer
  if (::pipe(ended) != 0) return 1;
  if (::fork() == 0) {
    produce();
    ::_exit(0);
  }
  ::close(ended[1]);

  auto bus = ringpost::Bus::open("loop").value();
  auto events = bus.queue("events").value();
  ringpost::WaitSet waiting;
  waiting.add(events).value();
  const int messages = waiting.descriptor().value();

  const int loop = ::epoll_create1(EPOLL_CLOEXEC);
  for (const int each : {messages, ended[0]}) {
    epoll_event wanted{.events = EPOLLIN, .data = {.fd = each}};
    if (::epoll_ctl(loop, EPOLL_CTL_ADD, each, &wanted) != 0) return 1;
  }
  for (bool running = true; running;) {
    epoll_event event{};
    if (::epoll_wait(loop, &event, 1, -1) < 1) continue;
    drain(events);  // also when the producer has ended: what it sent is there by now
    if (event.data.fd == messages) waiting.rearm();
    if (event.data.fd == ended[0]) running = false;
  }
  std::cout << "the producer has ended\n";
  ::close(loop);
  ::wait(nullptr);
}
