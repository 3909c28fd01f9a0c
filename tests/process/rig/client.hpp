// Client: a queue as the workers of a run see it. The real one, a reference one, or one with a
// planted bug.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "process/history/record.hpp"
#include "ringpost/queue.hpp"

namespace ringpost::rig {

using history::Action;
using history::MessageKey;

/// One message in a worker's hands.
struct Hand {
  MessageKey key;  ///< {0, 0} when the bytes are not those that any producer wrote
  Receipt receipt;
  MessageId id;
  std::uint32_t group = 0;  ///< its number; 0: none
  bool damaged = false;
  bool has_lease = false;  ///< else it can be settled by receipt only
  Lease lease;
};

enum class SendWay : std::uint8_t { kSingle, kBatch, kLoan };

struct Sent {
  Errc result = Errc::kOk;
  std::uint32_t accepted = 0;
  MessageId id;  ///< of a single message
};

struct Swept {
  std::uint32_t dead = 0;
  std::uint64_t leases_returned = 0;
  std::uint64_t claims_voided = 0;
  bool elected = true;  ///< false: somebody else was at it
};

/// What is in the queue now.
struct Content {
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
  [[nodiscard]] std::uint64_t all() const noexcept { return visible + in_flight + delayed; }
};

class Client {
 public:
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;

  /// One message unless the way is kBatch.
  virtual Sent send(std::span<const OutMessage> messages, SendWay way,
                    const SendOptions& options) = 0;
  /// Appends to `into`.
  virtual Errc receive(const ReceiveOptions& options, std::vector<Hand>& into) = 0;
  virtual Errc settle(Hand& hand, Action action, Duration duration) = 0;
  virtual Errc settle(const Receipt& receipt, Action action, Duration duration) = 0;
  virtual Errc purge(std::uint64_t& removed) = 0;
  virtual Errc set(const QueueSettings& changes) = 0;
  /// Bodies of the oldest messages.
  virtual std::vector<std::string> peek(std::size_t count) = 0;
  virtual Content content() = 0;
  virtual Swept sweep() = 0;
  /// Every invariant that does not hold, in words.
  virtual std::vector<std::string> examine() { return {}; }
  /// What is still in use although the queue is empty and nobody holds anything, in words.
  virtual std::vector<std::string> leaks() { return {}; }
};

/// FIFO: groups have numbers from 1; 0 is none. Names are of many lengths.
[[nodiscard]] std::string group_name(std::uint32_t number);
/// 0: not a name that group_name() gives.
[[nodiscard]] std::uint32_t group_number(std::string_view name);

/// Fills in what the bytes of a received message say.
void identify(Hand& hand, ByteSpan body, AttributeView attributes);

}  // namespace ringpost::rig
