#include "client/queue_log_writer.hpp"

#include "sys/error.hpp"

namespace ringpost::client {
namespace {

constexpr std::uint32_t kInFlight = 4;

}  // namespace

Result<std::unique_ptr<QueueLogWriter>> QueueLogWriter::start(Member& member,
                                                              const std::string& queue) {
  auto another = Member::attach(member.context_pointer());
  if (!another) return Unexpected(another.error());
  auto mapping = member.context().queues.open(queue);
  if (!mapping) return Unexpected(mapping.error());
  if ((*mapping)->journal() == 0) {
    return sys::error(Errc::kInvalidArgument, "queue \"" + queue + "\"", "it has no log");
  }
  auto core = detail::QueueCore::open((*another)->membership(), std::move(*mapping));
  if (!core) return Unexpected(core.error());
  std::unique_ptr<QueueLogWriter> writer(new QueueLogWriter(std::move(*core)));
  writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  return writer;
}

QueueLogWriter::QueueLogWriter(std::unique_ptr<detail::QueueCore> queue)
    : queue_(std::move(queue)),
      log_(queue_->log()->make_port(kInFlight)),
      writer_(queue_->log()->journal().view(), queue_->membership().me.creator_word(),
              queue_->log()->alive(), *log_) {}

QueueLogWriter::~QueueLogWriter() {
  writer_.stop();
  if (thread_.joinable()) thread_.join();
}

void QueueLogWriter::run() noexcept {
  const Errc code = writer_.run([this] { return queue_->usable(); });
  writer_.release();
  failure_.store(static_cast<int>(code), std::memory_order_release);
}

}  // namespace ringpost::client
