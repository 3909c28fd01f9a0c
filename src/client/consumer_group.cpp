// Consumer: what include/ringpost/consumer_group.hpp promises, over stream/consumer_core.hpp.
#include "ringpost/consumer_group.hpp"

#include "client/consumer_core.hpp"
#include "sys/error.hpp"

namespace ringpost {
namespace {

struct Group {
  Stream stream;
  stream::LeaseTable table;
  std::vector<ShardInfo> shards;
};

Result<Group> open_group(Bus& bus, std::string_view stream, std::string_view group) {
  if (!stream::is_valid_group(group)) {
    return sys::error(Errc::kInvalidArgument,
                      "consumer group \"" + std::string(group.substr(0, 80)) + "\"",
                      "use 1 to 128 of A-Z a-z 0-9 _ . -");
  }
  auto opened = bus.open_stream(stream);
  if (!opened) return Unexpected(opened.error());
  auto table = stream::LeaseTable::open_existing(client::Member::of(bus).me(), opened->id(),
                                                 std::string(group));
  if (!table) return Unexpected(table.error());
  auto shards = opened->shards();
  if (!shards) return Unexpected(shards.error());
  return Group{std::move(*opened), std::move(*table), std::move(*shards)};
}

/// Null: the group does not know the shard.
stream::LeaseRow* row_of(Group& group, std::uint32_t shard) {
  const auto row = group.table.row(shard);
  return row && !(*row)->read().is_unknown() ? *row : nullptr;
}

LeaseInfo shown(const shm::BusFiles& bus, const ShardInfo& shard, const stream::LeaseRow& row) {
  const stream::LeaseWord word = row.read();
  LeaseInfo info;
  info.shard = shard.number;
  info.finished = word.is_finished();
  if (!info.finished) info.from = stream::from_checkpoint(shard, word.checkpoint());
  info.counter = word.counter();
  info.participant = word.owner().index();
  info.owner_lives = stream::is_alive(bus, word.owner());
  if (info.owner_lives) {
    const shm::ParticipantRecord& owner = bus.participant(info.participant);
    info.pid = owner.pid;
    info.command.assign(owner.command, ::strnlen(owner.command, sizeof owner.command));
  }
  info.switches = row.switches.load(std::memory_order_relaxed);
  const std::uint64_t when = row.checkpoint_wall_ns.load(std::memory_order_relaxed);
  info.checkpoint_time = WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(when))));
  return info;
}

}  // namespace

Consumer::Consumer() noexcept = default;
Consumer::Consumer(std::unique_ptr<detail::ConsumerCore> core) noexcept : core_(std::move(core)) {}
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&&) noexcept = default;
Consumer::~Consumer() = default;

Result<Consumer> Consumer::open(const Bus& bus, std::string_view stream, std::string_view group,
                                const ConsumerOptions& options) {
  auto core = detail::ConsumerCore::open(bus, stream, group, options);
  if (!core) return Unexpected(core.error());
  return Consumer(std::move(*core));
}

Result<std::optional<Delivery>> Consumer::poll(Duration wait) { return core_->poll(wait); }
void Consumer::renew() { core_->renew(); }
Result<void> Consumer::checkpoint(std::uint32_t shard, const SequenceNumber& sequence) {
  return core_->checkpoint(shard, sequence);
}
Result<void> Consumer::checkpoint(const Delivery& delivery) { return core_->checkpoint(delivery); }
Result<void> Consumer::run(const Handler& handler, std::stop_token stop) {
  return core_->run(handler, stop);
}
void Consumer::stop() noexcept { core_->stop(); }
std::vector<std::uint32_t> Consumer::shards() const { return core_->shards(); }
const std::string& Consumer::group() const noexcept { return core_->group(); }
Stream& Consumer::stream() noexcept { return core_->stream(); }

Result<std::vector<LeaseInfo>> Consumer::leases(Bus& bus, std::string_view stream,
                                                std::string_view group) {
  auto opened = open_group(bus, stream, group);
  if (!opened) return Unexpected(opened.error());
  std::vector<LeaseInfo> all;
  for (const ShardInfo& shard : opened->shards) {
    const stream::LeaseRow* const row = row_of(*opened, shard.number);
    if (row != nullptr) all.push_back(shown(client::Member::of(bus).files(), shard, *row));
  }
  return all;
}

Result<std::vector<std::string>> Consumer::groups(Bus& bus, std::string_view stream) {
  auto opened = bus.open_stream(stream);
  if (!opened) return Unexpected(opened.error());
  return stream::group_names(client::Member::of(bus).files(), opened->id());
}

Result<void> Consumer::remove(Bus& bus, std::string_view stream, std::string_view group) {
  auto opened = open_group(bus, stream, group);
  if (!opened) return Unexpected(opened.error());
  const shm::BusFiles& files = client::Member::of(bus).files();
  for (const ShardInfo& shard : opened->shards) {
    const stream::LeaseRow* const row = row_of(*opened, shard.number);
    if (row == nullptr || !stream::is_alive(files, row->read().owner())) continue;
    return sys::error(Errc::kBusy, "consumer group \"" + std::string(group) + "\"",
                      "a consumer of it is at work: stop it first");
  }
  // The disk first: what is there would come back.
  auto directory = stream::open_state(bus, opened->stream);
  if (!directory) return Unexpected(directory.error());
  if (*directory != nullptr) {
    auto removed = stream::CheckpointFile::remove(**directory, std::string(group));
    if (!removed) return removed;
  }
  stream::remove_groups(files, opened->stream.id(), group);
  return {};
}

}  // namespace ringpost
