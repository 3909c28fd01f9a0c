// Rows of the segment log: log/append/…, log/replay/…, log/open/…, log/seek/….
//
//   append  one process with the writer in it, records of 1 KiB; read back and compared afterwards.
//           memory: on their way to the disk; durable: safe when the time ends; latency: one after
//           the other. The log is as large as retention lets it be: it writes into segments that
//           were in use before. Ratio `raw`: to a bare loop that writes as many bytes.
//   replay  the reader over 256 MiB of records of 1 KiB, which it verifies; cached and cold. Ratio
//           `scan`: to a loop that sums the words of the same files where they are mapped.
//   open    recovery of a log of so many records: a writer opens it. Ratio `base`: to the least.
//   seek    to a position and to a time, in turn, each to the first record there. Ratio `base`.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "disk/open.hpp"
#include "harness/runner.hpp"
#include "rows/broker_rivals.hpp"
#include "rows/log_raw.hpp"
#include "rows/log_scene.hpp"
#include "rows/one_process.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

constexpr std::size_t kRecordBytes = 1024;
constexpr std::uint64_t kKeptBytes = 256ull << 20;
constexpr std::size_t kBetweenLooks = 64;

/// A scene that is made at the first run and kept for all runs of its row.
template <class Scene, class Make, class Run>
Measurement kept(Make make, Run run) {
  auto scene = std::make_shared<std::unique_ptr<Scene>>();
  return [scene, make, run](const RunSettings& settings) {
    if (*scene == nullptr) *scene = make();
    return run(**scene, settings);
  };
}

log::LogOptions append_options() {
  log::LogOptions options;
  options.spare_segments = 4;
  return options;
}

/// With so much in it that from now on retention gives back what it takes: segments that were
/// written before, as the bare loops have them.
std::unique_ptr<LogScene> steady_scene() {
  const log::LogOptions options = append_options();
  auto scene = std::make_unique<LogScene>(kRecordBytes, options);
  const std::uint64_t segments = kKeptBytes / options.segment_bytes + options.spare_segments + 1;
  while (scene->position() * log::kCellBytes < segments * options.segment_bytes) {
    scene->append(disk::Sync::kNone);
  }
  scene->finish(disk::Sync::kData);
  while (scene->writer().prepare_more()) {
  }
  return scene;
}

template <class Work>
RunResult appended(LogScene& scene, Work&& work) {
  scene.tidy_up(kKeptBytes);
  const std::uint64_t position = scene.position();
  const std::uint64_t first = scene.count();
  const Ticks begin = ticks_now();
  Histogram latency = work();
  const Ticks took = ticks_now() - begin;
  RunResult result =
      result_of_one_process(scene.count() - first, took, scene.verify(position, first));
  if (!result.verified) result.note = "the log does not hold what was appended";
  result.latency = latency;
  return result;
}

Measurement append(disk::Sync sync) {
  return kept<LogScene>(steady_scene, [sync](LogScene& scene, const RunSettings& settings) {
    return appended(scene, [&] {
      until_time_is_over(settings, [&] {
        for (std::size_t i = 0; i < kBetweenLooks; ++i) scene.append(sync);
      });
      scene.finish(sync);
      return Histogram{};
    });
  });
}

Measurement commit() {
  return kept<LogScene>(steady_scene, [](LogScene& scene, const RunSettings& settings) {
    return appended(scene, [&] {
      const OnFirstCore pinned;  // as the bare loop is
      Histogram latency;
      Ticks last = ticks_now();
      until_time_is_over(settings, [&] {
        scene.commit();
        const Ticks now = ticks_now();
        latency.record(now - last);
        last = now;
      });
      return latency;
    });
  });
}

// ---- replay ---------------------------------------------------------------------------------

/// A log that is only read, and the same files as a bare loop sees them.
class Library {
 public:
  static constexpr std::uint64_t kBytes = 256ull << 20;

  Library() : scene_(kRecordBytes) {
    while (scene_.count() * kRecordBytes < kBytes) scene_.append(disk::Sync::kNone);
    scene_.finish(disk::Sync::kData);
    scene_.reopen();  // seals the last segment
    if (!scene_.verify(0, 0)) throw std::runtime_error("the log does not hold what was appended");
    for (const auto& entry : std::filesystem::directory_iterator(scene_.path())) {
      if (entry.path().extension() == ".segment") files_.push_back(written(entry.path()));
    }
  }

