// What a log must give back, kept beside it: every record that was put in, and how far the log has
// said that it is written and safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "log/reader.hpp"
#include "log/writer.hpp"
#include "process/rig/random.hpp"

namespace ringpost::log_rig {

struct Entry {
  std::uint64_t position = 0;
  std::int64_t arrival_ns = 0;
  std::vector<std::byte> bytes;  ///< as in a ring: the checksum is 0

  [[nodiscard]] std::uint64_t end() const { return position + log::cells_of(bytes.size()); }
};
using EntryPointer = std::shared_ptr<const Entry>;

/// A record whose bytes are drawn at random.
[[nodiscard]] EntryPointer make_entry(std::uint64_t position, std::int64_t arrival_ns,
                                      std::size_t bytes, rig::Random& random);
/// Empty: the same, but for the checksum that the log adds.
[[nodiscard]] std::string difference(const log::RecordView& found, const Entry& wanted);

/// Copied for what comes after a power cut.
struct Model {
  std::vector<EntryPointer> entries;  ///< in order of positions
  std::vector<std::uint64_t> ends;    ///< of all batches, sorted: where a log may end
  std::size_t added = 0;              ///< so many entries the present writer has been given
  std::uint64_t next = 0;             ///< no entry at or above it
  std::uint64_t offered_end = 0;      ///< of everything that was ever submitted
  std::uint64_t written_end = 0;      ///< as the log has said
  std::uint64_t durable_end = 0;      ///< as the log has said
  std::uint64_t now_ns = 1'700'000'000'000'000'000;  ///< when this life of the machine begins
  std::uint64_t may_drop_to = 0;                     ///< what retention may have taken away

  void offer(std::uint64_t end);
  [[nodiscard]] std::size_t index_of(std::uint64_t position) const;  ///< first entry at or behind
  /// The log ends here, for ever: what was behind it is gone.
  void cut_to(std::uint64_t end);
};

/// What a look at a log has found.
struct Look {
  std::string broken;  ///< empty: as the model says
  std::uint64_t first = 0;
  std::size_t records = 0;
};

/// Reads everything below `end`, and compares it with the model.
[[nodiscard]] Look look(disk::Directory& directory, const Model& model, std::uint64_t end);
/// Whether a log that has lost power, or its writer, may end there.
[[nodiscard]] std::string judge_end(const Model& model, std::uint64_t end,
                                    std::uint64_t promised_end);

}  // namespace ringpost::log_rig
