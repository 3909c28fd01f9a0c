// Joining a group, and the leases: learning, taking, asking for one.
#include "client/consumer_core.hpp"

#include <algorithm>

#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

SequenceNumber number_of(const ShardInfo& shard, std::uint64_t position) {
  SequenceNumber number = shard.start;
  number.position = position;
  return number;
}

}  // namespace

From from_checkpoint(const ShardInfo& shard, Checkpoint checkpoint) {
  switch (checkpoint.kind) {
    case CheckpointKind::kAt:
      return From::at(number_of(shard, checkpoint.position));
    case CheckpointKind::kAfter:
      return From::after(number_of(shard, checkpoint.position));
    case CheckpointKind::kTime:
      return From::time(WallTime(std::chrono::milliseconds(checkpoint.position)));
    default:
      return From::trim_horizon();
  }
}

bool is_alive(const shm::BusFiles& bus, LeaseOwner owner) {
  const std::uint32_t index = owner.index();
  if (index == 0 || index >= bus.participants_max()) return false;
  const shm::EntryWord entry{bus.participant(index).entry.load(std::memory_order_acquire)};
  return entry.live() && LeaseOwner::of(index, entry.incarnation()) == owner &&
         shm::is_alive(bus, index);
}

}  // namespace ringpost::stream

namespace ringpost::detail {
namespace {

using stream::Checkpoint;
using stream::CheckpointKind;
using stream::LeaseOwner;
using stream::LeaseRow;
using stream::LeaseWord;

constexpr std::uint64_t kLooksInFailover = 10;
constexpr std::uint64_t kLooksWhileAsking = 100;  // somebody may be about to hand me a shard
constexpr std::uint64_t kMillisecondNs = 1'000'000;

Unexpected<Error> invalid(std::string_view what, std::string_view why) {
  return sys::error(Errc::kInvalidArgument, what, why);
}

Result<void> check_options(std::string_view group, const ConsumerOptions& options) {
  if (!stream::is_valid_group(group)) {
    return invalid("consumer group \"" + std::string(group.substr(0, 80)) + "\"",
                   "use 1 to 128 of A-Z a-z 0-9 _ . -");
  }
  if (options.from.kind == From::Kind::kAt || options.from.kind == From::Kind::kAfter) {
    return invalid("from", "a group begins at trim horizon, latest or a time");
  }
  if (options.failover < 100ms || options.failover > 1h) {
    return invalid("failover", "must be 100 ms to 1 h");
  }
  if (options.hand_over < 0s || options.hand_over > 1h) {
    return invalid("hand_over", "must be 0 to 1 h");
  }
  if (options.records_max < 1 || options.records_max > 10'000) {
    return invalid("records_max", "must be 1 to 10,000");
  }
  if (options.checkpoint_every < 0s) return invalid("checkpoint_every", "must not be negative");
  return {};
}

std::uint64_t milliseconds_of(WallTime when) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch());
  return since.count() > 0 ? static_cast<std::uint64_t>(since.count()) : 0;
}

}  // namespace

ConsumerCore::ConsumerCore(Bus bus, Stream stream, std::string group,
                           const ConsumerOptions& options, stream::LeaseTable table)
    : bus_(std::move(bus)),
      stream_(std::move(stream)),
      group_(std::move(group)),
      options_(options),
      me_(client::Member::of(bus_).me()),
      self_(LeaseOwner::of(me_.index(), me_.incarnation())),
      table_(std::move(table)) {}

ConsumerCore::~ConsumerCore() { stop(); }

Result<std::unique_ptr<ConsumerCore>> ConsumerCore::open(const Bus& bus, std::string_view stream,
                                                         std::string_view group,
                                                         const ConsumerOptions& options) {
  if (auto checked = check_options(group, options); !checked) return Unexpected(checked.error());
  auto mine = bus.clone();
  if (!mine) return Unexpected(mine.error());
  auto opened = mine->open_stream(stream);
  if (!opened) return Unexpected(opened.error());
  auto table =
      stream::LeaseTable::open(client::Member::of(*mine).me(), opened->id(), std::string(group));
  if (!table) return Unexpected(table.error());
  std::unique_ptr<ConsumerCore> core(new ConsumerCore(
      std::move(*mine), std::move(*opened), std::string(group), options, std::move(*table)));
  auto directory = stream::open_state(core->bus_, core->stream_);
  if (!directory) return Unexpected(directory.error());
  core->directory_ = std::move(*directory);
  if (core->directory_ != nullptr) {
    core->disk_ = std::make_unique<stream::CheckpointFile>(*core->directory_, core->stream_.id(),
                                                           core->group_);
  }
  if (auto looked = core->look(); !looked) return Unexpected(looked.error());
  return core;
}

std::uint64_t ConsumerCore::now_ns() const noexcept { return me_.bus().time().precise_ns(); }

std::uint64_t ConsumerCore::look_every_ns() const noexcept {
  const auto failover = static_cast<std::uint64_t>(options_.failover.count());
  return failover / (asked_ ? kLooksWhileAsking : kLooksInFailover);
}

