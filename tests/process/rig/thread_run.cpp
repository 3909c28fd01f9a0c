#include "process/rig/thread_run.hpp"

#include <algorithm>
#include <thread>

#include "process/rig/scratch.hpp"
#include "process/rig/worker.hpp"

namespace ringpost::rig {

namespace {

/// One thread with all that is its own.
struct Part {
  Part(std::unique_ptr<Client> its_client, history::Recorder its_recorder)
      : client(std::move(its_client)), recorder(std::move(its_recorder)) {}

  std::unique_ptr<Client> client;
  history::Recorder recorder;
  std::atomic<std::uint64_t> tickets{0};
};

}  // namespace

RunOutcome run_threads(const Plan& plan, Control& control, const Clock& clock,
                       const MakeClient& make_client, ThreadTerms terms) {
  RunOutcome outcome;
  const Scratch scratch;
  std::vector<std::unique_ptr<Part>> parts;
  for (std::uint32_t place = 0; place < plan.roles.size(); ++place) {
    auto client = make_client();
    if (plan.wrap) client = plan.wrap(std::move(client), clock);
    auto recorder = history::Recorder::create(scratch.path("log" + std::to_string(place)),
                                              place + 1, 4 * plan.operations + 100'000);
    if (!recorder || !client) {
      outcome.failure = "cannot create a client and its log";
      return outcome;
    }
    parts.push_back(std::make_unique<Part>(std::move(client), *std::move(recorder)));
  }
  const auto work = [&](std::uint32_t place, bool drains) {
    Part& part = *parts[place];
    auto& tickets = terms.own_tickets ? part.tickets : control.tickets;
    Session session(*part.client, {&part.recorder, history::Stamper(tickets, clock)});
    Worker worker(session, control, control.places[place], plan, plan.roles[place],
                  plan.seed * 1'000 + place);
    if (!drains) {
      worker.run();
      return std::string();
    }
    return worker.drain();
  };
  std::vector<std::thread> threads;
  std::atomic<std::size_t> ended{0};
  for (std::uint32_t place = 0; place < parts.size(); ++place) {
    threads.emplace_back([&, place] {
      work(place, false);
      ended.fetch_add(1, std::memory_order_relaxed);
    });
  }
  // Time passes even if every thread waits for it.
  while (ended.load(std::memory_order_relaxed) < threads.size()) {
    control.clock_ns.fetch_add(50'000, std::memory_order_relaxed);
    control.await_wake(control.parent_word.load());
  }
  for (std::thread& thread : threads) thread.join();

  outcome.failure = work(0, true);
  outcome.findings = parts[0]->client->examine();
  std::vector<history::Log> logs;
  for (const auto& part : parts) logs.push_back(part->recorder.read());
  outcome.history = history::assemble(logs);
  return outcome;
}

}  // namespace ringpost::rig
