#include "support/log_stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace ringpost::test {
namespace {

std::string text_of(const log::RecordView& record) {
  std::string data(record.data().size(), '\0');
  std::memcpy(data.data(), record.data().data(), data.size());
  const std::string position = std::to_string(record.header.position);
  return data.starts_with(position + " ") && record.key() == "key" ? position : position + " bad";
}

}  // namespace

std::vector<std::byte> make_record(std::uint64_t position, std::int64_t arrival_ns,
                                   std::string_view key, std::string_view data) {
  log::RecordHeader header{};
  header.bytes = static_cast<std::uint32_t>(sizeof header + key.size() + data.size());
  header.position = position;
  header.arrival_ns = arrival_ns;
  header.data_bytes = static_cast<std::uint32_t>(data.size());
  header.key_bytes = static_cast<std::uint16_t>(key.size());
  header.kind = log::RecordKind::kStream;
  std::vector<std::byte> record(header.bytes);
  std::memcpy(record.data(), &header, sizeof header);
  std::memcpy(record.data() + sizeof header, key.data(), key.size());
  std::memcpy(record.data() + sizeof header + key.size(), data.data(), data.size());
  return record;
}

LogStage::LogStage() {
  options.log_id = 77;
  options.segment_bytes = kSegmentBytes;
  options.spare_segments = 0;
  options.in_flight = 4;
  options.batch_bytes_max = 16 * 1024;
  options.time = base::TimeSource(&clock);
  options.new_epoch = [this] { return ++epochs_; };
}

std::unique_ptr<log::Writer> LogStage::open() {
  auto writer = log::Writer::open(directory, options);
  if (!writer) {
    ADD_FAILURE() << writer.error().what;
    throw Exception(writer.error());
  }
  next_position_ = std::max(next_position_, (*writer)->end());
  return std::move(*writer);
}

Errc LogStage::code_of_open() {
  auto writer = log::Writer::open(directory, options);
  return writer ? Errc::kOk : writer.error().code;
}

std::unique_ptr<log::Reader> LogStage::reader() {
  return log::Reader::open(directory, options.log_id).value();
}

Errc LogStage::add(log::Writer& writer, std::size_t data_bytes) {
  std::string data = std::to_string(next_position_) + " ";
  data.resize(std::max(data.size(), data_bytes), 'x');
  const auto record =
      make_record(next_position_, static_cast<std::int64_t>(clock.wall_ns()), "key", data);
  const Errc added = writer.add(next_position_, record);
  if (added == Errc::kOk) next_position_ += log::cells_of(record.size());
  return added;
}

void LogStage::put(log::Writer& writer, unsigned records, std::size_t data_bytes) {
  for (unsigned i = 0; i < records; ++i) {
    ASSERT_EQ(add(writer, data_bytes), Errc::kOk);
    ASSERT_EQ(writer.submit(disk::Sync::kData, next_position_), Errc::kOk);
  }
  ASSERT_EQ(writer.flush(), Errc::kOk);
  ASSERT_EQ(writer.progress().durable_end, next_position_);
}

std::vector<std::string> LogStage::read_all(std::uint64_t bound) {
  return read_all(*reader(), bound);
}

std::vector<std::string> LogStage::read_all(log::Reader& reader, std::uint64_t bound) {
  std::vector<std::string> found;
  for (;;) {
    const auto record = reader.next(bound);
    const std::string gap =
        std::to_string(reader.gap().from) + ".." + std::to_string(reader.gap().to);
    if (record) {
      found.push_back(text_of(*record));
    } else if (record.error() == Errc::kLapped) {
      found.push_back("lapped " + gap);
    } else if (record.error() == Errc::kDamaged) {
      found.push_back("damaged " + gap);
      reader.skip();
    } else {
      if (record.error() != Errc::kEmpty) found.push_back(name(record.error()));
      return found;
    }
  }
}

std::string LogStage::last_segment() {
  return log::segment_name(log::list_files(directory).value().segments.back());
}

}  // namespace ringpost::test
