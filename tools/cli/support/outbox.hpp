// Sends messages with the rate, the waiting and the progress that the user asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "context.hpp"
#include "group_options.hpp"
#include "progress.hpp"
#include "ringpost/queue.hpp"

namespace ringpost::cli {

/// Says how many messages may be sent by now. Falls behind by at most a second: what a full queue
/// held up for longer is not made up for in one burst.
class Pacer {
 public:
  explicit Pacer(std::optional<double> per_second) : per_second_(per_second) {}
  /// Sleeps until at least one is due and returns how many are, up to `wanted`.
  std::size_t wait(std::size_t wanted);

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<double> per_second_;
  std::optional<Clock::time_point> next_due_;
};

class Outbox {
 public:
  /// `groups` must outlive the outbox.
  Outbox(const Context& context, Queue& queue, SendOptions options, const GroupOptions& groups,
         std::optional<double> per_second, std::optional<std::uint64_t> total_work);

  /// Sends one; of a duplicate the id is that of the first. Throws Failure, Interrupted.
  MessageId send(std::string_view body);
  /// Sends all, in order and in batches. `work_each` bytes beyond its own count for progress.
  void send_all(std::span<const std::string_view> bodies, std::uint64_t work_each);
  /// One unit of work of a kind of its own (a file), beside what send() counts.
  Progress& progress() noexcept { return progress_; }

 private:
  /// Repeats `attempt` while the queue is full and the wait is not over.
  template <class Attempt>
  auto until_there_is_room(Attempt attempt);
  void send_batch(std::span<const OutMessage> batch, std::uint64_t work_each);

  const Context& context_;
  Queue& queue_;
  SendOptions options_;
  const GroupOptions& groups_;
  Duration wait_;
  Pacer pacer_;
  Progress progress_;
};

}  // namespace ringpost::cli
