// A small log in memory: its epochs count up from 1 and its time stands still.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/reader.hpp"
#include "log/writer.hpp"
#include "ringpost/clock.hpp"
#include "support/memory_disk.hpp"

namespace ringpost::test {

/// The bytes of a stream's record.
[[nodiscard]] std::vector<std::byte> make_record(std::uint64_t position, std::int64_t arrival_ns,
                                                 std::string_view key, std::string_view data);

class LogStage {
 public:
  static constexpr std::uint64_t kSegmentBytes = 64 * 1024;

  MemoryDirectory directory;
  ManualClock clock{1'000};
  log::LogOptions options;

  LogStage();
  /// Recovers; a failure is the test's.
  [[nodiscard]] std::unique_ptr<log::Writer> open();
  [[nodiscard]] Errc code_of_open();
  [[nodiscard]] std::unique_ptr<log::Reader> reader();

  /// Puts records of `data_bytes` bytes that tell their positions, one batch each, durable. Their
  /// arrival is the clock's.
  void put(log::Writer& writer, unsigned records, std::size_t data_bytes = 100);
  /// One record more in the batch that is being gathered.
  Errc add(log::Writer& writer, std::size_t data_bytes = 100);
  /// Positions behind the last record.
  [[nodiscard]] std::uint64_t next_position() const noexcept { return next_position_; }
  void go_on_at(std::uint64_t position) noexcept { next_position_ = position; }

  /// Positions of all records below `bound`; gaps and errors stand there as text.
  [[nodiscard]] std::vector<std::string> read_all(std::uint64_t bound);
  [[nodiscard]] static std::vector<std::string> read_all(log::Reader& reader, std::uint64_t bound);
  /// Of the segment that was begun last.
  [[nodiscard]] std::string last_segment();

 private:
  std::uint64_t epochs_ = 0;
  std::uint64_t next_position_ = 0;
};

}  // namespace ringpost::test
