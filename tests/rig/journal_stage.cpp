#include "rig/journal_stage.hpp"

#include <cstring>
#include <utility>

#include "journal/sweep.hpp"
#include "rig/journal_world.hpp"
#include "sys/futex.hpp"

namespace ringpost::rig {
namespace {

JournalWorld* active = nullptr;  // whose operations are running

constexpr std::size_t kValueOffset = sizeof(log::RecordHeader);
constexpr std::size_t kTailOffset = journal::kCellBytes + 40;  // of a record of two cells

constexpr std::size_t bytes_of(int cells) {
  return cells == 1 ? kValueOffset + 8 : kTailOffset + 8;
}

}  // namespace

void JournalWorld::forget() noexcept {
  for (auto& participant : participants) participant.reset();
}

void JournalWorld::prepare() {
  forget();
  active = this;
  std::memset(static_cast<void*>(&shared), 0, sizeof shared);
  const auto geometry = journal::JournalGeometry::of(shape.cells_log2);
  journal::initialise_journal(shared.journal, geometry, {.start = shape.start, .kind = shape.kind});
  view = journal::JournalView(shared.journal, geometry, shape.kind, shape.start, false);
  for (std::size_t me = 1; me < kParticipants; ++me) {
    participants[me].emplace(*this, static_cast<int>(me));
  }
  who = {};
  facts = {};
  end_of_claims = values = 0;
  writes_left = closed_at = kEnd;
  has_failed = had_failed = is_mended = close_begun = anybody_died = false;
  marked = shape.start;
  verdict.clear();
  share(&view.hot(), offsetof(journal::JournalHot, log_state) + 8);
  share(&view.descriptor(0), view.cells() * 8);
  share(view.cell(0), view.cells() * journal::kCellBytes);
  share(&shared.log, sizeof shared.log);
  share(&shared.dead, sizeof shared.dead);
}

JournalWorld::Participant& JournalWorld::begin(int me, std::uint64_t waits_for) {
  Machine& machine = Machine::get();
  (machine.in_fiber() ? who[machine.current() % who.size()] : outside) = me;
  Participant& it = *participants[static_cast<std::size_t>(me)];
  it.sleep = {nullptr, 0, waits_for, false};
  it.clock.slept = false;
  return it;
}

void JournalWorld::slept(const std::atomic<std::uint32_t>& word, std::uint32_t seen) {
  Machine& machine = Machine::get();
  const int me = machine.in_fiber() ? who[machine.current() % who.size()] : outside;
  Participant& it = *participants[static_cast<std::size_t>(me)];
  it.sleep.word = &word;
  it.sleep.seen = seen;
  it.sleep.in_vain = machine.unobserved([&] { return should_wake(it.sleep); });
  it.clock.slept = true;  // his deadline is over
}

// ---- producers

bool JournalWorld::claim(int me, int cells) {
  Participant& it = begin(me);
  journal::Claim claim;
  const Errc code = it.producer.claim(bytes_of(cells), claim);
  if (code == Errc::kClosed && !close_begun) broken("closed, and nobody has closed it");
  if (code != Errc::kOk && code != Errc::kFull && code != Errc::kClosed) {
    broken(std::string("a claim is told ") + name(code));
  }
  if (code != Errc::kOk) return false;
  const std::uint64_t value = 100 * static_cast<std::uint64_t>(me) + ++values;
  fact(claim.position) = {me, static_cast<std::uint64_t>(cells), value, Fate::kClaimed};
  judge_claim(claim.position, static_cast<std::uint64_t>(cells));
  log::RecordHeader header{};
  header.bytes = static_cast<std::uint32_t>(bytes_of(cells));
  header.position = claim.position;
  header.data_bytes = static_cast<std::uint32_t>(bytes_of(cells) - sizeof header);
  header.kind = log::RecordKind::kStream;
  std::memcpy(claim.bytes.data(), &header, sizeof header);
  std::memcpy(claim.bytes.data() + kValueOffset, &value, 8);
  if (cells == 2) std::memcpy(claim.bytes.data() + kTailOffset, &value, 8);
  it.claim = claim;
  return true;
}

void JournalWorld::publish(int me) {
  Participant& it = begin(me);
  if (!it.claim) return;
  const journal::Claim claim = *std::exchange(it.claim, std::nullopt);
  fact(claim.position).fate = Fate::kPublishing;
  it.producer.publish(claim);
  fact(claim.position).fate = Fate::kPublished;
  judge_words();
}

void JournalWorld::abandon(int me) {
  Participant& it = begin(me);
  if (!it.claim) return;
  const journal::Claim claim = *std::exchange(it.claim, std::nullopt);
  fact(claim.position).fate = Fate::kAbandoned;
  it.producer.abandon(claim);
}

void JournalWorld::put(int me, int cells) {
  if (claim(me, cells)) publish(me);
}

void JournalWorld::close(int me) {
  Participant& it = begin(me);
  close_begun = true;
  std::uint64_t end = 0;
  const Errc code = it.producer.close(end);
  if (code == Errc::kFull) return;
  if (code != Errc::kOk) return broken(std::string("a close is told ") + name(code));
  if (closed_at != kEnd && closed_at != end) return broken("two ends");
  closed_at = end;
  if (end_of_claims > end) broken("something is claimed behind the end");
}

// ---- who waits, writers

void JournalWorld::settled(int me, std::uint64_t end) {
  Participant& it = begin(me, end);
  const Errc code = it.waits.settled(end, kDeadline);
  if (code == Errc::kOk) return judge_durable(end);
  if (code == Errc::kLogFailed && had_failed) return;
  if (code != Errc::kTimedOut) broken(std::string("a wait is told ") + name(code));
}

void JournalWorld::room(int me, int cells) {
  Participant& it = begin(me, kEnd);
  const Errc code = it.waits.room(it.producer, bytes_of(cells), kDeadline);
  if (code == Errc::kLogFailed && had_failed) return;
  if (code != Errc::kOk && code != Errc::kTimedOut) {
    broken(std::string("a wait for room is told ") + name(code));
  }
}

void JournalWorld::published(int me, std::uint64_t position) {
  static_cast<void>(begin(me, position).waits.published(position, kDeadline));
}

void JournalWorld::drain(int me) {
  Participant& it = begin(me);
  Errc code = it.role.take();
  if (code == Errc::kBusy || (code == Errc::kLogFailed && had_failed)) return;
  if (code == Errc::kOk) {
    while ((code = it.role.drain_once()) == Errc::kOk) judge_words();
  }
  if (code != Errc::kEmpty && !(code == Errc::kLogFailed && had_failed)) {
    return broken(std::string("a drain is told ") + name(code));
  }
  it.role.release();
  judge_words();
}

void JournalWorld::recover(int me) {
  Participant& it = begin(me);
  Errc code = it.role.recover();
  if (code == Errc::kBusy) return;
  if (code == Errc::kOk) {
    has_failed = false;
    while ((code = it.role.drain_once()) == Errc::kOk) judge_words();
  }
  if (code != Errc::kEmpty) return broken(std::string("who recovers is told ") + name(code));
  it.role.release();
  judge_words();
}

void JournalWorld::write(int me, bool keeps) {
  Participant& it = begin(me, kEnd);
  for (int round = 0; round < 20; ++round) {
    Errc code = it.writer.step();
    it.has_role = it.writer.has_role();
    judge_words();
    if (code == Errc::kOk) continue;
    if (code == Errc::kEmpty && it.writer.has_under_way()) {
      code = it.writer.settle();
      it.has_role = it.writer.has_role();
      judge_words();
      if (code == Errc::kOk) continue;
    }
    if (code == Errc::kLogFailed && had_failed) return;
    if (code != Errc::kEmpty && code != Errc::kBusy) {
      return broken(std::string("a writer is told ") + name(code));
    }
    if (!keeps) {
      it.writer.release();
      it.has_role = false;
      return;
    }
    const journal::LogWriter::Sleep sleep = it.writer.arm();
    if (sleep.has_work) continue;
    sys::futex_wait(sleep.word->sequence, sleep.seen, 1);
    return;
  }
}

// ---- the rest

void JournalWorld::read() {
  std::uint64_t position = marked;
  for (std::uint64_t records = 0; records < 2 * view.cells(); ++records) {
    const Fate before = fact(position).fate;
    journal::Seen seen;
    const Errc code = journal::look(view, position, seen);
    if (code != Errc::kOk) return judge_absence(position, code, before);
    judge_record(seen, position);
    position = seen.next;
  }
}

void JournalWorld::judge_record(const journal::Seen& seen, std::uint64_t asked) {
  log::RecordHeader header;
  std::uint64_t value = 0;
  std::uint64_t last = 0;
  const bool parsed = journal::parse_record(seen.position, seen.bytes, header);
  std::memcpy(&value, seen.bytes.data() + kValueOffset, 8);
  last = value;
  if (seen.bytes.size() > journal::kCellBytes) {
    std::memcpy(&last, seen.bytes.data() + kTailOffset, 8);
  }
  if (!journal::still_there(view, seen.position)) {
    return judge_absence(seen.position, Errc::kLapped, fact(seen.position).fate);
  }
  const Fact& it = fact(seen.position);
  if (!parsed || value != it.value || last != value) broken("a reader gets what was overwritten");
  if (it.fate != Fate::kPublishing && it.fate != Fate::kPublished) {
    broken("a reader gets what was not published");
  }
  for (std::uint64_t position = asked; position < seen.position; ++position) {
    if (fact(position).fate == Fate::kPublished) broken("a reader passes over a record");
  }
}

void JournalWorld::sweep() {
  for (std::size_t dead = 1; dead < kParticipants; ++dead) {
    if (shared.dead[dead].load() == 0) continue;
    journal::sweep_participant(view, static_cast<std::uint16_t>(dead));
  }
}

void JournalWorld::die(int me) {
  shared.dead[static_cast<std::size_t>(me)].store(1);
  anybody_died = true;
}

std::string JournalWorld::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const journal::JournalHot& hot = view.hot();
  const auto is = [at](const auto& word) {
    const auto* begin = reinterpret_cast<const std::byte*>(&word);
    return at >= begin && at < begin + sizeof word;
  };
  if (is(hot.tail)) return "tail";
  if (is(hot.drain)) return "drain";
  if (is(hot.durable)) return "durable";
  if (is(hot.low)) return "low";
  if (is(hot.wanted)) return "wanted";
  if (is(hot.work)) return "work";
  if (is(hot.published)) return "published";
  if (is(hot.settled)) return "settled";
  if (is(hot.writer)) return "writer";
  if (is(hot.failed)) return "failed";
  if (is(hot.refused)) return "refused";
  if (is(hot.log_state)) return "log_state";
  if (is(shared.log.written)) return "log.written";
  if (is(shared.log.synced)) return "log.synced";
  if (is(shared.log)) return "log";
  if (is(shared.dead)) return "dead";
  const auto* first = reinterpret_cast<const std::byte*>(&view.descriptor(0));
  const auto bytes = static_cast<std::ptrdiff_t>(view.cells());
  if (at >= first && at < first + bytes * 8) {
    return "descriptor" + std::to_string((at - first) / 8);
  }
  if (at >= view.cell(0) && at < view.cell(0) + bytes * 64) {
    return "cell" + std::to_string((at - view.cell(0)) / 64);
  }
  return {};
}

