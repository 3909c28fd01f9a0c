// The calls of a program. What power leaves of them: powercut_cut.cpp.
#include "log/powercut_run.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "log/writer.hpp"

namespace ringpost::log_rig {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

disk::Sync any_sync(rig::Random& random) {
  return random.percent(60) ? disk::Sync::kData : disk::Sync::kNone;
}

}  // namespace

Run::Run(Context& context, sim::Disk& disk, Model model, std::uint64_t seed, unsigned depth)
    : context_(context),
      disk_(disk),
      model_(std::move(model)),
      random_(seed),
      depth_(depth),
      late_one_in_(random_.one_in(2) ? 4 : 60),
      clock_(model_.now_ns),
      options_(context.options) {
  options_.time = base::TimeSource(&clock_);
  options_.new_epoch = [&context] {
    return (++context.epochs) * 0x9e37'79b9'7f4a'7c15u ^ context.seed;
  };
  disk_.on_step = [this](sim::Step step) { on_step(step); };
}

Run::~Run() {
  disk_.on_step = nullptr;
  if (now_.mount != nullptr) now_.mount->kill();
}

void Run::broken(const std::string& what) {
  if (context_.is_over()) return;
  context_.broken = what + "\n  after:" + trace_;
  if (!examining_) context_.broken += "\n  the disk has:" + describe(disk_);
}

void Run::trace(const std::string& what) { trace_ += " " + what; }

// ---- lives of writers ----

/// False: there is no writer now.
bool Run::start() {
  const bool read_fails = random_.one_in(16);
  if (read_fails) disk_.fail(sim::Step::kRead, 1 + static_cast<unsigned>(random_.below(3)), EIO);
  options_.acknowledged_end = depth_ == 0 && random_.one_in(2) ? model_.durable_end : 0;
  if (disk_failed_by_plan() && !failure_is_known_) {  // the writer died before it could say so
    failure_is_known_ = true;
    model_.written_end = model_.durable_end;
  }
  options_.spare_segments = static_cast<std::uint32_t>(random_.below(4));
  if (planned_ == sim::Step::kCountOf && random_.percent(context_.theme.failures_percent / 4)) {
    planned_ = sim::Step::kSync;  // of what its predecessor has left
    disk_.fail(planned_, 1, EIO);
  }
  trace("open");
  now_.mount = disk_.mount();
  recovering_ = true;
  auto opened = log::Writer::open(*now_.mount, options_);
  recovering_ = false;
  const bool has_read = !read_fails || !disk_.has_failed(sim::Step::kRead);
  disk_.fail(sim::Step::kRead, 0, 0, 0);
  if (context_.is_over() || !now_.mount->is_alive()) return false;
  if (!opened) {
    if (!has_read && opened.error().sys_errno == EIO) {
      context_.tally.note(Rare::kFailedRead);
    } else if (opened.error().code == Errc::kNoSpace && full_) {
      context_.tally.note(Rare::kRefused);
      fill_or_free();
    } else if (disk_failed_by_plan()) {
      note_failure();
    } else {
      broken(std::string("recovery refuses: ") + opened.error().what);
    }
    return false;
  }
  now_.writer = std::move(*opened);
  failed_ = false;
  adopt();
  return !context_.is_over();
}

/// A writer has found the end of the log. Its predecessor's records behind it are still in the
/// ring, and are added once more.
void Run::adopt() {
  const std::uint64_t end = now_.writer->end();
  broken_if(judge_end(model_, end, std::max(model_.written_end, model_.durable_end)));
  if (depth_ > 0 && end != found_end_ && !has_adopted_) {
    broken("recovery of the same image ends at " + std::to_string(found_end_) + ", then at " +
           std::to_string(end));
  }
  has_adopted_ = true;
  const log::Progress& progress = now_.writer->progress();
  if (progress.durable_end < model_.durable_end && progress.durable_end < end) {
    // What was safe for one writer is safe for the next, though it may not know.
    trace("(safe below " + std::to_string(progress.durable_end) + " only)");
  }
  if (now_.writer->seen_end() > end) context_.tally.note(Rare::kDiscardedTail);
  if (end > model_.durable_end) context_.tally.note(Rare::kUnsafeTail);
  model_.added = model_.index_of(end);
  model_.next = std::max(model_.next, end);
  model_.written_end = end;
  model_.durable_end = std::max(model_.durable_end, progress.durable_end);
  if (progress.durable_end > end || progress.written_end > end) {
    broken("a new writer says that more is written than there is");
  }
  const Look seen = look(*now_.mount, model_, end);
  broken_if(seen.broken);
}

