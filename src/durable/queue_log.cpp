#include "durable/queue_log.hpp"

#include <algorithm>

#include "log/names.hpp"
#include "sys/error.hpp"

namespace ringpost::durable {
namespace {

constexpr std::uint64_t kSoonNs = 5'000'000'000;
constexpr std::size_t kOwedMax = 1u << 16;

}  // namespace

Result<std::shared_ptr<journal::JournalFile>> QueueLog::make_journal(
    const shm::Participant& creator, std::uint64_t start) {
  return journal::JournalFile::create(
      creator, {.cells_log2 = kCellsLog2, .start = start, .number = journal::kOfQueue});
}

Result<std::unique_ptr<QueueLog>> QueueLog::open(Home& home, const shm::Participant& me,
                                                 const std::string& queue, std::uint64_t journal,
                                                 std::uint64_t segment_bytes,
                                                 std::function<void()> clear_up) {
  auto file = journal::JournalFile::open(me.bus(), journal);
  if (!file) return Unexpected(file.error());
  if ((*file)->number() != journal::kOfQueue) {
    return sys::error(Errc::kCorrupt, "queue \"" + queue + "\"", "its journal is another's");
  }
  std::unique_ptr<QueueLog> log(new QueueLog(me, queue, std::move(clear_up)));
  auto directory = home.log(queue);
  if (!directory) return Unexpected(directory.error());
  log->directory_ = std::move(*directory);
  log->segment_bytes_ = segment_bytes;
  log->start_ = (*file)->start();
  log->journal_ = std::make_unique<journal::Journal>(
      std::move(*file), me, log->alive_, log->make_port(1));  // whoever waits writes one by one
  return log;
}

std::unique_ptr<journal::SegmentLog> QueueLog::make_port(std::uint32_t in_flight) const {
  log::LogOptions options;
  options.segment_bytes = segment_bytes_;
  options.in_flight = in_flight;
  options.first_position = start_;
  options.time = me_.bus().time();
  return std::make_unique<journal::SegmentLog>(*directory_, options);
}

std::uint64_t QueueLog::memory_bytes() const noexcept {
  return journal::JournalGeometry::of(kCellsLog2).file_bytes;
}

std::uint64_t QueueLog::disk_bytes() noexcept {
  const auto files = log::list_files(*directory_);
  return files ? (files->segments.size() + files->spares.size()) * segment_bytes_ : 0;
}

std::uint64_t QueueLog::deadline_ns(Duration wait) const noexcept {
  if (wait == kForever) return ~std::uint64_t{0};
  const auto wait_ns = static_cast<std::uint64_t>(std::max(wait, Duration::zero()).count());
  return me_.bus().time().precise_ns() + std::max(wait_ns, kSoonNs);
}

Errc QueueLog::claim(std::size_t bytes, std::uint64_t deadline_ns, journal::Claim& into) noexcept {
  for (;;) {
    const Errc code = journal_->producer().claim(bytes, into);
    if (code != Errc::kFull) return code;
    if (const Errc why = journal_->wait_room(bytes, deadline_ns); why != Errc::kOk) return why;
  }
}

void QueueLog::publish(const journal::Claim& claim) noexcept {
  journal_->producer().publish(claim);
  last_ = has_last_ ? std::max(last_, claim.position) : claim.position;
  has_last_ = true;
  written_bytes_ += claim.bytes.size();
}

template <class Write>
Errc QueueLog::append(std::size_t bytes, std::uint64_t deadline_ns, Write&& write) noexcept {
  journal::Claim record;
  if (const Errc code = claim(bytes, deadline_ns, record); code != Errc::kOk) return code;
  write(stamp(record), record.bytes);
  publish(record);
  return Errc::kOk;
}

Errc QueueLog::send(const Message& message, std::uint64_t deadline_ns) noexcept {
  return append(send_bytes(message.content_bytes()), deadline_ns,
                [&](const Stamp& stamp, auto into) { write_send(message, stamp, into); });
}

Errc QueueLog::remove(const MessageId& id, std::uint64_t deadline_ns) noexcept {
  return append(kDeleteBytes, deadline_ns,
                [&](const Stamp& stamp, auto into) { write_delete(id, stamp, into); });
}

Errc QueueLog::mark(Kind kind, const Mark& mark) noexcept {
  return append(kMarkBytes, deadline_ns({}),
                [&](const Stamp& stamp, auto into) { write_mark(kind, mark, stamp, into); });
}

Errc QueueLog::voided(const MessageId& id, std::uint64_t deadline_ns) noexcept {
  return append(kDeleteBytes, deadline_ns,
                [&](const Stamp& stamp, auto into) { write_void(id, stamp, into); });
}

Errc QueueLog::known(const KnownId& id, std::uint64_t deadline_ns) noexcept {
  return append(kKnownIdBytes, deadline_ns,
                [&](const Stamp& stamp, auto into) { write_known_id(id, stamp, into); });
}

void QueueLog::removed(const MessageId& id) noexcept {
  if (!owed_.empty()) pay_debts();
  if (owed_.empty() && remove(id, 0) == Errc::kOk) return;
  if (owed_.size() < kOwedMax) owed_.push_back(id);
}

void QueueLog::pay_debts() noexcept {
  std::size_t paid = 0;
  while (paid < owed_.size() && remove(owed_[paid], 0) == Errc::kOk) ++paid;
  owed_.erase(owed_.begin(), owed_.begin() + static_cast<std::ptrdiff_t>(paid));
}

void QueueLog::received(const Received& what) noexcept {
  static_cast<void>(append(kReceivedBytes, 0, [&](const Stamp& stamp, auto into) {
    write_received(what, stamp, into);
  }));
}

void QueueLog::include_others() noexcept {
  std::uint64_t end = 0;
  if (journal_->producer().frontier(end) != Errc::kOk || end == 0) return;
  last_ = has_last_ ? std::max(last_, end - 1) : end - 1;
  has_last_ = true;
}

Errc QueueLog::wait_durable(std::uint64_t deadline_ns) noexcept {
  return has_last_ ? journal_->wait_durable(last_, deadline_ns) : Errc::kOk;
}

Result<std::optional<RecoveredLog>> QueueLog::recover() {
  if (state() == Errc::kOk) return std::optional<RecoveredLog>();
  const auto port = make_port(1);
  auto recovered = journal::recover_failed(journal_->view(), me_.creator_word(), alive_, *port,
                                           "queue \"" + queue_ + "\"");
  if (!recovered) return Unexpected(recovered.error());
  return std::optional(*recovered);
}

void QueueLog::drain() noexcept {
  if (!owed_.empty()) pay_debts();
  std::uint64_t end = 0;
  if (journal_->producer().frontier(end) != Errc::kOk || end == 0) return;
  if (journal_->durable() >= end) return;
  static_cast<void>(journal_->wait_durable(end - 1, 0));
}

}  // namespace ringpost::durable
