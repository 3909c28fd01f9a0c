#include "log/sample_log.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace ringpost::log_rig {
namespace {

void check(Errc code) {
  if (code != Errc::kOk) throw std::runtime_error(std::string("sample log: ") + message(code));
}

/// All of it is whole: no checks.
SampleSegment dissect(const sim::Disk& disk, const std::string& name) {
  const std::vector<std::byte> file = disk.content(name);
  const auto at = [&]<class T>(std::uint64_t offset, T value) {
    std::memcpy(&value, &file[offset], sizeof value);
    return value;
  };
  SampleSegment segment;
  segment.name = name;
  const auto header = at(0, log::SegmentHeader{});
  segment.base = header.base_position;
  segment.counts.resize(file.size());
  const auto count = [&](std::uint64_t offset, std::uint64_t bytes) {
    std::fill_n(segment.counts.begin() + static_cast<std::ptrdiff_t>(offset), bytes, true);
  };
  // The header is there twice: one flip in it does no harm.
  for (std::uint64_t offset = log::kDataOffset; offset < log::index_offset(file.size());) {
    const auto batch = at(offset, log::BatchHeader{});
    if (batch.magic != log::kBatchMagic || batch.epoch != header.epoch) break;
    count(offset, sizeof batch);
    std::uint64_t place = offset + sizeof batch;
    for (std::uint32_t i = 0; i < batch.records; ++i) {
      const auto record = at(place, log::RecordHeader{});
      count(place, record.bytes);
      place += log::padded(record.bytes);
    }
    const std::uint64_t bytes = log::batch_bytes(batch.record_bytes);
    segment.batches.push_back({offset, bytes, batch.base_position, batch.end_position});
    offset += bytes;
  }
  return segment;
}

std::size_t segments_of(const sim::Disk& disk) {
  const std::vector<std::string> names = disk.names();
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [](const auto& name) { return name.ends_with(".segment"); }));
}

}  // namespace

const Batch* SampleSegment::batch_at(std::uint64_t offset) const {
  for (const Batch& batch : batches) {
    if (offset >= batch.offset && offset < batch.offset + batch.bytes) return &batch;
  }
  return nullptr;
}

SampleLog make_sample_log(std::uint64_t seed, std::uint64_t segment_bytes,
                          std::size_t full_segments, std::size_t record_bytes_max,
                          std::uint64_t life) {
  rig::Random random(seed);
  SampleLog sample;
  sample.disk = std::make_unique<sim::Disk>(random.next());
  sample.options.segment_bytes = segment_bytes;
  sample.options.batch_bytes_max = 8192;
  sample.options.spare_segments = 1;
  sample.options.log_id = random.next() | 1;
  sample.options.new_epoch = [state = rig::Random(seed + life + 1)]() mutable {
    return state.next() | 1;
  };
  const auto mount = sample.disk->mount();
  auto writer = log::Writer::open(*mount, sample.options).value();
  Model& model = sample.model;
  const auto write = [&] {
    model.offer(model.next);
    check(writer->write_now(disk::Sync::kData, model.next));
  };
  const auto add = [&] {
    const std::size_t bytes = 64 + random.below(record_bytes_max - 63);
    const auto entry = make_entry(
        model.next, 1'000'000 * static_cast<std::int64_t>(model.entries.size()), bytes, random);
    if (!writer->fits(bytes)) write();
    check(writer->add(entry->position, entry->bytes));
    model.entries.push_back(entry);
    model.next = entry->end();
  };
  while (segments_of(*sample.disk) <= full_segments) add();
  for (std::uint64_t left = segment_bytes / 2 / record_bytes_max + 3; left > 0; --left) add();
  write();
  check(writer->mark_durable());
  model.durable_end = model.written_end = writer->end();
  for (const std::string& name : sample.disk->names()) {
    if (name.ends_with(".segment")) sample.segments.push_back(dissect(*sample.disk, name));
  }
  return sample;
}

void splice(sim::Disk& into, const std::string& file, const sim::Disk& from,
            const std::string& other, std::uint64_t offset, std::uint64_t bytes) {
  std::vector<std::byte> content = into.content(file);
  const std::vector<std::byte> source = from.content(other);
  std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(offset), bytes,
              content.begin() + static_cast<std::ptrdiff_t>(offset));
  into.put(file, content);
}

Reading read_damaged(disk::Directory& directory, const Model& model, std::uint64_t from,
                     std::uint64_t end) {
  Reading reading;
  auto opened = log::Reader::open(directory);
  if (!opened) {
    reading.has_reported = true;
    return reading;
  }
  log::Reader& reader = **opened;
  reader.seek(from);
  std::size_t i = model.index_of(from);
  const std::size_t stop = model.index_of(end);
  // Each turn gives a record or passes a gap: a bound, so that nothing goes round for ever.
  for (std::size_t turns = 0; turns < 4 * (stop - i) + 1000; ++turns) {
    const auto record = reader.next(end);
    if (record) {
      ++reading.records;
      const std::size_t place = model.index_of(record->header.position);
      if (place < i || place >= stop) {
        reading.wrong = "a record that was not there, or was given already";
      } else if (place != i) {
        reading.wrong = "a record is missing, and nobody says so";
      } else {
        reading.wrong = difference(*record, *model.entries[place]);
      }
      if (!reading.wrong.empty()) return reading;
      ++i;
      continue;
    }
    if (record.error() == Errc::kEmpty) {
      if (i != stop) reading.wrong = "records are missing at the end, and nobody says so";
      return reading;
    }
    reading.has_reported = true;
    if (record.error() != Errc::kDamaged && record.error() != Errc::kLapped) {
      reading.wrong = std::string("the reader says ") + name(record.error());
      return reading;
    }
    const log::Gap gap = reader.gap();
    const std::size_t begin = model.index_of(gap.from);
    const std::size_t to = std::min(stop, model.index_of(gap.to));
    // A gap may begin within a record that was given: what counts is what it does not cover.
    if (begin > i) {
      reading.wrong = "a gap begins behind a record that is missing";
      return reading;
    }
    reading.reported += to > i ? to - i : 0;
    i = std::max(i, to);
    if (record.error() == Errc::kDamaged) reader.skip();
  }
  reading.wrong = "the reader does not come to an end";
  return reading;
}

}  // namespace ringpost::log_rig