void Run::die() {
  trace("die");
  if (disk_.late_writes() > 0 && random_.one_in(2)) disk_.land_late_writes();
  now_.mount->kill();
  now_.writer.reset();
  if (random_.one_in(3)) disk_.land_late_writes();
}

/// Everything that was submitted is done, nothing is gathered. False: the log has failed.
bool Run::let_go() {
  if (now_.writer->gathered_records() > 0) submit();
  while (!context_.is_over() && now_.mount->is_alive() && !failed_ && !now_.writer->is_idle()) {
    take(now_.writer->reap(true));
  }
  return !context_.is_over() && now_.mount->is_alive() && !failed_ && now_.writer->is_idle();
}

void Run::hand_over() {
  if (!let_go()) return;
  log::WriterState state = now_.writer->state();
  if (context_.is_over() || !now_.mount->is_alive()) return;
  if (state.check == 0) return judge(Errc::kLogFailed, "state", false);
  take(now_.writer->progress());
  const bool spoilt = random_.one_in(10);
  trace(spoilt ? "hand-over-spoilt" : "hand-over");
  if (spoilt) {
    reinterpret_cast<std::uint64_t*>(&state)[random_.below(sizeof state / 8)] ^=
        std::uint64_t{1} << random_.below(64);
  }
  std::swap(now_, before_);
  bool taken = false;
  if (now_.writer != nullptr && random_.one_in(2)) {
    taken = now_.writer->resume(state).has_value();
  } else {
    now_ = {};
    now_.mount = disk_.mount();
    auto resumed = log::Writer::resume(*now_.mount, options_, state);
    taken = resumed.has_value();
    if (taken) now_.writer = std::move(*resumed);
  }
  if (context_.is_over()) return;
  if (spoilt == taken && now_.mount->is_alive() && !disk_failed_by_plan()) {
    broken(spoilt ? "a state that is not whole was taken for one" : "a good state was refused");
    return;
  }
  context_.tally.note(taken ? Rare::kHandedOver : Rare::kHandOverRefused);
  if (!taken) {
    before_ = {};
    now_.writer.reset();
    return;
  }
  if (now_.writer->end() != before_.writer->end()) broken("the end moved with a hand-over");
}

// ---- calls ----

