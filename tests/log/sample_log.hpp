// A whole log on a simulated disk, for damage.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/log_model.hpp"
#include "support/sim_disk.hpp"

namespace ringpost::log_rig {

/// One batch of a segment, as an independent look at the file finds it.
struct Batch {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t base = 0;  ///< positions
  std::uint64_t end = 0;
};

struct SampleSegment {
  std::string name;
  std::uint64_t base = 0;
  std::vector<Batch> batches;
  std::vector<bool> counts;  ///< for each byte: whether a checksum of header or record covers it

  /// The batch in which a byte lies, or none.
  [[nodiscard]] const Batch* batch_at(std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t end() const { return batches.back().end; }
  [[nodiscard]] std::uint64_t data_end() const {
    return batches.back().offset + batches.back().bytes;
  }
};

struct SampleLog {
  std::unique_ptr<sim::Disk> disk;
  Model model;
  log::LogOptions options;
  std::vector<SampleSegment> segments;  ///< oldest first; the last one is not sealed
};

/// Full segments, and one that is half full. Everything was acknowledged, and the log says so. With
/// another `life` the same records, but other epochs.
[[nodiscard]] SampleLog make_sample_log(std::uint64_t seed, std::uint64_t segment_bytes,
                                        std::size_t full_segments, std::size_t record_bytes_max,
                                        std::uint64_t life = 0);
/// Some bytes of a file, from another disk.
void splice(sim::Disk& into, const std::string& file, const sim::Disk& from,
            const std::string& other, std::uint64_t offset, std::uint64_t bytes);

/// What somebody finds who reads a part of the log.
struct Reading {
  std::string wrong;          ///< empty: every record as it was, the others reported
  std::size_t records = 0;    ///< given
  std::size_t reported = 0;   ///< of the model's, in gaps that were reported
  bool has_reported = false;  ///< kDamaged or kLapped, or did not open
};
/// Reads [from, end). Records that are neither given nor reported are wrong.
[[nodiscard]] Reading read_damaged(disk::Directory& directory, const Model& model,
                                   std::uint64_t from, std::uint64_t end);

}  // namespace ringpost::log_rig
