// Latency at a fixed rate. Messages have a time at which they should be sent; latency counts from
// it, whenever the producer really got to send: a stall shows in every message that it delays.
#pragma once

#include "harness/drive_throughput.hpp"

namespace ringpost::bench {

/// When which message is due. The producer writes it before the gate of a slice, others read.
class Schedule {
 public:
  Schedule(Ticks begin, std::uint64_t first, double messages_per_s)
      : begin_(begin),
        first_(first),
        interval_(static_cast<double>(ns_to_ticks(1e9)) / messages_per_s) {}

  [[nodiscard]] Ticks due(std::uint64_t sequence) const noexcept {
    return begin_ + static_cast<Ticks>(static_cast<double>(sequence - first_) * interval_);
  }

 private:
  Ticks begin_;
  std::uint64_t first_;
  double interval_;  // ticks
};

template <Transport T>
void open_loop_producer(T& transport, const ChannelOptions& options, double messages_per_s,
                        Session& session) {
  auto producer = transport.producer(0);
  RunBoard& board = session.board();
  ProcessReport& report = session.report();
  session.run_slices([&](std::size_t n) {
    const std::uint64_t first = report.sent;
    std::uint64_t next = first;
    const Ticks begin = ticks_now() + ns_to_ticks(5'000);
    // A message carries its number, so the receiver needs only the begin of the slice.
    board.schedule_sequence.store(first, std::memory_order_relaxed);
    board.schedule.store(begin, std::memory_order_release);
    const Schedule schedule(begin, first, messages_per_s);
    const auto fill = [&](std::span<std::byte> body, std::size_t k) {
      fill_payload(body, message_id(0, next + k), options.check);
    };
    const Ticks deadline = begin + session.slice_ticks();
    for (Ticks due = begin; due < deadline; due = schedule.due(next)) {
      while (ticks_now() < due) {
      }
      while (producer.send_some(1, fill) == 0) cpu_pause(options.idle_pauses);
      ++next;
    }
    report.sent = next;
    finish_slice<T>(n, next - first, producer, options, session);
  });
}

template <Transport T>
void open_loop_consumer(T& transport, const ChannelOptions& options, double messages_per_s,
                        Session& session) {
  auto consumer = transport.consumer(0);
  Tally tally;
  RunBoard& board = session.board();
  Histogram& latency = session.report().latency;
  session.run_slices([&](std::size_t n) {
    std::uint64_t first = ~std::uint64_t{0};
    Schedule schedule(0, 0, messages_per_s);
    consume_slice<T>(n, consumer, tally, options, session, [&](std::uint64_t id) {
      const Ticks now = ticks_now();
      if (producer_of(id) != 0) return;
      if (first == ~std::uint64_t{0}) {  // the first message of the slice was sent after these
        first = board.schedule_sequence.load(std::memory_order_relaxed);
        schedule = Schedule(board.schedule.load(std::memory_order_acquire), first, messages_per_s);
      }
      const Ticks due = schedule.due(sequence_of(id));
      latency.record(now > due ? now - due : 0);
    });
  });
  session.report().tally = tally;
}

/// One producer, one consumer, `messages_per_s`, unbatched.
template <Transport T>
Measurement open_loop_of(const ChannelOptions& options, double messages_per_s) {
  return [options, messages_per_s](const RunSettings& settings) {
    T transport(options);
    const std::vector<Role> roles = {
        {0,
         [&](Session& session) {
           open_loop_producer(transport, options, messages_per_s, session);
         }},
        {1, [&](Session& session) {
           open_loop_consumer(transport, options, messages_per_s, session);
         }}};
    return channel_result(run_processes(roles, settings), options, T::kOrdered);
  };
}

}  // namespace ringpost::bench