/// Asks the kernel once in a look.
bool ConsumerCore::is_dead(LeaseOwner owner) {
  if (owner.is_nobody() || owner == self_) return false;
  const auto known = dead_.find(owner.word);
  if (known != dead_.end()) return known->second;
  const bool dead = !stream::is_alive(me_.bus(), owner);
  dead_.emplace(owner.word, dead);
  return dead;
}

/// Learns which shards there are, renews what I have, and takes what I should have.
Result<void> ConsumerCore::look() {
  look_at_ns_ = now_ns() + look_every_ns();
  dead_.clear();
  auto listed = stream_.shards();
  if (!listed) return Unexpected(listed.error());
  Shards shards;
  for (ShardInfo& each : *listed) shards.emplace(each.number, std::move(each));
  if (auto learned = learn(shards); !learned) return learned;
  renew_if_due(false);
  if (auto followed = follow_up_request(shards); !followed) return followed;
  const std::vector<stream::LeaseSight> sights = look_at_leases(shards);
  for (const stream::LeaseSight& sight : sights) {
    // Handed over to me. Or by somebody of my number, long ago: then it is as good as free.
    if (sight.word.owner() != self_ || held_.contains(sight.shard) || !sight.is_ready) continue;
    take_if_possible(shards.at(sight.shard));
  }
  const stream::Balance plan = stream::balance(
      sights, self_,
      {static_cast<std::uint64_t>(options_.failover.count()), options_.leases_max, !asked_},
      now_ns());
  for (const std::uint32_t shard : plan.take) take_if_possible(shards.at(shard));
  if (plan.steal) ask_for(*plan.steal);
  look_at_ns_ = now_ns() + look_every_ns();
  return {};
}

/// Rows for shards that the group does not know yet. Parents come first: their numbers are lower.
Result<void> ConsumerCore::learn(const Shards& shards) {
  for (const auto& [number, shard] : shards) {
    const auto row = table_.row(number);
    if (!row) return Unexpected(row.error());
    const LeaseWord seen = (*row)->read();
    if (!seen.is_unknown()) continue;
    const auto beginning = beginning_of(shard);
    if (!beginning) return Unexpected(beginning.error());
    if (beginning->kind == CheckpointKind::kNone) continue;
    (*row)->move(seen, LeaseWord::of(seen.counter() + 1, {}, *beginning));
  }
  return {};
}

/// kNone: the group has nothing to do with it.
Result<Checkpoint> ConsumerCore::beginning_of(const ShardInfo& shard) {
  if (disk_ != nullptr) {
    const auto kept = disk_->read(shard.number);
    if (!kept) return Unexpected(kept.error());
    if (*kept) return **kept;
  }
  if (has_known_parent(shard)) return Checkpoint{CheckpointKind::kTrimHorizon, 0};
  switch (options_.from.kind) {
    case From::Kind::kLatest: {
      if (!shard.is_open()) return Checkpoint{};
      const auto reader = stream_.reader(shard.number, From::latest());
      if (!reader) return Unexpected(reader.error());
      // In numbers, so that what comes until somebody reads the shard is not left out.
      return Checkpoint{CheckpointKind::kAt, reader->position().position};
    }
    case From::Kind::kTime:
      if (!shard.is_open() && shard.closed < options_.from.when) return Checkpoint{};
      return Checkpoint{CheckpointKind::kTime, milliseconds_of(options_.from.when)};
    default:
      return Checkpoint{CheckpointKind::kTrimHorizon, 0};
  }
}

bool ConsumerCore::has_known_parent(const ShardInfo& shard) {
  for (const auto& parent : {shard.parent, shard.adjacent_parent}) {
    if (!parent) continue;
    const auto row = table_.row(*parent);
    if (row && !(*row)->read().is_unknown()) return true;
  }
  return false;
}

/// Parents before children. One that the group does not know, or whose records are gone with its
/// name, holds up nobody.
bool ConsumerCore::is_ready(const ShardInfo& shard, LeaseWord word) {
  if (word.is_unknown() || word.is_finished()) return false;
  for (const auto& parent : {shard.parent, shard.adjacent_parent}) {
    if (!parent) continue;
    const auto row = table_.row(*parent);
    if (!row) return false;
    const LeaseWord seen = (*row)->read();
    if (!seen.is_unknown() && !seen.is_finished() && listed_.contains(*parent)) return false;
  }
  return true;
}

std::vector<stream::LeaseSight> ConsumerCore::look_at_leases(const Shards& shards) {
  std::vector<stream::LeaseSight> sights;
  const std::uint64_t now = now_ns();
  listed_.clear();
  for (const auto& each : shards) listed_.insert(each.first);
  for (const auto& [number, shard] : shards) {
    const auto row = table_.row(number);
    if (!row) continue;
    stream::LeaseSight sight;
    sight.shard = number;
    sight.word = (*row)->read();
    Seen& seen = seen_[number];
    if (seen.since_ns == 0 || seen.word != sight.word) seen = {sight.word, now};
    sight.unchanged_since_ns = seen.since_ns;
    sight.is_ready = is_ready(shard, sight.word);
    sight.owner_is_dead = is_dead(sight.word.owner());
    const LeaseOwner wanter{
        static_cast<std::uint32_t>((*row)->wanted.load(std::memory_order_acquire))};
    sight.is_wanted = !wanter.is_nobody() && wanter != self_ && !is_dead(wanter);
    sights.push_back(sight);
  }
  return sights;
}

