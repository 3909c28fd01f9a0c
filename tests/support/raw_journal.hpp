// A journal in plain memory, and a log without a disk: for tests of the ring and of the writer
// role.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "journal/log_port.hpp"
#include "journal/producer.hpp"
#include "journal/reader.hpp"
#include "journal/view.hpp"

namespace ringpost::test {

class RawJournal {
 public:
  explicit RawJournal(std::uint32_t cells_log2, std::uint64_t start = 0,
                      journal::JournalKind kind = journal::JournalKind::kLog, bool fenced = false)
      : geometry_(journal::JournalGeometry::of(cells_log2)),
        memory_(static_cast<std::byte*>(std::aligned_alloc(base::kPageBytes, geometry_.file_bytes)),
                &std::free) {
    std::memset(memory_.get(), 0, geometry_.file_bytes);
    journal::initialise_journal(memory_.get(), geometry_, {.start = start, .kind = kind});
    view_ = journal::JournalView(memory_.get(), geometry_, kind, start, fenced);
  }
  [[nodiscard]] const journal::JournalView& view() const noexcept { return view_; }
  [[nodiscard]] journal::JournalHot& hot() const noexcept { return view_.hot(); }
  [[nodiscard]] std::byte* memory() const noexcept { return memory_.get(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return geometry_.file_bytes; }

 private:
  journal::JournalGeometry geometry_;
  std::unique_ptr<std::byte, decltype(&std::free)> memory_;
  journal::JournalView view_;
};

/// Writes a record into what was claimed for record_bytes(data.size()) bytes.
inline void write_record(const journal::Claim& claim, std::string_view data) {
  log::RecordHeader header{};
  header.bytes = static_cast<std::uint32_t>(sizeof header + data.size());
  header.position = claim.position;
  header.data_bytes = static_cast<std::uint32_t>(data.size());
  header.kind = log::RecordKind::kStream;
  std::memcpy(claim.bytes.data(), &header, sizeof header);
  std::memcpy(claim.bytes.data() + sizeof header, data.data(), data.size());
}
constexpr std::size_t record_bytes(std::size_t data) { return sizeof(log::RecordHeader) + data; }
inline std::string data_of(ByteSpan record) {
  log::RecordHeader header{};
  std::memcpy(&header, record.data(), sizeof header);
  return {reinterpret_cast<const char*>(record.data()) + sizeof header, header.data_bytes};
}

/// What is on the disk of a FakeLog: survives it.
struct FakeDisk {
  struct Record {
    std::uint64_t position = 0;
    std::string data;
    bool is_end = false;
  };
  std::vector<Record> records;
  std::uint64_t end = 0;      ///< written
  std::uint64_t durable = 0;  ///< of it
  int batches = 0, flushes = 0, opens = 0, resumes = 0, pauses = 0, marks = 0;
  int error = 0;            ///< errno of the next writes and syncs
  bool is_full = false;     ///< takes no more records
  bool is_damaged = false;  ///< cannot be opened
  std::size_t batch_records = 100;
  std::size_t under_way_max = 4;

  [[nodiscard]] std::vector<std::string> data() const {
    std::vector<std::string> all;
    for (const Record& record : records) all.push_back(record.is_end ? "(end)" : record.data);
    return all;
  }
};

/// Writes complete when somebody waits for them, or complete() says so.
class FakeLog final : public journal::LogPort {
 public:
  explicit FakeLog(FakeDisk& disk) : disk_(disk) {}

  Errc open(std::uint64_t acknowledged) override {
    ++disk_.opens;
    if (disk_.is_damaged || disk_.end < acknowledged) return Errc::kDamaged;
    failed_ = disk_.error;
    if (failed_ != 0) return Errc::kLogFailed;
    under_way_.clear();
    batch_.clear();
    end_ = disk_.durable = disk_.end;
    return Errc::kOk;
  }
  Errc resume(journal::ConstLogStateWords state) override {
    ++disk_.resumes;
    if (state[0] != kMark || state[1] != disk_.end) return Errc::kCorrupt;
    failed_ = 0;
    under_way_.clear();
    batch_.clear();
    end_ = disk_.end;
    return Errc::kOk;
  }
  Errc save(journal::LogStateWords state) override {
    if (disk_.error != 0) failed_ = disk_.error;
    state[0] = kMark;
    state[1] = end_;
    return failed_ != 0 ? Errc::kLogFailed : Errc::kOk;
  }
  [[nodiscard]] std::uint64_t end() const noexcept override { return end_; }
  [[nodiscard]] bool fits(std::size_t) const noexcept override {
    return batch_.size() < disk_.batch_records;
  }
  Errc add(std::uint64_t position, ByteSpan record) override {
    if (disk_.is_full) return Errc::kNoSpace;
    log::RecordHeader header{};
    std::memcpy(&header, record.data(), sizeof header);
    if (header.position != position || header.bytes != record.size()) return Errc::kCorrupt;
    batch_.push_back({position, data_of(record), header.kind == log::RecordKind::kEnd});
    return Errc::kOk;
  }
  Errc submit(disk::Sync sync, std::uint64_t end) override {
    if (under_way_.size() == disk_.under_way_max) complete();
    under_way_.push_back({std::exchange(batch_, {}), end, sync});
    end_ = end;
    ++disk_.batches;
    return Errc::kOk;
  }
  Errc write_now(disk::Sync sync, std::uint64_t end) override {
    static_cast<void>(submit(sync, end));
    return reap(true).code;
  }
  Progress reap(bool wait) override {
    while (wait && !under_way_.empty()) complete();
    return {disk_.durable, failed_ != 0 ? Errc::kLogFailed : Errc::kOk};
  }
  [[nodiscard]] bool has_under_way() const noexcept override { return !under_way_.empty(); }
  Errc flush() override {
    ++disk_.flushes;
    const Progress progress = reap(true);
    if (disk_.error != 0) failed_ = disk_.error;
    if (failed_ == 0) disk_.durable = disk_.end;
    return failed_ != 0 ? Errc::kLogFailed : progress.code;
  }
  Errc mark() override {
    ++disk_.marks;
    return Errc::kOk;
  }
  void pause() override { ++disk_.pauses; }
  [[nodiscard]] int last_errno() const noexcept override { return failed_; }

  /// The oldest write that is under way.
  void complete() {
    UnderWay done = std::move(under_way_.front());
    under_way_.pop_front();
    if (disk_.error != 0) failed_ = disk_.error;
    if (failed_ != 0) return;
    for (FakeDisk::Record& record : done.batch) disk_.records.push_back(std::move(record));
    disk_.end = done.end;
    if (done.sync == disk::Sync::kData) disk_.durable = done.end;
  }

 private:
  static constexpr std::uint64_t kMark = 0x5afe;
  struct UnderWay {
    std::vector<FakeDisk::Record> batch;
    std::uint64_t end;
    disk::Sync sync;
  };
  FakeDisk& disk_;
  std::vector<FakeDisk::Record> batch_;
  std::deque<UnderWay> under_way_;
  std::uint64_t end_ = 0;
  int failed_ = 0;
};

/// Everybody lives but those whom the test says.
class FakeLiveness final : public journal::Liveness {
 public:
  [[nodiscard]] bool is_alive(std::uint64_t creator_word) const noexcept override {
    return !dead.contains(creator_word);
  }
  std::set<std::uint64_t> dead;
};

}  // namespace ringpost::test
