#include "ringpost/queue.hpp"

#include "client/queue_logs.hpp"
#include "queue/queue_core.hpp"
#include "queue/settings.hpp"
#include "queue/tags.hpp"
#include "sys/error.hpp"

namespace ringpost {
namespace {

Result<void> check(detail::QueueCore& core) {
  const Errc code = core.usable();
  if (code == Errc::kOk) return {};
  return sys::error(code, "queue \"" + core.mapping().name() + "\"", message(code));
}

}  // namespace

Queue::Queue() noexcept = default;
Queue::Queue(Queue&&) noexcept = default;
Queue& Queue::operator=(Queue&&) noexcept = default;
Queue::~Queue() = default;
Queue::Queue(std::unique_ptr<detail::QueueCore> core) noexcept : core_(std::move(core)) {}

Result<MessageId, Errc> Queue::send(ByteSpan body, const SendOptions& options) noexcept {
  return core_->send(body, options);
}
Result<std::size_t, Errc> Queue::send_batch(std::span<const OutMessage> messages,
                                            const SendOptions& options) noexcept {
  return core_->send_batch(messages, options);
}
Result<Loan, Errc> Queue::loan(std::size_t bytes) noexcept { return core_->loan(bytes); }
Result<MessageId, Errc> Queue::send(Loan&& loan, const SendOptions& options) noexcept {
  return core_->send(std::move(loan), options);
}

Result<Leases, Errc> Queue::receive(const ReceiveOptions& options) noexcept {
  Result<Leases, Errc> result{Leases{}};
  const Errc code = core_->receive(*result, options);
  if (code != Errc::kOk) return Unexpected(code);
  return result;
}
Errc Queue::receive(Leases& into, const ReceiveOptions& options) noexcept {
  return core_->receive(into, options);
}

Errc Queue::acknowledge(const Receipt& receipt) noexcept { return core_->acknowledge(receipt); }
Errc Queue::release(const Receipt& receipt, Duration delay) noexcept {
  return core_->release(receipt, delay, true);
}
Errc Queue::extend(const Receipt& receipt, Duration timeout) noexcept {
  return core_->extend(receipt, timeout);
}

void Queue::set_waiting(Waiting waiting) noexcept { core_->set_waiting(waiting); }
const std::string& Queue::name() const noexcept { return core_->mapping().name(); }
QueueSettings Queue::settings() const { return queue::load_settings(core_->header()); }
Result<void> Queue::set(const QueueSettings& changes) { return core_->set(changes); }
Result<Tags> Queue::tags() const {
  if (auto usable = check(*core_); !usable) return Unexpected(usable.error());
  return queue::read_tags(core_->mapping());
}
Result<void> Queue::set_tags(const Tags& tags) {
  if (auto usable = check(*core_); !usable) return usable;
  return core_->change_tags([&](Tags& all) {
    for (const auto& [key, value] : tags) all[key] = value;
  });
}
Result<void> Queue::remove_tags(std::span<const std::string> keys) {
  if (auto usable = check(*core_); !usable) return usable;
  return core_->change_tags([&](Tags& all) {
    for (const std::string& key : keys) all.erase(key);
  });
}
Result<std::uint64_t> Queue::purge() { return core_->purge(); }
QueueStats Queue::stats() const { return core_->stats(); }
Result<LogWriter> Queue::writer(const LogWriterOptions& options) {
  if (auto usable = check(*core_); !usable) return Unexpected(usable.error());
  auto& member = static_cast<client::Member&>(core_->membership().housekeeper);
  auto own = client::Member::attach(member.context_pointer());
  if (!own) return Unexpected(own.error());
  auto logs = client::QueueLogs::open(**own, name(),
                                      static_cast<std::uint64_t>(options.flush_after.count()));
  if (!logs) return Unexpected(logs.error());
  return LogWriter(detail::LogWriterCore::start(std::move(*logs)));
}
Result<std::optional<RecoveredLog>> Queue::recover_log() {
  if (auto usable = check(*core_); !usable) return Unexpected(usable.error());
  if (core_->log() == nullptr) {
    return sys::error(Errc::kInvalidArgument, "queue \"" + name() + "\"", "it has no log");
  }
  return core_->log()->recover();
}
std::vector<PeekedMessage> Queue::peek(std::size_t count) const { return core_->peek(count); }

}  // namespace ringpost
