// What is different in a durable FIFO queue.
//
//   send         claim a record → claim a slot → take the id → kSend → publish the slot → wait
//   duplicate    wait until everything is on disk that others have sent
//   purge        kDelete for each → kForgotten → the ids are free
//   recovery     queue_restore_fifo.cpp
//
// Consumers do not wait for a claimed slot. So what takes time comes before the claim, and a record
// whose position they went past is of no message (kVoid): whoever takes the id for another position
// has said so before, be it the same sender or another one after his death. So of two messages with
// one id, within a window, the log has one.
#include <algorithm>
#include <cstring>

#include "group/publish.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

namespace {

constexpr std::uint64_t kKnownIdBytes = 128;          // in the log, about
constexpr std::uint64_t kPatienceNs = 1'000'000'000;  // of a move: whoever receives is kept waiting

/// group::Ids whose dead positions are void in the log before their ids are free.
class LoggedIds {
 public:
  LoggedIds(const group::Ids& ids, durable::QueueLog& log, std::uint64_t ring,
            std::uint64_t deadline_ns) noexcept
      : ids_(ids), log_(log), ring_(ring), deadline_ns_(deadline_ns) {}
  [[nodiscard]] dedup::SlotState judge(std::uint64_t position) const noexcept {
    return ids_.judge(position);
  }
  void skip(std::uint64_t position) const noexcept { ids_.skip(position); }
  [[nodiscard]] std::uint64_t expiry() const noexcept { return ids_.expiry(); }
  [[nodiscard]] bool is_over() const noexcept { return failed_ != Errc::kOk; }
  [[nodiscard]] bool bury(std::uint64_t position) noexcept {
    has_buried_ = true;
    if (failed_ == Errc::kOk) failed_ = log_.voided({ring_, position}, deadline_ns_);
    return failed_ == Errc::kOk;
  }
  [[nodiscard]] Errc failed() const noexcept { return failed_; }
  [[nodiscard]] bool has_buried() const noexcept { return has_buried_; }

 private:
  const group::Ids& ids_;
  durable::QueueLog& log_;
  const std::uint64_t ring_;
  const std::uint64_t deadline_ns_;
  Errc failed_ = Errc::kOk;
  bool has_buried_ = false;
};

}  // namespace

/// As send_in_group(). Whether the message is on disk, its caller waits for: wait_logged().
Result<MessageId, Errc> QueueCore::send_in_group_logged(Outgoing& out, Duration wait,
                                                        bool& sent) noexcept {
  if (const Errc code = log_->state(); code != Errc::kOk) return Unexpected(code);
  const dedup::Table* table = out.dedup_id.empty() ? nullptr : mapping_->dedup();
  const bool by_group = mapping_->dedup_scope() == DedupScope::kGroup;
  dedup::Key key{};
  if (table != nullptr) {
    key = dedup::key_of_id(mapping_->lasting_id(), out.dedup_id, by_group ? out.group : "");
    if (const auto first = table->find(key, lanes_.back()->fifo->ids->now())) {
      counters_.add(Counter::kDuplicates);
      log_->include_others();
      return MessageId{lanes_.back()->mapped->ids, *first};
    }
  }
  for (Claim slot;;) {
    const std::uint64_t before = slot.position;
    journal::Claim record;
    if (const Errc code = claim_both(slot, record, out, wait); code != Errc::kOk) {
      if (out.entry != 0) table->abandon(out.entry, before);  // it is void in the log
      return Unexpected(code);
    }
    fill(slot, out);
    MessageId id{slot.lane->mapped->ids, slot.position};
    if (table != nullptr) {
      const Errc code = enter_id_logged(slot, out, key, wait, record, id.position);
      if (code == Errc::kOk && id.position != slot.position) return id;  // a duplicate of that one
      if (code != Errc::kOk) return Unexpected(code);
    }
    fill_ids(slot, out);
    durable::Message message = record_of(*slot.lane, slot.position, 0);
    if (out.block.data != nullptr) message.content = {};  // it stands there
    durable::write_send(message, log_->stamp(record), record.bytes);
    log_->publish(record);
    if (!group::publish(slot.lane->ring, slot.lane->sender, slot.position)) {
      const Errc code = log_->voided(id, log_->deadline_ns(wait));
      give_up(slot, out);
      // Its id stays with the dead position until somebody has said that in the log.
      if (code != Errc::kOk) return Unexpected(code);
      continue;
    }
    sent = true;
    if (table != nullptr) slot.lane->fifo->ids->commit(slot.position, out.entry);
    counters_.add(Counter::kSent);
    counters_.add(Counter::kSentBytes, out.body.size());
    return id;
  }
}

