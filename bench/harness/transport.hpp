// What the drivers ask of anything that carries messages between processes.
//
//   parent                      T transport(options)   creates what is shared; or Unsupported
//   each child, after the fork  transport.producer(i)  or transport.consumer(i)
//   parent, after the run       ~T                     removes everything
//
//   producer.send_some(count, fill)
//       Sends 1 to `count` messages, returns how many; 0 when full. fill(body, k) writes the k-th
//       into a std::span<std::byte> of message_bytes; it may be called again for a message that
//       could not be sent. Transports without batches send one.
//   consumer.receive_some(count, visit)
//       Receives 1 to `count` messages, returns how many; 0 when there is none. visit(body) looks
//       at each; the transport settles it (frees the slot, acknowledges) after the visit.
//
// Copying in and out is the transport's choice: what it does fastest by its documentation.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "harness/payload.hpp"

namespace ringpost::bench {

/// A transport that cannot do what a row asks for; its row or column is left out.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ChannelOptions {
  std::size_t message_bytes = 64;
  std::size_t capacity = 1024;  ///< messages; a power of two
  unsigned producers = 1;
  unsigned consumers = 1;
  std::size_t batch = 1;
  std::size_t groups = 0;  ///< of the messages, in turn; 0: without groups
  Check check = Check::kEveryByte;
  unsigned idle_pauses =
      0;  ///< what drivers let pass between two looks at an empty or full channel
};

namespace detail {
struct AnyFill {
  void operator()(std::span<std::byte> /*body*/, std::size_t /*index*/) const {}
};
struct AnyVisit {
  void operator()(std::span<const std::byte> /*body*/) const {}
};
}  // namespace detail

/// kBlocking  send_some and receive_some sleep instead of returning 0: slices end by end messages.
/// kOrdered   one consumer sees the messages of one producer in order; else order is not judged.
template <class T>
concept Transport = std::constructible_from<T, const ChannelOptions&> &&
    requires(T& transport, detail::AnyFill fill, detail::AnyVisit visit, std::size_t count) {
  { T::kBlocking } -> std::convertible_to<bool>;
  { T::kOrdered } -> std::convertible_to<bool>;
  { transport.producer(0u).send_some(count, fill) } -> std::same_as<std::size_t>;
  { transport.consumer(0u).receive_some(count, visit) } -> std::same_as<std::size_t>;
};

}  // namespace ringpost::bench
