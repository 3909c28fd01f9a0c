// What consumers stand on, as far as they use it, without a stream: the shards and records of the
// world, its rows as the table of leases, its bytes as the disk.
#include <cstring>

#include "rig/lease_world.hpp"
#include "sys/error.hpp"

namespace ringpost {
namespace rig {
namespace {

LeaseWorld& world() { return *LeaseWorld::active; }

class DiskFile final : public disk::File {
 public:
  [[nodiscard]] std::uint64_t bytes() const noexcept override { return world().disk.size(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into, disk::Read) override {
    static_cast<void>(world().disk_word.load());
    std::memcpy(into.data(), world().disk.data() + offset, into.size());
    return into.size();
  }
  /// May end in the middle: a block that is torn.
  Result<void> write(std::uint64_t offset, ByteSpan bytes, disk::Sync) override {
    const std::size_t half = bytes.size() / 2;
    world().disk_word.fetch_add(1);
    std::memcpy(world().disk.data() + offset, bytes.data(), 64);
    std::memset(world().disk.data() + offset + 64, 0xa5, bytes.size() - 64);
    world().disk_word.fetch_add(1);
    std::memcpy(world().disk.data() + offset, bytes.data(), half);
    std::memcpy(world().disk.data() + offset + half, bytes.data() + half, half);
    return {};
  }
  Result<void> sync() override { return {}; }
};

class DiskDirectory final : public disk::Directory {
 public:
  [[nodiscard]] const std::string& path() const noexcept override { return path_; }
  Result<std::vector<std::string>> names() override { return std::vector<std::string>{}; }
  Result<std::unique_ptr<disk::File>> open(const std::string& name) override {
    static_cast<void>(world().disk_word.load());
    if (!world().has_file) return sys::error(Errc::kNotFound, name, "is not there");
    return std::unique_ptr<disk::File>(new DiskFile);
  }
  Result<std::unique_ptr<disk::File>> create(const std::string& name, std::uint64_t) override {
    world().disk_word.fetch_add(1);
    if (world().has_file) return sys::error(Errc::kExists, name, "is there");
    world().has_file = true;
    return open(name);
  }
  Result<void> rename(const std::string&, const std::string&) override { return {}; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<void> sync() override { return {}; }
  Result<std::unique_ptr<disk::WriteQueue>> make_queue(unsigned) override {
    return sys::error(Errc::kUnsupported, path_, "is not needed");
  }
  Result<std::uint64_t> free_bytes() override { return 0; }

 private:
  std::string path_ = "disk";
};

SequenceNumber number_of(std::uint32_t shard, std::uint64_t position) {
  return {LeaseWorld::kCreated, shard, position, 0};
}

}  // namespace

std::vector<ShardInfo> LeaseWorld::listed() {
  std::vector<ShardInfo> all;
  const auto is_gone = [this](int number) {
    return has_forgotten && rows[static_cast<std::size_t>(number)].read().is_finished();
  };
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    const Shard& shard = shards[number];
    if (is_gone(static_cast<int>(number))) continue;
    ShardInfo info;
    info.number = number;
    info.start = number_of(number, 0);
    if (!shard.open) info.end = number_of(number, shard.records + 1);
    const auto parent = [&](int of) {
      return of < 0 || is_gone(of) ? std::nullopt : std::optional(static_cast<std::uint32_t>(of));
    };
    info.parent = parent(shard.parent);
    info.adjacent_parent = parent(shard.adjacent);
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace rig

// ---- streams

namespace detail {

class StreamCore {};

/// Reads the records of the world.
class ShardReaderCore {
 public:
  std::uint32_t shard = 0;
  std::uint64_t next = 1;

  Result<Records> read(const ReadOptions& options) {
    const rig::LeaseWorld::Shard& its = rig::world().shards[shard];
    Records records;
    for (; next <= its.records && records.size() < options.limit; ++next) {
      records.records_.push_back({.sequence = rig::number_of(shard, next)});
    }
    records.at_end_ = !its.open && next > its.records;
    return records;
  }
};

}  // namespace detail

Stream::Stream() noexcept = default;
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;
std::uint64_t Stream::id() const noexcept { return rig::LeaseWorld::kStreamId; }
const std::string& Stream::name() const noexcept {
  static const std::string text = "s";
  return text;
}
Result<std::vector<ShardInfo>> Stream::shards(const ShardFilter&) { return rig::world().listed(); }
Result<ShardReader> Stream::reader(std::uint32_t shard, const From& from, std::optional<Follow>) {
  auto core = std::make_unique<detail::ShardReaderCore>();
  core->shard = shard;
  switch (from.kind) {
    case From::Kind::kLatest:
      core->next = rig::world().shards[shard].records + 1;
      break;
    case From::Kind::kAt:
      core->next = from.sequence.position;
      break;
    case From::Kind::kAfter:
      core->next = from.sequence.position + 1;
      break;
    default:
      break;
  }
  return ShardReader(std::move(core));
}

ShardReader::ShardReader() noexcept = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;
ShardReader& ShardReader::operator=(ShardReader&&) noexcept = default;
ShardReader::~ShardReader() = default;
ShardReader::ShardReader(std::unique_ptr<detail::ShardReaderCore> core) noexcept
    : core_(std::move(core)) {}
Result<Records> ShardReader::read(const ReadOptions& options) { return core_->read(options); }
SequenceNumber ShardReader::position() const noexcept {
  return rig::number_of(core_->shard, core_->next);
}
Errc ShardReader::wait_any(std::span<ShardReader* const>, Duration) noexcept {
  return Errc::kTimedOut;
}

Result<Stream> Bus::open_stream(std::string_view) { return Stream(); }

// ---- the table of leases, and the disk

namespace stream {

bool is_valid_group(std::string_view) noexcept { return true; }
Result<LeaseTable> LeaseTable::open(const shm::Participant& me, std::uint64_t stream_id,
                                    const std::string& group) {
  return LeaseTable(me, stream_id, group);
}
Result<LeaseRow*> LeaseTable::row(std::uint32_t shard) { return row_if_made(shard); }
LeaseRow* LeaseTable::row_if_made(std::uint32_t shard) noexcept {
  return &rig::world().rows[shard];
}

Result<std::unique_ptr<disk::Directory>> open_state(Bus&, Stream&) {
  return std::unique_ptr<disk::Directory>(new rig::DiskDirectory);
}

}  // namespace stream
}  // namespace ringpost
