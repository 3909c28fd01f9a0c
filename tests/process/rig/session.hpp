// Session: the calls of one worker, each written down before and after it is made.
#pragma once

#include <cstdint>
#include <vector>

#include "process/history/recorder.hpp"
#include "process/rig/client.hpp"

namespace ringpost::rig {

/// Where a process notes what it does.
struct Journal {
  history::Recorder* recorder;
  history::Stamper stamper;
};

struct SendPlan {
  SendWay way = SendWay::kSingle;
  std::vector<std::size_t> body_bytes;  ///< one for each message
  bool with_attribute = false;
  Duration delay{0};
  std::uint32_t group = 0;  ///< FIFO: its number; its delay is the queue's
  Duration wait{0};
};

class Session {
 public:
  Session(Client& client, Journal journal) noexcept : client_(client), journal_(journal) {}

  Errc send(const SendPlan& plan);
  /// Appends to `into`.
  Errc receive(const ReceiveOptions& options, std::vector<Hand>& into);
  Errc settle(Hand& hand, Action action, Duration duration = {});
  Errc settle(MessageKey key, const Receipt& receipt, Action action, Duration duration = {});
  void purge();
  void set(const QueueSettings& changes);
  void look();
  Swept sweep();
  /// The bytes in hand must still be those that were received. Not after it was settled.
  void check_view(const Hand& hand);
  /// Notes that the process detaches in good order.
  void end();

  [[nodiscard]] Client& client() noexcept { return client_; }
  /// Room for one more call, whatever it is.
  [[nodiscard]] bool has_room() const noexcept;

 private:
  history::Record begin(Action action, history::Record record);
  void finish(const history::Record& invoke, Errc result, history::Record record);
  void compose(const SendPlan& plan);

  Client& client_;
  Journal journal_;
  std::uint32_t operation_ = 0;
  std::uint64_t next_number_ = 1;
  std::vector<std::byte> bytes_;  // all bodies of one send
  std::string attribute_value_;
  Attribute attribute_;
  std::string group_;
  std::vector<OutMessage> messages_;
};

}  // namespace ringpost::rig
