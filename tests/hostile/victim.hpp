// A program that uses a bus in every way there is, while the bus is being damaged. It expects
// nothing of the results: only that it lives, and that every call comes back.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "process/rig/scratch.hpp"
#include "ringpost/ringpost.hpp"

namespace ringpost::hostile {

enum class QueueKind : std::uint8_t { kStandard, kFifo, kFair };

class Victim {
 public:
  explicit Victim(std::uint64_t seed, QueueKind kind = QueueKind::kStandard);

  /// Fills the queue with messages in every state, so that there is something to damage.
  void populate();
  /// Every call, some times, through the handles that were open before the damage.
  void use_old_handles();
  /// The same through handles opened now, if they open.
  void use_new_handles();
  /// Sweeps, looks at everything, deletes, creates anew.
  void tidy_up();

  /// The files that may be damaged, with their paths.
  [[nodiscard]] std::string bus_file() const { return bus_.directory() + "/bus"; }
  [[nodiscard]] std::string queue_file() const { return bus_.directory() + "/queues/q"; }
  [[nodiscard]] std::vector<std::string> ring_files() const;
  [[nodiscard]] std::vector<std::string> segment_files() const;

  [[nodiscard]] Bus& bus() noexcept { return bus_; }
  [[nodiscard]] Queue& queue() noexcept { return queue_; }
  [[nodiscard]] const BusOptions& options() const noexcept { return options_; }

 private:
  void use(Bus& bus, Queue& queue);
  [[nodiscard]] std::string_view any_group();
  void send_some(Queue& queue);
  void receive_some(Queue& queue);
  void settle_some(Queue& queue);
  void wait_some(Queue& queue);
  void look(Queue& queue);
  [[nodiscard]] std::size_t any(std::size_t below) { return random_() % below; }

  std::mt19937_64 random_;
  const QueueKind kind_;
  const QueueSettings settings_;
  const rig::Scratch scratch_;
  const BusOptions options_;
  Bus bus_;
  Queue queue_;
  Bus other_bus_;
  Queue other_;
  std::vector<Receipt> receipts_;
  std::uint64_t sum_ = 0;  ///< of the bytes that were read, so that they are
};

}  // namespace ringpost::hostile
