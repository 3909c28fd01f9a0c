// The log of the rig, and what is judged at each answer and at the end.
#include <algorithm>
#include <cstring>

#include "journal/walk.hpp"
#include "rig/journal_world.hpp"

namespace ringpost::rig {

// ---- the log

Errc JournalWorld::Port::open(std::uint64_t acknowledged) {
  Log& log = world_.shared.log;
  if (world_.has_failed && !world_.is_mended && !world_.anybody_died) {
    world_.broken("a log that has failed is opened");
  }
  end_ = log.written.load() >> 16;
  if (end_ < acknowledged) world_.broken("the log ends in front of what was told to be durable");
  count_ = 0;
  under_way_ = failed_ = false;
  return flush();
}

Errc JournalWorld::Port::resume(journal::ConstLogStateWords state) {
  Log& log = world_.shared.log;
  end_ = log.written.load() >> 16;
  if (state[0] != end_) world_.broken("the state that was left in order is not the log's");
  if (log.synced.load() != end_) world_.broken("let go in order, with something not durable");
  count_ = 0;
  failed_ = failed_ && !world_.is_mended;
  return Errc::kOk;
}

Errc JournalWorld::Port::add(std::uint64_t position, ByteSpan record) {
  log::RecordHeader header;
  std::memcpy(&header, record.data(), sizeof header);
  std::uint64_t value = kEnd;
  if (header.kind != log::RecordKind::kEnd) {
    std::memcpy(&value, record.data() + sizeof header, 8);
  }
  if (header.position != position) world_.broken("the log gets a record of another position");
  batch_[count_++] = {position, value};
  return Errc::kOk;
}

Errc JournalWorld::Port::submit(disk::Sync sync, std::uint64_t end) {
  if (under_way_) {
    if (const Errc code = write(); code != Errc::kOk) return code;
  }
  submitted_ = batch_;
  submitted_count_ = std::exchange(count_, 0);
  submitted_end_ = end_ = end;
  submitted_sync_ = sync;
  under_way_ = true;
  return Errc::kOk;
}

/// What was submitted.
Errc JournalWorld::Port::write() {
  Log& log = world_.shared.log;
  under_way_ = false;
  if (world_.writes_left == 0) {
    world_.has_failed = world_.had_failed = failed_ = true;
    return Errc::kLogFailed;
  }
  if (world_.writes_left != kEnd) --world_.writes_left;
  std::uint64_t records = log.written.load() & 0xffff;
  for (std::size_t i = 0; i < submitted_count_; ++i, ++records) {
    const auto [position, value] = submitted_[i];
    Log::Record& record = log.records[records % kRecords];
    record.position.store(position, std::memory_order_relaxed);
    record.value.store(value, std::memory_order_relaxed);
    world_.judge_written(position, value);
  }
  log.written.store(submitted_end_ << 16 | records);
  if (submitted_sync_ == disk::Sync::kData) log.synced.store(submitted_end_);
  return Errc::kOk;
}

Errc JournalWorld::Port::write_now(disk::Sync sync, std::uint64_t end) {
  const Errc code = submit(sync, end);
  return code == Errc::kOk ? write() : code;
}

journal::LogPort::Progress JournalWorld::Port::reap(bool wait) {
  const Errc code = wait && under_way_ ? write() : Errc::kOk;
  return {world_.shared.log.synced.load(), code};
}

Errc JournalWorld::Port::flush() {
  Log& log = world_.shared.log;
  if (failed_) world_.broken("a sync is tried again");
  if (under_way_) {
    if (const Errc code = write(); code != Errc::kOk) return code;
  }
  if (world_.writes_left == 0) {
    world_.has_failed = world_.had_failed = failed_ = true;
    return Errc::kLogFailed;
  }
  log.synced.store(log.written.load() >> 16);
  return Errc::kOk;
}

// ---- the judges

/// Whether the cells of a claim may not be used again.
bool JournalWorld::is_needed(const Fact& it, std::uint64_t position, std::uint64_t synced) {
  switch (it.fate) {
    case Fate::kNone:
    case Fate::kAbandoned:
      return false;
    case Fate::kClaimed:
      return !is_dead(it.me);
    case Fate::kPublishing:
    case Fate::kPublished:
      return has_log() && synced <= position && !(it.fate == Fate::kPublishing && is_dead(it.me));
  }
  return false;
}

void JournalWorld::judge_claim(std::uint64_t position, std::uint64_t cells) {
  Machine::get().unobserved([&] {
    const std::uint64_t end = position + cells;
    const std::uint64_t synced = std::max(shared.log.synced.load(), shape.start);
    if (end > closed_at) broken("a claim behind the end");
    if (has_log() && end > synced + view.cells()) {
      broken("a claim of a position that the next ring would give again");
    }
    for (std::uint64_t other = 0; other < kPositions; ++other) {
      const Fact& it = facts[other];
      if (it.fate == Fate::kNone || other == position) continue;
      if (other < end && position < other + it.cells) broken("two claims of the same cells");
      if (other + view.cells() < end && is_needed(it, other, synced)) {
        broken("a claim of cells that are still needed");
      }
      if (end_of_claims > position + view.cells() && other + it.cells > position + view.cells()) {
        broken("my claim was overtaken before I could publish it");
      }
    }
    end_of_claims = std::max(end_of_claims, end);
    return 0;
  });
  judge_words();
}

void JournalWorld::judge_written(std::uint64_t position, std::uint64_t value) {
  if (value == kEnd) return;
  const Fact& it = fact(position);
  if (it.fate != Fate::kPublishing && it.fate != Fate::kPublished) {
    broken("the log gets what was not published");
  } else if (it.value != value) {
    broken("the log gets another content");
  }
}

void JournalWorld::judge_words() {
  Machine::get().unobserved([&] {
    const journal::JournalHot& hot = view.hot();
    const std::uint64_t drain = hot.drain.load();
    const std::uint64_t synced = std::max(shared.log.synced.load(), shape.start);
    if (has_log() && hot.durable.load() > synced) broken("durable before it is synced");
    if (has_log() && drain > synced) broken("drained before it is synced");
    if (hot.low.load() > drain) broken("called overwritten while the ring alone has it");
    if (drain > closed_at) broken("the drain is behind the end");
    return 0;
  });
}

void JournalWorld::judge_durable(std::uint64_t end) {
  judge_words();
  Machine::get().unobserved([&] {
    if (shared.log.synced.load() < end) broken("told to be durable, and not synced");
    const std::uint64_t records = shared.log.written.load() & 0xffff;
    for (std::uint64_t position = 0; position < end && position < kPositions; ++position) {
      if (facts[position].fate != Fate::kPublished) continue;
      bool is_there = false;
      for (std::uint64_t i = 0; i < records; ++i) {
        is_there |= shared.log.records[i % kRecords].position.load() == position;
      }
      if (!is_there) broken("told to be durable, and the log does not have it");
    }
    return 0;
  });
}

/// A reader gets no record of that position. `before`: what had become of it when he asked.
void JournalWorld::judge_absence(std::uint64_t position, Errc told, Fate before) {
  Machine::get().unobserved([&] {
    switch (told) {
      case Errc::kEmpty:
        if (before == Fate::kPublished) broken("a reader does not find what was published");
        break;
      case Errc::kLapped:
        if (has_log() && before == Fate::kPublished && shared.log.synced.load() <= position) {
          broken("a reader is sent to the log, which does not have it");
        }
        break;
      case Errc::kClosed:
        if (!close_begun) broken("a reader comes to an end that nobody has made");
        break;
      default:
        broken(std::string("a reader is told ") + name(told));
    }
    return 0;
  });
}

/// Whether what a sleeper waits for has come. (Dead wakers do not wake: such sleeps are timed.)
bool JournalWorld::should_wake(const Sleep& sleep) {
  const journal::JournalHot& hot = view.hot();
  const std::uint64_t durable = hot.durable.load();
  if (sleep.word == &hot.settled.sequence) {
    return durable >= sleep.until || hot.failed.load() != 0 ||
           journal::WriterWord{hot.writer.load()}.free();
  }
  using Kind = journal::Stop::Kind;
  if (sleep.word == &hot.work.sequence) {
    const std::uint64_t written = std::max(shared.log.written.load() >> 16, shape.start);
    const Kind kind = journal::look_at(view, written).kind;
    const bool wanted = hot.wanted.load() > durable;
    return kind == Kind::kRecord || (kind == Kind::kEnd) || (wanted && kind == Kind::kVoid) ||
           (wanted && written > durable);
  }
  if (sleep.until == kEnd) {  // for room, without a log
    const Kind kind = journal::look_at(view, hot.drain.load()).kind;
    return kind == Kind::kRecord || kind == Kind::kVoid;
  }
  journal::Seen seen;
  return journal::look(view, sleep.until, seen) != Errc::kEmpty;
}

void JournalWorld::judge_sleepers() {
  if (anybody_died) return;
  for (std::size_t me = 1; me < kParticipants; ++me) {
    const Sleep& sleep = participants[me]->sleep;
    if (sleep.word == nullptr || sleep.word->load() != sleep.seen) continue;
    if (!sleep.in_vain && !should_wake(sleep)) continue;
    broken("participant " + std::to_string(me) + " sleeps on " + describe(sleep.word) +
           ", and nobody wakes it");
  }
}

/// Everything was drained: what is in the log, once and in order.
void JournalWorld::judge_log() {
  const Log& log = shared.log;
  const std::uint64_t records = log.written.load() & 0xffff;
  std::array<int, kPositions> found{};
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::uint64_t position = log.records[i % kRecords].position.load();
    if (position < next) return broken("the log has a record twice, or in front of its time");
    next = position + 1;
    const std::uint64_t value = log.records[i % kRecords].value.load();
    if (value == kEnd && i + 1 != records) return broken("the log has something behind the end");
    if (value != kEnd) ++found[position % kPositions];
    judge_written(position, value);
  }
  for (std::uint64_t position = 0; position < kPositions; ++position) {
    const Fact& it = facts[position];
    if (it.fate == Fate::kPublished && found[position] != 1) {
      broken("a record that was published is not in the log: position " + std::to_string(position));
    }
  }
  if (closed_at != kEnd && (log.written.load() >> 16) != closed_at + 1) {
    broken("the log has no end");
  }
}

