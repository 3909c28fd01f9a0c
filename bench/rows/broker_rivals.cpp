#include "rows/broker_rivals.hpp"

#include <fmt/format.h>

#include <array>

#include "harness/measurement.hpp"
#include "peers/broker.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

using peers::Broker;
using peers::BrokerClient;
using rivals::Publishing;
using Start = std::unique_ptr<Broker> (*)();

constexpr std::size_t kBodyBytes = 1024;
// Their sets of messages are read back and removed after every run; they are far behind.
constexpr unsigned kEvery = 2;

void publish_slices(Broker& broker, unsigned index, const Publishing& how, Session& session) {
  const std::unique_ptr<BrokerClient> client = broker.connect();
  ProcessReport& report = session.report();
  std::array<std::byte, kBodyBytes> body{};
  std::uint64_t sent = 0;
  std::uint64_t confirmed = 0;
  session.run_slices([&](std::size_t /*n*/) {
    Ticks last = ticks_now();
    const Ticks deadline = last + session.slice_ticks();
    while (last < deadline || confirmed < sent) {
      const bool more = last < deadline && sent - confirmed < how.unconfirmed;
      while (last < deadline && sent - confirmed < how.unconfirmed) {
        fill_payload(body, message_id(index, sent++), Check::kEveryByte);
        client->publish(body);
      }
      if (more) client->flush();
      confirmed += client->confirmed();
      const Ticks now = ticks_now();
      if (how.unconfirmed == 1) report.latency.record(now - last);
      last = now;
    }
  });
  report.sent = sent;
}

RunResult run_publishing(Broker& broker, const Publishing& how, const RunSettings& settings) {
  std::vector<Role> roles;
  for (unsigned i = 0; i < how.clients; ++i) {
    roles.push_back({0, [&broker, how, i](Session& s) { publish_slices(broker, i, how, s); }});
  }
  RunOutcome outcome = run_processes(roles, settings);
  std::uint64_t sent = 0;
  for (const std::uint64_t of_one : outcome.sent) sent += of_one;
  RunResult result = result_of(outcome, sent);
  if (result.status != RunResult::Status::kDone) return result;
  result.placement = Placement::kNear;  // no line moves between cores for this
  Tally tally;
  broker.connect()->take_all(
      sent, [&](ByteSpan body) { tally.add(body, kBodyBytes, Check::kEveryByte); });
  outcome.tallies = {tally};
  judge_messages(result, outcome, outcome.sent, true);
  return result;
}

/// The server comes up with the first run and stays for all runs of its row.
Measurement publishing_to(Start start, const Publishing& how) {
  auto broker = std::make_shared<std::unique_ptr<Broker>>();
  return [=](const RunSettings& settings) {
    if (*broker == nullptr) *broker = start();
    return run_publishing(**broker, how, settings);
  };
}

void add(std::vector<Rival>& rivals, const char* name, Start start, const Publishing& how) {
  rivals.push_back(
      {name,
       {{fmt::format("{} × {}", how.clients, how.unconfirmed), publishing_to(start, how)}},
       Ratio::kTimesFaster,
       kEvery});
}

}  // namespace

namespace rivals {

void add_durable_brokers(std::vector<Rival>& rivals, const Publishing& how) {
  add(rivals, "redis_stream", peers::start_redis, how);
  add(rivals, "beanstalkd", peers::start_beanstalkd, how);
  add(rivals, "rabbitmq", peers::find_rabbitmq, how);
}

void add_nats(std::vector<Rival>& rivals, const Publishing& how) {
  add(rivals, "nats_memory", peers::start_nats, how);
}

}  // namespace rivals
}  // namespace ringpost::bench
