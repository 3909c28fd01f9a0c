// A worker is killed (SIGKILL) while it holds a message. The next one who waits finds the dead one,
// clears up after it and gets the message, long before its visibility timeout of an hour is over.
// Prints:
//   the worker has it: job
//   the worker is dead
//   received job, for the 2nd time
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

/// Receives the message and never finishes it.
[[noreturn]] void work_for_ever() {
  auto bus = ringpost::Bus::open("hospital").value();
  auto jobs = bus.open_queue("jobs").value();
  auto taken = bus.open_queue("taken").value();
  auto received = jobs.receive({.wait = 20s}).value();
  taken.send(received.front().body()).value();  // tells the parent
  for (;;) ::pause();
}

int main() {
  auto bus = ringpost::Bus::open("hospital").value();
  auto jobs = bus.queue("jobs", {.visibility_timeout = 1h}).value();
  auto taken = bus.queue("taken").value();
  jobs.send("job").value();

  const pid_t worker = ::fork();
  if (worker == 0) work_for_ever();

  auto word = taken.receive({.wait = ringpost::kForever}).value();
  std::cout << "the worker has it: " << word.front().text() << '\n';
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  std::cout << "the worker is dead\n";

  auto again = jobs.receive({.wait = 20s}).value();
  ringpost::Lease& job = again.front();
  std::cout << "received " << job.text() << ", for the " << job.receive_count() << "nd time\n";
  return job.acknowledge() == ringpost::Errc::kOk ? 0 : 1;
}
