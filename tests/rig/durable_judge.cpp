// What must hold of durable queues, whatever happened.
#include <algorithm>
#include <cstdlib>

#include "dedup/key.hpp"
#include "durable/replay.hpp"
#include "log/reader.hpp"
#include "rig/durable_world.hpp"

namespace ringpost::rig {
namespace {

int id_of(ByteSpan content, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(content.data()), bytes);
  const int id = std::atoi(text.c_str());
  return id > 0 && id < Ledger::kMessagesMax ? id : 0;
}

}  // namespace

/// A moment at which power may go, and at which others may go first.
void DurableWorld::stepped(int queue, sim::Step step) {
  if (is_judging) return;
  Machine::get().unobserved([&] {
    // The others change nothing that a reader finds, but for what is torn: the log's own rig.
    const bool counts = step == sim::Step::kWrite || step == sim::Step::kSync ||
                        step == sim::Step::kRemove || step == sim::Step::kSyncNames;
    if (counts) {
      found[static_cast<std::size_t>(queue)] = read(queue);
      judge_power();
    }
    return 0;
  });
  // Whoever is killed in a system call is not dead before that has ended.
  if (step != sim::Step::kWriteUnderWay) words.disk.fetch_add(1);
}

/// As client/durable_queues.cpp, if power goes now.
DurableWorld::Found DurableWorld::read(int queue) {
  Found all;
  const auto image = disks[static_cast<std::size_t>(queue)]->power_cut(++cuts, nullptr);
  const auto directory = image->mount();
  auto reader = log::Reader::open(*directory);
  if (!reader) return all.wrong = reader.error().what, all;
  const auto end = (*reader)->find_end();
  if (!end) return all.wrong = end.error().what, all;
  all.end = *end;
  durable::Replay replay;
  const durable::IdRules rules{mapping(queue).lasting_id(), false,
                               static_cast<std::int64_t>(clock.wall_ns())};
  if (shape.fifo) replay.keep_ids(rules);
  std::vector<std::pair<std::uint64_t, int>> beyond;
  for (;;) {
    const auto record = (*reader)->next(*end);
    if (!record && record.error() == Errc::kEmpty) break;
    const Errc code = record ? replay.add(*record) : record.error();
    if (code != Errc::kOk) return all.wrong = name(code), all;
    const auto message = durable::read_send(*record);
    if (!message || !message->is_overflow || message->relocation != 0) continue;
    beyond.emplace_back(message->id.position, id_of(message->content, message->body_bytes));
  }
  const durable::Replay::Backlog backlog = replay.backlog();
  auto messages = replay.finish();
  std::array<std::uint64_t, kSlots> in_slot{};
  for (const durable::Left& each : messages) in_slot[each.id.position % kSlots] = each.id.position;
  std::erase_if(messages, [&](const durable::Left& each) {
    return shape.fifo && in_slot[each.id.position % kSlots] != each.id.position;
  });
  const Errc code = durable::read_again(**reader, messages, [&](const durable::Message& message) {
    const int id = id_of(message.content, message.body_bytes);
    ++all.count[static_cast<std::size_t>(id)];
    all.order.push_back(id);
    return Errc::kOk;
  });
  if (code != Errc::kOk) return all.wrong = name(code), all;
  for (const auto& [position, id] : beyond) {
    if (backlog.count == 0 || position < backlog.from) continue;
    ++all.count[static_cast<std::size_t>(id)];
    all.order.push_back(id);
  }
  if (!shape.fifo) return all;
  for (const durable::KnownId& each : replay.fifo()->ids()) all.ids.push_back(each.id.position);
  return all;
}

void DurableWorld::judge_power() {
  if (is_judging) return;
  for (int q = 0; q < kQueues; ++q) {
    const Found& its = found[static_cast<std::size_t>(q)];
    if (!its.wrong.empty()) ledger.broken("the log of " + name_of(q) + ": " + its.wrong);
  }
  for (std::size_t id = 1; id < kMessages; ++id) {
    if (const char* what = wrong_with(id)) {
      ledger.broken("message " + std::to_string(id) + " " + what + " after the loss of power");
    }
  }
  judge_order(found[0]);
}

/// Null: nothing.
const char* DurableWorld::wrong_with(std::size_t id) {
  const Fact& it = facts[id];
  const int here = found[0].count[id];
  const int there = found[1].count[id];
  if (!it.begun) return here + there != 0 ? "was never sent and is there" : nullptr;
  if (here + there == 0 && it.told && !it.ending) return "was accepted and is not there";
  // A mover who dies leaves a record in the log of the queue to which he did not move it.
  if (std::max(here, there) > 1 && !(buries && somebody_died)) return "is there twice";
  if (here != 0 && there != 0 && !buries) return "is in two queues";
  if (here != 0 && it.gone_at != 0 && found[0].end >= it.gone_at) {
    return "was acknowledged, and is there again";
  }
  if (!shape.fifo || !it.told || buries || purges != 0) return nullptr;
  const std::vector<std::uint64_t>& ids = found[0].ids;
  const bool is_known = std::find(ids.begin(), ids.end(), it.position) != ids.end();
  return is_known ? nullptr : "has an id that is not known";
}

