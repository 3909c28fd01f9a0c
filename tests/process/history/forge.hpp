// Writes histories by hand, for the tests of the checker: true ones and forged ones.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "process/history/checker.hpp"
#include "process/history/record.hpp"

namespace ringpost::history {

/// One message as a receive gives it.
struct Taken {
  MessageKey key;
  std::uint32_t receive_count = 1;
};

struct SendTerms {
  std::uint32_t count = 1;
  std::uint64_t delay_ns = 0;
  Errc result = Errc::kOk;
  std::uint32_t group = 0;
};

struct ReceiveTerms {
  std::uint64_t timeout_ns = 1'000'000;
  std::uint32_t max_messages = 10;
};

struct SettleTerms {
  Errc result = Errc::kOk;
  std::uint64_t duration_ns = 0;
};

/// A call that has begun.
struct Call {
  std::uint32_t process = 0;
  Record invoke;
};

/// Every event takes the next ticket and 1 ns; pass() lets more time go by.
class Forge {
 public:
  Forge& pass(std::uint64_t ns);

  // Whole calls.
  MessageKey send(std::uint32_t process, SendTerms terms = {});
  std::vector<Taken> receive(std::uint32_t process, std::vector<Taken> taken,
                             ReceiveTerms terms = {});
  void receive_nothing(std::uint32_t process, Errc result = Errc::kEmpty);
  void settle(std::uint32_t process, Action action, Taken taken, SettleTerms terms = {});
  void acknowledge(std::uint32_t process, Taken taken, Errc result = Errc::kOk) {
    settle(process, Action::kAcknowledge, taken, {result, 0});
  }
  void purge(std::uint32_t process, std::uint64_t removed = 0);

  // Calls in two parts, for those that overlap or never return.
  Call begin_send(std::uint32_t process, SendTerms terms = {});
  Call begin_receive(std::uint32_t process, ReceiveTerms terms = {});
  Call begin_settle(std::uint32_t process, Action action, Taken taken, SettleTerms terms = {});
  Call begin_purge(std::uint32_t process);
  void end(const Call& call, Errc result = Errc::kOk, std::uint32_t count = 1);
  void end_receive(const Call& call, const std::vector<Taken>& taken, Errc result = Errc::kOk);

  // Events of the surroundings.
  void kill(std::uint32_t process);
  void end_process(std::uint32_t process);
  void view_changed(std::uint32_t process, MessageKey key);

  static MessageKey key_of(const Call& send) { return send.invoke.key(); }
  static Receipt receipt_of(Taken taken);
  /// The last record of a process, to be bent.
  Record& last(std::uint32_t process) { return logs_[process].back(); }
  std::vector<Record>& records(std::uint32_t process) { return logs_[process]; }

  [[nodiscard]] History history() const;
  [[nodiscard]] Report judged(const Policy& policy = {}) const { return check(history(), policy); }

 private:
  MessageId id_of(MessageKey key) const;
  Record stamped(std::uint32_t process, Event event, Action action);
  Call begin(Record invoke);

  static constexpr std::uint32_t kParent = 1000;
  std::map<std::uint32_t, std::vector<Record>> logs_;
  std::map<std::uint32_t, std::uint32_t> operations_;
  std::map<std::uint32_t, std::uint64_t> numbers_;
  std::map<MessageKey, std::uint32_t> groups_;
  std::map<MessageKey, std::uint64_t> positions_;  // in the order in which sends begin
  std::uint64_t ticket_ = 0;
  std::uint64_t now_ns_ = 1'000'000'000;
};

}  // namespace ringpost::history