/// What became of the lease that I asked for. Who does not answer in time loses it.
Result<void> ConsumerCore::follow_up_request(const Shards& shards) {
  if (!asked_) return {};
  const auto shard = shards.find(*asked_);
  const auto row = table_.row(*asked_);
  if (!row) return Unexpected(row.error());
  const LeaseWord seen = (*row)->read();
  if (shard == shards.end() || seen.is_finished()) {
    withdraw_request();
    return {};
  }
  const LeaseOwner owner = seen.owner();
  const bool given = owner == self_ || owner.is_nobody() || is_dead(owner);
  const bool late = now_ns() - asked_ns_ >= static_cast<std::uint64_t>(options_.hand_over.count());
  const bool to_another = !given && owner != asked_whom_;
  if (!given && !late && !to_another) return {};
  withdraw_request();
  return to_another ? Result<void>() : take_from(shard->second, seen);
}

void ConsumerCore::withdraw_request() noexcept {
  if (!asked_) return;
  std::uint64_t mine = self_.word;
  LeaseRow* const row = table_.row_if_made(*asked_);
  if (row != nullptr) row->wanted.compare_exchange_strong(mine, 0, std::memory_order_acq_rel);
  asked_.reset();
}

/// One shard that cannot be read does not keep me from the others: poll() says so once a look.
void ConsumerCore::take_if_possible(const ShardInfo& shard) {
  auto taken = take(shard);
  if (!taken && !failure_) failure_ = taken.error();
}

Result<void> ConsumerCore::take(const ShardInfo& shard) {
  const auto row = table_.row(shard.number);
  if (!row) return Unexpected(row.error());
  // The word that the decision was made of: whoever renewed it since keeps it.
  return take_from(shard, seen_[shard.number].word);
}

Result<void> ConsumerCore::take_from(const ShardInfo& shard, LeaseWord seen) {
  if (held_.contains(shard.number)) return {};
  const auto row = table_.row(shard.number);
  if (!row) return Unexpected(row.error());
  const LeaseWord mine = seen.owned_by(self_);
  if (!(*row)->move(seen, mine)) return {};
  // Who had asked for it, got it, and let it run out does not get it again for that.
  std::uint64_t last = seen.owner().word;
  (*row)->wanted.compare_exchange_strong(last, 0, std::memory_order_acq_rel);
  (*row)->switches.fetch_add(1, std::memory_order_relaxed);
  auto adopted = adopt(shard, mine);
  if (adopted) return adopted;
  const bool is_gone = adopted.error() == Errc::kNotFound;  // all its records are past retention
  // Others may be able to read what I cannot.
  const LeaseWord back = is_gone ? mine.with({CheckpointKind::kEnd, 0}) : mine;
  (*row)->move(mine, back.owned_by({}));
  return is_gone ? Result<void>() : adopted;
}

/// I am the owner: nobody else writes this shard's checkpoint.
Result<void> ConsumerCore::adopt(const ShardInfo& shard, LeaseWord word) {
  // First: what cannot be read from does not take the place of what is on disk.
  auto reader = stream_.reader(shard.number, from_checkpoint(shard, word.checkpoint()));
  if (!reader) return Unexpected(reader.error());
  if (disk_ != nullptr) {
    const auto kept = disk_->read(shard.number);
    if (!kept) return Unexpected(kept.error());
    // Its last owner may have died before he wrote it.
    if (!*kept || **kept != word.checkpoint()) {
      auto written = disk_->write(shard.number, word.checkpoint(), me_.bus().time().wall_ns());
      if (!written) return written;
    }
  }
  const auto row = table_.row(shard.number);
  if (!row) return Unexpected(row.error());
  std::uint64_t wanted = self_.word;
  (*row)->wanted.compare_exchange_strong(wanted, 0, std::memory_order_acq_rel);
  Held held;
  held.row = *row;
  held.word = word;
  held.shard_created_s = shard.start.shard_created_s;
  held.renewed_ns = now_ns();
  held.reader = std::move(*reader);
  held_.insert_or_assign(shard.number, std::move(held));
  seen_[shard.number] = {word, held_.at(shard.number).renewed_ns};
  return {};
}

void ConsumerCore::ask_for(std::uint32_t shard) {
  const auto row = table_.row(shard);
  if (!row) return;
  std::uint64_t seen = (*row)->wanted.load(std::memory_order_acquire);
  const LeaseOwner other{static_cast<std::uint32_t>(seen)};
  if (!other.is_nobody() && other != self_ && !is_dead(other)) return;
  // [lease-wanted] One of those who ask at the same time; the others ask for another one.
  if (!(*row)->wanted.compare_exchange_strong(seen, self_.word, std::memory_order_acq_rel)) return;
  asked_ = shard;
  asked_whom_ = (*row)->read().owner();
  asked_ns_ = now_ns();
}

}  // namespace ringpost::detail
