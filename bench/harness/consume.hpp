// The receiving side that every driver of one channel shares, and how a slice comes to its end.
//
// Polling:   the last producer done has made the number of messages known; consumers leave once all
//            of them together have received as many. If messages are lost they leave after a while.
// Blocking:  nobody can leave a receive that sleeps, so the last producer done sends every consumer
//            an end message.
#pragma once

#include <algorithm>

#include "harness/session.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench {

/// So long nothing arrives and something is missing: it is lost.
inline constexpr double kLostAfterNs = 400e6;

/// A producer has sent `sent` more messages and does not send any more in this slice.
template <Transport T, class Producer>
void finish_slice(std::size_t slice, std::uint64_t sent, Producer& producer,
                  const ChannelOptions& options, Session& session) {
  RunBoard& board = session.board();
  board.sent.fetch_add(sent, std::memory_order_relaxed);  // published by producers_done
  const std::uint32_t done = board.producers_done.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (!T::kBlocking || done != options.producers * (slice + 1)) return;
  for (std::size_t ends = 0; ends < options.consumers;) {
    ends += producer.send_some(1, [&](std::span<std::byte> body, std::size_t /*k*/) {
      fill_payload(body, message_id(kEndProducer, slice), options.check);
    });
  }
}

/// Asked when the channel looked empty: is everything of this slice here?
class SliceEnd {
 public:
  SliceEnd(std::size_t slice, const ChannelOptions& options, Session& session) noexcept
      : session_(&session),
        producers_(static_cast<std::uint32_t>(options.producers * (slice + 1))) {}

  bool reached(std::uint64_t received) noexcept {
    session_->report().received.store(received, std::memory_order_release);
    RunBoard& board = session_->board();
    if (board.producers_done.load(std::memory_order_acquire) < producers_) return false;
    const std::uint64_t sent = board.sent.load(std::memory_order_relaxed);
    const std::uint64_t by_all = session_->received_by_all();
    if (by_all >= sent) return true;
    const Ticks now = ticks_now();
    if (by_all != last_ || since_ == 0) {
      last_ = by_all;
      since_ = now;
    }
    return ticks_to_ns(static_cast<double>(now - since_)) > kLostAfterNs;
  }

 private:
  Session* session_;
  std::uint32_t producers_;
  std::uint64_t last_ = 0;
  Ticks since_ = 0;
};

/// Receives one slice; `on_message(id)` sees every message that is whole.
template <Transport T, class Consumer, class OnMessage>
void consume_slice(std::size_t slice, Consumer& consumer, Tally& tally,
                   const ChannelOptions& options, Session& session, OnMessage on_message) {
  Idler idler(options.idle_pauses, session.processes() > 2);
  SliceEnd end(slice, options, session);
  const std::uint64_t ends_before = tally.ends;
  std::uint64_t received = session.report().received.load(std::memory_order_relaxed);
  const auto visit = [&](std::span<const std::byte> body) {
    on_message(tally.add(body, options.message_bytes, options.check));
  };
  while (true) {
    const std::size_t some = consumer.receive_some(options.batch, visit);
    received += some;
    if constexpr (T::kBlocking) {
      if (tally.ends != ends_before) break;
    }
    if (some != 0) {
      idler.busy();
      continue;
    }
    if (end.reached(received)) break;
    idler.idle();
  }
  session.report().received.store(received, std::memory_order_release);
}

}  // namespace ringpost::bench
