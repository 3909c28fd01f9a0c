#include "history.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "feed_file.hpp"
#include "ledger.hpp"
#include "plan.hpp"
#include "role.hpp"

namespace ringpost::market_feed {
namespace {

constexpr std::string_view kStatePrefix = "ringpost-market-feed-";
constexpr std::uint32_t kSettleEvery = 512;  // lines: a flush of the disk for so many
constexpr std::uint64_t kCellBytes = 64;     // of a position

StreamSettings settings() {
  StreamSettings settings;
  settings.durability = Durability::kDurable;
  settings.shards = 1;
  settings.segment_bytes = 4u << 20;  // several of them
  return settings;
}

/// On a disk: /tmp may be memory.
std::filesystem::path place_for_state() {
  const std::filesystem::path on_disk = "/var/tmp";
  return ::access(on_disk.c_str(), W_OK) == 0 ? on_disk : std::filesystem::temp_directory_path();
}

}  // namespace

TemporaryState::TemporaryState(bool keep) {
  const char* const given = std::getenv("RINGPOST_STATE_DIR");
  if (given != nullptr && *given != '\0') {
    path_ = given;
    return;
  }
  own_ = !keep;
  path_ = place_for_state() /
          (std::string(kStatePrefix) + (keep ? "kept-" : "") + std::to_string(::getpid()));
  ::setenv("RINGPOST_STATE_DIR", path_.c_str(), 1);  // for the children too
}

TemporaryState::~TemporaryState() {
  std::error_code ignored;
  if (own_) std::filesystem::remove_all(path_, ignored);
}

void TemporaryState::remove_abandoned() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(place_for_state(), ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kStatePrefix)) continue;
    pid_t pid = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kStatePrefix.size(), end, pid);
    if (parsed.ec != std::errc{} || parsed.ptr != end) continue;
    if (::kill(pid, 0) == 0 || errno != ESRCH) continue;
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

History::History(Bus& bus) : stream_(bus.stream(kStreamName, settings()).value()) {}

ShardStats History::look() { return stream_.stats().value().shards.at(0); }
std::uint64_t History::published() { return look().published * kCellBytes; }
std::uint64_t History::durable() { return look().durable * kCellBytes; }

HistoryReport History::replay(std::span<const std::string_view> lines) {
  HistoryReport report;
  try {
    const ShardStats stats = look();
    report.log_bytes = stats.log_bytes;
    report.segments = stats.segments;
    std::vector<WallTime> arrivals;
    read(From::trim_horizon(), lines, report.from_beginning, &arrivals);
    if (arrivals.size() != lines.size()) return report;
    // Several lines may have arrived at the same moment: the first of them.
    const WallTime middle = arrivals[arrivals.size() / 2];
    const auto first = std::find(arrivals.begin(), arrivals.end(), middle);
    report.from_line = static_cast<std::uint32_t>(first - arrivals.begin());
    read(From::time(middle), lines.subspan(report.from_line), report.by_time, nullptr);
  } catch (const Exception& error) {
    report.failure = error.what();
  }
  return report;
}

void History::read(const From& from, std::span<const std::string_view> lines, Replayed& into,
                   std::vector<WallTime>* arrivals) {
  const std::uint64_t begin_ns = monotonic_ns();
  into.expected = static_cast<std::uint32_t>(lines.size());
  ShardReader reader = stream_.reader(0, from).value();
  for (auto record = reader.next();; record = reader.next()) {
    if (!record) {
      if (record.error() == Errc::kEmpty) break;
      throw Exception(record.error());
    }
    const std::string_view data = as_text(record->data);
    const bool same = into.records < lines.size() && data == lines[into.records];
    into.changed += same && reader.intact() ? 0u : 1u;
    into.bytes += data.size();
    ++into.records;
    if (arrivals != nullptr) arrivals->push_back(record->arrival);
  }
  into.seconds = static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
}

/// What a dead feed had claimed and not published is swept first: readers do not go past it.
Historian::Historian(Bus& bus) : stream_(bus.open_stream(kStreamName).value()) {
  bus.sweep();
  ShardReader reader = stream_.reader(0, From::trim_horizon(), Follow::kPublished).value();
  for (auto record = reader.next(); record; record = reader.next()) {
    last_ = {0, record->sequence};
    ++lines_;
  }
}

Errc Historian::note(std::uint32_t number, std::string_view line) {
  if (number < lines_) return Errc::kOk;
  const auto put = stream_.put(order_key(FeedLine::parse(line).value()), line,
                               {.durability = Durability::kMemory});
  if (!put) return put.error();
  last_ = *put;
  ++lines_;
  return lines_ % kSettleEvery == 0 ? settle() : Errc::kOk;
}

Errc Historian::settle() {
  return lines_ == 0 ? Errc::kOk : stream_.wait_durable({&last_, 1}, 20s);
}

int run_log_writer(const RoleOptions& options) {
  const Ledger ledger = Ledger::attach(options.ledger_descriptor);
  Bus bus = Bus::open(options.bus, {.create = false}).value();
  Stream stream = bus.open_stream(kStreamName).value();
  const LogWriter writer = stream.writer().value();
  while (!ledger.finished().load(std::memory_order_acquire)) {
    if (writer.failure() != Errc::kOk) {
      fmt::print(stderr, "log writer: {}\n", message(writer.failure()));
      return 2;
    }
    std::this_thread::sleep_for(10ms);
  }
  return 0;
}

}  // namespace ringpost::market_feed
