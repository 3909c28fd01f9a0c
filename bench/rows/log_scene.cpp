#include "rows/log_scene.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "disk/open.hpp"

namespace ringpost::bench {
namespace {

constexpr std::string_view kKey = "partition";

}  // namespace

LogScene::LogScene(std::size_t data_bytes, const log::LogOptions& options) : options_(options) {
  directory_ = disk::open_directory(place_.path().string()).value();
  record_bytes_ = sizeof(log::RecordHeader) + kKey.size() + data_bytes;
  records_ = log::Buffer::huge(kRecords * record_bytes_);
  log::RecordHeader header{};
  header.bytes = static_cast<std::uint32_t>(record_bytes_);
  header.data_bytes = static_cast<std::uint32_t>(data_bytes);
  header.key_bytes = static_cast<std::uint16_t>(kKey.size());
  header.kind = log::RecordKind::kStream;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    const std::span<std::byte> record = record_of(i);
    std::memcpy(record.data(), &header, sizeof header);
    std::memcpy(record.data() + sizeof header, kKey.data(), kKey.size());
    fill_payload(record.last(data_bytes), id_of(i), Check::kEveryByte);
  }
  reopen();
}

ByteSpan LogScene::next_record() noexcept {
  const std::span<std::byte> record = record_of(count_);
  const std::int64_t arrival = arrival_of(count_);
  std::memcpy(record.data() + offsetof(log::RecordHeader, position), &position_, 8);
  std::memcpy(record.data() + offsetof(log::RecordHeader, arrival_ns), &arrival, 8);
  return record;
}

void LogScene::require(Errc code) {
  if (code != Errc::kOk) throw std::runtime_error(std::string("the log: ") + message(code));
}

void LogScene::finish(disk::Sync sync) {
  submit(sync);
  while (writer_->has_under_way()) require(writer_->reap(true).failed);
  if (sync == disk::Sync::kData && writer_->progress().durable_end != position_) {
    throw std::runtime_error("not durable to its end");
  }
}

void LogScene::reopen() {
  writer_.reset();
  writer_ = log::Writer::open(*directory_, options_).value();
  require(writer_->prepare());
}

void LogScene::tidy_up(std::uint64_t bytes_max) {
  (void)writer_->drop_expired({.bytes_max = bytes_max}).value();
  require(writer_->prepare());
  cool_cache();
}

void LogScene::cool_cache() const {
  for (const auto& entry : std::filesystem::directory_iterator(path())) {
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    (void)::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
  }
}

void LogScene::warm_cache() const {
  std::vector<char> memory(1 << 20);
  for (const auto& entry : std::filesystem::directory_iterator(path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    while (file.read(memory.data(), static_cast<std::streamsize>(memory.size()))) {
    }
  }
}

bool LogScene::verify(std::uint64_t position, std::uint64_t first) {
  auto reader = log::Reader::open(*directory_).value();
  reader->seek(position);
  const std::size_t data_bytes = record_bytes_ - sizeof(log::RecordHeader) - kKey.size();
  Tally tally;
  std::uint64_t number = first;
  while (auto record = reader->next(position_)) {
    if (tally.add(record->data(), data_bytes, Check::kEveryByte) != id_of(number)) return false;
    if (record->key() != kKey) return false;
    ++number;
  }
  return number == count_ && tally.corrupted == 0 && reader->position() == position_;
}

}  // namespace ringpost::bench
