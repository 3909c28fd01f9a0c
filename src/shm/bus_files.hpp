// A bus on the file system: its directories and its mapped bus file, one per process and bus.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "base/time_source.hpp"
#include "ringpost/options.hpp"
#include "shm/bus_layout.hpp"
#include "shm/hazards.hpp"
#include "sys/mapping.hpp"

namespace ringpost::shm {

/// Where buses live: options, environment, default.
[[nodiscard]] std::string shm_directory(const BusOptions& options);
/// Where they keep what must outlive shared memory: the same.
[[nodiscard]] std::string state_directory(const BusOptions& options);
[[nodiscard]] bool is_valid_name(std::string_view name) noexcept;

class BusFiles {
 public:
  /// Opens or creates the bus. Several creators at once agree on one bus file: it gets its name by
  /// link when it is complete, and only the first link succeeds.
  static Result<std::shared_ptr<BusFiles>> open(const std::string& name, const BusOptions& options);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Where the bus keeps what must outlive shared memory. Nobody has looked whether it is there.
  [[nodiscard]] const std::string& state_path() const noexcept { return state_path_; }
  [[nodiscard]] BusHeader& header() const noexcept {
    return *reinterpret_cast<BusHeader*>(mapping_.data());
  }
  [[nodiscard]] ParticipantRecord& participant(std::uint32_t index) const noexcept {
    return reinterpret_cast<ParticipantRecord*>(mapping_.data() + kParticipantsOffset)[index];
  }
  /// Checked copies of the header's words.
  [[nodiscard]] std::uint32_t participants_max() const noexcept { return participants_max_; }
  [[nodiscard]] std::uint32_t participants_high() const noexcept;
  [[nodiscard]] bool fenced() const noexcept { return fenced_; }
  [[nodiscard]] const HazardBoard& hazards() const noexcept { return hazards_; }
  [[nodiscard]] const MoveBoard& moves() const noexcept { return moves_; }
  [[nodiscard]] const base::TimeSource& time() const noexcept { return time_; }

  [[nodiscard]] const sys::Fd& directory() const noexcept { return directory_; }
  [[nodiscard]] const sys::Fd& queues() const noexcept { return queues_; }
  [[nodiscard]] const sys::Fd& rings() const noexcept { return rings_; }
  [[nodiscard]] const sys::Fd& topics() const noexcept { return topics_; }
  [[nodiscard]] const sys::Fd& streams() const noexcept { return streams_; }
  [[nodiscard]] const sys::Fd& journals() const noexcept { return journals_; }
  [[nodiscard]] const sys::Fd& arena() const noexcept { return arena_; }
  [[nodiscard]] const sys::Fd& tags() const noexcept { return tags_; }
  [[nodiscard]] const sys::Fd& temporary() const noexcept { return temporary_; }

 private:
  BusFiles() = default;
  Result<void> open_directories(const BusOptions& options);
  Result<void> open_bus_file(const BusOptions& options);
  Result<void> create_bus_file(const BusOptions& options);
  Result<void> attach_bus_file(const sys::Fd& file);

  std::string name_;
  std::string path_;
  std::string state_path_;
  base::TimeSource time_;
  sys::Fd directory_, queues_, rings_, topics_, streams_, journals_, arena_, tags_, temporary_;
  sys::Mapping mapping_;
  std::uint32_t participants_max_ = 0;
  bool fenced_ = false;
  HazardBoard hazards_;
  MoveBoard moves_;
};

/// Maps the named file of `bytes_min` bytes at least, after checking its magic and format against
/// the expected ones: kWrongFormat, kOlderFormat, kNewerFormat name what is wrong.
Result<sys::Mapping> map_checked(const sys::Fd& file, const std::string& name, std::uint64_t magic,
                                 std::uint32_t format, std::size_t bytes_min);

}  // namespace ringpost::shm
