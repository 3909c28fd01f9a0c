// Messages a second: producers send as fast as they can until the slice is over, consumers receive
// until everything sent has arrived.
#pragma once

#include "harness/consume.hpp"
#include "harness/measurement.hpp"

namespace ringpost::bench {

template <class Producer>
void send_until(Ticks deadline, Producer& producer, unsigned index, const ChannelOptions& options,
                Session& session) {
  ProcessReport& report = session.report();
  Idler idler(options.idle_pauses, session.processes() > 2);
  std::uint64_t next = report.sent;
  const auto fill = [&](std::span<std::byte> body, std::size_t k) {
    fill_payload(body, message_id(index, next + k), options.check);
  };
  // Looking at the clock costs as much as a few messages.
  const std::size_t round = std::max<std::size_t>(options.batch, 16'384 / options.message_bytes);
  do {
    for (std::size_t sent = 0; sent < round;) {
      const std::size_t some = producer.send_some(options.batch, fill);
      next += some;
      sent += some;
      some == 0 ? idler.idle() : idler.busy();
    }
  } while (ticks_now() < deadline);
  report.sent = next;
}

template <Transport T>
void throughput_producer(T& transport, unsigned index, const ChannelOptions& options,
                         Session& session) {
  auto producer = transport.producer(index);
  std::uint64_t sent_before = 0;
  session.run_slices([&](std::size_t n) {
    send_until(ticks_now() + session.slice_ticks(), producer, index, options, session);
    const std::uint64_t sent = session.report().sent;
    finish_slice<T>(n, sent - sent_before, producer, options, session);
    sent_before = sent;
  });
}

template <Transport T>
void throughput_consumer(T& transport, unsigned index, const ChannelOptions& options,
                         Session& session) {
  auto consumer = transport.consumer(index);
  Tally tally;
  session.run_slices([&](std::size_t n) {
    consume_slice<T>(n, consumer, tally, options, session, [](std::uint64_t /*id*/) {});
  });
  session.report().tally = tally;
}

/// Roles in the order that the probes need: producer 0, consumer 0, then the others. Producers run
/// on core 0, consumers on core 1.
template <class ProducerBody, class ConsumerBody>
std::vector<Role> channel_roles(const ChannelOptions& options, ProducerBody produce,
                                ConsumerBody consume) {
  std::vector<Role> roles;
  for (unsigned i = 0; i < std::max(options.producers, options.consumers); ++i) {
    if (i < options.producers) roles.push_back({0, [=](Session& s) { produce(i, s); }});
    if (i < options.consumers) roles.push_back({1, [=](Session& s) { consume(i, s); }});
  }
  return roles;
}

/// The messages sent by each producer; roles as from channel_roles().
std::vector<std::uint64_t> sent_by_producer(const RunOutcome& outcome,
                                            const ChannelOptions& options);

/// The result of a channel's run: rate, latency if recorded, messages judged.
RunResult channel_result(const RunOutcome& outcome, const ChannelOptions& options, bool ordered);

template <Transport T>
Measurement throughput_of(const ChannelOptions& options) {
  return [options](const RunSettings& settings) {
    T transport(options);
    const auto roles = channel_roles(
        options, [&](unsigned i, Session& s) { throughput_producer(transport, i, options, s); },
        [&](unsigned i, Session& s) { throughput_consumer(transport, i, options, s); });
    return channel_result(run_processes(roles, settings), options, T::kOrdered);
  };
}

}  // namespace ringpost::bench
