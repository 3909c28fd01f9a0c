// What consumers were told, and what is at the end.
#include <algorithm>

#include "rig/lease_world.hpp"

namespace ringpost::rig {

std::uint64_t LeaseWorld::next_of(std::uint32_t number, stream::Checkpoint checkpoint) const {
  using stream::CheckpointKind;
  switch (checkpoint.kind) {
    case CheckpointKind::kNone:
      return 0;
    case CheckpointKind::kAt:
      return checkpoint.position;
    case CheckpointKind::kAfter:
      return checkpoint.position + 1;
    case CheckpointKind::kEnd:
      return shards[number].records + 2;
    default:
      return 1;
  }
}

// ---- at each answer

void LeaseWorld::judge_record(int me, std::uint32_t number, std::uint64_t position) {
  Shard& shard = shards[number];
  for (std::uint64_t before = shard.base; before < position; ++before) {
    if ((shard.delivered >> before & 1) == 0) broken("a record is left out");
  }
  shard.delivered |= std::uint64_t{1} << position;
  Participant::Hold& hold = of(me).holds[number];
  if (hold.before && !hold.at_begin && !is_mine(me, number)) {
    broken("a record is delivered to whom the lease was taken from before");
  }
  for (const int parent : {shard.parent, shard.adjacent}) {
    if (parent < 0) continue;
    const auto of = static_cast<std::uint32_t>(parent);
    if (Machine::get().unobserved([&] { return rows[of].read().is_finished(); })) continue;
    broken("a record of a child is delivered before its parent is finished");
  }
}

void LeaseWorld::judge_loss(int me, std::uint32_t number) {
  // Told late, and it is his again.
  if (of(me).holds[number].told || is_mine(me, number)) return;
  if (!may_take) return broken("a lease is lost, and nobody may have taken it");
  if (of(me).holds[number].until > clock.now && !is_late) {
    broken("a lease is lost that was renewed in time");
  }
}

void LeaseWorld::judge_delivery(int me, const Delivery& delivery) {
  Shard& shard = shards[delivery.shard];
  switch (delivery.kind) {
    case Delivery::Kind::kRecords:
      for (const StreamRecord& each : delivery.records) {
        judge_record(me, delivery.shard, each.sequence.position);
      }
      return;
    case Delivery::Kind::kShardEnd:
      judge_record(me, delivery.shard, shard.records + 1);
      shard.end_delivered = true;
      return;
    case Delivery::Kind::kLost:
      return judge_loss(me, delivery.shard);
    case Delivery::Kind::kHandOver:
      of(me).holds[delivery.shard].told = of(me).holds[delivery.shard].told_now = true;
      return;
  }
}

void LeaseWorld::judge_checkpoint(int me, const Delivery& delivery, const Result<void>& done) {
  const std::uint32_t number = delivery.shard;
  Shard& shard = shards[number];
  if (!done) {
    if (done.error() == Errc::kLeaseLost) return judge_loss(me, number);
    // Lost and got again, without a poll that has told so.
    if (done.error() == Errc::kInvalidArgument && (may_take || of(me).holds[number].told)) return;
    return broken(std::string("a checkpoint says: ") + done.error().what);
  }
  const bool is_end = delivery.kind == Delivery::Kind::kShardEnd;
  const std::uint64_t last =
      is_end ? shard.records + 1 : delivery.records[delivery.records.size() - 1].sequence.position;
  const bool is_new = last + 1 > shard.confirmed;
  if (is_new && !of(me).holds[number].at_begin) broken("a checkpoint of one who lost the lease");
  if (is_new) shard.confirmed_before = std::exchange(shard.confirmed, last + 1);
  judge_rows();
  if (shard.next < shard.confirmed) broken("a checkpoint was confirmed, and is not there");
}

/// Shared memory, and the disk as power would leave it now.
void LeaseWorld::judge_rows() {
  Machine::get().unobserved([&] {
    if (disk_word.load() != disk_seen) look_at_disk();
    for (std::uint32_t number = 0; number < shards.size(); ++number) judge_row(number);
    return 0;
  });
}

void LeaseWorld::look_at_disk() {
  disk_seen = disk_word.load();
  Stream none;
  const auto directory = stream::open_state(*bus, none);
  stream::CheckpointFile file(**directory, kStreamId, "g");
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    const auto kept = file.read(number);
    if (!kept) return broken(std::string("the checkpoints cannot be read: ") + kept.error().what);
    shards[number].on_disk = *kept ? next_of(number, **kept) : 0;
  }
}

void LeaseWorld::judge_row(std::uint32_t number) {
  Shard& shard = shards[number];
  const std::uint64_t next = next_of(number, rows[number].read().checkpoint());
  if (next < shard.next) broken("a checkpoint goes back");
  shard.next = next;
  for (std::uint64_t position = shard.base; position < next; ++position) {
    if ((shard.delivered >> position & 1) == 0) broken("a checkpoint covers what nobody got");
  }
  if (next != 0 && shard.on_disk > next) broken("the disk is ahead of shared memory");
  const std::uint64_t least = may_take ? shard.confirmed_before : shard.confirmed;
  if (shard.on_disk < least) broken("a checkpoint was confirmed, and is not on the disk");
}

// ---- at the end

/// What the dead had is somebody's, unless the judge has enough.
bool LeaseWorld::judge_the_dead() {
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    const stream::LeaseWord word = rows[number].read();
    const std::uint32_t index = word.owner().index();
    if (index == 0 || word.is_finished()) continue;
    if (shm::EntryWord{entry(index).load()}.live()) continue;
    if (of(kJudge).core->shards().empty()) return false;
  }
  return true;
}

bool LeaseWorld::is_all_done() {
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    const Shard& shard = shards[number];
    const stream::LeaseWord word = rows[number].read();
    for (std::uint64_t position = shard.base; position <= shard.records; ++position) {
      if ((shard.delivered >> position & 1) == 0) return false;
    }
    if (!shard.open && !word.is_finished()) return false;
    if (shard.open && word.owner() != of(kJudge).owner) return false;
  }
  return true;
}

std::string LeaseWorld::check() {
  constexpr int kLooks = 6;
  constexpr int kRounds = 60;
  judge_rows();
  for (int me = 1; me < kJudge; ++me) {
    for (std::uint32_t number = 0; number < shards.size(); ++number) {
      if (can_act(me) && of(me).holds[number].until > clock.now) judge_loss(me, number);
    }
  }
  has_forgotten = forgets_finished;
  open(kJudge);
  const auto go_on = [this](std::uint64_t part) {
    poll(kJudge);
    checkpoint(kJudge);
    clock.now += static_cast<std::uint64_t>(kFailover.count()) / part;
  };
  for (int look = 0; look < kLooks && verdict.empty(); ++look) go_on(8);
  if (verdict.empty() && !judge_the_dead()) broken("a lease of a dead one is not taken");
  may_take = true;
  for (Participant& each : participants) each.holds = {};
  for (int round = 0; round < kRounds && verdict.empty() && !is_all_done(); ++round) go_on(3);
  if (verdict.empty() && !is_all_done()) broken("somebody new does not get all that there is");
  return verdict;
}

}  // namespace ringpost::rig