// ---- the stage

JournalStage::JournalStage(const JournalShape& shape)
    : world_(std::make_unique<JournalWorld>(shape)) {}
JournalStage::~JournalStage() = default;

Stage JournalStage::stage(std::string name, std::function<void()> begin) {
  Stage stage;
  JournalWorld& w = *world_;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin)] {
    w.prepare();
    begin();
    if (!w.verdict.empty()) fail(w.verdict);
  };
  stage.on_death = [&w](int participant) { w.die(participant); };
  stage.liveness = {{&w.shared.dead, sizeof w.shared.dead}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

void JournalStage::put(int me, int cells) { world_->put(me, cells); }
void JournalStage::claim(int me, int cells) { static_cast<void>(world_->claim(me, cells)); }
void JournalStage::publish(int me) { world_->publish(me); }
void JournalStage::abandon(int me) { world_->abandon(me); }
void JournalStage::close(int me) { world_->close(me); }
void JournalStage::flush(int me) { world_->begin(me).producer.flush(); }

void JournalStage::put_durable(int me) {
  if (!world_->claim(me, 1)) return;
  const std::uint64_t position =
      world_->participants[static_cast<std::size_t>(me)]->claim->position;
  world_->publish(me);
  world_->settled(me, position + 1);
}
void JournalStage::put_batch_durable(int me, int records) {
  std::optional<std::uint64_t> last;
  for (int i = 0; i < records; ++i) {
    if (!world_->claim(me, 1)) {
      world_->room(me, 1);
      if (!world_->claim(me, 1)) break;
    }
    last = world_->participants[static_cast<std::size_t>(me)]->claim->position;
    world_->publish(me);
  }
  if (last) world_->settled(me, *last + 1);
}
void JournalStage::wait_durable(int me, std::uint64_t position) {
  world_->settled(me, position + 1);
}
void JournalStage::wait_room(int me, int cells) { world_->room(me, cells); }
void JournalStage::wait_published(int me, std::uint64_t position) {
  world_->published(me, position);
}
void JournalStage::want(int me, std::uint64_t end) { world_->begin(me).waits.want(end); }

void JournalStage::drain(int me) { world_->drain(me); }
void JournalStage::recover(int me) { world_->recover(me); }
void JournalStage::write(int me) { world_->write(me, true); }
void JournalStage::write_and_let_go(int me) { world_->write(me, false); }
void JournalStage::read(int /*me*/) { world_->read(); }
void JournalStage::sweep(int /*me*/) { world_->sweep(); }

void JournalStage::mark(std::uint64_t position) { world_->marked = position; }
void JournalStage::die(int participant) { world_->die(participant); }

void JournalStage::write_and_die(int me) {
  journal::JournalHot& hot = world_->view.hot();
  const std::uint64_t durable = hot.durable.load();
  const std::uint64_t drain = hot.drain.load();
  JournalWorld::Participant& it = world_->begin(me);
  static_cast<void>(it.role.take());
  while (it.role.drain_once() == Errc::kOk) continue;
  hot.durable = durable;
  hot.drain = drain;
  die(me);
}
void JournalStage::fail_at_write(std::uint64_t count) { world_->writes_left = count; }
void JournalStage::mend() {
  world_->writes_left = JournalWorld::kEnd;
  world_->is_mended = true;
}

}  // namespace ringpost::rig

// Instead of src/sys/futex.cpp: nobody sleeps on the rig's machine. Who would sleep is noted, and
// finds his deadline over; the check asks whether somebody would have woken him.
namespace ringpost::sys {

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen,
                std::uint64_t) noexcept {
  rig::active->slept(word, seen);
}
int futex_wake(const std::atomic<std::uint32_t>&, int) noexcept { return 0; }
bool futex_wait_any(std::span<const FutexAt>, std::uint64_t) noexcept { return true; }
bool join_fences() noexcept { return true; }
void fence_other_processes() noexcept {}

}  // namespace ringpost::sys