  void make_cold() const { scene_.cool_cache(); }
  /// Everything from the beginning; returns the number of records, all of which the reader has
  /// verified. Whether they are in order is looked at here.
  std::uint64_t replay() {
    auto reader = log::Reader::open(scene_.directory());
    std::uint64_t next = 0;
    while (reader) {
      const auto record = (*reader)->next(scene_.position());
      if (!record) break;
      std::uint64_t id = 0;
      std::memcpy(&id, record->data().data(), sizeof id);
      if (id != LogScene::id_of(next)) break;
      ++next;
    }
    return next;
  }
  /// The sum of all words that were written, the files mapped one after the other.
  std::uint64_t scan(bool sequential) const {
    std::uint64_t sum = 0;
    for (const Written& file : files_) {
      const Mapped mapped(file.path, file.bytes);
      if (sequential) (void)::madvise(mapped.memory, file.bytes, MADV_SEQUENTIAL);
      const auto* words = static_cast<const std::uint64_t*>(mapped.memory);
      for (std::size_t i = 0; i < file.bytes / 8; ++i) sum += words[i];
    }
    return sum;
  }
  /// As many as the files have: a scan reads headers and padding too.
  [[nodiscard]] std::uint64_t scanned_records() const noexcept { return scene_.count(); }
  [[nodiscard]] bool is_all(std::uint64_t records) const noexcept {
    return records == scene_.count();
  }

 private:
  struct Mapped {
    Mapped(const std::filesystem::path& path, std::size_t length) : bytes(length) {
      const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
      ::close(descriptor);
      if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + path.string());
    }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    ~Mapped() { ::munmap(memory, bytes); }
    void* memory;
    std::size_t bytes;
  };
  struct Written {
    std::filesystem::path path;
    std::size_t bytes;
  };
  /// Without the zeros at the end.
  static Written written(const std::filesystem::path& path) {
    const Mapped mapped(path, std::filesystem::file_size(path));
    const auto* words = static_cast<const std::uint64_t*>(mapped.memory);
    std::size_t count = mapped.bytes / 8;
    while (count > 1 && words[count - 1] == 0) --count;
    return {path, count * 8};
  }

  LogScene scene_;
  std::vector<Written> files_;
};

/// One for replay and scan, cached and cold.
Library& library() {
  static Library only;
  return only;
}

template <class Read>
RunResult read_whole(bool cold, Read&& read) {
  Library& library = bench::library();
  if (cold) library.make_cold();
  const Ticks begin = ticks_now();
  const std::uint64_t records = read(library);
  return result_of_one_process(records, ticks_now() - begin, library.is_all(records));
}

Measurement replay(bool cold) {
  return [cold](const RunSettings& /*settings*/) {
    return read_whole(cold, [](Library& of) { return of.replay(); });
  };
}

std::vector<Variant> scan(bool cold) {
  std::vector<Variant> variants;
  for (const bool sequential : {false, true}) {
    variants.push_back({sequential ? "MADV_SEQUENTIAL" : "", [=](const RunSettings& /*settings*/) {
                          return read_whole(cold, [&](const Library& of) {
                            const std::uint64_t sum = of.scan(sequential);
                            asm volatile("" : : "r"(sum));
                            return of.scanned_records();
                          });
                        }});
  }
  return variants;
}

// ---- open and seek --------------------------------------------------------------------------

/// So many small records, the last of them in a segment of their own: recovery reads that one.
class Backlog {
 public:
  static constexpr std::uint64_t kInLastSegment = 50'000;