/// A record with the content in it, if that lies in a block and so may take long, then a slot. In a
/// full queue the other way round: nobody waits for room with a record in hand that others wait
/// for.
Errc QueueCore::claim_both(Claim& slot, journal::Claim& record, const Outgoing& out,
                           Duration wait) noexcept {
  const auto is_passed = [&] {
    return slot.lane->fifo->ids &&
           slot.lane->fifo->ids->judge(slot.position) != dedup::SlotState::kFilling;
  };
  if (lanes_.back()->sender.may_have_room(1)) {
    if (const Errc code = claim_record(out, wait, record); code != Errc::kOk) return code;
    const Errc code = try_claim(slot);
    if (code == Errc::kOk) return code;
    log_->abandon(record);
    if (code != Errc::kFull) return code;
  }
  for (;;) {
    if (const Errc code = claim(slot, wait); code != Errc::kOk) return code;
    const Errc code = claim_record(out, wait, record);
    // Passed by now: a purge may have forgotten the ids of such positions, before my record.
    if (code == Errc::kOk && !is_passed()) return code;
    if (code == Errc::kOk) log_->abandon(record);
    group::void_claim(slot.lane->ring, slot.position);
    if (code != Errc::kOk) return code;
  }
}

Errc QueueCore::claim_record(const Outgoing& out, Duration wait, journal::Claim& record) noexcept {
  const std::size_t content =
      out.body.size() + out.attribute_bytes + out.group.size() + out.dedup_id.size();
  const std::size_t bytes = durable::send_bytes(content);
  const Errc code = log_->claim(bytes, log_->deadline_ns(wait), record);
  if (code != Errc::kOk || out.block.data == nullptr) return code;
  std::byte* at = record.bytes.data() + durable::send_bytes(0);
  const auto put = [&at](const void* from, std::size_t count) {
    if (count != 0) std::memcpy(at, from, count);
    at += count;
  };
  put(out.block.data, out.body.size() + out.attribute_bytes);
  put(out.group.data(), out.group.size());
  put(out.dedup_id.data(), out.dedup_id.size());
  return code;
}

/// As enter_id(). After anything but kOk and `first` as it was, slot and record are given up.
Errc QueueCore::enter_id_logged(const Claim& slot, Outgoing& out, const dedup::Key& key,
                                Duration wait, journal::Claim& record,
                                std::uint64_t& first) noexcept {
  using Outcome = dedup::Entered::Outcome;
  group::Ids& ids = *slot.lane->fifo->ids;
  LoggedIds logged(ids, *log_, slot.lane->mapped->ids, log_->deadline_ns(wait));
  const dedup::Entered entered =
      ids.table().enter({key, slot.position, member_.me.index(), ids.now()}, logged);
  out.entry = entered.entry;
  if (entered.outcome == Outcome::kEntered) {
    if (!logged.has_buried()) return Errc::kOk;
    // The record must stand behind the ones that say so.
    log_->abandon(record);
    const Errc code = claim_record(out, wait, record);
    if (code == Errc::kOk) return code;
    give_up(slot, out);
    ids.table().abandon(out.entry, slot.position);  // nothing of it is in the log
    return code;
  }
  log_->abandon(record);
  give_up(slot, out);
  if (entered.outcome == Outcome::kDuplicate) {
    counters_.add(Counter::kDuplicates);
    log_->include_others();
    first = entered.position;
    return Errc::kOk;
  }
  if (logged.failed() != Errc::kOk) return logged.failed();
  return entered.outcome == Outcome::kFull ? Errc::kTooManyIds : Errc::kCorrupt;
}