EntryPointer Run::next_entry() {
  if (model_.added < model_.entries.size()) return model_.entries[model_.added];
  const std::size_t limit = log::record_bytes_max(options_.segment_bytes);
  std::size_t bytes = 64 + random_.below(700);
  if (random_.one_in(10)) bytes = std::min(limit, 64 + random_.below(12'000));
  if (random_.one_in(60)) bytes = limit;
  const std::uint64_t gap = random_.one_in(8) ? random_.below(100) : 0;
  const std::int64_t arrival =
      static_cast<std::int64_t>(clock_.wall_ns()) -
      (random_.one_in(8) ? static_cast<std::int64_t>(random_.below(kSecond)) : 0);
  return make_entry(model_.next + gap, arrival, bytes, random_);
}

/// Positions that the batch covers: behind its last record there may be some without one.
std::uint64_t Run::end_of_batch() {
  std::uint64_t end = std::max(now_.writer->end(), gathered_end_);
  const bool is_last = model_.added == model_.entries.size();
  const std::uint64_t limit = is_last ? UINT64_MAX : model_.entries[model_.added]->position;
  if (random_.one_in(8)) end = std::min(limit, end + random_.below(50));
  model_.offer(end);
  if (is_last) model_.next = std::max(model_.next, end);
  return end;
}

bool Run::add_one() {
  EntryPointer entry = next_entry();
  if (!now_.writer->fits(entry->bytes.size())) {
    submit();
    if (!is_well()) return false;
    entry = next_entry();
  }
  const bool is_new = model_.added == model_.entries.size();
  const Errc code = now_.writer->add(entry->position, entry->bytes);
  if (code == Errc::kOk) {
    if (is_new) model_.entries.push_back(entry);
    ++model_.added;
    model_.next = std::max(model_.next, entry->end());
    gathered_end_ = entry->end();
    return is_well();
  }
  judge(code, "add", true);
  return false;
}

void Run::append() {
  trace("append");
  for (std::uint64_t left = 1 + random_.below(4); left > 0; --left) {
    if (!add_one()) return;
  }
  if (random_.one_in(2)) submit();
}

void Run::submit() {
  const disk::Sync sync = any_sync(random_);
  const std::uint64_t end = end_of_batch();
  trace((sync == disk::Sync::kData ? "submit-safe-" : "submit-") + std::to_string(end));
  const bool had_records = now_.writer->gathered_records() > 0;
  const Errc code = now_.writer->submit(sync, end);
  judge(code, "submit", !had_records);
  take(now_.writer->progress());
}

void Run::write_now() {
  if (now_.writer->gathered_records() == 0 && !add_one()) return;
  const disk::Sync sync = any_sync(random_);
  const std::uint64_t end = end_of_batch();
  trace((sync == disk::Sync::kData ? "write-safe-" : "write-") + std::to_string(end));
  const Errc code = now_.writer->write_now(sync, end);
  judge(code, "write_now", false);
  if (!is_well()) return;
  take(now_.writer->progress());
  if (code != Errc::kOk) return;
  if (model_.written_end < end) broken("write_now() returned, and it is not written");
  if (sync == disk::Sync::kData && model_.durable_end < end) {
    broken("a safe write_now() returned, and it is not safe");
  }
}

void Run::reap() {
  const bool wait = random_.one_in(2);
  trace(wait ? "wait" : "reap");
  take(now_.writer->reap(wait));
}

void Run::flush() {
  trace("flush");
  const std::uint64_t end = now_.writer->end();
  const Errc code = now_.writer->flush();
  judge(code, "flush", false);
  if (!is_well()) return;
  take(now_.writer->progress());
  if (code == Errc::kOk && model_.durable_end < end) broken("flush() returned, and it is not safe");
}

void Run::mark_durable() {
  if (now_.writer->gathered_records() > 0) return;
  trace("mark");
  judge(now_.writer->mark_durable(), "mark_durable", true);
  take(now_.writer->progress());
}

void Run::prepare() {
  trace("prepare");
  const Errc before = now_.writer->space();
  const Errc code = now_.writer->prepare();
  if (!is_failed_housekeeping(code)) judge(code, "prepare", true);
  if (before == Errc::kNoSpace && code == Errc::kOk) context_.tally.note(Rare::kHealed);
}

void Run::drop() {
  log::Retention retention;
  const std::int64_t back = static_cast<std::int64_t>(random_.below(20)) * kSecond;
  retention.oldest_ns = static_cast<std::int64_t>(clock_.wall_ns()) - back;
  if (random_.one_in(2)) retention.bytes_max = options_.segment_bytes * (1 + random_.below(4));
  trace("drop");
  const auto old = std::find_if(
      model_.entries.begin(), model_.entries.end(),
      [&](const EntryPointer& entry) { return entry->arrival_ns >= retention.oldest_ns; });
  const std::uint64_t by_time = old == model_.entries.end() ? now_.writer->end() : (*old)->position;
  const std::uint64_t before = model_.may_drop_to;
  model_.may_drop_to = std::max(before, retention.bytes_max == 0 ? by_time : now_.writer->end());
  const auto first = now_.writer->drop_expired(retention);
  if (!is_well()) return;
  if (!first) {
    const Errc code = first.error().code;
    if (!is_failed_housekeeping(code)) judge(code, "drop_expired", true);
    return;
  }
  if (*first > model_.may_drop_to) broken("more was dropped than may go");
  if (*first > before) context_.tally.note(Rare::kDropped);
  model_.may_drop_to = std::max(before, *first);
}

void Run::new_reader() {
  readers_mount_ = disk_.mount();
  auto opened = log::Reader::open(*readers_mount_);
  if (!opened) {
    broken(std::string("a reader does not open: ") + opened.error().what);
    return;
  }
  reader_ = std::move(*opened);
  const auto first = reader_->first();
  if (!first) {
    broken(std::string("a reader finds no beginning: ") + first.error().what);
    return;
  }
  read_to_ = model_.index_of(*first);
  reader_is_new_ = true;
}

/// A reader that has read nothing yet begins where the log does by then.
void Run::skip_what_was_dropped(std::uint64_t position) {
  const std::size_t i = model_.index_of(position);
  if (i > read_to_ && i <= model_.index_of(model_.may_drop_to)) read_to_ = i;
}

/// Beside the writer, up to what it has said to be written.
void Run::read() {
  trace("read");
  if (reader_ == nullptr || random_.one_in(8)) new_reader();
  while (!context_.is_over()) {
    const auto record = reader_->next(model_.written_end);
    if (record) {
      if (reader_is_new_) skip_what_was_dropped(record->header.position);
      reader_is_new_ = false;
      if (read_to_ >= model_.index_of(model_.written_end)) {
        broken("the reader gives a record too many");
        return;
      }
      broken_if(difference(*record, *model_.entries[read_to_++]));
    } else if (record.error() == Errc::kLapped) {
      context_.tally.note(Rare::kLapped);
      reader_is_new_ = false;
      if (reader_->gap().to > model_.may_drop_to) broken("the reader passes over what is there");
      read_to_ = std::max(read_to_, model_.index_of(reader_->gap().to));
    } else if (record.error() == Errc::kEmpty) {
      if (reader_is_new_) skip_what_was_dropped(model_.written_end);
      // More than that it may have read from a writer that has failed since.
      if (read_to_ < model_.index_of(model_.written_end)) {
        broken("the reader does not give position " +
               std::to_string(model_.entries[read_to_]->position));
      }
      return;
    } else {
      broken(std::string("the reader says ") + name(record.error()) + " at " +
             std::to_string(reader_->position()));
    }
  }
}

void Run::pass() { clock_.advance(std::chrono::milliseconds(random_.below(8000))); }

void Run::fill_or_free() {
  full_ = !full_;
  trace(full_ ? "full" : "room");
  if (!full_) {
    disk_.set_capacity(std::uint64_t{1} << 40);
    return;
  }
  std::uint64_t used = 0;
  for (const std::string& file : disk_.names()) used += disk_.bytes(file);
  disk_.set_capacity(used + random_.below(2) * options_.segment_bytes);
}

// ---- what a call has said ----

bool Run::is_well() const { return !context_.is_over() && !failed_ && now_.mount->is_alive(); }

bool Run::disk_failed_by_plan() const {
  return planned_ != sim::Step::kCountOf && disk_.has_failed(planned_);
}

void Run::broken_if(const std::string& what) {
  if (!what.empty()) broken(what);
}

void Run::take(const log::Progress& progress) {
  if (context_.is_over() || !now_.mount->is_alive()) return;
  if (progress.durable_end > progress.written_end || progress.written_end > now_.writer->end()) {
    broken("more is safe than written, or more written than submitted");
  }
  if (progress.written_end < model_.written_end && !failed_) broken("written_end goes back");
  if (failed_ && progress.durable_end > model_.durable_end) {
    broken("a log that has failed acknowledges more");
  }
  if (progress.failed != Errc::kOk) {
    if (progress.failed != Errc::kLogFailed) broken("failed is not kLogFailed");
    if (!failed_) note_failure();
  } else if (failed_) {
    broken("a log that has failed has healed");
  }
  if (failed_) return;
  if (progress.durable_end > model_.durable_end) {
    trace("(safe below " + std::to_string(progress.durable_end) + ")");
  }
  model_.written_end = std::max(model_.written_end, progress.written_end);
  model_.durable_end = std::max(model_.durable_end, progress.durable_end);
}

/// Any call but drop_expired() and readers'.
void Run::judge(Errc code, const char* what, bool may_lack_space) {
  if (context_.is_over() || !now_.mount->is_alive()) return;
  if (failed_) {
    if (code != Errc::kLogFailed) {
      broken(std::string(what) + "() of a log that has failed says " + name(code));
    }
    return;
  }
  if (code == Errc::kOk) return;
  if (code == Errc::kNoSpace && may_lack_space && full_) {
    context_.tally.note(Rare::kRefused);
    return;
  }
  if (code == Errc::kLogFailed && disk_failed_by_plan()) {
    note_failure();
    return;
  }
  broken(std::string(what) + "() says " + name(code));
}

/// Files that are not of the log's present could not be changed: the log itself goes on.
bool Run::is_failed_housekeeping(Errc code) {
  const bool is_it = code == Errc::kSystem && !failed_ && disk_failed_by_plan();
  if (is_it) context_.tally.note(Rare::kFailedNames);
  if (is_it && now_.writer->progress().failed != Errc::kOk) note_failure();
  return is_it;
}

/// The disk has failed, as planned: what is not safe by now may be lost.
void Run::note_failure() {
  if (!disk_failed_by_plan()) {
    broken("the log has failed, the disk has not");
    return;
  }
  trace("(failed)");
  failed_ = failure_is_known_ = true;
  if (now_.writer != nullptr) {  // it may have gone on until then, within the same call
    model_.durable_end = std::max(model_.durable_end, now_.writer->progress().durable_end);
  }
  model_.written_end = model_.durable_end;
  switch (planned_) {
    case sim::Step::kWrite:
    case sim::Step::kSubmit:
      return context_.tally.note(Rare::kFailedWrite);
    case sim::Step::kSync:
      return context_.tally.note(Rare::kFailedSync);
    default:
      return context_.tally.note(Rare::kFailedNames);
  }
}

void Run::plan_failure() {
  static constexpr sim::Step kSteps[] = {
      sim::Step::kWrite,     sim::Step::kWrite,    sim::Step::kSync,   sim::Step::kSync,
      sim::Step::kSubmit,    sim::Step::kCreate,   sim::Step::kRename, sim::Step::kRemove,
      sim::Step::kSyncNames, sim::Step::kSyncNames};
  planned_ = random_.one_of(kSteps);
  disk_.fail(planned_, 1 + static_cast<unsigned>(random_.below(12)), EIO);
}

void Run::call() {
  if (now_.writer == nullptr || !now_.mount->is_alive()) {
    now_.writer.reset();
    gathered_end_ = 0;
    if (failed_) context_.tally.note(Rare::kGoneOnAfterFailure);
    start();
    return;
  }
  const Theme& theme = context_.theme;
  if (random_.one_in(failed_ ? 5 : 20) && (theme.deaths || failed_)) return die();
  if (theme.retention && random_.one_in(12)) return random_.one_in(3) ? read() : drop();
  const std::uint64_t dice = random_.below(100);
  if (dice < 30) return append();
  if (dice < 42) return submit();
  if (dice < 50) return write_now();
  if (dice < 62) return reap();
  if (dice < 68) return flush();
  if (dice < 71) return mark_durable();
  if (dice < 74) return prepare();
  if (dice < 80) return pass();
  if (dice < 88) return read();
  if (dice < 93) return theme.hand_over ? hand_over() : submit();
  return theme.full_disk ? fill_or_free() : reap();
}

void Run::go(unsigned calls) {
  if (random_.percent(context_.theme.failures_percent)) plan_failure();
  for (unsigned i = 0; i < calls && !context_.is_over(); ++i) {
    call();
    if (!disk_.breach().empty()) broken("the contract of disk.hpp: " + disk_.breach());
  }
}

}  // namespace ringpost::log_rig
