// BusClient: a participant of a bus with one queue, as a Client.
#pragma once

#include <memory>
#include <string>

#include "process/rig/client.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::rig {

class BusClient final : public Client {
 public:
  /// Error text instead of a client when the bus or the queue cannot be opened.
  static Result<std::unique_ptr<BusClient>> open(const std::string& bus, const BusOptions& options,
                                                 const QueueSettings& settings);
  /// A client of another participant over the same mappings.
  static Result<std::unique_ptr<BusClient>> over(Bus bus, const QueueSettings& settings);

  Sent send(std::span<const OutMessage> messages, SendWay way, const SendOptions& options) override;
  Errc receive(const ReceiveOptions& options, std::vector<Hand>& into) override;
  Errc settle(Hand& hand, Action action, Duration duration) override;
  Errc settle(const Receipt& receipt, Action action, Duration duration) override;
  Errc purge(std::uint64_t& removed) override;
  Errc set(const QueueSettings& changes) override;
  std::vector<std::string> peek(std::size_t count) override;
  Content content() override;
  Swept sweep() override;
  std::vector<std::string> examine() override;
  std::vector<std::string> leaks() override;

  [[nodiscard]] Bus& bus() noexcept { return bus_; }
  [[nodiscard]] Queue& queue() noexcept { return queue_; }

 private:
  BusClient(Bus bus, Queue queue) noexcept : bus_(std::move(bus)), queue_(std::move(queue)) {}

  Bus bus_;
  Queue queue_;
  Leases received_;
};

}  // namespace ringpost::rig
