// One producer process and two worker processes. The workers wait for messages in the library, so
// nobody polls in a loop of his own, and a message is done when its worker acknowledges it. Prints:
//   10 jobs done by 2 workers
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "ringpost/ringpost.hpp"

using namespace std::chrono_literals;

constexpr int kWorkers = 2;
constexpr int kJobs = 10;

/// Returns how many jobs it did. A handle does not cross a fork(): each process opens its own.
int work() {
  auto bus = ringpost::Bus::open("factory").value();
  auto jobs = bus.queue("jobs").value();
  int done = 0;
  for (bool stop = false; !stop;) {
    auto received = jobs.receive({.wait = 20s});  // one message; returns as soon as it is there
    if (!received) continue;                      // kTimedOut: nothing came in all that time
    ringpost::Lease& job = received->front();
    stop = job.text() == "stop";
    if (!stop) ++done;  // the work
    if (job.acknowledge() != ringpost::Errc::kOk) std::cerr << "too late: another has it\n";
  }
  return done;
}

int main() {
  for (int i = 0; i < kWorkers; ++i) {
    if (::fork() == 0) ::_exit(work());
  }
  auto bus = ringpost::Bus::open("factory").value();
  auto jobs = bus.queue("jobs").value();
  for (int i = 0; i < kJobs; ++i) jobs.send("job " + std::to_string(i)).value();
  for (int i = 0; i < kWorkers; ++i) jobs.send("stop").value();

  int done = 0;
  int status = 0;
  while (::wait(&status) > 0) done += WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  std::cout << done << " jobs done by " << kWorkers << " workers\n";
}
