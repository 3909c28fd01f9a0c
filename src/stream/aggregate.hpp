// Several records of a producer in one record of a stream, as the Kinesis producer library packs
// them: fewer puts for small records.
//
//   F3 89 9A C2 · AggregatedRecord (protobuf) · MD5 of the protobuf bytes
//
//   AggregatedRecord  1 partition_key_table · 2 explicit_hash_key_table · 3 records
//   Record            1 partition_key_index · 2 explicit_hash_key_index · 3 data · 4 tags
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/stream.hpp"

namespace ringpost::stream {

/// Gathers records. Threads: one at a time.
class Aggregate {
 public:
  /// The size that bytes() would have with that record too.
  [[nodiscard]] std::size_t bytes_with(std::string_view key, const std::optional<HashKey>& hash_key,
                                       std::size_t data_bytes) const;
  void add(std::string_view key, const std::optional<HashKey>& hash_key, ByteSpan data);
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// The record's data. Of one record alone it is better put as it is.
  [[nodiscard]] std::string finish() const;
  void clear() noexcept;

 private:
  struct Table {
    std::map<std::string, std::uint64_t, std::less<>> places;
    std::string encoded;
    [[nodiscard]] std::size_t bytes_with(std::string_view text) const;
    std::uint64_t place_of(std::string_view text, int field);
  };
  Table keys_;
  Table hash_keys_;
  std::string records_;
  std::size_t count_ = 0;
};

/// A record within another one. Refers to the other one's bytes.
struct SubRecord {
  std::string_view key;
  std::optional<HashKey> explicit_hash_key{};
  ByteSpan data;
};

/// Nothing: it is a plain record, also one that only begins like an aggregate.
[[nodiscard]] std::optional<std::vector<SubRecord>> unpack(ByteSpan data);

}  // namespace ringpost::stream
