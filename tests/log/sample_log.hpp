// A whole log on a simulated disk, for damage.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/log_model.hpp"
#include "support/sim_disk.hpp"

namespace ringpost::log_rig {

struct SampleLog {
  std::unique_ptr<sim::Disk> disk;
  Model model;
  log::LogOptions options;
  std::vector<std::string> segments;  ///< names, oldest first; the last one is not sealed
};

/// Full segments, and one that is half full. Everything was acknowledged, and the log says so.
[[nodiscard]] SampleLog make_sample_log(std::uint64_t seed, std::uint64_t segment_bytes,
                                        std::size_t full_segments, std::size_t record_bytes_max);

/// What somebody finds who reads everything below `end`.
struct Reading {
  std::string wrong;          ///< empty: every record as it was, the others reported
  bool opened = false;        ///< the reader
  std::size_t records = 0;    ///< given
  std::size_t reported = 0;   ///< of the model's, in gaps that were reported
  bool has_reported = false;  ///< kDamaged or kLapped, or did not open
};
/// Records that are neither given nor reported are wrong.
[[nodiscard]] Reading read_damaged(disk::Directory& directory, const Model& model,
                                   std::uint64_t end);

}  // namespace ringpost::log_rig
