#include "durable/meta_file.hpp"

#include <cstdlib>
#include <memory>

#include "base/cache_line.hpp"
#include "base/crc32c.hpp"
#include "sys/error.hpp"

namespace ringpost::durable {
namespace {

struct MetaHead {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t crc;    ///< of everything behind this field
  std::uint64_t bytes;  ///< of everything, this head included
};
static_assert(sizeof(MetaHead) == 24);
constexpr std::size_t kCrcBegin = offsetof(MetaHead, bytes);

}  // namespace

MetaWriter::MetaWriter() : bytes_(sizeof(MetaHead)) {}

std::vector<std::byte> MetaWriter::finish(const MetaForm& form) {
  MetaHead head{form.magic, form.format, 0, bytes_.size()};
  std::memcpy(bytes_.data(), &head, sizeof head);
  head.crc = base::crc32c(ByteSpan(bytes_).subspan(kCrcBegin));
  std::memcpy(bytes_.data(), &head, sizeof head);
  return std::move(bytes_);
}

std::optional<MetaParser> MetaParser::begin(const MetaForm& form, ByteSpan bytes) {
  MetaHead head{};
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != form.magic || head.format != form.format) return std::nullopt;
  if (head.bytes < sizeof head || head.bytes > bytes.size()) return std::nullopt;
  bytes = bytes.first(head.bytes);
  if (base::crc32c(bytes.subspan(kCrcBegin)) != head.crc) return std::nullopt;
  return MetaParser(bytes.subspan(sizeof head));
}

ByteSpan MetaParser::take(std::uint64_t count) noexcept {
  if (count > rest_.size()) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  const ByteSpan taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

Result<std::vector<std::byte>> read_meta_file(disk::Directory& directory, const MetaForm& form) {
  auto file = directory.open(form.name);
  if (!file) return Unexpected(file.error());
  if ((*file)->bytes() > form.bytes_max) {
    return sys::error(Errc::kDamaged, directory.path() + "/" + form.name, "it is far too large");
  }
  std::vector<std::byte> bytes((*file)->bytes());
  auto read = (*file)->read(0, bytes);
  if (!read) return Unexpected(read.error());
  bytes.resize(*read);
  return bytes;
}

Result<void> replace_meta_file(disk::Directory& directory, const MetaForm& form, ByteSpan bytes) {
  const std::size_t whole = base::round_up(bytes.size(), disk::kBlockBytes);
  const std::unique_ptr<std::byte, decltype(&std::free)> block(
      static_cast<std::byte*>(std::aligned_alloc(disk::kBlockBytes, whole)), &std::free);
  if (block == nullptr) return sys::error(Errc::kSystem, form.name, "no memory");
  std::memset(block.get(), 0, whole);
  std::memcpy(block.get(), bytes.data(), bytes.size());
  if (auto removed = directory.remove(form.temporary); !removed) return removed;
  auto file = directory.create(form.temporary, whole);
  if (!file) return Unexpected(file.error());
  if (auto done = (*file)->write(0, {block.get(), whole}, disk::Sync::kData); !done) return done;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = directory.rename(form.temporary, form.name); !renamed) return renamed;
  return directory.sync();
}

}  // namespace ringpost::durable
