#include "stream/checkpoint_file.hpp"

#include <algorithm>
#include <cstring>

#include "base/crc32c.hpp"
#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

constexpr char kPrefix[] = "consumers-";
constexpr std::uint64_t kFileBytes = disk::kBlockBytes * (1 + 2 * std::uint64_t{kShardsInFile});

/// As the disk wants it.
struct alignas(disk::kBlockBytes) Block {
  std::byte bytes[disk::kBlockBytes] = {};
  [[nodiscard]] bool is_empty() const noexcept {
    return std::all_of(std::begin(bytes), std::end(bytes),
                       [](std::byte b) { return b == std::byte{}; });
  }
};

template <class Head>
Head head_of(const Block& block) noexcept {
  Head head;
  std::memcpy(&head, block.bytes, sizeof head);
  return head;
}

/// Puts the head into the block, with its crc.
template <class Head>
void seal(Block& block, Head head) noexcept {
  head.crc = 0;
  std::memcpy(block.bytes, &head, sizeof head);
  head.crc = base::crc32c(block.bytes);
  std::memcpy(block.bytes, &head, sizeof head);
}

template <class Head>
bool is_whole(const Block& given) noexcept {
  Block block = given;
  auto head = head_of<Head>(block);
  if (head.magic != kCheckpointMagic) return false;
  const std::uint32_t crc = head.crc;
  head.crc = 0;
  std::memcpy(block.bytes, &head, sizeof head);
  return base::crc32c(block.bytes) == crc;
}

bool is_known(std::uint8_t kind) noexcept {
  return kind != static_cast<std::uint8_t>(CheckpointKind::kNone) &&
         kind <= static_cast<std::uint8_t>(CheckpointKind::kEnd);
}

std::uint64_t place_of(std::uint32_t shard, unsigned slot) noexcept {
  return disk::kBlockBytes * (1 + 2 * std::uint64_t{shard % kShardsInFile} + slot);
}

Result<void> read_block(disk::File& file, std::uint64_t offset, Block& block) {
  const auto read = file.read(offset, block.bytes);
  if (!read) return Unexpected(read.error());
  if (*read != sizeof block.bytes) block = {};
  return {};
}

}  // namespace

std::string CheckpointFile::name_of(std::uint32_t file) const {
  return kPrefix + std::to_string(file) + "-" + group_;
}

/// Null: it is not there, and was not to be made.
Result<CheckpointFile::Open*> CheckpointFile::open(std::uint32_t number, bool create) {
  if (files_.size() <= number) files_.resize(number + 1);
  Open& entry = files_[number];
  if (entry.file != nullptr) return &entry;
  auto file = directory_.open(name_of(number));
  if (!file && file.error() == Errc::kNotFound) {
    if (!create) return nullptr;
    file = directory_.create(name_of(number), kFileBytes);
    if (!file && file.error() == Errc::kExists) file = directory_.open(name_of(number));
    if (file) {
      if (auto synced = directory_.sync(); !synced) return Unexpected(synced.error());
    }
  }
  if (!file) return Unexpected(file.error());
  if (auto checked = check_header(**file, number, create); !checked) {
    return Unexpected(checked.error());
  }
  entry.file = std::move(*file);
  return &entry;
}

/// An empty one is of somebody who died before he wrote it, or is about to: the same bytes.
Result<void> CheckpointFile::check_header(disk::File& file, std::uint32_t number, bool create) {
  Block block;
  if (auto read = read_block(file, 0, block); !read) return read;
  if (is_whole<CheckpointFileHeader>(block)) {
    const auto head = head_of<CheckpointFileHeader>(block);
    if (head.format > kCheckpointFormat) {
      return sys::error(Errc::kNewerFormat, name_of(number), "was written by a newer version");
    }
    if (head.stream_id == stream_id_ && head.first_shard == number * kShardsInFile) return {};
    return sys::error(Errc::kCorrupt, name_of(number), "is of another stream");
  }
  if (!create) return {};
  if (file.bytes() < kFileBytes) {
    return sys::error(Errc::kCorrupt, name_of(number), "is shorter than it must be");
  }
  Block fresh;
  CheckpointFileHeader head{};
  head.magic = kCheckpointMagic;
  head.format = kCheckpointFormat;
  head.stream_id = stream_id_;
  head.first_shard = number * kShardsInFile;
  head.group_bytes = static_cast<std::uint32_t>(group_.size());
  std::memcpy(head.group, group_.data(), std::min(group_.size(), sizeof head.group));
  seal(fresh, head);
  return file.write(0, fresh.bytes, disk::Sync::kData);
}

Result<std::optional<Checkpoint>> CheckpointFile::read(std::uint32_t shard) {
  const auto opened = open(shard / kShardsInFile, false);
  if (!opened) return Unexpected(opened.error());
  if (*opened == nullptr) return std::optional<Checkpoint>{};
  Newest& newest = (*opened)->newest[shard % kShardsInFile];
  newest = {};
  std::optional<Checkpoint> found;
  unsigned damaged = 0;
  for (const unsigned slot : {0u, 1u}) {
    Block block;
    if (auto read = read_block(*(*opened)->file, place_of(shard, slot), block); !read) {
      return Unexpected(read.error());
    }
    const auto head = head_of<CheckpointSlot>(block);
    if (!is_whole<CheckpointSlot>(block) || head.shard != shard || !is_known(head.kind)) {
      if (!block.is_empty()) ++damaged;
      continue;
    }
    if (found && head.number <= newest.number) continue;
    newest = {head.number, slot};
    found = Checkpoint{static_cast<CheckpointKind>(head.kind), head.position};
  }
  if (damaged == 2) found = Checkpoint{CheckpointKind::kTrimHorizon, 0};
  return found;
}

Result<void> CheckpointFile::write(std::uint32_t shard, Checkpoint checkpoint,
                                   std::uint64_t wall_ns) {
  const auto opened = open(shard / kShardsInFile, true);
  if (!opened) return Unexpected(opened.error());
  Newest& newest = (*opened)->newest[shard % kShardsInFile];
  const Newest next{newest.number + 1, 1 - newest.slot};
  Block block;
  CheckpointSlot head{};
  head.magic = kCheckpointMagic;
  head.shard = shard;
  head.number = next.number;
  head.position = checkpoint.position;
  head.wall_ns = wall_ns;
  head.kind = static_cast<std::uint8_t>(checkpoint.kind);
  seal(block, head);
  const auto written =
      (*opened)->file->write(place_of(shard, next.slot), block.bytes, disk::Sync::kData);
  if (written) newest = next;
  return written;
}

Result<void> CheckpointFile::remove(disk::Directory& directory, const std::string& group) {
  const auto names = directory.names();
  if (!names) return Unexpected(names.error());
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix)) continue;
    const std::size_t end = name.find('-', sizeof kPrefix - 1);
    if (end == std::string::npos || name.substr(end + 1) != group) continue;
    if (auto removed = directory.remove(name); !removed) return removed;
  }
  return directory.sync();
}

}  // namespace ringpost::stream
