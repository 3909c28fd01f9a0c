#include "rows/rivals.hpp"

#include <fmt/format.h>

#include "harness/drive_open_loop.hpp"
#include "harness/drive_round_trip.hpp"
#include "harness/drive_throughput.hpp"
#include "peers/boost_mq.hpp"
#include "peers/cacheline.hpp"
#include "peers/floor.hpp"
#include "peers/futex.hpp"
#include "peers/memcpy.hpp"
#include "peers/mpmc.hpp"
#include "peers/posix_mq.hpp"
#include "peers/spsc_cached.hpp"
#include "peers/spsc_sequence.hpp"

namespace ringpost::bench::rivals {
namespace {

// About ten sends: who has caught up waits so long and finds several messages then.
constexpr unsigned kBackOffPauses = 12;
// Boost and POSIX are far behind; they need no run in every round.
constexpr unsigned kFarBehind = 3;

ChannelOptions unbatched(ChannelOptions options) {
  options.batch = 1;
  return options;
}

ChannelOptions one_to_one(ChannelOptions options) {
  options.producers = 1;
  options.consumers = 1;
  return unbatched(options);
}

ChannelOptions with_pauses(ChannelOptions options, unsigned pauses) {
  options.idle_pauses = pauses;
  return options;
}

template <Transport T>
void add_with_and_without_back_off(std::vector<Variant>& variants, const std::string& name,
                                   const ChannelOptions& options) {
  variants.push_back({name, throughput_of<T>(with_pauses(options, 0))});
  variants.push_back({name + ", back-off", throughput_of<T>(with_pauses(options, kBackOffPauses))});
}

}  // namespace

std::vector<Variant> spsc_throughput(ChannelOptions options) {
  std::vector<Variant> variants;
  options = one_to_one(options);
  add_with_and_without_back_off<peers::SpscSequence>(variants, "sequence in slot", options);
  add_with_and_without_back_off<peers::SpscCached>(variants, "cached indices", options);
  return variants;
}

std::vector<Variant> floor_throughput(ChannelOptions options) {
  std::vector<Variant> variants;
  options = one_to_one(options);
  using peers::Floor;
  add_with_and_without_back_off<Floor<peers::SpscSequence>>(variants, "sequence in slot", options);
  add_with_and_without_back_off<Floor<peers::SpscCached>>(variants, "cached indices", options);
  return variants;
}

std::vector<Variant> mpmc_throughput(ChannelOptions options) {
  std::vector<Variant> variants;
  add_with_and_without_back_off<peers::Mpmc>(variants, "plain", unbatched(options));
  return variants;
}

std::vector<Variant> boost_mq_throughput(ChannelOptions options) {
  options = with_pauses(unbatched(options), 1);
  return {{"blocking", throughput_of<peers::BoostMq<true>>(options)},
          {"try", throughput_of<peers::BoostMq<false>>(options)}};
}

std::vector<Variant> posix_mq_throughput(ChannelOptions options) {
  options = with_pauses(unbatched(options), 1);
  return {{"blocking", throughput_of<peers::PosixMq<true>>(options)},
          {"non-blocking", throughput_of<peers::PosixMq<false>>(options)}};
}

std::vector<Variant> memcpy_throughput(ChannelOptions options) {
  options = one_to_one(options);
  options.check = Check::kStamp;
  return {{"", throughput_of<peers::Memcpy>(options)}};
}

std::vector<Variant> cacheline_round_trip() {
  return {{"", round_trip_of_pair<peers::CacheLine>(ChannelOptions{})}};
}

std::vector<Variant> futex_round_trip() {
  return {{"", round_trip_of_pair<peers::Futex>(ChannelOptions{})}};
}

std::vector<Variant> spsc_round_trip(ChannelOptions options) {
  options = one_to_one(options);
  return {{"sequence in slot", round_trip_of<peers::SpscSequence>(options)},
          {"cached indices", round_trip_of<peers::SpscCached>(options)}};
}

std::vector<Variant> mpmc_round_trip(ChannelOptions options) {
  return {{"", round_trip_of<peers::Mpmc>(one_to_one(options))}};
}

std::vector<Variant> boost_mq_round_trip(ChannelOptions options) {
  options = one_to_one(options);
  return {{"blocking", round_trip_of<peers::BoostMq<true>>(options)},
          {"try", round_trip_of<peers::BoostMq<false>>(options)},
          {"try, back-off", round_trip_of<peers::BoostMq<false>>(with_pauses(options, 8))}};
}

std::vector<Variant> posix_mq_round_trip(ChannelOptions options) {
  options = one_to_one(options);
  return {{"blocking", round_trip_of<peers::PosixMq<true>>(options)},
          {"non-blocking", round_trip_of<peers::PosixMq<false>>(options)}};
}

std::vector<Variant> spsc_open_loop(ChannelOptions options, double messages_per_s) {
  options = one_to_one(options);
  return {{"sequence in slot", open_loop_of<peers::SpscSequence>(options, messages_per_s)},
          {"cached indices", open_loop_of<peers::SpscCached>(options, messages_per_s)}};
}

std::vector<Variant> boost_mq_open_loop(ChannelOptions options, double messages_per_s) {
  options = one_to_one(options);
  return {{"blocking", open_loop_of<peers::BoostMq<true>>(options, messages_per_s)},
          {"try", open_loop_of<peers::BoostMq<false>>(options, messages_per_s)}};
}

std::vector<Rival> cycle(const ChannelOptions& options) {
  return {{"floor", floor_throughput(options), Ratio::kOursByTheirs, 1},
          {"mpmc", mpmc_throughput(options), Ratio::kOursByTheirs, 1},
          {"spsc", spsc_throughput(options), Ratio::kOursByTheirs, 1},
          {"boost_mq", boost_mq_throughput(options), Ratio::kTimesFaster, kFarBehind},
          {"posix_mq", posix_mq_throughput(options), Ratio::kTimesFaster, kFarBehind}};
}

std::vector<Rival> latency(const ChannelOptions& options) {
  return {{"cacheline", cacheline_round_trip(), Ratio::kOursByTheirs, 1},
          {"spsc", spsc_round_trip(options), Ratio::kOursByTheirs, 1},
          {"futex", futex_round_trip(), Ratio::kOursByTheirs, kFarBehind},
          {"boost_mq", boost_mq_round_trip(options), Ratio::kTimesFaster, kFarBehind}};
}

std::string size_name(std::size_t bytes) {
  return bytes % 1024 == 0 ? fmt::format("{}KiB", bytes / 1024) : fmt::format("{}B", bytes);
}

}  // namespace ringpost::bench::rivals
