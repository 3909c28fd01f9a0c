#include "stream/log_writer_core.hpp"

#include <algorithm>
#include <array>

#include "log/writer.hpp"
#include "sys/futex.hpp"

namespace ringpost::detail {

Result<std::unique_ptr<LogWriterCore>> LogWriterCore::start(StreamCore& stream) {
  auto member = stream.member().another();
  if (!member) return Unexpected(member.error());
  auto control = stream::ControlFile::open(member->me.bus_pointer(), stream.name());
  if (!control) return Unexpected(control.error());
  auto core = StreamCore::open(*member, std::move(*control));
  if (!core) return Unexpected(core.error());
  std::unique_ptr<LogWriterCore> writer(new LogWriterCore(std::move(*core)));
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

LogWriterCore::~LogWriterCore() {
  stopping_.store(1, std::memory_order_seq_cst);
  sys::futex_wake(stopping_, 1);
  if (thread_.joinable()) thread_.join();
}

void LogWriterCore::run() noexcept {
  while (stopping_.load(std::memory_order_acquire) == 0) {
    const Errc code = stream_->begin();
    if (code != Errc::kOk) {
      failure_.store(static_cast<int>(code), std::memory_order_release);
      break;
    }
    open_writers();
    if (!work() && !prepare()) sleep();
  }
  writers_.clear();
}

/// Of every shard that has a journal, as long as there is something to come.
void LogWriterCore::open_writers() {
  const auto& shards = stream_->map().shards();
  writers_.resize(shards.size());
  for (const stream::ShardRecord& record : shards) {
    std::unique_ptr<Writer>& writer = writers_[record.number];
    if (writer == nullptr) {
      const std::uint64_t journal =
          stream_->control().entry(record.number).journal.load(std::memory_order_acquire);
      StreamCore::Shard* shard = nullptr;
      if (journal == 0 || stream_->open_shard(record.number, shard) != Errc::kOk) continue;
      if (shard->journal == nullptr) continue;
      if (record.end && shard->journal->durable() > *record.end) continue;
      writer = std::make_unique<Writer>(*stream_, record.number, *shard);
    } else if (record.end && writer->shard.journal->durable() > *record.end) {
      writer.reset();
    }
  }
}

/// One round over all. Whether anything was done.
bool LogWriterCore::work() noexcept {
  bool any = false;
  Writer* waiting = nullptr;
  for (const auto& writer : writers_) {
    if (writer == nullptr || writer->failed) continue;
    const Errc code = step(*writer);
    if (code == Errc::kOk) {
      any = true;
      writer->rested = false;
      pause_if_due(*writer);
    } else if (code == Errc::kEmpty) {
      if (writer->role.has_under_way()) waiting = writer.get();
    } else if (code != Errc::kBusy && code != Errc::kNoSpace) {
      writer->failed = true;
      failure_.store(static_cast<int>(code), std::memory_order_release);
    }
  }
  if (any || waiting == nullptr) return any;
  return waiting->role.settle(true) == Errc::kOk;
}

Errc LogWriterCore::step(Writer& writer) noexcept {
  journal::DrainRole& role = writer.role;
  if (!role.is_mine()) {
    if (const Errc code = role.take(); code != Errc::kOk) return code;
  }
  if (role.has_under_way()) {
    if (const Errc code = role.settle(false); code != Errc::kOk) return code;
  }
  if (const Errc code = role.submit_once(); code != Errc::kEmpty) return code;
  if (role.has_under_way()) return Errc::kEmpty;  // caught up
  return role.should_flush() ? role.flush() : Errc::kEmpty;
}

/// Once for each segment's worth, since a busy shard never rests.
void LogWriterCore::pause_if_due(Writer& writer) noexcept {
  const log::Writer* const log = writer.log->writer();
  if (log == nullptr || log->end() < writer.pause_at) return;
  const std::uint64_t segment = *stream_->settings().segment_bytes / journal::kCellBytes;
  if (writer.pause_at != 0) writer.role.pause();
  writer.pause_at = log->end() + segment;
}

/// For one of those that rest a little; whether there may be more.
bool LogWriterCore::prepare() noexcept {
  for (const auto& writer : writers_) {
    if (writer == nullptr || writer->failed || !writer->rested || writer->prepared) continue;
    if (!writer->role.is_mine()) continue;
    if (writer->role.prepare_more()) return true;
    writer->prepared = true;
  }
  return false;
}

/// Until there may be something to do for one of them.
void LogWriterCore::sleep() noexcept {
  std::array<sys::FutexAt, sys::kFutexWaitMax> words;
  std::size_t count = 0;
  words[count++] = {&stopping_, 0};
  bool some_wait = false;
  for (const auto& writer : writers_) {
    if (writer == nullptr || writer->failed) continue;
    journal::JournalHot& hot = writer->shard.journal->view().hot();
    shm::WaitWord& word = writer->role.is_mine() ? hot.work : hot.settled;
    const std::uint32_t seen = word.arm();
    if (count < words.size()) {
      words[count++] = {&word.sequence, seen};
    } else {
      some_wait = true;
    }
    if (writer->role.is_mine() && writer->role.has_work()) return;
  }
  constexpr std::uint64_t kShortNs = 1'000'000;
  const std::uint64_t slice = some_wait ? kShortNs : shm::kSleepSliceNs;
  if (!sys::futex_wait_any({words.data(), count}, slice)) {
    sys::futex_wait(stopping_, 0, kShortNs);  // this kernel cannot sleep on several
  }
  for (const auto& writer : writers_) {
    if (writer == nullptr || writer->failed || writer->rested || !writer->role.is_mine()) continue;
    if (writer->role.has_work()) continue;
    writer->rested = true;
    writer->prepared = false;
    writer->role.pause();
  }
}

}  // namespace ringpost::detail
