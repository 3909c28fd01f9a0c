// The peers as rivals: every variant of each, for a channel as the options describe it.
//
// Those that know one producer and one consumer only run so also beside rows of more processes, and
// none has batches: their unbatched rate stands beside batches too.
#pragma once

#include <string>

#include "harness/row.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::rivals {

// Messages a second.
std::vector<Variant> spsc_throughput(ChannelOptions options);
std::vector<Variant> floor_throughput(ChannelOptions options);
std::vector<Variant> mpmc_throughput(ChannelOptions options);
std::vector<Variant> boost_mq_throughput(ChannelOptions options);
std::vector<Variant> posix_mq_throughput(ChannelOptions options);
std::vector<Variant> memcpy_throughput(ChannelOptions options);

// Round trips.
std::vector<Variant> cacheline_round_trip();
std::vector<Variant> futex_round_trip();
std::vector<Variant> spsc_round_trip(ChannelOptions options);
std::vector<Variant> mpmc_round_trip(ChannelOptions options);
std::vector<Variant> boost_mq_round_trip(ChannelOptions options);
std::vector<Variant> posix_mq_round_trip(ChannelOptions options);

// Latency at a fixed rate.
std::vector<Variant> spsc_open_loop(ChannelOptions options, double messages_per_s);
std::vector<Variant> boost_mq_open_loop(ChannelOptions options, double messages_per_s);

/// All that a row of the full cycle carries: floor, mpmc, spsc, boost_mq, posix_mq.
std::vector<Rival> cycle(const ChannelOptions& options);
/// All that a row of the round trip carries: cacheline, spsc, futex, boost_mq.
std::vector<Rival> latency(const ChannelOptions& options);

/// "64B", "64KiB".
std::string size_name(std::size_t bytes);

}  // namespace ringpost::bench::rivals
