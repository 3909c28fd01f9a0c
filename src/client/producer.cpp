// Producer: its thread, and what include/ringpost/producer.hpp promises.
#include "ringpost/producer.hpp"

#include <thread>

#include "client/member.hpp"
#include "client/producer_core.hpp"
#include "sys/futex.hpp"

namespace ringpost {
namespace detail {
namespace {

constexpr std::uint64_t kSleepMaxNs = 100'000'000;

class StreamSink final : public RecordSink {
 public:
  StreamSink(Bus bus, Stream stream) : bus_(std::move(bus)), stream_(std::move(stream)) {}
  std::uint32_t shard_of(const HashKey& key) override {
    return stream_.shard_of(key).value_or(0);  // what is wrong the put will say
  }
  Result<std::vector<Result<Put, Errc>>> put_batch(std::span<const PutEntry> entries,
                                                   const PutOptions& options) override {
    return stream_.put_batch(entries, options);
  }
  Errc wait_durable(std::span<const Put> puts, Duration wait) noexcept override {
    return stream_.wait_durable(puts, wait);
  }
  [[nodiscard]] Durability durability() override { return *stream_.settings().durability; }
  [[nodiscard]] client::Member& member() { return client::Member::of(bus_); }

 private:
  Bus bus_;
  Stream stream_;
};

}  // namespace

class ProducerThread {
 public:
  ProducerThread(Bus bus, Stream stream, const ProducerOptions& options)
      : sink_(std::move(bus), std::move(stream)),
        core_(sink_, options, sink_.member().files().time()),
        thread_([this] { run(); }) {}
  ~ProducerThread() {
    if (is_forked()) {
      thread_.detach();  // there is none in the child
    } else {
      close();
    }
  }
  void close() {
    core_.close();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] ProducerCore& core() noexcept { return core_; }
  [[nodiscard]] bool is_forked() noexcept { return sink_.member().me().is_forked(); }
  static Ticket make_ticket(std::shared_ptr<TicketState> state) { return Ticket(std::move(state)); }

 private:
  void run() {
    while (!core_.is_done()) {
      const std::uint32_t seen = core_.work().now();
      const std::uint64_t next = core_.step();
      const std::uint64_t now = core_.time().precise_ns();
      if (next > now && !core_.is_done()) {
        core_.work().sleep(seen, std::min(next - now, kSleepMaxNs));
      }
    }
  }
  StreamSink sink_;
  ProducerCore core_;
  std::thread thread_;
};

}  // namespace detail

Ticket::Ticket() noexcept = default;
Ticket::Ticket(std::shared_ptr<detail::TicketState> state) noexcept : state_(std::move(state)) {}
Ticket::Ticket(Ticket&&) noexcept = default;
Ticket& Ticket::operator=(Ticket&&) noexcept = default;
Ticket::~Ticket() = default;

std::optional<Outcome> Ticket::get(Duration wait) const noexcept {
  const base::TimeSource time;
  const std::uint64_t begin = time.precise_ns();
  while (state_->done.load(std::memory_order_acquire) == 0) {
    const std::uint64_t waited = time.precise_ns() - begin;
    const auto longest = static_cast<std::uint64_t>(std::max(wait, Duration::zero()).count());
    if (waited >= longest) return std::nullopt;
    sys::futex_wait(state_->done, 0, longest - waited);
  }
  return state_->outcome;
}

Producer::Producer() noexcept = default;
Producer::Producer(std::unique_ptr<detail::ProducerThread> thread) noexcept
    : thread_(std::move(thread)) {}
Producer::Producer(Producer&&) noexcept = default;
Producer& Producer::operator=(Producer&&) noexcept = default;
Producer::~Producer() = default;

Result<Producer> Producer::open(const Bus& bus, std::string_view stream,
                                const ProducerOptions& options) {
  if (auto checked = detail::ProducerCore::check(options); !checked) {
    return Unexpected(checked.error());
  }
  auto mine = bus.clone();
  if (!mine) return Unexpected(mine.error());
  auto opened = mine->open_stream(stream);
  if (!opened) return Unexpected(opened.error());
  return Producer(
      std::make_unique<detail::ProducerThread>(std::move(*mine), std::move(*opened), options));
}

Errc Producer::put(std::string_view key, ByteSpan data, const ProducerPut& options,
                   OnOutcome on_outcome) {
  if (thread_->is_forked()) return Errc::kForked;
  return thread_->core().put(key, data, options, std::move(on_outcome), nullptr);
}

Result<Ticket, Errc> Producer::submit(std::string_view key, ByteSpan data,
                                      const ProducerPut& options) {
  if (thread_->is_forked()) return Unexpected(Errc::kForked);
  auto state = std::make_shared<detail::TicketState>();
  const Errc code = thread_->core().put(key, data, options, {}, state);
  if (code != Errc::kOk) return Unexpected(code);
  return detail::ProducerThread::make_ticket(std::move(state));
}

Errc Producer::flush(Duration wait) {
  return thread_->is_forked() ? Errc::kForked : thread_->core().flush(wait);
}
void Producer::close() {
  if (!thread_->is_forked()) thread_->close();
}
ProducerStats Producer::stats() const { return thread_->core().stats(); }

std::vector<UserRecord> unpack(const StreamRecord& record, const ShardInfo* shard) {
  const auto packed = stream::unpack(record.data);
  if (!packed) return {{record.key, record.explicit_hash_key, record.data, 0}};
  std::vector<UserRecord> records;
  records.reserve(packed->size());
  for (std::size_t i = 0; i < packed->size(); ++i) {
    const stream::SubRecord& each = (*packed)[i];
    const HashKey hash_key =
        each.explicit_hash_key ? *each.explicit_hash_key : HashKey::of(each.key);
    if (shard != nullptr && (hash_key < shard->first || shard->last < hash_key)) continue;
    records.push_back({each.key, each.explicit_hash_key, each.data, i});
  }
  return records;
}

}  // namespace ringpost