/// Whoever was told of one before he sent another one finds them in that order.
void DurableWorld::judge_order(const Found& its) {
  for (std::size_t later = 0; later < its.order.size(); ++later) {
    for (std::size_t first = 0; first < later; ++first) {
      const Fact& a = fact(its.order[first]);
      const Fact& b = fact(its.order[later]);
      if (its.order[first] == 0 || its.order[later] == 0 || !b.told) continue;
      if (b.told_at < a.begun_at) ledger.broken("order is lost with power");
    }
  }
}

void DurableWorld::drain_all() {
  for (int q = 0; q < kQueues; ++q) {
    for (bool empty = false; !empty && ledger.verdict().empty();) {
      if (receive(kJudge, q, &empty)) acknowledge(kJudge, q);
    }
  }
}

std::string DurableWorld::check() {
  begin(kJudge);
  sweep(kJudge);
  ledger.leases_may_end();
  for (int reader = 1; reader < kJudge; ++reader) {
    if (words.dead[reader].load() == 0 && of(reader).held != nullptr) of(reader).held->clear();
  }
  words.now_ns.fetch_add(kTickNs);
  drain_all();
  begin(kJudge);
  core(kJudge, 0).tend_log();
  words.now_ns.fetch_add(kTickNs);
  drain_all();
  ledger.judge_drained();
  // And everything works on.
  constexpr int kFresh = 40;
  if (ledger.verdict().empty()) {
    send(kJudge, {kFresh});
    if (!fact(kFresh).told) ledger.broken("nobody can send any more");
    drain_all();
    ledger.judge_drained();
  }
  begin(kJudge);
  for (int q = 0; q < kQueues; ++q) core(kJudge, q).tend_log();
  Machine::get().unobserved([&] { return judge_power(), 0; });
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

void DurableWorld::judge_rest() {
  for (int q = 0; q < kQueues; ++q) {
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const bool is_held = view(q).lease_word(slot).held();
      const bool is_claimed =
          ring::Claim{view(q).claim(slot).load()}.lap() >= view(q).lease_word(slot).lap();
      if (!is_held && !is_claimed) continue;
      ledger.broken("slot " + std::to_string(slot) + " of " + name_of(q) +
                    (is_held ? " is held for ever" : " is claimed for ever"));
    }
    const queue::QueueHeader& header = mapping(q).header();
    if (header.overflowed.load() != header.refilled.load()) {
      ledger.broken("a backlog is told of that is not there");
    }
    const std::string& breach = disks[static_cast<std::size_t>(q)]->breach();
    if (!breach.empty()) ledger.broken("the disk: " + breach);
  }
  for (int who = 1; who <= kJudge; ++who) {
    const auto& record = context->files->participant(of(who).self->index());
    if (!record.move.read().none()) ledger.broken("a note of a move is left");
    for (const auto& entry : record.hazards.entries) {
      if (entry.load() != 0 && words.dead[who].load() != 0) ledger.broken("a hazard entry leaks");
    }
  }
}

std::string DurableWorld::describe(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto in = [at](const void* place, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(place);
    return at >= first && at < first + bytes;
  };
  if (in(&words.now_ns, 8)) return "clock";
  if (in(&words.disk, 8)) return "disk";
  if (in(&words.lock, 8)) return "lock";
  if (in(&words, sizeof words)) return "dead";
  for (int q = 0; q < kQueues; ++q) {
    const std::string queue = name_of(q) + " ";
    for (std::uint32_t slot = 0; slot < kSlotsShared; ++slot) {
      const std::string number = std::to_string(slot);
      if (in(&view(q).claim(slot), 8)) return queue + "claim" + number;
      if (in(&view(q).lease(slot), 16)) return queue + "lease" + number;
      if (in(&view(q).slot(slot), 8)) return queue + "publish" + number;
      if (in(&view(q).slot(slot), view(q).geometry().stride)) return queue + "slot" + number;
    }
    const queue::QueueHeader& header = mapping(q).header();
    if (in(&header.refill, 16)) return queue + "refill";
    if (in(&header.overflow_begin, 8)) return queue + "overflow_begin";
    if (in(&header.overflowed, 8)) return queue + "overflowed";
    if (in(&header.refilled, 8)) return queue + "refilled";
    if (in(&header, 4 << 20)) return queue + "ids";
    const journal::JournalView view = journal(q);
    const journal::JournalHot& hot = view.hot();
    if (in(&hot.tail, 8)) return queue + "tail";
    if (in(&hot.drain, 8)) return queue + "drain";
    if (in(&hot.durable, 8)) return queue + "durable";
    if (in(&hot.writer, 8)) return queue + "writer";
    if (in(&hot, sizeof hot)) return queue + "journal";
    if (in(&view.descriptor(0), view.cells() * 8)) {
      return queue + "descriptor" +
             std::to_string((at - reinterpret_cast<const std::byte*>(&view.descriptor(0))) / 8);
    }
  }
  return {};
}

}  // namespace ringpost::rig
