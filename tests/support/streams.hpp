// Streams in tests: small ones, and what is read of them as text.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/test_bus.hpp"

namespace ringpost::test {

/// A ring of 64 KiB and records of up to 16 KiB.
inline StreamSettings memory_stream(std::uint32_t shards = 1) {
  return {.record_bytes_max = 16 * 1024,
          .shards = shards,
          .storage = StreamStorage::kMemory,
          .ring_bytes = 64 * 1024};
}
/// The same with a log, in segments of 1 MiB.
inline StreamSettings logged_stream(std::uint32_t shards = 1) {
  return {.record_bytes_max = 16 * 1024,
          .shards = shards,
          .ring_bytes = 64 * 1024,
          .segment_bytes = 1 << 20};
}

using Texts = std::vector<std::string>;

inline Texts texts_of(const Records& records) {
  Texts texts;
  for (const StreamRecord& each : records) texts.emplace_back(as_text(each.data));
  return texts;
}
/// What a new reader of the shard finds, to its end.
inline Texts all_of(Stream& stream, std::uint32_t shard = 0,
                    const From& from = From::trim_horizon(),
                    std::optional<Follow> follow = std::nullopt) {
  Texts texts;
  ShardReader reader = stream.reader(shard, from, follow).value();
  for (;;) {
    const Records records = reader.read().value();
    for (std::string& text : texts_of(records)) texts.push_back(std::move(text));
    if (records.empty()) return texts;
  }
}

/// A hash key within the range of a shard.
inline PutOptions into(Stream& stream, std::uint32_t shard) {
  for (const ShardInfo& info : stream.shards().value()) {
    if (info.number == shard) return {.explicit_hash_key = info.first};
  }
  ADD_FAILURE() << "no shard " << shard;
  return {};
}

/// A bus whose shared memory can be lost, as by a reboot; what is on disk stays.
class RebootingBus {
 public:
  RebootingBus() { boot(); }
  [[nodiscard]] Bus& bus() noexcept { return *bus_; }
  [[nodiscard]] ManualClock& clock() noexcept { return clock_; }
  [[nodiscard]] std::uint64_t now_ns() const noexcept { return clock_.wall_ns(); }
  void reboot() {
    bus_.reset();
    std::filesystem::remove_all(scratch_.path("shm"));
    boot();
  }
  [[nodiscard]] std::string state() const { return scratch_.path("state") + "/test"; }
  [[nodiscard]] BusOptions options() const {
    return {.shm_dir = scratch_.path("shm"), .state_dir = scratch_.path("state"), .clock = &clock_};
  }

 private:
  void boot() { bus_.emplace(Bus::open("test", options()).value()); }
  rig::Scratch scratch_;
  ManualClock clock_;
  std::optional<Bus> bus_;
};

}  // namespace ringpost::test
