#include <fmt/format.h>

#include "rows/rivals.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

ChannelOptions channel(std::size_t bytes) {
  ChannelOptions options;
  options.message_bytes = bytes;
  options.capacity = bytes <= 1024 ? 1024 : 64;
  return options;
}

void add_round_trips(Rows& rows) {
  rows.push_back({"peer/cacheline", Unit::kNanoseconds, rivals::cacheline_round_trip(), {}, false});
  rows.push_back({"peer/futex", Unit::kNanoseconds, rivals::futex_round_trip(), {}, false});
  for (const std::size_t bytes : {32u, 64u}) {
    const ChannelOptions options = channel(bytes);
    const std::string end = fmt::format("/latency/{}", rivals::size_name(bytes));
    const std::vector<Rival> limit = {{"cacheline", rivals::cacheline_round_trip()}};
    const auto add = [&](const char* name, std::vector<Variant> subject) {
      rows.push_back({fmt::format("peer/{}{}", name, end), Unit::kNanoseconds, std::move(subject),
                      limit, false});
    };
    add("spsc", rivals::spsc_round_trip(options));
    add("mpmc", rivals::mpmc_round_trip(options));
    add("boost_mq", rivals::boost_mq_round_trip(options));
    add("posix_mq", rivals::posix_mq_round_trip(options));
  }
}

void add_throughput(Rows& rows) {
  for (const std::size_t bytes : {64u, 1024u, 64u * 1024, 256u * 1024}) {
    const ChannelOptions options = channel(bytes);
    const std::string end = fmt::format("/{}", rivals::size_name(bytes));
    const std::vector<Rival> limit = {{"spsc", rivals::spsc_throughput(options)}};
    const auto add = [&](const char* name, std::vector<Variant> subject, bool with_limit = true) {
      rows.push_back({fmt::format("peer/{}{}", name, end), Unit::kPerSecond, std::move(subject),
                      with_limit ? limit : std::vector<Rival>{}, false});
    };
    add("spsc", rivals::spsc_throughput(options), false);
    add("floor", rivals::floor_throughput(options));
    add("mpmc", rivals::mpmc_throughput(options));
    add("memcpy", rivals::memcpy_throughput(options), false);
    add("boost_mq", rivals::boost_mq_throughput(options));
    add("posix_mq", rivals::posix_mq_throughput(options));
  }
  ChannelOptions many = channel(64);
  many.capacity = 4096;
  for (const unsigned processes : {2u, 8u}) {
    many.producers = many.consumers = processes;
    const std::string end = fmt::format("/64B/{0}to{0}", processes);
    rows.push_back({fmt::format("peer/mpmc{}", end),
                    Unit::kPerSecond,
                    rivals::mpmc_throughput(many),
                    {},
                    false});
    rows.push_back({fmt::format("peer/boost_mq{}", end),
                    Unit::kPerSecond,
                    rivals::boost_mq_throughput(many),
                    {},
                    false});
  }
}

void add_open_loop(Rows& rows) {
  constexpr double kPerSecond = 1e6;
  const ChannelOptions options = channel(64);
  rows.push_back({"peer/spsc/open/64B/1M",
                  Unit::kNanoseconds,
                  rivals::spsc_open_loop(options, kPerSecond),
                  {},
                  false});
  rows.push_back({"peer/boost_mq/open/64B/1M",
                  Unit::kNanoseconds,
                  rivals::boost_mq_open_loop(options, kPerSecond),
                  {{"spsc", rivals::spsc_open_loop(options, kPerSecond)}},
                  false});
}

}  // namespace

void add_peer_rows(Rows& rows) {
  add_round_trips(rows);
  add_throughput(rows);
  add_open_loop(rows);
}

}  // namespace ringpost::bench
