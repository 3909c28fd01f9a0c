// Rows of the standard queue: latency/…, cycle/….
#include <fmt/format.h>

#include "harness/drive_open_loop.hpp"
#include "harness/drive_round_trip.hpp"
#include "harness/drive_throughput.hpp"
#include "peers/ringpost_queue.hpp"
#include "rows/rivals.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

using SpinQueue = peers::RingpostQueue<Waiting::kSpin>;
using AdaptiveQueue = peers::RingpostQueue<Waiting::kAdaptive>;
using ParkQueue = peers::RingpostQueue<Waiting::kPark>;

void add_latency(Rows& rows) {
  for (const std::size_t bytes : {32u, 64u}) {
    ChannelOptions options;
    options.message_bytes = bytes;
    const std::string name = fmt::format("queue/latency/{}/", rivals::size_name(bytes));
    rows.push_back({name + "spin",
                    Unit::kNanoseconds,
                    {{"", round_trip_of<SpinQueue>(options)}},
                    rivals::latency(options),
                    true});
    rows.push_back({name + "park",
                    Unit::kNanoseconds,
                    {{"", round_trip_of<ParkQueue>(options)}},
                    rivals::latency(options),
                    true});
  }
}

/// Of several processes a side also the same work done by one.
std::vector<Rival> rivals_of_cycle(ChannelOptions options) {
  std::vector<Rival> all = rivals::cycle(options);
  if (options.producers > 1) {
    options.producers = options.consumers = 1;
    all.push_back({"base", {{"1 to 1", throughput_of<SpinQueue>(options)}}});
  }
  return all;
}

void add_cycle(Rows& rows) {
  for (const std::size_t bytes : {64u, 1024u, 64u * 1024, 256u * 1024}) {
    for (const unsigned processes : {1u, 2u, 8u}) {
      for (const std::size_t batch : {1u, 10u, 100u}) {
        if (bytes > 1024 && batch > 1) continue;  // loans are sent one by one
        ChannelOptions options;
        options.message_bytes = bytes;
        options.producers = options.consumers = processes;
        options.batch = batch;
        options.capacity = bytes > 1024 ? 64 : processes == 1 ? 1024 : 4096;
        const bool quick =
            bytes != 1024 &&
            (processes == 1 ? batch != 100 : bytes == 64 && processes == 8 && batch == 1);
        rows.push_back({fmt::format("queue/cycle/{}/{}to{}/batch{}", rivals::size_name(bytes),
                                    processes, processes, batch),
                        Unit::kPerSecond,
                        {{"", processes > 1 ? throughput_of<AdaptiveQueue>(options)
                                            : throughput_of<SpinQueue>(options)}},
                        rivals_of_cycle(options),
                        quick});
      }
    }
  }
}

}  // namespace

void add_queue_rows(Rows& rows) {
  add_latency(rows);
  add_cycle(rows);
}

}  // namespace ringpost::bench