/// A lap more, by somebody who knows nothing of before.
void JournalWorld::judge_reuse() {
  for (std::uint64_t i = 0; i <= view.cells(); ++i) {
    const bool claimed = claim(kJudge, 1);
    if (claimed == (closed_at != kEnd)) {
      return broken(claimed ? "the closed journal takes more" : "nothing can be claimed any more");
    }
    if (!claimed) return;
    publish(kJudge);
    if (has_log()) drain(kJudge);
  }
  if (has_log()) judge_log();
}

std::string JournalWorld::check() {
  for (std::size_t me = 1; me < kParticipants; ++me) {
    if (participants[me]->claim && !is_dead(static_cast<int>(me))) publish(static_cast<int>(me));
  }
  judge_sleepers();
  for (std::size_t me = 1; me < kParticipants; ++me) {
    if (participants[me]->has_role && !is_dead(static_cast<int>(me))) die(static_cast<int>(me));
  }
  sweep();
  const journal::JournalHot& hot = view.hot();
  if (is_dead(journal::WriterWord{hot.writer.load()}.index())) broken("the writer is a dead one");
  for (std::uint64_t cell = 0; cell < view.cells(); ++cell) {
    const journal::Descriptor seen{view.descriptor(cell).load()};
    if (seen.state() == journal::CellState::kClaimed && is_dead(seen.owner())) {
      broken("a claim of a dead one is left");
    }
  }
  if (has_failed) {
    if (hot.failed.load() == 0 && !anybody_died) broken("nobody is told that the log has failed");
    return verdict;
  }
  writes_left = kEnd;
  if (has_log()) drain(kJudge);
  journal::Producer producer(view, kJudge);
  std::uint64_t tail = 0;
  if (producer.frontier(tail) != Errc::kOk) broken("the tail cannot be found");
  if (journal::look_at(view, tail).kind == journal::Stop::Kind::kEnd) closed_at = tail;
  if (has_log() && closed_at != kEnd) judge_log();
  judge_reuse();
  judge_words();
  return verdict;
}

}  // namespace ringpost::rig
