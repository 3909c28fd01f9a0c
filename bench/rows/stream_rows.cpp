// Rows of streams: stream/tail/…, stream/put/…, and log/append/1KiB/durable/producers.
//
//   tail       round trip through two streams in memory, read live. Ratio `cacheline`.
//   put        one process, records of 1 KiB that survive the loss of power, one after the other:
//   it
//              writes the log itself (embedded), or wakes a process that does (writer). Ratio
//              `raw`.
//   producers  eight processes, each waits for its record: who flushes, flushes for all. They write
//              themselves, or one process does for them. Ratio `raw`: flushes of eight records.
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "harness/drive_round_trip.hpp"
#include "peers/ringpost_stream.hpp"
#include "rows/broker_rivals.hpp"
#include "rows/log_raw.hpp"
#include "rows/one_process.hpp"
#include "rows/rivals.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

constexpr std::size_t kRecordBytes = 1024;
constexpr unsigned kProducers = 8;

/// A stream of one shard with its log on a disk, kept for all runs of its row.
class Place {
 public:
  Place() : bus_(disk_.path().string()) {
    (void)bus_.open()
        .stream("s", {.durability = Durability::kDurable, .log_bytes_max = 1ull << 30, .shards = 1})
        .value();
  }
  [[nodiscard]] Bus open() const { return bus_.open(); }

 private:
  DiskDirectory disk_;
  peers::TemporaryBus bus_;
};

enum class Writing : unsigned {
  kByPutters,  ///< whoever needs a flush does it
  kElsewhere,  ///< a process of its own does nothing else
};

/// One that puts and waits, again and again.
class Putter {
 public:
  Putter(const Place& place, unsigned index)
      : bus_(place.open()), stream_(bus_.open_stream("s").value()), index_(index) {}

  void put(std::uint64_t number) {
    fill_payload(body_, message_id(index_, number), Check::kEveryByte);
    const auto put = stream_.put("key", body_);
    if (!put) throw std::runtime_error(std::string("put: ") + message(put.error()));
  }

 private:
  Bus bus_;
  Stream stream_;
  unsigned index_;
  std::array<std::byte, kRecordBytes> body_{};
};

void put_slices(const Place& place, unsigned index, Session& session) {
  Putter putter(place, index);
  ProcessReport& report = session.report();
  std::uint64_t sent = 0;
  session.run_slices([&](std::size_t /*n*/) {
    Ticks last = ticks_now();
    const Ticks deadline = last + session.slice_ticks();
    while (last < deadline) {
      putter.put(sent++);
      const Ticks now = ticks_now();
      report.latency.record(now - last);
      last = now;
    }
    session.board().producers_done.fetch_add(1, std::memory_order_acq_rel);
  });
  report.sent = sent;
}

/// Writes the log until all are done.
void write_slices(const Place& place, unsigned producers, Session& session) {
  Bus bus = place.open();
  Stream stream = bus.open_stream("s").value();
  const LogWriter writer = stream.writer().value();
  session.run_slices([&](std::size_t n) {
    const auto done = static_cast<std::uint32_t>(producers * (n + 1));
    while (session.board().producers_done.load(std::memory_order_acquire) < done) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
}

/// Where the next record will be.
SequenceNumber end_of(const Place& place) {
  Bus bus = place.open();
  return bus.open_stream("s").value().reader(0, From::latest()).value().position();
}

void verify(const Place& place, const SequenceNumber& from, RunResult& result,
            RunOutcome& outcome) {
  if (result.status != RunResult::Status::kDone) return;
  Bus bus = place.open();
  Stream stream = bus.open_stream("s").value();
  ShardReader reader = stream.reader(0, From::at(from)).value();
  Tally tally;
  while (const auto record = reader.next()) {
    tally.add(record->data, kRecordBytes, Check::kEveryByte);
  }
  outcome.tallies = {tally};
  judge_messages(result, outcome, outcome.sent, true);
}

RunResult run_puts(const Place& place, unsigned producers, Writing writing,
                   const RunSettings& settings) {
  const SequenceNumber from = end_of(place);
  std::vector<Role> roles;
  const bool elsewhere = writing == Writing::kElsewhere;
  for (unsigned i = 0; i < producers; ++i) {
    // A writer has the second core; without one the producers share both.
    roles.push_back({elsewhere ? 0 : i % 2, [&place, i](Session& s) { put_slices(place, i, s); }});
  }
  if (elsewhere) {
    roles.push_back({1, [&place, producers](Session& s) { write_slices(place, producers, s); }});
  }
  RunOutcome outcome = run_processes(roles, settings);
  outcome.sent.resize(producers);
  std::uint64_t sent = 0;
  for (const std::uint64_t of_one : outcome.sent) sent += of_one;
  RunResult result = result_of(outcome, sent);
  result.placement = Placement::kNear;  // what is measured is the disk, and who wakes whom
  verify(place, from, result, outcome);
  return result;
}

Measurement puts(unsigned producers, Writing writing) {
  auto place = std::make_shared<std::unique_ptr<Place>>();
  return [=](const RunSettings& settings) {
    if (*place == nullptr) *place = std::make_unique<Place>();
    return run_puts(**place, producers, writing, settings);
  };
}

std::vector<Rival> rivals_of_puts(std::vector<Variant> raw, const rivals::Publishing& how) {
  std::vector<Rival> all{{"raw", std::move(raw)}};
  rivals::add_durable_brokers(all, how);
  return all;
}

}  // namespace

void add_stream_rows(Rows& rows) {
  ChannelOptions channel;
  rows.push_back({"stream/tail/64B",
                  Unit::kNanoseconds,
                  {{"", round_trip_of<peers::RingpostStream>(channel)}},
                  {{"cacheline", rivals::cacheline_round_trip()}},
                  true});
  rows.push_back({"stream/put/1KiB/durable/embedded",
                  Unit::kNanoseconds,
                  {{"", puts(1, Writing::kByPutters)}},
                  rivals_of_puts(rivals::raw_commit(), {1, 1}),
                  true});
  rows.push_back({"stream/put/1KiB/durable/writer",
                  Unit::kNanoseconds,
                  {{"", puts(1, Writing::kElsewhere)}},
                  {{"raw", rivals::raw_commit_elsewhere()}},
                  true});
  rows.push_back({"log/append/1KiB/durable/producers",
                  Unit::kPerSecond,
                  {{"they write", puts(kProducers, Writing::kByPutters)},
                   {"writer", puts(kProducers, Writing::kElsewhere)}},
                  rivals_of_puts(rivals::raw_group_commit(kProducers), {kProducers, 1}),
                  true});
}

}  // namespace ringpost::bench
