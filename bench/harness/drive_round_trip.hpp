// Round trips: a client on core 0 pings, a server on core 1 answers; each trip is timed.
//
//   parent                      P pair(options)
//   each child, after the fork  pair.client() / pair.server()
//   client.ping()   one round trip
//   server.serve()  answers one ping if there is one; false if there was none
//   tally(), sent() of both, if the pair carries messages; else the values themselves are the check
#pragma once

#include "harness/measurement.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench {

template <class P>
concept PingPong = std::constructible_from<P, const ChannelOptions&> && requires(P& pair) {
  pair.client().ping();
  { pair.server().serve() } -> std::same_as<bool>;
};

/// Two channels of one transport make a pair. A message is answered before it is settled, as a
/// program that must not lose one would do.
template <Transport T>
class ChannelPair {
 public:
  explicit ChannelPair(const ChannelOptions& options)
      : options_(options), there_(options), back_(options) {}

  template <class Producer, class Consumer>
  class Side {
   public:
    Side(Producer out, Consumer in, const ChannelOptions& options)
        : out_(std::move(out)), in_(std::move(in)), options_(options) {}

    void ping() {
      send();
      while (!receive([] {})) idle();
    }
    bool serve() {
      if (receive([this] { send(); })) return true;
      idle();
      return false;
    }
    [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

   private:
    void send() {
      const auto fill = [this](std::span<std::byte> body, std::size_t /*k*/) {
        fill_payload(body, message_id(0, sent_), options_.check);
      };
      while (out_.send_some(1, fill) == 0) idle();
      ++sent_;
    }
    template <class Then>
    bool receive(Then then) {
      return in_.receive_some(1, [&](std::span<const std::byte> body) {
        tally_.add(body, options_.message_bytes, options_.check);
        then();
      }) != 0;
    }
    void idle() noexcept { cpu_pause(options_.idle_pauses); }

    Producer out_;
    Consumer in_;
    ChannelOptions options_;
    Tally tally_;
    std::uint64_t sent_ = 0;
  };

  auto client() { return side(there_, back_); }
  auto server() { return side(back_, there_); }

 private:
  auto side(T& out, T& in) {
    auto producer = out.producer(0);
    auto consumer = in.consumer(0);
    return Side<decltype(producer), decltype(consumer)>(std::move(producer), std::move(consumer),
                                                        options_);
  }
  ChannelOptions options_;
  T there_;
  T back_;
};

template <PingPong P>
void round_trip_client(P& pair, Session& session) {
  auto client = pair.client();
  ProcessReport& report = session.report();
  std::uint64_t trips = 0;
  session.run_slices([&](std::size_t /*n*/) {
    Ticks begin = ticks_now();
    const Ticks deadline = begin + session.slice_ticks();
    while (begin < deadline) {
      client.ping();
      const Ticks end = ticks_now();
      report.latency.record(end - begin);
      begin = end;
      ++trips;
    }
    // The server leaves after this one: its number is out before it is sent.
    session.board().last_trip.store(++trips, std::memory_order_release);
    client.ping();
  });
  report.sent = trips;
  if constexpr (requires { client.tally(); }) {
    report.sent = client.sent();
    report.tally = client.tally();
  }
}

template <PingPong P>
void round_trip_server(P& pair, Session& session) {
  auto server = pair.server();
  std::uint64_t trips = 0;
  session.run_slices([&](std::size_t /*n*/) {
    do {
      while (!server.serve()) {
      }
    } while (session.board().last_trip.load(std::memory_order_acquire) != ++trips);
  });
  if constexpr (requires { server.tally(); }) {
    session.report().sent = server.sent();
    session.report().tally = server.tally();
  }
}

/// Judges both directions: what the client sent at the server, and the other way.
RunResult round_trip_result(const RunOutcome& outcome, bool carries_messages, bool ordered);

template <PingPong P>
Measurement round_trip_of_pair(const ChannelOptions& options, bool ordered = true) {
  return [options, ordered](const RunSettings& settings) {
    P pair(options);
    const std::vector<Role> roles = {
        {0, [&](Session& session) { round_trip_client(pair, session); }},
        {1, [&](Session& session) { round_trip_server(pair, session); }}};
    constexpr bool kCarries = requires { pair.client().tally(); };
    return round_trip_result(run_processes(roles, settings), kCarries, ordered);
  };
}

template <Transport T>
Measurement round_trip_of(const ChannelOptions& options) {
  return round_trip_of_pair<ChannelPair<T>>(options, T::kOrdered);
}

}  // namespace ringpost::bench
