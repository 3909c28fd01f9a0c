// A consumer at work: polling, renewing, handing over, checkpoints.
#include <time.h>

#include <algorithm>

#include "client/consumer_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {
namespace {

using stream::Checkpoint;
using stream::CheckpointKind;
using stream::LeaseOwner;
using stream::LeaseWord;

constexpr std::uint64_t kSleepSliceNs = 100'000'000;  // until the next look for requests
constexpr std::size_t kWaitAnyMax = 128;
constexpr std::uint64_t kPauseNs = 200'000'000;  // five reads a second
constexpr std::uint64_t kRenewalsInFailover = 3;

Unexpected<Error> lease_lost(std::uint32_t shard) {
  return sys::error(Errc::kLeaseLost, ShardInfo::id_of(shard), message(Errc::kLeaseLost));
}

std::uint64_t end_of(std::uint64_t now, Duration wait) noexcept {
  if (wait <= Duration::zero()) return now;
  const auto ns = static_cast<std::uint64_t>(wait.count());
  return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

}  // namespace

Result<std::optional<Delivery>> ConsumerCore::poll(Duration wait) {
  const std::uint64_t deadline = end_of(now_ns(), wait);
  finish_hand_overs();
  while (true) {
    const std::uint64_t now = now_ns();
    if (now >= look_at_ns_) {
      if (auto looked = look(); !looked) return Unexpected(looked.error());
    }
    if (failure_) return Unexpected(*std::exchange(failure_, std::nullopt));
    notice_requests();
    if (events_.empty()) {
      if (auto read = read_next(); !read) return Unexpected(read.error());
    }
    if (!events_.empty()) {
      std::optional<Delivery> first(std::move(events_.front()));
      events_.pop_front();
      const auto held = held_.find(first->shard);
      if (first->kind == Delivery::Kind::kHandOver && held != held_.end()) {
        held->second.is_announced = true;
      }
      return first;
    }
    if (now_ns() >= deadline) return std::optional<Delivery>{};
    if (auto slept = sleep(std::min(deadline, look_at_ns_)); !slept) {
      return Unexpected(slept.error());
    }
  }
}

/// Those that were announced by the delivery before: the caller has come back from it.
void ConsumerCore::finish_hand_overs() {
  for (auto each = held_.begin(); each != held_.end();) {
    Held& held = each->second;
    if (!std::exchange(held.is_announced, false)) {
      ++each;
      continue;
    }
    const LeaseOwner to = std::exchange(held.hand_over_to, LeaseOwner{});
    const bool still_wanted = held.row->wanted.load(std::memory_order_acquire) == to.word;
    if (!still_wanted || !stream::is_alive(me_.bus(), to)) {
      ++each;
      continue;
    }
    held.row->switches.fetch_add(1, std::memory_order_relaxed);
    held.row->move(held.word, held.word.owned_by(to));  // or somebody has taken it
    each = held_.erase(each);
  }
}

void ConsumerCore::notice_requests() {
  for (auto& [shard, held] : held_) {
    const LeaseOwner wanter{
        // [lease-wanted] a request; the lease's word decides
        static_cast<std::uint32_t>(held.row->wanted.load(std::memory_order_acquire))};
    if (wanter.is_nobody() || wanter == self_ || wanter == held.hand_over_to) continue;
    if (!stream::is_alive(me_.bus(), wanter)) continue;
    const bool is_known = !held.hand_over_to.is_nobody();
    held.hand_over_to = wanter;
    if (!is_known) events_.push_back({Delivery::Kind::kHandOver, shard, {}});
  }
}

void ConsumerCore::renew() { renew_if_due(true); }

void ConsumerCore::renew_if_due(bool regardless) {
  const std::uint64_t now = now_ns();
  const std::uint64_t every =
      static_cast<std::uint64_t>(options_.failover.count()) / kRenewalsInFailover;
  for (auto each = held_.begin(); each != held_.end();) {
    Held& held = each->second;
    const bool is_due = regardless || now - held.renewed_ns >= every - look_every_ns();
    const LeaseWord next = is_due ? held.word.renewed() : held.word;
    if (is_due ? !held.row->move(held.word, next) : held.row->read() != held.word) {
      each = lose(each);
      continue;
    }
    if (is_due) held.renewed_ns = now;
    held.word = next;
    ++each;
  }
}

std::map<std::uint32_t, ConsumerCore::Held>::iterator ConsumerCore::lose(
    std::map<std::uint32_t, Held>::iterator held) {
  events_.push_back({Delivery::Kind::kLost, held->first, {}});
  return held_.erase(held);
}

/// Puts the next delivery of records into events_, if there is one. Shards take turns.
Result<bool> ConsumerCore::read_next() {
  auto each = held_.lower_bound(next_);
  for (std::size_t left = held_.size(); left != 0; --left) {
    if (each == held_.end()) each = held_.begin();
    const std::uint32_t shard = each->first;
    Held& held = each->second;
    if (held.row->read() != held.word) {
      lose(each);
      return true;
    }
    ++each;
    if (held.end_delivered || !held.hand_over_to.is_nobody()) continue;
    if (held.pause_until_ns > now_ns()) continue;
    auto read = read_from(shard, held);
    if (!read || *read) {
      next_ = shard + 1;
      return read;
    }
  }
  return false;
}

Result<bool> ConsumerCore::read_from(std::uint32_t shard, Held& held) {
  if (!held.at_end) {
    auto records = held.reader.read(
        {.limit = options_.records_max, .bytes_max = options_.bytes_max, .wait = Duration::zero()});
    if (!records) {
      if (!(records.error() == Errc::kThrottled)) return Unexpected(records.error());
      held.pause_until_ns = now_ns() + kPauseNs;
      return false;
    }
    held.at_end = records->at_end();
    if (!records->empty() || records->lost()) {
      if (!records->empty()) {
        held.delivered = (*records)[records->size() - 1].sequence.position;
      }
      events_.push_back({Delivery::Kind::kRecords, shard, std::move(*records)});
      return true;
    }
  }
  if (!held.at_end) return false;
  held.end_delivered = true;
  events_.push_back({Delivery::Kind::kShardEnd, shard, {}});
  return true;
}

/// Until something may have come, at most until then, and at most a little.
Result<void> ConsumerCore::sleep(std::uint64_t until_ns) {
  const std::uint64_t now = now_ns();
  const std::uint64_t slice = std::min(until_ns > now ? until_ns - now : 0, kSleepSliceNs);
  std::vector<ShardReader*> readers;
  for (auto& [shard, held] : held_) {
    const bool gives = !held.at_end && held.pause_until_ns <= now;
    if (gives && readers.size() < kWaitAnyMax) readers.push_back(&held.reader);
  }
  const Duration wait(static_cast<Duration::rep>(slice));
  if (readers.empty()) {
    const timespec time{static_cast<time_t>(slice / 1'000'000'000u),
                        static_cast<long>(slice % 1'000'000'000u)};
    ::nanosleep(&time, nullptr);
    return {};
  }
  const Errc woken = ShardReader::wait_any(readers, wait);
  if (woken == Errc::kOk || woken == Errc::kTimedOut) return {};
  return sys::error(woken, "stream \"" + stream_.name() + "\"", message(woken));
}

Result<void> ConsumerCore::checkpoint(std::uint32_t shard, const SequenceNumber& sequence) {
  const auto found = held_.find(shard);
  if (found == held_.end()) return lease_lost(shard);
  Held& held = found->second;
  const auto refuse = [&](std::string_view why) -> Result<void> {
    return sys::error(Errc::kInvalidArgument, "checkpoint of " + ShardInfo::id_of(shard), why);
  };
  if (sequence.shard != shard || sequence.shard_created_s != held.shard_created_s) {
    return refuse("the number is of another shard");
  }
  const Checkpoint now = held.word.checkpoint();
  const bool has_position = now.kind == CheckpointKind::kAt || now.kind == CheckpointKind::kAfter;
  if (has_position && sequence.position < now.position) return refuse("must not go back");
  const Checkpoint to{CheckpointKind::kAfter, sequence.position};
  if (to == now) return {};
  if (!held.delivered || sequence.position > *held.delivered) {
    return refuse("no record of that number was delivered");
  }
  return move_checkpoint(shard, held, to);
}

Result<void> ConsumerCore::checkpoint(const Delivery& delivery) {
  switch (delivery.kind) {
    case Delivery::Kind::kRecords:
      if (delivery.records.empty()) return {};
      return checkpoint(delivery.shard, delivery.records[delivery.records.size() - 1].sequence);
    case Delivery::Kind::kShardEnd:
      return finish(delivery.shard);
    default:
      return {};
  }
}

/// Shared memory first: so the file of one who has lost the lease is not written.
Result<void> ConsumerCore::move_checkpoint(std::uint32_t shard, Held& held, Checkpoint to) {
  const LeaseWord next = held.word.with(to);
  if (!held.row->move(held.word, next)) {
    held_.erase(shard);
    return lease_lost(shard);
  }
  const std::uint64_t wall = me_.bus().time().wall_ns();
  held.word = next;
  held.renewed_ns = now_ns();
  held.row->switches.store(0, std::memory_order_relaxed);
  held.row->checkpoint_wall_ns.store(wall, std::memory_order_relaxed);
  if (disk_ == nullptr) return {};
  return disk_->write(shard, to, wall);
}

/// Children are known to the group before their parent is finished: else nobody would look for
/// them if all of its records are dropped.
Result<void> ConsumerCore::finish(std::uint32_t shard) {
  const auto found = held_.find(shard);
  if (found == held_.end()) return lease_lost(shard);
  if (!found->second.end_delivered) {
    return sys::error(Errc::kInvalidArgument, "checkpoint of " + ShardInfo::id_of(shard),
                      "its end was not delivered");
  }
  auto listed = stream_.shards();
  if (!listed) return Unexpected(listed.error());
  Shards shards;
  for (ShardInfo& each : *listed) shards.emplace(each.number, std::move(each));
  if (auto learned = learn(shards); !learned) return learned;
  auto moved = move_checkpoint(shard, found->second, {CheckpointKind::kEnd, 0});
  const auto still = held_.find(shard);
  if (still != held_.end()) {
    still->second.row->move(still->second.word, still->second.word.owned_by({}));
    held_.erase(still);
  }
  look_at_ns_ = 0;  // the children are ready
  return moved;
}

Result<void> ConsumerCore::run(const Consumer::Handler& handler, const std::stop_token& stop) {
  std::map<std::uint32_t, std::uint64_t> wrote_ns;
  while (!stop.stop_requested()) {
    auto delivery = poll(Duration(static_cast<Duration::rep>(kSleepSliceNs)));
    if (!delivery) return Unexpected(delivery.error());
    if (!*delivery) continue;
    try {
      handler(**delivery);
    } catch (...) {
      this->stop();  // so that what was delivered since the checkpoint comes again
      throw;
    }
    auto written = write_if_due(**delivery, wrote_ns);
    if (!written && !(written.error() == Errc::kLeaseLost)) return written;
  }
  for (const std::uint32_t shard : shards()) {
    auto written = move_to_delivered(shard);
    if (!written && !(written.error() == Errc::kLeaseLost)) return written;
  }
  return {};
}

Result<void> ConsumerCore::move_to_delivered(std::uint32_t shard) {
  const auto found = held_.find(shard);
  if (found == held_.end() || !found->second.delivered) return {};
  const Checkpoint to{CheckpointKind::kAfter, *found->second.delivered};
  if (found->second.word.checkpoint() == to) return {};
  return move_checkpoint(shard, found->second, to);
}

Result<void> ConsumerCore::write_if_due(const Delivery& delivery,
                                        std::map<std::uint32_t, std::uint64_t>& wrote_ns) {
  const auto every = static_cast<std::uint64_t>(options_.checkpoint_every.count());
  std::uint64_t& wrote = wrote_ns[delivery.shard];
  switch (delivery.kind) {
    case Delivery::Kind::kRecords:
      if (every != 0 && now_ns() - wrote < every) return {};
      wrote = now_ns();
      return checkpoint(delivery);
    case Delivery::Kind::kShardEnd:
      return checkpoint(delivery);
    case Delivery::Kind::kHandOver:
      return move_to_delivered(delivery.shard);
    case Delivery::Kind::kLost:
      return {};
  }
  return {};
}

void ConsumerCore::stop() noexcept {
  if (me_.is_forked()) return held_.clear();
  for (auto& [shard, held] : held_) held.row->move(held.word, held.word.owned_by({}));
  held_.clear();
  events_.clear();
  look_at_ns_ = 0;
  withdraw_request();
}

std::vector<std::uint32_t> ConsumerCore::shards() const {
  std::vector<std::uint32_t> numbers;
  for (const auto& each : held_) numbers.push_back(each.first);
  return numbers;
}

}  // namespace ringpost::detail