/// What record_of() says of a FIFO queue's message beside what all have.
void QueueCore::describe_group(const Lane& in, std::uint32_t slot,
                               durable::Message& message) const noexcept {
  const ring::RingView& view = in.ring.view;
  const ring::Lengths lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)};
  const group::IdLengths ids = group::ids_at(view, slot);
  message.group_bytes = ids.group();
  message.dedup_id_bytes = ids.dedup();
  message.undelayed = lengths.undelayed();
  if (in.fifo->groups.head(slot).entry.load(std::memory_order_relaxed) != 0) {
    const std::uint64_t window_ns =
        mapping_->header().settings.dedup_window_ns.load(std::memory_order_relaxed);  // a setting
    message.id_until_ns = static_cast<std::int64_t>(time_.wall_ns() + window_ns);
  }
  if (!lengths.has_envelope()) return;
  const queue::Envelope envelope = queue::read_envelope(view, slot);
  message.renamed = !lengths.moved_in();
  message.original = envelope.id;
  message.original_sent_ns = wall_of(envelope.sent_ns);
}

/// A purge: the ids of all messages before `end`. Those of positions that were never published stay
/// until somebody sends with them: see LoggedIds.
void QueueCore::forget_ids(Lane& in, std::uint64_t end) noexcept {
  if (!in.fifo->ids || end == 0) return;
  if (log_->mark(durable::Kind::kForgotten, {end}) != Errc::kOk) return;  // they stay known
  in.fifo->ids->table().clear(end, false);
}

/// Of a record of a segment that is to go: what is alive of it, once more.
Errc QueueCore::relocate_in_groups(const log::RecordView& record, std::uint64_t number) noexcept {
  const std::uint64_t now_ns = time_.wall_ns();
  const auto is_over = [now_ns](std::int64_t until_ns) {
    return until_ns <= static_cast<std::int64_t>(now_ns);
  };
  if (auto known = durable::read_known_id(record)) {
    known->relocation = number;
    return is_over(known->until_ns) ? Errc::kOk : relocate_id(*known, false);
  }
  if (durable::kind_of(record) != durable::Kind::kSend) return Errc::kOk;
  auto message = durable::read_send(record);
  if (!message) return Errc::kDamaged;
  const bool copied = is_there(message->id);
  if (copied) {
    if (const Errc code = relocate(*message, number); code != Errc::kOk) return code;
    if (is_there(message->id)) return Errc::kOk;  // its id goes with it
  }
  if (is_over(message->id_until_ns)) return Errc::kOk;
  const std::string_view ids = as_text(
      message->content.subspan(std::uint64_t{message->body_bytes} + message->attribute_bytes));
  const std::string_view group = ids.substr(0, message->group_bytes);
  const bool by_group = mapping_->dedup_scope() == DedupScope::kGroup;
  const dedup::Key key = dedup::key_of_id(mapping_->lasting_id(), ids.substr(message->group_bytes),
                                          by_group ? group : "");
  return relocate_id({key, message->id, message->id_until_ns, number}, copied);
}

/// Of a message that is gone: its id, as long as the table has it. `copied`: the copy of its
/// message says that it is known.
Errc QueueCore::relocate_id(durable::KnownId id, bool copied) noexcept {
  const std::uint64_t deadline_ns = log_->deadline_ns({});
  const auto is_known = [&] {
    const auto& ids = lanes_.back()->fifo->ids;
    return ids && ids->table().find(id.key, ids->now()) == id.id.position;
  };
  if (is_known()) {
    if (const Errc code = log_->known(id, deadline_ns); code != Errc::kOk) return code;
    if (is_known()) return Errc::kOk;
  } else if (!copied) {
    return Errc::kOk;
  }
  id.until_ns = 0;  // a purge has come between, or it never was a message
  return log_->known(id, deadline_ns);
}

/// Consumers of a FIFO queue do not wait for a message that is about to come: it comes before the
/// disk has it. Until then the source keeps its slot, so that the message stays in the log there.
Errc QueueCore::log_moving_in(const Claim& slot) noexcept {
  if (const Errc code = log_->state(); code != Errc::kOk) return code;
  return log_->send(record_of(*slot.lane, slot.position, 0), time_.precise_ns() + kPatienceNs);
}

/// False: the disk may not have it. Then the log of the source keeps it: after the loss of power it
/// may be in both queues, but not in none.
bool QueueCore::wait_moved_in() noexcept {
  return log_ == nullptr || log_->wait_durable(time_.precise_ns() + kPatienceNs) == Errc::kOk;
}

/// Bytes of records that reclaim would write again, about.
std::uint64_t QueueCore::alive_id_bytes() noexcept {
  const auto& ids = lanes_.back()->fifo->ids;
  return ids ? ids->table().estimate(ids->now()) * kKnownIdBytes : 0;
}

}  // namespace ringpost::detail
