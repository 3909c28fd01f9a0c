#include "log/anatomy.hpp"

#include <cstdio>
#include <cstring>
#include <vector>

#include "log/format.hpp"

namespace ringpost::log_rig {
namespace {

template <class T>
T at(const std::vector<std::byte>& file, std::uint64_t offset) {
  T value;
  std::memcpy(&value, &file[offset], sizeof value);
  return value;
}

ByteSpan behind_sum(const std::vector<std::byte>& file, std::uint64_t offset, std::size_t bytes) {
  return ByteSpan(file).subspan(offset + sizeof(std::uint32_t), bytes - sizeof(std::uint32_t));
}

/// One segment, walked batch by batch.
class Segment {
 public:
  explicit Segment(std::vector<std::byte> file) : file_(std::move(file)) {
    if (file_.size() < log::kSegmentBytesMin) return;
    header_ = at<log::SegmentHeader>(file_, 0);
    whole_ = header_.magic == log::kSegmentMagic && header_.segment_bytes == file_.size();
    if (!whole_) return;
    seed_ = log::seed_of(header_.epoch);
    data_end_ = log::index_offset(file_.size());
    stop_ = log::kDataOffset;
    while (stop_ < data_end_ && is_batch(stop_)) stop_ += bytes_of(stop_);
  }

  [[nodiscard]] bool is_whole() const { return whole_; }
  [[nodiscard]] bool is_empty() const { return stop_ == log::kDataOffset; }
  [[nodiscard]] bool is_sealed() const {
    const auto footer = at<log::SegmentFooter>(file_, log::footer_offset(file_.size()));
    return footer.magic == log::kFooterMagic && footer.epoch == header_.epoch;
  }

  [[nodiscard]] std::string to_string() const {
    if (!whole_) return "no segment, " + std::to_string(file_.size()) + " bytes";
    std::string text = "epoch " + std::to_string(header_.epoch % 10'000) + ", base " +
                       std::to_string(header_.base_position) + ", safe below " +
                       std::to_string(header_.durable_end) + (is_sealed() ? ", sealed" : "");
    for (std::uint64_t i = log::kDataOffset; i < data_end_; i += disk::kBlockBytes) {
      if (!is_header(i)) continue;
      const auto batch = at<log::BatchHeader>(file_, i);
      text += " · " + std::to_string(i / disk::kBlockBytes) + (is_batch(i) ? ": " : " torn: ") +
              std::to_string(batch.base_position) + "-" + std::to_string(batch.end_position) +
              " (safe below " + std::to_string(batch.durable_end) + ")";
    }
    return text;
  }

  void note_tail(Tally& tally) const {
    if (stop_ >= data_end_) return;
    const auto next = at<log::BatchHeader>(file_, stop_);
    if (next.epoch == header_.epoch) {
      tally.note(is_header(stop_) ? Rare::kTornRecords : Rare::kTornHeader);
    } else if (next.magic == log::kBatchMagic) {
      tally.note(Rare::kRecycledTail);
    }
    for (std::uint64_t i = stop_ + disk::kBlockBytes; i < data_end_; i += disk::kBlockBytes) {
      if (!is_batch(i)) continue;
      tally.note(Rare::kBatchBehindHole);
      return;
    }
  }

 private:
  [[nodiscard]] bool is_header(std::uint64_t offset) const {
    const auto batch = at<log::BatchHeader>(file_, offset);
    return batch.magic == log::kBatchMagic && batch.epoch == header_.epoch &&
           batch.crc == base::crc32c(behind_sum(file_, offset, sizeof batch), seed_);
  }
  [[nodiscard]] std::uint64_t bytes_of(std::uint64_t offset) const {
    return log::batch_bytes(at<log::BatchHeader>(file_, offset).record_bytes);
  }
  [[nodiscard]] bool is_batch(std::uint64_t offset) const {
    if (!is_header(offset)) return false;
    const auto batch = at<log::BatchHeader>(file_, offset);
    if (bytes_of(offset) > data_end_ - offset) return false;
    std::uint64_t place = offset + sizeof batch;
    for (std::uint32_t i = 0; i < batch.records; ++i) {
      const auto record = at<log::RecordHeader>(file_, place);
      if (record.bytes < sizeof record || record.bytes > offset + bytes_of(offset) - place) {
        return false;
      }
      if (record.crc != base::crc32c(behind_sum(file_, place, record.bytes), seed_)) return false;
      place += log::padded(record.bytes);
    }
    return true;
  }

  std::vector<std::byte> file_;
  log::SegmentHeader header_{};
  bool whole_ = false;
  std::uint32_t seed_ = 0;
  std::uint64_t data_end_ = 0;
  std::uint64_t stop_ = 0;
};

}  // namespace

const char* name(Rare state) noexcept {
  static constexpr const char* kNames[] = {"no file",
                                           "empty segment",
                                           "torn header",
                                           "torn records",
                                           "batch behind a hole",
                                           "recycled tail",
                                           "no footer",
                                           "footer",
                                           "short spare",
                                           "discarded tail",
                                           "unsafe tail",
                                           "cut in recovery",
                                           "cut after recovery",
                                           "late write",
                                           "killed in a call",
                                           "handed over",
                                           "hand-over refused",
                                           "dropped by retention",
                                           "lapped reader",
                                           "refused for space",
                                           "space again",
                                           "failed write",
                                           "failed sync",
                                           "failed names",
                                           "failed read",
                                           "gone on after a failure"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Rare::kCountOf));
  return kNames[static_cast<std::size_t>(state)];
}

std::string Tally::never() const {
  std::string all;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (states[i] == 0) all += std::string(all.empty() ? "" : ", ") + name(static_cast<Rare>(i));
  }
  return all;
}

void Tally::print() const {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("note: %llu images of %llu programs, %llu records given back\n", number(cuts.images),
              number(programs), number(records));
  std::printf(
      "note: blocks kept %llu, lost %llu, torn %llu, later without earlier %llu; names "
      "kept %llu, lost %llu; lengths lost %llu\n",
      number(cuts.blocks_kept), number(cuts.blocks_lost), number(cuts.blocks_torn),
      number(cuts.later_without_earlier), number(cuts.names_kept), number(cuts.names_lost),
      number(cuts.lengths_lost));
  for (std::size_t i = 0; i < states.size(); ++i) {
    std::printf("note: %s: %llu\n", name(static_cast<Rare>(i)), number(states[i]));
  }
}

std::string describe(const sim::Disk& disk) {
  std::string text;
  for (const std::string& file : disk.names()) {
    text += "\n    " + file + ": " + Segment(disk.content(file)).to_string();
  }
  return text;
}

void note_anatomy(const sim::Disk& disk, Tally& tally) {
  std::vector<std::string> segments;
  for (const std::string& file : disk.names()) {
    if (file.ends_with(".segment")) {
      segments.push_back(file);
    } else if (disk.content(file).size() < log::kSegmentBytesMin) {
      tally.note(Rare::kShortSpare);
    }
  }
  if (segments.empty()) tally.note(Rare::kNoFile);
  for (const std::string& file : segments) {
    const Segment segment(disk.content(file));
    const bool last = file == segments.back();
    if (!segment.is_whole()) continue;
    if (!last) {
      tally.note(segment.is_sealed() ? Rare::kFooter : Rare::kNoFooter);
      continue;
    }
    if (segment.is_empty()) tally.note(Rare::kEmptySegment);
    segment.note_tail(tally);
  }
}

}  // namespace ringpost::log_rig
