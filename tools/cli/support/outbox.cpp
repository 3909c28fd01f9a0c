#include "outbox.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "interrupt.hpp"

namespace ringpost::cli {
namespace {

/// More than the library needs to make a batch pay, and little enough to be interrupted between.
constexpr std::size_t kBatchMax = 128;
constexpr std::chrono::seconds kBehindMax{1};
/// Longer than kInterruptSlice, for the queue counts each end of a wait as a refused send.
constexpr Duration kRoomSlice = std::chrono::milliseconds(500);

}  // namespace

std::size_t Pacer::wait(std::size_t wanted) {
  if (!per_second_) {
    stop_if_interrupted();
    return wanted;
  }
  const std::chrono::duration<double> between(1 / *per_second_);
  auto now = Clock::now();
  if (!next_due_) next_due_ = now;
  if (now - *next_due_ > kBehindMax) next_due_ = now - kBehindMax;
  if (now < *next_due_) {
    sleep_or_stop(std::chrono::duration_cast<Duration>(*next_due_ - now));
    now = Clock::now();
  }
  stop_if_interrupted();
  const std::chrono::duration<double> late = now - *next_due_;
  const auto due = static_cast<std::size_t>(std::max(0.0, std::floor(late / between))) + 1;
  const std::size_t taken = std::min(due, wanted);
  *next_due_ += std::chrono::duration_cast<Clock::duration>(between * static_cast<double>(taken));
  return taken;
}

Outbox::Outbox(const Context& context, Queue& queue, SendOptions options,
               const GroupOptions& groups, std::optional<double> per_second,
               std::optional<std::uint64_t> total_work)
    : context_(context),
      queue_(queue),
      options_(options),
      groups_(groups),
      wait_(options.wait),
      pacer_(per_second),
      progress_("sent", !context.globals.quiet && !context.globals.json, total_work) {}

template <class Attempt>
auto Outbox::until_there_is_room(Attempt attempt) {
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    stop_if_interrupted();
    const auto spent =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin);
    options_.wait = std::clamp(wait_ - spent, Duration::zero(), kRoomSlice);
    auto result = attempt();
    if (result) return *result;
    if (result.error() != Errc::kFull || spent >= wait_) {
      progress_.clear();
      throw failure_of(
          result.error(),
          context_.subject(fmt::format("send to queue {}", queue_.name()), queue_.name()));
    }
  }
}

MessageId Outbox::send(std::string_view body) {
  pacer_.wait(1);
  const MessageIds ids = groups_.ids_of(body, progress_.count() + 1);
  options_.group = ids.group;
  options_.dedup_id = ids.dedup_id;
  const MessageId id = until_there_is_room([&] { return queue_.send(body, options_); });
  progress_.add(1, body.size(), 0);
  return id;
}

void Outbox::send_all(std::span<const std::string_view> bodies, std::uint64_t work_each) {
  std::vector<OutMessage> batch;
  while (!bodies.empty()) {
    const std::size_t count = pacer_.wait(std::min(bodies.size(), kBatchMax));
    batch.clear();
    try {
      for (const std::string_view body : bodies.first(count)) {
        const MessageIds ids = groups_.ids_of(body, progress_.count() + batch.size() + 1);
        batch.push_back({as_bytes(body), options_.attributes, ids.group, ids.dedup_id});
      }
    } catch (const Failure&) {
      send_batch(batch, work_each);  // what comes before the line that has no group is sent
      throw;
    }
    send_batch(batch, work_each);
    bodies = bodies.subspan(count);
  }
}

void Outbox::send_batch(std::span<const OutMessage> batch, std::uint64_t work_each) {
  while (!batch.empty()) {
    const std::size_t sent =
        until_there_is_room([&] { return queue_.send_batch(batch, options_); });
    std::uint64_t bytes = 0;
    for (const OutMessage& message : batch.first(sent)) bytes += message.body.size();
    progress_.add(sent, bytes, bytes + sent * work_each);
    batch = batch.subspan(sent);
  }
}

}  // namespace ringpost::cli