  explicit Backlog(std::uint64_t records) : scene_(16) {
    while (scene_.count() < records - kInLastSegment) scene_.append(disk::Sync::kNone);
    scene_.finish(disk::Sync::kData);
    scene_.reopen();
    while (scene_.count() < records) scene_.append(disk::Sync::kNone);
    scene_.finish(disk::Sync::kData);
    scene_.warm_cache();  // the sizes shall differ, not what the page cache has of them
  }
  /// What a process does that takes over the log of a dead one. Changes nothing on the disk.
  bool open() {
    auto writer = log::Writer::open(scene_.directory(), {});
    return writer && (*writer)->end() == scene_.position();
  }
  bool seek() {
    if (reader_ == nullptr) reader_ = std::move(*log::Reader::open(scene_.directory()));
    // Anywhere, evenly; records have cells_ cells each.
    step_ = step_ * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t cells = scene_.position() / scene_.count();
    const std::uint64_t number = (step_ >> 20) % scene_.count();
    reader_->seek(number * cells);
    const auto record = reader_->next(scene_.position());
    return record && record->header.position == number * cells;
  }
  bool seek_time() {
    step_ = step_ * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t cells = scene_.position() / scene_.count();
    const std::uint64_t number = (step_ >> 20) % scene_.count();
    if (!reader_->seek_time(LogScene::arrival_of(number), scene_.position())) return false;
    const auto record = reader_->next(scene_.position());
    return record && record->header.position == number * cells;
  }

 private:
  LogScene scene_;
  std::unique_ptr<log::Reader> reader_;
  std::uint64_t step_ = 1;
};

template <class Work>
RunResult repeat(const RunSettings& settings, Work&& work) {
  bool verified = true;
  const Ticks begin = ticks_now();
  const auto rounds = until_time_is_over(settings, [&] { verified = work() && verified; });
  return result_of_one_process(rounds, ticks_now() - begin, verified);
}

/// One backlog of each size for both rows; the last one stays until another is asked for.
Backlog& backlog_of(std::uint64_t records) {
  static std::map<std::uint64_t, std::unique_ptr<Backlog>> all;
  auto& backlog = all[records];
  if (backlog == nullptr) backlog = std::make_unique<Backlog>(records);
  return *backlog;
}

Measurement open_log(std::uint64_t records) {
  return [records](const RunSettings& settings) {
    Backlog& backlog = backlog_of(records);
    return repeat(settings, [&] { return backlog.open(); });
  };
}

Measurement seek_in_log(std::uint64_t records) {
  return [records](const RunSettings& settings) {
    Backlog& backlog = backlog_of(records);
    return repeat(settings, [&] { return backlog.seek() && backlog.seek_time(); });
  };
}

void add_growing(Rows& rows, const char* name, Measurement (*make)(std::uint64_t)) {
  constexpr std::uint64_t kLeast = 100'000;
  for (const std::uint64_t records : {kLeast, 10 * kLeast, 100 * kLeast}) {
    rows.push_back({fmt::format("log/{}/{}", name, records),
                    Unit::kNanoseconds,
                    {{"", make(records)}},
                    {{"base", {{"", make(kLeast)}}}},
                    records == 100 * kLeast});
  }
}

}  // namespace

void add_log_rows(Rows& rows) {
  constexpr rivals::Publishing kSaturated{.clients = 1, .unconfirmed = 64};
  const auto add = [&](const char* name, Unit unit, Measurement subject,
                       std::vector<Rival> beside) {
    rows.push_back({name, unit, {{"", std::move(subject)}}, std::move(beside), true});
  };
  std::vector<Rival> memory{{"raw", rivals::raw_append()}};
  std::vector<Rival> durable{{"raw", rivals::raw_append_durable()}};
  std::vector<Rival> latency{{"raw", rivals::raw_commit()}};
  rivals::add_nats(memory, kSaturated);
  rivals::add_durable_brokers(durable, kSaturated);
  rivals::add_durable_brokers(latency, {});
  add("log/append/1KiB/memory/saturated", Unit::kPerSecond, append(disk::Sync::kNone), memory);
  add("log/append/1KiB/durable/saturated", Unit::kPerSecond, append(disk::Sync::kData), durable);
  add("log/append/1KiB/durable/latency", Unit::kNanoseconds, commit(), latency);
  add("log/replay/cached", Unit::kPerSecond, replay(false), {{"scan", scan(false)}});
  add("log/replay/cold", Unit::kPerSecond, replay(true), {{"scan", scan(true)}});
  add_growing(rows, "open", open_log);
  add_growing(rows, "seek", seek_in_log);
}

}  // namespace ringpost::bench
